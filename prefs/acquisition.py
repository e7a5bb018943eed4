"""What to ask: how much the answer to each candidate question would tell.

eig: information of the answer about the taste (Lindley 1956). epig: information of the answer about
the answers to target questions (Bickford Smith et al. 2023). eubo: expected utility of the best
option shown (Lin et al. 2022). All integrate over the belief with fixed quasi-random draws, so that
the same belief and candidates give the same numbers every time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prefs.batch import check_vectors
from prefs.belief import Belief, chances, logits
from prefs.draws import normals
from prefs.errors import QuestionError
from prefs.model import QuestionVectors
from prefs.space import Floats

ACQUISITIONS = ("random", "eig", "epig", "eubo", "static")
JOINT_DRAWS = 256
BLOCK = 512  # questions worked on at once, so that their numbers stay in the cache
ROUGH_DRAWS = 32
STAGES = ((384, 128), (48, 1024))  # so many of the most informative are compared with so many draws


def eig(belief: Belief, vectors: QuestionVectors, draws: int = 128) -> Floats:
    """(N,) mutual information of each answer and the taste, in nats."""
    gains = np.empty(len(vectors))
    for start in range(0, len(vectors), BLOCK):
        part = vectors[start : start + BLOCK]
        chance = chances(logits(belief, part, draws), belief.lapse, part.counts)
        gains[start : start + BLOCK] = _entropy(chance.mean(2)) - _entropy(chance).mean(1)
    return gains


def epig(belief: Belief, vectors: QuestionVectors, targets: QuestionVectors) -> Floats:
    """(N,) mean mutual information of each answer and the answer to one of M targets, in nats."""
    wanted = _together(belief, targets)
    goals, labels, draws = wanted.shape
    independent, flat = wanted.mean(2), wanted.reshape(-1, draws)
    gains = np.empty(len(vectors))
    rows = max(1, (1 << 21) // (vectors.g.shape[1] * len(flat)))
    for start in range(0, len(vectors), rows):
        asked = _together(belief, vectors[start : start + rows])
        joint = asked.reshape(-1, draws) @ flat.T / draws
        joint = joint.reshape(len(asked), -1, goals, labels).swapaxes(1, 2)
        apart = _entropy(asked.mean(2))[:, None] + _entropy(independent)
        gains[start : start + rows] = (apart - _entropy(joint.reshape(*apart.shape, -1), axis=2)).mean(1)
    return gains


def eubo(belief: Belief, vectors: QuestionVectors) -> Floats:
    """(N,) expected utility of the best option of each question, in logits."""
    return np.asarray(logits(belief, vectors).max(1).mean(1))


def best(belief: Belief, vectors: QuestionVectors) -> tuple[int, float]:
    """Row of the question with the largest eig, and that eig in nats.

    All questions are compared roughly, the promising ones among them ever more precisely.
    """
    if not len(vectors):
        raise QuestionError("no candidate questions to choose from: open a gallery or a bank")
    rows = shortlist(belief, vectors, STAGES[0][0])
    for count, draws in STAGES:
        rows = rows[:count]
        gains = eig(belief, vectors[rows], draws)
        order = np.argsort(-gains, kind="stable")
        rows, gains = rows[order], gains[order]
    return int(rows[0]), float(gains[0])


def shortlist(belief: Belief, vectors: QuestionVectors, count: int) -> NDArray[np.intp]:
    """Rows of the questions whose eig is roughly the largest, at most `count`."""
    check_vectors(vectors, len(belief.mean))
    if len(vectors) <= count:
        return np.arange(len(vectors))
    size = len(belief.mean)
    draws = normals(size, max(ROUGH_DRAWS, 2 * size))
    tastes = (belief.mean + draws @ belief.chol.T).astype(np.float32)
    gains = np.concatenate(
        [_rough(tastes, vectors[start : start + BLOCK]) for start in range(0, len(vectors), BLOCK)]
    )
    return np.argsort(-gains, kind="stable")[:count]


def _rough(tastes: NDArray[np.float32], vectors: QuestionVectors) -> NDArray[np.float32]:
    """(N,) eig without the lapse, in single precision, at the same S tastes (S, d) for all.

    Each option's logits lie together as (S, N), so that all sums over options and tastes run
    along long rows. H(p) = log sum_k exp(l_k) - sum_k p_k l_k needs one exponential per logit.
    """
    count, options = vectors.g.shape
    phi = vectors.phi.astype(np.float32)
    g = np.maximum(vectors.g, -1e3).astype(np.float32)
    score = np.empty((options, len(tastes), count), np.float32)
    for k in range(options):
        np.matmul(tastes, phi[:, k].T, out=score[k])
        score[k] += g[:, k]
    score -= score.max(0)
    weight = np.exp(score)
    total = weight.sum(0)
    score *= weight
    noise = (np.log(total) - score.sum(0) / total).mean(0)
    weight /= total
    return np.asarray(_entropy(weight.mean(1), axis=0) - noise)


def _together(belief: Belief, vectors: QuestionVectors) -> Floats:
    """(N, K, S) probabilities of the answers, at the same tastes for all questions."""
    check_vectors(vectors, len(belief.mean))
    size = len(belief.mean)
    tastes = belief.mean + normals(size, max(JOINT_DRAWS, 2 * size)) @ belief.chol.T
    return chances(vectors.phi @ tastes.T + vectors.g[..., None], belief.lapse, vectors.counts)


def _entropy(chance: NDArray[np.floating], axis: int = 1) -> NDArray[np.floating]:
    """Entropy in nats along an axis; 0 log 0 = 0."""
    tiny = np.finfo(chance.dtype).tiny
    return np.asarray(-(chance * np.log(np.maximum(chance, tiny))).sum(axis))
