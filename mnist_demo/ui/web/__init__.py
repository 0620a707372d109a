"""How the page is served: start and stop, the one door for requests, uploads that wait, sessions, compression.

Knows HTTP and Gradio's web application. What the page shows is for the rest of `ui`.
"""
