"""How well answers tell who is answering: log p(rater ID) through the choice model.

Hypothesis r speaks as P(a | q, z_r), z_r the posterior mean given answers of r, with a lapse of 0.05
and the same prior for all raters of the set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefs.model import QuestionVectors
from prefs.space import Floats

LAPSE = 0.05
TOP = 16
ROWS = 256  # raters whose hypotheses are weighed at once


@dataclass(frozen=True)
class Identified:
    """log p of the true rater after 0, 1, ... T answers, (R, T + 1), and its rank among all, from 0."""

    log_p: Floats
    rank: NDArray[np.intp]


def hypotheses(tastes: Floats, vectors: QuestionVectors) -> NDArray[np.float32]:
    """(N, K, H) log probabilities of the answers to N questions under H tastes (H, d)."""
    counts = vectors.counts
    found = np.full((*vectors.g.shape, len(tastes)), -np.inf, dtype=np.float32)
    for row, (phi, g) in enumerate(zip(vectors.phi, vectors.g, strict=True)):
        real = slice(0, int(counts[row]))
        logits = phi[real] @ tastes.T + g[real, None]
        p = np.exp(logits - logits.max(0))
        found[row, real] = np.log((1 - LAPSE) * p / p.sum(0) + LAPSE / counts[row])
    return found


def identify(
    table: NDArray[np.float32],
    asked: NDArray[np.intp],
    answers: NDArray[np.intp],
    true: NDArray[np.intp],
) -> Identified:
    """Weighs all hypotheses, question by question.

    table: (N, K, H) of `hypotheses`. asked: (R, T) questions, -1 where there are no more. answers:
    (R, N). true: (R,) the hypothesis that each rater is.
    """
    raters, steps = asked.shape
    log_p = np.empty((raters, steps + 1))
    rank = np.empty((raters, steps + 1), dtype=np.intp)
    for start in range(0, raters, ROWS):
        part = slice(start, min(start + ROWS, raters))
        rows = np.arange(part.stop - start)
        weights = np.zeros((len(rows), table.shape[2]), dtype=np.float32)
        for step in range(steps + 1):
            if step:
                question = asked[part, step - 1]
                said = table[question, answers[part][rows, question]]
                weights += np.where(question[:, None] >= 0, said, 0)
            own = weights[rows, true[part]]
            top = weights.max(1)
            total = top + np.log(np.exp(weights - top[:, None]).sum(1))
            log_p[part, step] = own - total
            above, equal = weights > own[:, None], weights == own[:, None]
            rank[part, step] = above.sum(1) + (equal.sum(1) - 1) // 2  # ties share the middle
    return Identified(log_p, rank)
