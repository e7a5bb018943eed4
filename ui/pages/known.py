"""Known beforehand, on My taste: answers to questions that were not asked, and a note in free words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prefs.beforehand import LONGEST_NOTE, Statement, answers_of, note_of
from prefs.errors import NotFoundError, QuestionError
from prefs.log import standing
from prefs.markdown import plain
from prefs.raters import LOCAL_RATER
from ui import views

if TYPE_CHECKING:
    from prefs.questions import Answer, Question
    from training.workspace import Workspace
    from ui.views import Json

OFFERED = 8  # questions that are offered at once

Key = tuple[str, str]


def known(workspace: Workspace, rater: str) -> Json:
    """What is known of a person: `answers` and the `note`, and what is from the file of `--about`.

    file: whether the answer is from the file. counts: false where the file says otherwise. open: whether
    the question's bank is open; otherwise its answer waits.
    """
    told = workspace.store.told(rater)
    of_file = list(workspace.known) if rater == LOCAL_RATER else []
    named = {question.key for question, _ in of_file}
    open_ = {question.key for question in _questions(workspace)}

    def row(question: Question, answer: Answer, file: bool) -> Json:
        return {
            "source": question.source,
            "id": question.question_id,
            "question": views.shown(question),
            "answer": answer,
            "file": file,
            "counts": file or question.key not in named,
            "open": question.key in open_,
        }

    return {
        "answers": [
            *(row(question, answer, True) for question, answer in of_file),
            *(row(question, answer, False) for question, answer in answers_of(told)),
        ],
        "note": note_of(told),
        "file_note": workspace.note if rater == LOCAL_RATER else "",
        "longest": LONGEST_NOTE,
        "banks": bool(open_),
    }


def candidates(workspace: Workspace, rater: str, text: str) -> Json:
    """Questions to which an answer can be told and that hold all words: the first 8, and how many."""
    words = text.casefold().split()
    taken = _put(workspace, rater) | {question.key for question, _ in answers_of(workspace.store.told(rater))}
    taken |= _of_file(workspace, rater)
    found = [
        question
        for question in _questions(workspace)
        if question.key not in taken and _holds(question, words)
    ]
    return {
        "questions": [
            {"source": one.source, "id": one.question_id, "question": views.shown(one)}
            for one in found[:OFFERED]
        ],
        "total": len(found),
    }


def statement_of_answer(
    workspace: Workspace, rater: str, entry_id: str, source: str, question_id: str, answer: Answer
) -> Statement | None:
    """An answer told beforehand, or its taking away (None); nothing where the entry id was told before.

    Raises:
        NotFoundError: no such question is open, or nothing was told of it.
        QuestionError: it was asked in the interview, stands in the file, or has no such answer.
    """
    told, key = workspace.store.told(rater), (source, question_id)
    question = next((one for one, _ in answers_of(told) if one.key == key), None)
    before = next((one for one in told if one.entry_id == entry_id), None)
    if before is not None and before.question is not None and before.question.key == key:
        question = before.question  # sent again: the store tells whether it is the same
    elif answer is not None:
        question = next((one for one in _questions(workspace) if one.key == key), question)
    if question is None:
        raise NotFoundError(f"question {question_id[:140]!r} is not among those that are open or known")
    if answer is not None and before is None and key in _put(workspace, rater):
        raise QuestionError(
            f"question {question_id!r} was asked in the interview: answer it there or in the history"
        )
    if answer is not None and key in _of_file(workspace, rater):
        raise QuestionError(
            f"question {question_id!r} is answered in the file given at the start (--about): change it there"
        )
    return Statement(entry_id, question, answer, None, datetime.now(UTC))


def statement_of_note(workspace: Workspace, rater: str, entry_id: str, text: str) -> Statement | None:
    """A note told beforehand; nothing where it is what stands already.

    Raises:
        QuestionError: over 20,000 characters.
    """
    if text == note_of(workspace.store.told(rater)):
        return None
    return Statement(entry_id, None, None, text, datetime.now(UTC))


def _questions(workspace: Workspace) -> Iterator[Question]:
    """The questions of all open banks, in order."""
    for fitted in workspace.banks.values():
        yield from fitted.bank.questions


def _put(workspace: Workspace, rater: str) -> set[Key]:
    """Questions that an interview put to the person, or that the person chose to answer."""
    asked, entries = workspace.store.log_of_rater(rater)
    done = standing(entries)
    return {one.question.key for token, one in asked.items() if not one.by_person or token in done}


def _of_file(workspace: Workspace, rater: str) -> set[Key]:
    return {question.key for question, _ in workspace.known} if rater == LOCAL_RATER else set()


def _holds(question: Question, words: list[str]) -> bool:
    text = f"{plain(question.markdown)} {question.topic} {question.source}".casefold()
    return all(word in text for word in words)
