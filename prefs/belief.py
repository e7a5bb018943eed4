"""The belief: what the answers of one rater say about the taste z, as a Gaussian N(mean, cov).

The belief is a pure function of (model, effective answers): it starts from the population each time,
so that replaying a log gives the same bits, and an answer that is undone leaves no trace. How it is
computed stands in `prefs.batch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prefs.batch import LAPSE, check_vectors, infer_many, softmax
from prefs.draws import normals
from prefs.errors import QuestionError
from prefs.model import ChoiceModel, QuestionVectors
from prefs.questions import Answer, Question
from prefs.space import Floats, TasteSpace

DRAWS = 128


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
        return np.asarray(np.linalg.cholesky(self.cov))


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
    return infer_vectors(model.space, vectors, answers, None, around=model.lapse)


def infer_vectors(
    space: TasteSpace,
    vectors: QuestionVectors,
    answers: NDArray[np.intp],
    lapse: float | None,
    *,
    around: float = LAPSE,
) -> Belief:
    """The belief after N answers as arrays; answers: (N,) indices of options, all >= 0.

    lapse: fixed, or None to estimate it around that of the population.

    Raises:
        ModelError: vectors that are not finite; QuestionError: an answer that is no option.
    """
    if (answers < 0).any():
        raise QuestionError(f"answer {answers.min()}: allowed are indices of options, leave skips out")
    found = infer_many(space, vectors, answers[None], lapse, around=around)
    return Belief(found.mean[0], found.cov[0], float(found.lapse[0]), len(answers))


def logits(belief: Belief, vectors: QuestionVectors, draws: int = DRAWS) -> Floats:
    """(N, K, S) logits of the options at S equally likely tastes, -inf on padding.

    Each question has its own draws, in the K dimensions of its logits: good for averages over the
    belief of one question at a time, not for two questions together.
    """
    check_vectors(vectors, len(belief.mean))
    half = vectors.phi @ belief.chol
    cov = half @ half.swapaxes(1, 2)
    options = cov.shape[-1]
    jitter = 1e-12 + 1e-9 * np.trace(cov, axis1=1, axis2=2)
    root = np.linalg.cholesky(cov + jitter[:, None, None] * np.eye(options))
    middle = vectors.phi @ belief.mean + vectors.g
    return np.asarray(middle[..., None] + root @ normals(options, max(draws, 2 * options)).T)


def chances(logits: Floats, lapse: float, counts: NDArray[np.intp]) -> Floats:
    """(N, K, S) probabilities of the answers from (N, K, S) logits; counts: (N,) options."""
    floor = np.isfinite(logits[..., :1]) * (lapse / counts)[:, None, None]
    return np.asarray((1 - lapse) * softmax(logits, axis=1) + floor)


def probabilities(belief: Belief, vectors: QuestionVectors) -> Floats:
    """(N, K) predictive P(answer | question), the belief integrated out, 0 on padding."""
    return np.asarray(chances(logits(belief, vectors), belief.lapse, vectors.counts).mean(2))
