"""Uses a trained network: reads drawings, evaluates the network, and explains its answers.

Knows finished networks. Does not train. Only `evaluation` opens the test images.
"""
