"""How the page looks and behaves by itself: one theme, a few rules of CSS, a script."""

from pathlib import Path

import gradio as gr

THEME = gr.themes.Default(
    primary_hue=gr.themes.colors.blue,
    neutral_hue=gr.themes.colors.slate,
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
    radius_size=gr.themes.sizes.radius_md,
    spacing_size=gr.themes.sizes.spacing_sm,
).set(
    # The default's grey text is too pale on white for some readers (WCAG asks for a contrast of 4.5).
    body_text_color_subdued="*neutral_500",
    block_info_text_color="*neutral_500",
    # So are the white on its buttons, the mark of the open tab, and the ring of a radio button (3 for non-text).
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_dark="*primary_600",
    button_primary_background_fill_hover_dark="*primary_700",
    color_accent="*primary_600",
    checkbox_border_color="*neutral_500",
    checkbox_border_color_dark="*neutral_400",
    checkbox_background_color_selected="*primary_600",
    checkbox_border_color_selected="*primary_600",
    checkbox_border_color_selected_dark="*primary_300",
)

CSS = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
PAGE_JS = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
