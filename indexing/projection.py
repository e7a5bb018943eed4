"""Encoder vectors to taste space: the few directions in which a person's taste is learned.

A vector has named blocks (what is shown, style, colours and composition). Each block is centred, brought
to the same mean square length and weighted; the principal axes of all blocks together follow, scaled by
variance ** ((1 - WHITENING) / 2): WHITENING 0 keeps the shape of the data, 1 makes all axes equally long.
Taste space is scaled to a mean square length of SCALE ** 2, so that for a taste z ~ N(0, s^2 I) the
utilities of two random pictures differ by about sqrt(2) SCALE s logits. How strong a taste is differs
between people and galleries: coarse tastes over a mixed gallery have an s near 1.25, the fine tastes of real
people within one kind of picture one near 0.45. STRENGTHS is that population; answers tell which it is.

The constants were chosen on simulated people (docs/simulated_tastes.md) and on real ones
(docs/real_tastes.md); the accuracy is flat around them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import IndexingError
from prefs.files import read_manifest, write_bytes, write_manifest

Floats = NDArray[np.float32]
Blocks = Sequence[tuple[str, int]]

SIZE = 24
WHITENING = 0.0
SCALE = 1.5
STRENGTHS = ((0.6, 0.45), (0.4, 1.25))  # share of the people, strength s of their tastes
WEIGHTS: Mapping[str, float] = {"semantic": 1.0, "style": 0.4, "statistics": 0.6}
LONGEST = 2.5  # a picture unlike all others is no more than this many times as far out as usual
RECIPE = f"1 {SIZE} {WHITENING} {SCALE} {sorted(WEIGHTS.items())} {LONGEST}"  # names what `fit` makes
_FITTED_ON = 8192
_FILE = "projection.safetensors"
_CHUNK = 65536


@dataclass(frozen=True)
class Projection:
    """A linear map from encoder vectors to taste space.

    mean: (F,) and matrix: (F, t) float32. spread: (t,) share of the variance on each axis.
    """

    mean: Floats
    matrix: Floats
    spread: Floats = field(repr=False)

    @property
    def size(self) -> int:
        """Number t of coordinates of the taste space."""
        return int(self.matrix.shape[1])

    def apply(self, vectors: Floats) -> Floats:
        """Taste vectors (N, t) float32 of encoder vectors (N, F).

        Vectors longer than LONGEST * SCALE are shortened to that, so that single odd pictures do not
        decide what is asked.

        Raises:
            IndexingError: vectors of another size, or values that are not finite.
        """
        if vectors.ndim != 2 or vectors.shape[1] != len(self.mean):
            raise IndexingError(
                f"vectors {vectors.shape} do not fit a projection from {len(self.mean)} numbers: index again"
            )
        taste = np.empty((len(vectors), self.size), np.float32)
        for start in range(0, len(vectors), _CHUNK):
            rows = slice(start, start + _CHUNK)
            taste[rows] = (vectors[rows] - self.mean) @ self.matrix
        if not np.isfinite(taste).all():
            raise IndexingError("encoder vectors hold values that are not finite: index the gallery again")
        length = np.linalg.norm(taste, axis=1, keepdims=True)
        taste *= np.minimum(1.0, LONGEST * SCALE / np.maximum(length, 1e-9))
        return taste

    def save(self, folder: Path) -> None:
        """Writes the projection as a folder of safetensors with a manifest."""
        from safetensors.numpy import save

        arrays = {"mean": self.mean, "matrix": self.matrix, "spread": self.spread}
        write_bytes(folder / _FILE, save(arrays))
        write_manifest(folder, {"kind": "projection"})

    @staticmethod
    def load(folder: Path) -> Projection:
        """Reads a projection; raises IndexingError where it is damaged or something else."""
        from safetensors.numpy import load

        manifest = read_manifest(folder, IndexingError)
        if manifest.get("kind") != "projection" or _FILE not in manifest["files"]:
            raise IndexingError(f"{folder} holds no projection: index the gallery again")
        return Projection(**load((folder / _FILE).read_bytes()))


def fit(
    vectors: Floats,
    blocks: Blocks,
    *,
    size: int = SIZE,
    weights: Mapping[str, float] = WEIGHTS,
    whitening: float = WHITENING,
) -> Projection:
    """The projection that suits the given pictures (of all galleries together); deterministic.

    vectors: (N, F) encoder vectors, of which at most 8,192 evenly spaced rows are used. blocks: (name,
    size) of their parts; a name without a weight has weight 1. Axes that the pictures do not span are
    zero, so that the space has the same size for every gallery.

    Raises:
        IndexingError: no vectors, blocks that do not add up, or values that are not finite.
    """
    total = sum(count for _, count in blocks)
    if vectors.ndim != 2 or len(vectors) == 0 or vectors.shape[1] != total:
        raise IndexingError(
            f"vectors {vectors.shape} with blocks of {total} numbers: index the gallery again"
        )
    rows = np.unique(np.linspace(0, len(vectors) - 1, _FITTED_ON).astype(np.intp))
    sample = vectors[rows].astype(np.float64)
    if not np.isfinite(sample).all():
        raise IndexingError("encoder vectors hold values that are not finite: index the gallery again")
    mean = sample.mean(0)
    gain = _block_gains(sample - mean, blocks, weights)
    axes, variance = _principal(sample - mean, gain, size)
    scale = np.where(variance > 1e-9, np.maximum(variance, 1e-9) ** (-whitening / 2), 0.0)
    matrix = gain[:, None] * axes * scale
    length = np.sqrt(np.square((sample - mean) @ matrix).sum(1).mean())
    matrix *= SCALE / max(float(length), 1e-9)
    return Projection(
        *(np.asarray(a, np.float32) for a in (mean, matrix, variance / max(variance.sum(), 1e-12)))
    )


def _block_gains(centred: NDArray[Any], blocks: Blocks, weights: Mapping[str, float]) -> NDArray[Any]:
    """(F,) factor of each coordinate that gives its block its weight; 0 for a block without variance."""
    gain = np.zeros(centred.shape[1])
    start = 0
    for name, count in blocks:
        part = slice(start, start + count)
        length = np.sqrt(np.square(centred[:, part]).sum(1).mean())
        gain[part] = weights.get(name, 1.0) / length if length > 1e-6 else 0.0
        start += count
    return gain


def _principal(centred: NDArray[Any], gain: NDArray[Any], size: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Principal axes (F, size), largest first, each with its largest entry positive; variances (size,)."""
    from scipy.linalg import eigh

    scaled = centred * gain
    count, width = scaled.shape
    found = min(size, count - 1, width)
    axes, variance = np.zeros((width, size)), np.zeros(size)
    if found < 1:
        return axes, variance
    wide = count < width
    gram = (scaled @ scaled.T if wide else scaled.T @ scaled) / count
    top = (len(gram) - found, len(gram) - 1)
    values, vectors = eigh(gram, subset_by_index=top)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    if wide:
        vectors = scaled.T @ vectors / np.sqrt(np.maximum(values, 1e-12) * count)
    sign = np.sign(vectors[np.abs(vectors).argmax(0), np.arange(found)])
    axes[:, :found], variance[:found] = vectors * sign, values
    return axes, variance
