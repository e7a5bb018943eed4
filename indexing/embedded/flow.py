"""Flow fields: lines that follow one invisible current and never touch."""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.canvas import Canvas, ribbon
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.palettes import Palette
from indexing.embedded.surface import noise, sample

_CELLS = 384
_STEP = 0.006


def paint(brief: Brief) -> Painting:
    """Hair lines, pen lines or broad ribbons in a current that curls, folds or turns about a center."""
    rng, palette = brief.rng, brief.palette
    current = brief.pick("curl", "swirl", "fold")
    style = ("hair", "pen", "ribbon", "leaf")[(brief.deal // 3) % 4]
    angle = _angles(rng, current)
    count, width, gap, steps = {
        "hair": (brief.level(700, 1200, 1900), 0.0016, brief.level(0.010, 0.0066, 0.0042), 150),
        "pen": (
            brief.level(420, 700, 1000),
            brief.level(0.005, 0.004, 0.003),
            brief.level(0.014, 0.008, 0.005),
            120,
        ),
        "ribbon": (brief.level(160, 320, 600), brief.level(0.05, 0.032, 0.018), 0.006, 110),
        "leaf": (brief.level(260, 480, 900), brief.level(0.03, 0.02, 0.013), 0.005, brief.level(16, 13, 11)),
    }[style]
    lines = _trace(rng, angle, count, steps)
    widths = width * (np.exp(rng.normal(0, 0.55, count)) if style == "ribbon" else np.ones(count))
    kept = _apart(lines, widths, gap, least=6 if style == "leaf" else 12)
    canvas = Canvas(palette.ground)
    colors = _colors(rng, palette, kept, hairy=style == "hair")
    for (line, thick), color in zip(kept, colors, strict=True):
        if style == "leaf":
            taper = np.sin(np.linspace(0, np.pi, len(line))) ** 0.7
            canvas.fill(ribbon(line, thick * taper), color)
        else:
            canvas.stroke(line, thick, color)
    subject = {
        "hair": "fine lines",
        "pen": "pen lines",
        "ribbon": "broad ribbons",
        "leaf": "leaf-shaped strokes",
    }
    motion = {
        "curl": "flowing past each other",
        "swirl": "turning about a center",
        "fold": "folding like cloth",
    }
    alt = f"{subject[style]} {motion[current]}, {palette.mood}".capitalize()
    return Painting(canvas.light(), alt, "rotation" if current == "swirl" else "none", "hard")


def _angles(rng: Rng, current: str) -> Floats:
    """Directions of the current, (256, 256) radians."""
    side = 256
    line = (np.arange(side, dtype=np.float32) + 0.5) / side
    x, y = np.meshgrid(line, line)
    wild = noise(rng, 0.9, 4.0, side)
    if current == "swirl":
        cx, cy = rng.uniform(0.3, 0.7, 2)
        turn = np.arctan2(y - cy, x - cx) + np.pi / 2 + rng.uniform(-0.5, 0.5)
        return np.asarray(turn + 0.35 * wild, dtype=np.float32)
    if current == "fold":
        return np.asarray(rng.uniform(0, np.pi) + 1.5 * np.sin(2.2 * wild) * 0.7, dtype=np.float32)
    return np.asarray(rng.uniform(0, 2 * np.pi) + 1.3 * wild, dtype=np.float32)


def _trace(rng: Rng, angle: Floats, count: int, steps: int) -> Floats:
    """Lines (count, steps, 2) through random places, followed half forward and half backward."""
    start = rng.uniform(-0.05, 1.05, (count, 2)).astype(np.float32)
    halves = []
    for way in (-_STEP, _STEP):
        place, path = start, []
        for _ in range(steps // 2):
            turn = sample(angle, np.clip(place[:, 0], 0.002, 0.998), np.clip(place[:, 1], 0.002, 0.998))
            place = place + way * np.stack([np.cos(turn), np.sin(turn)], 1)
            path.append(place)
        halves.append(np.stack(path, 1))
    return np.concatenate([halves[0][:, ::-1], start[:, None], halves[1]], 1)


def _apart(lines: Floats, widths: Floats, gap: float, least: int) -> list[tuple[Floats, float]]:
    """The lines, cut where they would come nearer than `gap` to an earlier one; stubs are left out."""
    taken = np.zeros((_CELLS + 80, _CELLS + 80), dtype=bool)
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


def _disk(radius: float) -> Floats:
    """Cell offsets (n, 2) within a radius, at most 20 cells."""
    reach = min(int(radius), 19)
    span = np.arange(-reach, reach + 1)
    x, y = np.meshgrid(span, span)
    near = x**2 + y**2 <= max(radius, 0.5) ** 2
    return np.stack([x[near], y[near]], 1)


def _colors(rng: Rng, palette: Palette, kept: list[tuple[Floats, float]], hairy: bool) -> list[Floats]:
    """An ink for every line: by place for hair, by weighted chance for the rest."""
    inks = palette.inks[1:] if len(palette.inks) > 4 else palette.inks
    if hairy:
        field = noise(rng, 0.8, 4.0, 64)
        ranks = [float(sample(field, line[:1, 0], line[:1, 1])[0]) for line, _ in kept]
        place = np.argsort(np.argsort(ranks)) / max(len(ranks), 1)
        return [inks[min(int(p * len(inks)), len(inks) - 1)] for p in place]
    weights = rng.dirichlet(np.full(len(inks), 1.5))
    return [inks[i] for i in rng.choice(len(inks), len(kept), p=weights)]
