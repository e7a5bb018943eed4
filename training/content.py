"""What a person likes, as a Gaussian process over questions about pictures, learned from other people.

A rater r answers question p, a pair or a picture, with

    y_rp = g(p) + h_r(p) + noise,    g ~ GP(0, sum_m a_m K_m),    h_r ~ GP(0, sum_m b_m K_m)

where y is -1 for the left and +1 for the right picture, or a rating about its mean; g is what everybody
likes and h_r what is personal. The weights a, b and the noise maximise the marginal likelihood of the
other raters' answers (type II maximum likelihood; Rasmussen and Williams 2006, ch. 5). A new rater is
known as a Gaussian over all questions, which is exact: conditioned on what the others said and on own
answers. Treating a choice as a number is the linear probability model: E[y] = 2 P(right) - 1, so the
chance of the right picture is (1 + mean) / 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import DataError

Array = NDArray[Any]
USUAL, USUAL_NOISE = 0.03, 0.6  # where the search of the weights starts
TRUST = 0.1  # precision of the prior on the logarithm of each weight about the usual one
LIMITS = (-9.0, 3.0)  # of the logarithm of a weight
STEPS = 30
JITTER = 1e-9


@dataclass(frozen=True)
class Weights:
    """Weights of m kernels: shared (m,), personal (m,) and the variance of the noise of an answer."""

    shared: Array
    personal: Array
    noise: float

    def covariances(self, kernels: Array) -> tuple[Array, Array]:
        """(n, n) covariance of the shared and of a personal part, from kernels (m, n, n)."""
        return np.tensordot(self.shared, kernels, 1), np.tensordot(self.personal, kernels, 1)


@dataclass(frozen=True)
class Known:
    """The answers of R raters to n questions as what they tell about the shared and the personal parts.

    mean: (n,) mean answer; count: (n,) raters who answered, at least one; both: (n, n) raters who
    answered two questions. groups: for the c raters who answered the same questions the rows of these and
    their deviations from the mean, (rows, c), scaled to be unbiased.
    """

    mean: Array
    count: Array
    both: Array
    groups: Sequence[tuple[Array, Array]]

    @classmethod
    def of(cls, answers: Array) -> Known:
        """From answers (R, n), NaN where there is none; raises DataError for a question nobody answered."""
        there = ~np.isnan(answers)
        count = there.sum(0)
        if not count.all():
            raise DataError(f"question {int(np.argmin(count))} has no answer: leave it out")
        mean = np.where(there, answers, 0.0).sum(0) / count
        shrunk = np.sqrt(count / np.maximum(count - 1, 1))
        deviations = np.where(there, answers - mean, 0.0) * shrunk
        alike: dict[bytes, list[int]] = {}
        for rater, row in enumerate(there & (count > 1)):
            alike.setdefault(row.tobytes(), []).append(rater)
        groups = []
        for raters in alike.values():
            rows = np.flatnonzero(there[raters[0]] & (count > 1))
            if len(rows):
                groups.append((rows, deviations[raters][:, rows].T))
        whole = there.astype(np.float64)
        return cls(mean, count, whole.T @ whole, groups)

    @cached_property
    def share(self) -> Array:
        """(n, n) how much of a personal covariance is left in that of the mean answers."""
        found: Array = self.both / (self.count[:, None] * self.count)
        return found


def fit_weights(kernels: Array, answers: Array) -> Weights:
    """The weights that make the answers of R raters to n questions likeliest.

    kernels: (m, n, n) of the questions, each of mean variance about one. answers: (R, n), NaN where there
    is none. The likelihood is that of the mean answers times that of each rater's deviations from them,
    which is exact where all raters answered all questions.

    Raises:
        DataError: fewer than two raters, or a question that nobody answered.
    """
    from scipy.optimize import minimize

    if len(answers) < 2:
        raise DataError(f"{len(answers)} rater: what is personal shows from two on")
    usual = np.log(np.r_[np.full(2 * len(kernels), USUAL), USUAL_NOISE])
    likelihood = _Likelihood(kernels, Known.of(answers), len(answers), usual)
    options = {"maxiter": STEPS}
    found = minimize(
        likelihood, usual, jac=True, method="L-BFGS-B", bounds=[LIMITS] * len(usual), options=options
    )
    weights = np.exp(found.x)
    m = len(kernels)
    return Weights(weights[:m], weights[m:-1], float(weights[-1]))


class _Likelihood:
    """Negative logarithm of the posterior of the logarithms of the weights, with its gradient."""

    def __init__(self, kernels: Array, known: Known, raters: int, usual: Array) -> None:
        self.kernels, self.known, self.usual = kernels, known, usual
        self.flat = kernels.reshape(len(kernels), -1)
        self.each = (raters - 1) / raters  # deviations from a mean of R carry R - 1 raters' worth

    def __call__(self, x: Array) -> tuple[float, Array]:
        m, known = len(self.kernels), self.known
        weights = np.exp(x)
        shared, personal = Weights(weights[:m], weights[m:-1], weights[-1]).covariances(self.kernels)
        size, noise = len(shared), weights[-1]
        value, inverse, explained = _gaussian(
            shared + personal * known.share + np.diag(noise / known.count), known.mean[:, None]
        )
        by_mean = 0.5 * (inverse - explained)
        by_own = by_mean * known.share
        by_noise = float((np.diag(by_mean) / known.count).sum())
        for rows, deviations in known.groups:
            part = personal[np.ix_(rows, rows)] + noise * np.eye(len(rows))
            more, inverse, explained = _gaussian(part, deviations)
            slope = 0.5 * self.each * (deviations.shape[1] * inverse - explained)
            value += self.each * more
            by_own[np.ix_(rows, rows)] += slope
            by_noise += float(np.trace(slope))
        by_mean, by_own = by_mean.reshape(size * size), by_own.reshape(size * size)
        slopes = np.r_[self.flat @ by_mean, self.flat @ by_own, by_noise] * weights
        away = x - self.usual
        return float(value + 0.5 * TRUST * (away @ away)), slopes + TRUST * away


def _gaussian(cov: Array, vectors: Array) -> tuple[float, Array, Array]:
    """Negative log density of vectors (n, c), the inverse P of their covariance, and P V V' P."""
    from scipy.linalg import cholesky, lapack

    lower = cholesky(cov + JITTER * np.eye(len(cov)), lower=True, check_finite=False)
    half, _ = lapack.dpotri(lower, lower=1)
    inverse = np.tril(half) + np.tril(half, -1).T
    alpha = inverse @ vectors
    volume = vectors.shape[1] * float(np.log(np.diag(lower)).sum())
    return 0.5 * float((vectors * alpha).sum()) + volume, inverse, alpha @ alpha.T


