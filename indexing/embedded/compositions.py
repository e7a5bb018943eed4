"""Geometric compositions after the abstract painters of the 1910s and 1920s."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.canvas import Canvas
from indexing.embedded.painting import Brief, Painting, Symmetry
from indexing.embedded.palettes import toward


def paint(brief: Brief) -> Painting:
    """A grid of panes, floating bars, ringed disks, turning arcs, or circles and triangles in balance."""
    canvas = Canvas(brief.palette.ground)
    kind = brief.pick(_panes, _bars, _disks, _arcs, _balance)
    alt, symmetry = kind(brief, canvas)
    return Painting(canvas.light(), f"{alt}, {brief.palette.mood}", symmetry, "hard", 0.016)


def _rectangle(x: float, y: float, width: float, height: float, turn: float = 0.0) -> Floats:
    """Corners (4, 2) of a rectangle around a center, turned by an angle."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array([width, height]) / 2
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.asarray(corners @ spin + np.array([x, y]), dtype=np.float32)


def _wedge(x: float, y: float, inner: float, outer: float, start: float, end: float) -> Floats:
    """Outline of a part of a ring."""
    angle = np.linspace(start, end, 48)
    arc = np.stack([np.cos(angle), np.sin(angle)], 1)
    return np.asarray(np.vstack([arc * outer, arc[::-1] * inner]) + np.array([x, y]), dtype=np.float32)


def _panes(brief: Brief, canvas: Canvas) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    panes = [(0.0, 0.0, 1.0, 1.0)]
    for _ in range(brief.level(4, 8, 18)):
        sizes = np.array([w * h for _, _, w, h in panes])
        x, y, w, h = panes.pop(int(rng.choice(len(panes), p=sizes**1.3 / (sizes**1.3).sum())))
        cut = float(rng.choice([0.28, 0.38, 0.5, 0.62, 0.72]))
        if w > h * rng.uniform(0.7, 1.4):
            panes += [(x, y, w * cut, h), (x + w * cut, y, w * (1 - cut), h)]
        else:
            panes += [(x, y, w, h * cut), (x, y + h * cut, w, h * (1 - cut))]
    line = brief.level(0.022, 0.015, 0.01)
    dark = palette.pale if palette.dark else palette.deep
    colored = rng.permutation(len(panes))[: max(2, int(len(panes) * rng.uniform(0.35, 0.6)))]
    for at, (x, y, w, h) in enumerate(panes):
        color = palette.inks[int(rng.integers(1, len(palette.inks)))] if at in colored else palette.ground
        canvas.fill(_rectangle(x + w / 2, y + h / 2, w, h), color)
    for x, y, w, h in panes:
        canvas.stroke(_rectangle(x + w / 2, y + h / 2, w, h), line, dark, closed=True, cap="butt")
    return "Upright panes of color between straight lines", "none"


def _bars(brief: Brief, canvas: Canvas) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    lean = float(rng.uniform(-0.9, 0.9))
    inks = palette.inks[1:]
    count = brief.level(6, 12, 24)
    sizes = np.sort(rng.pareto(1.6, count) * 0.055 + 0.03)[::-1].clip(0, 0.4)
    for at, size in enumerate(sizes):
        along = float(rng.normal(0, 0.2))
        across = float(rng.normal(0, 0.17))
        x = 0.5 + along * np.cos(lean) - across * np.sin(lean)
        y = 0.5 + along * np.sin(lean) + across * np.cos(lean)
        color = inks[int(rng.integers(len(inks)))] if at else inks[-2]
        if rng.random() < 0.16:
            canvas.disk(x, y, size * 0.5, color)
            continue
        turn = lean + (np.pi / 2 if rng.random() < 0.2 else 0) + float(rng.normal(0, 0.05))
        thin = float(rng.choice([0.12, 0.3, 0.7]))
        canvas.fill(_rectangle(x, y, size * 1.7, size * thin, turn), color)
    return "Bars and blocks floating along a slanted line", "none"


