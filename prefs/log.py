"""The answer log: what was asked, what the person did, and which answers stand.

The log only grows. Taking back or changing an answer is a new entry, so the log is the whole
truth, and the belief is a pure function of the answers that stand.

    answer   answers a question that was asked; an answer to an answered question replaces it
    undo     takes an answer back (without a token: the one given last)
    edit     changes an answer that stands
    flag     reports a picture or a question: not to be shown again
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from prefs.errors import QuestionError
from prefs.questions import Answer, Question

Action = Literal["answer", "undo", "edit", "flag"]
PERSON, PERSON_SEEN = "person", "person, prediction seen"
ACTIONS: tuple[Action, ...] = get_args(Action)
_ID = re.compile(r"[A-Za-z0-9._~:-]{1,128}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was put to a person, its options in the order in which they were shown.

    token: names this asking; random, so that it cannot be guessed. planner: who chose it; "person"
    where the one who answers did, "person, prediction seen" if with the prediction in sight.
    gain_bits: information expected of it. repeat_of: token of the asking that it repeats on
    purpose. number: place in its interview.

    Raises:
        QuestionError: a token that is not 1 to 128 letters, digits or ._~:-
    """

    token: str
    question: Question
    planner: str
    gain_bits: float | None
    repeat_of: str | None
    number: int

    def __post_init__(self) -> None:
        check_id("token", self.token)

    @property
    def by_person(self) -> bool:
        """Whether the one who answers chose the question, not a planner."""
        return self.planner in (PERSON, PERSON_SEEN)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a person did.

    entry_id: made by the client, names the entry in its interview: sent twice, it counts once.
    token: the question that it is about. item: the picture that a flag is about.
    response_ms: time from shown to answered. at: when, in UTC.

    Raises:
        QuestionError: fields that do not fit the action or each other.
    """

    entry_id: str
    token: str | None
    action: Action
    answer: Answer
    item: str | None
    response_ms: int | None
    at: datetime

    def __post_init__(self) -> None:
        check_id("entry id", self.entry_id)
        if self.action not in ACTIONS:
            raise QuestionError(f"action {self.action!r}: allowed are {', '.join(ACTIONS)}")
        if self.action in ("answer", "edit") and self.token is None:
            raise QuestionError(f"{self.action} without a token: name the question that it is about")
        if self.action in ("undo", "flag") and self.answer is not None:
            raise QuestionError(f"{self.action} with answer {self.answer}: only answer and edit have one")
        if self.action == "flag" and self.token is None and self.item is None:
            raise QuestionError("flag of nothing: name a picture or a question")
        if self.response_ms is not None and self.response_ms < 0:
            raise QuestionError(f"response time {self.response_ms} ms: it cannot be negative")
        if self.at.tzinfo is None:
            raise QuestionError(f"time {self.at.isoformat()} has no time zone: give it in UTC")
        object.__setattr__(self, "at", self.at.astimezone(UTC))


def standing(entries: Iterable[Entry]) -> dict[str, Answer]:
    """The answers that stand, by token, the one given first first.

    Raises:
        QuestionError: an entry takes back or changes an answer that does not stand.
    """
    answers: dict[str, Answer] = {}
    for entry in entries:
        advance(answers, entry)
    return answers


def advance(answers: dict[str, Answer], entry: Entry) -> None:
    """Applies one more entry to the answers that stand, in place; raises as `standing` does."""
    if entry.action == "flag":
        return
    if entry.action == "undo" and entry.token is None:
        if not answers:
            raise QuestionError("undo: there is no answer to take back")
        answers.popitem()
        return
    token = str(entry.token)
    if entry.action != "answer" and token not in answers:
        raise QuestionError(f"{entry.action} of question {token}: it has no answer that stands")
    if entry.action == "undo":
        del answers[token]
    else:
        answers[token] = entry.answer


def check(entry: Entry, asked: Asked | None) -> None:
    """Checks an entry against the question that it names (None where there is no such question).

    Raises:
        QuestionError: the question was never asked, or the answer is not one of its options.
    """
    if entry.token is None:
        return
    if asked is None:
        raise QuestionError(f"{entry.action} of question {entry.token}: it was not asked in this interview")
    asked.question.check_answer(entry.answer)


def effective(asked: Mapping[str, Asked], entries: Sequence[Entry]) -> list[tuple[Asked, Answer]]:
    """The answers that stand with their questions, in the order of asking; None is a skip.

    asked: by token, in the order of asking. entries: in the order of the log.

    Raises:
        QuestionError: an entry names a question that was not asked, answers what is not one of
            its options, or takes back or changes an answer that does not stand.
    """
    for entry in entries:
        check(entry, asked.get(entry.token) if entry.token else None)
    answers = standing(entries)
    return [(question, answers[token]) for token, question in asked.items() if token in answers]


def flagged(entries: Iterable[Entry]) -> frozenset[str]:
    """Item ids of the pictures that the person reported."""
    return frozenset(entry.item for entry in entries if entry.action == "flag" and entry.item)


def foretellable(asked: Mapping[str, Asked], entries: Sequence[Entry]) -> frozenset[str]:
    """Tokens of the questions that the person chose, answered without having seen their prediction.

    The prediction is shown after the answer: one that was edited, or given again after it was taken
    back, is no test of it any more.
    """
    answered: set[tuple[str, str]] = set()
    found: set[str] = set()
    for entry in entries:
        one = asked.get(entry.token) if entry.token else None
        if one is None or not one.by_person:
            continue
        if entry.action == "answer" and one.planner == PERSON and one.question.key not in answered:
            found.add(one.token)
        elif entry.action in ("answer", "edit"):
            found.discard(one.token)
        answered.add(one.question.key)
    return frozenset(found)


def check_id(what: str, value: str) -> None:
    """Raises QuestionError unless an id is 1 to 128 letters, digits or ._~:-"""
    if not _ID.fullmatch(value):
        raise QuestionError(f"{what} {value[:140]!r}: allowed are 1 to 128 letters, digits or ._~:-")
