"""The benchmark of what pictures show, on folders of drawn pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmarks import content
from tests import tiny
from tests.indexing.pictures import drawn, encoded, shard

IMAGES = [f"m{number}" for number in range(60)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty pictures; whoever answers likes the ones that are brighter."""
    tiny.use(monkeypatch)
    path = tmp_path / "mine"
    shard(path / "mine.tar", {f"{one}.png": encoded(drawn(row), "PNG") for row, one in enumerate(IMAGES)})
    table = {"image_id": IMAGES, "shard": ["mine.tar"] * 60, "key": IMAGES}
    parquet.write_table(pa.table(table), path / "images.parquet")
    return path


def brightness() -> np.ndarray:
    return np.array([np.asarray(drawn(row)).mean() for row in range(60)])


def test_choices(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng, bright = np.random.default_rng(0), brightness()
    pairs = [pair for pair in rng.integers(0, 60, (200, 2)).tolist() if pair[0] != pair[1]]
    columns: dict[str, list[object]] = {
        name: [] for name in ("rater_id", "left_image_id", "right_image_id", "choice")
    }
    for rater in range(3):
        for left, right in pairs:
            liked = bright[right] - bright[left] + 10 * rng.normal() > 0
            row = (f"r{rater}", IMAGES[left], IMAGES[right], int(liked))
            for name, value in zip(columns, row, strict=True):
                columns[name].append(value)
    parquet.write_table(pa.table(columns), folder / "responses.parquet")
    out = tmp_path / "figures.json"
    arguments = ["--data", str(folder), "--data-dir", str(tmp_path / "data"), "--json", str(out), "--table"]
    assert content.main(arguments) == 0
    figures = json.loads(out.read_text())["mine"]
    assert figures["raters"] == 3
    assert figures["rows"]["random"]["accuracy"]["mean"][0] > 0.65
    assert figures["rows"]["random"]["accuracy"]["mean"][-1] is None
    assert figures["100_chosen_minus_200_random"] is None
    printed = capsys.readouterr().out
    assert "| accuracy after | 0 | 20 |" in printed
    assert "| wrong person, random |" in printed


def test_ratings(folder: Path, tmp_path: Path) -> None:
    rng, bright = np.random.default_rng(0), brightness()
    liked = 4 + 1.5 * (bright - bright.mean()) / bright.std() + rng.normal(size=(60, 60))
    liked = np.clip(liked, 1, 7).round()
    raters, images = np.indices(liked.shape)
    columns = {
        "rater_id": [f"r{rater}" for rater in raters.ravel()],
        "image_id": [IMAGES[image] for image in images.ravel()],
        "rating": liked.ravel(),
        "scale_min": np.ones(liked.size),
        "scale_max": np.full(liked.size, 7.0),
    }
    parquet.write_table(pa.table(columns), folder / "responses.parquet")
    figures = content.measured(folder, tmp_path / "data")
    rows = figures["rows"]
    assert rows["content only"]["spearman"]["mean"][0] > 0.4
    assert rows["mean known, content"]["spearman"]["mean"][0] > rows["content only"]["spearman"]["mean"][0]
    assert figures["undefined"] == 0
    assert "| mean known, eight factors by number |" in content.table("mine", figures)


def test_a_folder_without_answers_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert content.main(["--data", str(folder), "--data-dir", str(tmp_path / "data")]) == 1
    assert "mine holds neither choices between pictures nor ratings" in capsys.readouterr().err
