"""Greedy question sequences that raise log p(true rater ID), for many raters at once.

`Hindsight` looks at the rater's actual answer to each question, `Expected` does not. For both, all
raters of a block go on in step and the sums over hypotheses are matrix products in single precision.
Where these leave more than one question possible, the possible ones are summed again in double
precision, so that plans are those of a plain loop; ties go to the question that stands first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from prefs.space import Floats
from training.hypotheses import Bools, Rows, Singles, Suspects, entropies

ROUNDED = 1e-5  # relative error of sums in single precision
BLURRED = 5e-6  # error in nats of entropies in single precision
NOTHING = 1e-18  # weight relative to the largest that adds no digit


@dataclass(frozen=True)
class Limits:
    """When a plan ends: after `questions`, before a gain below `price` nats, at p(true ID) >= `goal`."""

    questions: int
    price: float
    goal: float | None = None


@dataclass(frozen=True)
class Plans:
    """Plans of B raters, at most T questions long.

    questions: (B, T) rows of the questions, -1 after the end. gains: (B, T) nats, looked for when the
    question was chosen. log_p: (B, T) of the true rater after the answer. stopped: (B,) why.
    """

    questions: Rows
    gains: Floats
    log_p: Floats
    stopped: NDArray[np.str_]


class State(Protocol):
    """What is known of B raters in the middle of their plans."""

    def best(self, left: Bools) -> tuple[Rows, Floats | None]:
        """(B,) the best of the questions left (B, Q), and its gain in nats if known before the answer."""
        ...

    def answer(self, questions: Rows) -> Floats:
        """Hears the raters' answers to questions (B,); returns log p (B,) of the true raters."""
        ...

    def keep(self, chosen: Bools) -> None:
        """Goes on with some of the raters."""
        ...


def greedy(state: State, left: Bools, start: Floats, limits: Limits) -> Plans:
    """Plans from a fresh state; left: (B, Q) questions that may be asked; start: (B,) log p at first."""
    count = len(left)
    shape = (count, min(limits.questions, left.shape[1]))
    found = Plans(np.full(shape, -1), np.zeros(shape), np.zeros(shape), np.full(count, "questions", "<U12"))
    left, live, log_p = left.copy(), np.arange(count), start.copy()

    def stop(ended: NDArray[np.bool_], why: str) -> None:
        nonlocal live
        if ended.any():
            found.stopped[live[ended]] = why
            live = live[~ended]
            state.keep(~ended)

    for step in range(shape[1]):
        stop(np.asarray(~left[live].any(1)), "no questions")
        if not len(live):
            break
        chosen, gain = state.best(left[live])
        if gain is not None and (gain < limits.price).any():
            worth = gain >= limits.price
            stop(~worth, "price")
            chosen, gain = chosen[worth], gain[worth]
        after = state.answer(chosen)
        if gain is None:
            gain = after - log_p[live]
            worth = gain >= limits.price
            stop(~worth, "price")
            chosen, gain, after = chosen[worth], gain[worth], after[worth]
        left[live, chosen] = False
        found.questions[live, step], found.gains[live, step], found.log_p[live, step] = chosen, gain, after
        log_p[live] = after
        if limits.goal is not None:
            stop(np.asarray(after >= np.log(limits.goal)), "identified")
    return found


class Hindsight:
    """Looks at the actual answers: the upper bound of what questions can tell about a person.

    With w_h the weight of hypothesis h relative to the true rater r, whose own weight is 1,

        log p(r | answers) = -log(1 + S),  S = sum_{h != r} w_h,

    and the best question has the least S_q = sum_{h != r} w_h P(a_rq | h) / P(a_rq | r). Leaving r out
    of the sum keeps all digits where p(r) is near 1.

    Where raters answered few of many questions it is cheaper to gather the chances of their own answers
    and to make a product for each rater.
    """

    def __init__(self, suspects: Suspects, options: Rows, gather: Bools | None = None) -> None:
        """options: (B, Q) the option of `Crowd.chance` that each rater chose, any where none.

        gather: (B, Q) the only answers that matter, to be gathered.
        """
        self.suspects, self.options = suspects, options
        self.gathered: list[tuple[Rows, Singles]] | None = None
        if gather is not None:
            asked = [np.flatnonzero(row) for row in gather]
            self.gathered = [(q, suspects.table(row, options[row, q])) for row, q in enumerate(asked)]
        self.chance = suspects.own_chance(options)
        self.weights = suspects.prior.copy()
        self.weights[np.arange(len(options)), suspects.own] = 0.0
        self.scale = np.zeros(len(options))  # log of what the weights are multiples of

    def best(self, left: Bools) -> tuple[Rows, None]:
        """(B,) the questions whose answers raise log p most."""
        sums = np.where(left, self._sums() / self.chance, np.inf)
        chosen = sums.argmin(1)
        possible = left & (sums <= sums.min(1, keepdims=True) * (1 + ROUNDED))
        for row in np.flatnonzero(possible.sum(1) > 1).tolist():
            questions = np.flatnonzero(possible[row])
            table = self.suspects.table(row, self.options[row, questions]).astype(np.float64)
            chosen[row] = questions[(_dot(table, self.weights[row]) / self.chance[row, questions]).argmin()]
        return chosen, None

    def _sums(self) -> Floats:
        """(B, Q) sums of weights times the chances of the answers."""
        if self.gathered is None:
            found = self.suspects.expected(self.weights, np.arange(len(self.weights)))
            return np.take_along_axis(found, self.options, 1).astype(np.float64)
        sums = np.zeros(self.options.shape)
        for row, (questions, table) in enumerate(self.gathered):
            sums[row, questions] = table @ self.weights[row]
        return sums

    def answer(self, questions: Rows) -> Floats:
        """Hears the answers to questions (B,); returns log p (B,) of the true raters."""
        rows = np.arange(len(questions))
        peak = np.maximum(self.weights.max(1), np.finfo(np.float32).tiny)
        self.scale += np.log(peak)
        self.weights *= self.suspects.of(self.options[rows, questions])
        self.weights *= (1 / (self.chance[rows, questions] * peak)).astype(np.float32)[:, None]
        others = self.weights.sum(1, dtype=np.float64)
        return np.asarray(-np.logaddexp(0.0, self.scale + np.log(np.maximum(others, 1e-300))))

    def keep(self, chosen: Bools) -> None:
        """Goes on with some of the raters."""
        self.suspects.keep(chosen)
        self.options, self.chance = self.options[chosen], self.chance[chosen]
        self.weights, self.scale = self.weights[chosen], self.scale[chosen]
        if self.gathered is not None:
            self.gathered = [one for one, goes_on in zip(self.gathered, chosen, strict=True) if goes_on]


