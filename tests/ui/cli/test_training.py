"""`kallisti train` and `kallisti retrain`, through the command line: what they do, count and refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tiny
from commanding import Done, Run
from pyarrow import parquet

from training import joint


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short fits."""
    tiny.quick_fits(monkeypatch, 20)


def refused(found: Done, *parts: str) -> None:
    """One line that holds the parts, exit code 2, nothing on standard output."""
    lines = [line for line in found.err.splitlines() if line.startswith("kallisti: ")]
    assert (found.code, found.out) == (2, "")
    assert len(lines) == 1, found.err
    assert "Traceback" not in found.err
    for part in parts:
        assert part in lines[0]


def written(folder: Path, questions: dict[str, Any] | None = None, **responses: Any) -> Path:
    """A survey folder with the given columns."""
    folder.mkdir(parents=True)
    asked = {
        "question_id": ["a", "b", "c"],
        "domain": ["mood"] * 3,
        "text": [f"Is {letter} good?" for letter in "abc"],
        "options": [["No", "Yes"]] * 3,
    }
    parquet.write_table(pa.table(asked | (questions or {})), folder / "questions.parquet")
    parquet.write_table(pa.table(responses), folder / "responses.parquet")
    return folder


def test_one_set_lies_in_the_folder_itself(run: Run, tmp_path: Path) -> None:
    found = run("train", tiny.survey(tmp_path / "moods"), "--out", tmp_path / "m", "--split", "eval")
    assert found.code == 0, found.err
    assert "moods: 6 questions in 2 dimensions, fitted to 45 people (15 held out), 360 answers" in found.out
    assert (tmp_path / "m" / "bank.safetensors").is_file()


def test_sets_with_the_same_people_share_a_block_and_plan_finds_its_own(run: Run, tmp_path: Path) -> None:
    one, other = tiny.survey(tmp_path / "moods", 130), tiny.survey(tmp_path / "fears", 130, questions=4)
    found = run("train", one, other, "--out", tmp_path / "m", "--split", "eval", "--json")
    assert found.code == 0, found.err
    sets = found.json["sets"]
    assert [sets[name]["block"] for name in ("moods", "fears")] == ["moods+fears"] * 2
    assert [sets[name]["questions"] for name in ("moods", "fears")] == [6, 4]
    planned = run("plan", other, "--model", tmp_path / "m", "--out", tmp_path / "p.jsonl", "--questions", 2)
    assert planned.code == 0, planned.err
    lines = (tmp_path / "p.jsonl").read_text().splitlines()
    assert {json.loads(line)["dataset"] for line in lines} == {"fears"}
    foreign = tiny.survey(tmp_path / "joys")
    refused(
        run("plan", foreign, "--model", tmp_path / "m", "--out", tmp_path / "q.jsonl"),
        "holds no bank 'joys', only moods, fears",
    )


def test_what_is_of_little_use_is_counted_and_printed(run: Run, tmp_path: Path) -> None:
    folder = written(
        tmp_path / "moods",
        rater_id=["r1", "r1", "r2", "r3"],
        question_id=["a", "b", "a", "a"],
        answer=[1, 0, 1, 1],
    )
    found = run("train", folder, "--out", tmp_path / "m")
    assert found.code == 0, found.err
    for line in (
        "  question that nobody answered: 1",
        "  question that everybody answers the same (kept): 2",
        "  rater with one answer (kept): 2",
    ):
        assert line in found.out.splitlines()
    counted = run("train", folder, "--out", tmp_path / "n", "--json").json["sets"]["moods"]["skips"]
    assert counted == {
        "question that nobody answered": 1,
        "question that everybody answers the same (kept)": 2,
        "rater with one answer (kept)": 2,
    }


@pytest.mark.parametrize(
    ("responses", "parts"),
    [
        (
            {"rater_id": ["r", "s"], "question_id": ["a", "b"], "answer": [0, 2]},
            ("responses.parquet, row 1: answer 2 to question 'b'", "allowed are 0 to 1"),
        ),
        (
            {"rater_id": ["r", "r"], "question_id": ["a", "a"], "answer": [0, 1]},
            ("row 1: rater 'r' answers question 'a' a second time on occasion 0", "number repeats"),
        ),
        (
            {"rater_id": ["r"] * 3, "question_id": ["a"] * 3, "answer": [0, 1, 1], "occasion": [0, 1, 1]},
            ("row 2: rater 'r' answers question 'a' a second time on occasion 1",),
        ),
        (
            {"rater_id": ["r", "s"], "question_id": ["a", "b"], "answer": [0.0, float("nan")]},
            ("row 1: answer is missing or NaN", "leave the row out"),
        ),
        (
            {"rater_id": ["r"], "question_id": ["z"], "answer": [0]},
            ("row 0: question 'z' is not in questions.parquet",),
        ),
    ],
)
def test_bad_responses_are_named_by_file_and_row(
    run: Run, tmp_path: Path, responses: dict[str, Any], parts: tuple[str, ...]
) -> None:
    folder = written(tmp_path / "moods", **responses)
    refused(run("train", folder, "--out", tmp_path / "m"), *parts)
    assert not (tmp_path / "m").exists()
    assert not (tmp_path / "m.parts").exists()


