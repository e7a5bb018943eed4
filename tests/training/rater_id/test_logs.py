from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from training.rater_id.logs import logger


def test_nothing_is_logged_unless_it_is_asked_for() -> None:
    with logger("none", "run", {}) as log:
        assert log is None


def test_trackio_keeps_the_figures_of_each_step_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("trackio")
    monkeypatch.setattr("trackio.utils.TRACKIO_DIR", tmp_path)
    monkeypatch.setattr("trackio.sqlite_storage.TRACKIO_DIR", tmp_path)
    with logger("trackio", "mine", {"steps": 2}) as log:
        assert log is not None
        log(1, {"loss": 2.0})
        log(2, {"loss": 1.5})
    assert capsys.readouterr().out == "", "standard output is for results"
    with sqlite3.connect(tmp_path / "kallisti.db") as database:
        rows = database.execute("select step, metrics from metrics order by step").fetchall()
    database.close()
    assert [(step, json.loads(figures)) for step, figures in rows] == [(1, {"loss": 2.0}), (2, {"loss": 1.5})]
