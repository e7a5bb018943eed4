"""What was read, by key, in memory and on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prefs.errors import ModelError
from vlm.readcache import ASKED, ReadCache


def rows(count: int, width: int = 3) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.arange(count * width, dtype=np.float32).reshape(count, width)


def keys(count: int) -> list[bytes]:
    return [row.to_bytes(16, "big") for row in range(count)]


@pytest.mark.parametrize("disk", [False, True])
def test_gives_back_what_was_put_and_names_what_is_absent(tmp_path: Path, disk: bool) -> None:
    cache = ReadCache(tmp_path / "a" / "reads.sqlite" if disk else None, 3)
    cache.put(keys(4)[:2], rows(2))
    found, absent = cache.get(keys(4)[::-1])
    assert absent.tolist() == [0, 1]
    np.testing.assert_array_equal(found[2:], rows(2)[::-1])


def test_another_process_finds_it_again_in_any_number(tmp_path: Path) -> None:
    path, count = tmp_path / "reads.sqlite", 2 * ASKED + 7
    ReadCache(path, 3).put(keys(count), rows(count))
    other = ReadCache(path, 3)
    found, absent = other.get(keys(count))
    assert not len(absent)
    np.testing.assert_array_equal(found, rows(count))
    other.put(keys(count)[:1], rows(1) + 9)  # the first that was put stays
    np.testing.assert_array_equal(ReadCache(path, 3).get(keys(1))[0], rows(1))


def test_places_where_no_cache_can_be_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.raises(ModelError, match=r"folder.sqlite cannot be used"):
        ReadCache(tmp_path / "folder.sqlite", 3)
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"file cannot be made"):
        ReadCache(tmp_path / "file" / "reads.sqlite", 3)


def test_rows_of_another_width_are_refused(tmp_path: Path) -> None:
    ReadCache(tmp_path / "reads.sqlite", 3).put(keys(1), rows(1))
    with pytest.raises(ModelError, match="a row of 12 bytes"):
        ReadCache(tmp_path / "reads.sqlite", 4).get(keys(1))
