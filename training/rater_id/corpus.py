"""The corpus of a training: who and what may be learned from, and who and what judges.

Raters in the test folds and held out questions are taken out here, so that nothing after it can meet
them. What is held out is known by what it shows or says: another question that says the same goes too,
in whichever data set it stands. Data sets that share raters become one part, so that a step can take
questions of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prefs.errors import ConfigError, DataError
from prefs.questions import Question
from training.rater_id.data import DataSet, Vectors, check_names
from training.rater_id.wording import stripped
from training.selection import Split
from training.splits import fold, raters_in
from training.surveys import MISSING, Skips

JUDGING = 10  # a tenth of what is shown or said judges
TARGET = "target question (held out)"
MIXED = "pair of a target and another picture (left out)"
SAME = "question that says or shows what a held out one does (left out)"
TESTED = "test rater (held out)"
SILENT = "rater with fewer than two answers that are left (left out)"
WIDE = 2048  # questions of a part up to which what all pairs have in common is kept
PSEUDO = 0.5  # answers added to each option
APART = "question of a set that is held out"


@dataclass(frozen=True)
class Part:
    """A data set, or several that share raters: R raters who learn or judge, Q questions likewise.

    answers: (R, Q), -1 for none. plain: the questions without their lead-ins. domains: (Q,) by each
    question. judges: (R,) raters who judge; the others are learned from. judged: (Q,) questions that are
    judged; the others are learned from. pictures: vectors by item id.
    """

    name: str
    questions: tuple[Question, ...]
    plain: tuple[Question, ...]
    raters: tuple[str, ...]
    answers: NDArray[np.int16]
    judges: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    pictures: Vectors

    @cached_property
    def learned(self) -> NDArray[np.intp]:
        """Columns of the questions that are learned from."""
        return np.flatnonzero(~self.judged)

    @cached_property
    def learners(self) -> NDArray[np.intp]:
        """Rows of the raters who are learned from."""
        return np.flatnonzero(~self.judges)

    @cached_property
    def given(self) -> NDArray[np.bool_]:
        """(R, Q) whether there is an answer."""
        return np.asarray(self.answers != MISSING)

    @cached_property
    def shares(self) -> NDArray[np.float32]:
        """(Q, K) shares of the options among raters who are learned from, 0 where there is no option."""
        counts = np.array([len(question.options) for question in self.questions])
        options = np.arange(counts.max())
        said = self.answers[self.learners]
        found = np.stack([(said == option).sum(0) for option in options], axis=1) + PSEUDO
        found *= options < counts[:, None]
        return np.asarray(found / found.sum(1, keepdims=True), dtype=np.float32)

    def together(self, one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.float32]:
        """(N, M) how many raters who are learned from answered both, of N and M questions by column."""
        if len(self.questions) <= WIDE:
            return self._together[np.ix_(one, other)]
        heard = (self.learners[self.given[self.learners, column]] for column in one)
        return np.array([self.given[np.ix_(rows, other)].sum(0) for rows in heard], np.float32)

    def correlations(self, columns: NDArray[np.intp]) -> NDArray[np.float32]:
        """(N, N) correlations of answers among raters who are learned from, NaN where undefined."""
        if len(self.questions) <= WIDE:
            return self._correlations[np.ix_(columns, columns)]
        return correlations(self.answers[np.ix_(self.learners, columns)])[0]

    @cached_property
    def _together(self) -> NDArray[np.float32]:
        given = self.given[self.learners].astype(np.float32)
        return given.T @ given

    @cached_property
    def _correlations(self) -> NDArray[np.float32]:
        return correlations(self.answers[self.learners])[0]


@dataclass(frozen=True)
class Corpus:
    """The parts of a corpus; split and what is held out as asked for; skips by data set and reason."""

    parts: tuple[Part, ...]
    names: tuple[str, ...]
    split: Split
    targets_held_out: bool
    sets_held_out: tuple[str, ...]
    skips: dict[str, Skips]

    @property
    def raters(self) -> int:
        """How many raters are learned from."""
        return sum(len(part.learners) for part in self.parts)

    @property
    def questions(self) -> int:
        """How many questions are learned from."""
        return sum(len(part.learned) for part in self.parts)


def corpus_of(
    sets: Sequence[DataSet],
    split: Split = "eval",
    hold_out_questions: bool = False,
    hold_out_sets: Collection[str] = (),
) -> Corpus:
    """What may be learned from, out of some data sets.

    split: "eval" leaves test raters out; validation raters judge under both.

    Raises:
        ConfigError: two sets with one name, or a set to hold out that is none of them. DataError: a set
            without a question or without two raters to learn from.
    """
    check_names(sets)
    names = [one.name for one in sets]
    for name in hold_out_sets:
        if name not in names:
            raise ConfigError(f"--hold-out-set {name}: no such data set is given, only {', '.join(names)}")
    held = _held(sets, hold_out_questions, hold_out_sets)
    skips = {one.name: Counter(one.skips) for one in sets}
    left = []
    for one in sets:
        if one.name in hold_out_sets:
            skips[one.name][APART] = len(one.questions)
        else:
            left.append(_left(one, held, split, hold_out_questions, skips[one.name]))
    if not left:
        raise ConfigError("every data set is held out: leave one to learn from")
    parts = tuple(_part(group) for group in _sharing_raters(left))
    apart = tuple(name for name in names if name in hold_out_sets)
    return Corpus(parts, tuple(names), split, hold_out_questions, apart, {n: +c for n, c in skips.items()})


def correlations(answers: NDArray[np.int16]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(Q, Q) correlations over the raters who answered both questions, and (Q, Q) how many these are.

    answers: (R, Q), -1 for none. A correlation is NaN where it is undefined.
    """
    given = (answers != MISSING).astype(np.float64)
    said = np.where(answers != MISSING, answers, 0).astype(np.float64)
    n = given.T @ given
    sums, squares = said.T @ given, np.square(said).T @ given
    with np.errstate(divide="ignore", invalid="ignore"):
        cov = said.T @ said - sums * sums.T / n
        var = squares - np.square(sums) / n
        found = np.where((var > 1e-9) & (var.T > 1e-9), cov / np.sqrt(var * var.T), np.nan)
    return np.clip(found, -1.0, 1.0).astype(np.float32), n.astype(np.float32)


