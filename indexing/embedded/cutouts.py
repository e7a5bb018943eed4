"""Paper cutouts: leaves, birds, waves and pebbles cut with scissors from painted sheets."""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.canvas import Canvas, smooth
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.surface import noise

_FALL = np.array([0.6, 1.0])


def paint(brief: Brief) -> Painting:
    """Seaweed on panels, one large cluster, pebbles, or scraps that drift."""
    canvas = Canvas(brief.palette.ground)
    kind = brief.pick(_panels, _cluster, _pebbles, _window)
    alt = kind(brief, canvas)
    light = (
        canvas.light()
        * (1 + 0.022 * noise(brief.rng, 0.06, 1.3) + 0.03 * noise(brief.rng, 0.2, 1.8, stretch=3.0))[
            ..., None
        ]
    )
    return Painting(np.clip(light, 0, 1), f"{alt}, {brief.palette.mood}", "none", "hard", 0.012)


def _paste(canvas: Canvas, outline: Floats, color: Floats, lift: float = 0.004) -> None:
    """A cut sheet with the thin shadow of its edge."""
    for at in (1.5, 1.0, 0.5):
        canvas.fill(outline + lift * at * _FALL, np.zeros(3), 0.10)
    canvas.fill(outline, color)


def _frond(rng: Rng, x: float, y: float, size: float, turn: float) -> Floats:
    """A seaweed: rounded fingers that rise on both sides of a gently bent spine."""
    fingers = int(rng.integers(3, 6))
    bend = float(rng.uniform(-0.35, 0.35))
    sides = []
    for side in (1.0, -1.0):
        rank = [(side * 0.05, -1.0)]
        for at in range(fingers):
            low = -0.78 + 1.5 * at / fingers
            gap = 1.5 / fingers
            reach = float(rng.uniform(0.42, 0.62)) * np.sin(np.pi * (0.3 + 0.55 * (at + 0.5) / fingers))
            rise = float(rng.uniform(0.18, 0.36))
            fat = gap * 0.27
            rank += [
                (side * 0.085, low + gap * 0.12),
                (side * reach * 0.7, low + rise * 0.55),
                (side * reach, low + rise + fat * 0.4),
                (side * (reach - fat * 0.35), low + rise + 1.6 * fat),
                (side * reach * 0.45, low + rise * 0.8 + 1.5 * fat),
                (side * 0.085, low + gap * 0.74),
            ]
        sides.append(rank)
    points = np.array([*sides[0], (0.09, 0.9), (0.0, 1.02), (-0.09, 0.9), *sides[1][::-1]]) * size
    points[:, 0] += bend * points[:, 1] ** 2 / size
    points[:, 1] *= -1
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return smooth(points @ spin + np.array([x, y]), count=8)


def _pebble(rng: Rng, x: float, y: float, size: float) -> Floats:
    count = int(rng.integers(5, 8))
    angle = 2 * np.pi * (np.arange(count) + rng.uniform(-0.2, 0.2, count)) / count
    radius = size * rng.uniform(0.68, 1.12, count)
    stretch = float(rng.uniform(0.7, 1.3))
    return smooth(np.stack([x + radius * np.cos(angle) * stretch, y + radius * np.sin(angle) / stretch], 1))


def _star(rng: Rng, x: float, y: float, size: float) -> Floats:
    """A flower-like star with uneven rounded rays."""
    rays = int(rng.choice([5, 6, 7, 9]))
    angle = np.pi * np.arange(2 * rays) / rays + rng.uniform(0, 6)
    radius = size * np.where(
        np.arange(2 * rays) % 2 == 0, rng.uniform(0.85, 1.1, 2 * rays), rng.uniform(0.3, 0.45, 2 * rays)
    )
    return smooth(np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1))


def _wave(rng: Rng, x: float, y: float, size: float) -> Floats:
    """A wavy ribbon."""
    along = np.linspace(-1, 1, 13)
    swing = 0.2 * size * np.sin(np.arange(13) * np.pi / 2)
    thick = size * float(rng.uniform(0.1, 0.14))
    turn = float(rng.choice([0, np.pi / 2, 0.6]))
    points = np.vstack(
        [np.stack([along * size, swing - thick], 1), np.stack([along * size, swing + thick], 1)[::-1]]
    )
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return smooth(points @ spin + np.array([x, y]))


