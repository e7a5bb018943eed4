"""Painting by formula: a square of pixel coordinates, noise, soft edges, grain and the last touch.

Pictures are (SIDE, SIDE, 3) float32 in linear light; x runs right and y down, both over [0, 1].
"""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image
from scipy import fft
from scipy.ndimage import map_coordinates

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.color import to_srgb

SIDE = 512


@cache
def grid() -> tuple[Floats, Floats]:
    """x and y of the pixel centers, each (SIDE, SIDE), read only."""
    line = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE
    x, y = np.meshgrid(line, line)
    x.flags.writeable = y.flags.writeable = False
    return x, y


@cache
def _frequencies(side: int) -> Floats:
    down = fft.fftfreq(side, 1 / side).astype(np.float32)
    across = fft.rfftfreq(side, 1 / side).astype(np.float32)
    return np.asarray(np.hypot(down[:, None], across[None]))


def noise(rng: Rng, scale: float, slope: float = 2.5, side: int = SIDE, stretch: float = 1.0) -> Floats:
    """Smooth random field (side, side), mean 0 and standard deviation 1, tileable.

    Args:
        scale: size of the largest features as a share of the picture.
        slope: how fast the amplitude falls with frequency; 1 is rough, 4 is silk.
        stretch: width of the features as a multiple of their height.
    """
    white = rng.standard_normal((side, side), dtype=np.float32)
    if stretch == 1.0:
        frequency = _frequencies(side)
    else:
        down = fft.fftfreq(side, 1 / side).astype(np.float32)
        across = fft.rfftfreq(side, 1 / side).astype(np.float32) * stretch
        frequency = np.hypot(down[:, None], across[None])
    gain = (1 + (frequency * scale) ** 2) ** (-slope / 2)
    gain[0, 0] = 0
    field = fft.irfft2(fft.rfft2(white) * gain, s=(side, side))
    return np.asarray(field / field.std(), dtype=np.float32)


def ridge(rng: Rng, scale: float, slope: float, count: int = SIDE) -> Floats:
    """Random line (count,), mean 0 and standard deviation 1, that does not repeat within the picture."""
    white = rng.standard_normal(4 * count, dtype=np.float32)
    frequency = fft.rfftfreq(4 * count, 1 / count)
    gain = (1 + (frequency * scale) ** 2) ** (-slope / 2)
    gain[0] = 0
    line = fft.irfft(fft.rfft(white) * gain)[:count]
    return np.asarray((line - line.mean()) / max(float(line.std()), 1e-6), dtype=np.float32)


def sample(field: Floats, x: Floats, y: Floats) -> Floats:
    """Values of a tileable field at x, y in units of the picture, bilinear, shape of x."""
    side = len(field)
    return np.asarray(
        map_coordinates(field, [y * side - 0.5, x * side - 0.5], order=1, mode="grid-wrap"), dtype=np.float32
    )


def step(low: float, high: float, value: Floats) -> Floats:
    """0 below `low`, 1 above `high` and a smooth cubic between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), dtype=np.float32)


def inside(distance: Floats, softness: float = 1.2 / SIDE) -> Floats:
    """Coverage in [0, 1] of a signed distance (negative inside), with an edge of the given width."""
    return np.asarray(np.clip(0.5 - distance / softness, 0, 1), dtype=np.float32)


def lay(picture: Floats, color: Floats, cover: Floats) -> None:
    """Lays a color, (3,) or (SIDE, SIDE, 3), over the picture in place, by coverage (SIDE, SIDE)."""
    picture += (color - picture) * cover[..., None]


def plain(color: Floats) -> Floats:
    """A picture of one color."""
    return np.broadcast_to(color, (SIDE, SIDE, 3)).astype(np.float32).copy()


def box(x: Floats, y: Floats, half_width: float, half_height: float, round_by: float = 0.0) -> Floats:
    """Signed distance to a box around the origin with rounded corners."""
    across = np.abs(x) - (half_width - round_by)
    down = np.abs(y) - (half_height - round_by)
    outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0))
    return np.asarray(outside + np.minimum(np.maximum(across, down), 0) - round_by, dtype=np.float32)


def finish(light: Floats, rng: Rng, grain: float) -> Image.Image:
    """The 8-bit picture: sRGB, with film grain of the given strength that also hides banding."""
    speck = rng.standard_normal((SIDE, SIDE), dtype=np.float32)
    soft = (speck + np.roll(speck, 1, 0) + np.roll(speck, 1, 1)) * np.float32(0.577)
    values = to_srgb(light) + (soft * np.float32(grain))[..., None]
    values += (rng.random((SIDE, SIDE, 1), dtype=np.float32) - 0.5) / 255
    return Image.fromarray(np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8))
