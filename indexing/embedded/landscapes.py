"""Landscapes: ridges, dunes, woods, lakes and seas that fade into a lit sky."""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.color import oklab, ramp, shade
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.palettes import Palette, toward
from indexing.embedded.surface import SIDE, grid, inside, lay, noise, ridge, step


def paint(brief: Brief) -> Painting:
    """A sky with one sun or moon, and land or water before it."""
    scene = brief.pick("mountains", "dunes", "woods", "lake", "sea")
    rng, palette = brief.rng, brief.palette
    night = palette.dark and oklab(palette.ground)[0] < 0.3
    horizon = float(rng.uniform(0.52, 0.6) if scene in ("lake", "sea") else rng.uniform(0.38, 0.5))
    glow = _glow(palette)
    picture = _sky(rng, palette, glow, horizon)
    disk = _light(rng, picture, palette, glow, horizon, night)
    if scene == "sea":
        _water(rng, picture, palette, glow, horizon, disk)
    else:
        _ranges(rng, picture, palette, glow, horizon, scene, brief.level(3, 5, 7))
    if scene == "lake":
        _mirror(rng, picture, palette, float(rng.uniform(0.68, 0.74)))
    what = {
        "mountains": "Mountain ridges in haze",
        "dunes": "Long dunes",
        "woods": "Wooded hills in mist",
        "lake": "Hills mirrored in a lake",
        "sea": "A calm sea",
    }[scene]
    lamp = "a moon" if night else "a low sun"
    return Painting(
        picture, f"{what} under {lamp}, {palette.mood}", "mirror" if scene == "lake" else "none", "soft"
    )


def _glow(palette: Palette) -> Floats:
    """The color of the air at the horizon, (3,)."""
    colors = palette.by_lightness()
    if palette.dark:
        return colors[-2]
    return toward(palette.ground, palette.inks[0], 0.6)


def _sky(rng: Rng, palette: Palette, glow: Floats, horizon: float) -> Floats:
    """A vertical fade from the upper sky to the glow, with thin drawn-out clouds."""
    _, y = grid()
    colors = palette.by_lightness()
    if palette.dark:
        stops = np.stack([colors[0], colors[1], toward(colors[2], colors[3], 0.5), glow])
    else:
        top = toward(palette.ground, palette.inks[int(rng.integers(1, 3))], 0.75)
        stops = np.stack([top, toward(top, palette.ground, 0.6), glow])
    cloud = noise(rng, 0.35, 2.6, stretch=0.22)
    return ramp(stops, np.clip(y / (horizon + 0.12) + 0.045 * cloud * step(0.0, 0.3, y), 0, 1))


def _light(
    rng: Rng, picture: Floats, palette: Palette, glow: Floats, horizon: float, night: bool
) -> tuple[float, Floats]:
    """Sets sun or moon into the sky; returns its x and its color."""
    x, y = grid()
    cx, cy = float(rng.uniform(0.25, 0.75)), float(horizon * rng.uniform(0.4, 0.8))
    radius = float(rng.uniform(0.035, 0.085))
    color = palette.pale if night or rng.random() < 0.4 else palette.accent
    if night:
        stars = rng.random((SIDE, SIDE), dtype=np.float32)
        lay(picture, palette.pale, np.where(stars > 0.9993, stars**3 * 0.8, 0) * step(horizon, 0.1, y))
    away = np.hypot(x - cx, y - cy)
    lay(picture, toward(color, glow, 0.4), 0.55 * np.exp(-(((away - radius).clip(0) / 0.16) ** 1.1)))
    lay(picture, color, inside(away - radius))
    return cx, color


