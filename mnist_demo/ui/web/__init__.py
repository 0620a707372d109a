"""How the page is served: start and stop, the one door for requests, uploads that wait, sessions, compression.

Knows HTTP and Gradio's web application. Does not know what the page shows: that is the rest of `ui`.
"""
