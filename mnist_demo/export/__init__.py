"""A run to take home: its program, its figure, its tables and its weights, each as text or bytes.

Knows formats. Knows no page and no visitor.
"""
