"""Beliefs of many raters at once, by expectation propagation (Minka 2001).

Coordinates are whitened: z = mean + L u with u ~ N(0, I) in the population. The logits of each answer
are taken relative to the option that was chosen, so that

    P(answer | u) = (1 - eps) / sum_k exp(X_k u + b_k) + eps / K,     X_chosen = 0, b_chosen = 0.

The mode comes first, by damped Newton steps from the population with Fisher curvature, which stays
positive definite though the lapse makes the posterior not log-concave. Then a few parallel sweeps
replace each answer's curvature at the mode by the Gaussian factor that keeps mean and covariance of
its exact likelihood under everything else that is known (the cavity). Moments in the K dimensions of
an answer's logits come from fixed draws. The cavity also tells how well the *other* answers predict
each answer; the lapse is the posterior mean of a Beta-binomial given these.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from prefs.draws import normals
from prefs.errors import ModelError, QuestionError
from prefs.model import QuestionVectors
from prefs.space import Floats, TasteSpace

LAPSE = 0.02
LAPSE_STRENGTH = 5.0  # answers that the population's lapse weighs
LEAST_LAPSE = 1e-6  # so that no log of answers is impossible
SWEEPS = 2
DRAWS = 32
NEWTON_STEPS = 30
NEAR = 1e-2  # the search ends where the next step is expected to gain less than this squared, in nats
BLOCK = 1 << 21  # logits held at once


@dataclass(frozen=True)
class Beliefs:
    """Beliefs of R raters: mean (R, d), cov (R, d, d), lapse (R,), answers (R,)."""

    mean: Floats
    cov: Floats
    lapse: Floats
    answers: NDArray[np.intp]


@dataclass
class _Answers:
    """Answers of R raters relative to the chosen options.

    X (R, N, K, d) and b (R, N, K), 0 at the chosen (R, N) option; given (R, N), counts (N,).
    """

    X: Floats
    b: Floats
    chosen: NDArray[np.intp]
    given: NDArray[np.bool_]
    counts: NDArray[np.intp]


def infer_many(
    space: TasteSpace,
    vectors: QuestionVectors,
    answers: NDArray[np.intp],
    lapse: float | None = None,
    *,
    around: float = LAPSE,
) -> Beliefs:
    """Beliefs of R raters about whom answers (R, N) to N questions are known; -1 where there is none.

    lapse: fixed for all of them, or None to estimate each rater's own around the population's.

    Raises:
        ModelError: vectors that are not finite; QuestionError: an answer that is no option.
    """
    check_vectors(vectors, space.size)
    counts = vectors.counts
    if answers.ndim != 2 or answers.shape[1] != len(vectors):
        raise QuestionError(f"answers of shape {answers.shape} to {len(vectors)} questions")
    if (answers < -1).any() or (answers >= counts).any():
        raise QuestionError("an answer is no option of its question: allowed are 0 to K-1, or -1 for none")
    if not 0.0 <= (around if lapse is None else lapse) <= 1.0:
        raise ModelError(f"lapse {around if lapse is None else lapse}: allowed is 0 to 1")
    chol = np.linalg.cholesky(space.cov)
    phi, g = vectors.phi @ chol, vectors.g + vectors.phi @ space.mean
    raters, d = len(answers), space.size
    mean, cov, eps = np.zeros((raters, d)), np.zeros((raters, d, d)), np.empty(raters)
    rows = max(1, BLOCK // max(1, phi.shape[0] * phi.shape[1] * max(DRAWS, d)))
    for start in range(0, raters, rows):
        part = slice(start, start + rows)
        mean[part], cov[part], eps[part] = _block(_relative(phi, g, counts, answers[part]), lapse, around)
    return Beliefs(space.mean + mean @ chol.T, chol @ cov @ chol.T, eps, (answers >= 0).sum(1))


def check_vectors(vectors: QuestionVectors, size: int) -> None:
    """Raises ModelError unless the vectors are finite, of the given size, and every row has options."""
    if vectors.phi.shape != (*vectors.g.shape, size):
        raise ModelError(f"vectors of shape {vectors.phi.shape} in a taste space of {size} coordinates")
    if not np.isfinite(vectors.phi).all() or np.isnan(vectors.g).any() or (vectors.g == np.inf).any():
        raise ModelError("question vectors are not finite: index or fit again")
    if (vectors.counts < 2).any():
        raise ModelError("a question has fewer than two options: fit again")


def softmax(logits: Floats, axis: int = -1) -> Floats:
    """Softmax over an axis; -inf (padding) gives 0."""
    weights = np.exp(logits - logits.max(axis, keepdims=True))
    weights /= weights.sum(axis, keepdims=True)
    return np.asarray(weights)


def _relative(phi: Floats, g: Floats, counts: NDArray[np.intp], answers: NDArray[np.intp]) -> _Answers:
    given, questions = answers >= 0, np.arange(len(counts))
    chosen = np.where(given, answers, 0)
    X = np.where(np.isfinite(g)[..., None], phi - phi[questions, chosen][:, :, None], 0.0)
    X[~given] = 0.0
    return _Answers(X, g - g[questions, chosen][:, :, None], chosen, given, counts)


def _block(said: _Answers, lapse: float | None, around: float) -> tuple[Floats, Floats, Floats]:
    """Mean (R, d), covariance (R, d, d) and lapse (R,) in whitened coordinates."""
    eps = np.full(len(said.given), max(around if lapse is None else lapse, LEAST_LAPSE))
    precision, shift = _mode(said, eps)
    for _ in range(SWEEPS):
        predicted, precision, shift = _sweep(said, eps, precision, shift)
        if lapse is None:
            eps = _lapse(predicted, said, around)
    return *_gaussian(said, precision, shift), eps


def _gaussian(said: _Answers, precision: Floats, shift: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of u given the Gaussian factors exp(shift l - l' precision l / 2), l = X u."""
    raters, count, options, d = said.X.shape
    flat = said.X.reshape(raters, count * options, d)
    weighted = (precision @ said.X).reshape(flat.shape)
    cov = np.linalg.inv(np.eye(d) + flat.swapaxes(1, 2) @ weighted)
    cov = (cov + cov.swapaxes(1, 2)) / 2
    return (cov @ (flat.swapaxes(1, 2) @ shift.reshape(raters, -1, 1)))[..., 0], cov