def _disks(brief: Brief, canvas: Canvas) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    side = brief.level(2, 3, 5)
    cell = 0.92 / side
    colors = np.vstack([palette.inks, palette.ground[None]])
    for row in range(side):
        for column in range(side):
            x, y = 0.04 + (column + 0.5) * cell, 0.04 + (row + 0.5) * cell
            order = rng.permutation(len(colors))
            canvas.fill(_rectangle(x, y, cell * 1.002, cell * 1.002), colors[order[0]])
            radii = np.sort(rng.uniform(0.08, 0.47, int(rng.integers(3, 6))))[::-1]
            for at, radius in enumerate(radii):
                canvas.disk(x, y, float(radius) * cell, colors[order[(at + 1) % len(order)]])
    return f"{side * side} squares with ringed disks", "repeat"


def _arcs(brief: Brief, canvas: Canvas) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    colors = np.vstack([palette.inks, toward(palette.ground, palette.inks[0], 0.5)[None]])
    for center in range(brief.level(1, 2, 3)):
        x, y = (0.5, 0.5) if center == 0 and brief.complexity == 0 else rng.uniform(0.22, 0.78, 2)
        largest = float(rng.uniform(0.36, 0.46)) if brief.complexity == 0 else float(rng.uniform(0.22, 0.36))
        rings = np.linspace(0, largest, brief.level(5, 6, 6) + 1)
        quarter = float(rng.choice([np.pi / 2, np.pi, np.pi / 3]))
        start = float(rng.choice([0.0, np.pi / 4]))
        last = -1
        for inner, outer in pairwise(rings):
            for turn in np.arange(start, start + 2 * np.pi - 0.01, quarter):
                ink = int(rng.integers(len(colors)))
                ink = (ink + 1) % len(colors) if ink == last else ink
                last = ink
                canvas.fill(
                    _wedge(
                        float(x), float(y), float(inner), float(outer) + 0.001, turn, turn + quarter + 0.004
                    ),
                    colors[ink],
                )
    return "Disks cut into rings and quarters of color", "none"


def _balance(brief: Brief, canvas: Canvas) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    inks = palette.inks[1:]
    order = rng.permutation(len(inks))
    x, y = rng.uniform(0.34, 0.66, 2)
    line = palette.pale if palette.dark else palette.deep
    canvas.disk(float(x), float(y), float(rng.uniform(0.2, 0.3)), inks[order[0]])
    for at in range(brief.level(2, 4, 7)):
        _figure(rng, canvas, inks[order[(at + 1) % len(inks)]])
    for _ in range(brief.level(2, 4, 8)):
        angle = float(rng.choice([0.4, -0.9, 1.2]) + rng.normal(0, 0.06))
        cx, cy = rng.uniform(0.25, 0.75, 2)
        reach = float(rng.uniform(0.2, 0.55))
        ends = np.array(
            [
                [cx - reach * np.cos(angle), cy - reach * np.sin(angle)],
                [cx + reach * np.cos(angle), cy + reach * np.sin(angle)],
            ]
        )
        canvas.stroke(ends, float(rng.choice([0.003, 0.006, 0.012])), line, cap="butt")
    x, y = rng.uniform(0.2, 0.8, 2)
    canvas.disk(float(x), float(y), float(rng.uniform(0.03, 0.06)), palette.accent)
    return "Circles, triangles and lines in balance", "none"


def _figure(rng: Rng, canvas: Canvas, color: Floats) -> None:
    """A triangle, half disk, ring or row of bars somewhere on the sheet."""
    x, y = (float(v) for v in rng.uniform(0.18, 0.82, 2))
    size = float(rng.uniform(0.08, 0.2))
    turn = float(rng.choice([0, np.pi / 2, np.pi, -np.pi / 2]) + rng.choice([0, 0.4]))
    kind = int(rng.integers(4))
    if kind == 0:
        canvas.fill(_rectangle(x, y, size * 2, size * 2, turn)[:3], color, 0.92)
    elif kind == 1:
        canvas.fill(_wedge(x, y, 0.0, size, turn, turn + np.pi), color, 0.92)
    elif kind == 2:
        canvas.ring(x, y, size * 0.8, size * 0.22, color)
    else:
        for at in range(5):
            shift = (at - 2) * size * 0.3
            canvas.fill(
                _rectangle(x - shift * np.sin(turn), y + shift * np.cos(turn), size * 1.8, size * 0.13, turn),
                color,
            )
