"""Plants: sprigs, ferns, wreaths, trees and meadows as in a herbarium."""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.canvas import Canvas, ribbon
from indexing.embedded.color import shade
from indexing.embedded.painting import Brief, Painting, Symmetry
from indexing.embedded.palettes import Palette, toward

Point = tuple[float, float]


def paint(brief: Brief) -> Painting:
    """One plant, or a meadow of them, on plain paper."""
    canvas = Canvas(brief.palette.ground)
    plant = brief.pick(_sprig, _fern, _tree, _meadow, _wreath)
    alt = plant(brief, canvas)
    symmetry: Symmetry = "rotation" if plant is _wreath else "none"
    return Painting(canvas.light(), f"{alt}, {brief.palette.mood}", symmetry, "hard")


def _greens(palette: Palette) -> Floats:
    """The inks that stand out enough for leaves, without the accent."""
    return palette.inks[2:-1] if len(palette.inks) > 4 else palette.inks[1:-1]


def _stem(palette: Palette) -> Floats:
    return toward(palette.pale if palette.dark else palette.deep, palette.inks[-2], 0.4)


def _curve(start: Point, angle: float, length: float, bend: float, count: int = 40) -> Floats:
    """A line (count, 2) from a point that turns evenly by `bend` radians."""
    turn = angle + bend * np.linspace(0, 1, count)
    stride = length / count
    walk = np.cumsum(np.stack([np.cos(turn), np.sin(turn)], 1) * stride, 0)
    return np.asarray(np.array(start) + walk, dtype=np.float32)


def _leaf(
    canvas: Canvas,
    base: Point,
    angle: float,
    length: float,
    width: float,
    color: Floats,
    vein: Floats | None,
    bend: float = 0.3,
) -> None:
    """A pointed leaf with a light vein."""
    spine = _curve(base, angle, length, bend, 24)
    along = np.linspace(0, 1, 24)
    shape = np.sin(np.pi * along**0.8) ** 0.9 * (1 - 0.25 * along)
    canvas.fill(ribbon(spine, width * shape), color)
    if vein is not None:
        canvas.stroke(spine[:21], max(length * 0.012, 0.0008), vein, 0.7)


def _bloom(
    canvas: Canvas, rng: Rng, at: Point, size: float, color: Floats, heart: Floats, petals: int
) -> None:
    """An open flower of rounded petals."""
    start = rng.uniform(0, 2 * np.pi)
    for petal in range(petals):
        angle = start + 2 * np.pi * petal / petals
        spine = _curve(at, angle, size, 0.0, 16)
        along = np.linspace(0, 1, 16)
        width = size * min(2.6 / petals, 0.75) * np.sqrt(np.clip(np.sin(np.pi * along**1.5 * 0.97), 0, 1))
        canvas.fill(ribbon(spine, width), shade(color, float(rng.uniform(-0.03, 0.03))))
    canvas.disk(*at, size * 0.24, heart)


def _sprig(brief: Brief, canvas: Canvas) -> str:
    rng, palette = brief.rng, brief.palette
    stems = brief.level(1, 3, 5)
    leaves = _greens(palette)
    wide = float(rng.uniform(0.25, 0.75))
    for at in range(stems):
        lean = (at - (stems - 1) / 2) * 0.34
        bend = float(rng.uniform(-0.5, 0.5)) + lean
        stem = _curve(
            (0.5 + 0.02 * lean, 0.93),
            -np.pi / 2 + lean * 0.5 - 0.3 * bend,
            float(rng.uniform(0.72, 0.84)),
            bend,
            60,
        )
        canvas.stroke(stem, 0.004, _stem(palette))
        tangents = np.gradient(stem, axis=0)
        color = leaves[at % len(leaves)]
        for number, place in enumerate(range(12, 60, int(rng.integers(4, 6)))):
            angle = float(np.arctan2(tangents[place, 1], tangents[place, 0]))
            side = 1 if number % 2 else -1
            length = 0.24 * (1 - 0.55 * place / 60) * (1 if stems == 1 else 0.8)
            tone = shade(color, float(rng.uniform(-0.05, 0.05)))
            base = (float(stem[place, 0]), float(stem[place, 1]))
            _leaf(canvas, base, angle + side * 0.85, length, length * wide, tone, palette.ground, -0.4 * side)
        tip = (float(stem[-1, 0]), float(stem[-1, 1]))
        if rng.random() < 0.5:
            _bloom(canvas, rng, tip, 0.06, palette.accent, palette.inks[0], int(rng.choice([5, 6, 8])))
        else:
            _leaf(
                canvas, tip, float(np.arctan2(*tangents[-1][::-1])), 0.08, 0.08 * wide, color, palette.ground
            )
    return (
        "A leafy sprig"
        if stems == 1
        else f"{('', '', '', 'Three', '', 'Five')[stems]} leafy stems from one root"
    )


