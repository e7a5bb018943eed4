"""The page that `kallisti rank` writes: pictures in a person's order, one file that needs nothing else."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

MOST = 1000  # pictures on a page: more would be a file that browsers do not open


class Cell(NamedTuple):
    """One picture of the page.

    better: probability that the person prefers it to the median picture. top: probability that it
    is among the best tenth.
    """

    place: int
    data: bytes
    media_type: str
    alt: str
    name: str
    better: float
    top: float


def page(title: str, cells: Sequence[Cell], total: int, answers: int) -> str:
    """A whole HTML page of the first cells of `total` ranked pictures; the pictures are inside it."""
    assets = files("ui") / "assets"
    name = html.escape(title)
    shown = (
        f"{total:,} pictures" if total == len(cells) else f"The first {len(cells):,} of {total:,} pictures"
    )
    body = "\n".join(_figure(cell) for cell in cells)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{name}, in your order</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{(assets / "rank.css").read_text(encoding="utf-8")}</style></head>
<body><header>{(assets / "apple.svg").read_text(encoding="utf-8")}<h1>{name}, in your order</h1>
<p>{shown}, the prettiest first, as told by {answers:,} answers. The bar is the probability that you would
prefer the picture to the middle one; at 50 % nothing is known yet. A line above the bar marks your likely
best tenth.</p></header>
<main>
{body}
</main></body></html>
"""


def _figure(cell: Cell) -> str:
    source = f"data:{cell.media_type};base64,{base64.b64encode(cell.data).decode()}"
    best = ' class="best"' if cell.top >= 0.5 else ""
    share = f"{cell.better:.0%}"
    return (
        f'<figure{best}><div><img loading="lazy" alt="{html.escape(cell.alt)}" src="{source}"></div>'
        f'<figcaption title="{html.escape(cell.name)}"><b>{cell.place}</b>'
        f'<span class="bar" aria-hidden="true"><i style="width:{share}"></i></span>'
        f'<span aria-label="preferred to the middle picture with {share}">{share}</span>'
        "</figcaption></figure>"
    )
