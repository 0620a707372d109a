"""The page's head: its title, description, icon and picture, for browsers and for whoever shows a shared link.

Gradio's template has "Gradio" and its own picture there. Knows that template. Does not know what the page shows.
"""

import re
from html import escape
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI
from gradio.routes import templates
from jinja2 import BaseLoader, ChoiceLoader, DictLoader
from starlette.responses import FileResponse

TITLE = "MNIST Lab"
DESCRIPTION = "Train two networks that differ in one knob, watch one learn and one fail, then draw digits on both."
ASSETS = Path(__file__).parents[2] / "assets"
ICON, PICTURE = ASSETS / "icon.svg", ASSETS / "screenshot.png"
PICTURE_PATH = "/screenshot.png"
TEMPLATES = ("frontend/index.html", "frontend/share.html")
_TAGS = re.compile(r'<meta\s+(?:property="og:|name="twitter:)[^>]*/>\s*|<link rel="manifest"[^>]*/>\s*')
# A page that is in no frame needs no script that tells the frame its height.
_RESIZER = "document.head.appendChild(script);"
_ONLY_FRAMED = f"if (window.parent !== window) {_RESIZER}"


def install(application: FastAPI) -> None:
    """Gives every page of this process our head, and serves its picture."""
    environment = templates.env
    given: BaseLoader = environment.loader  # type: ignore[assignment]
    ours = {name: our_head(given.get_source(environment, name)[0]) for name in TEMPLATES}
    environment.loader = ChoiceLoader([DictLoader(ours), given])
    application.get(PICTURE_PATH, include_in_schema=False)(lambda: FileResponse(PICTURE))


def our_head(template: str) -> str:
    """Gradio's template with our tags in place of its own."""
    picture = "{{ config.get('root', '') }}" + PICTURE_PATH
    shared = {"title": TITLE, "description": DESCRIPTION, "image": picture, "type": "website"}
    tags = [
        f"<title>{TITLE}</title>",
        f'<meta name="description" content="{escape(DESCRIPTION)}" />',
        *(f'<meta property="og:{name}" content="{escape(text, quote=False)}" />' for name, text in shared.items()),
        '<meta name="twitter:card" content="summary_large_image" />',
        f'<link rel="icon" href="data:image/svg+xml,{quote(ICON.read_text(encoding="utf-8"))}" />',
    ]
    return _TAGS.sub("", template).replace("<style>", "\n".join([*tags, "<style>"]), 1).replace(_RESIZER, _ONLY_FRAMED)
