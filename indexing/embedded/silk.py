"""Silk: folded, softly lit surfaces with a slow change of color."""

from __future__ import annotations

import numpy as np

from indexing.embedded.color import ramp
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.surface import grid, lay, noise, step


def paint(brief: Brief) -> Painting:
    """Cloth in long folds, wide soft waves or combed strands."""
    rng, palette = brief.rng, brief.palette
    style = brief.pick("folds", "waves", "strands")
    x, y = grid()
    turn = float(rng.uniform(0, np.pi))
    along = x * np.cos(turn) + y * np.sin(turn)
    bend = noise(rng, brief.level(0.9, 0.7, 0.5), 3.6)
    sway = noise(rng, 0.8, 4.0)
    count = brief.level(2.2, 4.5, 8.0)
    phase = 2 * np.pi * count * along + 2.3 * bend
    if style == "waves":
        height = np.sin(phase * 0.55) + 0.5 * np.sin(phase * 1.3 + sway)
    elif style == "folds":
        height = (1 - np.abs(np.sin(phase * 0.5 + 0.6 * sway))) ** 1.3 * 2
    else:
        height = (
            np.sin(phase * 0.6) + 0.28 * np.sin(phase * 5 + 4 * sway) + 0.16 * np.sin(phase * 11 + 2 * bend)
        )
    down, across = np.gradient(height.astype(np.float32))
    slope = 60.0 / count**0.5
    lamp = (-across * np.cos(turn + 0.4) - down * np.sin(turn + 0.4)) * slope
    lit = 1 / (1 + np.exp(-2.2 * lamp))
    shine = np.exp(-((lamp - 0.75) ** 2) / 0.05)
    colors = palette.by_lightness()
    tone = np.clip(0.62 * lit + 0.19 * (height - height.min()) / np.ptp(height) + 0.12 + 0.13 * sway, 0, 1)
    picture = ramp(colors, tone.astype(np.float32))
    hue = ramp(palette.inks, np.clip(0.5 + 0.32 * sway + 0.2 * (y - 0.5), 0, 1))
    lay(picture, hue * (0.25 + 1.05 * lit)[..., None], np.full_like(lit, 0.55))
    lay(picture, palette.pale, 0.3 * shine * step(0.2, 0.9, lit))
    alt = {
        "folds": "Cloth in long creased folds",
        "waves": "A soft rolling surface",
        "strands": "Fine combed strands, flowing side by side",
    }[style]
    return Painting(np.clip(picture, 0, 1), f"{alt}, {palette.mood}", "none", "soft", 0.01)
