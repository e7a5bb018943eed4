"""Encoder vectors of a data set's pictures, by the ids that its answers use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from prefs.errors import DataError, GalleryError
from tests import tiny
from tests.indexing.pictures import drawn, encoded, shard
from training.picturevectors import picture_vectors

IDS = ["c", "a", "d", "b"]


def folder(path: Path, broken: str = "", **columns: list[Any]) -> Path:
    """Four pictures in a shard, known by letters."""
    files = {f"{image}.png": encoded(drawn(row), "PNG") for row, image in enumerate(IDS)}
    if broken:
        files[f"{broken}.png"] = files[f"{broken}.png"][:-60]
    shard(path / "mine.tar", files)
    table: dict[str, list[Any]] = {"image_id": IDS, "shard": ["mine.tar"] * 4, "key": IDS}
    parquet.write_table(pa.table(table | columns), path / "images.parquet")
    return path


def test_gives_every_picture_its_own_vector_and_encodes_it_once(tmp_path: Path) -> None:
    encoder, path = tiny.Colors(), folder(tmp_path / "mine")
    found = picture_vectors(path, tmp_path / "data", encoder=encoder)
    assert list(found) == IDS
    assert (found.encoder, found.blocks) == ("colors", (("statistics", 12),))
    np.testing.assert_allclose(found.matrix, encoder.encode([drawn(row) for row in range(4)]))
    seen = encoder.seen
    again = picture_vectors(path / "responses.parquet", tmp_path / "data", encoder=encoder)
    assert encoder.seen == seen
    np.testing.assert_array_equal(again.of(["b", "c"]), [found["b"], found["c"]])


def test_pictures_without_image_are_left_out(tmp_path: Path) -> None:
    path = folder(tmp_path / "mine", has_image=[True, False, True, True])
    found = picture_vectors(path, tmp_path / "data", encoder=tiny.Colors())
    assert list(found) == ["c", "d", "b"]
    with pytest.raises(DataError, match=r"picture 'a' has no vector: 3 pictures"):
        found.of(["b", "a"])


def test_names_a_picture_that_is_not_there_or_cannot_be_decoded(tmp_path: Path) -> None:
    path = folder(tmp_path / "absent", image_id=["c", "a", "e", "b"], key=["c", "a", "e", "b"])
    with pytest.raises(GalleryError, match=r"no picture is known as 'e'"):
        picture_vectors(path, tmp_path / "data", encoder=tiny.Colors())
    path = folder(tmp_path / "broken", broken="d")
    with pytest.raises(GalleryError, match=r"picture 'd' of .* cannot be decoded \(.+\)"):
        picture_vectors(path, tmp_path / "data", encoder=tiny.Colors())
