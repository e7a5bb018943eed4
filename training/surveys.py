"""Survey folders: what many people answered to the same questions, as arrays.

A folder holds `questions.parquet` (question_id, domain, text, options) and `responses.parquet`
(rater_id, question_id, answer, optional occasion). An answer is an index into the options, a
missing answer an absent row. (rater, question, occasion) is the key: repeats of a question have
different occasions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import DataError, QuestionError
from prefs.questions import Kind, Option, Question
from training.columns import encode, integers, read_table, refuse, texts

QUESTIONS, RESPONSES = "questions.parquet", "responses.parquet"
QUESTION_COLUMNS = ("question_id", "domain", "text", "options")
RESPONSE_COLUMNS = ("rater_id", "question_id", "answer")
MISSING = -1
LATEST = 2**31 - 1  # occasion
UNHEARD = "rater without an answer to any question that is left"

Skips = Counter[str]


@dataclass(frozen=True)
class Survey:
    """Answers of R raters to Q questions, ordered by rater, question and occasion.

    starts: (R + 1,) where each rater's responses begin. columns: (N,) question of each response.
    answers: (N,) index of the option. occasions: (N,) 0 for the first time. skips: what was left
    out or is of little use, counted by reason.
    """

    name: str
    questions: tuple[Question, ...]
    raters: tuple[str, ...]
    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    answers: NDArray[np.int16]
    occasions: NDArray[np.int32]
    skips: Skips = field(default_factory=Counter)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(Q,) number of options of each question."""
        return np.array([len(question.options) for question in self.questions])

    @property
    def rows(self) -> NDArray[np.int64]:
        """(N,) rater of each response."""
        return np.repeat(np.arange(len(self.raters)), np.diff(self.starts))

    @property
    def first_times(self) -> NDArray[np.bool_]:
        """(N,) whether each response is the rater's first to its question."""
        first = np.ones(len(self.answers), dtype=bool)
        first[1:] = (np.diff(self.rows) != 0) | (np.diff(self.columns) != 0)
        return first

    def table(self) -> NDArray[np.int16]:
        """(R, Q) first answer of each rater to each question, -1 where there is none."""
        table = np.full((len(self.raters), len(self.questions)), MISSING, dtype=np.int16)
        first = self.first_times
        table[self.rows[first], self.columns[first]] = self.answers[first]
        return table

    def of_raters(self, chosen: NDArray[np.bool_]) -> Survey:
        """The responses of some raters; chosen: (R,)."""
        kept = np.repeat(chosen, np.diff(self.starts))
        lengths = np.diff(self.starts)[chosen]
        return replace(
            self,
            raters=tuple(rater for rater, keep in zip(self.raters, chosen, strict=True) if keep),
            starts=np.concatenate([[0], np.cumsum(lengths)]),
            columns=self.columns[kept],
            answers=self.answers[kept],
            occasions=self.occasions[kept],
        )

    def without_domain(self, domain: str) -> Survey:
        """The survey without the questions of a domain, counted in its skips."""
        keep = np.array([question.domain != domain for question in self.questions], dtype=bool)
        return _with_questions(self, keep, f"question of the domain {domain!r}")


def read_survey(folder: Path, name: str | None = None) -> Survey:
    """Reads and checks a survey folder; its name is the folder's unless given.

    Raises:
        DataError: a file or column that is missing, an id twice, fewer than two options, a value
            that is missing or NaN, an unknown question or option, the same response twice. Names
            the file, the row (from 0) and the value.
    """
    name = name or folder.resolve().name
    for file in (QUESTIONS, RESPONSES):
        if not (folder / file).is_file():
            found = sorted(path.name for path in folder.iterdir())[:5] if folder.is_dir() else []
            raise DataError(
                f"{folder} is no survey folder: expected {QUESTIONS} and {RESPONSES}, "
                f"found {', '.join(found) or 'nothing'}"
            )
    questions = _questions(folder / QUESTIONS, name)
    path = folder / RESPONSES
    table = read_table(path, RESPONSE_COLUMNS)
    raters, rows = encode(path, table, "rater_id")
    asked, codes = encode(path, table, "question_id")
    answers = integers(path, table, "answer")
    occasions = integers(path, table, "occasion") if "occasion" in table.column_names else None
    if occasions is not None:
        refuse(
            path,
            (occasions < 0) | (occasions > LATEST),
            lambda row: f"occasion {occasions[row]}: allowed are 0 to {LATEST}, number repeats from 0",
        )
    known = {question.question_id: column for column, question in enumerate(questions)}
    columns = np.array([known.get(question, MISSING) for question in asked], dtype=np.int32)[codes]
    refuse(path, columns < 0, lambda row: f"question {asked[codes[row]]!r} is not in {QUESTIONS}")
    return assemble(name, questions, raters, rows, columns, answers, occasions, str(path))


def read_questions(folder: Path, name: str | None = None) -> tuple[Question, ...]:
    """The questions of a folder that need have no responses; raises DataError as `read_survey`."""
    return tuple(_questions(folder / QUESTIONS, name or folder.resolve().name))


