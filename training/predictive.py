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
Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]
DRAWS = 128
HELD = 1 << 22  # probabilities held at once


def apart(
    beliefs: Beliefs, vectors: QuestionVectors, needed: Bools | None = None
) -> Iterator[tuple[slice, Rows, Singles]]:
    """(raters, questions, (K, B, N, S)) chances of the answers at S equally likely tastes, lapse included.

    Every question has draws of its own, in the K dimensions of its logits, which is more exact than
    draws of the taste: good for averages over one question at a time. needed: (R, Q) the questions that
    matter of each rater, all without; the N questions are those that any of the B raters needs.
    """
    questions, options = vectors.g.shape
    noise = normals(options, max(DRAWS, 2 * options)).T.astype(np.float32)
    size, eye = vectors.phi.shape[2], np.eye(options)
    each = questions * options * max(noise.shape[1], size)
    for part, columns in _parts(len(beliefs.mean), each, needed, questions):
        some = vectors[columns]
        flat = some.phi.reshape(-1, size)
        half = (flat @ np.linalg.cholesky(beliefs.cov[part])).reshape(-1, len(columns), options, size)
        cov = half @ half.swapaxes(2, 3)
        jitter = 1e-9 * (1 + np.trace(cov, axis1=2, axis2=3))
        root = np.linalg.cholesky(cov + jitter[..., None, None] * eye).astype(np.float32)
        middle = (beliefs.mean[part] @ flat.T).reshape(-1, len(columns), options) + _popularity(some)
        logits = root.transpose(2, 0, 1, 3) @ noise
        logits += middle.transpose(2, 0, 1)[..., None].astype(np.float32)
        floor = _floor(some)[:, None, :, None]
        yield part, columns, _with_lapse(logits, beliefs.lapse[part][:, None, None], floor)


def together(
    beliefs: Beliefs, vectors: QuestionVectors, needed: Bools | None = None
) -> Iterator[tuple[slice, Rows, Singles]]:
    """(raters, questions, (K, B, S, N)) as `apart`, but with the same S tastes for all questions."""
    questions, options = vectors.g.shape
    size = beliefs.mean.shape[1]
    noise = normals(size, max(DRAWS, 2 * size)).astype(np.float32)
    # a joint distribution of every two answers may stand beside the draws
    each = questions * options * max(len(noise), questions * options // 4)
    for part, columns in _parts(len(beliefs.mean), each, needed, questions):
        some = vectors[columns]
        phi = np.ascontiguousarray(some.phi.transpose(1, 2, 0), dtype=np.float32)
        roots = np.linalg.cholesky(beliefs.cov[part]).astype(np.float32)
        tastes = beliefs.mean[part, None].astype(np.float32) + noise @ roots.swapaxes(1, 2)
        logits = (tastes.reshape(-1, size) @ phi).reshape(options, len(roots), len(noise), len(columns))
        logits += _popularity(some).T.astype(np.float32)[:, None, None]
        floor = _floor(some)[:, None, None]
        yield part, columns, _with_lapse(logits, beliefs.lapse[part][:, None, None], floor)


def predict(beliefs: Beliefs, vectors: QuestionVectors) -> Singles:
    """(R, N, K) probabilities of the answers, the belief integrated out, 0 on padding."""
    found = np.empty((len(beliefs.mean), *vectors.g.shape), dtype=np.float32)
    for part, _, p in apart(beliefs, vectors):
        found[part] = p.mean(3).transpose(1, 2, 0)
    return found


def _parts(count: int, each: int, needed: Bools | None, questions: int) -> Iterator[tuple[slice, Rows]]:
    """Raters in blocks, and the questions that any rater of a block needs, where there are some.

    each: how many values all questions take for one rater.
    """
    size = max(1, HELD // each)
    for start in range(0, count, size):
        part = slice(start, start + size)
        columns = np.arange(questions) if needed is None else np.flatnonzero(needed[part].any(0))
        if len(columns):
            yield part, columns


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
