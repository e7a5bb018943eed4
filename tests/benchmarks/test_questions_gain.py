"""What an interviewer's questions gain, among people whose model is known."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "training"))
from simulated import people

from benchmarks import interviewer
from prefs.transcripts import read_transcripts
from training.interviewer.head import Settings, Subject, train_head
from training.interviewer.strangers import Settings as Strangers
from training.interviewer.strangers import write_strangers
from training.splits import raters_in
from vlm.interviewer_files import save_interviewer

TRUTH = people(200, 24, 3, size=2, seed=5)
FITTED = replace(TRUTH.fitted, report={"split": "eval"})


def test_the_planner_gains_most_and_the_head_more_than_random(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    FITTED.save(tmp_path / "model")
    monkeypatch.setattr(interviewer, "bank_of", lambda data: (TRUTH.bank, TRUTH.survey))
    others = TRUTH.survey.of_raters(~raters_in(TRUTH.survey.raters, "test"))
    plans = tmp_path / "plans.jsonl"
    write_strangers(others, FITTED, Strangers(8, raters=60), plans)
    head = train_head(
        list(read_transcripts(plans)), [Subject(others, FITTED)], Settings(interviews=60, steps=300)
    )
    save_interviewer(tmp_path / "asker", {}, None, head)
    monkeypatch.setattr(interviewer, "MANY", 500)
    interviewer.main(
        [
            *("--bank", "made", "--model", str(tmp_path / "model"), "--head", str(tmp_path / "asker")),
            *("--plans", str(plans), "--raters", "15", "--questions", "8"),
            *("--json", str(tmp_path / "found.json"), "--table"),
        ]
    )
    assert "| planner | id | 1.00 |" in capsys.readouterr().out
    found = json.loads((tmp_path / "found.json").read_text())
    policies = found["policies"]
    assert set(policies) == {"planner", "random", "order", "head", "head, belief"}
    assert (found["raters"], found["questions"]) == (15, 8)
    assert found["hypotheses"] == len(others.raters)
    assert policies["planner"]["id_share"] == [1.0, 1.0, 1.0]
    share = {name: one["id_share"][0] for name, one in policies.items()}
    assert share["planner"] > share["head"] > share["random"] + 0.1
    for one in policies.values():
        for gain in ("id", "taste"):
            assert all(np.array(one[f"{gain}_bits"]) <= np.array(one[f"{gain}_best_bits"]) + 1e-6)
    assert all(one > 0 for one in found["head_ms_10000"].values())
