"""The PyTorch notes as live examples: each a short function whose source is shown and run.

The package knows tensors, pictures of tensors and the text of the notes; it knows no page (that is `ui/basics.py`).
"""
