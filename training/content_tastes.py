"""The Gaussian process over pictures as tastes and appeals of the choice model, for interviews.

What a new person likes in N pictures is a Gaussian with a mean, the appeal, and a covariance, whose
leading axes are the taste space: a person is z ~ N(0, I), and the liking of a picture appeal + taste . z.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.model import GallerySource
from prefs.space import TasteSpace, independent
from training.content import fit_weights, person
from training.content_kernels import scaled
from training.pairs import SOURCE

Array = NDArray[Any]
SIZE = 64  # axes of the taste space at most
SLOPE = 2.0  # logits a unit: (1 + u) / 2 and the logistic function of 2 u agree near indifference


@dataclass(frozen=True)
class PictureTastes:
    """Of N pictures: taste (N, t) and appeal (N,) in logits; kept: share of the variance on t axes."""

    taste: Array
    appeal: Array
    kept: float

    @property
    def space(self) -> TasteSpace:
        """The population: standard normal."""
        size = self.taste.shape[1]
        return independent([(SOURCE, np.zeros(size), np.eye(size))])

    def source(self, items: tuple[str, ...]) -> GallerySource:
        """The pictures as options of questions; items: their N ids."""
        space = self.space
        return GallerySource(SOURCE, items, self.taste, self.appeal, space.columns(SOURCE), space.size)


def picture_tastes(kernels: Array, pairs: Array, answers: Array, size: int = SIZE) -> PictureTastes:
    """Tastes and appeals of N pictures, as the choices of R raters between P pairs of them tell.

    kernels: (m, N, N) of the pictures, the last of which is the identity: what only one picture has is
    noise here, since it tells about no other. pairs: (P, 2) rows of pictures. answers: (R, P) -1 for the
    left, +1 for the right picture, NaN for none.

    Raises:
        DataError: fewer than two raters, or a pair that nobody answered.
    """
    count, asked = kernels.shape[1], np.arange(len(pairs))
    liking = np.zeros((len(pairs) + count, count))  # of each pair the difference, then of each picture
    liking[asked, pairs[:, 1]] += 1.0
    liking[asked, pairs[:, 0]] -= 1.0
    liking[len(pairs) + np.arange(count), np.arange(count)] = 1.0
    every = scaled(liking @ kernels @ liking.T, asked)
    weights = fit_weights(every[:, : len(pairs), : len(pairs)], answers)
    said = np.full((len(answers), len(liking)), np.nan)
    said[:, : len(pairs)] = answers
    met = person(*weights.covariances(every), weights.noise, said)
    own = weights.personal[-1] * every[-1, len(pairs) :, len(pairs) :]
    cov = met.cov[len(pairs) :, len(pairs) :] - own
    centre = np.eye(count) - 1 / count
    values, vectors = np.linalg.eigh(centre @ cov @ centre)
    leading = np.maximum(values[::-1][:size], 0.0)
    taste = SLOPE * vectors[:, ::-1][:, :size] * np.sqrt(leading)
    appeal = met.mean[len(pairs) :]
    kept = float(leading.sum() / np.maximum(values, 0.0).sum())
    return PictureTastes(taste, SLOPE * (appeal - appeal.mean()), kept)
