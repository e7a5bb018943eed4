"""Fixed quasi-random draws of a standard normal: the same numbers every time and everywhere."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from prefs.space import Floats


@lru_cache(maxsize=32)
def normals(size: int, count: int) -> Floats:
    """(count, size) draws of N(0, I) whose first three moments are exact.

    Half of them are scrambled Sobol points through the inverse normal CDF, rotated and scaled to
    unit covariance; the others are their negatives. count: even, at least 2 size.
    """
    from scipy.special import ndtri
    from scipy.stats import qmc

    half = count // 2
    points = qmc.Sobol(size, seed=0).random_base2(max(half - 1, 1).bit_length())[:half]
    normal = ndtri(points)
    root = np.linalg.cholesky(normal.T @ normal / half)
    normal = np.linalg.solve(root, normal.T).T
    draws = np.concatenate([normal, -normal])
    draws.flags.writeable = False
    return np.asarray(draws)
