"""Flow fields: lines that follow one invisible current and never touch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.canvas import Canvas, ribbon
from indexing.embedded.color import ramp
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.palettes import Palette
from indexing.embedded.surface import noise, sample

_CELLS = 384
_STEP = 0.006


def paint(brief: Brief) -> Painting:
    """Hair lines, pen lines, broad ribbons or leaves in a current that curls, folds or turns."""
    rng, palette = brief.rng, brief.palette
    motion = brief.pick("curl", "swirl", "fold")
    style = ("hair", "ribbon", "pen", "leaf")[(brief.deal // 3) % 4]
    frame = str(rng.choice(["bleed", "inset", "round"], p=[0.5, 0.25, 0.25]))
    count, width, gap, steps = {
        "hair": (brief.level(700, 1100, 1500), 0.0022, brief.level(0.010, 0.0066, 0.0046), 150),
        "pen": (
            brief.level(420, 640, 900),
            brief.level(0.007, 0.005, 0.004),
            brief.level(0.013, 0.008, 0.005),
            120,
        ),
        "ribbon": (brief.level(160, 320, 560), brief.level(0.055, 0.034, 0.02), 0.006, 110),
        "leaf": (
            brief.level(300, 520, 900),
            brief.level(0.042, 0.028, 0.018),
            0.003,
            brief.level(24, 19, 14),
        ),
    }[style]
    lines = _trace(rng, _current(rng, motion), count, steps)
    widths = width * np.exp(rng.normal(0, 0.55 if style == "ribbon" else 0.15, count))
    kept = _apart(lines, widths, gap, 6 if style == "leaf" else 12, _closed(frame))
    canvas = Canvas(palette.ground)
    colors = _colors(rng, palette, kept, by_place=style == "hair" or rng.random() < 0.5)
    for (line, thick), color in zip(kept, colors, strict=True):
        if style == "leaf":
            canvas.fill(ribbon(line, thick * np.sin(np.linspace(0, np.pi, len(line))) ** 0.7), color)
        else:
            canvas.stroke(line, thick, color)
    subject = {
        "hair": "fine lines",
        "pen": "pen lines",
        "ribbon": "broad ribbons",
        "leaf": "leaf-shaped strokes",
    }
    course = {
        "curl": "flowing past each other",
        "swirl": "turning about a center",
        "fold": "folding like cloth",
    }
    place = {"bleed": "", "inset": " within a square", "round": " within a circle"}
    alt = f"{subject[style]} {course[motion]}{place[frame]}, {palette.mood}".capitalize()
    return Painting(canvas.light(), alt, "rotation" if motion == "swirl" else "none", "hard")


def _current(rng: Rng, motion: str) -> Floats:
    """Unit vectors of the current, (2, 256, 256)."""
    side = 256
    line = (np.arange(side, dtype=np.float32) + 0.5) / side
    x, y = np.meshgrid(line, line)
    wild = noise(rng, 0.9, 4.0, side)
    if motion == "swirl":
        cx, cy = rng.uniform(0.3, 0.7, 2)
        angle = np.arctan2(y - cy, x - cx) + np.pi / 2 + rng.uniform(-0.5, 0.5) + 0.35 * wild
    elif motion == "fold":
        angle = rng.uniform(0, np.pi) + 1.05 * np.sin(2.2 * wild)
    else:
        angle = rng.uniform(0, 2 * np.pi) + 1.3 * wild
    return np.stack([np.cos(angle), np.sin(angle)]).astype(np.float32)


def _trace(rng: Rng, current: Floats, count: int, steps: int) -> Floats:
    """Lines (count, steps, 2) through random places, followed half forward and half backward."""
    start = rng.uniform(-0.05, 1.05, (count, 2)).astype(np.float32)
    halves = []
    for way in (-_STEP, _STEP):
        place, path = start, []
        for _ in range(steps // 2):
            cells = np.clip((place * 256).astype(np.int32), 0, 255)
            place = place + np.float32(way) * current[:, cells[:, 1], cells[:, 0]].T
            path.append(place)
        halves.append(np.stack(path, 1))
    return np.concatenate([halves[0][:, ::-1], start[:, None], halves[1]], 1)


def _closed(frame: str) -> NDArray[np.bool_]:
    """The cells that no line may enter, with a rim around the picture, (_CELLS + 80, _CELLS + 80)."""
    line = (np.arange(_CELLS + 80, dtype=np.float32) - 40) / _CELLS - 0.5
    x, y = np.abs(np.meshgrid(line, line))
    if frame == "inset":
        return np.asarray(np.maximum(x, y) > 0.42)
    if frame == "round":
        return np.asarray(np.hypot(x, y) > 0.43)
    return np.zeros_like(x, dtype=bool)


def _apart(
    lines: Floats, widths: Floats, gap: float, least: int, taken: NDArray[np.bool_]
) -> list[tuple[Floats, float]]:
    """The lines, cut where they would come nearer than `gap` to an earlier one; stubs are left out."""
    kept = []
    for line, width in zip(lines, widths, strict=True):
        clear, own = _disk((width / 2 + gap) * _CELLS), _disk(width / 2 * _CELLS)
        cells = np.clip((line * _CELLS).astype(np.int32) + 40, 20, _CELLS + 59)
        blocked = taken[cells[:, None, 1] + clear[:, 1], cells[:, None, 0] + clear[:, 0]].any(1)
        middle = len(line) // 2
        if blocked[middle]:
            continue
        first = middle - int(np.argmax(blocked[middle::-1])) + 1 if blocked[: middle + 1].any() else 0
        last = middle + int(np.argmax(blocked[middle:])) if blocked[middle:].any() else len(line)
        if last - first < least:
            continue
        mark = cells[first:last]
        taken[mark[:, None, 1] + own[:, 1], mark[:, None, 0] + own[:, 0]] = True
        kept.append((line[first:last], float(width)))
    return kept


def _disk(radius: float) -> NDArray[np.int64]:
    """Cell offsets (n, 2) within a radius, at most 20 cells."""
    reach = min(int(radius), 19)
    span = np.arange(-reach, reach + 1)
    x, y = np.meshgrid(span, span)
    near = x**2 + y**2 <= max(radius, 0.5) ** 2
    return np.stack([x[near], y[near]], 1)


def _colors(rng: Rng, palette: Palette, kept: list[tuple[Floats, float]], by_place: bool) -> Floats:
    """An ink (n, 3) for every line, by place or by weighted chance."""
    inks = palette.inks[1:] if len(palette.inks) > 4 else palette.inks
    if by_place:
        field = noise(rng, 0.8, 4.0, 64)
        ends = np.array([line[0] for line, _ in kept], dtype=np.float32).reshape(-1, 2)
        place = np.argsort(np.argsort(sample(field, ends[:, 0], ends[:, 1]))) / max(len(kept), 1)
        return ramp(inks, place.astype(np.float32))
    weights = rng.dirichlet(np.full(len(inks), 1.5))
    return inks[rng.choice(len(inks), len(kept), p=weights)]
