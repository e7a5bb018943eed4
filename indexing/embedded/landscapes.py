"""Landscapes: ridges, dunes, woods, lakes and seas that fade into a lit sky."""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.color import oklab, ramp, shade
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.palettes import Palette, toward
from indexing.embedded.surface import SIDE, grid, inside, lay, noise, ridge, step

_ALT = {
    "mountains": "Mountain ridges in haze",
    "dunes": "Long dunes",
    "woods": "Wooded hills in mist",
    "lake": "Hills mirrored in a lake",
    "sea": "A calm sea",
    "lights": "Northern lights over hills",
}


def paint(brief: Brief) -> Painting:
    """A sky with one sun or moon, and land or water before it."""
    rng, palette = brief.rng, brief.palette
    scene = brief.pick("mountains", "dunes", "woods", "lake", "sea")
    if palette.dark and scene in ("mountains", "woods") and rng.random() < 0.5:
        scene = "lights"
    horizon = float(rng.uniform(0.52, 0.6) if scene in ("lake", "sea", "lights") else rng.uniform(0.4, 0.5))
    glow = _glow(palette)
    picture = _sky(rng, palette, glow, horizon)
    if scene == "lights":
        _curtains(rng, palette, picture, horizon)
    disk = _light(rng, picture, palette, glow, horizon)
    if scene == "sea":
        _water(rng, picture, palette, glow, horizon, disk)
    else:
        _ranges(rng, picture, palette, glow, horizon, scene, brief.level(3, 5, 7))
    if scene == "lake":
        _mirror(rng, picture, palette, float(rng.uniform(0.68, 0.74)))
    lamp = "a moon" if palette.dark else "a low sun"
    alt = f"{_ALT[scene]} under {lamp}, {palette.mood}"
    return Painting(np.clip(picture, 0, 1), alt, "mirror" if scene == "lake" else "none", "soft")


def _glow(palette: Palette) -> Floats:
    """The color of the air at the horizon, (3,)."""
    if palette.dark:
        return np.asarray(palette.by_lightness()[-2])
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
    cloud = noise(rng, 0.3, 2.3, stretch=float(rng.uniform(3, 6)))
    return ramp(stops, np.clip(y / (horizon + 0.12) + 0.05 * cloud * step(0.0, 0.3, y), 0, 1))


def _curtains(rng: Rng, palette: Palette, picture: Floats, horizon: float) -> None:
    """Rays of polar light that hang from the sky."""
    _, y = grid()
    for ink in palette.inks[-3:-1]:
        hem = horizon * (0.62 + 0.13 * ridge(rng, 0.6, 3.0))[None]
        above = hem - y
        rays = 0.6 * ridge(rng, 0.3, 1.6)[None] + 0.4 * noise(rng, 0.5, 3.0)
        veil = step(-0.03, 0.03, above) * np.exp(-np.clip(above, 0, None) / float(rng.uniform(0.12, 0.22)))
        lay(picture, ink, np.clip(0.75 * veil * (0.7 + 0.28 * rays), 0, 1))


def _light(rng: Rng, picture: Floats, palette: Palette, glow: Floats, horizon: float) -> tuple[float, Floats]:
    """Sets sun or moon into the sky; returns its x and its color."""
    x, y = grid()
    cx, cy = float(rng.uniform(0.25, 0.75)), float(horizon * rng.uniform(0.4, 0.8))
    radius = float(rng.uniform(0.035, 0.085))
    lightness, *hue = oklab(palette.accent)
    colorful = lightness > 0.5 and np.hypot(*hue) > 0.1
    color = palette.accent if colorful and rng.random() < 0.6 else palette.pale
    if palette.dark:
        stars = rng.random((SIDE, SIDE), dtype=np.float32)
        lay(picture, palette.pale, np.where(stars > 0.9993, 0.8, 0) * step(horizon, 0.1, y))
    away = np.hypot(x - cx, y - cy)
    lay(picture, toward(color, glow, 0.4), 0.55 * np.exp(-(((away - radius).clip(0) / 0.16) ** 1.1)))
    lay(picture, color, inside(away - radius))
    return cx, color


