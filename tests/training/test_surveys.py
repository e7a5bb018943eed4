from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from prefs.errors import DataError
from training.banks import bank_of
from training.surveys import read_survey

QUESTIONS: dict[str, list[Any]] = {
    "question_id": ["a", "b", "c"],
    "domain": ["values", "values", "background"],
    "text": ["Is a good?", "Is b good?", "How old?"],
    "options": [["No", "Maybe", "Yes"], ["No", "Maybe", "Yes"], ["Young", "Old"]],
}
RESPONSES: dict[str, list[Any]] = {
    "rater_id": ["ann", "ann", "bob", "bob", "cem"],
    "question_id": ["b", "a", "a", "c", "a"],
    "answer": [2, 0, 1, 1, 1],
}


def write(folder: Path, questions: Any = None, responses: Any = None) -> Path:
    folder.mkdir(exist_ok=True)
    for name, table, extra in (("questions", QUESTIONS, questions), ("responses", RESPONSES, responses)):
        columns = {column: value for column, value in (table | (extra or {})).items() if value is not None}
        parquet.write_table(pa.table(columns), folder / f"{name}.parquet")
    return folder


def refused(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_survey(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_reads_answers_by_rater_and_question(tmp_path: Path) -> None:
    survey = read_survey(write(tmp_path / "mine"))
    assert survey.name == "mine"
    assert survey.raters == ("ann", "bob", "cem")
    assert survey.table().tolist() == [[0, 2, -1], [1, -1, 1], [1, -1, -1]]
    assert [question.kind for question in survey.questions] == ["rating", "rating", "choice"]
    assert survey.skips == {
        "rater with one answer (kept)": 1,
        "question that everybody answers the same (kept)": 2,
    }


def test_repeats_have_occasions_and_the_first_counts(tmp_path: Path) -> None:
    again = {"rater_id": ["ann"] * 3, "question_id": ["a", "a", "b"], "answer": [2, 1, 0]}
    survey = read_survey(write(tmp_path / "x", responses=again | {"occasion": [1, 0, 0]}))
    assert survey.table().tolist() == [[1, 0]]
    assert survey.occasions.tolist() == [0, 1, 0]
    assert "row 1: rater 'ann' answers question 'a' a second time" in refused(
        write(tmp_path / "y", responses=again | {"occasion": [0, 0, 0]})
    )


def test_some_raters_and_domains(tmp_path: Path) -> None:
    survey = read_survey(write(tmp_path / "x"))
    some = survey.of_raters(np.array([False, True, True]))
    assert some.raters == ("bob", "cem")
    assert some.table().tolist() == [[1, -1, 1], [1, -1, -1]]
    less = survey.without_domain("background")
    assert less.table().tolist() == [[0, 2], [1, -1], [1, -1]]
    assert less.skips["question of the domain 'background'"] == 1


def test_raters_whose_answers_all_go_with_a_domain_are_counted(tmp_path: Path) -> None:
    said = {"rater_id": ["ann", "bob", "bob"], "question_id": ["c", "a", "c"], "answer": [0, 1, 1]}
    less = read_survey(write(tmp_path / "x", responses=said)).without_domain("background")
    assert less.raters == ("bob",)
    assert less.skips["rater without an answer to any question that is left"] == 1


def test_what_nobody_answered_is_left_out_and_counted(tmp_path: Path) -> None:
    only_a = {"rater_id": ["ann", "bob"], "question_id": ["a", "a"], "answer": [0, 2]}
    survey = read_survey(write(tmp_path / "x", responses=only_a))
    assert [question.question_id for question in survey.questions] == ["a"]
    assert survey.skips["question that nobody answered"] == 2


@pytest.mark.parametrize(
    ("responses", "said"),
    [
        ({"answer": [2, 0, 3, 1, 1]}, "row 2: answer 3 to question 'a': allowed are 0 to 2"),
        ({"answer": [2, 0, -1, 1, 1]}, "row 2: answer -1"),
        ({"answer": [2.0, 0.0, float("nan"), 1.0, 1.0]}, "row 2: answer is missing or NaN"),
        ({"answer": [2, None, 1, 1, 1]}, "row 1: answer is missing"),
        ({"answer": [2.0, 0.5, 1.0, 1.0, 1.0]}, "row 1: answer 0.5 is no whole number"),
        ({"answer": ["2", "0", "1", "1", "1"]}, "answer holds string values"),
        ({"question_id": ["b", "a", "a", "d", "a"]}, "row 3: question 'd' is not in questions.parquet"),
        ({"rater_id": ["ann", "ann", None, "bob", "cem"]}, "row 2: rater_id is missing"),
        ({"question_id": ["b", "a", "a", "a", "a"]}, "row 3: rater 'bob' answers question 'a' a second time"),
        ({"answer": None}, "lacks the column 'answer'"),
        ({"answer": [2.0, 1e300, 1.0, 1.0, 1.0]}, "row 1: answer 1e+300 is no whole number"),
        ({"rater_id": [1.0, 1.0, float("nan"), 2.0, 3.0]}, "row 2: rater_id is missing"),
        (
            {"rater_id": [["ann"]] * 5},
            "rater_id holds list<element: string> values: expected texts or numbers",
        ),
        ({"occasion": [0, 0, 2**32, 0, 0]}, "row 2: occasion 4294967296: allowed are 0 to 2147483647"),
        ({"occasion": [0, -1, 0, 0, 0]}, "row 1: occasion -1: allowed are 0 to 2147483647"),
        ({name: [] for name in RESPONSES}, "holds no response"),
    ],
)
def test_damaged_responses_are_named(tmp_path: Path, responses: Any, said: str) -> None:
    if responses.get("answer") == []:
        responses = {name: pa.array([], "string" if name != "answer" else "int16") for name in RESPONSES}
    message = refused(write(tmp_path / "x", responses=responses))
    assert said in message
    assert "responses.parquet" in message


@pytest.mark.parametrize(
    ("questions", "said"),
    [
        ({"options": [["No", "Yes"], ["No"], ["Y", "O"]]}, "row 1: question 'b' has 1 options"),
        ({"options": [["No", "Yes"], None, ["Y", "O"]]}, "row 1: question 'b' lacks"),
        ({"options": [["No", None], ["N", "Y"], ["Y", "O"]]}, "row 0: question 'a' lacks"),
        ({"question_id": ["a", "b", "a"]}, "row 2: question 'a' stands at row 0 already"),
        ({"text": ["Is a good?", None, "How old?"]}, "row 1: question 'b' lacks"),
        ({"domain": None}, "lacks the column 'domain'"),
        ({"options": ["No", "Yes", "Perhaps"]}, "options holds string values: expected lists of texts"),
        ({"text": [["Is"], ["a"], ["good"]]}, "text holds list<element: string> values: expected texts"),
    ],
)
def test_damaged_questions_are_named(tmp_path: Path, questions: Any, said: str) -> None:
    message = refused(write(tmp_path / "x", questions=questions))
    assert said in message
    assert "questions.parquet" in message


def test_ids_and_labels_may_be_numbers(tmp_path: Path) -> None:
    labels = [[1, 2, 3], [1, 2, 3], [1, 2]]
    numbers = {"question_id": [1, 2, 3], "domain": [5, 5, 6], "text": [10, 11, 12], "options": labels}
    folder = write(tmp_path / "x", numbers, {"rater_id": [7, 7, 8, 8, 9], "question_id": [2, 1, 1, 3, 1]})
    survey = read_survey(folder)
    assert survey.raters == ("7", "8", "9")
    first = survey.questions[0]
    assert (first.question_id, first.domain, first.markdown) == ("1", "5", "10")
    assert [option.markdown for option in first.options] == ["1", "2", "3"]


def test_another_folder_says_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text("a,b")
    assert "expected questions.parquet and responses.parquet, found answers.csv" in refused(tmp_path)
    assert "found nothing" in refused(tmp_path / "absent")
    folder = write(tmp_path / "x")
    (folder / "responses.parquet").write_bytes(b"PAR1 but not really")
    assert "cannot be read as parquet" in refused(folder)


def test_bank_of_a_folder_leaves_the_background_out(tmp_path: Path) -> None:
    bank, survey = bank_of(str(write(tmp_path / "mine")))
    assert (bank.name, list(bank.rows)) == ("mine", ["a", "b"])
    assert bank.questions == survey.questions
    with pytest.raises(DataError, match="'nothing' is neither bfi nor epi nor a folder"):
        bank_of("nothing")
