from __future__ import annotations

from pathlib import Path

import pytest
import tiny
from commanding import Run


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    return tiny.survey(tmp_path / "survey", raters=300, questions=24)


def test_tells_of_every_round(
    run: Run, survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.quick_fits(monkeypatch, 20)
    out = tmp_path / "rounds"
    asked = ["iterate", survey, "--rounds", 1, "--out", out, "--questions", 6, "--level", 5]
    asked += ["--raters", 20, "--seeds", 0.15, "--checks", 2, "--price", 0.01]
    found = run(*asked)
    assert found.code == 0, found.err
    rows = [line.split() for line in found.out.splitlines()]
    heads = [row for row in rows if row[:2] == ["round", "interviews"]]
    assert [head[-2:] for head in heads] == [["0", "5"]] * 2
    assert "price" in heads[0]
    assert [row[:2] for row in rows if row and row[0] in "01"] == [
        ["0", "none"],
        ["1", "planned"],
        ["1", "random"],
    ] * 2
    assert "Questions to the target loss, round by round: " in found.out
    assert (out / "rounds.jsonl").is_file()
    again = run(*asked)
    assert again.code == 2
    assert "add --resume" in again.err
    resumed = run(*asked, "--resume", "--json")
    assert [one["round"] for one in resumed.json["rounds"]] == [0, 1]
    assert resumed.json["settings"]["checks"] == 2


def test_few_people_and_what_is_no_data_set_are_refused(run: Run, tmp_path: Path) -> None:
    few = tiny.survey(tmp_path / "few", raters=60)
    found = run("iterate", few, "--rounds", 1, "--out", tmp_path / "rounds")
    assert found.code == 2
    assert "has 60 raters" in found.err
    assert not (tmp_path / "rounds").exists()
    found = run("iterate", tmp_path / "none", "--rounds", 1, "--out", tmp_path / "rounds")
    assert found.code == 2
    assert "is neither" in found.err
