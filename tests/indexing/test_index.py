from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pictures import Grays, drawn, encoded, folder, shard
from PIL import Image

from indexing import parts, prepare
from indexing.gallery import Gallery
from indexing.index import Index
from indexing.prepare import prepare as prepared
from prefs.errors import GalleryError, IndexingError


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    files = {f"{seed}.png": encoded(drawn(seed), "PNG") for seed in range(40)}
    return Gallery.open(folder(tmp_path / "wall", files))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "PART", 8)
    monkeypatch.setattr(prepare, "BATCH", 4)
    monkeypatch.setattr(parts, "_ROWS", 16)


def files(build: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in build.iterdir()}


def test_every_picture_has_its_own_vector(gallery: Gallery, tmp_path: Path, small_parts: None) -> None:
    index = prepared(gallery, tmp_path / "out", Grays())
    assert index.items == gallery.items()
    assert index.vectors.dtype == np.float32
    expected = Grays().encode([gallery.picture(item) for item in index.items])
    np.testing.assert_array_equal(index.vectors, expected)
    again = Index.open(tmp_path / "out", "grays")
    assert (again.items, again.encoder, again.blocks) == (index.items, "grays", (("gray", 64),))
    assert again.covers(gallery)
    assert not list((tmp_path / "out").glob("parts-*"))


def test_nearest_is_exact(gallery: Gallery, tmp_path: Path, small_parts: None) -> None:
    index = prepared(gallery, tmp_path / "out", Grays())
    units = index.vectors / np.linalg.norm(index.vectors, axis=1, keepdims=True)
    scores = units @ units[3]
    order = [row for row in np.argsort(-scores) if row != 3][:5]
    found = index.nearest(index.items[3], 5)
    assert [item for item, _ in found] == [index.items[row] for row in order]
    np.testing.assert_allclose([score for _, score in found], scores[order], atol=1e-6)
    assert index.nearest(3 * index.vectors[3], 1)[0][0] == index.items[3]
    assert len(index.nearest(index.items[3], 1000)) == 39
    with pytest.raises(IndexingError, match="no picture 'zzz'"):
        index.nearest("zzz")
    with pytest.raises(IndexingError, match=r"expected \(64,\)"):
        index.nearest(np.zeros(3, np.float32))


