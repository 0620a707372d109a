"""A trained network at work: reading a drawing, being evaluated, and explaining an answer.

Knows networks that are finished. `evaluation` alone opens the test images.
"""
