"""`kallisti predict`: from nothing, from answers here and elsewhere, from what is known beforehand."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import tiny
from commanding import Run


@pytest.fixture(autouse=True)
def _encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.use(monkeypatch)


@pytest.fixture
def moods(tmp_path: Path) -> Path:
    return tiny.survey(tmp_path / "moods")


def answered(run: Run, bank: Path, count: int, answer: int = 1) -> None:
    done = run("interview", "--bank", bank, "--questions", count, input=f"{answer}\n" * count)
    assert done.code == 0, done.err


def test_a_person_without_answers_is_foretold_as_people_in_general(run: Run, moods: Path) -> None:
    found = run("predict", moods, "--json").json
    assert (found["answers"], found["score"]["count"], len(found["predictions"])) == (0, 0, 6)
    for row in found["predictions"]:
        assert row["probabilities"] == row["population"]
        assert sum(row["probabilities"]) == pytest.approx(1)
        assert row["certainty"] == max(row["probabilities"]) == row["probabilities"][row["answer"]]
        assert (row["gain_bits"], row["said"], row["right"]) == (0, None, None)
    shown = run("predict", moods).out
    assert "these are the shares of all people" in shown
    assert "bits" not in shown
    assert shown.count("Do you like thing") == 6


def test_answers_count_and_are_compared_with_what_they_did_not_know(run: Run, moods: Path) -> None:
    answered(run, moods, 4)
    found = run("predict", moods, "--json").json
    rows = found["predictions"]
    assert [row["certainty"] for row in rows] == sorted((row["certainty"] for row in rows), reverse=True)
    assert (found["answers"], found["unread"]) == (4, 0)
    said = [row for row in rows if row["said"] is not None]
    assert [row["options"][row["said"]] for row in said] == ["Yes"] * 4
    assert [row["right"] for row in said] == [row["answer"] == 0 for row in said]
    assert found["score"]["count"] == 4
    assert all(row["gain_bits"] > 0 for row in rows)
    assert all(row["probabilities"][0] > row["population"][0] for row in rows), "who says yes says it again"
    shown = run("predict", moods).out
    assert "From 4 answers of me." in shown
    assert shown.count("✓ Yes") + shown.count("✗ Yes") == 4
    assert max(map(len, shown.splitlines())) <= 120


def test_the_table_fits_a_narrow_terminal(run: Run, moods: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(run, moods, 3)
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, run("predict", moods).out.splitlines())) <= 80


def test_answers_about_another_bank_and_pictures_open_them(run: Run, moods: Path, tmp_path: Path) -> None:
    other, art = tiny.survey(tmp_path / "habits", raters=50), tiny.gallery(tmp_path / "art", 12)
    answered(run, other, 3)
    assert run("interview", "--gallery", art, "--questions", 2, input="1\n1\n").code == 0
    found = run("predict", moods, "--json").json
    assert (found["bank"], found["answers"], found["unread"]) == ("moods", 5, 0)
    assert run("predict", other.resolve(), "--json").json["score"]["count"] == 3, (
        "named, it is not opened twice"
    )
    for file in other.iterdir():
        file.unlink()
    gone = run("predict", moods, "--json")
    assert gone.json["unread"] == 3
    assert "'habits' is not here any more" in gone.err


def test_what_is_known_beforehand_counts_and_is_compared(run: Run, moods: Path, tmp_path: Path) -> None:
    about = tmp_path / "about.json"
    about.write_text('{"q0": "Yes", "q3": 0}')
    found = run("predict", moods, "--about", about, "--json").json
    assert (found["answers"], found["known"], found["score"]["count"]) == (2, 2, 2)
    assert {row["question_id"] for row in found["predictions"] if row["said"] == 0} == {"q0", "q3"}
    assert "2 of them known beforehand" in run("predict", moods, "--about", about).out


def test_the_files_hold_what_is_printed(run: Run, moods: Path, tmp_path: Path) -> None:
    answered(run, moods, 2)
    rows = run("predict", moods, "--out", tmp_path / "p.jsonl", "--json").json["predictions"]
    assert [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()] == rows
    run("predict", moods, "--out", tmp_path / "p.csv")
    table = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    for row, cells in zip(rows, table, strict=True):
        assert cells["question_id"] == row["question_id"]
        assert cells["answer"] == row["options"][row["answer"]]
        assert cells["said"] == ("" if row["said"] is None else row["options"][row["said"]])
        assert float(cells["probability_2"]) == pytest.approx(row["probabilities"][1], abs=1e-4)


def test_mistakes_are_one_line(run: Run, moods: Path, tmp_path: Path) -> None:
    for words, part in (
        (("predict", moods, "--rater", "nobody"), "nobody is called 'nobody' here"),
        (("predict", moods, "--out", tmp_path / "p.txt"), "allowed are names that end in .csv or .jsonl"),
        (("predict", tmp_path / "none"), "neither bfi nor epi nor a folder"),
    ):
        done = run(*words)
        assert (done.code, done.out) == (2, "")
        assert part in done.err.splitlines()[-1]