def test_only_new_pictures_are_embedded_and_removed_ones_go(gallery: Gallery, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepared(gallery, out, Grays())
    unchanged = Grays()
    prepared(gallery, out, unchanged)
    assert unchanged.seen == 0
    (gallery.root / "0.png").unlink()
    (gallery.root / "1.png").rename(gallery.root / "renamed.png")
    folder(gallery.root, {"new.png": encoded(drawn(99), "PNG")})
    changed = Gallery.open(gallery.root)
    encoder = Grays()
    index = prepared(changed, out, encoder)
    assert encoder.seen == 1
    assert index.items == changed.items()
    fresh = prepared(changed, tmp_path / "fresh", Grays())
    assert files(index.build) == files(fresh.build)
    assert [path.name for path in out.glob("index-*")] == [index.build.name]


def test_pictures_that_do_not_decode_are_left_out_once(tmp_path: Path) -> None:
    good = {f"{seed}.jpg": encoded(drawn(seed)) for seed in range(4)}
    bad = {"cut.jpg": encoded(drawn(8, (300, 300)))[:-400], "html.png": b"<html>"}
    gallery = Gallery.open(folder(tmp_path / "wall", good | bad))
    index = prepared(gallery, tmp_path / "out", Grays())
    assert len(index) == 4
    assert index.covers(gallery)
    assert index.skips(gallery).report() == (
        "2 of 6 files skipped: 1 not JPEG, PNG or WebP (html.png), 1 truncated or damaged (cut.jpg)"
    )
    assert gallery.skipped.reasons.total() == 1
    later = Gallery.open(folder(gallery.root, {"new.jpg": encoded(drawn(9))}))
    encoder = Grays()
    assert prepared(later, tmp_path / "out", encoder).refused == index.refused
    assert encoder.seen == 1


def test_too_few_that_decode(tmp_path: Path) -> None:
    cut = {f"{seed}.jpg": encoded(drawn(seed, (300, 300)))[:-400] for seed in range(3)}
    gallery = Gallery.open(folder(tmp_path / "wall", cut))
    with pytest.raises(GalleryError, match=r"0 of 3 pictures can be decoded.*truncated or damaged"):
        prepared(gallery, tmp_path / "out", Grays())


def test_vectors_of_two_encoders_do_not_mix(gallery: Gallery, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = prepared(gallery, out, Grays("one"))
    with pytest.raises(IndexingError, match="made by encoder 'one' and not by 'two'"):
        Index.open(out, "two")
    encoder = Grays("two")
    second = prepared(gallery, out, encoder)
    assert encoder.seen == 40
    assert second.build != first.build
    assert np.isfinite(first.vectors).all(), "an index that is open stays usable"


class Broken(Grays):
    def __init__(self, after: int, vectors: NDArray[np.float32] | None = None) -> None:
        super().__init__()
        self.after, self.vectors = after, vectors

    def encode(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        if self.seen >= self.after:
            if self.vectors is not None:
                return self.vectors
            raise KeyboardInterrupt
        return super().encode(pictures)


def test_a_stopped_preparation_goes_on_where_it_was(
    gallery: Gallery, tmp_path: Path, small_parts: None
) -> None:
    whole = prepared(gallery, tmp_path / "whole", Grays())
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        prepared(gallery, out, Broken(after=20))
    with pytest.raises(IndexingError, match="holds no index"):
        Index.open(out)
    damaged = sorted(out.glob("parts-*/*.npz"))[0]
    damaged.write_bytes(damaged.read_bytes()[:-99])
    encoder, seen = Grays(), []
    index = prepared(gallery, out, encoder, progress=lambda *step: seen.append(step))
    assert encoder.seen == 40 - 8, "two parts of eight were whole, and one of them is damaged"
    assert seen[-1] == ("embed", 40, 40)
    assert files(index.build) == files(whole.build)


@pytest.mark.parametrize("vectors", [np.full((4, 64), np.nan, np.float32), np.zeros((3, 64), np.float32)])
def test_bad_vectors_are_refused(
    gallery: Gallery, tmp_path: Path, small_parts: None, vectors: NDArray[np.float32]
) -> None:
    with pytest.raises(IndexingError, match="encoder 'grays' gave vectors"):
        prepared(gallery, tmp_path / "out", Broken(0, vectors))


def test_processes_give_what_threads_give(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = prepared(gallery, tmp_path / "threads", Grays())
    monkeypatch.setattr(prepare, "FEW_BYTES", 0)
    processes = prepared(gallery, tmp_path / "processes", Grays(), workers=2)
    assert files(threads.build) == files(processes.build)


def test_a_file_that_goes_under_way_stops_and_loses_nothing(
    gallery: Gallery, tmp_path: Path, small_parts: None
) -> None:
    last = gallery.source(gallery.items()[-1])
    data = (gallery.root / last.file).read_bytes()
    (gallery.root / last.file).unlink()
    with pytest.raises(GalleryError, match="cannot be read"):
        prepared(gallery, tmp_path / "out", Grays())
    (gallery.root / last.file).write_bytes(data)
    encoder = Grays()
    prepared(gallery, tmp_path / "out", encoder)
    assert encoder.seen == 8


def test_shards_and_folders_make_the_same_index(tmp_path: Path) -> None:
    data = {f"{seed}.png": encoded(drawn(seed), "PNG") for seed in range(6)}
    plain = Gallery.open(folder(tmp_path / "plain", data))
    packed = Gallery.open(shard(tmp_path / "packed" / "s.tar", data).parent)
    one, two = prepared(plain, tmp_path / "one", Grays()), prepared(packed, tmp_path / "two", Grays())
    assert files(one.build) == files(two.build)


def test_opening_is_quick_and_light(tmp_path: Path) -> None:
    wall = {f"{seed}.png": encoded(drawn(seed, (8, 8)), "PNG") for seed in range(600)}
    prepared(Gallery.open(folder(tmp_path / "wall", wall)), tmp_path / "out", Grays())
    start = time.perf_counter()
    assert len(Index.open(tmp_path / "out")) == 600
    assert time.perf_counter() - start < 0.1
    code = (
        "import sys; from pathlib import Path; from indexing.index import Index;"
        f"index = Index.open(Path({str(tmp_path / 'out')!r}));"
        "heavy = {'torch', 'faiss', 'pyarrow', 'pandas'} & sys.modules.keys(); index.nearest(index.items[0]);"
        "print(heavy, 'faiss' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set() True"


def test_a_damaged_index_is_made_anew(gallery: Gallery, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole = prepared(gallery, out, Grays())
    before = files(whole.build)
    (whole.build / "vectors.npy").write_bytes(b"")
    encoder = Grays()
    index = prepared(gallery, out, encoder)
    assert encoder.seen == 40
    assert files(index.build) == before
    shutil.rmtree(index.build)
    assert files(prepared(gallery, out, Grays()).build) == before
