"""What a person tells beforehand: answers to questions that were not asked, and a note in free words.

It is a log of its own that only grows: telling again replaces, taking away is a statement too. Answers
inform the belief like any others. A note does not; it is there for an interviewer that reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from prefs.errors import QuestionError
from prefs.log import check_id
from prefs.markdown import plain
from prefs.questions import Answer, Question

LONGEST_NOTE = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing told beforehand: an answer to a question, or a note.

    entry_id: made by the client, names the statement among the rater's: sent twice, it counts once.
    question, answer: the question with the index of the option, None to take the answer away. note:
    where there is no question, the whole note, which replaces the one before; "" takes it away. at:
    when, in UTC.

    Raises:
        QuestionError: fields that do not fit each other, or a note of over 20,000 characters.
    """

    entry_id: str
    question: Question | None
    answer: Answer
    note: str | None
    at: datetime

    def __post_init__(self) -> None:
        check_id("entry id", self.entry_id)
        if (self.question is None) == (self.note is None):
            raise QuestionError("told beforehand: name either a question or a note")
        if self.question is not None:
            self.question.check_answer(self.answer)
        elif self.answer is not None:
            raise QuestionError(f"a note with answer {self.answer}: only a question has one")
        check_note(self.note or "")
        if self.at.tzinfo is None:
            raise QuestionError(f"time {self.at.isoformat()} has no time zone: give it in UTC")
        object.__setattr__(self, "at", self.at.astimezone(UTC))


def check_note(note: str) -> str:
    """The note itself; raises QuestionError where it is longer than 20,000 characters."""
    if len(note) > LONGEST_NOTE:
        raise QuestionError(
            f"the note has {len(note):,} characters: allowed are {LONGEST_NOTE:,}, shorten it"
        )
    return note


def answers_of(statements: Iterable[Statement]) -> list[tuple[Question, int]]:
    """The answers that stand, one for each question, the one told first first.

    statements: in the order of telling.
    """
    found: dict[tuple[str, str], tuple[Question, int]] = {}
    for one in statements:
        if one.question is not None:
            found.pop(one.question.key, None)
            if one.answer is not None:
                found[one.question.key] = one.question, one.answer
    return list(found.values())


def together(
    given: Iterable[tuple[Question, Answer]], statements: Iterable[Statement]
) -> list[tuple[Question, Answer]]:
    """What the belief starts from: the answers of a file, then those that the person told.

    Where both name a question, the file's answer counts. statements: in the order of telling.
    """
    first = list(given)
    named = {question.key for question, _ in first}
    return [*first, *(one for one in answers_of(statements) if one[0].key not in named)]


def note_of(statements: Iterable[Statement]) -> str:
    """The note that stands, "" where there is none. statements: in the order of telling."""
    notes = [one.note for one in statements if one.note is not None]
    return notes[-1] if notes else ""


def as_text(answers: Iterable[tuple[Question, Answer]], *notes: str) -> str:
    """All that is known as one text, as an interviewer reads it: the notes, then a line for each answer."""
    lines = [
        f"{plain(question.markdown)} {plain(question.options[answer].markdown)}"
        for question, answer in answers
        if answer is not None
    ]
    return "\n".join([*(note.strip() for note in notes if note.strip()), *lines])
