"""The page that `kallisti rank` writes: pictures in a person's order, one file that needs nothing else."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from typing import NamedTuple


class Cell(NamedTuple):
    """One picture of the page; better: probability that the person prefers it to the median picture."""

    place: int
    data: bytes
    media_type: str
    alt: str
    better: float


STYLE = """
:root { color-scheme: light dark; --wall: #f6f4ef; --ink: #23211d; --quiet: #77726a; --gold: #b08a2e; }
@media (prefers-color-scheme: dark) { :root { --wall: #171613; --ink: #ece8df; --quiet: #928c80; --gold: #d9b45a; } }
body { margin: 0; padding: 4rem clamp(1rem, 5vw, 5rem); background: var(--wall); color: var(--ink);
  font: 1rem/1.5 ui-sans-serif, system-ui, sans-serif; }
h1 { font-weight: 500; letter-spacing: -.01em; margin: 0; }
p { color: var(--quiet); max-width: 44rem; margin: .5rem 0 3rem; }
main { display: grid; gap: 2.5rem 1.5rem; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); align-items: end; }
figure { margin: 0; }
img { width: 100%; display: block; border-radius: 2px; box-shadow: 0 1px 12px rgb(0 0 0 / .14); }
figcaption { display: flex; align-items: center; gap: .6rem; margin-top: .6rem; color: var(--quiet);
  font-size: .8rem; font-variant-numeric: tabular-nums; }
meter { flex: 1; height: .35rem; accent-color: var(--gold); }
meter::-webkit-meter-bar { background: color-mix(in srgb, var(--quiet) 22%, transparent); border: 0; height: .35rem; }
meter::-webkit-meter-optimum-value { background: var(--gold); }
meter::-moz-meter-bar { background: var(--gold); }
"""


def page(title: str, cells: Sequence[Cell], answers: int) -> str:
    """A whole HTML page; the pictures are inside it."""
    note = (
        f"{len(cells):,} pictures, the prettiest first, as told by {answers} answers. The bar is the "
        "probability that you would prefer the picture to the middle one of this folder: half a bar means "
        "that nothing is known yet."
    )
    body = "\n".join(_figure(cell) for cell in cells)
    name = html.escape(title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}, in your order</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><h1>{name}, in your order</h1><p>{note}</p><main>\n{body}\n</main></body></html>\n"
    )


def _figure(cell: Cell) -> str:
    data = base64.b64encode(cell.data).decode()
    return (
        f'<figure><img loading="lazy" alt="{html.escape(cell.alt)}" src="data:{cell.media_type};base64,{data}">'
        f'<figcaption><span>{cell.place}</span><meter value="{cell.better:.3f}" min="0" max="1" '
        f'aria-label="probability of being preferred">{cell.better:.0%}</meter>'
        f"<span>{cell.better:.0%}</span></figcaption></figure>"
    )
