"""`kallisti evaluate` on pictures, through the command line: what it runs and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tiny
from commanding import Run
from pyarrow import parquet

from prefs.bank import ItemBank
from training import few_interviews, pairs_eval, pairs_interviews, readers
from training.fitted import FittedBank
from training.selection import fit_bank
from training.splits import are_targets
from training.surveys import Survey


def compared(folder: Path) -> Path:
    """Five people who choose between pictures; no picture itself."""
    folder.mkdir()
    names = np.array([f"p{number}" for number in range(30)])
    held = are_targets(names)
    rng = np.random.default_rng(0)
    pairs = [pair for pair in rng.integers(0, 30, (300, 2)) if pair[0] != pair[1]]
    assert sum(held[pair].sum() == 2 for pair in pairs) >= 5
    rows = [
        (f"r{rater}", names[one], names[other], int(rng.random() < 0.5))
        for rater in range(5)
        for one, other in pairs
    ]
    columns = ("rater_id", "left_image_id", "right_image_id", "choice")
    parquet.write_table(pa.table({"image_id": names}), folder / "images.parquet")
    table = dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
    parquet.write_table(pa.table(table), folder / "responses.parquet")
    return folder


def test_compared_pictures_need_no_model(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taste = np.random.default_rng(1).normal(size=(30, 3)).astype(np.float32)
    monkeypatch.setattr(pairs_eval, "tastes_of", lambda *given: taste)
    monkeypatch.setattr(pairs_interviews, "HYPOTHESES", 50)
    monkeypatch.setattr(few_interviews, "ORDERS", 1)
    folder, out, plot = compared(tmp_path / "mine"), tmp_path / "f.json", tmp_path / "f.png"
    words = ("evaluate", folder, "--json", out, "--questions", 3, "--plot", plot, "--policies", "static,eig")
    found = run(*words)
    assert found.code == 0, found.err
    assert "mine: accuracy on target questions, 5 held-out people" in found.out
    result = json.loads(out.read_text())
    assert set(result["policies"]) == {"static", "eig"}
    assert plot.read_bytes().startswith(b"\x89PNG")
    refused = run(*words, "--model", tmp_path)
    assert refused.code == 2
    assert "compared pictures, which need none: leave it out" in refused.err


def test_a_survey_needs_a_model(run: Run, tmp_path: Path) -> None:
    folder = tiny.survey(tmp_path / "moods", raters=100)
    refused = run("evaluate", folder, "--json", tmp_path / "f.json")
    assert refused.code == 2
    assert f"no --model for {folder}: name a folder that `kallisti train" in refused.err
    assert "Traceback" not in refused.err


def test_compared_pictures_cannot_be_trained(run: Run, tmp_path: Path) -> None:
    refused = run("train", compared(tmp_path / "mine"), "--out", tmp_path / "m")
    assert refused.code == 2
    assert "`kallisti evaluate` takes them" in refused.err


def test_a_survey_may_be_read(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.survey(tmp_path / "moods", raters=200, questions=40)
    reader = tmp_path / "reader"
    reader.mkdir()
    (reader / "manifest.json").write_text('{"format": "kallisti.reader/1"}')
    (reader / "report.json").write_text('{"split": "all"}')
    words = ("evaluate", folder, "--model", reader, "--json", tmp_path / "f.json", "--policies", "random")
    refused = run(*words, "--questions", 3)
    assert refused.code == 2
    assert "has seen the test raters: train one with --kind vlm --split eval" in refused.err

    def read(given: Path, data: str, bank: ItemBank, survey: Survey, data_dir: Path) -> FittedBank:
        assert (given, data) == (reader, str(folder))
        found = fit_bank(bank, survey, "eval")
        return replace(found, report={"split": "eval", "reader": {"version": "x"}})

    monkeypatch.setattr(readers, "read_data", read)
    done = run(*words, "--questions", 3)
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "f.json").read_text())["settings"]["fit"]["reader"] == {"version": "x"}