class Blind(ABC):
    """Does not look at answers before they are given, as an interviewer has to.

    blurred: error in nats of gains in single precision.
    """

    blurred: float

    def __init__(self, suspects: Suspects, options: Rows) -> None:
        """options: (B, Q) the option of `Crowd.chance` that each rater chose, any where none."""
        self.suspects, self.options = suspects, options
        self.weights = suspects.prior / suspects.prior.sum(1, keepdims=True)
        self.history = np.empty((len(options), 0), dtype=np.intp)

    def best(self, left: Bools) -> tuple[Rows, Floats]:
        """(B,) the questions of the largest expected gain, and these gains."""
        rows, inverse = np.arange(len(left)), np.arange(len(left))
        if not self.suspects.near.shape[1]:  # what was answered is all that tells raters apart
            rows, inverse = np.unique(self.history, axis=0, return_index=True, return_inverse=True)[1:]
            inverse = inverse.ravel()
        gains = np.where(left, self._gains(rows)[inverse], -np.inf)
        chosen, most = gains.argmax(1), gains.max(1)
        possible = left & (gains >= most[:, None] - self.blurred)
        for row in np.flatnonzero(possible.sum(1) > 1).tolist():
            questions = np.flatnonzero(possible[row])
            exact = self._exact(row, questions)
            chosen[row], most[row] = questions[exact.argmax()], exact.max()
        return chosen, most

    @abstractmethod
    def _gains(self, rows: Rows) -> Floats:
        """(N, Q) gains of all questions for some raters, in single precision."""

    @abstractmethod
    def _exact(self, row: int, questions: Rows) -> Floats:
        """(N,) gains of some questions for one rater in double precision."""

    def _hear(self, questions: Rows) -> None:
        """Weighs the suspects by the answers to questions (B,)."""
        said = self.options[np.arange(len(questions)), questions]
        self.history = np.column_stack([self.history, said])
        self.weights *= self.suspects.of(said)
        self.weights /= self.weights.sum(1, keepdims=True)

    def keep(self, chosen: Bools) -> None:
        """Goes on with some of the raters."""
        self.suspects.keep(chosen)
        self.options, self.history = self.options[chosen], self.history[chosen]
        self.weights = self.weights[chosen]


class Expected(Blind):
    """Expects the gain of log p(ID), which is the information of the answer about the ID,

        sum_h p_h sum_a P(a | h) log(P(a | h) / sum_h' p_h' P(a | h')),

    the entropy of the expected answer less the expected entropy of the answer. It depends on what was
    answered so far, not on who answered, so raters with the same answers share one sum.
    """

    blurred = BLURRED

    def __init__(self, suspects: Suspects, options: Rows) -> None:
        """As `Blind`."""
        super().__init__(suspects, options)
        self.near = np.stack([entropies(one.T, suspects.crowd.first) for one in suspects.near])
        self.shared = suspects.crowd.entropy.T.astype(np.float32)

    def _gains(self, rows: Rows) -> Floats:
        """(N, Q) gains of all questions for some raters."""
        crowd, weights = self.suspects.crowd, self.weights[rows]
        mixed = entropies(self.suspects.expected(weights, rows).T, crowd.first).T
        mixed -= weights[:, : len(crowd.rows)] @ self.shared
        if self.near.shape[2]:
            mixed -= np.matmul(self.near[rows], weights[:, len(crowd.rows) :, None])[..., 0]
        return mixed.astype(np.float64)

    def _exact(self, row: int, questions: Rows) -> Floats:
        """(N,) gains of some questions for one rater in double precision."""
        crowd, weights = self.suspects.crowd, self.weights[row].astype(np.float64)
        kept = np.flatnonzero(weights > NOTHING * weights.max())
        weights = weights[kept] / weights[kept].sum()
        options, first = crowd.options_of(questions)
        table = self.suspects.table(row, options)[:, kept].astype(np.float64)
        return np.asarray(entropies(_dot(table, weights), first) - _dot(entropies(table, first), weights))

    def answer(self, questions: Rows) -> Floats:
        """Hears the answers to questions (B,); returns log p (B,) of the true raters."""
        self._hear(questions)
        rows = np.arange(len(questions))
        return np.asarray(np.log(self.weights[rows, self.suspects.own].astype(np.float64)))

    def keep(self, chosen: Bools) -> None:
        """Goes on with some of the raters."""
        super().keep(chosen)
        self.near = self.near[chosen]


def _dot(rows: Floats, weights: NDArray[np.floating]) -> Floats:
    """(N,) sums over rows (N, H); equal rows have equal sums, which a matrix product does not promise."""
    return np.asarray((rows * weights).sum(1))
