"""Fixed orders of questions, the bar that adaptive choice has to pass.

static: greedy on the actual log loss of training raters' answers to target questions. static_id:
greedy on their actual log p(true rater ID). What is known of a rater is a weight on each of many
hypotheses about the taste; asking a question multiplies each weight by the likelihood of the true
answer. Both orders use losses that real people cause, not a model's opinion of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from prefs.batch import Beliefs, softmax
from prefs.errors import DataError
from prefs.model import QuestionVectors
from prefs.space import Floats

Singles = NDArray[np.float32]
Rows = NDArray[np.intp]
Gain = Callable[[Rows, Singles, Singles], Floats]

LAPSE = 0.05
BLOCK = 1 << 25  # likelihoods held at once
DOUBT = 20.0  # raters without any gain that stand beside those who answered a question


def static_order(
    vectors: QuestionVectors,
    answers: Rows,
    beliefs: Beliefs,
    candidates: Sequence[int],
    targets: Sequence[int],
    *,
    count: int = 40,
    raters: int = 1000,
    hypotheses: int = 1000,
    seed: int = 0,
    known: Sequence[int] = (),
) -> list[int]:
    """Rows of the questions to ask, first to last, greedy on the mean log loss of target answers.

    The first `count` are chosen, the rest follow in order of what they would add then.
    vectors: Q questions. answers: (R, Q) options chosen by training raters, -1 where missing.
    beliefs: of these raters given all their answers. Losses are of up to `raters` of them;
    hypotheses are one draw each from the beliefs of up to `hypotheses` others, so that nobody is
    predicted from the own answers. known: questions whose answers are known before the first is asked.

    Raises:
        DataError: fewer than two raters, or no target answer.
    """
    asked = _check(vectors, answers, candidates)
    goals = np.asarray(targets, dtype=np.intp)
    if len(answers) < 2 or not (answers[:, goals] >= 0).any():
        raise DataError(f"static order of {len(answers)} raters and {len(goals)} targets: give more of both")
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(answers))
    judged = shuffled[: min(raters, len(answers) // 2)]
    others = shuffled[len(judged) :][:hypotheses]
    noise = rng.standard_normal((len(others), beliefs.mean.shape[1]))
    tastes = beliefs.mean[others] + np.einsum("rij,rj->ri", np.linalg.cholesky(beliefs.cov[others]), noise)
    table = _likelihoods(vectors, tastes)
    wanted, said = _answered(answers[judged], goals)
    number = np.maximum((said >= 0).sum(1), 1)[:, None]

    def gain(part: Rows, weights: Singles, likelihood: Singles) -> Floats:
        """(B, C) gain of the mean log p of the target answers by each answer to a candidate."""
        aims = table[wanted[part], said[part]].swapaxes(1, 2)
        known = weights[:, None] * likelihood
        logs = np.log(known @ aims) - np.log(known.sum(2))[..., None]
        before = np.log(weights[:, None] @ aims)
        return np.asarray((logs - before).sum(2) / number[part])

    return _greedy(table, answers[judged], asked, gain, min(count, len(asked)), known)


def static_id_order(
    vectors: QuestionVectors,
    answers: Rows,
    beliefs: Beliefs,
    candidates: Sequence[int],
    *,
    count: int = 40,
    raters: int = 1000,
    seed: int = 0,
) -> list[int]:
    """Rows of the questions to ask, first to last, greedy on the mean log p(true rater ID).

    As `static_order`; hypotheses are the posterior means of all raters, equally likely at first.
    """
    asked = _check(vectors, answers, candidates)
    table = _likelihoods(vectors, beliefs.mean)
    judged = np.random.default_rng(seed).permutation(len(answers))[:raters]

    def gain(part: Rows, weights: Singles, likelihood: Singles) -> Floats:
        """(B, C) gain of log p(true ID) by each answer to a candidate."""
        own = likelihood[np.arange(len(part)), :, judged[part]]
        return np.asarray(np.log(own) - np.log((likelihood @ weights[..., None])[..., 0]))

    return _greedy(table, answers[judged], asked, gain, min(count, len(asked)))


def _check(vectors: QuestionVectors, answers: Rows, candidates: Sequence[int]) -> Rows:
    asked = np.asarray(candidates, dtype=np.intp)
    if answers.ndim != 2 or answers.shape[1] != len(vectors) or not len(asked) or not len(answers):
        raise DataError(
            f"static order of {len(asked)} candidates, {len(vectors)} questions and answers "
            f"{answers.shape}: expected raters times questions, and a candidate"
        )
    return asked


def _likelihoods(vectors: QuestionVectors, tastes: Floats) -> Singles:
    """(Q, K + 1, H) chance of each answer under each hypothesis; the last row, 1, is for no answer."""
    questions, options = vectors.g.shape
    table = np.ones((questions, options + 1, len(tastes)), np.float32)
    logits = vectors.phi @ tastes.T + vectors.g[..., None]
    table[:, :options] = (1 - LAPSE) * softmax(logits, axis=1) + (LAPSE / vectors.counts)[:, None, None]
    return table


def _answered(answers: Rows, questions: Rows) -> tuple[Rows, Rows]:
    """(R, C) those of the questions that each rater answered, and the answers, -1 on padding."""
    said = answers[:, questions]
    first = np.argsort(said < 0, axis=1, kind="stable")[:, : int((said >= 0).sum(1).max(initial=0))]
    return questions[first], np.take_along_axis(said, first, 1)


def _greedy(
    table: Singles, answers: Rows, candidates: Rows, gain: Gain, count: int, known: Sequence[int] = ()
) -> list[int]:
    """Takes, `count` times, the candidate of the largest mean gain over the raters who answered it.

    The rest follow in order of their gains at the end: who answered little is asked them soon.
    """
    weights = np.full((len(answers), table.shape[2]), 1.0 / table.shape[2], np.float32)
    for question in known:
        weights *= table[question, answers[:, question]]
        weights /= weights.sum(1, keepdims=True)
    answered = np.bincount(_given(answers, candidates), minlength=len(table))
    left, order, mean = candidates, list[int](), np.zeros(len(table))
    for _ in range(count):
        total = np.zeros(len(table))
        width = max(1, int((answers[:, left] >= 0).sum(1).max(initial=0)))
        rows = max(1, BLOCK // (table.shape[2] * width))
        for start in range(0, len(answers), rows):
            part = np.arange(start, min(start + rows, len(answers)))
            asked, said = _answered(answers[part], left)
            gains = gain(part, weights[part], table[asked, said])
            total += np.bincount(asked[said >= 0], gains[said >= 0], minlength=len(table))
        mean = total / (answered + DOUBT)
        order.append(int(left[np.argmax(mean[left])]))
        left = left[left != order[-1]]
        weights *= table[order[-1], answers[:, order[-1]]]
        weights /= weights.sum(1, keepdims=True)
    return order + [int(row) for row in left[np.argsort(-mean[left], kind="stable")]]


def _given(answers: Rows, candidates: Rows) -> Rows:
    """The candidates of all answers, each as often as it was answered."""
    return np.asarray(candidates[np.nonzero(answers[:, candidates] >= 0)[1]])