def _held(sets: Sequence[DataSet], targets: bool, apart: Collection[str]) -> frozenset[str]:
    """The keys of everything that is held out."""
    return frozenset(
        key
        for one in sets
        for contents in one.contents
        for name, key in contents
        if one.name in apart or (targets and fold(name, 3) == 0)
    )


def _left(one: DataSet, held: frozenset[str], split: Split, targets: bool, skips: Skips) -> DataSet:
    """What is left of a data set without held out questions and test raters; the rest is counted."""
    aimed = [[targets and fold(name, 3) == 0 for name, _ in shown] for shown in one.contents]
    own, some = np.array([all(each) for each in aimed]), np.array([any(each) for each in aimed])
    kept = np.array([not any(key in held for _, key in shown) for shown in one.contents])
    skips[TARGET] = int(own.sum())
    skips[MIXED] = int((some & ~own).sum())
    skips[SAME] = int((~kept & ~some).sum())
    if not kept.any():
        raise DataError(
            f"data set {one.name!r} has no question left: {int(some.sum())} are held out and {skips[SAME]} "
            "say the same, leave the set out"
        )
    tested = raters_in(one.raters, "test") if split == "eval" else np.zeros(len(one.raters), bool)
    skips[TESTED] = int(tested.sum())
    heard = (one.answers[:, kept] != MISSING).sum(1) > 1
    skips[SILENT] = int((~heard & ~tested).sum())
    rows, columns = np.flatnonzero(heard & ~tested), np.flatnonzero(kept)
    return DataSet(
        one.name,
        tuple(one.questions[column] for column in columns),
        tuple(one.raters[row] for row in rows),
        one.answers[np.ix_(rows, columns)],
        tuple(one.contents[column] for column in columns),
        one.leads,
        one.pictures,
    )


def _sharing_raters(sets: Sequence[DataSet]) -> list[list[DataSet]]:
    """The sets by whom they have in common, in the order of the first of each group."""
    found: list[list[int]] = []
    for number, one in enumerate(sets):
        raters = set(one.raters)
        tied = [group for group in found if any(raters.intersection(sets[other].raters) for other in group)]
        found = [group for group in found if group not in tied]
        found.append(sorted([*(other for group in tied for other in group), number]))
    return [[sets[number] for number in group] for group in sorted(found)]


def _part(group: Sequence[DataSet]) -> Part:
    """Data sets side by side, a row for each rater of any."""
    raters = tuple(dict.fromkeys(rater for one in group for rater in one.raters))
    row = {rater: number for number, rater in enumerate(raters)}
    answers = np.full((len(raters), sum(len(one.questions) for one in group)), MISSING, np.int16)
    pictures: dict[str, NDArray[np.floating]] = {}
    start = 0
    for one in group:
        rows = np.array([row[rater] for rater in one.raters], dtype=np.intp)
        answers[rows, start : start + len(one.questions)] = one.answers
        start += len(one.questions)
        for item, vector in one.pictures.items():
            if item in pictures and not np.array_equal(pictures[item], vector):
                raise DataError(
                    f"data set {one.name!r} calls another picture {item!r} than a set with the same raters: "
                    "rename its pictures"
                )
            pictures[item] = vector
    judged = np.array(
        [
            any(fold(f"judged {key}", JUDGING) == 0 for _, key in shown)
            for one in group
            for shown in one.contents
        ]
    )
    part = Part(
        "+".join(one.name for one in group),
        tuple(question for one in group for question in one.questions),
        tuple(stripped(question, one.leads) for one in group for question in one.questions),
        raters,
        answers,
        raters_in(raters, "validation"),
        judged,
        pictures,
    )
    _check(part)
    return part


def _check(part: Part) -> None:
    """Raises DataError where there is nothing to learn from."""
    heard = (part.given[np.ix_(part.learners, part.learned)].sum(1) > 1).sum() if len(part.learned) else 0
    if len(part.learned) < 2 or heard < 2:
        raise DataError(
            f"data set {part.name!r} has {len(part.learned)} questions to learn from and {heard} raters who "
            "answered two of them: two of each are needed, leave the set out or hold out less"
        )
