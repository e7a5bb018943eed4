from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pictures import drawn, encoded, folder
from PIL import Image

from indexing.gallery import Gallery
from indexing.thumbnails import SIZES, Thumbnails
from prefs.errors import GalleryError


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    files = {
        "big.png": encoded(drawn(0, (1400, 700)), "PNG"),
        "small.png": encoded(drawn(1, (90, 60)), "PNG"),
    }
    return Gallery.open(folder(tmp_path / "wall", files))


def test_sizes(gallery: Gallery, tmp_path: Path) -> None:
    thumbnails = Thumbnails(gallery, tmp_path / "kept")
    for size in SIZES:
        data, media_type = thumbnails.get(gallery.by_key("big.png"), size)
        picture = Image.open(BytesIO(data))
        assert (picture.size, picture.format, media_type) == ((size, size // 2), "JPEG", "image/jpeg")
        expected = drawn(0, (1400, 700)).resize(picture.size)
        assert np.abs(np.asarray(picture, float) - np.asarray(expected, float)).mean() < 3
    assert Image.open(BytesIO(thumbnails.get(gallery.by_key("small.png"))[0])).size == (90, 60)
    with pytest.raises(GalleryError, match="size 300: allowed are 256, 512, 1024"):
        thumbnails.get(gallery.by_key("big.png"), 300)


@pytest.mark.parametrize("item", ["", "zzz", "../big", "/etc/passwd", "..\\..", "a" * 5000, "nul\0"])
def test_unknown_ids_touch_no_file(gallery: Gallery, tmp_path: Path, item: str) -> None:
    with pytest.raises(GalleryError, match="no picture"):
        Thumbnails(gallery, tmp_path / "kept").get(item)
    assert not (tmp_path / "kept").exists()


def test_copies_are_kept_and_names_tell_nothing(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Thumbnails(gallery, tmp_path / "kept").get(gallery.by_key("big.png"), 256)
    kept = [path.name for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    assert kept == [f"{gallery.by_key('big.png')}.jpg"]
    monkeypatch.setattr(gallery, "picture", lambda *_: pytest.fail("made twice"))
    assert Thumbnails(gallery, tmp_path / "kept").get(gallery.by_key("big.png"), 256) == first


def test_copies_used_longest_ago_go_first(gallery: Gallery, tmp_path: Path) -> None:
    thumbnails = Thumbnails(gallery, tmp_path / "kept")
    for size in SIZES:
        thumbnails.get(gallery.by_key("big.png"), size)
    paths = {size: next((tmp_path / "kept" / str(size)).rglob("*.jpg")) for size in SIZES}
    for age, size in enumerate([512, 256, 1024]):
        os.utime(paths[size], (1e9 + age, 1e9 + age))
    thumbnails.get(gallery.by_key("big.png"), 512)
    Thumbnails(gallery, tmp_path / "kept", limit=paths[512].stat().st_size + paths[1024].stat().st_size)
    assert [size for size in SIZES if paths[size].exists()] == [512, 1024]


def test_a_full_disk_is_survived(gallery: Gallery, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "kept").write_bytes(b"a file where the folder should be")
    data, _ = Thumbnails(gallery, tmp_path / "kept").get(gallery.by_key("small.png"))
    assert Image.open(BytesIO(data)).size == (90, 60)
    assert "is not kept" in caplog.text
