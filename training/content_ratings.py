"""How well ratings of pictures are put in order for raters whom nobody has seen, within each rater.

Raters are split by the hash of their ids. How far kernels are trusted is chosen on those who validate;
then the weights of the kernels, the mean ratings and the learned covariance come from all but the test
raters. A third of the
pictures, by hash, is foretold and never asked. Two questions are told apart: pictures that nobody has
rated (content only), and pictures whose mean rating by others is known, of which only the personal part
is foretold. Eight factors by number, which know nothing of what pictures show, are the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import DataError
from training.content import Known, Person, fit_weights, log_density, person
from training.content_kernels import scaled
from training.evaluate import ENOUGH, LEAST_TARGETS, SLACK
from training.policies import Told
from training.splits import are_targets, raters_in
from training.surveys import Survey

Array = NDArray[Any]
KS = (0, 5, 10, 20, 40)
FACTORS = 8
STRENGTHS = (10.0, 100.0, 1000.0)  # raters' worth of trust in the kernels, tried on validation raters
ROUNDS = 20
MANY, DRAWS, FEW_DRAWS = 200, 6, 2  # random orders of each rater; fewer where there are many raters
MEASURES = ("spearman",)
ROWS = {
    "content only": "content",
    "content only, chosen": "content",
    "content only, wrong person": "content",
    "mean known, content": "known",
    "mean known, content and covariance": "learned",
    "mean known, content and covariance, chosen": "learned",
    "mean known, content and covariance, wrong person": "learned",
    "mean known, eight factors by number": "factors",
}


def learned(personal: Array, noise: float, known: Known, strength: float) -> tuple[Array, float]:
    """The covariance of what is personal, and the noise, as many raters' answers tell them.

    personal: (n, n) covariance expected beforehand, worth `strength` raters (an inverse Wishart prior).
    known: the raters' answers to the n questions. By expectation and maximisation (Dempster, Laird and
    Rubin 1977), ROUNDS times.
    """
    raters = sum(deviations.shape[1] for _, deviations in known.groups)
    answers = sum(deviations.size for _, deviations in known.groups)
    cov = personal
    for _ in range(ROUNDS):
        seen, error = np.zeros_like(cov), 0.0
        for rows, deviations in known.groups:
            count = deviations.shape[1]
            inverse = np.linalg.inv(cov[np.ix_(rows, rows)] + noise * np.eye(len(rows)))
            alpha = inverse @ deviations
            seen[np.ix_(rows, rows)] += alpha @ alpha.T - count * inverse
            error += noise**2 * float((alpha**2).sum()) + count * (
                noise * len(rows) - noise**2 * float(np.trace(inverse))
            )
        cov = (strength * personal + raters * cov + cov @ seen @ cov) / (strength + raters)
        noise = error / answers
    return cov, noise


def factors(cov: Array, noise: float, count: int) -> tuple[Array, float]:
    """A covariance (n, n) cut to its leading factors; the mean variance of the rest becomes noise."""
    values, vectors = np.linalg.eigh(cov)
    leading = vectors[:, -count:] * np.sqrt(np.maximum(values[-count:], 0.0))
    return leading @ leading.T, noise + float(np.maximum(values[:-count], 0.0).sum() / len(cov))


@dataclass(frozen=True)
class RatingStudy:
    """Interviews with test raters after the fact: only pictures that the rater rated can be asked about.

    survey: ratings of N pictures. kernels: (m, N, N) of them.
    """

    survey: Survey
    kernels: Array
    ks: Sequence[int] = KS

    @cached_property
    def is_target(self) -> NDArray[np.bool_]:
        """(N,) whether each picture is foretold and never asked."""
        return are_targets(question.question_id for question in self.survey.questions)

    @cached_property
    def ratings(self) -> Array:
        """(R, N) ratings in units of their spread about their mean, NaN where there is none."""
        table = self.survey.table()
        found = np.where(table < 0, np.nan, table.astype(np.float64))
        known = found[self._in("train")]
        rated: Array = (found - np.nanmean(known)) / np.nanstd(known)
        return rated

    def _in(self, *parts: Any) -> NDArray[np.bool_]:
        return raters_in(self.survey.raters, *parts)

    @cached_property
    def tested(self) -> Array:
        """(T, N) ratings of the test raters who rated enough targets."""
        test = self.ratings[self._in("test")]
        there = (~np.isnan(test[:, self.is_target])).sum(1) >= LEAST_TARGETS
        if not there.any():
            raise DataError(
                f"{self.survey.name}: no test rater rated {LEAST_TARGETS} held out pictures: add ratings"
            )
        found: Array = test[there]
        return found

    @cached_property
    def used(self) -> list[bool]:
        """Which of ks enter: where 90 % of the test raters rated half as many candidates again."""
        rated = (~np.isnan(self.tested[:, ~self.is_target])).sum(1)
        return [bool((rated >= SLACK * k).mean() >= ENOUGH) for k in self.ks]

    def people(self) -> dict[str, Person]:
        """A new rater as known beforehand: by content alone, by mean ratings and content, and more."""
        train, asked = self.ratings[~self._in("test")], np.flatnonzero(~self.is_target)
        level = np.ones_like(self.kernels[:1])  # that a rater gives high ratings
        kernels = scaled(np.concatenate([self.kernels, level]), asked)
        weights = fit_weights(kernels[:, asked[:, None], asked], train[:, asked])
        shared, personal = weights.covariances(kernels)
        unseen = train.copy()
        unseen[:, self.is_target] = np.nan
        found = {"content": person(shared, personal, weights.noise, unseen)}
        found["known"] = person(shared, personal, weights.noise, train)
        found["learned"] = person(shared, *self._learned(personal, weights.noise), train)
        plain = fit_weights(kernels[-2:, asked[:, None], asked], train[:, asked])
        common, own = plain.covariances(kernels[-2:])
        found["factors"] = person(common, *factors(*self._learned(own, plain.noise), FACTORS), train)
        return found

    def _learned(self, personal: Array, noise: float) -> tuple[Array, float]:
        """The covariance by the strength with which those who train foretell those who validate best."""
        train, judges, both = (
            Known.of(self.ratings[raters])
            for raters in (self._in("train"), self._in("validation"), ~self._in("test"))
        )

        def foretold(strength: float) -> float:
            return log_density(*learned(personal, noise, train, strength), judges)

        return learned(personal, noise, both, max(STRENGTHS, key=foretold))

    def run(self, told: Told | None = None) -> dict[str, Array]:
        """(T, ks, MEASURES) of each of ROWS; NaN where k does not enter, or the ratings are all equal."""
        people, raters = self.people(), len(self.tested)
        found = {row: np.full((raters, len(self.ks), 1), np.nan) for row in ROWS}
        draws = FEW_DRAWS if raters > MANY else DRAWS
        for place, (row, known) in enumerate(ROWS.items()):
            met = people[known]
            for rater in range(raters):
                other = (rater + 1) % raters if "wrong" in row else rater
                orders = self._orders(met, rater, other, "chosen" in row, draws)
                measured = [self._measured(met, rater, other, one) for one in orders]
                found[row][rater, :, 0] = np.mean(measured, axis=0)
            if told:
                told("content", place + 1, len(ROWS))
        return found

    def _orders(self, met: Person, rater: int, other: int, chosen: bool, draws: int) -> list[Array]:
        there = np.flatnonzero(~np.isnan(self.tested[other]) & ~self.is_target)
        most = min(max(self.ks), len(there))
        if chosen:
            return [met.design(there, np.flatnonzero(self.is_target), most, order_only=True)]
        rngs = (np.random.default_rng([rater, draw]) for draw in range(draws))
        return [rng.permutation(there)[:most] for rng in rngs]

    def _measured(self, met: Person, rater: int, other: int, order: Array) -> Array:
        """(ks,) Spearman correlation over the rater's target pictures, from the other's ratings."""
        given = np.flatnonzero(~np.isnan(self.tested[rater]) & self.is_target)
        found = np.full(len(self.ks), np.nan)
        for place, (k, use) in enumerate(zip(self.ks, self.used, strict=True)):
            if use:
                expected = met.given(order[:k], self.tested[other, order[:k]], given)
                found[place] = spearman(expected, self.tested[rater, given])
        return found


def spearman(one: Array, other: Array) -> float:
    """The correlation of the ranks of two lists (n,), equal values share theirs; NaN where all are equal."""
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(one), rankdata(other)])
    centred = ranks - ranks.mean(1, keepdims=True)
    sizes = np.sqrt((centred**2).sum(1))
    return float(centred[0] @ centred[1] / (sizes[0] * sizes[1])) if sizes.all() else float("nan")
