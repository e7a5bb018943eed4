"""Textiles: woven checks, ikat, patchwork and rugs, thread by thread."""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.surface import SIDE, grid, lay, noise

_THREADS = 128


def paint(brief: Brief) -> Painting:
    """A check, an ikat, a patchwork or a rug."""
    kind = brief.pick("check", "ikat", "patchwork", "rug")
    cloth, alt = {"check": _check, "ikat": _ikat, "patchwork": _patchwork, "rug": _rug}[kind](brief)
    return Painting(
        _weave(brief.rng, cloth),
        f"{alt}, {brief.palette.mood}",
        "repeat" if kind != "rug" else "mirror",
        "hard",
        0.006,
    )


def _weave(rng: Rng, cloth: Floats) -> Floats:
    """Gives a picture the relief of a plain weave."""
    x, y = grid()
    warp = np.cos(2 * np.pi * _THREADS * x)
    weft = np.cos(2 * np.pi * _THREADS * y)
    over = np.sign(np.sin(np.pi * _THREADS * x) * np.sin(np.pi * _THREADS * y))
    relief = 0.09 * np.where(over > 0, warp, weft)
    slub = 0.04 * noise(rng, 0.08, 1.2, stretch=8.0) + 0.04 * noise(rng, 0.08, 1.2, stretch=0.12)
    return np.asarray(np.clip(cloth * (0.97 + relief + slub)[..., None], 0, 1), dtype=np.float32)


def _check(brief: Brief) -> tuple[Floats, str]:
    """The same sequence of threads both ways, so that they mix where they cross."""
    rng, palette = brief.rng, brief.palette
    colors = np.vstack([palette.ground[None], palette.inks])
    count = brief.level(3, 5, 8)
    widths = rng.choice([1, 2, 3, 6, 10, 16], count).astype(float)
    half = [colors[i] for i in rng.choice(len(colors), count)]
    inks = np.stack([*half, *half[-2:0:-1]])
    sizes = np.concatenate([widths, widths[-2:0:-1]])
    edges = np.cumsum(sizes) / sizes.sum()
    repeat = brief.level(1.5, 2.5, 3.5)
    line = grid()[0][0]
    band = inks[np.searchsorted(edges, np.mod(line * repeat, 1)).clip(0, len(inks) - 1)]
    x = np.arange(SIDE)
    twill = ((x[None] + x[:, None]) // 2 % 2 == 0)[..., None]
    mixed = np.where(twill, 0.62, 0.38).astype(np.float32)
    return band[None] * mixed + band[:, None] * (1 - mixed), "A woven check"


def _ikat(brief: Brief) -> tuple[Floats, str]:
    """Diamonds whose dye has run along the warp."""
    rng, palette = brief.rng, brief.palette
    x, y = grid()
    jitter = rng.normal(0, 0.012, 256)[np.clip((x * 256).astype(int), 0, 255)] + 0.012 * noise(
        rng, 0.1, 1.0, stretch=0.1
    )
    across = brief.level(2, 3, 4)
    u = np.abs(np.mod(x * across, 1) - 0.5) * 2
    v = np.abs(np.mod((y + jitter) * across * 0.62, 1) - 0.5) * 2
    depth = 1 - (u + v) + 0.10 * np.sign(np.sin(14 * v)) * (u > 0.2)
    count = int(rng.integers(4, 7))
    colors = np.vstack([palette.inks, palette.ground[None]])
    order = rng.permutation(len(colors))
    band = np.floor((depth + 1) / 2 * count).astype(int)
    return colors[order[np.mod(band, len(order))]].astype(
        np.float32
    ), "An ikat of diamonds with feathered edges"


def _patchwork(brief: Brief) -> tuple[Floats, str]:
    """Pieced blocks: pinwheels, log cabins, half squares."""
    rng, palette = brief.rng, brief.palette
    x, y = grid()
    side = brief.level(3, 4, 6)
    colors = np.vstack([palette.inks, palette.ground[None]])
    block = str(rng.choice(["pinwheel", "cabin", "half", "star"]))
    u, v = np.mod(x * side, 1) - 0.5, np.mod(y * side, 1) - 0.5
    cell = (np.floor(y * side) * side + np.floor(x * side)).astype(int)
    picks = np.stack([rng.permutation(len(colors))[:3] for _ in range(side * side)])
    if rng.random() < 0.4:
        picks[:] = picks[0]
    if block == "pinwheel":
        piece = ((np.abs(u) > np.abs(v)) ^ (u > 0) ^ (v > 0)).astype(int)
    elif block == "cabin":
        ring = np.floor(np.maximum(np.abs(u), np.abs(v)) * 9).astype(int)
        piece = np.where(ring < 1, 2, np.where(u + v > 0, ring % 2, (ring + 1) % 2))
    elif block == "half":
        turn = rng.integers(0, 2, side * side)[cell]
        piece = (np.where(turn == 1, u + v, u - v) > 0).astype(int)
    else:
        a, b = np.abs(u), np.abs(v)
        piece = np.where(
            np.maximum(a, b) < 0.2, 2, (np.minimum(a, b) * 2.2 + 0.12 < np.maximum(a, b) * 0.9).astype(int)
        )
    cloth = colors[picks[cell, piece]].astype(np.float32)
    seam = np.minimum(np.abs(np.abs(u) - 0.5), np.abs(np.abs(v) - 0.5)) / side
    lay(cloth, palette.deep, 0.35 * np.exp(-seam / 0.004))
    stitch = np.abs(np.sin(2 * np.pi * (x + y) * side * 1.5))
    return cloth * (0.93 + 0.07 * np.clip(stitch * 6, 0, 1))[..., None], "A pieced quilt"


def _rug(brief: Brief) -> tuple[Floats, str]:
    """A bordered field with stepped medallions, knot by knot."""
    rng, palette = brief.rng, brief.palette
    knots = 96
    line = np.abs(np.arange(knots) - (knots - 1) / 2) / (knots / 2)
    u, v = np.meshgrid(line, line)
    colors = np.vstack([palette.inks, palette.ground[None]])
    order = rng.permutation(len(colors))
    field = np.full((knots, knots), order[0])
    stepped = np.round(u * 12) / 12 * float(rng.uniform(0.8, 1.4)) + np.round(v * 12) / 12
    for at in range(brief.level(3, 5, 8)):
        field[stepped < 0.95 - at * 0.95 / brief.level(3, 5, 8)] = order[(at + 1) % len(order)]
    lozenge = (np.abs(np.mod(u * 6, 1) - 0.5) + np.abs(np.mod(v * 6, 1) - 0.5)) < 0.22
    field[lozenge & (stepped > 0.55)] = order[2 % len(order)]
    edge = np.maximum(u, v)
    for at, (low, high) in enumerate(((0.8, 0.84), (0.84, 0.94), (0.94, 1.0))):
        field[(edge >= low) & (edge <= high)] = order[(at + 3) % len(order)]
    teeth = (np.mod(np.minimum(u, v) * 12, 1) < 0.5) & (edge > 0.855) & (edge < 0.925)
    field[teeth] = order[1]
    x, y = grid()
    cells = field[(np.clip(y, 0, 0.999) * knots).astype(int), (np.clip(x, 0, 0.999) * knots).astype(int)]
    return colors[cells].astype(np.float32), "A knotted rug with a stepped medallion"
