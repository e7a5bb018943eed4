"""Domain by domain, among people whose model is known."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "training"))
from simulated import people

from benchmarks import domains

TRUTH = people(500, 30, 3, size=1, seed=3)


def test_prints_a_table_and_writes_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = tuple(
        replace(question, domain=("religion", "personality", "morality")[row % 3])
        for row, question in enumerate(TRUTH.survey.questions)
    )
    survey, bank = replace(TRUTH.survey, questions=asked), replace(TRUTH.bank, questions=asked)
    replace(TRUTH.fitted, bank=bank, report={"split": "eval"}).save(tmp_path / "anes_2016.model")
    monkeypatch.setattr(domains, "bank_of", lambda path: (bank, survey))
    out = tmp_path / "found.json"
    asked_for = ["domains", "--models", str(tmp_path), "--set", "anes_2016", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", asked_for)
    domains.main()
    printed = capsys.readouterr().out
    (found,) = json.loads(out.read_text(encoding="utf-8"))["sets"]
    gains = {(one["known"], one["wanted"]): one["gain"] for one in found["gains"]}
    assert gains["personality + morality", "religion"][1] > 0
    assert ("personality + morality", "morality") not in gains
    assert "| personality + morality |  |  | **+" in printed
    monkeypatch.setattr(sys, "argv", ["domains", "--json", str(out), "--table"])
    domains.main()
    assert capsys.readouterr().out == printed
