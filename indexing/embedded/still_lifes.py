"""Still lifes: bottles, bowls and apples on a table, in quiet light."""

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
    """One vessel, a few, or a crowded shelf, with apples before them."""
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
        _vessel(picture, color, names[at], float(places[at]), float(feet[at]), height, side)
    fruit = int(rng.integers(*brief.level((0, 3), (1, 3), (2, 5))))
    middle = 0.5 + float(rng.uniform(-0.22, 0.22))
    for at in range(fruit):
        size = brief.level(0.062, 0.05, 0.042) * float(rng.uniform(0.92, 1.1))
        place = middle + 2.2 * size * (at - (fruit - 1) / 2)
        _apple(
            picture,
            _glaze(palette, palette.inks[-1 - at % 2]),
            place,
            float(feet.max()) + float(rng.uniform(0.01, 0.05)),
            size,
            side,
        )
    picture *= (1 + 0.045 * noise(rng, 0.06, 1.4, stretch=2.5) + 0.025 * noise(rng, 0.3, 2.0))[..., None]
    with_fruit = ("", " and an apple", " and apples")[min(fruit, 2)]
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


def _window(left: float, right: float, top: float, bottom: float) -> tuple[slice, slice]:
    """Rows and columns of the pixels within a box."""
    low = [int(np.clip(edge * SIDE, 0, SIDE - 1)) for edge in (top, left)]
    high = [int(np.clip(edge * SIDE + 1, 1, SIDE)) for edge in (bottom, right)]
    return slice(low[0], high[0]), slice(low[1], high[1])


def _shadow(picture: Floats, x0: float, foot: float, width: float, side: float) -> None:
    """Darkens the table away from the light and where a thing stands."""
    part = _window(x0 - 3.2 * width, x0 + 3.2 * width, foot - 0.4 * width, foot + 0.4 * width)
    x, y = (axis[part] for axis in grid())
    cast = np.hypot((x - x0 - side * width * 0.9) / (width * 2.1), (y - foot) / (width * 0.32))
    contact = np.hypot((x - x0) / (width * 1.08), (y - foot) / (width * 0.2))
    dark = np.maximum(0.5 * step(1.0, 0.15, cast), 0.35 * step(1.0, 0.5, contact))
    picture[part] *= (1 - dark)[..., None]


def _vessel(
    picture: Floats, color: Floats, name: str, x0: float, foot: float, height: float, side: float
) -> None:
    """Turns a profile into a glazed vessel lit from the other side than `side`."""
    widths = np.array(_VESSELS[name]) * height
    base, mouth, top = float(widths[-1]), float(widths[0]), foot - height
    _shadow(picture, x0, foot, float(widths[-3:].max()), side)
    reach = float(widths.max()) + 0.01
    part = _window(x0 - reach, x0 + reach, top - 0.25 * mouth, foot + 0.2 * base)
    x, y = (axis[part] for axis in grid())
    view = picture[part]
    profile = PchipInterpolator(np.linspace(0, 1, len(widths)), widths)
    share = np.clip((y[:, :1] - top) / height, 0, 1)
    half = profile(share).astype(np.float32)
    away = np.abs(x - x0)
    cover = inside(away - half, 1.5 / SIDE) * ((y >= top) & (y <= foot))
    # The foot is round too, so that the vessel stands on the table instead of against it.
    cover = np.maximum(cover, inside(np.hypot(away, (y - foot) / 0.16) - base, 2 / SIDE) * (y > foot))
    across = np.clip((x - x0) / half, -1, 1) * side
    lit = 0.36 + 0.52 * np.sqrt(1 - across**2) - 0.46 * across
    gleam = 0.12 * np.exp(-(((across + 0.5) / 0.16) ** 2)) * step(0.0, 0.2, share)
    lay(view, color * np.clip(lit, 0.1, 1.25)[..., None] + gleam[..., None], cover)
    rim = np.hypot(away / mouth, (y - top) / (mouth * 0.2))
    lay(view, shade(color, 0.05), inside((rim - 1) * mouth * 0.2, 1.5 / SIDE))
    lay(view, shade(color, -0.22), inside((rim - 0.86) * mouth * 0.2, 2 / SIDE))


def _apple(picture: Floats, color: Floats, x0: float, y0: float, radius: float, side: float) -> None:
    """A round fruit with a hollow and a stalk."""
    _shadow(picture, x0, y0 + radius * 0.86, radius * 0.8, side)
    part = _window(x0 - 1.2 * radius, x0 + 1.2 * radius, y0 - 1.6 * radius, y0 + 1.2 * radius)
    x, y = (axis[part] for axis in grid())
    u, v = (x - x0) / radius, (y - y0) / radius
    outline = np.hypot(u, v * (1.06 + 0.05 * v)) + 0.10 * np.exp(-((u / 0.28) ** 2)) * (v < 0)
    z = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
    hollow = 0.3 * np.exp(-((u / 0.3) ** 2) - ((v + 0.78) / 0.16) ** 2)
    lit = 0.3 + 0.55 * z - 0.34 * side * u - 0.26 * v - hollow
    gleam = 0.25 * np.exp(-((u + side * 0.4) ** 2 + (v + 0.4) ** 2) / 0.03)
    lay(
        picture[part],
        color * np.clip(lit, 0.1, 1.2)[..., None] + gleam[..., None],
        inside((outline - 1) * radius, 1.5 / SIDE),
    )
    stalk = np.maximum(np.abs(u - 0.25 * (v + 0.8) * side) - 0.05, np.abs(v + 1.0) - 0.26)
    lay(picture[part], shade(color, -0.3, 0.5), inside(stalk * radius, 1.5 / SIDE))
