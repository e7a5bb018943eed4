"""Tilings: one small rule repeated until it covers the wall."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from indexing.embedded.arrays import Floats
from indexing.embedded.canvas import Canvas
from indexing.embedded.painting import Brief, Painting, Symmetry
from indexing.embedded.palettes import toward


def paint(brief: Brief) -> Painting:
    """Truchet arcs, tumbling blocks, scales, quarter disks, kites and darts, or triangles that fade."""
    canvas = Canvas(brief.palette.ground)
    kind = brief.pick(_truchet, _blocks, _scales, _quarters, _penrose, _triangles)
    alt, symmetry = kind(brief, canvas)
    return Painting(canvas.light(), f"{alt}, {brief.palette.mood}", symmetry, "hard", 0.012)


def _around(x: float, y: float, radius: float, start: float, end: float, count: int = 20) -> Floats:
    angle = np.linspace(start, end, count)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1)


def _truchet(brief: Brief, canvas: Canvas) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    side = brief.level(6, 10, 16)
    cell = 1 / side
    lines = int(rng.choice([1, 3, 5]))
    inks = palette.inks[2:]
    fade = toward(palette.ground, palette.inks[0], 0.5)
    for row in range(side):
        for column in range(side):
            x, y = column * cell, row * cell
            flip = rng.random() < 0.5
            corners = (
                ((x, y, 0.0), (x + cell, y + cell, np.pi))
                if flip
                else ((x + cell, y, np.pi / 2), (x, y + cell, 1.5 * np.pi))
            )
            for cx, cy, start in corners:
                canvas.stroke(
                    _around(cx, cy, cell / 2, start, start + np.pi / 2), cell * 0.62, fade, cap="butt"
                )
                for at in range(lines):
                    radius = cell * (0.5 + (at - (lines - 1) / 2) * 0.6 / max(lines, 2))
                    color = inks[(at if lines > 1 else (row + column) // 5) % len(inks)]
                    width = cell * (0.3 if lines == 1 else 0.36 / lines)
                    canvas.stroke(_around(cx, cy, radius, start, start + np.pi / 2), width, color, cap="butt")
    return "Quarter arcs joined at random into winding bands", "repeat"


def _blocks(brief: Brief, canvas: Canvas) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    across = brief.level(4, 7, 12)
    size = 1 / across / np.sqrt(3)
    tones = palette.by_lightness()
    trio = tones[np.sort(rng.choice(len(tones), 3, replace=False))]
    spare = palette.inks[rng.permutation(len(palette.inks))[:2]]
    corners = _around(0, 0, size * 1.004, np.pi / 6, np.pi / 6 + 2 * np.pi, 7)
    for row in range(-1, int(1 / (1.5 * size)) + 3):
        for column in range(-1, across + 2):
            center = np.array([(column + 0.5 * (row % 2)) / across, row * 1.5 * size])
            lit = spare[rng.integers(2)] if rng.random() < 0.14 else trio[2]
            for at, color in ((0, trio[1]), (2, trio[0]), (4, lit)):
                face = np.vstack([np.zeros((1, 2)), corners[at : at + 3]]) + center
                canvas.fill(face, color)
    return "Tumbling blocks that look like stacked cubes", "repeat"


def _scales(brief: Brief, canvas: Canvas) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    across = brief.level(4, 6, 10)
    radius = 0.5 / across
    rings = int(rng.integers(3, 6))
    mixed = rng.random() < 0.5
    for row in range(-1, int(1 / (radius * 0.5)) + 3):
        for column in range(-1, across + 2):
            x = (column + 0.5 * (row % 2)) / across
            y = row * radius * 0.5
            start = int(rng.integers(len(palette.inks))) if mixed else 0
            for ring in range(rings):
                share = 1 - ring / rings
                color = palette.inks[(start + ring) % len(palette.inks)]
                canvas.disk(x, y, radius * share, palette.ground)
                canvas.disk(x, y, radius * (share - 0.3 / rings), color)
    return "Overlapping wave scales with inner rings", "repeat"


def _quarters(brief: Brief, canvas: Canvas) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    side = brief.level(3, 5, 8)
    cell = 1 / side
    colors = np.vstack([palette.inks, palette.ground[None]])
    for row in range(side):
        for column in range(side):
            x, y = column * cell, row * cell
            order = rng.permutation(len(colors))
            square = np.array([[x, y], [x + cell, y], [x + cell, y + cell], [x, y + cell]])
            canvas.fill(square, colors[order[0]])
            corner = int(rng.integers(4))
            cx, cy = square[corner]
            start = corner * np.pi / 2
            kind = int(rng.integers(4))
            if kind == 3:
                canvas.fill(square[np.arange(corner, corner + 3) % 4], colors[order[1]])
                continue
            for at, radius in enumerate(((1.0,), (1.0, 0.62, 0.3), (0.5,))[kind]):
                arc = _around(cx, cy, cell * radius, start, start + np.pi / 2)
                canvas.fill(np.vstack([[cx, cy], arc]), colors[order[1 + at]])
            if kind == 2:
                cx, cy = square[(corner + 2) % 4]
                arc = _around(cx, cy, cell * 0.5, start + np.pi, start + 1.5 * np.pi)
                canvas.fill(np.vstack([[cx, cy], arc]), colors[order[1]])
    return "Square tiles with quarter disks and triangles", "repeat"


def _penrose(brief: Brief, canvas: Canvas) -> tuple[str, Symmetry]:
    """R. Penrose's rhombs by repeated splitting of golden triangles."""
    rng, palette = brief.rng, brief.palette
    golden = (1 + 5**0.5) / 2
    wheel = 0.78 * np.exp(1j * (np.arange(11) * np.pi / 5 + 0.3))
    triangles = [(0, 0j, *(pair if at % 2 else pair[::-1])) for at, pair in enumerate(pairwise(wheel))]
    for _ in range(brief.level(3, 4, 5)):
        split = []
        for kind, a, b, c in triangles:
            if kind == 0:
                p = a + (b - a) / golden
                split += [(0, c, p, b), (1, p, c, a)]
            else:
                q, r = b + (a - b) / golden, b + (c - b) / golden
                split += [(1, r, c, a), (1, q, r, b), (0, r, q, a)]
        triangles = split
    order = rng.permutation(np.arange(len(palette.inks)))
    line = palette.ground
    for kind, a, b, c in triangles:
        middle = (b + c) / 2
        reach = min(abs(middle) / 0.75, 1)
        color = toward(
            palette.inks[order[kind]], palette.inks[order[kind + 2]], reach if brief.deal % 3 else 0.0
        )
        rhomb = np.array([a, b, b + c - a, c])
        canvas.fill(np.stack([0.5 + rhomb.real, 0.5 + rhomb.imag], 1), color)
    width = brief.level(0.006, 0.004, 0.003)
    for _, a, b, c in triangles:
        corner = np.array([c, a, b])
        canvas.stroke(np.stack([0.5 + corner.real, 0.5 + corner.imag], 1), width, line)
    return "Thin and thick rhombs around a five-fold center", "rotation"


def _triangles(brief: Brief, canvas: Canvas) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    across = brief.level(5, 9, 16)
    width, height = 1 / across, 3**0.5 / 2 / across
    colors = palette.by_lightness()
    drift = float(rng.uniform(0, 2 * np.pi))
    loose = float(rng.choice([0.08, 0.2]))
    for row in range(int(1 / height) + 2):
        for column in range(-1, 2 * across + 3):
            x, y = column * width / 2, row * height
            up = (row + column) % 2 == 0
            place = (
                0.5 + 0.75 * ((x - 0.5) * np.cos(drift) + (y - 0.5) * np.sin(drift)) + rng.normal(0, loose)
            )
            color = colors[int(np.clip(place * len(colors), 0, len(colors) - 1))]
            tip, foot = (y, y + height) if up else (y + height, y)
            canvas.fill(np.array([[x, tip], [x + width / 2, foot], [x - width / 2, foot]]), color)
            canvas.stroke(
                np.array([[x, tip], [x + width / 2, foot], [x - width / 2, foot]]), 0.0012, color, closed=True
            )
    return "Triangles that change color across the wall", "repeat"
