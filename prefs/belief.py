"""The belief: what the answers of one rater say about the taste z, as a Gaussian N(mean, cov).

The belief is a pure function of (model, effective answers). The search for its mode starts from
the population each time, so that replaying a log gives the same bits, and an answer that is undone
leaves no trace.

The likelihood of an answer is (1 - eps) softmax(phi z + g) + eps / K. Its lapse makes it not
log-concave; the mode is found by damped Newton steps with Fisher curvature, which is positive
definite everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prefs.errors import ModelError, QuestionError
from prefs.model import ChoiceModel, QuestionVectors
from prefs.questions import Answer, Question
from prefs.space import Floats, TasteSpace

LAPSE = 0.02
STEPS = 50
TOLERANCE = 1e-8


@dataclass(frozen=True)
class Belief:
    """A Gaussian over the taste z of one rater.

    mean: (d,); cov: (d, d), positive definite; lapse: share of answers given without looking;
    answers: number of answers that it rests on.
    """

    mean: Floats
    cov: Floats
    lapse: float
    answers: int

    @cached_property
    def chol(self) -> Floats:
        """(d, d) lower triangular L with L L' = cov."""
        return np.linalg.cholesky(self.cov)


def prior(model: ChoiceModel) -> Belief:
    """The belief before any answer: the population of raters."""
    return Belief(model.space.mean, model.space.cov, model.lapse, 0)


def infer(model: ChoiceModel, responses: Sequence[tuple[Question, Answer]]) -> Belief:
    """The belief after the given responses; skips (None) carry no likelihood.

    Raises:
        QuestionError: a question that the model does not know, an answer that it does not have.
        ModelError: vectors that are not finite.
    """
    said = [(question, question.check_answer(answer)) for question, answer in responses]
    given = [(question, answer) for question, answer in said if answer is not None]
    if not given:
        return prior(model)
    vectors = model.stack([question for question, _ in given])
    answers = np.array([answer for _, answer in given], dtype=np.intp)
    return infer_vectors(model.space, vectors, answers, model.lapse)


def infer_vectors(
    space: TasteSpace, vectors: QuestionVectors, answers: NDArray[np.intp], lapse: float | None
) -> Belief:
    """The belief after N answers as arrays; answers: (N,) indices of options, all >= 0.

    Raises:
        ModelError: vectors that are not finite; QuestionError: an answer that is no option.
    """
    eps = LAPSE if lapse is None else lapse
    check_vectors(vectors, space.size)
    counts = vectors.counts
    if answers.shape != counts.shape or (answers < 0).any() or (answers >= counts).any():
        raise QuestionError(f"answers {answers[:5]}... to {len(vectors)} questions: each must be an option")
    chol = np.linalg.cholesky(space.cov)
    phi = vectors.phi @ chol
    g = vectors.g + vectors.phi @ space.mean
    mode, cov = _laplace(phi, g, answers, counts, eps)
    return Belief(space.mean + chol @ mode, chol @ cov @ chol.T, eps, len(answers))


def check_vectors(vectors: QuestionVectors, size: int) -> None:
    """Raises ModelError unless the vectors are finite, of the given size, and every row has options."""
    if vectors.phi.shape != (*vectors.g.shape, size):
        raise ModelError(f"vectors of shape {vectors.phi.shape} in a taste space of {size} coordinates")
    if not np.isfinite(vectors.phi).all() or np.isnan(vectors.g).any() or (vectors.g == np.inf).any():
        raise ModelError("question vectors are not finite: index or fit again")
    if (vectors.counts < 2).any():
        raise ModelError("a question has fewer than two options: fit again")


def softmax(logits: Floats) -> Floats:
    """Softmax over the last axis; -inf (padding) gives 0."""
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def probabilities(belief: Belief, vectors: QuestionVectors) -> Floats:
    """(N, K) predictive P(answer | question), the belief integrated out, 0 on padding."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    draws = ndtri(qmc.Sobol(len(belief.mean), seed=0).random(128))
    tastes = belief.mean + draws @ belief.chol.T
    logits = np.einsum("nkd,sd->nsk", vectors.phi, tastes, optimize=True) + vectors.g[:, None]
    floor = np.isfinite(vectors.g) / vectors.counts[:, None]
    return np.asarray((1 - belief.lapse) * softmax(logits).mean(1) + belief.lapse * floor)


def _laplace(
    phi: Floats, g: Floats, answers: NDArray[np.intp], counts: NDArray[np.intp], eps: float
) -> tuple[Floats, Floats]:
    """Mode (d,) and covariance (d, d) of u ~ N(0, I) after the answers."""
    rows = np.arange(len(answers))
    floor = np.isfinite(g) * (eps / counts)[:, None]
    size = phi.shape[-1]
    u, value, step = np.zeros(size), -np.inf, np.zeros(size)
    for _ in range(STEPS):
        while True:
            share = (1 - eps) * softmax(g + phi @ (u + step))
            chance = share + floor
            trial = float(np.log(chance[rows, answers]).sum() - 0.5 * np.square(u + step).sum())
            if trial >= value - 1e-12:
                break
            step = step / 2
        u, value = u + step, trial
        centered = phi - np.einsum("nk,nkd->nd", share, phi)[:, None] / (1 - eps)
        looked = np.divide(share, chance, out=np.zeros_like(share), where=share > 0)
        gradient = looked[rows, answers] @ centered[rows, answers] - u
        weighted = (share * looked)[..., None] * centered
        curvature = np.eye(size) + np.tensordot(weighted, centered, ((0, 1), (0, 1)))
        cov = np.linalg.inv(curvature)
        step = cov @ gradient
        if gradient @ step < TOLERANCE**2:
            break
    return u, cov
