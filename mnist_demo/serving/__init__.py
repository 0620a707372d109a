"""Many visitors at one server: their runs, the loop that trains them, and the networks they may ask.

Knows owners, sizes and limits. Does not know the page: it returns data, and `ui` makes components from it.
"""