def _ranges(
    rng: Rng, picture: Floats, palette: Palette, glow: Floats, horizon: float, scene: str, count: int
) -> None:
    """Ridge behind ridge, each darker than the one behind it and misty at its foot."""
    _, y = grid()
    near = shade(palette.deep, -0.03)
    middle = palette.inks[1] if palette.dark else palette.inks[-2]
    for at, depth in enumerate(np.linspace(0.12, 1, count)):
        base = horizon + (0.9 - horizon) * (at / max(count - 1, 1)) ** 1.25
        height, slope = (0.055 + 0.02 * depth, 3.2) if scene == "dunes" else (0.055 + 0.02 * depth, 1.75)
        top = base - height * ridge(rng, 0.55 if scene == "dunes" else 0.4, slope)
        if scene == "woods" or (scene == "lake" and depth > 0.6):
            top = top - _pines(rng, 0.014 + 0.05 * depth**2)
        color = ramp(np.stack([glow, middle, near]), np.float32(0.12 + 0.88 * depth))
        foot = toward(color, glow, 0.55 * (1 - depth) + 0.22)
        fall = step(0.0, 0.3, y - top[None])[..., None]
        steep = np.sqrt(1 + (np.gradient(top) * SIDE) ** 2)
        body = color + (foot - color) * fall
        if scene == "dunes":
            lit = (
                step(-0.4, 0.5, np.gradient(top) * SIDE * 3)[None, :, None]
                * np.exp(-(y - top[None]).clip(0) / 0.09)[..., None]
            )
            body = body + (toward(color, glow, 0.4) - body) * lit
        lay(picture, body, inside((top[None] - y) / steep[None]))


def _pines(rng: Rng, size: float) -> Floats:
    """Heights (SIDE,) of a row of pointed trees above their ridge."""
    x = grid()[0][0]
    row = np.zeros(SIDE, dtype=np.float32)
    for place in rng.uniform(-0.02, 1.02, int(2.2 / size)):
        tall = size * rng.uniform(0.4, 1.25)
        away = np.abs(x - place) / (tall * 0.24)
        jag = 0.12 * (1 - np.mod(away * 4, 1))
        row = np.maximum(row, tall * np.clip(1 - away - jag * (away > 0.08), 0, 1))
    return row


def _water(
    rng: Rng, picture: Floats, palette: Palette, glow: Floats, horizon: float, disk: tuple[float, Floats]
) -> None:
    """The sea below the horizon: darker toward us, with ripples and the light's path."""
    x, y = grid()
    deep = toward(palette.deep, palette.inks[1], 0.25)
    mid = palette.inks[min(2, len(palette.inks) - 1)]
    depth = np.clip((y - horizon) / (1 - horizon), 0, 1)
    body = ramp(np.stack([toward(glow, mid, 0.6), toward(mid, deep, 0.35), deep]), depth**0.8)
    perspective = noise(rng, 0.12, 1.6, stretch=0.08)
    rows = np.clip((depth**0.6 * SIDE).astype(np.int32), 0, SIDE - 1)
    ripple = np.take_along_axis(perspective, rows, 0)
    lay(body, toward(glow, mid, 0.3), 0.35 * step(0.6, 2.2, ripple))
    path = np.exp(-(((x - disk[0]) / (0.035 + 0.11 * depth)) ** 2))
    lay(body, disk[1], 0.85 * path * step(0.1, 1.1, ripple + 0.5 * path))
    lay(picture, body, inside(horizon - y))


def _mirror(rng: Rng, picture: Floats, palette: Palette, shore: float) -> None:
    """Turns what lies below the shore into a rippled reflection of what stands above it."""
    x, y = grid()
    row = int(shore * SIDE)
    depth = (y[row:] - shore) / (1 - shore)
    shake = noise(rng, 0.1, 1.8, stretch=0.1)[row:] * (1 + 5 * depth)
    rows = np.clip(2 * row - np.arange(row, SIDE)[:, None] * 1.0 + shake, 0, row - 1).astype(np.int32)
    image = np.take_along_axis(picture, np.broadcast_to(rows[..., None], (*rows.shape, 3)), 0)
    tint = toward(palette.deep, palette.inks[2], 0.5)
    picture[row:] = image + (tint - image) * (0.18 + 0.35 * depth)[..., None]
