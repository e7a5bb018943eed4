"""Agates: bands of mineral around a hollow, cut and polished."""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats
from indexing.embedded.color import ramp, shade
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.palettes import toward
from indexing.embedded.surface import SIDE, grid, inside, lay, noise, plain, step


def paint(brief: Brief) -> Painting:
    """A cut stone on plain ground, or its bands filling the picture."""
    rng, palette = brief.rng, brief.palette
    whole = brief.deal % 2 == 0
    x, y = grid()
    wild = noise(rng, 0.55, 2.9)
    fine = noise(rng, 0.12, 2.6)
    if whole:
        turn = float(rng.uniform(0, np.pi))
        u = (x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn)
        v = (y - 0.5) * np.cos(turn) - (x - 0.5) * np.sin(turn)
        depth = 0.36 - np.hypot(u, v * float(rng.uniform(1.15, 1.5))) + 0.035 * wild + 0.004 * fine
    else:
        depth = 0.3 + 0.17 * wild + 0.012 * fine
    picture = plain(palette.ground)
    stone = _bands(brief, depth)
    if whole:
        near = np.roll(depth, (-10, -6), (0, 1))
        lay(picture, palette.deep, 0.4 * step(-0.05, 0.03, near))
        lay(picture, stone, inside(-depth))
    else:
        picture = stone
    what = "A slice of banded agate" if whole else "Bands of agate"
    return Painting(picture, f"{what}, {palette.mood}", "none", "hard", 0.01)


def _bands(brief: Brief, depth: Floats) -> Floats:
    """Colored layers by depth, with fine lines and a crystal heart where it is deepest."""
    rng, palette = brief.rng, brief.palette
    count = brief.level(7, 12, 20)
    colors = palette.by_lightness()
    walk = np.cumsum(rng.choice([-1, 1, 1, 2], count)) % (2 * len(colors) - 2)
    order = np.where(walk < len(colors), walk, 2 * len(colors) - 2 - walk)
    stops = colors[order]
    edges = np.concatenate([[0], np.cumsum(rng.gamma(1.4, 1, count))])
    edges = (edges / edges[-1] * 0.5).astype(np.float32)
    at = np.interp(depth, edges, np.arange(count + 1)).astype(np.float32)
    band = np.clip(np.floor(at).astype(np.int32), 0, count - 1)
    share = at - band
    width = np.diff(edges)[band]
    blur = np.clip(share * width * SIDE / 2.0, 0, 1)[..., None]
    inner, outer = stops[band], stops[np.maximum(band - 1, 0)]
    color = outer + (inner - outer) * blur
    lines = np.sin(depth * 2 * np.pi * brief.level(60, 95, 130)) * step(0.1, 0.9, noise(rng, 0.6, 3.0))
    color = color * (1 + 0.16 * lines + 0.10 * (share - 0.5))[..., None]
    heart = step(0.0, 0.03, depth - float(np.quantile(depth, 0.965)))
    crystal = np.abs(noise(rng, 0.03, 1.3))
    sparkle = ramp(
        np.stack([shade(palette.deep, 0.02), toward(palette.pale, palette.inks[0], 0.5), palette.pale]),
        np.clip(crystal / 2.2, 0, 1),
    )
    return np.asarray(color + (sparkle - color) * (heart * float(rng.choice([0.0, 0.9])))[..., None])
