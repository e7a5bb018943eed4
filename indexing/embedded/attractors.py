"""Strange attractors: millions of places that one point visits, developed like a photograph.

Maps: C. Pickover's "Clifford" and P. de Jong's; the symmetric ones are the icons of M. Field and
M. Golubitsky, "Symmetry in Chaos", 1992.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.color import ramp, shade
from indexing.embedded.painting import Brief, Painting
from indexing.embedded.palettes import Palette
from indexing.embedded.surface import SIDE, lay, plain

_WALKERS, _STEPS, _WARM = 20_000, 82, 12
# lambda, alpha, beta, gamma, omega, degree of symmetry
_ICONS = (
    (-2.7, 5.0, 1.5, 1.0, 0.0, 6),
    (-2.08, 1.0, -0.1, 0.167, 0.0, 7),
    (-1.806, 1.806, 0.0, 1.0, 0.0, 5),
    (1.56, -1.0, 0.1, -0.82, 0.0, 3),
    (-1.86, 2.0, 0.0, 1.0, 0.1, 4),
    (-2.5, 5.0, -1.9, 1.0, 0.188, 5),
    (-2.32, 2.32, 0.0, 0.75, 0.0, 5),
    (2.6, -2.0, 0.0, -0.5, 0.0, 5),
    (2.409, -2.5, 0.0, 0.9, 0.0, 23),
    (-2.05, 3.0, -16.79, 1.0, 0.0, 9),
    (1.5, -1.0, 0.1, -0.805, 0.0, 3),
    (-2.34, 2.0, 0.2, 0.1, 0.0, 5),
    (2.5, -2.5, 0.0, 0.9, 0.0, 3),
    (-2.38, 10.0, -12.3, 0.75, 0.02, 5),
    (1.455, -1.0, 0.03, -0.8, 0.0, 3),
    (-2.5, 8.0, -0.7, 1.0, 0.0, 5),
)
Move = Callable[[Floats, Floats], tuple[Floats, Floats]]


def paint(brief: Brief) -> Painting:
    """A veil, a folded sheet or a many-fold rosette drawn by chaos."""
    kind = brief.pick("veil", "rosette", "fold")
    if kind == "rosette":
        numbers = _ICONS[(brief.deal // 3) % len(_ICONS)]
        move = _icon(*numbers)
        alt = f"Rosette with {numbers[5]}-fold symmetry made of fine points, {brief.palette.mood}"
    else:
        move = _best(brief.rng, kind)
        shape = "Thin curved veils" if kind == "veil" else "Folded translucent sheets"
        alt = f"{shape} made of fine points, {brief.palette.mood}"
    density, hue = _expose(brief.rng, move, kind == "rosette", float(brief.rng.choice([1.16, 1.16, 0.7])))
    light = _develop(brief.palette, density, hue, brief.level(0.75, 1.0, 1.4))
    return Painting(light, alt, "rotation" if kind == "rosette" else "none", "soft", 0.008)


def _icon(a: float, b: float, c: float, d: float, turn: float, fold: int) -> Move:
    def move(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        z = (x + 1j * y).astype(np.complex64)
        power = z ** (fold - 1)
        size = a + b * np.abs(z) ** 2 + c * (power * z).real + 1j * turn
        z = (size * z + d * np.conj(power)).astype(np.complex64)
        # A walker that leaves is set back near the origin.
        lost = ~(np.abs(z) < 4)
        z[lost] = 0.1 + 0.05j
        return z.real, z.imag

    return move


def _clifford(a: float, b: float, c: float, d: float) -> Move:
    def move(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        return np.sin(a * y) + c * np.cos(a * x), np.sin(b * x) + d * np.cos(b * y)

    return move


def _de_jong(a: float, b: float, c: float, d: float) -> Move:
    def move(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        return np.sin(a * y) - np.cos(b * x), np.sin(c * x) - np.cos(d * y)

    return move


def _best(rng: Rng, kind: str) -> Move:
    """The fullest of a few random maps: one that neither collapses to dots nor fills everything evenly."""
    best, most = _clifford(-1.4, 1.6, 1.0, 0.7), -1.0
    for _ in range(5):
        if kind == "veil":
            a, b = rng.uniform(1.3, 2.0, 2) * rng.choice([-1, 1], 2)
            c, d = rng.uniform(0.4, 1.3, 2) * rng.choice([-1, 1], 2)
            move = _clifford(*(float(v) for v in (a, b, c, d)))
        else:
            move = _de_jong(*(float(v) for v in rng.uniform(1.2, 2.6, 4) * rng.choice([-1, 1], 4)))
        x, y = _start(rng, 1500)
        cells = []
        for turn in range(40):
            x, y = move(x, y)
            if turn >= 15:
                cells.append(np.floor(x * 16).astype(np.int32) * 1000 + np.floor(y * 16).astype(np.int32))
        _, counts = np.unique(np.concatenate(cells), return_counts=True)
        share = counts / counts.sum()
        spread = float(-(share * np.log(share)).sum())
        if spread > most:
            best, most = move, spread
    return best


def _start(rng: Rng, count: int) -> tuple[Floats, Floats]:
    place = rng.uniform(-0.5, 0.5, (2, count)).astype(np.float32)
    return place[0], place[1]


def _expose(rng: Rng, move: Move, centered: bool, zoom: float) -> tuple[Floats, Floats]:
    """How often each pixel is visited and the mean stride of the visits, each (SIDE, SIDE).

    `zoom` is the width of the picture in widths of the whole figure.
    """
    x, y = _start(rng, _WALKERS)
    xs, ys, strides = [], [], []
    for turn in range(_STEPS):
        new_x, new_y = move(x, y)
        if turn >= _WARM:
            xs.append(new_x)
            ys.append(new_y)
            strides.append(np.hypot(new_x - x, new_y - y))
        x, y = new_x, new_y
    px, py, stride = np.concatenate(xs), np.concatenate(ys), np.concatenate(strides)
    low_x, high_x = np.quantile(px[::97], [0.002, 0.998])
    low_y, high_y = np.quantile(py[::97], [0.002, 0.998])
    if centered:
        reach = np.quantile(np.hypot(px[::97], py[::97]), 0.998)
        low_x, high_x, low_y, high_y = -reach, reach, -reach, reach
    span = max(high_x - low_x, high_y - low_y) * zoom
    column = ((px - (low_x + high_x) / 2) / span + 0.5) * SIDE
    row = ((py - (low_y + high_y) / 2) / span + 0.5) * SIDE
    seen = (column >= 0) & (column < SIDE) & (row >= 0) & (row < SIDE)
    cell = row[seen].astype(np.int32) * SIDE + column[seen].astype(np.int32)
    visits = np.bincount(cell, minlength=SIDE**2).reshape(SIDE, SIDE).astype(np.float32)
    total = np.bincount(cell, weights=stride[seen], minlength=SIDE**2).reshape(SIDE, SIDE).astype(np.float32)
    soft, soft_total = gaussian_filter(visits, 1.3), gaussian_filter(total, 1.3)
    # Thin places are smoothed more than full ones, so that grain does not cover the veils.
    keep = np.clip(visits / 12, 0, 1)
    return visits * keep + soft * (1 - keep), soft_total / np.maximum(soft, 1e-3)


def _strong(palette: Palette) -> Floats:
    """The inks of a pale-ground palette that show on it as thin veils."""
    return np.stack([shade(ink, -0.12) for ink in palette.inks[-4:]])


def _develop(palette: Palette, density: Floats, hue: Floats, exposure: float) -> Floats:
    """Tone mapped picture: light on a dark ground, ink on a pale one."""
    bright = np.quantile(density[density > 0.5], 0.985)
    tone = np.clip(np.log1p(exposure * 6 * density / bright) / np.log1p(exposure * 6), 0, 1.15)
    weights = density > bright * 0.02
    low, high = np.quantile(hue[weights], [0.05, 0.95])
    at = np.clip((hue - low) / (high - low + 1e-6), 0, 1)
    picture = plain(palette.ground)
    if palette.dark:
        color = ramp(palette.inks[1:], at)
        lay(picture, color * (0.25 + 0.9 * tone)[..., None], np.clip(tone * 1.5, 0, 1))
        lay(picture, palette.pale, np.clip(tone - 0.8, 0, 0.35) * 1.6)
    else:
        lay(picture, ramp(_strong(palette), at), np.clip(1.15 * tone, 0, 1))
    return picture
