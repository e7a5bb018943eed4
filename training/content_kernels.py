"""How alike pictures are, by what they show: one kernel a block of the encoder vector, and within a kind.

A person's liking of a picture is a Gaussian process over pictures (Rasmussen and Williams 2006). The
shared and the personal part of it are weighted sums of these kernels, whose weights are learned
(`training.content`). A kernel is exp(-d^2 / 2 l^2) of the distance in a block, l a factor of the usual
distance. A kernel *within a kind* is its product with a sharp kernel on the leading axes of the first
block, which tell kinds of pictures apart: what somebody likes in houses says little about flowers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import DataError

Array = NDArray[Any]
AXES, KIND = 8, 0.25  # leading axes that tell kinds apart, and the squared length of their kernel
LENGTHS = (0.7, 1.0, 1.0)  # squared length of each block's kernel, as a factor of the median; then 1


def picture_kernels(vectors: Array, blocks: Sequence[tuple[str, int]]) -> Array:
    """(B + 2, N, N) kernels of N pictures: each block within a kind, the first block, each by itself.

    vectors: (N, F) encoder vectors. blocks: (name, size) of their B parts. The last kernel is the
    identity: what is liked in a picture that nothing else shares.

    Raises:
        DataError: blocks that do not add up, fewer than two pictures, or values that are not finite.
    """
    total = sum(size for _, size in blocks)
    if vectors.ndim != 2 or vectors.shape[1] != total or len(vectors) < 2:
        raise DataError(
            f"vectors {vectors.shape} with blocks of {total} numbers: two pictures and equal sizes are needed"
        )
    if not np.isfinite(vectors).all():
        raise DataError("encoder vectors hold values that are not finite: index the pictures again")
    ends = np.cumsum([size for _, size in blocks])
    parts = np.split(vectors.astype(np.float64), ends[:-1], axis=1)
    lengths = [*LENGTHS, *[1.0] * len(parts)]
    own = [_kernel(part, length) for part, length in zip(parts, lengths, strict=False)]
    kind = _kernel(_leading(parts[0]), KIND)
    return np.stack([*(kernel * kind for kernel in own), own[0], np.eye(len(vectors))])


def _kernel(part: Array, length: float) -> Array:
    """(N, N) squared exponential kernel; all ones where the pictures do not differ."""
    centred = part - part.mean(0)
    inner = centred @ centred.T
    squares = np.diag(inner)
    distance = np.maximum(squares[:, None] + squares - 2 * inner, 0.0)
    usual = float(np.median(distance[np.triu_indices(len(part), 1)]))
    found: Array = np.exp(-distance / max(2 * length * usual, 1e-12))
    return found


def _leading(part: Array) -> Array:
    """(N, a) scores on the principal axes of most variance, at most AXES."""
    centred = part - part.mean(0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    found: Array = left[:, :AXES] * size[:AXES]
    return found


def of_pairs(kernels: Array, pairs: Array) -> Array:
    """(m, P, P) kernels of the differences of liking, right minus left, from kernels (m, N, N) of pictures.

    pairs: (P, 2) rows of pictures.
    """
    left, right = pairs[:, 0], pairs[:, 1]

    def between(one: Array, other: Array) -> Array:
        return kernels[:, one[:, None], other]

    return between(right, right) - between(right, left) - between(left, right) + between(left, left)


def scaled(kernels: Array, rows: Array) -> Array:
    """The kernels (m, n, n), each of mean variance one on some of its rows; one of zeros stays."""
    size = np.einsum("mii->mi", kernels)[:, rows].mean(1)
    found: Array = kernels / np.where(size > 1e-12, size, 1.0)[:, None, None]
    return found