def assemble(
    name: str,
    questions: Sequence[Question],
    raters: Sequence[str],
    rows: NDArray[Any],
    columns: NDArray[Any],
    answers: NDArray[Any],
    occasions: NDArray[Any] | None = None,
    origin: str = "responses",
) -> Survey:
    """A survey from N responses in any order; rows and columns: (N,) rater and question of each.

    Raises:
        DataError: no response, an answer that is no option, the same response twice.
    """
    if not len(answers):
        raise DataError(f"{origin} holds no response: at least one is needed")
    counts = np.array([len(question.options) for question in questions])
    rows, columns = np.asarray(rows, dtype=np.intp), np.asarray(columns, dtype=np.intp)
    refuse(
        origin,
        (answers < 0) | (answers >= counts[columns]),
        lambda row: (
            f"answer {answers[row]} to question {questions[columns[row]].question_id!r}: "
            f"allowed are 0 to {counts[columns[row]] - 1}"
        ),
    )
    times = np.zeros(len(answers), dtype=np.int32) if occasions is None else occasions
    order = np.lexsort((times, columns, rows))
    keys = np.stack([rows, columns, times])[:, order]
    again = np.zeros(len(order), dtype=bool)
    again[order[1:]] = (np.diff(keys, axis=1) == 0).all(0)
    refuse(
        origin,
        again,
        lambda row: (
            f"rater {raters[rows[row]]!r} answers question {questions[columns[row]].question_id!r} a second "
            f"time on occasion {times[row]}: number repeats in a column 'occasion'"
        ),
    )
    lengths = np.bincount(rows, minlength=len(raters))
    survey = Survey(
        name,
        tuple(questions),
        tuple(raters),
        np.concatenate([[0], np.cumsum(lengths)]),
        columns[order].astype(np.int32),
        answers[order].astype(np.int16),
        times[order].astype(np.int32),
    )
    return _counted(survey)


def _counted(survey: Survey) -> Survey:
    """Leaves out questions that nobody answered, and counts what is of little use."""
    answered = np.bincount(survey.columns, minlength=len(survey.questions)) > 0
    survey = _with_questions(survey, answered, "question that nobody answered")
    least, most = np.full(len(survey.questions), np.iinfo(np.int16).max), np.zeros(len(survey.questions))
    np.minimum.at(least, survey.columns, survey.answers)
    np.maximum.at(most, survey.columns, survey.answers)
    skips = survey.skips + Counter(  # adding counters drops zeros
        {
            "question that everybody answers the same (kept)": int((least == most).sum()),
            "rater with one answer (kept)": int((np.diff(survey.starts) == 1).sum()),
        }
    )
    return replace(survey, skips=skips)


def _with_questions(survey: Survey, keep: NDArray[np.bool_], reason: str) -> Survey:
    if keep.all():
        return survey
    if not keep.any():
        raise DataError(f"survey {survey.name!r} has no question left: every one is a {reason}")
    kept = keep[survey.columns]
    lengths = np.bincount(survey.rows[kept], minlength=len(survey.raters))
    moved = np.cumsum(keep) - 1
    left = replace(
        survey,
        questions=tuple(q for q, keeps in zip(survey.questions, keep, strict=True) if keeps),
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        columns=moved[survey.columns[kept]].astype(np.int32),
        answers=survey.answers[kept],
        occasions=survey.occasions[kept],
        skips=survey.skips + Counter({reason: int((~keep).sum()), UNHEARD: int((lengths == 0).sum())}),
    )
    return left.of_raters(lengths > 0)


def numbered(survey: Survey) -> Survey:
    """The survey with occasions 0, 1, ... of every rater and question, in their order."""
    place = np.arange(len(survey.answers))
    first = np.maximum.accumulate(np.where(survey.first_times, place, 0))
    return replace(survey, occasions=(place - first).astype(np.int32))


def make_questions(
    name: str,
    ids: Sequence[str],
    domains: Sequence[str],
    texts: Sequence[str],
    options: Sequence[Sequence[str]],
) -> list[Question]:
    """Questions of a bank; three or more labels that several questions share are a rating scale.

    Raises:
        QuestionError: fewer than two options, or no id.
    """
    shared = Counter(tuple(labels) for labels in options)
    found = []
    for question, domain, text, labels in zip(ids, domains, texts, options, strict=True):
        kind: Kind = "rating" if len(labels) > 2 and shared[tuple(labels)] > 1 else "choice"
        shown = tuple(Option(label) for label in labels)
        found.append(Question(question, kind, text, shown, name, domain))
    return found


def _questions(path: Path, name: str) -> list[Question]:
    table = read_table(path, QUESTION_COLUMNS)
    ids, domains, texts_ = (texts(path, table, column).to_pylist() for column in QUESTION_COLUMNS[:3])
    options = texts(path, table, QUESTION_COLUMNS[3], listed=True).to_pylist()
    seen: dict[str, int] = {}
    for row, (question, text, labels) in enumerate(zip(ids, texts_, options, strict=True)):
        where = f"{path}, row {row}: question {question!r}"
        if not question or not text or labels is None or None in labels:
            raise DataError(f"{where} lacks an id, a text or an option: fill it in")
        if len(labels) < 2:
            raise DataError(f"{where} has {len(labels)} options: at least two are needed")
        first = seen.setdefault(question, row)
        if first != row:
            raise DataError(f"{where} stands at row {first} already: ids are unique, rename one")
    try:
        return make_questions(name, ids, [domain or "" for domain in domains], texts_, options)
    except QuestionError as problem:
        raise DataError(f"{path}: {problem}") from problem