def _shape(rng: Rng, x: float, y: float, size: float) -> Floats:
    kind = int(rng.integers(5))
    if kind <= 1:
        return _frond(rng, x, y, size * 0.95, float(rng.uniform(0, 2 * np.pi)))
    return (_pebble, _star, _wave)[kind - 2](rng, x, y, size * 0.85)


def _panels(brief: Brief, canvas: Canvas) -> str:
    rng, palette = brief.rng, brief.palette
    columns, rows = brief.level((2, 2), (3, 3), (4, 5))
    colors = np.vstack([palette.inks, palette.ground[None]])
    width, height = 1 / columns, 1 / rows
    for at in range(columns * rows):
        x, y = (at % columns + 0.5) * width, (at // columns + 0.5) * height
        order = rng.permutation(len(colors))
        half = np.array([width, height]) / 2
        ragged = rng.uniform(-0.006, 0.006, (4, 2))
        sheet = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half + np.array([x, y]) + ragged
        canvas.fill(sheet, colors[order[0]])
        _paste(canvas, _shape(rng, x, y, min(width, height) * 0.42), colors[order[1]])
    return f"{columns * rows} paper panels, a cut shape on each"


def _cluster(brief: Brief, canvas: Canvas) -> str:
    rng, palette = brief.rng, brief.palette
    count = brief.level(1, 4, 10)
    size = brief.level(0.4, 0.26, 0.17)
    for at in range(count):
        if count == 1:
            x, y, turn = 0.5, 0.5, float(rng.uniform(-0.5, 0.5))
        else:
            around = 2 * np.pi * at / count + rng.normal(0, 0.12)
            x, y = 0.5 + 0.27 * np.cos(around), 0.5 + 0.27 * np.sin(around)
            turn = -around - np.pi / 2 + rng.normal(0, 0.2)
        _paste(
            canvas,
            _frond(rng, float(x), float(y), size, float(turn)),
            palette.inks[(at + 1) % len(palette.inks)],
        )
    return "One large seaweed cut from paper" if count == 1 else "Seaweeds cut from paper, in a ring"


def _pebbles(brief: Brief, canvas: Canvas) -> str:
    rng, palette = brief.rng, brief.palette
    taken: list[tuple[float, float, float]] = []
    smallest, largest, tries = brief.level((0.09, 0.2, 60), (0.04, 0.13, 300), (0.02, 0.07, 900))
    for size in np.sort(rng.uniform(smallest, largest, tries))[::-1]:
        x, y = (float(v) for v in rng.uniform(0.02, 0.98, 2))
        if any((x - a) ** 2 + (y - b) ** 2 < ((size + c) * 1.12) ** 2 for a, b, c in taken):
            continue
        taken.append((x, y, float(size)))
        _paste(
            canvas, _pebble(rng, x, y, float(size)), palette.inks[int(rng.integers(len(palette.inks)))], 0.003
        )
    return "Paper pebbles spread like terrazzo"


def _window(brief: Brief, canvas: Canvas) -> str:
    rng = brief.rng
    inks = brief.palette.inks[rng.permutation(len(brief.palette.inks))]
    sheets = brief.level(2, 3, 4)
    for at in range(sheets):
        x, y = (float(v) for v in rng.uniform(0.2, 0.8, 2))
        w, h = (float(v) for v in rng.uniform(0.25, 0.5, 2))
        sheet = (
            np.array([[-w, -h], [w, -h], [w, h], [-w, h]])
            + np.array([x, y])
            + rng.uniform(-0.02, 0.02, (4, 2))
        )
        _paste(canvas, sheet.astype(np.float32), inks[at])
    rest = np.vstack([inks[sheets:], brief.palette.ground[None]])
    for at in range(brief.level(3, 6, 11)):
        x, y = (float(v) for v in rng.uniform(0.14, 0.86, 2))
        _paste(
            canvas,
            _shape(rng, x, y, float(rng.uniform(0.1, brief.level(0.26, 0.2, 0.15)))),
            rest[at % len(rest)],
        )
    return "Cut paper shapes drifting over sheets"
