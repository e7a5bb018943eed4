"""Skies without land: clouds of gas, planets with rings, star trails and constellations."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.color import ramp, shade
from indexing.embedded.painting import Brief, Painting, Symmetry
from indexing.embedded.palettes import Palette, toward
from indexing.embedded.surface import SIDE, grid, inside, lay, noise, plain, sample, step

PALETTES = ("midnight", "neon", "ember", "forest", "dusk", "aurora", "abyss", "wine", "graphite")


def paint(brief: Brief) -> Painting:
    """A nebula, a planet, a galaxy or an eclipse among stars."""
    scene = brief.pick("nebula", "planet", "galaxy", "eclipse")
    rng, palette = brief.rng, brief.palette
    picture = plain(shade(palette.ground, -0.05))
    symmetry: Symmetry = "none"
    if scene == "nebula":
        _gas(rng, palette, picture, brief.level(0.7, 0.95, 1.2))
        _stars(rng, palette, picture, brief.level(60, 220, 600))
        alt = "Clouds of glowing gas among stars"
    elif scene == "galaxy":
        _galaxy(rng, palette, picture, brief.level(2, 3, 5))
        _stars(rng, palette, picture, brief.level(60, 160, 400))
        alt, symmetry = "A spiral galaxy", "rotation"
    else:
        _gas(rng, palette, picture, brief.level(0.1, 0.18, 0.28))
        _stars(rng, palette, picture, brief.level(50, 160, 420))
        if scene == "planet":
            ringed = _planet(rng, palette, picture)
            alt = "A planet with rings" if ringed else "A banded planet lit from one side"
        else:
            _eclipse(rng, palette, picture)
            alt, symmetry = "A dark disk before a bright corona", "rotation"
    # Bright parts are rolled off as on film, so that no cloud burns out.
    light = np.where(picture < 0.5, picture, 1 - 0.5 * np.exp(1 - 2 * picture))
    return Painting(light, f"{alt}, {palette.mood}", symmetry, "soft", 0.008)


def _gas(rng: Rng, palette: Palette, picture: Floats, strength: float) -> None:
    """Clouds lit from within, crossed by dark dust."""
    x, y = grid()
    bend, sway = noise(rng, 0.7, 3.4), noise(rng, 0.7, 3.4)
    cloud = sample(noise(rng, 0.5, 2.15), x + 0.06 * bend, y + 0.06 * sway)
    veil = sample(noise(rng, 0.4, 2.6), x - 0.05 * sway, y + 0.05 * bend)
    dust = sample(noise(rng, 0.35, 2.2), x + 0.05 * sway, y - 0.05 * bend)
    body = step(-2.0, 2.4, cloud + 0.8 * bend)
    color = ramp(palette.inks, np.clip(0.05 + 0.85 * body + 0.1 * veil, 0, 1))
    picture += color * (strength * 1.15 * body**1.7)[..., None]
    picture += palette.pale * (strength * 0.3 * step(0.7, 1.1, body) ** 2)[..., None]
    picture *= (1 - 0.8 * step(0.0, 2.4, dust) * step(0.1, 0.5, body))[..., None]


def _stars(rng: Rng, palette: Palette, picture: Floats, count: int) -> None:
    sky = np.zeros((SIDE, SIDE), np.float32)
    place = rng.integers(4, SIDE - 4, (count, 2))
    size = np.minimum(rng.pareto(1.5, count) * 0.5 + 0.35, 14).astype(np.float32)
    np.add.at(sky, (place[:, 0], place[:, 1]), size)
    glow = gaussian_filter(sky, 0.75) * 1.9 + gaussian_filter(np.clip(sky - 4, 0, None), 5.0) * 4
    picture += toward(palette.pale, np.ones(3, np.float32), 0.5) * np.minimum(glow, 1.6)[..., None]


def _planet(rng: Rng, palette: Palette, picture: Floats) -> bool:
    x, y = grid()
    cx, cy = (float(v) for v in rng.uniform(0.4, 0.6, 2))
    radius = float(rng.uniform(0.17, 0.3))
    tilt = float(rng.uniform(-0.6, 0.6))
    u = ((x - cx) * np.cos(tilt) + (y - cy) * np.sin(tilt)) / radius
    v = ((y - cy) * np.cos(tilt) - (x - cx) * np.sin(tilt)) / radius
    away = np.hypot(u, v)
    ringed = radius < 0.23
    ring = _ring(rng, u, v)
    color = toward(palette.pale, palette.inks[-2], 0.4)
    if ringed:
        lay(picture, color, ring * (v < 0))
    z = np.sqrt(np.clip(1 - away**2, 0, 1))
    lamp = float(rng.uniform(0, 2 * np.pi))
    lit = np.clip(0.62 * (u * np.cos(lamp) + v * np.sin(lamp)) + 0.75 * z, 0, None)
    band = np.interp(
        v + 0.03 * noise(rng, 0.3, 2.4, stretch=3.0),
        np.linspace(-1, 1, 40),
        np.convolve(rng.uniform(0, 1, 42), [0.3, 0.4, 0.3], "valid"),
    )
    body = ramp(palette.inks[1:], band.astype(np.float32)) * (0.03 + 1.05 * lit**1.3)[..., None]
    glow = np.exp(-np.clip(away - 1, 0, None) / 0.07) * np.clip(
        0.25 + u * np.cos(lamp) + v * np.sin(lamp), 0, 1
    )
    picture += palette.inks[-2] * (0.5 * glow * (away > 1))[..., None]
    lay(picture, body, inside((away - 1) * radius))
    if ringed:
        lay(picture, color, ring * (v >= 0))
    return ringed


def _ring(rng: Rng, u: Floats, v: Floats) -> Floats:
    """Coverage of a flat ring seen from above its edge."""
    away = np.hypot(u, v / 0.26)
    gaps = np.interp(
        away,
        np.linspace(1.35, 2.15, 60),
        np.clip(rng.uniform(0.1, 1.0, 60), 0, 1) * np.sin(np.linspace(0.25, 2.9, 60)),
        left=0,
        right=0,
    )
    return np.asarray(0.85 * gaps, dtype=np.float32)


def _galaxy(rng: Rng, palette: Palette, picture: Floats, arms: int) -> None:
    x, y = grid()
    tilt, flat = float(rng.uniform(0, np.pi)), float(rng.uniform(0.45, 1.0))
    u = (x - 0.5) * np.cos(tilt) + (y - 0.5) * np.sin(tilt)
    v = ((y - 0.5) * np.cos(tilt) - (x - 0.5) * np.sin(tilt)) / flat
    away = np.hypot(u, v) + 1e-4
    around = np.arctan2(v, u)
    wild = noise(rng, 0.2, 1.9)
    wind = float(rng.choice([-1, 1]) * rng.uniform(2.2, 3.6))
    arm = 0.5 + 0.5 * np.cos(arms * (around + wind * np.log(away + 0.02)) + 0.7 * wild)
    body = np.exp(-away / 0.15) * (0.35 + 1.4 * arm**2.2) * (1 + 0.3 * wild)
    hue = np.clip(1.05 - away / 0.34 + 0.12 * wild, 0, 1).astype(np.float32)
    picture += ramp(palette.inks[1:], hue) * np.clip(1.7 * body, 0, 2)[..., None]
    picture += palette.pale * np.exp(-((away / 0.055) ** 1.4))[..., None] * 1.1
    grain = rng.random((SIDE, SIDE), dtype=np.float32) ** 26
    picture += palette.pale * (gaussian_filter(grain, 0.6) * np.clip(body, 0, 1) * 3.0)[..., None]


def _eclipse(rng: Rng, palette: Palette, picture: Floats) -> None:
    x, y = grid()
    cx, cy = (float(v) for v in rng.uniform(0.42, 0.58, 2))
    radius = float(rng.uniform(0.15, 0.26))
    away = np.hypot(x - cx, y - cy)
    around = np.arctan2(y - cy, x - cx)
    rays = np.zeros_like(away)
    for fold in (3, 5, 8, 13, 21):
        rays += np.cos(fold * around + rng.uniform(0, 6.3)).astype(np.float32) / fold**0.5
    reach = 0.07 * (1 + 0.28 * rays)
    crown = np.exp(-np.clip(away - radius, 0, None) / np.maximum(reach, 0.015))
    hue = np.clip(crown, 0, 1).astype(np.float32)
    picture += ramp(palette.inks[1:], hue) * (1.25 * crown**1.2)[..., None]
    lay(picture, shade(palette.deep, -0.08), inside(away - radius, 2 / SIDE))
    bead = float(rng.uniform(0, 6.3))
    spot = np.hypot(x - cx - radius * np.cos(bead), y - cy - radius * np.sin(bead))
    picture += palette.pale * (1.2 * np.exp(-((spot / 0.022) ** 1.2)) + 0.3 * np.exp(-spot / 0.06))[..., None]
