"""The taste space: what each coordinate of a rater's vector z means, and the population over it.

The first coordinates describe *how* a person answers and are shared by all sources:

    like     likes everything (thumbs)                    agree    prefers high options (rating)
    extreme  prefers the ends of a scale (rating)         side     prefers the first picture (pair)
    tie      answers "both the same" readily (pair, grid)

After them comes one block per space of tastes: the pictures of all galleries (which share one
encoder), and one for each bank or jointly fitted set of banks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefs.errors import ModelError

Floats = NDArray[np.float64]

STYLE = ("like", "agree", "extreme", "side", "tie")
STYLE_SD = (1.0, 0.5, 0.5, 0.3, 1.0)


@dataclass(frozen=True)
class TasteSpace:
    """Named blocks of coordinates, and the population of raters as a Gaussian over them.

    blocks: (name, size) in order; the first is always ("style", 5).
    mean: (d,) population mean; cov: (d, d) population covariance, positive definite.
    strengths: some people's tastes are strong and others' weak: the population is a mixture of
    Gaussians, each a share of the people and factors (d,) by which they deviate from the mean more
    or less than usual. The mean square of the factors is 1, so that cov is that of all people.

    Raises:
        ModelError: shapes that do not fit, values that are not finite, a covariance that is not
            positive definite, strengths that do not add up.
    """

    blocks: tuple[tuple[str, int], ...]
    mean: Floats
    cov: Floats
    strengths: tuple[tuple[float, Floats], ...] = ((1.0, np.ones(1)),)

    def __post_init__(self) -> None:
        size = sum(count for _, count in self.blocks)
        if self.blocks[:1] != (("style", len(STYLE)),):
            raise ModelError(f"taste space starts with {self.blocks[:1]}: expected the style block")
        if self.mean.shape != (size,) or self.cov.shape != (size, size):
            raise ModelError(
                f"taste space of {size} coordinates has mean {self.mean.shape} and cov {self.cov.shape}"
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.cov).all()):
            raise ModelError("taste space holds values that are not finite: fit the model again")
        try:
            np.linalg.cholesky(self.cov)
        except np.linalg.LinAlgError as problem:
            raise ModelError("population covariance is not positive definite: fit again") from problem
        square = np.sum([share * np.square(factors) for share, factors in self.strengths], axis=0)
        shares = np.array([share for share, _ in self.strengths])
        if not (shares.min() > 0.0 and np.isclose(shares.sum(), 1.0) and np.allclose(square, 1.0)):
            raise ModelError(
                "strengths of taste have shares that do not add up to 1, or change the covariance"
            )

    @property
    def size(self) -> int:
        """Number of coordinates d."""
        return int(self.mean.shape[0])

    def columns(self, name: str) -> NDArray[np.intp]:
        """Indices of a block's coordinates, (size of the block,)."""
        start = 0
        for block, count in self.blocks:
            if block == name:
                return np.arange(start, start + count)
            start += count
        raise ModelError(f"no block {name!r} in the taste space, only {[b for b, _ in self.blocks]}")


def independent(
    blocks: Sequence[tuple[str, Floats, Floats]],
    strengths: Mapping[str, Sequence[tuple[float, float]]] | None = None,
) -> TasteSpace:
    """A space of style plus the given (name, mean (n,), cov (n, n)) blocks, independent a priori.

    strengths: (share of people, factor of their deviations) in a block; together they multiply the
    block's cov by the mean square factor. Blocks without are the same for all people.
    """
    parts = [("style", np.zeros(len(STYLE)), np.diag(np.square(STYLE_SD))), *blocks]
    names = tuple((name, len(mean)) for name, mean, _ in parts)
    size = sum(count for _, count in names)
    cov = np.zeros((size, size))
    mixture = [(1.0, np.ones(size))]
    start = 0
    for name, mean, block in parts:
        stop = start + len(mean)
        given = (strengths or {}).get(name, ((1.0, 1.0),))
        square = sum(share * factor**2 for share, factor in given)
        cov[start:stop, start:stop] = square * block
        inside = (np.arange(size) >= start) & (np.arange(size) < stop)
        mixture = [
            (old * share, np.where(inside, factor / np.sqrt(square), factors))
            for old, factors in mixture
            for share, factor in given
        ]
        start = stop
    return TasteSpace(names, np.concatenate([mean for _, mean, _ in parts]), cov, tuple(mixture))
