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

Where the population is a mixture of strengths of taste, each strength gives a belief of its own, and
the belief returned has the mean and covariance of their mixture, weighed by how well each strength
explains the answers (Laplace's approximation of the evidence, at the mode).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from prefs.draws import normals
from prefs.errors import ModelError, QuestionError
from prefs.model import QuestionVectors
from prefs.space import Floats, TasteSpace

LAPSE = 0.02
LAPSE_STRENGTH = 4.0  # answers that the population's lapse weighs
LEAST_LAPSE = 1e-6  # so that no log of answers is impossible
SWEEPS = 2
DRAWS = 64
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

    X (R, N, K, d) and b (R, N, K), 0 at the chosen (R, N) option; given (R, N), counts (R, N).
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
    raters, d = len(answers), space.size
    number = (answers >= 0).sum(1)
    found = Beliefs(np.zeros((raters, d)), np.zeros((raters, d, d)), np.empty(raters), number)
    size = len(space.strengths) * max(1, number.max(initial=0)) * vectors.g.shape[1] * max(DRAWS, d)
    rows = max(1, BLOCK // max(1, size))
    order = np.argsort(number, kind="stable")
    for start in range(0, raters, rows):
        part = order[start : start + rows]
        found.mean[part], found.cov[part], found.lapse[part] = _block(
            space, vectors, answers[part], lapse, around
        )
    return found


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
    """The answers alone, gathered to the front: what was not asked costs nothing."""
    most = (answers >= 0).sum(1).max(initial=0)
    asked = np.argsort(answers < 0, axis=1, kind="stable")[:, :most]
    said = np.take_along_axis(answers, asked, 1)
    given, chosen = said >= 0, np.maximum(said, 0)
    X = phi[asked] - phi[asked, chosen][:, :, None]
    X[~(given[..., None] & np.isfinite(g)[asked])] = 0.0
    return _Answers(X, g[asked] - g[asked, chosen][:, :, None], chosen, given, counts[asked])


def _block(
    space: TasteSpace, vectors: QuestionVectors, answers: NDArray[np.intp], lapse: float | None, around: float
) -> tuple[Floats, Floats, Floats]:
    """Mean (R, d), covariance (R, d, d) and lapse (R,) of so many raters as fit into memory."""
    chol = np.linalg.cholesky(space.cov)
    roots = np.stack([factors[:, None] * chol for _, factors in space.strengths])
    g = vectors.g + vectors.phi @ space.mean
    said = _joined([_relative(vectors.phi @ root, g, vectors.counts, answers) for root in roots])
    eps = np.full(len(said.given), max(around if lapse is None else lapse, LEAST_LAPSE))
    factors, evidence = _mode(said, eps)
    for _ in range(SWEEPS):
        predicted, factors = _sweep(said, eps, factors)
        if lapse is None:
            eps = _lapse(predicted, said, around)
    each = (len(roots), len(answers))
    shares = np.array([share for share, _ in space.strengths])
    weight = softmax(np.log(shares)[:, None] + evidence.reshape(each), axis=0)
    mean, cov = _mixed(weight, roots, factors.mean(said), factors.cov)
    return space.mean + mean, cov, (weight * eps.reshape(each)).sum(0)


def _joined(parts: Sequence[_Answers]) -> _Answers:
    """The answers of all parts, as if each part were of other raters."""
    fields = ((part.X, part.b, part.chosen, part.given, part.counts) for part in parts)
    return _Answers(*(np.concatenate(arrays) for arrays in zip(*fields, strict=True)))


def _mixed(weight: Floats, roots: Floats, mean: Floats, cov: Floats) -> tuple[Floats, Floats]:
    """Mean (R, d) and covariance (R, d, d) of mixtures of S Gaussians.

    weight (S, R); roots (S, d, d) turn whitened coordinates into deviations from the population's
    mean; mean (S R, d) and cov (S R, d, d) are whitened.
    """
    d = mean.shape[-1]
    means = mean.reshape(*weight.shape, d) @ roots.swapaxes(1, 2)
    covs = roots[:, None] @ cov.reshape(*weight.shape, d, d) @ roots.swapaxes(1, 2)[:, None]
    middle = (weight[..., None] * means).sum(0)
    apart = means - middle
    spread = covs + apart[..., None] * apart[..., None, :]
    return middle, np.asarray((weight[..., None, None] * spread).sum(0))


@dataclass
class _Factors:
    """A Gaussian exp(shift l - l' precision l / 2) of the logits l = X u for each answer.

    precision (R, N, K, K), shift (R, N, K). Their product with the population has covariance cov
    (R, d, d); without one of them the covariance of its logits is cavity (R, N, K, K).
    """

    precision: Floats
    shift: Floats
    cov: Floats
    cavity: Floats

    def mean(self, said: _Answers) -> Floats:
        """(R, d) mean of u given all factors."""
        raters, _, _, d = said.X.shape
        flat = said.X.reshape(raters, -1, d)
        return np.asarray((self.cov @ (self.shift.reshape(raters, 1, -1) @ flat).swapaxes(1, 2))[..., 0])


def _covariances(said: _Answers, precision: Floats) -> tuple[Floats, Floats]:
    """cov (R, d, d) and cavity (R, N, K, K) of `_Factors`."""
    X = said.X
    cov = np.linalg.inv(_total(X, precision))
    cov = (cov + cov.swapaxes(1, 2)) / 2
    C = (X.reshape(len(X), -1, X.shape[3]) @ cov).reshape(X.shape) @ X.swapaxes(2, 3)
    C = C @ np.linalg.inv(np.eye(X.shape[2]) - precision @ C)
    return cov, (C + C.swapaxes(2, 3)) / 2


def _total(X: Floats, precision: Floats) -> Floats:
    """(R, d, d) precision of u given all factors."""
    raters, _, _, d = X.shape
    weighted = (precision @ X).reshape(raters, -1, d)
    return np.asarray(np.eye(d) + X.reshape(raters, -1, d).swapaxes(1, 2) @ weighted)


def _mode(said: _Answers, eps: Floats) -> tuple[_Factors, Floats]:
    """Gaussian factors of the answers at the mode; (R,) log evidence by Laplace's approximation there."""
    raters, _, options, d = said.X.shape
    flat = said.X.reshape(raters, -1, d)
    looked, floor = (1 - eps)[:, None], eps[:, None] / said.counts
    value = np.full(raters, -np.inf)
    u: Floats = np.zeros((raters, d))
    step: Floats = np.zeros((raters, d))
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
        cross = fisher[..., None] * p[..., None, :]
        precision = -(cross + cross.swapaxes(2, 3))
        precision += fisher.sum(-1)[..., None, None] * p[..., None] * p[..., None, :]
        diagonal = np.arange(options)
        precision[..., diagonal, diagonal] += fisher
        slope = -(chosen / (chosen + floor))[..., None] * p
        gradient = (slope.reshape(raters, 1, -1) @ flat)[:, 0] - u
        step = np.asarray(np.linalg.solve(_total(said.X, precision), gradient[..., None])[..., 0])
        gain = (step * gradient).sum(1)
        if (gain < NEAR**2).all():
            break
        step[gain < NEAR**2] = 0.0
    at = (flat @ u[..., None]).reshape(said.b.shape)
    shift = slope + (precision @ at[..., None])[..., 0]
    factors = _Factors(precision, shift, *_covariances(said, precision))
    return factors, value + np.linalg.slogdet(factors.cov)[1] / 2


def _sweep(said: _Answers, eps: Floats, old: _Factors) -> tuple[Floats, _Factors]:
    """One parallel sweep: (R, N) chance of each answer if looked at, given the others; new factors."""
    C, eye = old.cavity, np.eye(said.X.shape[2])
    m = (said.X @ old.mean(said)[:, None, :, None])[..., 0]
    m = m + (C @ ((old.precision @ m[..., None])[..., 0] - old.shift)[..., None])[..., 0]
    root = np.linalg.cholesky(C + 1e-9 * _size(C))
    draws = normals(len(eye), max(DRAWS, 2 * len(eye))).T
    p = softmax(root @ draws + (m + said.b)[..., None], axis=-2)
    chosen = np.take_along_axis(p, said.chosen[..., None, None], 2)[..., 0, :]
    predicted = chosen.mean(-1)
    evidence = (1 - eps)[:, None] * predicted + eps[:, None] / said.counts
    tilt = ((1 - eps)[:, None, None] / draws.shape[1]) * chosen / evidence[..., None]
    first = (p @ tilt[..., None])[..., 0]
    second = (p * tilt[..., None, :]) @ p.swapaxes(2, 3)
    hessian = 2 * second - first[..., :, None] * first[..., None, :]
    hessian -= first[..., None] * eye
    precision = -np.linalg.inv(eye + hessian @ C) @ hessian
    precision, cov, cavity = _proper(said, (precision + precision.swapaxes(2, 3)) / 2)
    back = m - (C @ first[..., None])[..., 0]
    return predicted, _Factors(precision, (precision @ back[..., None])[..., 0] - first, cov, cavity)


def _proper(said: _Answers, precision: Floats) -> tuple[Floats, Floats, Floats]:
    """Precision, cov and cavity of factors that leave every rater a proper Gaussian.

    An answer that was probably a lapse widens the belief: its factor has negative eigenvalues. Where
    these together leave less than half of the population's precision, or a cavity that is none,
    they are cut off.
    """
    cov, cavity = _covariances(said, precision)
    good = _positive(cov) & _positive(2 * np.eye(cov.shape[1]) - cov)
    good &= _positive(cavity + 1e-9 * _size(cavity)).all(1)
    if not good.all():
        values, axes = np.linalg.eigh(precision[~good])
        precision[~good] = (axes * np.maximum(values, 0.0)[..., None, :]) @ axes.swapaxes(2, 3)
        cov, cavity = _covariances(said, precision)
    return precision, cov, cavity


def _positive(matrices: Floats) -> NDArray[np.bool_]:
    """Whether each of the symmetric matrices (..., n, n) is positive definite."""
    try:
        np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.eigvalsh(matrices)[..., 0] > 0)
    return np.ones(matrices.shape[:-2], bool)


def _size(matrices: Floats) -> Floats:
    """Multiples of the identity, as large as the traces of the matrices plus a thousandth."""
    trace = np.abs(np.trace(matrices, axis1=-2, axis2=-1)) + 1e-3
    return np.asarray(trace[..., None, None] * np.eye(matrices.shape[-1]))


def _lapse(predicted: Floats, said: _Answers, around: float) -> Floats:
    """(R,) posterior mean of the lapse given how well each answer is predicted by the others."""
    logs, cells = _lapse_prior(around)
    chance = (1 - cells) * predicted[..., None] + cells / said.counts[..., None]
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
