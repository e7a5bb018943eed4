"""A look back at an interview: was each answer predicted, and which answers were decisive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefs.batch import infer_many
from prefs.belief import Belief, prior, probabilities
from prefs.model import ChoiceModel, QuestionVectors
from prefs.questions import Answer, Question
from prefs.space import Floats

Responses = Sequence[tuple[Question, Answer]]

BELIEFS = 100  # beliefs that are computed at most for one review
BINS = 5


@dataclass(frozen=True)
class Bin:
    """Answers predicted with a similar probability: mean probability, share right, number."""

    expected: float
    right: float
    count: int


@dataclass(frozen=True)
class Review:
    """How the answers were predicted, each from those before it (prequential; Dawid, 1984).

    chances: (n,) probability that was given to what the person then said. right: (n,) whether the
    likeliest answer was said. generic, generic_right: the same for the population, knowing no
    answer. uniform: (n,) 1/K. log_loss and accuracy of each are means; bins tell whether stated
    probabilities of the likeliest answer come true.
    """

    chances: Floats
    right: Floats
    generic: Floats
    generic_right: Floats
    uniform: Floats
    bins: tuple[Bin, ...]

    @property
    def log_loss(self) -> float:
        """Mean negative log probability of the answers, in nats."""
        return _loss(self.chances)

    @property
    def generic_log_loss(self) -> float:
        """The same with the population's probabilities."""
        return _loss(self.generic)

    @property
    def uniform_log_loss(self) -> float:
        """The same with all options equally likely."""
        return _loss(self.uniform)

    @property
    def accuracy(self) -> float:
        """Share of answers that were the likeliest."""
        return float(self.right.mean()) if len(self.right) else 0.0

    @property
    def generic_accuracy(self) -> float:
        """The same with the population's probabilities."""
        return float(self.generic_right.mean()) if len(self.generic_right) else 0.0


def review(model: ChoiceModel, responses: Responses) -> Review:
    """Predicts every answer from the answers before it; skips are left out.

    Beyond 100 answers the belief is renewed only every n/100 answers, so that a long log stays
    quick; every answer is still predicted from earlier ones alone.
    """
    said = [(question, answer) for question, answer in responses if answer is not None]
    if not said:
        empty = np.empty(0)
        return Review(empty, empty, empty, empty, empty, ())
    vectors = model.stack([question for question, _ in said])
    given = np.array([answer for _, answer in said])
    each = np.arange(len(said))
    step = -(-len(said) // BELIEFS)
    starts = each[::step]
    before = beliefs(model, vectors, np.where(each < starts[:, None], given, -1))
    told = np.concatenate(
        [probabilities(before[row], vectors[start : start + step]) for row, start in enumerate(starts)]
    )
    generic = probabilities(prior(model), vectors)
    right = (told.argmax(1) == given).astype(float)
    return Review(
        told[each, given],
        right,
        generic[each, given],
        (generic.argmax(1) == given).astype(float),
        1.0 / vectors.counts,
        _bins(told.max(1), right),
    )


def decisive(model: ChoiceModel, responses: Responses, latest: int = BELIEFS) -> list[tuple[int, float]]:
    """How much each of the latest answers formed the belief: (index in responses, bits), most first.

    The bits are the Kullback-Leibler divergence of the belief from the belief without the answer.
    """
    rows = [row for row, (_, answer) in enumerate(responses) if answer is not None]
    if not rows:
        return []
    vectors = model.stack([responses[row][0] for row in rows])
    given = np.array([responses[row][1] for row in rows])
    left_out = np.arange(len(rows))[-latest:]
    without = np.where(np.arange(len(rows)) == left_out[:, None], -1, given)
    whole, *others = beliefs(model, vectors, np.vstack([given, without]))
    found = [(rows[place], divergence(whole, other)) for place, other in zip(left_out, others, strict=True)]
    return sorted(found, key=lambda entry: -entry[1])


def divergence(belief: Belief, other: Belief) -> float:
    """KL(belief || other) of two Gaussian beliefs, in bits."""
    mixed = np.linalg.solve(other.chol, belief.chol)
    shift = np.linalg.solve(other.chol, belief.mean - other.mean)
    size = len(shift)
    nats = 0.5 * (np.square(mixed).sum() + shift @ shift - size) - np.log(np.abs(np.diagonal(mixed))).sum()
    return max(float(nats), 0.0) / float(np.log(2.0))


def beliefs(model: ChoiceModel, vectors: QuestionVectors, answers: NDArray[np.intp]) -> list[Belief]:
    """The beliefs after each row of answers, (R, N) with -1 where there is none, all at once."""
    found = infer_many(model.space, vectors, answers, around=model.lapse)
    rows = zip(found.mean, found.cov, found.lapse, found.answers, strict=True)
    return [Belief(mean, cov, float(lapse), int(count)) for mean, cov, lapse, count in rows]


def _bins(chances: Floats, right: Floats) -> tuple[Bin, ...]:
    """Equal-mass bins, at least five answers in each."""
    order = np.argsort(chances, kind="stable")
    groups = np.array_split(order, max(min(BINS, len(order) // 5), 1))
    return tuple(Bin(float(chances[g].mean()), float(right[g].mean()), len(g)) for g in groups)


def _loss(chances: Floats) -> float:
    return float(-np.log(chances).mean()) if len(chances) else 0.0
