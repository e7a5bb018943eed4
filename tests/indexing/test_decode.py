from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import drawn, encoded
from PIL import Image, ImageCms

from indexing.decode import MAX_PIXELS, Refused, decode, inspect

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def close(picture: Image.Image, expected: Image.Image, tolerance: float = 4) -> bool:
    difference = np.abs(np.asarray(picture, float) - np.asarray(expected.convert("RGB"), float))
    return picture.size == expected.size and bool(difference.mean() <= tolerance)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_allowed_formats_keep_their_pixels(kind: str) -> None:
    image = drawn(1)
    data = encoded(image, kind, quality=95)
    assert inspect(data) == image.size
    assert close(decode(data), image)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PPM", "AVIF"])
def test_other_formats_are_refused_by_content(kind: str) -> None:
    with pytest.raises(Refused) as refused:
        decode(encoded(drawn(), kind))
    assert refused.value.reason == "not JPEG, PNG or WebP"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_rotation_is_applied(orientation: int, kind: str) -> None:
    upright = Image.new("RGB", (48, 32), WHITE)
    upright.paste(RED, (0, 0, 24, 16))
    upright.paste(BLUE, (24, 0, 48, 16))
    undo = {
        1: (),
        2: (Image.Transpose.FLIP_LEFT_RIGHT,),
        3: (Image.Transpose.ROTATE_180,),
        4: (Image.Transpose.FLIP_TOP_BOTTOM,),
        5: (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_90),
        6: (Image.Transpose.ROTATE_90,),
        7: (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_270),
        8: (Image.Transpose.ROTATE_270,),
    }
    stored = upright
    for step in undo[orientation]:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95}
    assert close(decode(encoded(stored, kind, exif=exif, **options)), upright)


def test_cmyk_jpeg() -> None:
    inks = Image.merge("CMYK", [Image.new("L", (16, 16), value) for value in (0, 255, 255, 0)])
    assert close(decode(encoded(inks, "JPEG", quality=95)), Image.new("RGB", (16, 16), RED), 8)


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    levels = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    picture = np.asarray(decode(encoded(Image.fromarray(levels), "PNG")))
    np.testing.assert_array_equal(picture[..., 0], np.arange(256).reshape(16, 16))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA"])
def test_other_png_modes_become_rgb(mode: str) -> None:
    if mode == "PA":
        image = drawn().quantize(16)
        data = encoded(image, "PNG", transparency=bytes([0] * 8 + [255] * 8))
        expected = Image.new("RGBA", image.size, WHITE)
        expected.alpha_composite(Image.open(BytesIO(data)).convert("RGBA"))
    else:
        image = drawn().convert(mode)
        data, expected = encoded(image, "PNG"), image.convert("RGB")
    assert close(decode(data), expected, 0)


def test_transparency_is_laid_over_white() -> None:
    image = Image.new("RGBA", (4, 1), (*RED, 255))
    image.putpixel((0, 0), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 128))
    picture = decode(encoded(image, "PNG"))
    assert [picture.getpixel((x, 0)) for x in range(3)] == [WHITE, (127, 127, 127), RED]
    keyed = decode(encoded(Image.new("RGB", (2, 2), GREEN), "PNG", transparency=GREEN))
    assert keyed.getpixel((0, 0)) == WHITE


def test_another_color_space_becomes_srgb() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert close(decode(encoded(drawn(3), "PNG", icc_profile=srgb)), drawn(3), 0)
    # sRGB with the tags of its red and green primaries exchanged: what is stored as red is green.
    table = srgb.replace(b"rXYZ", b"xxxx").replace(b"gXYZ", b"rXYZ").replace(b"xxxx", b"gXYZ")
    exchanged = table.replace("sRGB".encode("utf-16-be"), "ours".encode("utf-16-be")).replace(
        b"sRGB", b"ours"
    )
    picture = decode(encoded(Image.new("RGB", (4, 4), RED), "PNG", icc_profile=exchanged))
    assert close(picture, Image.new("RGB", (4, 4), GREEN), 2)
    assert "icc_profile" not in picture.info


def test_a_broken_color_profile_is_ignored() -> None:
    for profile in (b"no profile at all", b"\0" * 128):
        assert close(decode(encoded(drawn(3), "PNG", icc_profile=profile)), drawn(3), 0)


def test_metadata_does_not_survive() -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET description"
    exif.get_ifd(0x8825)[1] = "N"
    xmp = b"<x:xmpmeta>SECRET</x:xmpmeta>"
    picture = decode(encoded(drawn(), "JPEG", exif=exif, xmp=xmp, comment=b"SECRET"))
    assert not picture.info
    assert not dict(picture.getexif())
    for kind in ("JPEG", "PNG", "WEBP"):
        assert b"SECRET" not in encoded(picture, kind)


def test_reduced_pictures_keep_their_shape() -> None:
    image = drawn(2, (900, 300))
    for kind in ("JPEG", "PNG", "WEBP"):
        picture = decode(encoded(image, kind, quality=95), side=90)
        assert picture.size == (90, 30)
        assert close(picture, image.resize((90, 30), Image.Resampling.LANCZOS), 3)
    assert decode(encoded(drawn(size=(20, 10))), side=90).size == (20, 10), "never enlarged"
    assert decode(encoded(drawn(size=(4000, 1))), side=64).size == (64, 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_one_pixel(kind: str) -> None:
    assert decode(encoded(Image.new("RGB", (1, 1), WHITE), kind)).getpixel((0, 0)) == WHITE


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animated_is_refused(kind: str) -> None:
    frames = [drawn(seed) for seed in range(3)]
    with pytest.raises(Refused, match="3 frames") as refused:
        inspect(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert refused.value.reason == "animated"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("side", [None, 16])
def test_truncation_is_refused(kind: str, side: int | None) -> None:
    data = encoded(drawn(5, (160, 120)), kind)
    whole = decode(data, side)
    for length in range(1, len(data) - 16, max(1, len(data) // 60)):
        try:
            picture = decode(data[:length], side)
        except Refused:
            continue
        assert picture == whole, "only bytes after the last pixel may be missing"
        assert len(data) - length < 64
    with pytest.raises(Refused, match="empty"):
        decode(b"")


def test_the_limit_is_named() -> None:
    fits = encoded(Image.new("1", (5000, 5000)), "PNG")
    assert inspect(fits) == (5000, 5000)
    assert MAX_PIXELS == 5000 * 5000
    with pytest.raises(Refused, match=r"5000 x 5001.*up to 25 megapixels"):
        inspect(encoded(Image.new("1", (5000, 5001)), "PNG"))


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
)
def test_damage_gives_a_picture_or_a_named_refusal(kind: str, damage: list[tuple[float, int]]) -> None:
    exif = Image.Exif()
    exif[0x010E] = "words"
    data = bytearray(encoded(drawn(7), kind, exif=exif))
    for place, value in damage:
        data[int(place * len(data))] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            picture = decode(bytes(data))
        except Refused:
            return
    assert picture.mode == "RGB"
