"""Questions that were only read, among people whose model is known."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "training"))
from reading import Told
from simulated import people

from benchmarks import unseen_questions
from prefs.errors import ConfigError
from training.work import Work

TRUTH = people(700, 36, 3, size=2, seed=7)
REPORT = {"split": "eval", "hold_out_questions": True, "hold_out_sets": ["ambi"], "data": ["spi", "ambi"]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sets of the same people's answers, and the true model of one."""
    sets = {}
    for name in ("spi", "ambi"):
        questions = tuple(replace(one, source=name) for one in TRUTH.survey.questions)
        sets[name] = (
            replace(TRUTH.bank, name=name, questions=questions),
            replace(TRUTH.survey, name=name, questions=questions),
        )
        (tmp_path / "surveys" / name).mkdir(parents=True)
    settings = {"size": 2, "nominal": 0.0, "steps": 40}
    report = {"split": "eval", "settings": settings}
    replace(TRUTH.fitted, bank=sets["spi"][0], report=report).save(tmp_path / "spi.model")
    monkeypatch.setattr(unseen_questions, "DATA", tmp_path)
    monkeypatch.setattr(unseen_questions, "LOSSES", ("spi",))
    monkeypatch.setattr(unseen_questions, "bank_of", lambda path: sets[Path(path).name])
    return tmp_path


def test_what_is_read_rightly_agrees_with_people(folder: Path) -> None:
    reader = Told.slopes(TRUTH.survey.questions, TRUTH.slopes)
    options = argparse.Namespace(sets=None, quick=True, models=folder, json=folder / "x.json")
    found = unseen_questions.measure(reader, REPORT, options, Work(folder / "work"))
    assert json.loads((folder / "x.json").read_text(encoding="utf-8")) == json.loads(json.dumps(found))
    every, sets = found["unseen questions"], found["unseen sets"]
    assert (every["sets"], sets["sets"]) == (["spi"], ["ambi"])
    targets = found["losses"][0]["targets"]
    assert every["people"]["all"]["pairs"] == [targets * (targets - 1) // 2]
    assert sets["people"]["all"]["pairs"] == [36 * 35 // 2]
    for part in (every, sets):
        people_ = part["people"]["all"]
        assert people_["r"]["reader"]["pooled"][0] > 0.9
        assert people_["r"]["reader"]["pooled"][0] < people_["pooled_ceiling"] + 0.03
        assert people_["mean_absolute"][0] > 0.1
        assert people_["r"]["frozen MiniLM"]["pooled"] is None
    assert part["people"]["test"]["pairs"][0] == 0  # fewer than 200 people answered both
    assert found["losses"][0]["recovered"]["reader"][0] > 0.8
    printed = unseen_questions.table(found)
    assert "Correlations of unseen sets" in printed
    assert "recovered, grafted" in printed


def test_signs_are_told_apart(folder: Path) -> None:
    turned = TRUTH.slopes * np.where(np.arange(36) % 2 == 0, 1, -1)[:, None]
    reader = Told.slopes(TRUTH.survey.questions, turned)
    options = argparse.Namespace(sets=["ambi"], quick=True, models=None, json=folder / "x.json")
    found = unseen_questions.measure(reader, REPORT, options, Work())["unseen sets"]["people"]["all"]["r"]
    assert found["reader, signs aside"]["pooled"][0] > 0.8
    assert found["reader"]["pooled"][0] < 0.3


def test_refuses_a_reader_that_learned_from_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "report.json").write_text('{"hold_out_questions": false}')
    out = str(tmp_path / "x.json")
    monkeypatch.setattr(sys, "argv", ["unseen_questions", "--model", str(tmp_path), "--json", out])
    with pytest.raises(ConfigError, match="learned from target questions"):
        unseen_questions.main()
