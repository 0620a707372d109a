"""How the page looks: one theme, a few rules of CSS, the two runs' colours."""

import gradio as gr

THEME = gr.themes.Default(
    primary_hue=gr.themes.colors.blue,
    neutral_hue=gr.themes.colors.slate,
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
    radius_size=gr.themes.sizes.radius_md,
).set(
    # The default's quiet text is too pale on white to be read by everybody (WCAG asks for a contrast of 4.5).
    body_text_color_subdued="*neutral_500",
    block_info_text_color="*neutral_500",
    # So is white on its buttons, its mark of the open tab, and the ring of a radio button (3 for what is no text).
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_dark="*primary_600",
    button_primary_background_fill_hover_dark="*primary_700",
    color_accent="*primary_600",
    checkbox_border_color="*neutral_500",
    checkbox_border_color_dark="*neutral_400",
)

CSS = """
:root { --mnist-a: #0072b2; --mnist-b: #d55e00; }
.dark { --mnist-a: #56b4e9; --mnist-b: #e69f00; }
.dark { --color-accent: var(--primary-400); }
.gradio-container { width: 100%; max-width: 1320px !important; margin: 0 auto; overflow: clip !important; }
.mnist-header h1 { font-size: 1.5rem; margin: 0; letter-spacing: -0.01em; }
.mnist-header p { margin: 0.1rem 0 0; color: var(--body-text-color-subdued); }
.mnist-difference { font-size: 1.02rem; }
.mnist-difference b { font-weight: 600; }
.mnist-note { color: var(--body-text-color-subdued); font-size: 0.9rem; }
.mnist-error { border-left: 3px solid #c62828; padding: 0.4rem 0.8rem; background: var(--background-fill-secondary); }
.mnist-status { display: grid; grid-template-columns: repeat(auto-fit, minmax(270px, 1fr)); gap: 0.7rem; }
.mnist-run { border: 1px solid var(--border-color-primary); border-left: 4px solid var(--mnist-a);
  border-radius: 8px; padding: 0.55rem 0.8rem; background: var(--background-fill-primary); }
.mnist-run-b { border-left-color: var(--mnist-b); }
.mnist-run h3 { margin: 0; font-size: 0.95rem; display: flex; justify-content: space-between; gap: 0.5rem; }
.mnist-run h3 span { font-weight: 400; color: var(--body-text-color-subdued); }
.mnist-run progress { -webkit-appearance: none; appearance: none; width: 100%; height: 4px; margin: 0.35rem 0;
  display: block; border: 0; border-radius: 2px; background: var(--border-color-primary); color: var(--mnist-a); }
.mnist-run-b progress { color: var(--mnist-b); }
.mnist-run progress::-webkit-progress-bar { background: transparent; }
.mnist-run progress::-webkit-progress-value { background: currentColor; border-radius: 2px; }
.mnist-run progress::-moz-progress-bar { background: currentColor; }
.mnist-run dl { display: grid; grid-template-columns: auto 1fr; gap: 0.05rem 0.7rem; margin: 0; font-size: 0.88rem; }
.mnist-run dt { color: var(--body-text-color-subdued); }
.mnist-run dd { margin: 0; font-variant-numeric: tabular-nums; }
.mnist-form .block { overflow: visible !important; }
.mnist-form-title { font-size: 0.95rem; font-weight: 600; margin: 0; padding: 0.6rem 0.9rem 0.2rem; }
.mnist-form .block:has(.mnist-form-title) { background: var(--block-background-fill); }
.mnist-form .min_value, .mnist-form .max_value { display: none; }
.mnist-form { border-top: 3px solid var(--mnist-a) !important; overflow: visible !important; }
.mnist-form-b { border-top-color: var(--mnist-b) !important; }
.mnist-form .info-text { position: absolute; z-index: 60; left: 0; bottom: calc(100% - 0.4rem); width: max-content;
  max-width: 260px; padding: 0.35rem 0.6rem; border-radius: 6px; font-size: 0.8rem; pointer-events: none; opacity: 0;
  color: var(--body-text-color); background: var(--background-fill-primary); box-shadow: 0 2px 10px rgb(0 0 0 / 0.25); }
.mnist-form .block:hover .info-text, .mnist-form .block:focus-within .info-text { opacity: 1;
  transition: opacity 0.15s 0.3s; }
.mnist-form input[role="combobox"], #pace input { padding-right: 1.2rem; text-overflow: ellipsis; }
.mnist-question { font-size: 1.1rem; margin: 0.2rem 0; }
.mnist-guess label { align-items: flex-start; }
.block.mnist-answer, .block.mnist-hint { padding: 0.1rem 0.9rem !important; border-left: 4px solid #0072b2; }
.block.mnist-hint-bug { border-left-color: #c62828; }
.block.mnist-hint-overfitting { border-left-color: var(--mnist-b); }
.mnist-code { font-size: 0.82rem; line-height: 1.5; overflow-x: auto; padding: 0.7rem 0.9rem; border-radius: 8px;
  background: var(--background-fill-secondary); }
.mnist-code span, .mnist-code mark { display: block; white-space: pre; }
.mnist-code .mnist-wrong { background: rgb(198 40 40 / 0.2); color: inherit; }
.mnist-code .mnist-right { background: rgb(0 158 115 / 0.2); }
.mnist-scrub { position: sticky; top: 0; z-index: 30; background: var(--body-background-fill); }
.mnist-numbers { border-collapse: collapse; font-size: 0.88rem; font-variant-numeric: tabular-nums; }
.mnist-numbers th, .mnist-numbers td { border: 0 !important; text-align: right; font-weight: 400;
  border-bottom: 1px solid var(--border-color-primary) !important; padding: 0.2rem 0.7rem 0.2rem 0 !important; }
.mnist-numbers th:first-child { text-align: left; }
.mnist-numbers thead th { color: var(--body-text-color-subdued); vertical-align: bottom; }
.mnist-dot { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 0.4rem;
  background: var(--mnist-a); }
.mnist-dot-b { background: var(--mnist-b); }
.mnist-look { font-size: 0.92rem; font-weight: 600; margin: 0.2rem 0; }
.mnist-calibration { display: flex; flex-wrap: wrap; align-items: center; gap: 0.8rem; }
.mnist-calibration svg { width: 170px; flex: none; }
.mnist-calibration p { flex: 1 1 160px; margin: 0; font-size: 0.88rem; }
.mnist-calibration text { font-size: 8px; fill: var(--body-text-color-subdued); }
.mnist-frame { fill: none; stroke: var(--border-color-primary); }
.mnist-right-share { fill: var(--mnist-a); stroke: var(--mnist-a); stroke-width: 0.7; }
#calibration-b .mnist-right-share { fill: var(--mnist-b); stroke: var(--mnist-b); }
.mnist-honest { stroke: var(--body-text-color); stroke-dasharray: 3 2; }
.mnist-wide, #after { contain: inline-size; }
.mnist-wide { overflow-x: auto; }
.mnist-numbers, .mnist-numbers tr { border: 0 !important; }
.mnist-runs td:nth-child(2), .mnist-runs thead th:nth-child(2) { text-align: left; min-width: 9rem; }
.mnist-numbers b { font-weight: 700; }
.mnist-steps button { font-family: var(--font-mono); font-size: 0.82rem !important; }
.mnist-said { border-left: 3px solid var(--mnist-a); padding: 0.4rem 0.8rem;
  background: var(--background-fill-secondary); }
.mnist-hash code { overflow-wrap: anywhere; font-size: 0.82rem; }
.mnist-beside-fields { align-items: flex-end !important; }
/* What is clicked is at least 24 pixels high (WCAG 2.5.8), and where the keyboard is can be seen. */
.gradio-container :is(.label-wrap, summary, .reset-button, .token-remove, input[role="listbox"], input[role="combobox"],
  .dropdown-arrow), .gradio-container .block input.border-none { min-height: 24px; }
.gradio-container .token-remove { min-width: 24px; }
.gradio-container .tab-like-container { height: 28px; }
.gradio-container input[type="range"] { height: 24px; }
.gradio-container input[type="range"]::-webkit-slider-thumb { border: 1px solid var(--neutral-500); }
.gradio-container input[type="range"]::-moz-range-thumb { border: 1px solid var(--neutral-500); }
.gradio-container :is(button, input[type="range"], input[type="radio"], input[type="checkbox"], summary, a,
  [role="tab"]):focus-visible { outline: 2px solid var(--color-accent); outline-offset: 2px; border-radius: 4px; }
@media (prefers-reduced-motion: reduce) {
  .gradio-container * { animation-duration: 1ms !important; transition-duration: 1ms !important; }
}
@media (max-width: 640px) {
  .mnist-buttons { flex-wrap: wrap !important; }
  .mnist-buttons button { min-width: max-content !important; padding-inline: 0.7rem !important; }
  #after .tab-container button { padding-inline: 0.25rem; font-size: 0.82rem; }  /* all four beside each other */
}
/* On a narrow page one column: the knobs come before the panels that look back, the answers follow the drawing. */
@media (max-width: 760px) {
  .mnist-one-column { display: contents !important; }
  .mnist-knobs { order: 1; }
  #after { order: 2; }
  #canvas { order: -2; }
  #bars { order: -1; }
}
"""
