"""Marbled paper: drops of ink on water, drawn out by combs and styluses.

The moves are the closed forms of A. Jaffer, "Oseen flow in paint marbling", and
S. Lu et al., "Mathematical marbling", 2012, run backward from each pixel to the drops.
"""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.color import shade
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.surface import SIDE, grid, noise


def paint(brief: Brief) -> Painting:
    """Stones, combed waves, swirls or fans of ink."""
    style = brief.pick("stones", "combed", "swirled", "waved")
    x, y = (axis.copy() for axis in grid())
    _unwind(brief, style, x, y)
    picture = _drops(brief, x, y, brief.level(40, 80, 150))
    picture *= (1 + 0.03 * noise(brief.rng, 0.05, 1.3))[..., None]
    alt = {
        "stones": "Marbled paper with round stones of ink",
        "combed": "Marbled paper combed into fine feathers",
        "swirled": "Marbled paper with swirling ink",
        "waved": "Marbled paper with long waves of ink",
    }[style]
    return Painting(picture, f"{alt}, {brief.palette.mood}", "none", "hard", 0.012)


def _unwind(brief: Brief, style: str, x: Floats, y: Floats) -> None:
    """Moves every pixel, in place, back to where its ink fell."""
    rng = brief.rng
    if style == "combed":
        for turn, teeth in ((0.0, brief.level(3, 5, 8)), (np.pi / 2, brief.level(5, 9, 16))):
            _comb(x, y, turn, teeth, float(rng.uniform(0.6, 0.9)) / teeth, flip=turn == 0.0)
    if style == "waved":
        for turn in (0.0, np.pi / 2):
            swing = brief.level(0.08, 0.05, 0.03) * np.sin(
                2 * np.pi * brief.level(1, 2, 3) * x + rng.uniform(0, 6)
            )
            y += swing.astype(np.float32)
            _comb(x, y, turn, brief.level(2, 4, 6), brief.level(0.16, 0.1, 0.07), flip=True)
    for _ in range({"stones": 1, "combed": 1, "swirled": brief.level(4, 7, 11), "waved": 2}[style]):
        cx, cy = rng.uniform(0.1, 0.9, 2)
        dx, dy = x - np.float32(cx), y - np.float32(cy)
        angle = np.float32(rng.choice([-1, 1]) * rng.uniform(1.2, 2.6)) * np.exp(
            -np.hypot(dx, dy) / np.float32(rng.uniform(0.06, 0.16))
        )
        cos, sin = np.cos(angle), np.sin(angle)
        x[:], y[:] = cx + cos * dx - sin * dy, cy + sin * dx + cos * dy
    x += 0.018 * noise(rng, 0.4, 3.0)
    y += 0.018 * noise(rng, 0.4, 3.0)


def _comb(x: Floats, y: Floats, turn: float, teeth: int, pull: float, flip: bool) -> None:
    """Undoes the drawing of evenly spaced teeth; with `flip` every second tooth went the other way."""
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    swing = np.sin(np.pi * teeth * (x * -sin + y * cos))
    # Ink follows a tooth closely and falls behind quickly beside it.
    sharp = np.abs(swing) ** 2.5
    shift = pull * (sharp * np.sign(swing) if flip else sharp)
    x += shift * cos
    y += shift * sin


def _drops(brief: Brief, x: Floats, y: Floats, count: int) -> Floats:
    """Ink at each place: drops fall in turn, each pushing the earlier ones outward.

    Walked from the last drop to the first; a pixel that has found its drop is done, so few remain soon.
    """
    rng, palette = brief.rng, brief.palette
    inks = np.vstack([palette.inks, palette.ground[None], shade(palette.accent, 0.08)[None]])
    order = _unlike(rng, count, len(inks))
    places = rng.uniform(-0.1, 1.1, (count, 2)).astype(np.float32)
    radii = rng.uniform(*brief.level((0.1, 0.22), (0.06, 0.17), (0.04, 0.13)), count).astype(np.float32)
    found = np.zeros((SIDE * SIDE, 3), np.float32)
    left = np.arange(SIDE * SIDE)
    u, v, cover = x.ravel(), y.ravel(), np.zeros(SIDE * SIDE, np.float32)
    for at in range(count):
        du, dv = u - places[at, 0], v - places[at, 1]
        square = du * du + dv * dv
        drop = np.clip((radii[at] - np.sqrt(square)) * (SIDE / 1.4) + 0.5, 0, 1) * (1 - cover)
        hit = drop > 0
        found[left[hit]] += inks[order[at]] * drop[hit, None]
        cover = cover + drop
        scale = np.sqrt(np.clip(1 - radii[at] ** 2 / np.maximum(square, 1e-6), 1e-4, 1))
        u, v = places[at, 0] + du * scale, places[at, 1] + dv * scale
        open_ = cover < 0.999
        left, u, v, cover = left[open_], u[open_], v[open_], cover[open_]
    found[left] += palette.ground * (1 - cover)[:, None]
    return found.reshape(SIDE, SIDE, 3)


def _unlike(rng: Rng, count: int, kinds: int) -> list[int]:
    """Random kinds of which no two in a row are the same."""
    order = [int(rng.integers(kinds))]
    while len(order) < count:
        order.append((order[-1] + int(rng.integers(1, kinds))) % kinds)
    return order
