"""Who is answering, among people whose model is known."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "training"))
from simulated import people

from benchmarks import rater_id
from training.spotting import POLICIES

TRUTH = people(600, 40, 3, size=3, seed=13)


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a run on the true model writes, as the set `spi`."""
    replace(TRUTH.fitted, report={"split": "eval"}).save(tmp_path / "spi.model")
    monkeypatch.setattr(rater_id, "bank_of", lambda path: (TRUTH.bank, TRUTH.survey))
    monkeypatch.setattr(rater_id, "SIZE", 80)
    found = tmp_path / "found.json"
    monkeypatch.setattr(
        sys, "argv", ["rater_id", "--models", str(tmp_path), "--set", "spi", "--json", str(found)]
    )
    return found


def test_chosen_questions_narrow_people_down(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rater_id.main()
    before = capsys.readouterr().out
    (found,) = json.loads(out.read_text(encoding="utf-8"))["sets"]
    assert found["raters"] == 80
    for reading, values in found["readings"].items():
        assert set(values["policies"]) == set(POLICIES)
        assert found["chosen"][reading] not in ("random",)
        mean, low, high = values["chosen_minus_random"][6]
        assert low <= mean <= high
        assert mean > 0.05
        for policy in values["policies"].values():
            assert len(policy["top16"]) == len(policy["log_p_id"]) == 11
    assert "| made | unseen | " in before
    monkeypatch.setattr(sys, "argv", ["rater_id", "--json", str(out), "--table"])
    rater_id.main()
    assert capsys.readouterr().out == before


def test_first_number_of_questions_that_reaches_the_goal() -> None:
    assert rater_id.reached([0.0, 0.5, 0.9, 0.8]) == 2
    assert rater_id.reached([0.0, 0.5]) is None


def test_needs_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["rater_id", "--json", str(tmp_path / "x.json")])
    with pytest.raises(SystemExit):
        rater_id.main()
