"""Turing patterns: spots, stripes and mazes as they grow on skins and shells."""

from __future__ import annotations

import numpy as np
from scipy import fft

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.color import ramp
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.palettes import toward
from indexing.embedded.surface import SIDE, lay, noise, plain, step

_GROWTH = 256


def paint(brief: Brief) -> Painting:
    """Mazes, spots, combed stripes or growth rings in two or three colors."""
    rng, palette = brief.rng, brief.palette
    style = brief.pick("maze", "spots", "stripes", "islands")
    wave = brief.level(0.075, 0.05, 0.032)
    field = _grow(rng, wave, style)
    edge = wave * 5.5 / SIDE * 12
    inks = palette.inks[rng.permutation(np.arange(1, len(palette.inks)))]
    picture = plain(palette.ground)
    hue = (
        ramp(inks[:3], np.clip(0.5 + 0.3 * noise(rng, 0.8, 4.0), 0, 1))
        if rng.random() < 0.6
        else plain(inks[0])
    )
    lay(picture, hue, step(-edge, edge, field))
    if style == "islands":
        lay(picture, inks[1], step(-edge, edge, field - 0.55))
    elif rng.random() < 0.5:
        lay(picture, toward(inks[0], palette.ground, 0.45), 0.8 * step(-edge, edge, field - 0.62))
    picture *= (1 + 0.025 * noise(rng, 0.05, 1.3))[..., None]
    alt = {
        "maze": "A winding maze of rounded lines",
        "spots": "Round spots, evenly spread",
        "stripes": "Branching stripes like a zebra's",
        "islands": "Islands with inner outlines",
    }[style]
    return Painting(picture, f"{alt}, {palette.mood}", "none", "hard", 0.012)


def _grow(rng: Rng, wave: float, style: str) -> Floats:
    """A field (SIDE, SIDE) of about -1 to 1 grown by repeated sharpening around one wavelength."""
    side = _GROWTH
    down = fft.fftfreq(side, 1 / side)[:, None]
    across = fft.rfftfreq(side, 1 / side)[None]
    turn = float(rng.uniform(0, np.pi))
    u, v = across * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - across * np.sin(turn)
    stretch = 1.9 if style == "stripes" else 1.0
    radius = np.hypot(u, v * stretch) if style == "stripes" else np.hypot(u, v)
    band = np.exp(-(((radius * wave) - 1) ** 2) / 0.09).astype(np.float32)
    bias = {"spots": -0.34, "islands": -0.16}.get(style, 0.0)
    drift = 0.25 * noise(rng, 0.8, 4.0, side) if style != "spots" else 0.0
    field = noise(rng, wave * 2, 2.0, side)
    for _ in range(26):
        field = np.tanh(
            2.6 * fft.irfft2(fft.rfft2(field) * band, s=(side, side)) / 0.8 + bias * 0.6 + 0.3 * drift
        ).astype(np.float32)
    field = fft.irfft2(fft.rfft2(field) * np.exp(-((radius * wave / 2.6) ** 2)), s=(side, side))
    spectrum = fft.rfft2(field)
    full = np.zeros((SIDE, SIDE // 2 + 1), spectrum.dtype)
    full[: side // 2, : side // 2 + 1] = spectrum[: side // 2]
    full[-side // 2 :, : side // 2 + 1] = spectrum[side // 2 :]
    return np.asarray(fft.irfft2(full, s=(SIDE, SIDE)) * 4, dtype=np.float32)
