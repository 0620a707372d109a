"""A run to download: its program, its figure, its tables and its weights, each as text or bytes.

Knows formats. Does not know pages or visitors.
"""