def _fern(brief: Brief, canvas: Canvas) -> str:
    rng, palette = brief.rng, brief.palette
    fronds = brief.level(1, 3, 5)
    leaves = _greens(palette)
    for at in range(fronds):
        lean = (at - (fronds - 1) / 2) * 0.5 + float(rng.uniform(-0.1, 0.1))
        length = float(rng.uniform(0.78, 0.86)) * (1 - 0.12 * abs(lean))
        bend = lean * 1.1 + float(rng.choice([-1, 1])) * 0.35
        spine = _curve((0.5 + 0.03 * lean, 0.95), -np.pi / 2 + 0.5 * lean - 0.25 * bend, length, bend, 90)
        color = leaves[at % len(leaves)]
        tangents = np.gradient(spine, axis=0)
        for place in range(12, 90, 3):
            share = (place - 12) / 78
            reach = 0.27 * np.sin(np.pi * (0.12 + 0.88 * share) ** 0.75) * (1 if fronds == 1 else 0.72)
            angle = float(np.arctan2(tangents[place, 1], tangents[place, 0]))
            base = (float(spine[place, 0]), float(spine[place, 1]))
            for side in (-1, 1):
                tone = shade(color, 0.05 * share - 0.02)
                _leaf(
                    canvas, base, angle + side * (1.25 - 0.5 * share), reach, 0.022, tone, None, -0.5 * side
                )
        canvas.stroke(spine, 0.004, toward(color, _stem(palette), 0.6))
    return "A fern frond" if fronds == 1 else "Fern fronds from one root"


def _tree(brief: Brief, canvas: Canvas) -> str:
    rng, palette = brief.rng, brief.palette
    bark = _stem(palette)
    tips: list[Point] = []
    depth = brief.level(6, 7, 8)
    spread = float(rng.uniform(0.36, 0.55))

    def grow(at: Point, angle: float, length: float, width: float, left: int) -> None:
        limb = _curve(at, angle, length, float(rng.normal(0, 0.3)), 10)
        canvas.fill(ribbon(np.vstack([np.array([at]), limb]), np.linspace(width, width * 0.68, 11)), bark)
        end = (float(limb[-1, 0]), float(limb[-1, 1]))
        if left <= 4:
            tips.append(end)
        if left == 0:
            return
        for side in (-1, 1) if rng.random() < 0.88 else (-1, 0, 1):
            turn = side * spread * float(rng.uniform(0.6, 1.35)) - 0.06 * np.cos(angle)
            grow(end, angle + turn, length * float(rng.uniform(0.7, 0.86)), width * 0.68, left - 1)

    grow((0.5 + float(rng.uniform(-0.06, 0.06)), 0.96), -np.pi / 2, 0.2, 0.036, depth)
    kind = str(rng.choice(["bare", "blossom", "leaves", "fruit"]))
    if kind != "bare":
        share = {"blossom": 0.9, "leaves": 0.95, "fruit": 0.18}[kind]
        colors = (
            np.vstack([palette.accent[None], _greens(palette)]) if kind != "fruit" else palette.accent[None]
        )
        colors = colors[: 1 + int(rng.integers(1, 3))]
        for tip in tips:
            if rng.random() < share:
                color = shade(colors[int(rng.integers(len(colors)))], float(rng.uniform(-0.04, 0.06)))
                place = (tip[0] + float(rng.normal(0, 0.008)), tip[1] + float(rng.normal(0, 0.008)))
                if kind == "leaves":
                    _leaf(canvas, place, float(rng.uniform(0, 6.28)), 0.03, 0.014, color, None)
                else:
                    canvas.disk(
                        *place, float(rng.uniform(0.004, 0.011 if kind == "blossom" else 0.014)), color, 0.85
                    )
    return {
        "bare": "A bare tree",
        "blossom": "A tree in blossom",
        "leaves": "A leafy tree",
        "fruit": "A tree with fruit",
    }[kind]


