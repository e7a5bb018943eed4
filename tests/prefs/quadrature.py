"""Exact answers on a fine grid over two coordinates of the taste; the others never matter in a question."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from prefs.belief import Belief
from prefs.model import QuestionVectors
from prefs.space import STYLE, Floats, TasteSpace, independent

SIZE = len(STYLE) + 2
FIRST, SECOND = len(STYLE), len(STYLE) + 1
STEPS, REACH = 101, 6.0


def space(mean: tuple[float, float] = (0.3, -0.2), correlation: float = 0.4) -> TasteSpace:
    cov = np.array([[1.0, correlation], [correlation, 1.5]])
    return independent([("pictures", np.array(mean), cov)])


def questions(kind: str, count: int, rng: np.random.Generator, scale: float = 1.5) -> QuestionVectors:
    """Pairs with a tie, grids of four, ratings with five labels or thumbs over the two coordinates."""
    options = {"pair": 3, "grid": 4, "rating": 5, "thumbs": 2}[kind]
    taste, g = scale * rng.normal(size=(count, options, 2)), rng.normal(size=(count, options)) / 2
    if kind == "pair":
        taste[:, 2] = taste[:, :2].mean(1)
    if kind == "rating":
        taste = np.linspace(-1, 1, 5)[:, None] * taste[:, :1]
    if kind == "thumbs":
        taste[:, 1] = 0.0
    phi = np.zeros((count, options, SIZE))
    phi[..., FIRST:] = taste
    return QuestionVectors(phi, g)


def grid(center: Floats, cov: Floats) -> tuple[Floats, Floats]:
    """Points (S, 2) and normalized log weights (S,) of a Gaussian over the two coordinates."""
    axis = np.linspace(-REACH, REACH, STEPS)
    unit = np.array(list(product(axis, axis)))
    logs = -0.5 * np.square(unit).sum(1)
    return center + unit @ np.linalg.cholesky(cov).T, logs - np.log(np.exp(logs).sum())


def likelihood(points: Floats, vectors: QuestionVectors, lapse: float) -> Floats:
    """(S, N, K) probabilities of the answers at each point, written out plainly."""
    logits = np.einsum("nkd,sd->snk", vectors.phi[..., FIRST:], points) + vectors.g
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    chance = weights / weights.sum(-1, keepdims=True)
    return (1 - lapse) * chance + lapse * np.isfinite(vectors.g) / vectors.counts[:, None]


def posterior(
    space: TasteSpace, vectors: QuestionVectors, answers: NDArray[np.intp], lapse: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Points, weights, mean and covariance of the two coordinates given the answers."""
    points, logs = grid(space.mean[FIRST:], space.cov[FIRST:, FIRST:])
    chance = likelihood(points, vectors, lapse)
    logs = logs + np.log(chance[:, np.arange(len(answers)), answers]).sum(1)
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    mean = weights @ points
    return points, weights, mean, (points - mean).T @ ((points - mean) * weights[:, None])


def over(belief: Belief) -> tuple[Floats, Floats]:
    """Points and weights of a Gaussian belief."""
    points, logs = grid(belief.mean[FIRST:], belief.cov[FIRST:, FIRST:])
    return points, np.exp(logs)
