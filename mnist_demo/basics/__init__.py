"""The PyTorch notes as live examples: each a short function whose source is shown and run.

Knows tensors, pictures of tensors and the text of the notes. Does not know the page: that is `ui/basics.py`.
"""
