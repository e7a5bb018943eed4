"""Pictures in a terminal: two pixels per character cell, in 24-bit color."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

GAP = 3


def side_by_side(pictures: list[bytes], columns: int, lines: int) -> str:
    """The encoded pictures next to each other, as text of at most so many columns and lines."""
    wide = max(4, (columns - GAP * (len(pictures) - 1)) // len(pictures))
    rows = [_cells(data, wide, 2 * lines) for data in pictures]
    tall = max(len(one) for one in rows)
    blank = " " * wide
    padded = [one + [blank] * (tall - len(one)) for one in rows]
    return "\n".join((" " * GAP).join(cells) for cells in zip(*padded, strict=True))


def _cells(data: bytes, wide: int, tall: int) -> list[str]:
    """The picture in lines of exactly `wide` cells; its pixels are square, two to a cell."""
    image = Image.open(BytesIO(data)).convert("RGB")
    image.thumbnail((wide, tall), Image.Resampling.LANCZOS)
    even = image.crop((0, 0, image.width, image.height + image.height % 2))
    pixels = even.tobytes()
    left = (wide - even.width) // 2
    lines = []
    for y in range(0, even.height, 2):
        cells = "".join(
            f"\x1b[38;2;{_color(pixels, even.width, x, y)};48;2;{_color(pixels, even.width, x, y + 1)}m▀"
            for x in range(even.width)
        )
        lines.append(" " * left + cells + "\x1b[0m" + " " * (wide - left - even.width))
    return lines


def _color(pixels: bytes, width: int, x: int, y: int) -> str:
    start = 3 * (y * width + x)
    return ";".join(map(str, pixels[start : start + 3]))
