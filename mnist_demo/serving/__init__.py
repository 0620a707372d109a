"""Many visitors at one server: their runs, the loop that trains them, and the networks they may ask.

Knows owners, sizes and limits. Knows no page: it returns data, and `ui` makes components of it.
"""
