"""Star patterns: straps that leave the middle of every tile edge at one angle.

The construction is E. H. Hankin's "polygons in contact", 1925.
"""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats
from indexing.embedded.canvas import Canvas
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.palettes import toward

_CONTACT = {"4.8.8": 66, "6.6.6": 60, "3.12.12": 68, "3.4.6.4": 58, "4.6.12": 66}
_POINTS = {"4.8.8": "Eight", "6.6.6": "Six", "3.12.12": "Twelve", "3.4.6.4": "Six", "4.6.12": "Twelve"}


def paint(brief: Brief) -> Painting:
    """Interlaced stars over a hidden tiling of squares, hexagons, octagons or dodecagons."""
    rng, palette = brief.rng, brief.palette
    name = brief.pick("4.8.8", "6.6.6", "3.12.12", "3.4.6.4", "4.6.12")
    size = brief.level(0.21, 0.145, 0.1)
    tiles = _tiling(name, size)
    contact = np.deg2rad(_CONTACT[name] + rng.uniform(-9, 6))
    turn = float(rng.choice([0.0, 0.0, np.pi / 12]))
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    tiles = [(tile - 0.5) @ spin + 0.5 for tile in tiles]
    order = rng.permutation(len(palette.inks))
    canvas = Canvas(palette.ground)
    style = str(rng.choice(["filled", "strap", "line"], p=[0.5, 0.3, 0.2]))
    straps = [_motif(tile, float(contact)) for tile in tiles]
    kinds = sorted({len(tile) for tile in tiles})
    if style != "line":
        back = toward(palette.inks[order[0]], palette.ground, 0.25)
        for tile, strap in zip(tiles, straps, strict=True):
            canvas.fill(tile, back)
            canvas.fill(
                strap,
                palette.inks[order[1 + kinds.index(len(tile))]] if style == "filled" else palette.ground,
            )
    width = brief.level(0.011, 0.008, 0.006) * (0.5 if style == "line" else 1.0)
    rim = palette.pale if palette.dark else palette.deep
    inner = palette.accent if style == "line" else palette.ground
    for strap in straps:
        canvas.stroke(strap, width * 1.7, rim, closed=True, cap="butt")
    if style != "line":
        for strap in straps:
            canvas.stroke(strap, width, inner, closed=True, cap="butt")
    return Painting(
        canvas.light(),
        f"{_POINTS[name]}-pointed stars in an interlaced lattice, {palette.mood}",
        "repeat",
        "hard",
    )


def _motif(tile: Floats, contact: float) -> Floats:
    """The star (2n, 2) inside a polygon: edge middles joined by rays that meet before the center."""
    ahead = np.roll(tile, -1, 0)
    middle = (tile + ahead) / 2
    edge = ahead - tile
    length = np.linalg.norm(edge, axis=1, keepdims=True)
    unit = edge / length
    inward = np.stack([-unit[:, 1], unit[:, 0]], 1)
    center = tile.mean(0)
    inward *= np.sign(((center - middle) * inward).sum(1, keepdims=True))
    # A ray toward the next corner meets the mirrored ray of the next edge on that corner's axis.
    ray = unit * np.cos(contact) + inward * np.sin(contact)
    axis = center - ahead
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    cross = ray[:, 0] * axis[:, 1] - ray[:, 1] * axis[:, 0]
    gap = ahead - middle
    along = (gap[:, 0] * axis[:, 1] - gap[:, 1] * axis[:, 0]) / cross
    meet = middle + ray * along[:, None]
    return np.stack([middle, meet], 1).reshape(-1, 2)


def _polygon(x: float, y: float, corners: int, edge: float, start: float) -> Floats:
    radius = edge / (2 * np.sin(np.pi / corners))
    angle = start + 2 * np.pi * np.arange(corners) / corners
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1)


def _tiling(name: str, size: float) -> list[Floats]:
    """Polygons over a square somewhat larger than the picture; `size` is about a big tile's radius."""
    span = np.arange(-12, 13)
    tiles: list[Floats] = []
    if name == "4.8.8":
        edge = size * 0.95
        step = edge * (1 + 2**0.5)
        for i, j in ((i, j) for i in span for j in span):
            x, y = 0.5 + i * step, 0.5 + j * step
            tiles.append(_polygon(x, y, 8, edge, np.pi / 8))
            tiles.append(_polygon(x + step / 2, y + step / 2, 4, edge, 0.0))
        return _near(tiles)
    # The others sit on a triangular lattice of big tiles, with smaller ones between.
    big, edge = {
        "6.6.6": (6, size),
        "3.12.12": (12, size * 0.58),
        "3.4.6.4": (6, size * 0.8),
        "4.6.12": (12, size * 0.5),
    }[name]
    reach = edge / (2 * np.tan(np.pi / big))
    step = 2 * reach + (edge if name in ("3.4.6.4", "4.6.12") else 0.0)
    for i, j in ((i, j) for i in span for j in span):
        x, y = 0.5 + step * (i + 0.5 * j), 0.5 + step * j * 3**0.5 / 2
        tiles.append(_polygon(x, y, big, edge, np.pi / 6 + (np.pi / 12 if big == 12 else 0.0)))
        if name != "6.6.6":
            tiles += _between(name, x, y, step, edge)
    return _near(tiles)


def _between(name: str, x: float, y: float, step: float, edge: float) -> list[Floats]:
    """The smaller tiles that belong to one big tile's place in the lattice."""
    corners = {"3.12.12": 3, "3.4.6.4": 3, "4.6.12": 6}[name]
    hub = step / 3**0.5
    tiles = []
    for angle in (np.pi / 6, np.pi / 2):
        start = {"3.12.12": angle + np.pi, "3.4.6.4": angle, "4.6.12": 0.0}[name]
        tiles.append(_polygon(x + hub * np.cos(angle), y + hub * np.sin(angle), corners, edge, start))
    if name != "3.12.12":
        for angle in (0.0, np.pi / 3, 2 * np.pi / 3):
            cx, cy = x + step / 2 * np.cos(angle), y + step / 2 * np.sin(angle)
            tiles.append(_polygon(cx, cy, 4, edge, angle + np.pi / 4))
    return tiles


def _near(tiles: list[Floats]) -> list[Floats]:
    return [tile for tile in tiles if np.abs(tile.mean(0) - 0.5).max() < 0.85]