def _mode(said: _Answers, eps: Floats) -> tuple[Floats, Floats]:
    """Gaussian factors of the answers at the mode: precision (R, N, K, K), shift (R, N, K)."""
    raters, count, options, d = said.X.shape
    flat = said.X.reshape(raters, count * options, d)
    looked, floor = (1 - eps)[:, None], eps[:, None] / said.counts
    u, step, value = np.zeros((raters, d)), np.zeros((raters, d)), np.full(raters, -np.inf)
    for _ in range(NEWTON_STEPS):
        for _ in range(NEWTON_STEPS):
            trial = u + step
            logits = (flat @ trial[..., None]).reshape(said.b.shape) + said.b
            p = softmax(logits)
            chosen = looked * np.take_along_axis(p, said.chosen[..., None], 2)[..., 0]
            reached = (np.log(chosen + floor) * said.given).sum(1) - 0.5 * np.square(trial).sum(1)
            worse = reached < value - 1e-9
            if not worse.any():
                break
            step[worse] /= 2
        u, value = trial, reached
        share = looked[..., None] * p
        fisher = np.square(share) / (share + floor[..., None])
        fisher[~np.isfinite(said.b)] = 0.0
        precision = -fisher[..., None] * p[..., None, :]
        precision = precision + precision.swapaxes(2, 3)
        precision += fisher.sum(-1)[..., None, None] * p[..., None] * p[..., None, :]
        diagonal = np.arange(options)
        precision[..., diagonal, diagonal] += fisher
        slope = -(chosen / (chosen + floor))[..., None] * p
        at = (flat @ u[..., None]).reshape(said.b.shape)
        shift = slope + (precision @ at[..., None])[..., 0]
        step = _gaussian(said, precision, shift)[0] - u
        gain = (step * (np.einsum("rmd,rm->rd", flat, slope.reshape(raters, -1)) - u)).sum(1)
        if (gain < NEAR**2).all():
            break
        step[gain < NEAR**2] = 0.0
    return precision, shift


