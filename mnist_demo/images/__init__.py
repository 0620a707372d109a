"""Images before a network sees them: MNIST, its augmentation, and how a drawing becomes 28x28 pixels.

Also imitated handwriting and drawings that are not digits. Does not know networks or training.
"""
