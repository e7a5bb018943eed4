"""What to ask: how much the answer to each candidate question would tell.

eig: information of the answer about the taste. epig: information of the answer about the answers to
target questions (Bickford Smith et al. 2023). eubo: expected utility of the best option shown (Lin
et al. 2022). All integrate over the belief with fixed quasi-random draws, so that the same belief
and candidates give the same numbers every time.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from prefs.belief import Belief, softmax
from prefs.model import QuestionVectors
from prefs.space import Floats

ACQUISITIONS = ("random", "eig", "epig", "eubo", "static")
DRAWS = 128


@lru_cache(maxsize=8)
def normals(size: int, count: int = DRAWS) -> Floats:
    """(count, size) quasi-random draws of N(0, I), always the same ones."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    return np.asarray(ndtri(qmc.Sobol(size, seed=0).random(count)))


def chances(belief: Belief, vectors: QuestionVectors) -> Floats:
    """(N, S, K) probabilities of the answers at S draws of the taste, lapse included."""
    tastes = belief.mean + normals(len(belief.mean)) @ belief.chol.T
    logits = np.einsum("nkd,sd->nsk", vectors.phi, tastes, optimize=True) + vectors.g[:, None]
    floor = (np.isfinite(vectors.g) / vectors.counts[:, None])[:, None]
    return np.asarray((1 - belief.lapse) * softmax(logits) + belief.lapse * floor)


def entropy(chance: Floats) -> Floats:
    """Entropy in nats over the last axis; 0 log 0 = 0."""
    logs = np.log(chance, out=np.zeros_like(chance), where=chance > 0)
    return np.asarray(-(chance * logs).sum(-1))


def eig(belief: Belief, vectors: QuestionVectors) -> Floats:
    """(N,) mutual information of each answer and the taste, in nats."""
    chance = chances(belief, vectors)
    return np.asarray(entropy(chance.mean(1)) - entropy(chance).mean(1))


def epig(belief: Belief, vectors: QuestionVectors, targets: QuestionVectors) -> Floats:
    """(N,) mean mutual information of each answer and the answer to a target question, in nats."""
    asked, wanted = chances(belief, vectors), chances(belief, targets)
    count = asked.shape[1]
    joint = np.einsum("nsk,mst->nmkt", asked, wanted, optimize=True) / count
    independent = np.einsum("nk,mt->nmkt", asked.mean(1), wanted.mean(1))
    ratio = np.divide(joint, independent, out=np.ones_like(joint), where=independent > 0)
    return np.asarray((joint * np.log(ratio)).sum((2, 3)).mean(1))


def eubo(belief: Belief, vectors: QuestionVectors) -> Floats:
    """(N,) expected utility of the best option of each question, in logits."""
    tastes = belief.mean + normals(len(belief.mean)) @ belief.chol.T
    logits = np.einsum("nkd,sd->nsk", vectors.phi, tastes, optimize=True) + vectors.g[:, None]
    return np.asarray(logits.max(2).mean(1))


def best(belief: Belief, vectors: QuestionVectors) -> tuple[int, float]:
    """Row of the question with the largest eig, and that eig in nats."""
    gains = eig(belief, vectors)
    row = int(gains.argmax())
    return row, float(gains[row])
