"""Color: sRGB, linear light and OKLab, and ramps that stay clean between their stops.

OKLab: B. Ottosson, "A perceptual color space for image processing", 2020.
"""

from __future__ import annotations

import numpy as np

from indexing.embedded.arrays import Floats

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    dtype=np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    dtype=np.float32,
)
_FROM_LAB = np.linalg.inv(_TO_LAB).astype(np.float32)
_FROM_LMS = np.linalg.inv(_TO_LMS).astype(np.float32)


def to_linear(srgb: Floats) -> Floats:
    """Linear light of sRGB values in [0, 1], same shape."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(linear: Floats) -> Floats:
    """sRGB values in [0, 1] of linear light, clipped, same shape."""
    light = np.clip(linear, 0.0, 1.0)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)


def from_hex(code: str) -> Floats:
    """Linear light (3,) of a color written as six hexadecimal digits."""
    return to_linear(np.array([int(code[at : at + 2], 16) for at in (0, 2, 4)], dtype=np.float32) / 255)


def oklab(linear: Floats) -> Floats:
    """OKLab (..., 3) of linear light (..., 3)."""
    lms = np.cbrt(np.maximum(linear, 0.0) @ _TO_LMS.T)
    return np.asarray(lms @ _TO_LAB.T, dtype=np.float32)


def from_oklab(lab: Floats) -> Floats:
    """Linear light (..., 3) of OKLab (..., 3), clipped to what a screen can show."""
    lms = (lab @ _FROM_LAB.T) ** 3
    return np.clip(lms @ _FROM_LMS.T, 0.0, 1.0).astype(np.float32)


def shade(color: Floats, lightness: float, chroma: float = 1.0) -> Floats:
    """The color (3,) with its OKLab lightness moved by `lightness` and its chroma multiplied."""
    light, green_red, blue_yellow = oklab(color)
    return from_oklab(np.array([light + lightness, green_red * chroma, blue_yellow * chroma]))


def ramp(colors: Floats, at: Floats | float) -> Floats:
    """Linear light (*at.shape, 3) along stops (n, 3) spaced evenly over [0, 1], mixed in OKLab."""
    stops = oklab(colors)
    steps = np.linspace(0, 1, 1024)
    places = np.linspace(0, 1, len(stops))
    table = from_oklab(
        np.stack([np.interp(steps, places, stops[:, c]) for c in range(3)], 1).astype(np.float32)
    )
    index = np.clip(at * 1023, 0, 1023)
    low = np.minimum(np.asarray(index, dtype=np.int32), 1022)
    share = np.asarray(index - low, dtype=np.float32)[..., None]
    return np.asarray(table[low] * (1 - share) + table[low + 1] * share)
