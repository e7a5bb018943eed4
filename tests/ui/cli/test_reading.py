"""`kallisti train --kind vlm` through the command line: what it trains, counts and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tiny
from commanding import Done, Run
from pyarrow import parquet

from tests.indexing.pictures import drawn, encoded, shard

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

from vlm.reader import Reader  # noqa: E402

VLM = ("--kind", "vlm", "--preset", "tiny")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def refused(found: Done, *parts: str) -> None:
    """One line that holds the parts, exit code 2, nothing on standard output."""
    lines = [line for line in found.err.splitlines() if line.startswith("kallisti: ")]
    assert (found.code, found.out) == (2, "")
    assert len(lines) == 1, found.err
    assert "Traceback" not in found.err
    for part in parts:
        assert part in lines[0]


def statements(folder: Path, raters: int = 40, count: int = 30) -> Path:
    """A survey folder in which who says yes once says yes more often."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(2)
    names = [f"{folder.name} {number}" for number in range(count)]
    asked = {
        "question_id": names,
        "domain": ["mood"] * count,
        "text": [f"I see myself as: kind {number} of {folder.name}" for number in range(count)],
        "options": [["No", "Perhaps", "Yes"]] * count,
    }
    chance = rng.uniform(0.1, 0.9, raters)
    said = rng.binomial(2, chance[:, None], (raters, count))
    answered = {
        "rater_id": np.repeat([f"{folder.name} {number}" for number in range(raters)], count),
        "question_id": names * raters,
        "answer": said.ravel().astype(np.int64),
    }
    parquet.write_table(pa.table(asked), folder / "questions.parquet")
    parquet.write_table(pa.table(answered), folder / "responses.parquet")
    return folder


def compared(folder: Path, raters: int = 12, pictures: int = 9) -> Path:
    """A folder of choices between two of a few pictures."""
    folder.mkdir()
    names = [f"picture-{number}" for number in range(pictures)]
    shard(folder / "mine.tar", {f"{name}.png": encoded(drawn(row), "PNG") for row, name in enumerate(names)})
    shown = {"image_id": names, "shard": ["mine.tar"] * pictures, "key": names}
    parquet.write_table(pa.table(shown), folder / "images.parquet")
    rng = np.random.default_rng(3)
    pairs = [(one, other) for one in range(pictures) for other in range(one)]
    rows = [(f"judge {rater}", names[a], names[b]) for rater in range(raters) for a, b in pairs]
    table = dict(
        zip(("rater_id", "left_image_id", "right_image_id"), map(list, zip(*rows, strict=True)), strict=True)
    )
    parquet.write_table(
        pa.table({**table, "choice": rng.integers(0, 2, len(rows))}), folder / "responses.parquet"
    )
    return folder


def test_texts_and_compared_pictures_become_one_reader(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.use(monkeypatch)
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"questions": 8, "raters": 16, "every": 3, "steps": 99}))
    sets = (statements(tmp_path / "moods"), compared(tmp_path / "choices"))
    words = ("--steps", 6, "--recipe", recipe, "--split", "eval", "--hold-out-questions")
    found = run("train", *sets, "--out", tmp_path / "m", *VLM, *words, "--json")
    assert found.code == 0, found.err
    told = found.json
    assert told["recipe"]["steps"] == 6
    assert told["recipe"]["questions"] == 8
    assert told["parts"].keys() == {"moods", "choices"}
    assert told["hold_out_questions"] is True
    assert told["skips"]["moods"]["target question (held out)"] > 0
    assert [one["step"] for one in told["validation"]] == [3, 6]
    kept = json.loads((tmp_path / "m" / "report.json").read_text())
    assert kept == {name: value for name, value in told.items() if name not in ("out", "seconds")}
    config = Reader.open(tmp_path / "m", device="cpu").model.config
    assert (config.encoder, config.width) == ("colors", 12)


def test_people_are_told_what_was_trained_and_left_out(run: Run, tmp_path: Path) -> None:
    one, other = statements(tmp_path / "moods"), statements(tmp_path / "fears")
    words = ("--steps", 2, "--split", "eval", "--hold-out-set", "fears")
    found = run("train", one, other, "--out", tmp_path / "m", *VLM, *words)
    assert found.code == 0, found.err
    assert "questions and" in found.out
    assert "question of a set that is held out: 30" in found.out
    assert "question that says or shows what a held out one does (left out)" not in found.out
    assert f"The reader is in {tmp_path / 'm'}." in found.out
    assert "step 2: " in found.err


def test_a_question_too_long_to_read_is_refused_before_anything_is_trained(run: Run, tmp_path: Path) -> None:
    folder = statements(tmp_path / "moods")
    table = parquet.read_table(folder / "questions.parquet").to_pylist()
    table[4]["text"] = "word " * 20_000
    parquet.write_table(pa.Table.from_pylist(table), folder / "questions.parquet")
    refused(run("train", folder, "--out", tmp_path / "m", *VLM), "100,000 characters", "shorten it")
    assert not (tmp_path / "m").exists()
    assert not (tmp_path / "m.parts" / "fit").exists()


def test_what_is_not_allowed_is_refused(run: Run, tmp_path: Path) -> None:
    moods, out = statements(tmp_path / "moods"), tmp_path / "m"
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"speed": 1}')

    def train(*words: object) -> Done:
        return run("train", moods, "--out", out, *VLM, *words)

    refused(train("--recipe", recipe), "'speed' is no setting")
    refused(train("--steps", 0), "steps 0: allowed are whole numbers from 1")
    refused(train("--hold-out-set", "fears"), "--hold-out-set fears: no such data set is given, only moods")
    refused(train("--hold-out-set", "moods"), "every data set is held out")
    refused(train("--light"), "--light: the backbone tiny has no files of its own")
    refused(train("--backbone", tmp_path), "holds no language model")
    refused(run("train", moods, moods, "--out", out, *VLM), "2 data sets are called 'moods'")
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text("{}")
    (pickled / "pytorch_model.bin").write_bytes(b"x")
    refused(train("--backbone", pickled), "pickled weights (pytorch_model.bin)")
    assert not out.exists()
