"""Averages over raters with bootstrap intervals, and calibration of predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefs.space import Floats

BINS = 15
TEMPERATURES = np.arange(0.7, 1.51, 0.02)
SURE = 2.0  # standard errors
RESAMPLES = 1000


@dataclass(frozen=True)
class Calibration:
    """Top-label predictions of R raters in bins of equal mass: sums (R, bins) and counts (R, bins)."""

    excess: Floats  # confidence minus correctness, summed
    counts: Floats
    doubt: Floats  # confidence times its complement, summed: the variance of what is correct

    def error(self, weights: Floats | None = None) -> Floats:
        """Mean absolute gap of confidence and accuracy; weights (B, R) give (B,), none a scalar."""
        weights = np.ones(len(self.counts)) if weights is None else weights
        return np.asarray(np.abs(weights @ self.excess).sum(-1) / (weights @ self.counts).sum(-1))

    def by_chance(self) -> float:
        """The error that perfectly calibrated predictions of as many answers are expected to show."""
        return float(np.sqrt(2 / np.pi * self.doubt.sum(0)).sum() / self.counts.sum())


def calibration(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_], raters: NDArray[np.intp], count: int
) -> Calibration:
    """Calibration of N pooled predictions; raters: (N,) whose each is, of `count` raters."""
    order = np.argsort(confidence, kind="stable")
    bins = np.empty(len(order), dtype=np.intp)
    bins[order] = np.arange(len(order)) * BINS // max(len(order), 1)
    excess, counts, doubt = (np.zeros((count, BINS)) for _ in range(3))
    np.add.at(excess, (raters, bins), confidence - correct)
    np.add.at(counts, (raters, bins), 1.0)
    np.add.at(doubt, (raters, bins), confidence * (1.0 - confidence))
    return Calibration(excess, counts, doubt)


def tempered(p: NDArray[np.floating], temperature: float) -> NDArray[np.floating]:
    """Probabilities (..., K) that are surer (temperature below 1) or less sure; 0 stays 0."""
    found = p ** (1 / temperature)
    return np.asarray(found / found.sum(-1, keepdims=True))


def best_temperature(p: NDArray[np.floating], answers: NDArray[np.intp]) -> float:
    """The temperature of least log loss for N predictions (N, K) of answers (N,), 1 without any.

    Source: Guo et al. (2017), temperature scaling.
    """
    if not len(answers):
        return 1.0
    logs = np.log(np.maximum(p, 1e-12, dtype=np.float64))
    said = np.take_along_axis(logs, answers[:, None], 1)[:, 0]
    losses = [np.log(np.exp(logs / t).sum(1)).mean() - said.mean() / t for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def sure_temperature(p: NDArray[np.floating], answers: NDArray[np.intp], raters: NDArray[np.intp]) -> float:
    """The best temperature if it is better than 1 by two standard errors over raters (N,), else 1.

    Of few raters a temperature tells more about these raters than about the predictions.
    """
    best = best_temperature(p, answers)
    if best == 1.0:
        return 1.0
    row = np.arange(len(answers))
    gain = np.log(tempered(p, best)[row, answers] / p[row, answers])
    number = np.bincount(raters)
    means = np.bincount(raters, gain)[number > 0] / number[number > 0]
    spread = means.std(ddof=1) if len(means) > 1 else np.inf
    return best if means.mean() > SURE * spread / np.sqrt(len(means)) else 1.0


def resamples(raters: int, count: int = RESAMPLES, seed: int = 0) -> Floats:
    """(count, raters) how often each rater is drawn in each bootstrap resample."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(raters, np.full(raters, 1 / raters), count).astype(np.float64)


def interval(values: Floats, weights: Floats) -> tuple[float, float, float]:
    """Mean of (R,) values, NaN left out, and its 95 % bootstrap interval; NaN where none is left."""
    given = np.isfinite(values)
    if not given.any():
        return (float("nan"),) * 3
    mass = weights @ given
    means = (weights @ np.where(given, values, 0.0))[mass > 0] / mass[mass > 0]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(values[given].mean()), float(low), float(high)
