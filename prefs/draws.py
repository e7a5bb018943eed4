"""Fixed quasi-random draws of a standard normal: the same numbers every time and everywhere."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from prefs.space import Floats


@lru_cache(maxsize=32)
def normals(size: int, count: int) -> Floats:
    """(count, size) draws of N(0, I): scrambled Sobol points through the inverse normal CDF.

    They are shifted and scaled so that their mean and covariance are exact. count: more than size,
    best a power of two.
    """
    from scipy.special import ndtri
    from scipy.stats import qmc

    draws = ndtri(qmc.Sobol(size, seed=0).random_base2((count - 1).bit_length())[:count])
    draws -= draws.mean(0)
    root = np.linalg.cholesky(draws.T @ draws / count)
    draws = np.linalg.solve(root, draws.T).T
    draws.flags.writeable = False
    return np.asarray(draws)
