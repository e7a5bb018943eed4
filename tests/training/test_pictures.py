from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from prefs.errors import GalleryError, IndexingError
from training import pictures
from training.opengalleries import OpenGallery, lookup, open_gallery, topics


def quiet(stage: str, done: int, total: int) -> None:
    pass


def opened(folder: Path, data: Path, encoder: tiny.Colors | None = None, **drawn: Any) -> OpenGallery:
    return open_gallery(tiny.gallery(folder, **drawn), data, encoder or tiny.Colors(), quiet)


def test_taste_vectors_are_sorted_by_item_and_of_one_length(tmp_path: Path) -> None:
    one = opened(tmp_path / "a", tmp_path / "data", count=20)
    two = opened(tmp_path / "b", tmp_path / "data", count=20, seed=1)
    items, taste = pictures.project([one, two], tmp_path / "data")
    assert items == tuple(sorted((*one.index.items, *two.index.items)))
    assert taste.shape[0] == 40
    assert np.sqrt(np.square(taste).sum(1).mean()) == pytest.approx(1.5, abs=0.05)


def test_a_projection_is_kept_and_the_same_in_any_order(tmp_path: Path) -> None:
    one = opened(tmp_path / "a", tmp_path / "data")
    two = opened(tmp_path / "b", tmp_path / "data", seed=1)
    first = pictures.project([one, two], tmp_path / "data")
    again = pictures.project([two, one], tmp_path / "data")
    assert first[0] == again[0]
    np.testing.assert_array_equal(first[1], again[1])
    assert len(list((tmp_path / "data" / "projections").iterdir())) == 1


def test_a_damaged_projection_is_fitted_again_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = opened(tmp_path / "a", tmp_path / "data")
    first = pictures.project([one], tmp_path / "data")
    assert not caplog.text
    (path,) = (tmp_path / "data" / "projections").glob("*/projection.safetensors")
    path.write_bytes(b"damaged")
    again = pictures.project([one], tmp_path / "data")
    assert "fitted again" in caplog.text
    np.testing.assert_array_equal(first[1], again[1])


def test_a_damaged_index_is_made_again_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    encoder = tiny.Colors()
    first = opened(tmp_path / "a", tmp_path / "data", encoder)
    vectors = np.array(first.index.vectors)
    path = first.index.build / "vectors.npy"
    path.write_bytes(path.read_bytes()[:-4] + b"oops")
    again = opened(tmp_path / "a", tmp_path / "data", encoder)
    assert "embedded again" in caplog.text
    assert encoder.seen == 16
    np.testing.assert_array_equal(again.index.vectors, vectors)


def test_a_damaged_memory_of_the_scan_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    opened(tmp_path / "a", tmp_path / "data")
    (path,) = (tmp_path / "data" / "galleries").glob("*/scan.json")
    path.write_text("{damaged")
    assert len(opened(tmp_path / "a", tmp_path / "data").index.items) == 8
    assert "looked at again" in caplog.text


@pytest.mark.parametrize("kept", [False, True], ids=["before the fit", "with a kept projection"])
def test_vectors_that_are_not_finite_are_refused_by_name(tmp_path: Path, kept: bool) -> None:
    fine = opened(tmp_path / "fine", tmp_path / "data")
    bad = opened(tmp_path / "bad", tmp_path / "data", seed=1)
    if kept:
        pictures.project([fine, bad], tmp_path / "data")
    vectors = np.array(bad.index.vectors)
    vectors[3, 2] = np.nan
    bad = dataclasses.replace(bad, index=dataclasses.replace(bad.index, vectors=vectors))
    with pytest.raises(IndexingError, match=r"not finite.*remove") as problem:
        pictures.project([fine, bad], tmp_path / "data")
    assert str(bad.index.build.parent) in str(problem.value)
    assert "\n" not in str(problem.value)


def test_two_encoders_do_not_mix(tmp_path: Path) -> None:
    one = opened(tmp_path / "a", tmp_path / "data")
    two = opened(tmp_path / "b", tmp_path / "data", tiny.Colors("others"), seed=1)
    with pytest.raises(IndexingError, match="different encoders"):
        pictures.project([one, two], tmp_path / "data")


def test_ten_thousand_damaged_files_among_good_ones_are_counted_and_named(tmp_path: Path) -> None:
    """Empty, no picture, cut off in the head, cut off in the pixels."""
    folder = tiny.gallery(tmp_path / "a")
    whole = (folder / "picture-00.png").read_bytes()
    for number in range(10_000):
        start = (b"", b"no picture", whole[:20], whole[:-30])[number % 4]
        (folder / f"bad-{number:05d}.jpg").write_bytes(start + (str(number).encode() if start else b""))
    one = open_gallery(folder, tmp_path / "data", tiny.Colors(), quiet)
    assert len(one.index.items) == 8
    (note,) = one.notes
    assert note.startswith("a: 10,000 of 10,008 files skipped: ")
    assert "bad-00000.jpg" in note
    assert "\n" not in note


def test_one_picture_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="only one usable picture"):
        opened(tmp_path / "a", tmp_path / "data", count=1)


def test_topics_name_the_gallery_where_several_are_open(tmp_path: Path) -> None:
    tiny.gallery(tmp_path / "a" / "red", 2)
    one = opened(tmp_path / "a", tmp_path / "data", count=2, seed=4)
    two = opened(tmp_path / "b", tmp_path / "data", count=2, seed=5)
    assert set(topics([one]).values()) == {"", "red"}
    assert set(topics([one, two]).values()) == {"a: red", "a", "b"}
    assert set(lookup([one, two])) == {*one.index.items, *two.index.items}
