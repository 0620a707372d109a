"""Networks and how they learn: layers, losses, optimizers, the training step, and checkpoints as bytes.

Knows one run at a time. Does not know who started it, and never opens the test images.
"""
