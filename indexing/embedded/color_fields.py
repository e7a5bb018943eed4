"""Color fields: few large colors, and what happens where they meet."""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats
from indexing.embedded.color import from_oklab, oklab, ramp
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.palettes import toward
from indexing.embedded.surface import SIDE, box, grid, inside, lay, noise, plain, step


def paint(brief: Brief) -> Painting:
    """Floating fields, nested squares, stripes, a lit opening or drifting mists of color."""
    kind = brief.pick(_floating, _nested, _stripes, _opening, _mists, _leaning)
    return kind(brief)


def _order(brief: Brief) -> Floats:
    """The palette's inks in random order, (n, 3)."""
    return brief.palette.inks[brief.rng.permutation(len(brief.palette.inks))]


def _floating(brief: Brief) -> Painting:
    rng = brief.rng
    x, y = grid()
    inks = _order(brief)
    count = brief.level(2, 3, 4)
    ground = toward(brief.palette.ground, inks[-1], 0.18 if brief.palette.dark else 0.5)
    picture = plain(ground) * (1 + 0.05 * noise(rng, 0.5, 2.2))[..., None]
    shares = rng.dirichlet(np.full(count, 4.0)) * (0.86 - 0.03 * (count - 1))
    top = 0.07
    wobble = 0.005 * noise(rng, 0.25, 2.2)
    for at, share in enumerate(shares):
        distance = box(x - 0.5, y - (top + share / 2), 0.42, float(share) / 2, 0.012) + wobble
        brush = 1 + 0.055 * noise(rng, 0.25, 1.7, stretch=2.5)
        color = inks[at % (len(inks) - 1)] * brush[..., None]
        lay(
            picture,
            color,
            step(0.022, -0.022, distance) * np.clip(0.93 + 0.03 * noise(rng, 0.3, 1.8, stretch=2.0), 0, 1),
        )
        top += float(share) + 0.03
    return Painting(
        picture,
        f"{_NUMBERS[count]} soft-edged fields stacked on a ground, {brief.palette.mood}",
        "mirror",
        "soft",
        0.018,
    )


_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight")


def _nested(brief: Brief) -> Painting:
    x, y = grid()
    count = brief.level(3, 4, 6)
    colors = (
        _order(brief)
        if brief.rng.random() < 0.5
        else brief.palette.by_lightness()[:: brief.rng.choice([-1, 1])]
    )
    drop = float(brief.rng.choice([0.0, 0.35, 0.55]))
    picture = plain(colors[0])
    for at in range(1, count):
        half = 0.5 * (1 - at / count)
        shift = drop * (0.5 - half) * 0.75
        cloth = 1 + 0.035 * noise(brief.rng, 0.05, 1.2)
        lay(
            picture,
            colors[at % len(colors)] * cloth[..., None],
            inside(box(x - 0.5, y - 0.5 - shift, half, half)),
        )
    return Painting(
        picture,
        f"{_NUMBERS[count]} squares one inside the other, {brief.palette.mood}",
        "mirror",
        "hard",
        0.016,
    )


def _stripes(brief: Brief) -> Painting:
    rng = brief.rng
    x, y = grid()
    count = brief.level(7, 16, 34)
    edges = np.cumsum(rng.dirichlet(np.full(count, rng.choice([1.2, 40.0]))))[:-1]
    along = x if rng.random() < 0.5 else y
    colors = np.vstack([brief.palette.inks, brief.palette.ground[None]])
    order = [int(rng.integers(len(colors)))]
    while len(order) < count:
        step_ = int(rng.integers(len(colors)))
        if step_ != order[-1]:
            order.append(step_)
    picture = plain(colors[order[0]])
    hand = 0.0012 * noise(rng, 0.2, 2.0)
    for edge, ink in zip(edges, order[1:], strict=True):
        lay(picture, colors[ink], inside(edge - along + hand, 1.6 / SIDE))
    picture *= (1 + 0.03 * noise(rng, 0.06, 1.2))[..., None]
    way = "upright" if along is x else "level"
    return Painting(picture, f"{count} {way} stripes, {brief.palette.mood}", "repeat", "hard", 0.014)


def _opening(brief: Brief) -> Painting:
    rng = brief.rng
    x, y = grid()
    colors = brief.palette.by_lightness()
    shape = str(rng.choice(["circle", "oval", "square"]))
    away = {
        "circle": np.hypot(x - 0.5, y - 0.5),
        "oval": np.hypot((x - 0.5) * 1.45, (y - 0.5) * 0.92),
        "square": (np.abs(x - 0.5) ** 4 + np.abs(y - 0.5) ** 4) ** 0.25,
    }[shape]
    stops = np.vstack([colors[::-1], colors[:1]]) if rng.random() < 0.6 else _order(brief)
    rings = brief.level(0.9, 1.15, 1.4)
    picture = ramp(
        stops[: brief.level(3, 5, 6)], np.clip(away * rings / 0.62, 0, 1).astype(np.float32) ** 1.15
    )
    return Painting(
        picture, f"A glowing {shape} that fades outward, {brief.palette.mood}", "mirror", "soft", 0.014
    )


def _mists(brief: Brief) -> Painting:
    rng = brief.rng
    x, y = grid()
    count = brief.level(4, 7, 11)
    bend = 0.10 * noise(rng, 0.5, 4.0)
    colors = np.vstack([brief.palette.inks, brief.palette.ground[None]])
    places = rng.uniform(-0.1, 1.1, (count, 2))
    mix, total = np.zeros((SIDE, SIDE, 3), np.float32), np.zeros((SIDE, SIDE), np.float32)
    width = brief.level(0.34, 0.24, 0.18)
    for at, (cx, cy) in enumerate(places):
        pull = np.exp(-(((x + bend - cx) ** 2 + (y - bend - cy) ** 2) / width**2)) + np.float32(1e-4)
        mix += oklab(colors[at % len(colors)]) * pull[..., None]
        total += pull
    picture = from_oklab(mix / total[..., None])
    return Painting(picture, f"Drifting mists of color, {brief.palette.mood}", "none", "soft", 0.022)


def _leaning(brief: Brief) -> Painting:
    rng = brief.rng
    x, y = grid()
    inks = _order(brief)
    picture = plain(brief.palette.ground)
    for at in range(brief.level(1, 2, 3)):
        turn = float(rng.uniform(0, 2 * np.pi))
        cx, cy = rng.uniform(0.25, 0.75, 2)
        radius = float(rng.uniform(0.28, 0.5))
        kind = rng.integers(3)
        u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        v = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        distance = (
            np.hypot(u, v) - radius,
            np.maximum(np.hypot(u, v) - radius, u),
            u + 0.12 * np.cos(3.2 * v + at),
        )[kind]
        lay(picture, inks[at], inside(distance))
    picture *= (1 + 0.02 * noise(rng, 0.05, 1.2))[..., None]
    return Painting(
        picture, f"Large flat shapes leaning into the frame, {brief.palette.mood}", "none", "hard", 0.012
    )
