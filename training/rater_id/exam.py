"""What judges a training: validation raters, and questions that are not learned from; always the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.rater_id.corpus import Part, correlations
from training.rater_id.recipe import Recipe

TOGETHER = 200  # raters in common that a correlation is judged by
FEWEST = 3  # judged questions, or validation raters, below which a part judges nothing


@dataclass(frozen=True)
class Exam:
    """Judged questions of a part, others that are known, and who answered them.

    judged: (J,) and known: (C,) columns of the part. answers: (V, C + J) of the validation raters, -1 for
    none, known ones first. shares: (C + J, K) of options among raters who are learned from. empirical:
    (J, J) correlations among all raters of the part, and together: (J, J) how many answered both.
    """

    part: int
    judged: NDArray[np.intp]
    known: NDArray[np.intp]
    answers: NDArray[np.int64]
    shares: NDArray[np.float32]
    empirical: NDArray[np.float32]
    together: NDArray[np.float32]


@dataclass(frozen=True)
class Figures:
    """How a model did in the exams, None where nothing tells.

    answers: nats an answer of validation raters to judged questions, given what they answered to others;
    generic: without. marginals: nats of the shares of answers by the popularity that the text tells.
    identity: cross entropy of the true rater over log R, known by others answers. moments: weighted
    mean square error of correlations between judged questions. correlation: r between predicted and
    real ones over all parts, by_part: the mean of each part's own. pairs: how many those are.
    """

    answers: float | None
    generic: float | None
    marginals: float | None
    identity: float | None
    moments: float | None
    correlation: float | None
    by_part: float | None
    pairs: int

    @property
    def gain(self) -> float | None:
        """Nats an answer by which what is known of a rater helps."""
        return None if self.answers is None or self.generic is None else self.generic - self.answers

    def loss(self, recipe: Recipe) -> float | None:
        """The weighted sum of the losses that there are; None without any."""
        weighted = (
            (recipe.answers, self.answers),
            (recipe.identity, self.identity),
            (recipe.moments, self.moments),
            (recipe.marginals, self.marginals),
        )
        found = [weight * value for weight, value in weighted if value is not None]
        return float(sum(found)) if found else None

    def score(self, recipe: Recipe) -> float | None:
        """What the kept step has most of; None where it cannot be told."""
        loss = self.loss(recipe)
        known = {
            "loss": None if loss is None else -loss,
            "correlation": self.correlation,
            "gain": self.gain,
            "last": None,
        }
        return known[recipe.keep]

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "answers": self.answers,
            "generic": self.generic,
            "gain": self.gain,
            "marginals": self.marginals,
            "identity": self.identity,
            "moments": self.moments,
            "correlation": self.correlation,
            "correlation_by_part": self.by_part,
            "pairs": self.pairs,
        }


def exams(parts: Sequence[Part], recipe: Recipe) -> list[Exam]:
    """The exams of all parts that have questions to judge, the same for the same corpus and seed."""
    found = (_exam(number, part, recipe) for number, part in enumerate(parts))
    return [exam for exam in found if exam is not None]


def related(
    part: Part, pool: NDArray[np.intp], to: NDArray[np.intp], most: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """At most so many columns of a pool, sorted; rather those that raters of the columns `to` answered."""
    if len(pool) <= most:
        return pool
    weight = part.together(to, pool).sum(0).astype(np.float64)
    count = min(most, int((weight > 0).sum()))
    if count == 0:
        return pool[:0]
    return np.sort(rng.choice(pool, count, replace=False, p=weight / weight.sum()))


def _exam(number: int, part: Part, recipe: Recipe) -> Exam | None:
    all_judged = np.flatnonzero(part.judged)
    if len(all_judged) < FEWEST:
        return None
    rng = np.random.default_rng([recipe.seed, number, len(all_judged)])
    first = rng.choice(all_judged, 1)
    judged = np.union1d(first, related(part, all_judged, first, recipe.validation_questions, rng))
    known = related(part, part.learned, judged, recipe.validation_questions, rng)
    rows = np.flatnonzero(part.judges)
    heard = (part.given[np.ix_(rows, known)].sum(1) >= 2) & part.given[np.ix_(rows, judged)].any(1)
    rows = rows[heard]
    if len(rows) > recipe.validation_raters:
        rows = np.sort(rng.choice(rows, recipe.validation_raters, replace=False))
    if len(rows) < FEWEST:
        rows = rows[:0]
    columns = np.concatenate([known, judged])
    answers = part.answers[np.ix_(rows, columns)].astype(np.int64)
    empirical = correlations(part.answers[:, judged])
    return Exam(number, judged, known, answers, part.shares[columns], *empirical)


def real_and_predicted(exam: Exam, predicted: NDArray[np.float32]) -> NDArray[np.float32]:
    """(2, N) real and predicted correlations of the pairs of judged questions that enough raters answered."""
    upper = np.triu_indices(len(exam.judged), 1)
    real = exam.empirical[upper]
    tells = np.isfinite(real) & (exam.together[upper] >= TOGETHER)
    return np.stack([real[tells], predicted[upper][tells]])


def agreement(pairs: NDArray[np.float32]) -> float | None:
    """Correlation of two rows (2, N), None where it is undefined."""
    if pairs.shape[1] < FEWEST or bool(np.any(pairs.std(1) < 1e-9)):
        return None
    return float(np.asarray(np.corrcoef(pairs.astype(np.float64)))[0, 1])


def mean(values: Sequence[float | None], weights: Sequence[float]) -> float | None:
    """The weighted mean of the values that there are, None without any."""
    there = [(value, weight) for value, weight in zip(values, weights, strict=True) if value is not None]
    total = sum(weight for _, weight in there)
    return sum(value * weight for value, weight in there) / total if there else None
