"""Op art: plain stripes, checks and dots that seem to swell, sink and shimmer."""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats
from indexing.embedded.color import ramp
from indexing.embedded.painting import Brief, Painting, Symmetry
from indexing.embedded.surface import grid, lay, noise, plain


def paint(brief: Brief) -> Painting:
    """Waving stripes, a swollen check, dots over a bump, or rings that interfere."""
    kind = brief.pick(_waves, _swell, _dots, _rings)
    return kind(brief)


def _ink(value: Floats) -> Floats:
    """Coverage of the places where sin(value) is positive, antialiased by the local frequency."""
    # The gradient of the phase as a unit vector: an angle's jump by a full turn leaves no seam.
    (a, b), (c, d) = np.gradient(np.sin(value)), np.gradient(np.cos(value))
    width = np.maximum(np.sqrt(a * a + b * b + c * c + d * d), 1e-3)
    # Where lines come nearer than two pixels they fade to an even tone instead of false patterns.
    return np.asarray(np.clip(0.5 + np.sin(value) / (1.2 * width), 0, 1), dtype=np.float32)


def _tones(brief: Brief, place: Floats) -> Floats:
    """One ink, or inks that change along a field in [0, 1]."""
    inks = brief.palette.inks
    if brief.rng.random() < 0.35:
        strong = brief.palette.pale if brief.palette.dark else brief.palette.deep
        return plain(strong)
    return ramp(inks[1:], np.clip(place, 0, 1))


def _waves(brief: Brief) -> Painting:
    rng = brief.rng
    x, y = grid()
    count = brief.level(11, 20, 34)
    fold = float(rng.uniform(0.8, 1.6))
    drift = float(rng.uniform(0.3, 1.2)) * rng.choice([-1, 1])
    sway = np.sin(2 * np.pi * (fold * y + drift * x) + rng.uniform(0, 6))
    squeeze = 0.07 * np.sin(2 * np.pi * (x * float(rng.uniform(0.6, 1.4)) + 0.3 * y) + rng.uniform(0, 6))
    value = 2 * np.pi * count * (x + 0.045 * sway + squeeze)
    picture = plain(brief.palette.ground)
    lay(picture, _tones(brief, 0.5 + 0.45 * sway), _ink(value.astype(np.float32)))
    return Painting(picture, f"Stripes that wave and tighten, {brief.palette.mood}", "repeat", "hard", 0.008)


def _bulge(brief: Brief) -> tuple[Floats, Floats, Floats]:
    """Coordinates bent by one to three lenses, and how deep each pixel lies in them."""
    rng = brief.rng
    x, y = (axis.copy() for axis in grid())
    depth = np.zeros_like(x)
    for at in range(int(rng.integers(1, 4))):
        cx, cy = (0.5, 0.5) if at == 0 and rng.random() < 0.5 else rng.uniform(0.2, 0.8, 2)
        reach = float(rng.uniform(0.26, 0.42)) if at == 0 else float(rng.uniform(0.14, 0.24))
        dx, dy = x - np.float32(cx), y - np.float32(cy)
        inner = np.clip(1 - (dx**2 + dy**2) / reach**2, 0, 1)
        strength = np.float32(rng.choice([0.6, 0.68, -0.9]))
        scale = 1 - strength * inner**1.5
        x, y = cx + dx * scale, cy + dy * scale
        depth = np.maximum(depth, inner)
    return np.asarray(x, np.float32), np.asarray(y, np.float32), depth


def _swell(brief: Brief) -> Painting:
    x, y, depth = _bulge(brief)
    count = brief.level(6, 10, 16)
    a, b = 2 * _ink(2 * np.pi * count / 2 * x * 2) - 1, 2 * _ink(2 * np.pi * count / 2 * y * 2) - 1
    picture = plain(brief.palette.ground)
    lay(picture, _tones(brief, 0.1 + 0.9 * depth), 0.5 + 0.5 * a * b)
    return Painting(picture, f"A checkered field that swells, {brief.palette.mood}", "repeat", "hard", 0.008)


def _dots(brief: Brief) -> Painting:
    rng = brief.rng
    x, y, depth = _bulge(brief)
    count = brief.level(10, 16, 26)
    u, v = np.mod(x * count, 1) - 0.5, np.mod(y * count, 1) - 0.5
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * (0.8 * x + 0.6 * y) + rng.uniform(0, 6))
    radius = 0.16 + 0.28 * (depth if rng.random() < 0.5 else swell)
    away = np.hypot(u, v) - radius
    down, across = np.gradient(x * count), np.gradient(y * count)
    pixel = np.sqrt(np.hypot(*down) * np.hypot(*across)) + 1e-3
    picture = plain(brief.palette.ground)
    lay(
        picture,
        _tones(brief, 0.15 + 0.85 * np.maximum(depth, swell * 0.6)),
        np.clip(0.5 - away / (1.3 * pixel), 0, 1),
    )
    return Painting(
        picture, f"A grid of dots over a hidden bump, {brief.palette.mood}", "repeat", "hard", 0.008
    )


def _rings(brief: Brief) -> Painting:
    rng = brief.rng
    x, y = grid()
    count = brief.level(12, 22, 36)
    value = np.zeros_like(x)
    centers = rng.uniform(0.25, 0.75, (int(rng.integers(1, 4)), 2))
    for cx, cy in centers:
        value += np.hypot(x - np.float32(cx), y - np.float32(cy))
    value = value / len(centers) + np.float32(0.02) * noise(rng, 0.7, 4.0)
    wheel = np.arctan2(y - centers[0, 1], x - centers[0, 0])
    tones = _tones(brief, value * 1.6)
    if rng.random() < 0.4:
        value = value + np.float32(rng.choice([1, 2, 3]) / count / 2 / np.pi) * wheel
    cover = _ink((2 * np.pi * count * value).astype(np.float32))
    picture = plain(brief.palette.ground)
    lay(picture, tones, cover)
    symmetry: Symmetry = "rotation" if len(centers) == 1 else "none"
    return Painting(picture, f"Rings that ripple outward, {brief.palette.mood}", symmetry, "hard", 0.008)
