"""Painting by line: shapes, strokes and letters on an antialiased sheet (Agg, twice the final size)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from PIL import Image

from indexing.embedded.arrays import Floats
from indexing.embedded.color import to_linear, to_srgb
from indexing.embedded.surface import SIDE

_FACTOR = 2


class Canvas:
    """A sheet over the unit square, x right and y down, on which later marks cover earlier ones.

    Every length is a share of the picture's side.
    """

    def __init__(self, ground: Floats) -> None:
        from matplotlib.backends.backend_agg import RendererAgg
        from matplotlib.transforms import Affine2D

        self._side = SIDE * _FACTOR
        # The renderer is untyped.
        self._agg: Any = cast(Any, RendererAgg)(self._side, self._side, 72)
        # Agg's origin is at the bottom left.
        self._place = Affine2D().scale(self._side, -self._side).translate(0, self._side)
        margin = np.array([[-0.1, -0.1], [1.1, -0.1], [1.1, 1.1], [-0.1, 1.1]])
        self.fill(margin, ground)

    def fill(self, outline: Any, color: Floats, alpha: float = 1.0) -> None:
        """Fills a closed outline: points (n, 2) or a matplotlib Path."""
        pen = self._pen(color, alpha, 0.0)
        self._agg.draw_path(pen, self._path(outline, closed=True), self._place, (*self._rgb(color), alpha))

    def stroke(
        self,
        points: Any,
        width: float,
        color: Floats,
        alpha: float = 1.0,
        closed: bool = False,
        cap: str = "round",
    ) -> None:
        """Draws a line through points (n, 2), or along a matplotlib Path."""
        pen = self._pen(color, alpha, width)
        pen.set_capstyle(cap)
        pen.set_joinstyle("round" if cap == "round" else "miter")
        self._agg.draw_path(pen, self._path(points, closed), self._place)

    def disk(self, x: float, y: float, radius: float, color: Floats, alpha: float = 1.0) -> None:
        """Fills a circle."""
        self.fill(circle(x, y, radius), color, alpha)

    def ring(
        self, x: float, y: float, radius: float, width: float, color: Floats, alpha: float = 1.0
    ) -> None:
        """Draws a circle's line."""
        self.stroke(circle(x, y, radius), width, color, alpha, closed=True)

    def image(self) -> Image.Image:
        """The sheet at twice the final size, sRGB."""
        return Image.frombuffer("RGBA", (self._side, self._side), bytes(self._agg.buffer_rgba())).convert(
            "RGB"
        )

    def light(self) -> Floats:
        """The sheet as a picture in linear light, (SIDE, SIDE, 3)."""
        small = self.image().resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        return np.asarray(_LINEAR[np.asarray(small)])

    def _pen(self, color: Floats, alpha: float, width: float) -> Any:
        pen = self._agg.new_gc()
        pen.set_linewidth(width * self._side)
        pen.set_foreground((*self._rgb(color), alpha), isRGBA=True)
        return pen

    @staticmethod
    def _rgb(color: Floats) -> tuple[float, float, float]:
        red, green, blue = (float(value) for value in to_srgb(color))
        return red, green, blue

    @staticmethod
    def _path(outline: Any, closed: bool) -> Any:
        from matplotlib.path import Path

        if isinstance(outline, Path):
            return outline
        points = np.asarray(outline, dtype=float)
        if not closed:
            return Path(points)
        codes = np.full(len(points) + 1, Path.LINETO, dtype=Path.code_type)
        codes[0], codes[-1] = Path.MOVETO, Path.CLOSEPOLY
        return Path(np.vstack([points, points[:1]]), codes)


_LINEAR = to_linear(np.arange(256, dtype=np.float32) / 255)


def circle(x: float, y: float, radius: float, corners: int = 0) -> Floats:
    """Points (n, 2) around a circle, as many as its size needs."""
    count = corners or int(np.clip(radius * 400, 24, 240))
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1).astype(np.float32)


def smooth(points: Sequence[Sequence[float]] | Floats, closed: bool = True, count: int = 12) -> Floats:
    """A Catmull-Rom curve through points (n, 2), `count` points a span."""
    p = np.asarray(points, dtype=np.float32)
    if not closed:
        p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
        a, b, c, d = p[:-3], p[1:-2], p[2:-1], p[3:]
    else:
        a, b, c, d = np.roll(p, 1, 0), p, np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = np.linspace(0, 1, count, endpoint=False, dtype=np.float32)[None, :, None]
    a, b, c, d = (v[:, None] for v in (a, b, c, d))
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return curve.reshape(-1, 2).astype(np.float32)


def ribbon(points: Floats, widths: Floats) -> Floats:
    """Outline (2n, 2) of a line (n, 2) whose width (n,) changes along it."""
    along = np.gradient(points, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    side = across * (widths[:, None] / 2)
    return np.vstack([points + side, (points - side)[::-1]]).astype(np.float32)