def _meadow(brief: Brief, canvas: Canvas) -> str:
    rng, palette = brief.rng, brief.palette
    stems = brief.level(9, 22, 48)
    greens = _greens(palette)
    heads = np.vstack([palette.accent[None], palette.inks[1:]])
    for depth in np.sort(rng.uniform(0, 1, stems)):
        x = float(rng.uniform(0.06, 0.94))
        tall = float(rng.uniform(0.3, 0.78)) * (1.05 - 0.35 * depth)
        bend = float(rng.normal(0, 0.25))
        stem = _curve((x, 1.02), -np.pi / 2 - bend / 2, tall, bend, 30)
        green = toward(greens[int(rng.integers(len(greens)))], palette.ground, 0.5 * (1 - depth))
        canvas.stroke(stem, 0.0035, green)
        tip = (float(stem[-1, 0]), float(stem[-1, 1]))
        color = toward(heads[int(rng.integers(len(heads)))], palette.ground, 0.35 * (1 - depth))
        _head(canvas, rng, palette, tip, -np.pi / 2 + bend / 2, color, green)
        for _ in range(int(rng.integers(0, 3))):
            place = stem[int(rng.integers(4, 16))]
            side = float(rng.choice([-1, 1]))
            _leaf(
                canvas,
                (float(place[0]), float(place[1])),
                -np.pi / 2 + side * 0.6,
                0.12,
                0.016,
                green,
                None,
                side * 0.5,
            )
    return "A few wild flowers" if stems < 10 else "A meadow of wild flowers"


def _head(
    canvas: Canvas, rng: Rng, palette: Palette, tip: Point, angle: float, color: Floats, green: Floats
) -> None:
    """One of four kinds of flower head at the end of a stem."""
    kind = int(rng.integers(4))
    if kind == 0:
        _bloom(
            canvas,
            rng,
            tip,
            float(rng.uniform(0.035, 0.06)),
            color,
            palette.inks[0],
            int(rng.choice([5, 8, 13])),
        )
    elif kind == 1:
        for turn in np.linspace(-0.9, 0.9, 9):
            ray = _curve(tip, angle + float(turn), 0.075, 0.0, 6)
            canvas.stroke(ray, 0.0018, green)
            for _ in range(4):
                dot = ray[-1] + rng.normal(0, 0.006, 2)
                canvas.disk(float(dot[0]), float(dot[1]), 0.0045, color)
    elif kind == 2:
        for share in np.linspace(0, 1, 9):
            base = (
                tip[0] + 0.13 * share * float(np.cos(angle)),
                tip[1] + 0.13 * share * float(np.sin(angle)),
            )
            for side in (-1, 1):
                size = 0.034 * (1 - 0.6 * share)
                _leaf(canvas, base, angle + side * 0.9, size, size * 0.5, color, None)
    else:
        cup = float(rng.uniform(0.035, 0.055))
        for turn in (-0.55, 0.55, 0.0):
            _leaf(canvas, tip, angle + turn, cup * 1.7, cup, shade(color, 0.04 * turn), None, 0.0)


def _wreath(brief: Brief, canvas: Canvas) -> str:
    rng, palette = brief.rng, brief.palette
    radius = 0.31
    count = brief.level(18, 34, 60)
    greens = _greens(palette)
    canvas.ring(0.5, 0.5, radius, 0.003, _stem(palette))
    for ring in range(brief.level(1, 2, 2)):
        for at in range(count):
            around = 2 * np.pi * (at + 0.5 * ring) / count
            base = (0.5 + radius * float(np.cos(around)), 0.5 + radius * float(np.sin(around)))
            side = 1 if at % 2 else -1
            length = float(rng.uniform(0.09, 0.15))
            color = shade(greens[(at // 2 + ring) % len(greens)], float(rng.uniform(-0.05, 0.05)))
            _leaf(
                canvas,
                base,
                around + np.pi / 2 + side * 0.7,
                length,
                length * 0.36,
                color,
                palette.ground,
                0.35,
            )
    for at in range(brief.level(3, 6, 9)):
        around = 2 * np.pi * (at + float(rng.uniform(-0.2, 0.2))) / brief.level(3, 6, 9)
        place = (0.5 + radius * float(np.cos(around)), 0.5 + radius * float(np.sin(around)))
        _bloom(
            canvas,
            rng,
            place,
            float(rng.uniform(0.045, 0.075)),
            palette.accent,
            palette.inks[0],
            int(rng.choice([5, 6, 8])),
        )
    return "A wreath of leaves and flowers"