@dataclass(frozen=True)
class Person:
    """What is expected of a rater's answers: mean (n,), covariance (n, n) without noise, and the noise."""

    mean: Array
    cov: Array
    noise: float

    def given(self, asked: Array, said: Array, wanted: Array) -> Array:
        """(M,) expected answers to `wanted` (M,) rows after answers `said` (k,) to those in rows `asked`."""
        if not len(asked):
            found: Array = self.mean[wanted]
            return found
        own = self.cov[np.ix_(asked, asked)] + self.noise * np.eye(len(asked))
        found = self.mean[wanted] + self.cov[np.ix_(wanted, asked)] @ np.linalg.solve(
            own, said - self.mean[asked]
        )
        return found

    def design(self, candidates: Array, aims: Array, count: int, order_only: bool = False) -> Array:
        """(count,) rows of the questions to ask, greedy: most expected information about the aims first.

        The score of a question is its mean mutual information with the answer to an aim, known exactly
        in a Gaussian: -1/2 log(1 - rho^2). It does not depend on the answers, so the order is fixed
        before the first one. candidates, aims: rows. order_only: only how an aim differs from the mean
        of all aims counts, and not how high a rater rates.
        """
        rows, size = np.r_[candidates, aims], len(candidates)
        cov = self.cov[np.ix_(rows, rows)]
        if order_only:
            cov[:, size:] -= cov[:, size:].mean(1, keepdims=True)
            cov[size:] -= cov[size:].mean(0)
        left, chosen = np.ones(size, dtype=bool), []
        for _ in range(min(count, size)):
            spread = np.diag(cov) + self.noise
            squared = cov[:size, size:] ** 2 / (spread[:size, None] * spread[size:])
            score = -0.5 * np.log1p(-np.minimum(squared, 1 - 1e-12)).mean(1)
            best = int(np.where(left, score, -np.inf).argmax())
            chosen.append(best)
            left[best] = False
            cov -= np.outer(cov[:, best], cov[best]) / spread[best]
        found: Array = candidates[np.array(chosen, dtype=np.intp)]
        return found


def person(shared: Array, personal: Array, noise: float, answers: Array) -> Person:
    """Somebody new, of whom only is known what other raters answered.

    shared, personal: (n, n) covariances. answers: (R, n) of the others, NaN where there is none; questions
    that nobody answered are foretold from the others.

    Raises:
        DataError: nobody answered anything.
    """
    known = np.flatnonzero(~np.isnan(answers).all(0))
    if not len(known):
        raise DataError("the other raters answered nothing: at least one answer is needed")
    said = Known.of(answers[:, known])
    own = shared[np.ix_(known, known)] + personal[np.ix_(known, known)] * said.share
    own += np.diag(noise / said.count + JITTER)
    gain = np.linalg.solve(own, shared[known])
    return Person(said.mean @ gain, shared - shared[:, known] @ gain + personal, noise)


def log_density(cov: Array, noise: float, known: Known) -> float:
    """Log density of raters' deviations from the mean answers, up to a constant that no model changes."""
    found = 0.0
    for rows, deviations in known.groups:
        found -= _gaussian(cov[np.ix_(rows, rows)] + noise * np.eye(len(rows)), deviations)[0]
    return found
