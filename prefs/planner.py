"""The planner chooses the next question: the most informative of all pools that the rules allow.

Rules. No question twice, except for a small share of deliberate repeats (sides swapped) that
measure self-consistency. Content balance: every content has a target share; while no content is
more than `slack` questions behind the one that is furthest behind, information alone decides
(maximum-deficit balancing of Kingsbury and Zara, 1989, with a tolerance).

A plan is a pure function of (belief, pools, what was asked, seed); only the time limit, where one
is set, depends on the machine, and a plan that was cut short says so.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

import numpy as np

from prefs.acquisition import best, eig, epig, eubo, shortlist
from prefs.belief import Belief
from prefs.errors import ConfigError
from prefs.log import Asked
from prefs.model import QuestionVectors
from prefs.pools import Aim, Candidates, Past, Pool
from prefs.questions import Answer, Question
from prefs.space import STYLE, Floats

log = logging.getLogger(__name__)

Acquisition = Literal["random", "eig", "epig", "eubo", "static", "policy"]
Scores = Callable[[Belief, QuestionVectors], Floats]
AIMS: Mapping[str, Aim] = {"random": "random", "eubo": "utility"}
BITS = 1.0 / np.log(2.0)
TARGETS, SHORTLIST = 96, 128


@dataclass(frozen=True)
class Plan:
    """The next question as it is to be shown, who chose it, and the information expected of it."""

    question: Question
    planner: str
    gain_bits: float | None
    repeat_of: str | None = None


@dataclass(frozen=True)
class Nothing:
    """There is nothing to ask, and why."""

    reason: str


@dataclass(frozen=True)
class History:
    """What an interview asked so far, in order.

    answered: tokens of the questions with an answer. answers: those that stand, skips included.
    """

    asked: Sequence[Asked] = ()
    answered: Collection[str] = frozenset()
    past: Past = field(default_factory=Past)
    answers: Sequence[tuple[Asked, Answer]] = ()


class Chooses(Protocol):
    """What can choose the questions of an interview: the planner, or a model that reads."""

    def plan(self, belief: Belief, pools: Sequence[Pool], history: History, seed: int) -> Plan | Nothing:
        """The next question, or the reason why there is none; the same for the same arguments."""


@dataclass(frozen=True)
class Planner:
    """Chooses questions by an acquisition function under rules.

    shares: weights of contents ("taste", "taste/flow fields", "personality"); by default every
    domain weighs the same, and so does every content within it. slack: questions by which a
    content may be behind. repeats: share of repeats, never within `gap` questions. order: question
    ids for "static"; when they are used up, eig goes on. scores: (N,) of questions for "policy", in nats,
    which was learned. limit_s: time after which the choice is
    made among what was scored by then.
    """

    acquisition: Acquisition = "eig"
    shares: Mapping[str, float] | None = None
    slack: float = 2.0
    repeats: float = 0.04
    gap: int = 8
    order: tuple[str, ...] = ()
    scores: Scores | None = None
    limit_s: float | None = None
    clock: Callable[[], float] = time.perf_counter

    def __post_init__(self) -> None:
        if self.acquisition not in get_args(Acquisition):
            allowed = ", ".join(get_args(Acquisition))
            raise ConfigError(f"acquisition {self.acquisition!r}: allowed are {allowed}")
        if (self.acquisition == "policy") != (self.scores is not None):
            raise ConfigError(
                "acquisition 'policy' goes with a head that scores questions: give both or neither"
            )
        if not 0.0 <= self.repeats < 1.0:
            raise ConfigError(f"share of repeats {self.repeats}: allowed are 0 to below 1")
        if self.shares is not None and (not self.shares or min(self.shares.values()) <= 0.0):
            raise ConfigError(f"shares {dict(self.shares)}: at least one, each above 0")

    def plan(self, belief: Belief, pools: Sequence[Pool], history: History, seed: int) -> Plan | Nothing:
        """The next question, or the reason why there is none."""
        rng = np.random.default_rng([seed, len(history.asked)])
        repeat = self._repeat(pools, history, rng) if rng.random() < self.repeats else None
        if repeat is not None:
            return repeat
        if not pools:
            return Nothing("There is nothing to ask from: open a gallery or a bank.")
        start = self.clock()
        name: str = self.acquisition
        offers = _offers(belief, pools, history.past, rng, AIMS.get(name, "information"))
        if not offers and name == "eubo":  # no pictures: sentences have no fairest
            name, offers = "eig", _offers(belief, pools, history.past, rng, "information")
        if not offers:
            return Nothing(_exhausted(pools, history))
        if name == "static":
            picked = _first(self.order, offers)
            if picked is not None:
                return _planned(belief, *picked, "static")
            name = "eig"
        offers = self._balanced(offers, pools, history)
        if name == "random":
            return _planned(belief, *_at_random(offers, rng), name)
        targets = _targets(pools, history.past, rng) if name == "epig" else []
        return self._most_valuable(belief, offers, name, targets, rng, start)

    def _most_valuable(
        self,
        belief: Belief,
        offers: Sequence[Candidates],
        name: str,
        targets: Sequence[QuestionVectors],
        rng: np.random.Generator,
        start: float,
    ) -> Plan:
        found: list[tuple[float, Candidates, int]] = []
        for offer in offers:
            if self.limit_s is not None and self.clock() - start > self.limit_s:
                log.warning(
                    "planning took over %g s: %d of %d pools compared", self.limit_s, len(found), len(offers)
                )
                name = f"{name} (cut short)"
                break
            row, value = _best(name, belief, offer.vectors, targets, self.scores)
            found.append((value, offer, row))
        if not found:
            return _planned(belief, *_at_random(offers, rng), name)
        value, offer, row = max(found, key=lambda entry: entry[0])
        return _planned(belief, offer, row, name)

    def _balanced(
        self, offers: Sequence[Candidates], pools: Sequence[Pool], history: History
    ) -> list[Candidates]:
        """The candidates that are at most `slack` questions less due than the most due one."""
        due = self._due(pools, history)
        scores = [np.array([due[name] for name in offer.contents])[offer.parts].mean(1) for offer in offers]
        least = max(score.max() for score in scores) - self.slack
        kept = [(offer, np.flatnonzero(score >= least)) for offer, score in zip(offers, scores, strict=True)]
        return [offer.only(rows) for offer, rows in kept if len(rows)]

    def _due(self, pools: Sequence[Pool], history: History) -> dict[str, float]:
        """By how many questions each content is behind its share of all that was asked."""
        shares = content_shares([pool.contents for pool in pools], self.shares)
        counts: defaultdict[str, float] = defaultdict(float)
        for asked in history.asked:
            for about in (pool.about(asked.question) for pool in pools):
                if about:
                    for name in about:
                        counts[name] += 1.0 / len(about)
                    break
        total = sum(counts.values())
        return {name: share * total - counts[name] if share else -np.inf for name, share in shares.items()}

    def _repeat(self, pools: Sequence[Pool], history: History, rng: np.random.Generator) -> Plan | None:
        """An answered question of long enough ago, once more, in another order of its pictures."""
        repeated = {asked.repeat_of for asked in history.asked}
        flagged = set(history.past.flagged)
        old = [
            asked
            for asked in history.asked[: max(len(history.asked) - self.gap, 0)]
            if asked.token in history.answered
            and not asked.by_person
            and asked.repeat_of is None
            and asked.token not in repeated
            and not flagged.intersection(asked.question.items)
            and any(pool.about(asked.question) for pool in pools)
        ]
        if not old:
            return None
        asked = old[int(rng.integers(len(old)))]
        return Plan(_turned(asked.question, rng), "repeat", None, asked.token)


def content_shares(
    contents: Sequence[Sequence[str]], weights: Mapping[str, float] | None
) -> dict[str, float]:
    """Target share of each content, summing to 1.

    A weight of a whole domain is spread evenly over its contents. Contents without a weight get
    nothing, unless no content at all has one; then domains share evenly.
    """
    names = list(dict.fromkeys(name for pool in contents for name in pool))
    domains: dict[str, list[str]] = {}
    for name in names:
        domains.setdefault(name.split("/", 1)[0], []).append(name)
    given = weights or dict.fromkeys(domains, 1.0)
    raw = {
        name: given.get(name, 0.0) * (name != domain) + given.get(domain, 0.0) / len(members)
        for domain, members in domains.items()
        for name in members
    }
    total = sum(raw.values())
    if total == 0.0:
        return content_shares(contents, None)
    return {name: share / total for name, share in raw.items()}


def _offers(
    belief: Belief, pools: Sequence[Pool], past: Past, rng: np.random.Generator, aim: Aim
) -> list[Candidates]:
    found = (pool.candidates(belief, past, rng, aim) for pool in pools)
    return [offer for offer in found if len(offer)]


def _targets(pools: Sequence[Pool], past: Past, rng: np.random.Generator) -> list[QuestionVectors]:
    found = (pool.sample(TARGETS // len(pools) + 1, past, rng) for pool in pools)
    return [vectors for vectors in found if len(vectors)]


def _best(
    name: str,
    belief: Belief,
    vectors: QuestionVectors,
    targets: Sequence[QuestionVectors],
    scores: Scores | None,
) -> tuple[int, float]:
    """Row of the most valuable candidate and its value, comparable between pools."""
    if scores is not None:
        values = scores(belief, vectors)
        row = int(np.argmax(values))
        return row, float(values[row])
    if name == "eubo":
        phi = vectors.phi.copy()
        phi[:, :, : len(STYLE)] = 0.0  # how a person answers is no merit of a picture
        values = eubo(belief, QuestionVectors(phi, vectors.g))
        row = int(np.argmax(values))
        return row, float(values[row])
    if name != "epig":
        return best(belief, vectors)
    rows = shortlist(belief, vectors, SHORTLIST)
    values = np.zeros(len(rows))
    for target in targets:
        values += epig(belief, vectors[rows], target) / len(targets)
    row = int(np.argmax(values))
    return int(rows[row]), float(values[row])


def _first(order: Sequence[str], offers: Sequence[Candidates]) -> tuple[Candidates, int] | None:
    """The first question of a fixed order that can be asked."""
    found = {offer.key(row): (offer, row) for offer in offers for row in range(len(offer))}
    return next((found[name] for name in order if name in found), None)


def _at_random(offers: Sequence[Candidates], rng: np.random.Generator) -> tuple[Candidates, int]:
    offer = offers[int(rng.integers(len(offers)))]
    return offer, int(rng.integers(len(offer)))


def _planned(belief: Belief, offer: Candidates, row: int, name: str) -> Plan:
    gain = float(eig(belief, offer.vectors[row : row + 1])[0])
    return Plan(offer.build(row), name, gain * BITS)


def _turned(question: Question, rng: np.random.Generator) -> Question:
    """A pair with its sides swapped, a grid in another order, anything else as it was."""
    if question.kind == "pair":
        return question.reordered((1, 0))
    if question.kind == "grid":
        return question.reordered(tuple(int(i) for i in rng.permutation(len(question.answers))))
    return question


def _exhausted(pools: Sequence[Pool], history: History) -> str:
    names = ", ".join(dict.fromkeys(pool.name for pool in pools))
    if history.past.questions:
        return f"Every question of {names} has been asked."
    return f"{names} has nothing to ask: a gallery needs two pictures, a bank one question."