def test_a_folder_of_another_format_is_told_what_was_expected(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "table.csv").write_text("a,b\n")
    refused(
        run("train", tmp_path / "x", "--out", tmp_path / "m"),
        "questions.parquet and responses.parquet",
        "found table.csv",
    )
    refused(run("train", "nothing", "--out", tmp_path / "m"), "'nothing' is neither bfi nor epi")


def test_what_cannot_be_combined_is_refused(run: Run, tmp_path: Path) -> None:
    moods, out = tiny.survey(tmp_path / "moods"), tmp_path / "m"
    refused(run("train", moods, "--out", out, "--backbone", "minilm"), "--backbone is of models that read")
    refused(run("train", moods, "--out", out, "--preset", "tiny"), "--preset tiny", "leave --preset out")
    refused(run("train", moods, "--out", out, "--hold-out-questions"), "--hold-out-questions", "reads")
    refused(run("train", moods, moods, "--out", out), "is named 2 times")
    twin = tiny.survey(tmp_path / "b" / "moods")
    refused(run("train", moods, twin, "--out", out), "2 data sets are called 'moods'")
    out.write_text("a file")
    refused(run("train", moods, "--out", out), "is a file", "name a folder")


def test_a_model_is_not_mixed_with_other_files(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moods, out = tiny.survey(tmp_path / "moods"), tmp_path / "m"
    out.mkdir()
    monkeypatch.chdir(out)
    for _ in range(2):  # into an empty folder, and over a model
        assert run("train", moods, "--out", ".").code == 0
    assert (out / "bank.safetensors").is_file()
    refused(run("train", moods, "--out", moods), "holds other files (questions.parquet, responses.parquet)")
    assert sorted(path.name for path in moods.iterdir()) == ["questions.parquet", "responses.parquet"]
    refused(run("train", moods, "--out", "/"), "is the root")


def test_a_training_that_was_cut_goes_on(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moods = tiny.survey(tmp_path / "moods")

    def cut(*rest: Any) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "m"))

    with monkeypatch.context() as patched:
        patched.setattr(joint, "save_fitted", cut)
        refused(run("train", moods, "--out", tmp_path / "m"), "No space left")
    refused(run("train", moods, "--out", tmp_path / "m"), "add --resume")
    refused(run("train", moods, "--out", tmp_path / "m", "--split", "eval", "--resume"), "other work")
    assert run("train", moods, "--out", tmp_path / "m", "--resume").code == 0
    assert run("train", moods, "--out", tmp_path / "n").code == 0
    files = [(tmp_path / name / "bank.safetensors").read_bytes() for name in ("m", "n")]
    assert files[0] == files[1]


def interviewed(run: Run, bank: Path, rater: str, answers: str, share: bool = True) -> None:
    """A person answers a bank in the terminal."""
    words = ["--bank", bank, "--rater", rater, "--questions", len(answers) // 2]
    found = run("interview", *words, *(["--share"] if share else []), input=answers)
    assert found.code == 0, found.err


def test_the_store_is_a_data_set(run: Run, tmp_path: Path) -> None:
    moods = tiny.survey(tmp_path / "moods")
    refused(run("train", "store:", "--out", tmp_path / "m"), "no answer to learn from (it is empty)")
    interviewed(run, moods, "ann", "1\n2\n1\n")
    interviewed(run, moods, "bob", "2\n2\n", share=False)
    found = run("train", moods, "store:", "--out", tmp_path / "m", "--json")
    assert found.code == 0, found.err
    assert found.json["sets"]["moods"]["raters"] == 61
    assert found.json["sets"]["moods"]["answers"] == 363
    assert found.json["store"] == {
        "raters": 1,
        "interviews": 1,
        "answers": 3,
        "skips": {"rater who did not agree to it": 1},
    }
    alone = run("train", "store:", "--out", tmp_path / "n")
    assert alone.code == 0, alone.err
    assert "moods: 3 questions in 2 dimensions, fitted to 1 people, 3 answers" in alone.out
    assert "store: 3 answers in 1 interviews of 1 people who agreed to it" in alone.out
    assert "  rater who did not agree to it: 1" in alone.out


def test_retrain_says_what_was_learned(run: Run, tmp_path: Path) -> None:
    refused(run("retrain"), "keeps no bank to fit again", "interview --bank epi")
    moods = tiny.survey(tmp_path / "moods")
    interviewed(run, moods, "ann", "1\n2\n1\n")
    found = run("retrain")
    assert found.code == 0, found.err
    assert "3 answers in 1 interviews of 1 people who agreed to it" in found.out
    assert "moods: fitted to 61 people, 1 of them interviews with 3 answers" in found.out
    again = run("retrain", "--json")
    assert again.json["banks"]["moods"]["raters"] == 61
    assert again.json["model"] in found.out
    told = run("interview", "--bank", moods, "--rater", "ann", "--questions", "1", "--json", input="1\n")
    assert told.code == 0, told.err
    assert told.json["answers"] == 4, "what was said before still counts"
