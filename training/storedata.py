"""The live database as a data set: what consenting people answered in interviews, by bank.

Each interview is a rater of its own, with the interview's id. Whatever cannot be learned from is counted
by reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from prefs.bank import ItemBank
from prefs.errors import DataError
from prefs.log import PERSON_SEEN, Asked, effective
from prefs.questions import Answer
from prefs.store import Store
from training.surveys import Skips, Survey, assemble

STORE = "store:"
Said = tuple[str, str, int, int]  # interview, question, answer, occasion


@dataclass
class StoreData:
    """Usable answers in a database, by the name of the bank, and what was left out by reason.

    raters: consenting people. interviews: theirs that hold a usable answer.
    """

    said: dict[str, list[Said]] = field(default_factory=dict)
    raters: int = 0
    interviews: int = 0
    skips: Skips = field(default_factory=Counter)

    @property
    def answers(self) -> int:
        """Number of usable answers."""
        return sum(len(each) for each in self.said.values())


def read_store(store: Store, banks: Mapping[str, ItemBank]) -> StoreData:
    """The standing answers of all consenting people to questions of known banks (by name).

    Raises:
        QuestionError: a log that contradicts itself. StoreError: the database fails.
    """
    found = StoreData()
    for person in store.raters():
        if not person["consent"]:
            found.skips["rater who did not agree to it"] += 1
            continue
        found.raters += 1
        for facts in store.interviews(person["rater_id"]):
            name = facts["interview_id"]
            before = found.answers
            _add(found, name, effective(*store.log(person["rater_id"], name)), banks)
            useful = found.answers > before
            found.interviews += useful
            found.skips["interview without a usable answer"] += not useful
    found.skips = +found.skips
    return found


def extended(bank: ItemBank, survey: Survey | None, said: Sequence[Said]) -> Survey:
    """The survey with the answers of interviews to its bank; without a survey theirs alone.

    Raises:
        DataError: there is no answer.
    """
    if survey is not None and not said:
        return survey
    questions = bank.questions if survey is None else survey.questions
    places = {question.question_id: place for place, question in enumerate(questions)}
    names = list(dict.fromkeys(interview for interview, _, _, _ in said))
    there: tuple[str, ...] = () if survey is None else survey.raters
    taken = set(there).intersection(names)
    if taken:
        raise DataError(
            f"survey {bank.name!r} has a rater {min(taken)!r}, as an interview is called: rename it"
        )
    raters = {name: len(there) + number for number, name in enumerate(names)}
    rows = np.array([raters[interview] for interview, _, _, _ in said], dtype=np.intp)
    columns = np.array([places[question] for _, question, _, _ in said], dtype=np.intp)
    answers = np.array([answer for _, _, answer, _ in said], dtype=np.int64)
    occasions = np.array([occasion for _, _, _, occasion in said], dtype=np.int32)
    if survey is not None:
        rows, columns = np.concatenate([survey.rows, rows]), np.concatenate([survey.columns, columns])
        answers = np.concatenate([survey.answers, answers])
        occasions = np.concatenate([survey.occasions, occasions])
    origin = f"{STORE} {bank.name}"
    made = assemble(bank.name, questions, [*there, *names], rows, columns, answers, occasions, origin)
    earlier = Counter(survey.skips) if survey is not None else Counter[str]()
    for reason in [reason for reason in earlier if reason.endswith("(kept)")]:
        del earlier[reason]  # counted again with the new answers
    return replace(made, skips=earlier + made.skips)


def _add(
    found: StoreData, interview: str, answers: Sequence[tuple[Asked, Answer]], banks: Mapping[str, ItemBank]
) -> None:
    """Adds the usable answers of one interview."""
    seen = Counter[tuple[str, str]]()
    for asked, answer in answers:
        question = asked.question
        reason = _useless(asked, answer, banks)
        if reason or answer is None:
            found.skips[reason] += 1
            continue
        key = question.source, question.question_id
        found.said.setdefault(question.source, []).append((interview, key[1], answer, seen[key]))
        seen[key] += 1


def _useless(asked: Asked, answer: Answer, banks: Mapping[str, ItemBank]) -> str:
    """Why an answer cannot be learned from, empty where it can."""
    question = asked.question
    if answer is None:
        return "question that was skipped"
    if asked.planner == PERSON_SEEN:
        return "answer that was given with its prediction in sight"
    bank = banks.get(question.source)
    if bank is None and question.items:
        return "answer about pictures (their model is not trained on answers yet)"
    if bank is None:
        return f"answer to bank {question.source!r}, which is neither given nor kept"
    if question.question_id not in bank:
        return f"answer to a question that bank {bank.name!r} does not have"
    known = bank[question.question_id]
    if (known.markdown, known.options) != (question.markdown, question.options):
        return f"answer to a question that bank {bank.name!r} words otherwise now"
    return ""
