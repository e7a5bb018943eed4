"""How well predictions put one person's answers in order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prefs.space import Floats

LEAST = 3  # answers below which an order says nothing


def spearman_within(expected: NDArray[np.floating], answers: NDArray[np.integer]) -> Floats:
    """(R,) rank correlation of expected answers (R, M) with answers (R, M), -1 missing, for each rater.

    NaN where a rater gave fewer than three answers, or all answers or all expectations are the same.
    Ties have mean ranks. Source: Spearman (1904).
    """
    from scipy.stats import rankdata

    found = np.full(len(answers), np.nan)
    for row, (hoped, said) in enumerate(zip(expected, answers, strict=True)):
        given = said >= 0
        if given.sum() < LEAST:
            continue
        one, other = (rankdata(values[given]) for values in (hoped, said))
        one, other = one - one.mean(), other - other.mean()
        scale = np.sqrt((one @ one) * (other @ other))
        if scale > 0:
            found[row] = one @ other / scale
    return found
