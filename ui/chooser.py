"""Gradio components whose front end is ours: the chooser, the other pages and the header.

Each is an element that a script of `ui/assets` fills. The scripts talk to our JSON routes without
Gradio in between (a tenth of the delay), and build elements as text only, so nothing that comes
from a gallery, a bank or a person is ever parsed as HTML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gradio as gr


def pair_chooser() -> gr.HTML:
    """The chooser: shows a pair, grid, thumbs, rating or choice, and takes its answer."""
    import gradio as gr

    class PairChooser(gr.HTML):
        """The interview; pictures are the buttons, keys and swipes do the same."""

        def __init__(self) -> None:
            super().__init__(**_filled_by("chooser", _section("ask", "Interview")))

    return PairChooser()


def page(name: str, label: str) -> gr.HTML:
    """Another page, filled by the script of its name when it is opened."""
    import gradio as gr

    return gr.HTML(**_filled_by(name, _section(name, label)))


def header() -> gr.HTML:
    """The golden apple, the links to the pages, and light or dark."""
    import gradio as gr

    return gr.HTML(**_filled_by("shell", '<header class="k-app k-header k-root"></header>'))


def _section(name: str, label: str) -> str:
    section = f'<section class="k-page k-root" data-name="{name}" aria-label="{label}"></section>'
    return f'<main class="k-app">{section}</main>'


def _filled_by(script: str, html: str) -> dict[str, Any]:
    """Arguments of a component whose element `.k-root` the script's `start` fills."""
    return {
        "html_template": html,
        "js_on_load": f"import('/ui/{script}.js').then((m) => m.start(element.querySelector('.k-root')));",
        "apply_default_css": False,
        "elem_classes": "k-host",
    }
