"""Pictures in a terminal: two pixels per character cell, in 24-bit color."""

from __future__ import annotations

from io import BytesIO


def side_by_side(pictures: list[bytes], width: int) -> str:
    """The encoded pictures next to each other as text of the given width in columns."""
    from PIL import Image

    each = max(8, (width - 3 * (len(pictures) - 1)) // len(pictures))
    tall = each  # half blocks are about square, so a square picture has as many half rows as columns
    columns = []
    for data in pictures:
        image = Image.open(BytesIO(data)).convert("RGB")
        image.thumbnail((each, tall), Image.Resampling.LANCZOS)
        canvas = Image.new("RGB", (each, tall - tall % 2))
        canvas.paste(image, ((each - image.width) // 2, (canvas.height - image.height) // 2))
        columns.append([_row(canvas, y) for y in range(0, canvas.height, 2)])
    return "\n".join("   ".join(cells) for cells in zip(*columns, strict=True))


def _row(image: object, y: int) -> str:
    from PIL import Image

    assert isinstance(image, Image.Image)
    cells = []
    for x in range(image.width):
        top, bottom = image.getpixel((x, y)), image.getpixel((x, y + 1))
        upper, lower = ";".join(map(str, top)), ";".join(map(str, bottom))  # type: ignore[arg-type]
        cells.append(f"\x1b[38;2;{upper}m\x1b[48;2;{lower}m▀")
    return "".join(cells) + "\x1b[0m"