def _ranges(
    rng: Rng, picture: Floats, palette: Palette, glow: Floats, horizon: float, scene: str, count: int
) -> None:
    """Ridge behind ridge, each darker than the one behind it and misty at its foot."""
    x, y = grid()
    near = shade(palette.deep, -0.03)
    middle = palette.inks[1] if palette.dark else palette.inks[-2]
    scale, slope = {"dunes": (0.8, 3.4), "woods": (0.6, 2.6)}.get(scene, (0.4, 1.75))
    for at, depth in enumerate(np.linspace(0.12, 1, count)):
        base = horizon + (0.9 - horizon) * (at / max(count - 1, 1)) ** 1.25
        top = base - (0.055 + 0.02 * depth) * ridge(rng, scale, slope)
        steep = np.sqrt(1 + (np.gradient(top) * SIDE) ** 2)
        if scene == "woods" or (scene in ("lake", "lights") and depth > 0.7):
            top = top - _pines(rng, 0.016 + 0.05 * depth**2)
            steep = np.ones_like(steep)
        color = ramp(np.stack([glow, middle, near]), float(0.12 + 0.88 * depth))
        foot = toward(color, glow, 0.6 * (1 - depth) + 0.2)
        body = color + (foot - color) * step(base - 0.05, base + 0.17, y)[..., None]
        if scene == "dunes":
            # The lit flank is bounded by a line that slants down from each crest.
            crest = np.gradient(top) * SIDE
            flank = np.interp((x - 0.9 * (y - top[None])).ravel(), x[0], crest).reshape(x.shape)
            lit = step(-0.25, 0.35, -flank) * np.exp(-np.clip(y - top[None], 0, None) / 0.12)
            body = body + (toward(color, glow, 0.5) - body) * (0.8 * lit)[..., None]
        lay(picture, body, inside((top[None] - y) / steep[None]))


def _pines(rng: Rng, size: float) -> Floats:
    """Heights (SIDE,) of a row of pointed trees above their ridge."""
    x = grid()[0][0]
    row = np.zeros(SIDE, dtype=np.float32)
    for place in rng.uniform(-0.02, 1.02, int(1.9 / size)):
        tall = size * rng.uniform(0.35, 1.3)
        away = np.abs(x - place) / (tall * 0.2)
        jag = 0.16 * (1 - np.mod(away * 4, 1))
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
    # Ripples are squeezed toward the horizon, as a plane seen from above it.
    rows = np.clip((depth**0.5 * SIDE * 0.98).astype(np.int32), 0, SIDE - 1)
    ripple = np.take_along_axis(noise(rng, 0.07, 2.2, stretch=7.0), rows, 0)
    lay(body, toward(glow, mid, 0.3), 0.4 * step(0.4, 2.0, ripple))
    lay(body, deep, 0.3 * step(0.4, 2.0, -ripple))
    path = np.exp(-(((x - disk[0]) / (0.03 + 0.10 * depth)) ** 2))
    lay(body, disk[1], 0.9 * path * step(0.0, 0.9, ripple + 0.7 * path - 0.3))
    lay(picture, body, inside(horizon - y))


def _mirror(rng: Rng, picture: Floats, palette: Palette, shore: float) -> None:
    """Turns what lies below the shore into a rippled reflection of what stands above it."""
    _, y = grid()
    row = int(shore * SIDE)
    depth = (y[row:] - shore) / (1 - shore)
    shake = noise(rng, 0.05, 2.2, stretch=6.0)[row:] * (0.5 + 4 * depth)
    rows = np.clip(2 * row - np.arange(row, SIDE)[:, None] + shake, 0, row - 1).astype(np.int32)
    image = np.take_along_axis(picture, np.broadcast_to(rows[..., None], (*rows.shape, 3)), 0)
    tint = toward(palette.deep, palette.inks[2], 0.5)
    picture[row:] = image + (tint - image) * (0.16 + 0.34 * depth)[..., None]
