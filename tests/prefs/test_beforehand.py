"""What is told beforehand: the last word on each question, and one note."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from prefs.beforehand import LONGEST_NOTE, Statement, answers_of, as_text, note_of, together
from prefs.errors import QuestionError
from prefs.questions import Answer, Option, Question

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
YES_NO = (Option("Yes"), Option("No"))
RAIN, SEA = (Question(name, "choice", f"Do you like {name}?", YES_NO, "bank") for name in ("rain", "sea"))
OTHER = Question("rain", "choice", "Rain today?", YES_NO, "weather")


def said(question: Question, answer: Answer, name: str = "e") -> Statement:
    return Statement(name, question, answer, None, NOON)


def wrote(note: str) -> Statement:
    return Statement("n", None, None, note, NOON)


def test_the_last_word_on_each_question_stands() -> None:
    log = [said(RAIN, 0), said(SEA, 1), said(OTHER, 1), said(RAIN, 1), said(SEA, None)]
    assert answers_of(log) == [(OTHER, 1), (RAIN, 1)], "a question is known by its source and its id"
    assert answers_of([*log, said(SEA, 0)])[-1] == (SEA, 0)
    assert answers_of([wrote("hello")]) == []


def test_a_note_replaces_the_one_before() -> None:
    assert note_of([said(RAIN, 0)]) == ""
    assert note_of([wrote("A nurse."), said(RAIN, 0), wrote("A nurse of 34.")]) == "A nurse of 34."
    assert note_of([wrote("A nurse."), wrote("")]) == ""


def test_where_a_file_says_otherwise_the_file_counts() -> None:
    assert together([(RAIN, 0)], [said(RAIN, 1), said(SEA, 1)]) == [(RAIN, 0), (SEA, 1)]


def test_as_one_text() -> None:
    found = as_text([(RAIN, 1), (SEA, None)], " A nurse.\n", "", "Of 34.")
    assert found == "A nurse.\nOf 34.\nDo you like rain? No"


def test_times_are_kept_in_utc() -> None:
    there = datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=2)))
    assert Statement("e", RAIN, 0, None, there) == said(RAIN, 0)


@pytest.mark.parametrize(
    ("question", "answer", "note", "line"),
    [
        (RAIN, 0, "a note", "either a question or a note"),
        (None, None, None, "either a question or a note"),
        (None, 1, "a note", "only a question has one"),
        (RAIN, 2, None, "allowed are 0 to 1"),
        (None, None, "x" * (LONGEST_NOTE + 1), "20,001 characters: allowed are 20,000"),
    ],
)
def test_what_is_no_statement(question: Question | None, answer: Answer, note: str | None, line: str) -> None:
    with pytest.raises(QuestionError, match=line):
        Statement("e", question, answer, note, NOON)
    with pytest.raises(QuestionError, match="entry id"):
        Statement("e e", RAIN, 0, None, NOON)
    with pytest.raises(QuestionError, match="time zone"):
        Statement("e", RAIN, 0, None, NOON.replace(tzinfo=None))
