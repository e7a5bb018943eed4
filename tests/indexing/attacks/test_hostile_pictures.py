"""Files that pretend to be pictures, or are pictures made to harm: refused fast, small and by name."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from pictures import drawn, encoded, folder, frugal, png, png_chunk
from PIL import Image

from indexing.decode import MAX_BYTES, Refused, decode
from indexing.gallery import Gallery
from indexing.thumbnails import SIZES, Thumbnails

DEEP_ZEROS = zlib.compress(bytes(200 * 2**20), 9)


def webp(width: int, height: int) -> bytes:
    canvas = struct.pack("<I", 0)[:4] + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def with_size(data: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header says another size."""
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def many_scans() -> bytes:
    data = encoded(drawn(size=(64, 64)), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * 5000 + data[-2:]


def flat(kind: str, width: int, height: int) -> bytes:
    return encoded(Image.new("L", (width, height)), kind)


BOMBS = {
    "png 5001 x 5000": lambda: flat("PNG", 5001, 5000),
    "png 9000 x 9000": lambda: flat("PNG", 9000, 9000),
    "png 14000 x 14000": lambda: png(14000, 14000),
    "png 2^31": lambda: png(2**31 - 1, 2**31 - 1),
    "png zero pixels": lambda: png(0, 0),
    "png missing pixels": lambda: png(4000, 4000, pixels=zlib.compress(b"")),
    "png iCCP": lambda: png(8, 8, png_chunk(b"iCCP", b"x\0\0" + DEEP_ZEROS)),
    "png zTXt": lambda: png(8, 8, png_chunk(b"zTXt", b"Comment\0\0" + DEEP_ZEROS)),
    "png iTXt": lambda: png(8, 8, png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + DEEP_ZEROS)),
    "png zTXt many times": lambda: png(
        8, 8, *[png_chunk(b"zTXt", b"k%d\0\0" % n + zlib.compress(bytes(2**20 - 1))) for n in range(90)]
    ),
    "png says 4 GiB chunk": lambda: encoded(drawn(), "PNG")[:33] + struct.pack(">I", 2**32 - 1) + b"IDAT",
    "jpeg 65000 x 65000": lambda: with_size(encoded(), 65000, 65000),
    "jpeg 9000 x 9000": lambda: flat("JPEG", 9000, 9000),
    "jpeg 5000 scans": many_scans,
    "webp 16384 x 16384": lambda: webp(16384, 16384),
    "webp 16777216 x 255": lambda: webp(16777216, 255),
    "webp 9000 x 9000": lambda: encoded(Image.new("RGB", (9000, 9000)), "WEBP", method=0),
    "gif of 200 frames": lambda: encoded(
        drawn(), "GIF", save_all=True, append_images=[drawn(n) for n in range(200)]
    ),
    "tiff with a loop of directories": lambda: b"II*\0" + struct.pack("<IHI", 8, 0, 8),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_fast_and_small(bomb: str) -> None:
    data = BOMBS[bomb]()
    with frugal(seconds=0.2, mebibytes=64), pytest.raises(Refused) as refused:
        decode(data, 640)
    assert "\n" not in str(refused.value)


def test_surplus_pixels_are_not_unpacked() -> None:
    with frugal(seconds=0.2, mebibytes=64):
        assert decode(png(100, 100, pixels=DEEP_ZEROS)) == Image.new("RGB", (100, 100))


def test_more_than_64_mib_is_not_even_read(tmp_path: Path) -> None:
    root = folder(tmp_path, {"a.png": encoded(drawn(1), "PNG"), "b.png": encoded(drawn(2), "PNG")})
    with (root / "huge.jpg").open("wb") as stream:
        stream.truncate(50 * 2**30)
    assert Gallery.open(root).skipped.reasons == {"over 64 MiB": 1}
    with pytest.raises(Refused, match="over 64 MiB"):
        decode(b"\xff\xd8\xff" + bytes(MAX_BYTES))


PRETENDERS = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "svg with declaration": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "pdf": b"%PDF-1.7\n",
    "script after a space": b" " + encoded(drawn(), "PNG"),
    "gif and script": b"GIF89a/*" + bytes(100) + b"*/=1;alert(1)",
    "riff that is sound": b"RIFF\x24\0\0\0WAVEfmt " + bytes(40),
    "pickle": b"\x80\x04\x95",
    "zip": b"PK\x03\x04" + bytes(50),
    "photoshop": b"8BPS\0\1" + bytes(50),
    "heic": b"\0\0\0\x18ftypheic" + bytes(50),
}


@pytest.mark.parametrize("pretender", PRETENDERS)
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_the_content_decides_and_not_the_name(tmp_path: Path, pretender: str, suffix: str) -> None:
    good = {"a.webp": encoded(drawn(1), "PNG"), "b.png": encoded(drawn(2), "JPEG")}
    gallery = Gallery.open(folder(tmp_path, {**good, f"x.{suffix}": PRETENDERS[pretender]}))
    assert len(gallery) == 2, "good pictures with a wrong suffix are pictures"
    assert gallery.skipped.reasons == {"not JPEG, PNG or WebP": 1}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_hides_behind_a_picture_is_not_served(tmp_path: Path, kind: str) -> None:
    """A polyglot keeps its pixels only: metadata, and what follows the picture, stay behind."""
    exif = Image.Exif()
    exif[0x010E] = "SECRET"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.0), 29: "SECRET"})
    options = {"exif": exif, "xmp": b"<x>SECRET</x>"} if kind != "PNG" else {"exif": exif}
    options["icc_profile"] = b"SECRET" * 40
    data = encoded(drawn(3, (300, 200)), kind, **options) + b"<script>SECRET</script>PK\x03\x04"
    assert b"SECRET" in data
    gallery = Gallery.open(folder(tmp_path / "wall", {"a": b"", "a.png": data, "b.png": encoded()}))
    thumbnails = Thumbnails(gallery, tmp_path / "kept")
    for size in SIZES:
        served, _ = thumbnails.get(gallery.by_key("a.png"), size)
        picture = Image.open(BytesIO(served))
        assert b"SECRET" not in served
        assert b"Exif" not in served
        assert not picture.getexif()
        assert picture.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_ten_thousand_damaged_files_take_seconds(tmp_path: Path) -> None:
    good = {f"good{n}.png": encoded(drawn(n), "PNG") for n in range(5)}
    whole = encoded(drawn(7), "JPEG")
    kinds = [whole[: len(whole) // 50], b"", b"<svg/>", b"\x89PNG\r\n\x1a\n" + bytes(90), png(9999, 9999)]
    folder(tmp_path, good | {f"bad{n}.jpg": kinds[n % 5] + b"%d" % n * (n % 5 > 0) for n in range(10_000)})
    with frugal(seconds=10, mebibytes=64):
        gallery = Gallery.open(tmp_path)
    assert len(gallery) == 5
    assert gallery.skipped.reasons.total() == 10_000
    assert gallery.skipped.report().startswith("10,000 of 10,005 files skipped: ")
    assert len(gallery.skipped.report()) < 600
