"""Pools: where candidate questions come from, as vectors first and as questions only when chosen.

A pool proposes candidates for a belief; the planner compares the candidates of all pools. What a
candidate is *about* is a tuple of contents ("taste/flow fields" twice for a pair of such
pictures, "personality" for a sentence), so that the planner can balance them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from prefs.bank import ItemBank
from prefs.belief import Belief
from prefs.errors import ModelError
from prefs.model import BankSource, QuestionVectors
from prefs.questions import Question

Rows = NDArray[np.intp]
Aim = Literal["information", "utility", "random"]


@dataclass(frozen=True)
class Past:
    """What pools leave out: what was asked before, flagged pictures, how often each was shown.

    questions: `Question.key` of each.
    """

    questions: Collection[tuple[str, str]] = frozenset()
    flagged: Collection[str] = frozenset()
    shown: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidates:
    """N questions that could be asked next.

    vectors: their options, as they would be shown. parts: (N, P) what each is about, as indices
    into `contents`. build(row) makes the question, key(row) only its id.
    """

    vectors: QuestionVectors
    contents: tuple[str, ...]
    parts: Rows
    build: Callable[[int], Question]
    key: Callable[[int], str]

    def __len__(self) -> int:
        return len(self.vectors)

    def only(self, rows: Rows) -> Candidates:
        """The candidates of the given rows."""
        if len(rows) == len(self):
            return self
        return Candidates(
            self.vectors[rows],
            self.contents,
            self.parts[rows],
            build=lambda row: self.build(int(rows[row])),
            key=lambda row: self.key(int(rows[row])),
        )


class Pool(Protocol):
    """Candidates of one gallery or bank."""

    @property
    def name(self) -> str:
        """The source in the choice model."""
        ...

    @property
    def contents(self) -> tuple[str, ...]:
        """Everything that the pool's questions are about."""
        ...

    def candidates(self, belief: Belief, past: Past, rng: np.random.Generator, aim: Aim) -> Candidates:
        """Candidates that suit the aim: to learn, to find the favourite, or drawn at random."""
        ...

    def about(self, question: Question) -> tuple[str, ...]:
        """The contents of one of the pool's questions, empty where it is none of them."""
        ...

    def sample(self, count: int, past: Past, rng: np.random.Generator) -> QuestionVectors:
        """At most `count` unasked questions at random, to tell how well answers are predicted."""
        ...


def content(domain: str, topic: str) -> str:
    """The name of what a question is about: its domain, and its topic where it has one."""
    return f"{domain}/{topic}" if topic else domain


class BankPool:
    """The unasked questions of an item bank.

    chosen: contents or domains to ask about, None for all.

    Raises:
        ModelError: the source does not know a question of the bank or its number of options.
    """

    def __init__(self, bank: ItemBank, source: BankSource, chosen: Collection[str] | None = None) -> None:
        self.name = bank.name
        self._questions = tuple(
            question
            for question in bank.questions
            if chosen is None or {question.domain, content(question.domain, question.topic)} & set(chosen)
        )
        unknown = [q.question_id for q in self._questions if q.question_id not in source.rows]
        if unknown:
            raise ModelError(
                f"bank {bank.name!r}: its model does not know question {unknown[0]!r} "
                f"({len(unknown)} in all): fit the bank again"
            )
        rows = np.array([source.rows[q.question_id] for q in self._questions], dtype=np.intp)
        self._vectors = source.all()[rows]
        options = np.array([len(q.options) for q in self._questions], dtype=np.intp)
        wrong = np.flatnonzero(self._vectors.counts != options)
        if len(wrong):
            raise ModelError(
                f"bank {bank.name!r}: question {self._questions[wrong[0]].question_id!r} has "
                f"{options[wrong[0]]} options, its model {self._vectors.counts[wrong[0]]}: fit the bank again"
            )
        self._about = {q.question_id: content(q.domain, q.topic) for q in self._questions}
        self.contents = tuple(dict.fromkeys(self._about.values()))
        codes = {name: code for code, name in enumerate(self.contents)}
        self._parts = np.array([codes[name] for name in self._about.values()], dtype=np.intp)[:, None]
        self._row = {q.question_id: row for row, q in enumerate(self._questions)}
        self._showing = [(row, q.items) for row, q in enumerate(self._questions) if q.items]

    def candidates(self, belief: Belief, past: Past, rng: np.random.Generator, aim: Aim) -> Candidates:
        """All unasked questions; none where a favourite is sought, as no sentence is the fairest."""
        rows = self._open(past) if aim != "utility" else np.empty(0, dtype=np.intp)
        return Candidates(
            self._vectors if len(rows) == len(self._questions) else self._vectors[rows],
            self.contents,
            self._parts[rows],
            build=lambda row: self._questions[rows[row]],
            key=lambda row: self._questions[rows[row]].question_id,
        )

    def unasked(self, past: Past) -> list[Question]:
        """The questions that were not asked, in the order of the bank."""
        return [self._questions[row] for row in self._open(past)]

    def find(self, question_id: str) -> Question | None:
        """The question with this id, or None where it is not one to ask about."""
        row = self._row.get(question_id)
        return None if row is None else self._questions[row]

    def about(self, question: Question) -> tuple[str, ...]:
        """The content of a question of this bank."""
        found = self._about.get(question.question_id) if question.source == self.name else None
        return (found,) if found else ()

    def sample(self, count: int, past: Past, rng: np.random.Generator) -> QuestionVectors:
        """At most `count` unasked questions at random, or asked ones where all were asked."""
        rows = self._open(past)
        rows = rows if len(rows) else np.arange(len(self._questions))
        return self._vectors[np.sort(rng.permutation(rows)[:count])]

    def _open(self, past: Past) -> Rows:
        keep = np.ones(len(self._questions), dtype=bool)
        asked = (name for source, name in past.questions if source == self.name)
        keep[[self._row[name] for name in asked if name in self._row]] = False
        if past.flagged:
            flagged = set(past.flagged)
            keep[[row for row, items in self._showing if flagged.intersection(items)]] = False
        return np.flatnonzero(keep)
