"""Images before a network sees them: MNIST and its augmentation, and the way from a drawing to 28x28.

Also imitated handwriting and things that are not digits. Knows no network and no training.
"""
