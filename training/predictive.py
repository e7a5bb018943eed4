"""What beliefs about many raters say about their answers, in blocks of float32."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from prefs.batch import Beliefs
from prefs.draws import normals
from prefs.model import QuestionVectors

DRAWS = 128
HELD = 1 << 23  # probabilities held at once


def chances(
    beliefs: Beliefs, vectors: QuestionVectors, draws: int = DRAWS, held: int = HELD
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """(raters, (K, B, S, N)) probabilities of the answers at S draws of the taste, lapse included.

    A rater's draws are the same for all questions, so that answers can be taken together.
    """
    questions, options = vectors.g.shape
    d = beliefs.mean.shape[1]
    noise = normals(d, max(draws, 2 * d)).astype(np.float32)
    phi = np.ascontiguousarray(vectors.phi.transpose(1, 2, 0), dtype=np.float32)
    g = np.where(np.isfinite(vectors.g), vectors.g, -1e9).T.astype(np.float32)
    floor = (np.isfinite(vectors.g) / vectors.counts[:, None]).T.astype(np.float32)
    size = max(1, held // (questions * options * len(noise)))
    for start in range(0, len(beliefs.mean), size):
        part = slice(start, start + size)
        roots = np.linalg.cholesky(beliefs.cov[part]).astype(np.float32)
        tastes = beliefs.mean[part, None].astype(np.float32) + noise @ roots.swapaxes(1, 2)
        p = (tastes.reshape(-1, d) @ phi).reshape(options, len(roots), len(noise), questions)
        p += g[:, None, None]
        p -= p.max(0)
        np.exp(p, out=p)
        lapse = beliefs.lapse[part].astype(np.float32)[:, None, None]
        p *= (1 - lapse) / p.sum(0)
        p += lapse * floor[:, None, None]
        yield part, p


def predict(beliefs: Beliefs, vectors: QuestionVectors) -> NDArray[np.float32]:
    """(R, N, K) probabilities of the answers, the belief integrated out, 0 on padding."""
    found = np.empty((len(beliefs.mean), *vectors.g.shape), dtype=np.float32)
    for part, p in chances(beliefs, vectors):
        found[part] = p.mean(2).transpose(1, 2, 0)
    return found
