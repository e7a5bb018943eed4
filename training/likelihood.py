"""Likelihood of blocks of answers under the choice model, with gradients as matrix products.

Raters are taken in blocks, each with only the questions that somebody in it answered, so that the
cost follows the answers and not raters x questions. Arrays run (option, rater, question): sums over
options are then sums of whole matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.surveys import MISSING, Survey

Array = NDArray[np.float32]
NEVER = np.float32(-1e9)  # popularity of an option that a question does not have
BLOCK = 512  # raters


@dataclass(frozen=True)
class Block:
    """Answers (B, Q') of the raters in a slice to the questions in columns (Q',), -1 where missing."""

    raters: slice
    columns: NDArray[np.intp]
    answers: NDArray[np.int16]


@dataclass(frozen=True)
class Slope:
    """log likelihood (B,) of each rater, and its derivative by the logits, (K, B, Q')."""

    value: Array
    logits: Array


def blocks(survey: Survey, size: int = BLOCK) -> Iterator[Block]:
    """Blocks of up to `size` raters; of a question answered on several occasions, the first counts."""
    first, all_rows = survey.first_times, survey.rows
    for start in range(0, len(survey.raters), size):
        stop = min(start + size, len(survey.raters))
        begin, end = survey.starts[start], survey.starts[stop]
        part = begin + np.flatnonzero(first[begin:end])
        columns, places = np.unique(survey.columns[part], return_inverse=True)
        answers = np.full((stop - start, len(columns)), MISSING, dtype=np.int16)
        answers[all_rows[part] - start, places] = survey.answers[part]
        yield Block(slice(start, stop), columns.astype(np.intp), answers)


def slope(tastes: Array, phi: Array, g: Array, answers: NDArray[np.int16], lapse: float) -> Slope:
    """Likelihood of answers (B, Q); tastes (B, c), phi (K, Q, c), g (K, Q) with NEVER on padding.

    P = (1 - lapse) softmax + lapse / K; the derivative of log P by a logit is the usual residual
    (chosen - softmax) times the chance that the rater looked.
    """
    p = np.matmul(tastes, phi.transpose(0, 2, 1)) + g[:, None]
    p -= p.max(0)
    np.exp(p, out=p)
    p /= p.sum(0)
    given = answers >= 0
    chosen = np.take_along_axis(p, np.maximum(answers, 0)[None].astype(np.intp), 0)[0]
    counts = (g > NEVER / 2).sum(0).astype(np.float32)
    chance = (1 - lapse) * chosen + lapse / counts
    value = np.log(chance, out=np.zeros_like(chance), where=given).sum(1)
    looked = np.where(given, (1 - lapse) * chosen / chance, 0).astype(np.float32)
    p *= -looked
    for option in range(len(g)):
        p[option] += looked * (answers == option)
    return Slope(value, p)


def by_taste(found: Slope, phi: Array) -> Array:
    """(B, c) derivative of each rater's log likelihood by the taste."""
    return np.asarray(np.matmul(found.logits, phi).sum(0))


def by_vectors(found: Slope, tastes: Array) -> tuple[Array, Array]:
    """Derivatives of the block's log likelihood by phi (K, Q, c) and g (K, Q)."""
    return np.matmul(found.logits.transpose(0, 2, 1), tastes), found.logits.sum(1)
