"""Watercolors: thin washes that pool at their edges and glaze over each other."""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.palettes import toward
from indexing.embedded.surface import SIDE, grid, noise, plain, step


class _Paper:
    """A sheet that takes washes; each multiplies the light as pigment does."""

    def __init__(self, brief: Brief) -> None:
        rng = brief.rng
        self.rng = rng
        pale = brief.palette.pale
        self.light = plain(toward(pale, np.ones(3, np.float32), 0.6))
        self.tooth = noise(rng, 0.015, 1.2)
        self._rough = noise(rng, 0.09, 1.7)
        self._pool = noise(rng, 0.35, 2.2)

    def wash(self, distance: Floats, color: Floats, strength: float, bleed: float = 1.0) -> None:
        """Lays a wash inside a signed distance (negative inside)."""
        down, across = (int(shift) for shift in self.rng.integers(0, SIDE, 2))
        rough = np.roll(self._rough, (down, across), (0, 1))
        pool = np.roll(self._pool, (across, down), (0, 1))
        edge = distance + 0.007 * bleed * rough
        body = step(0.004, -0.004, edge)
        rim = np.exp(-np.clip(-edge, 0, None) / 0.008)
        depth = strength * body * (0.62 + 0.2 * pool + 0.5 * rim + 0.07 * self.tooth)
        pigment = np.log(np.clip(color, 0.02, 0.98))
        self.light *= np.exp(np.clip(depth, 0, None)[..., None] * pigment)


def paint(brief: Brief) -> Painting:
    """Overlapping rounds, bands of evening sky, flower heads, or far hills."""
    kind = brief.pick(_rounds, _bands, _flowers, _hills)
    paper = _Paper(brief)
    alt = kind(brief, paper)
    x, y = grid()
    margin = step(
        0.004,
        0.012,
        np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) - 0.03 + 0.004 * noise(brief.rng, 0.1, 1.6),
    )
    light = 1 - (1 - paper.light) * margin[..., None]
    light *= (1 + 0.012 * paper.tooth)[..., None]
    return Painting(np.clip(light, 0, 1), f"Watercolor of {alt}, {brief.palette.mood}", "none", "soft", 0.008)


def _inks(brief: Brief) -> Floats:
    """The inks in random order without the palest."""
    inks = brief.palette.inks if not brief.palette.dark else brief.palette.inks[1:]
    return inks[brief.rng.permutation(len(inks))]


def _rounds(brief: Brief, paper: _Paper) -> str:
    rng = brief.rng
    x, y = grid()
    inks = _inks(brief)
    for at in range(brief.level(3, 7, 16)):
        cx, cy = (np.float32(v) for v in rng.uniform(0.2, 0.8, 2))
        radius = float(rng.uniform(*brief.level((0.18, 0.28), (0.1, 0.2), (0.05, 0.14))))
        paper.wash(np.hypot(x - cx, y - cy) - radius, inks[at % len(inks)], float(rng.uniform(0.6, 1.0)))
    return "overlapping round washes"


def _bands(brief: Brief, paper: _Paper) -> str:
    rng = brief.rng
    _, y = grid()
    inks = _inks(brief)
    count = brief.level(3, 5, 8)
    top = 0.0
    for at, share in enumerate(rng.dirichlet(np.full(count, 5.0))):
        middle, half = top + share / 2, share / 2 + 0.022
        sway = 0.02 * noise(rng, 0.6, 2.6, stretch=2.0)
        paper.wash(
            (np.abs(y - np.float32(middle) + sway) - half).astype(np.float32), inks[at % len(inks)], 0.85
        )
        top += float(share)
    return "level bands of color"


def _flowers(brief: Brief, paper: _Paper) -> str:
    rng = brief.rng
    x, y = grid()
    inks = _inks(brief)
    count = brief.level(1, 3, 7)
    for at in range(count):
        cx, cy = (0.5, 0.42) if count == 1 else (float(v) for v in rng.uniform(0.22, 0.78, 2))
        size = brief.level(0.26, 0.15, 0.1) * float(rng.uniform(0.85, 1.15))
        stem_x = cx + 0.06 * np.sin((y - cy) * 3 + at)
        stem = np.maximum(np.abs(x - stem_x) - 0.005, cy + size * 0.3 - y)
        paper.wash(stem.astype(np.float32), brief.palette.inks[len(brief.palette.inks) // 2], 0.9, 0.3)
        around = np.arctan2(y - cy, x - cx)
        away = np.hypot(x - cx, y - cy)
        petals = int(rng.choice([4, 5, 6, 8]))
        for layer, share in ((0, 1.0), (1, 0.66)):
            shape = size * share * (0.62 + 0.38 * np.abs(np.cos(petals / 2 * around + layer + at)) ** 0.6)
            paper.wash((away - shape).astype(np.float32), inks[at % len(inks)], 0.62)
        paper.wash((away - size * 0.17).astype(np.float32), inks[(at + 1) % len(inks)], 1.1, 0.5)
    return "one open flower" if count == 1 else "open flowers on thin stems"


def _hills(brief: Brief, paper: _Paper) -> str:
    rng = brief.rng
    x, y = grid()
    inks = _inks(brief)
    sun = np.hypot(x - np.float32(rng.uniform(0.25, 0.75)), y - np.float32(rng.uniform(0.18, 0.3))) - float(
        rng.uniform(0.06, 0.1)
    )
    paper.wash((0.04 - y).astype(np.float32) * np.float32(0.5) - 0.01, inks[-1], 0.22)
    paper.wash(sun, brief.palette.accent, 0.9, 0.5)
    count = brief.level(2, 4, 6)
    for at in range(count):
        base = 0.42 + 0.46 * at / count
        ridge = 0.07 * noise(rng, 0.5, 2.4)[SIDE // 2][None]
        paper.wash(
            (np.float32(base) + ridge - y).astype(np.float32),
            inks[at % max(len(inks) - 1, 1)],
            0.45 + 0.25 * at / count,
        )
    return "far hills under a sun"
