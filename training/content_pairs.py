"""How well what pictures show foretells choices between two pictures that nobody has been asked about.

One rater is left out at a time; the weights of the kernels and what everybody likes come from the other
raters' answers to candidate pairs. No picture of a target pair is in a candidate pair. The same again
with the others' votes on the very target pairs: then only what is personal is left to be foretold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.content import Person, fit_weights, person
from training.content_kernels import of_pairs, scaled
from training.pairs import Pairs
from training.policies import Told

Array = NDArray[Any]
KS = (0, 20, 50, 100, 200, 500)
DRAWS = 6  # random orders of each person, averaged
DESIGNED = 200  # answers to chosen questions at most; of nearly all of them the order does not matter
SURE = 0.98  # no chance of an answer is beyond
MEASURES = ("accuracy", "log_loss")
ROWS = (
    "random",
    "chosen for the target pictures",
    "chosen for the candidate pictures",
    "wrong person, random",
    "votes, random",
    "votes, chosen for the target pictures",
    "votes, wrong person, random",
)


class PairStudy:
    """Interviews with each rater after the fact: only pairs that the rater answered can be asked.

    kernels: (m, N, N) of the pictures. ks: numbers of answers after which targets are foretold.
    """

    def __init__(self, pairs: Pairs, kernels: Array, ks: Sequence[int] = KS, draws: int = DRAWS) -> None:
        self.pairs, self.ks, self.draws = pairs, ks, draws
        rows = np.r_[pairs.candidates, pairs.targets]
        size = len(pairs.candidates)
        self.candidates, self.targets = np.arange(size), np.arange(size, len(rows))
        chosen = pairs.answers[:, rows]
        self.answers = np.where(chosen < 0, np.nan, 2.0 * chosen - 1)
        self.kernels = scaled(of_pairs(kernels, pairs.pairs[rows]), self.candidates)
        self.weights: list[dict[str, Any]] = []

    def run(self, told: Told | None = None) -> dict[str, Array]:
        """(raters, ks, MEASURES) of each of ROWS; NaN after more answers than the rater gave."""
        raters = len(self.answers)
        found = {row: np.full((raters, len(self.ks), len(MEASURES)), np.nan) for row in ROWS}
        for rater in range(raters):
            content, votes = self.known(rater)
            for row in ROWS:
                met = votes if row.startswith("votes") else content
                other = (rater + 1) % raters if "wrong" in row else rater
                orders = list(self._orders(row, met, rater, other))
                found[row][rater] = np.mean([self._measured(met, rater, other, one) for one in orders], 0)
            if told:
                told("content", rater + 1, raters)
        return found

    def known(self, rater: int) -> tuple[Person, Person]:
        """The rater before the first answer: without and with the others' votes on the targets."""
        others = np.delete(self.answers, rater, axis=0)
        asked = np.ix_(np.arange(len(self.kernels)), self.candidates, self.candidates)
        answered = others[:, self.candidates]
        some = ~np.isnan(answered).all(0)
        weights = fit_weights(self.kernels[asked][:, some][:, :, some], answered[:, some])
        self.weights.append(
            {"shared": weights.shared.tolist(), "personal": weights.personal.tolist(), "noise": weights.noise}
        )
        shared, personal = weights.covariances(self.kernels)
        unseen = others.copy()
        unseen[:, self.targets] = np.nan
        met = (person(shared, personal, weights.noise, said) for said in (unseen, others))
        return next(met), next(met)

    def _orders(self, row: str, met: Person, rater: int, other: int) -> Iterator[Array]:
        """The orders in which candidates are asked; the one who answers answered all of them."""
        there = self.candidates[~np.isnan(self.answers[other, self.candidates])]
        most = min(max(self.ks), len(there))
        if "chosen" in row:
            aims = self.targets if "target" in row else self.candidates
            yield met.design(there, aims, min(most, DESIGNED))
            return
        for draw in range(self.draws):
            yield np.random.default_rng([rater, draw]).permutation(there)[:most]

    def _measured(self, met: Person, rater: int, other: int, order: Array) -> Array:
        """(ks, MEASURES) on the rater's target pairs, from the other's answers in an order."""
        given = self.targets[~np.isnan(self.answers[rater, self.targets])]
        true = self.answers[rater, given]
        found = np.full((len(self.ks), len(MEASURES)), np.nan)
        for place, k in enumerate(self.ks):
            if k > len(order):
                continue
            lean = met.given(order[:k], self.answers[other, order[:k]], given) * true
            chance = np.clip((1 + lean) / 2, 1 - SURE, SURE)
            found[place] = ((lean > 0) + 0.5 * (lean == 0)).mean(), -np.log(chance).mean()
        return found


def summary(found: Mapping[str, Array], measures: Sequence[str] = MEASURES) -> dict[str, Any]:
    """Mean, standard error and number of raters of each row, measure and number of answers, null without."""
    return {
        row: {
            measure: {
                "mean": _listed(np.mean, part[..., place]),
                "se": _listed(_error, part[..., place]),
                "raters": (~np.isnan(part[..., place])).sum(0).tolist(),
            }
            for place, measure in enumerate(measures)
        }
        for row, part in found.items()
    }


def _error(values: Array) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def _listed(measure: Any, values: Array) -> list[float | None]:
    """A measure over the raters (R, ks) at each number of answers."""
    columns = (column[~np.isnan(column)] for column in values.T)
    return [round(float(measure(column)), 5) if len(column) else None for column in columns]
