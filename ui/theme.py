"""The look, in one place: a gallery wall in daylight and at night, and one accent, gold.

Everything that has a color, a font or a space takes it from the variables made here; the layout
is in `assets/kallisti.css`. Fonts are the reader's own, so that no page asks a third party.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradio.themes import Base

SERIF = (
    '"Iowan Old Style", "Palatino Linotype", Palatino, "URW Palladio L", P052, "Book Antiqua", Georgia, serif'
)
SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", sans-serif'

# wall: the background; card: raised surfaces; ink and quiet: text (both at least 4.5:1 on wall and
# card); line: hairlines; gold: the accent as a surface or ring; accent: gold dark (or light)
# enough to be read; on_gold: text on gold; frame: the shadow that lifts a picture off the wall.
LIGHT = {
    "wall": "#f6f4ef",
    "card": "#fffefb",
    "ink": "#211e19",
    "quiet": "#676055",
    "line": "#e0dbd0",
    "gold": "#c8941f",
    "accent": "#865c08",
    "on-gold": "#211806",
    "alarm": "#a3341f",
    "frame": "0 1px 2px rgb(60 48 20 / .12), 0 14px 34px -14px rgb(60 48 20 / .32)",
}
DARK = {
    "wall": "#161513",
    "card": "#201e1b",
    "ink": "#f1ece2",
    "quiet": "#a9a194",
    "line": "#37332d",
    "gold": "#e0b04a",
    "accent": "#e8bf66",
    "on-gold": "#211806",
    "alarm": "#f0866f",
    "frame": "0 1px 2px rgb(0 0 0 / .5), 0 18px 40px -12px rgb(0 0 0 / .7)",
}


def variables() -> str:
    """The style sheet of variables: the system's choice of light or dark, or the person's own."""
    light, dark = (
        "".join(f"--{name}:{value};" for name, value in colors.items()) for colors in (LIGHT, DARK)
    )
    return (
        f":root{{--serif:{SERIF};--sans:{SANS};color-scheme:light;{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}\n"
    )


def gradio_theme() -> Base:
    """Gradio's own theme with these colors, so that whatever it paints before us matches."""
    from gradio.themes import Base

    return Base(font=[SANS], font_mono=["ui-monospace", "monospace"]).set(
        body_background_fill=LIGHT["wall"],
        body_background_fill_dark=DARK["wall"],
        body_text_color=LIGHT["ink"],
        body_text_color_dark=DARK["ink"],
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_shadow="none",
    )
