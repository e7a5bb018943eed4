"""Gradio components whose front end is ours: the chooser, the other pages and the header.

Each is an element that a script of `ui/assets` fills. The scripts talk to our JSON routes without
Gradio in between (a tenth of the delay), and build elements as text only, so nothing that comes
from a gallery, a bank or a person is ever parsed as HTML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr


def pair_chooser() -> gr.HTML:
    """The PairChooser: shows a pair, grid, thumbs, rating or choice, and takes its answer.

    An instance, not a subclass: Gradio writes a stub file beside the source of every subclass.
    """
    return page("ask", "Interview", script="chooser")


def page(name: str, label: str, script: str = "") -> gr.HTML:
    """A page, filled by a script (by default the one of its name) when it is opened."""
    section = f'<section class="k-page k-root" data-name="{name}" aria-label="{label}"></section>'
    return _filled_by(script or name, f'<main class="k-app">{section}</main>')


def header() -> gr.HTML:
    """The golden apple, the links to the pages, and light or dark."""
    return _filled_by("shell", '<header class="k-app k-header k-root"></header>')


def _filled_by(script: str, html: str) -> gr.HTML:
    """A component whose element `.k-root` the script's `start` fills."""
    import gradio as gr

    return gr.HTML(
        html_template=html,
        js_on_load=f"import('/ui/{script}.js').then((m) => m.start(element.querySelector('.k-root')));",
        apply_default_css=False,
        elem_classes="k-host",
    )