def _sweep(said: _Answers, eps: Floats, precision: Floats, shift: Floats) -> tuple[Floats, Floats, Floats]:
    """One parallel sweep: (R, N) chance of each answer if looked at, given the others; new factors."""
    mean, cov = _gaussian(said, precision, shift)
    X, options = said.X, said.X.shape[2]
    eye = np.eye(options)
    C = (X.reshape(len(X), -1, X.shape[3]) @ cov).reshape(X.shape) @ X.swapaxes(2, 3)
    m = (X @ mean[:, None, :, None])[..., 0]
    C = C @ np.linalg.inv(eye - precision @ C)
    C = (C + C.swapaxes(2, 3)) / 2
    m = m + (C @ ((precision @ m[..., None])[..., 0] - shift)[..., None])[..., 0]
    jitter = 1e-12 + 1e-9 * np.trace(C, axis1=2, axis2=3)
    root = np.linalg.cholesky(C + jitter[..., None, None] * eye)
    draws = normals(options, max(DRAWS, 2 * options)).T
    p = softmax(root @ draws + (m + said.b)[..., None], axis=-2)
    chosen = np.take_along_axis(p, said.chosen[..., None, None], 2)[..., 0, :]
    predicted = chosen.mean(-1)
    evidence = (1 - eps)[:, None] * predicted + eps[:, None] / said.counts
    tilt = ((1 - eps)[:, None, None] / draws.shape[1]) * chosen / evidence[..., None]
    first = (p @ tilt[..., None])[..., 0]
    second = (p * tilt[..., None, :]) @ p.swapaxes(2, 3)
    hessian = 2 * second - first[..., :, None] * first[..., None, :]
    hessian -= first[..., None] * eye
    precision = _nonnegative(-np.linalg.inv(eye + hessian @ C) @ hessian)
    back = m - (C @ first[..., None])[..., 0]
    shift = (precision @ back[..., None])[..., 0] - first
    return predicted, precision, shift


def _nonnegative(precision: Floats) -> Floats:
    """The symmetric parts without their negative eigenvalues.

    A lapse can explain an answer away, so that it says nothing; it must not widen the belief, or
    several such answers together would leave no proper Gaussian.
    """
    precision = (precision + precision.swapaxes(2, 3)) / 2
    slack = 1e-12 + 1e-6 * np.trace(precision, axis1=2, axis2=3)
    try:
        np.linalg.cholesky(precision + slack[..., None, None] * np.eye(precision.shape[-1]))
    except np.linalg.LinAlgError:
        values, axes = np.linalg.eigh(precision)
        return np.asarray((axes * np.maximum(values, 0.0)[..., None, :]) @ axes.swapaxes(2, 3))
    return precision


def _lapse(predicted: Floats, said: _Answers, around: float) -> Floats:
    """(R,) posterior mean of the lapse given how well each answer is predicted by the others."""
    logs, cells = _lapse_prior(around)
    chance = (1 - cells) * predicted[..., None] + cells / said.counts[:, None]
    logs = logs + (np.log(chance) * said.given[..., None]).sum(1)
    return np.asarray(softmax(logs) @ cells)


@lru_cache(maxsize=8)
def _lapse_prior(around: float) -> tuple[Floats, Floats]:
    """A Beta prior cut into 32 cells: log mass and mean of each."""
    from scipy.special import betainc

    around = min(max(around, LEAST_LAPSE), 1 - LEAST_LAPSE)
    a, b = LAPSE_STRENGTH * around, LAPSE_STRENGTH * (1 - around)
    edges = np.linspace(0.0, 1.0, 33) ** 2
    mass = np.diff(betainc(a, b, edges))
    return np.log(mass), around * np.diff(betainc(a + 1, b, edges)) / mass
