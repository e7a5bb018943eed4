"""Bytes of unknown origin to a safe picture: 8-bit RGB, upright, in sRGB, without metadata.

The content decides what a file is, never its name. Size and number of frames come from the header
and are checked before a pixel is decoded. What is not usable is refused with a named reason.
"""

from __future__ import annotations

import logging
import warnings
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from indexing.skips import printable
from prefs.errors import GalleryError

Refusal = Literal[
    "empty",
    "over 64 MiB",
    "not JPEG, PNG or WebP",
    "over 25 megapixels",
    "animated",
    "truncated or damaged",
]

MAX_BYTES = 64 * 2**20
MAX_PIXELS = 25_000_000
# A progressive JPEG has about ten scans; thousands of empty ones make a small file decode for minutes.
MAX_SCANS = 100

# Called by their own names: Image.open would also try other formats and warn about sizes that we refuse.
_READERS: tuple[tuple[bytes, type[ImageFile]], ...] = (
    (b"\xff\xd8\xff", JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"RIFF", WebPImageFile),
)
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

log = logging.getLogger(__name__)
PngImagePlugin.MAX_TEXT_MEMORY = 8 * 2**20  # texts inside a PNG are dropped, so little room is enough


class Refused(GalleryError):
    """A file is not a usable picture; `reason` says why."""

    def __init__(self, reason: Refusal, detail: str = "") -> None:
        self.reason: Refusal = reason
        found = f" ({printable(detail)})" if detail else ""
        super().__init__(
            f"the picture is refused: {reason}{found}; allowed are JPEG, PNG and WebP "
            "of one frame, up to 25 megapixels and 64 MiB"
        )


def inspect(data: bytes) -> tuple[int, int]:
    """Width and height in pixels as the header says, before rotation; decodes nothing.

    Raises:
        Refused: the header alone shows that the picture is not usable.
    """
    width, height = _header(data).size
    return width, height


def decode(data: bytes, side: int | None = None) -> Image.Image:
    """The picture as 8-bit RGB: upright, in sRGB, transparency over white, no metadata.

    side: the longer side is reduced to at most this many pixels, which is also much faster for JPEG.

    Raises:
        Refused: with a named reason; nothing else is raised, whatever the bytes are.
    """
    image = _header(data)
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
        profile = image.info.get("icc_profile")
        if side is not None:
            factor = min(1.0, side / max(image.size))
            image.draft(image.mode, (round(image.width * factor) or 1, round(image.height * factor) or 1))
        image.load()
        picture = _opaque(image)
        if side is not None:
            picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        picture = _in_srgb(picture, profile)
    except Exception as problem:  # parsers of hostile bytes may raise anything
        raise Refused("truncated or damaged", str(problem)) from problem
    if orientation in _UPRIGHT:
        picture = picture.transpose(_UPRIGHT[orientation])
    # A new image has no metadata that a later save could write out again.
    clean = Image.new("RGB", picture.size)
    clean.paste(picture)
    return clean


def _header(data: bytes) -> ImageFile:
    if not data:
        raise Refused("empty")
    if len(data) > MAX_BYTES:
        raise Refused("over 64 MiB", f"{len(data) / 2**20:.0f} MiB")
    reader = next((reader for magic, reader in _READERS if data.startswith(magic)), None)
    if reader is None or (reader is WebPImageFile and data[8:12] != b"WEBP"):
        raise Refused("not JPEG, PNG or WebP")
    # What Pillow warns of (odd EXIF, a broken animation header) is decided here, not on the console.
    warnings.filterwarnings("ignore", module=r"PIL\.(Jpeg|Png|Tiff|WebP)ImagePlugin")
    try:
        image = reader(BytesIO(data))
    except Exception as problem:  # as in decode
        raise Refused("truncated or damaged", str(problem)) from problem
    if image.width * image.height > MAX_PIXELS:
        raise Refused("over 25 megapixels", f"{image.width} x {image.height}")
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise Refused("animated", f"{frames} frames")
    # Entropy-coded data never holds FF DA, so each is the start of a scan.
    if reader is JpegImageFile and data.count(b"\xff\xda") > MAX_SCANS:
        raise Refused("truncated or damaged", f"more than {MAX_SCANS} scans")
    return image


def _opaque(image: Image.Image) -> Image.Image:
    """The loaded image as RGB or CMYK of 8 bits, transparency over white."""
    if image.mode.startswith(("I", "F")):
        # convert() would clip 16-bit values at 255 instead of scaling them.
        levels = np.asarray(image).astype(np.float64) / 257
        image = Image.fromarray(levels.round().clip(0, 255).astype(np.uint8))
    if image.mode == "CMYK":
        return image
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    paper = Image.new("RGB", layer.size, "white")
    paper.paste(layer, mask=layer.getchannel("A"))
    return paper


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            fits = source.profile.xcolor_space.strip() == image.mode
            if fits and "sRGB" not in (source.profile.profile_description or ""):
                converted = ImageCms.profileToProfile(
                    image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
                )
                return converted or image
        except (ImageCms.PyCMSError, OSError, ValueError) as problem:
            log.info("color profile of a picture is ignored: %s", problem)
    return image.convert("RGB")
