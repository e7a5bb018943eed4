"""The page: a Gradio app of five parts under our header, mounted at the root of the server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ui.chooser import header, page, pair_chooser
from ui.theme import gradio_theme

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

SCRIPTS = (
    "kit",
    "cards",
    "editor",
    "rail",
    "startcard",
    "chooser",
    "shell",
    "known",
    "taste",
    "predictions",
    "history",
    "data",
)

# Runs before anything is painted, so that neither the theme nor the page flickers.
EARLY = """<script>
(() => {
  const root = document.documentElement, theme = localStorage.getItem("kallisti:theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const pages = ["taste", "predictions", "history", "data"];
  root.dataset.page = pages.find((name) => location.hash === `#${name}`) || "ask";
})();
</script>"""
HEAD = (
    EARLY
    + '<link rel="stylesheet" href="/ui/theme.css"><link rel="stylesheet" href="/ui/kallisti.css">'
    + '<link rel="icon" type="image/svg+xml" href="/ui/apple.svg">'
    + "".join(f'<link rel="modulepreload" href="/ui/{name}.js">' for name in SCRIPTS)
)


def blocks() -> gr.Blocks:
    """The five pages; which one is open is kept in the address, so the back button works."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read by Gradio when it is imported
    import gradio as gr

    app = gr.Blocks(title="Kallisti", analytics_enabled=False, fill_width=True)
    with app:
        header()
        pair_chooser()
        page("taste", "My taste")
        page("predictions", "Predictions")
        page("history", "History")
        page("data", "Data")
    return app


def mount(app: FastAPI) -> None:
    """Mounts the page at "/", without Gradio's API, history, uploads, footer and error dialogs."""
    built = blocks()
    import gradio as gr

    gr.mount_gradio_app(
        app,
        built,
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=1,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        theme=gradio_theme(),
        head=HEAD,
    )
