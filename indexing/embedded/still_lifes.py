"""Still lifes: bottles, bowls and fruit on a table, in quiet light."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.color import oklab, shade
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.palettes import Palette, toward
from indexing.embedded.surface import SIDE, grid, inside, lay, noise, plain, step

# Half widths from the mouth (first) to the foot (last), as a share of the height.
_VESSELS = {
    "bottle": (0.075, 0.07, 0.07, 0.09, 0.19, 0.215, 0.215, 0.21, 0.195),
    "vase": (0.16, 0.11, 0.10, 0.17, 0.27, 0.30, 0.27, 0.20, 0.15),
    "jug": (0.17, 0.14, 0.15, 0.21, 0.27, 0.29, 0.28, 0.25, 0.21),
    "beaker": (0.30, 0.29, 0.285, 0.28, 0.275, 0.27, 0.262, 0.255, 0.24),
    "bowl": (0.95, 0.93, 0.89, 0.83, 0.74, 0.62, 0.46, 0.33, 0.33),
    "flask": (0.065, 0.055, 0.055, 0.06, 0.12, 0.24, 0.31, 0.32, 0.24),
    "urn": (0.21, 0.15, 0.19, 0.30, 0.35, 0.33, 0.25, 0.17, 0.19),
}
_HEIGHTS = {
    "bottle": 0.46,
    "vase": 0.38,
    "jug": 0.32,
    "beaker": 0.2,
    "bowl": 0.13,
    "flask": 0.36,
    "urn": 0.32,
}


def paint(brief: Brief) -> Painting:
    """One vessel, a few, or a crowded shelf, with fruit before them."""
    rng, palette = brief.rng, brief.palette
    table = float(rng.uniform(0.62, 0.7))
    picture = _room(rng, palette, table)
    side = float(rng.choice([-1, 1]))
    count = brief.level(1, 3, 5)
    names = [str(name) for name in rng.choice(sorted(_VESSELS), count, replace=False)]
    places = (
        0.5 + (np.arange(count) - (count - 1) / 2) * brief.level(0, 0.24, 0.165) + rng.normal(0, 0.015, count)
    )
    feet = table + rng.uniform(0.06, 0.17, count)
    inks = palette.inks[rng.permutation(len(palette.inks))]
    scale = brief.level(1.5, 1.2, 1.05)
    for at in np.argsort(feet):
        color = _glaze(palette, inks[at % len(inks)])
        height = _HEIGHTS[names[at]] * scale * float(rng.uniform(0.9, 1.08))
        _vessel(rng, picture, color, names[at], float(places[at]), float(feet[at]), height, side)
    fruit = int(rng.integers(*brief.level((0, 3), (1, 4), (2, 5))))
    middle = float(rng.uniform(0.3, 0.7))
    for at in range(fruit):
        color = _glaze(palette, palette.inks[-1 - at % 2])
        _fruit(
            picture,
            color,
            middle + 0.085 * (at - fruit / 2) + float(rng.normal(0, 0.01)),
            float(feet.max()) + float(rng.uniform(0.03, 0.08)),
            float(rng.uniform(0.034, 0.048)),
            side,
        )
    picture *= (1 + 0.045 * noise(rng, 0.06, 1.4, stretch=2.5) + 0.025 * noise(rng, 0.3, 2.0))[..., None]
    with_fruit = " and fruit" if fruit else ""
    things = f"A {names[0]}" if count == 1 else f"{('', '', '', 'Three', '', 'Five')[count]} vessels"
    return Painting(
        np.clip(picture, 0, 1), f"{things}{with_fruit} on a table, {palette.mood}", "none", "soft", 0.016
    )


def _glaze(palette: Palette, color: Floats) -> Floats:
    """A color that stands clear of the wall."""
    gap = float(oklab(color)[0] - oklab(_wall(palette))[0])
    return shade(color, 0.12 if gap >= 0 else -0.12) if abs(gap) < 0.12 else color


def _wall(palette: Palette) -> Floats:
    return toward(palette.ground, palette.inks[0], 0.45)


def _room(rng: Rng, palette: Palette, table: float) -> Floats:
    """Wall and table, the light falling off to one side."""
    x, y = grid()
    picture = plain(_wall(palette))
    board = toward(palette.inks[1], palette.ground, 0.35)
    lay(picture, board, inside(table - y + 0.003 * noise(rng, 0.4, 2.5), 3 / SIDE))
    lay(picture, shade(board, -0.12), 0.8 * step(table + 0.24, table + 0.32, y))
    fall = 1.06 - 0.3 * np.hypot(x - 0.35, (y - 0.35) * 0.8)
    return np.asarray(picture * fall[..., None], dtype=np.float32)


def _shadow(picture: Floats, x0: float, foot: float, width: float, side: float) -> None:
    x, y = grid()
    u = (x - x0 - side * width * 0.9) / (width * 2.1)
    v = (y - foot) / (width * 0.32)
    dark = step(1.0, 0.15, np.hypot(u, v)) * 0.5
    contact = step(1.0, 0.5, np.hypot((x - x0) / (width * 1.08), (y - foot) / (width * 0.2))) * 0.35
    picture *= (1 - np.maximum(dark, contact))[..., None]


def _vessel(
    rng: Rng, picture: Floats, color: Floats, name: str, x0: float, foot: float, height: float, side: float
) -> None:
    x, y = grid()
    widths = np.array(_VESSELS[name])
    _shadow(picture, x0, foot, float(widths[-3:].max()) * height, side)
    profile = PchipInterpolator(np.linspace(0, 1, len(widths)), widths * height)
    line = grid()[0][0]
    share = (line - (foot - height)) / height
    half = np.where((share >= 0) & (share <= 1), profile(np.clip(share, 0, 1)), 1e-4).astype(np.float32)[
        :, None
    ]
    foot_arc = (
        0.16
        * half[np.argmin(np.abs(line - foot + 0.01))]
        * np.sqrt(np.clip(1 - ((x - x0) / np.maximum(half, 1e-3)) ** 2, 0, 1))
    )
    u = (x - x0) / half
    cover = inside(np.abs(x - x0) - half, 1.5 / SIDE) * ((y >= foot - height) & (y <= foot))
    below = inside(np.hypot(x - x0, (y - foot) / 0.16) - float(widths[-1] * height), 2 / SIDE) * (y > foot)
    cover = np.maximum(cover, below)
    del foot_arc
    turn = np.sqrt(np.clip(1 - np.minimum(u, 1) ** 2, 0, 1))
    lit = 0.36 + 0.52 * turn - 0.46 * side * np.clip(u, -1, 1)
    lit = np.where(y > foot, 0.36 + 0.52 - 0.3 * side * np.clip((x - x0) / (widths[-1] * height), -1, 1), lit)
    gleam = 0.22 * np.exp(-(((u + side * 0.5) / 0.16) ** 2)) * step(0.0, 0.2, (y - foot + height) / height)
    body = color * np.clip(lit, 0.1, 1.25)[..., None] + gleam[..., None] * 0.5
    lay(picture, body, cover)
    mouth = float(widths[0] * height)
    rim = np.hypot((x - x0) / mouth, (y - (foot - height)) / (mouth * 0.2))
    lay(picture, shade(color, 0.05), inside((rim - 1) * mouth * 0.2, 1.5 / SIDE))
    lay(picture, shade(color, -0.22), inside((rim - 0.86) * mouth * 0.2, 2 / SIDE))


def _fruit(picture: Floats, color: Floats, x0: float, y0: float, radius: float, side: float) -> None:
    x, y = grid()
    _shadow(picture, x0, y0 + radius * 0.85, radius * 0.8, side)
    u, v = (x - x0) / radius, (y - y0) / radius
    z = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
    lit = 0.28 + 0.55 * z - 0.36 * side * u - 0.3 * v
    gleam = 0.3 * np.exp(-((u + side * 0.4) ** 2 + (v + 0.42) ** 2) / 0.03)
    lay(
        picture,
        color * np.clip(lit, 0.1, 1.2)[..., None] + gleam[..., None],
        inside((np.hypot(u, v) - 1) * radius, 1.5 / SIDE),
    )
