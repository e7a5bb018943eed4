"""Colour and composition of a picture as 114 numbers that a person could name.

All are computed on 128 x 128 pixels in CIELAB (D65), so that equal steps look about equally large, and
scaled so that each group has about the same weight:

    lightness    8 soft bins, 5 quantiles                    how dark or light, how contrasty
    hue         12 soft bins weighted by chroma              which colours
    chroma       6 soft bins                                 muted or vivid
    color        mean and spread of L, a, b; warmth; colourfulness (Hasler and Suesstrunk 2003);
                 effective number of colours                 palette as a whole
    layout      48: mean L, a, b of 4 x 4 cells              where the colours are
    edges        8 orientations (Dalal and Triggs 2005), density, mean, spread
    symmetry     4: mirrored left-right, top-bottom, turned by 180 degrees, across the diagonal
    detail       6 octaves of contrast, slope of the amplitude spectrum (Field 1987), anisotropy,
                 2 entropies, roughness                      sparse or dense, soft or crisp
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Floats = NDArray[np.floating[Any]]

SIDE = 128
SIZE = 114
SCALE = 0.4  # brings the typical length of the vector to one, that of the other blocks of an encoder
_XYZ = np.array(  # linear sRGB to XYZ relative to the D65 white point
    [[0.43395, 0.37622, 0.18983], [0.21264, 0.71517, 0.07219], [0.01776, 0.10947, 0.87277]], np.float32
)


def statistics(picture: Image.Image) -> NDArray[np.float32]:
    """Colour and composition statistics of an RGB picture, (114,) float32."""
    small = picture.convert("RGB").resize((SIDE, SIDE), resample=4, reducing_gap=3.0)
    rgb = np.asarray(small)
    lab = _lab(rgb)
    groups = (
        _lightness(lab),
        _hue(lab),
        _color(lab),
        _layout(lab),
        _edges(lab),
        _symmetry(lab),
        _detail(lab),
    )
    return np.concatenate(groups).astype(np.float32)


@lru_cache(maxsize=1)
def _linear() -> Floats:
    """Linear light of each 8-bit sRGB value, (256,)."""
    value = np.arange(256, dtype=np.float32) / 255
    curve = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return curve.astype(np.float32)


def _lab(rgb: NDArray[np.uint8]) -> Floats:
    """CIELAB / 100 of 8-bit sRGB, (H, W, 3): L in 0..1, a and b about -1..1."""
    xyz = _linear()[rgb] @ _XYZ.T
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    lab = np.stack([1.16 * y - 0.16, 5 * (x - y), 2 * (y - z)], axis=-1)
    return np.asarray(lab, np.float32)


def _soft_bins(values: Floats, weights: Floats | None, bins: int, *, circular: bool = False) -> Floats:
    """Histogram of values in 0..1 where a value shares its weight between its two nearest bins."""
    position = values.ravel() * (bins if circular else bins - 1)
    low = np.floor(position).astype(np.intp)
    share = position - low
    weight = np.ones_like(position) if weights is None else weights.ravel()
    high = (low + 1) % bins if circular else np.minimum(low + 1, bins - 1)
    low = low % bins
    found = np.bincount(low, weight * (1 - share), bins) + np.bincount(high, weight * share, bins)
    return np.asarray(found / position.size, np.float32)


def _lightness(lab: Floats) -> Floats:
    light = np.clip(lab[..., 0], 0, 1)
    quantiles = np.quantile(light, (0.02, 0.25, 0.5, 0.75, 0.98))
    return np.concatenate([np.sqrt(_soft_bins(light, None, 8)), quantiles - 0.5])


def _hue(lab: Floats) -> Floats:
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    turn = np.arctan2(lab[..., 2], lab[..., 1]) / (2 * np.pi) % 1.0
    hue = _soft_bins(turn, np.minimum(chroma, 0.6), 12, circular=True)
    return np.concatenate([2 * np.sqrt(hue), np.sqrt(_soft_bins(np.minimum(chroma, 0.99), None, 6))])


def _color(lab: Floats) -> Floats:
    mean, spread = lab.mean((0, 1)), lab.std((0, 1))
    warmth = np.tanh(3 * (0.5 * lab[..., 1] + lab[..., 2])).mean()
    colorful = np.hypot(spread[1], spread[2]) + 0.3 * np.hypot(mean[1], mean[2])
    cells = np.floor(np.clip(lab * (8, 8, 8) + (0, 4, 4), 0, 7)).astype(np.intp)
    share = np.bincount((cells @ (64, 8, 1)).ravel(), minlength=512) / lab[..., 0].size
    palette = np.log(1 / np.square(share).sum()) / np.log(512)
    return np.array([*(mean - (0.5, 0, 0)), *(2 * spread), warmth, 2 * colorful, palette])


def _layout(lab: Floats) -> Floats:
    step = SIDE // 4
    cells = lab.reshape(4, step, 4, step, 3).mean((1, 3)) - (0.5, 0, 0)
    return np.asarray(cells.ravel() / 2)


def _edges(lab: Floats) -> Floats:
    down, across = np.gradient(lab[..., 0])
    strength = np.hypot(down, across)
    turn = np.arctan2(down, across) / np.pi % 1.0
    orientation = _soft_bins(turn, strength, 8, circular=True)
    share = orientation / (orientation.sum() + 1e-3)
    density = (strength > 0.04).mean()
    return np.array([*share, density, 8 * strength.mean(), 4 * strength.std()])


def _symmetry(lab: Floats) -> Floats:
    light = lab[..., 0] - lab[..., 0].mean()
    power = float(np.square(light).mean()) + 1e-4
    turned = (light[:, ::-1], light[::-1], light[::-1, ::-1], light.T)
    return np.array([float((light * other).mean()) / power for other in turned]) / 2


@lru_cache(maxsize=1)
def _rings() -> tuple[NDArray[np.intp], Floats]:
    """Octave of every frequency of the half spectrum (0..5), and its cosine of twice the angle."""
    fy, fx = np.fft.fftfreq(SIDE)[:, None] * SIDE, np.fft.rfftfreq(SIDE)[None] * SIDE
    radius = np.hypot(fy, fx)
    octave = np.clip(np.floor(np.log2(np.maximum(radius, 1))), 0, 5).astype(np.intp)
    return octave, np.asarray(np.cos(2 * np.arctan2(fy, fx)), np.float32)


def _detail(lab: Floats) -> Floats:
    light = lab[..., 0]
    octave, cosine = _rings()
    power = np.square(np.abs(np.fft.rfft2(light - light.mean()) / light.size))
    energy = np.bincount(octave.ravel(), power.ravel(), 6)
    contrast = np.sqrt(energy)
    slope = np.polyfit(np.arange(6), np.log(contrast + 1e-4), 1)[0]
    fine = power * (octave > 0)
    anisotropy = (fine * cosine).sum() / (fine.sum() + 1e-8)
    gray = np.bincount((np.clip(light, 0, 1) * 31).astype(np.intp).ravel(), minlength=32) / light.size
    entropy = -(gray * np.log(gray + 1e-9)).sum() / np.log(32)
    spread = -(energy * np.log((energy + 1e-9) / (energy.sum() + 1e-8))).sum() / (energy.sum() + 1e-8)
    rough = np.abs(
        light[1:-1, 1:-1] * 4 - light[:-2, 1:-1] - light[2:, 1:-1] - light[1:-1, :-2] - light[1:-1, 2:]
    )
    return np.array([*(4 * contrast), slope / 2, anisotropy / 2, entropy, spread / 2, 4 * rough.mean()])
