"""What beliefs about many raters say about their answers, in blocks of float32."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from prefs.batch import Beliefs
from prefs.draws import normals
from prefs.model import QuestionVectors
from prefs.space import Floats

Singles = NDArray[np.float32]
DRAWS = 128
HELD = 1 << 22  # probabilities held at once


def apart(beliefs: Beliefs, vectors: QuestionVectors) -> Iterator[tuple[slice, Singles]]:
    """(raters, (K, B, N, S)) probabilities of the answers at S equally likely tastes, lapse included.

    Every question has draws of its own, in the K dimensions of its logits, which is more exact than
    draws of the taste: good for averages over one question at a time.
    """
    questions, options = vectors.g.shape
    noise = normals(options, max(DRAWS, 2 * options)).T.astype(np.float32)
    flat, eye = vectors.phi.reshape(questions * options, -1), np.eye(options)
    for part in _parts(len(beliefs.mean), questions * options * max(noise.shape[1], flat.shape[1])):
        half = (flat @ np.linalg.cholesky(beliefs.cov[part])).reshape(-1, questions, options, flat.shape[1])
        cov = half @ half.swapaxes(2, 3)
        jitter = 1e-9 * (1 + np.trace(cov, axis1=2, axis2=3))
        root = np.linalg.cholesky(cov + jitter[..., None, None] * eye).astype(np.float32)
        middle = (beliefs.mean[part] @ flat.T).reshape(-1, questions, options) + _popularity(vectors)
        logits = root.transpose(2, 0, 1, 3) @ noise
        logits += middle.transpose(2, 0, 1)[..., None].astype(np.float32)
        floor = _floor(vectors)[:, None, :, None]
        yield part, _with_lapse(logits, beliefs.lapse[part][:, None, None], floor)


def together(beliefs: Beliefs, vectors: QuestionVectors) -> Iterator[tuple[slice, Singles]]:
    """(raters, (K, B, S, N)) as `apart`, but with the same S tastes for all questions of a rater."""
    questions, options = vectors.g.shape
    size = beliefs.mean.shape[1]
    noise = normals(size, max(DRAWS, 2 * size)).astype(np.float32)
    phi = np.ascontiguousarray(vectors.phi.transpose(1, 2, 0), dtype=np.float32)
    g = _popularity(vectors).T.astype(np.float32)[:, None, None]
    # a joint distribution of every two answers may stand beside the draws
    for part in _parts(len(beliefs.mean), questions * options * max(len(noise), questions * options // 4)):
        roots = np.linalg.cholesky(beliefs.cov[part]).astype(np.float32)
        tastes = beliefs.mean[part, None].astype(np.float32) + noise @ roots.swapaxes(1, 2)
        logits = (tastes.reshape(-1, size) @ phi).reshape(options, len(roots), len(noise), questions)
        logits += g
        floor = _floor(vectors)[:, None, None]
        yield part, _with_lapse(logits, beliefs.lapse[part][:, None, None], floor)


def predict(beliefs: Beliefs, vectors: QuestionVectors) -> Singles:
    """(R, N, K) probabilities of the answers, the belief integrated out, 0 on padding."""
    found = np.empty((len(beliefs.mean), *vectors.g.shape), dtype=np.float32)
    for part, p in apart(beliefs, vectors):
        found[part] = p.mean(3).transpose(1, 2, 0)
    return found


def _parts(count: int, each: int) -> Iterator[slice]:
    size = max(1, HELD // each)
    for start in range(0, count, size):
        yield slice(start, start + size)


def _popularity(vectors: QuestionVectors) -> Floats:
    """(N, K) g, with a number in place of -inf that no draw outweighs."""
    return np.asarray(np.where(np.isfinite(vectors.g), vectors.g, -1e9))


def _floor(vectors: QuestionVectors) -> Singles:
    """(K, N) chances of the answers of somebody who does not look."""
    return np.asarray((np.isfinite(vectors.g) / vectors.counts[:, None]).T, dtype=np.float32)


def _with_lapse(logits: Singles, lapse: Floats, floor: Singles) -> Singles:
    """Turns logits (K, ...) into probabilities in place; lapse and floor broadcast."""
    eps = lapse.astype(np.float32)
    logits -= logits.max(0)
    np.exp(logits, out=logits)
    logits *= (1 - eps) / logits.sum(0)
    logits += eps * floor
    return logits
