"""Marbled paper: drops of ink on water, drawn out by combs and styluses.

The moves are the closed forms of A. Jaffer, "Oseen flow in paint marbling", and
S. Lu et al., "Mathematical marbling", 2012, run backward from each pixel to the drops.
"""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats
from indexing.embedded.color import shade
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.surface import SIDE, grid, noise, plain


def paint(brief: Brief) -> Painting:
    """Stones, combed waves, swirls or fans of ink."""
    style = brief.pick("stones", "combed", "swirled", "waved")
    x, y = (axis.copy() for axis in grid())
    _unwind(brief, style, x, y)
    picture = _drops(brief, x, y, brief.level(26, 44, 70))
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
            _comb(x, y, turn, teeth, float(rng.uniform(0.10, 0.2)), flip=turn == 0.0)
    if style == "waved":
        for turn in (0.0, np.pi / 2):
            swing = 0.06 * np.sin(2 * np.pi * brief.level(1, 2, 3) * x + rng.uniform(0, 6))
            y += swing.astype(np.float32)
            _comb(x, y, turn, brief.level(2, 4, 6), 0.12, flip=True)
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
    place = (x * -sin + y * cos) * teeth
    away = np.abs(np.mod(place, 1) - 0.5) / teeth
    shift = pull * np.exp(-away * teeth * 3.2)
    if flip:
        shift = shift * np.where(np.mod(np.floor(place), 2) == 0, 1, -1)
    x += shift * cos
    y += shift * sin


def _drops(brief: Brief, x: Floats, y: Floats, count: int) -> Floats:
    """Ink at each place: drops fall in turn, each pushing the earlier ones outward."""
    rng, palette = brief.rng, brief.palette
    inks = [*palette.inks, palette.ground, shade(palette.accent, 0.08)]
    picture = plain(palette.ground)
    cover = np.zeros((SIDE, SIDE), np.float32)
    soft = 1.4 / SIDE
    last = -1
    for _ in range(count):
        cx, cy = (np.float32(v) for v in rng.uniform(-0.1, 1.1, 2))
        radius = np.float32(rng.uniform(0.05, 0.17))
        dx, dy = x - cx, y - cy
        square = dx * dx + dy * dy
        ink = int(rng.integers(len(inks)))
        ink = (ink + 1) % len(inks) if ink == last else ink
        last = ink
        drop = np.clip((radius - np.sqrt(square)) / soft + 0.5, 0, 1)
        share = drop * (1 - cover)
        picture += (inks[ink] - palette.ground) * share[..., None]
        cover += share
        scale = np.sqrt(np.clip(1 - radius * radius / np.maximum(square, 1e-6), 1e-4, 1))
        x[:], y[:] = cx + dx * scale, cy + dy * scale
    return picture
