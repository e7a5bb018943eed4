"""The most informative pair out of 1,000,000 pictures, against a plain scan with a shortlist.

The plain scan turns all pictures by the root of the belief's covariance, takes the longest and compares
all pairs of these. Exactness is the gain of the pair found over that of the best of all pairs of 20,000
pictures, the mean over beliefs after more and more answers. `first_seconds` is the search for the core,
once for a gallery; `gain_over_plain` compares the pairs that both found among all pictures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Report, main, medians
from indexing.pairs import PairSearch, gain, quick_gain

Array = NDArray[Any]
Known = tuple[Array, Array]

PICTURES, SIZE, SMALL = 1_000_000, 16, 20_000
ANSWERED = (0, 3, 10, 30)
SHORTLIST = 512
BLOCK = 500


def gallery(count: int) -> Known:
    """Taste (N, 16) with a mean square length of 1.5 ** 2 and falling variances, appeal (N,)."""
    rng = np.random.default_rng(0)
    spread = np.linspace(1.0, 0.25, SIZE, dtype=np.float32)
    taste = rng.standard_normal((count, SIZE), np.float32)
    taste *= 1.5 * spread / np.sqrt(np.square(spread).sum())
    return taste, 0.3 * rng.standard_normal(count, np.float32)


def beliefs(taste: Array) -> Iterator[Known]:
    """Mean (16,) and covariance (16, 16) after answers to pairs at random."""
    for answers in ANSWERED:
        rng = np.random.default_rng(answers)
        seen = taste[rng.integers(0, len(taste), (answers, 2))].astype(float)
        seen = seen[:, 0] - seen[:, 1]
        cov = np.linalg.inv(np.eye(SIZE) + 0.2 * seen.T @ seen)
        yield rng.multivariate_normal(np.zeros(SIZE), np.eye(SIZE) - cov), cov


def plain(taste: Array, appeal: Array, mean: Array, cov: Array) -> float:
    """Gain of the best pair among the pictures that are longest under the belief."""
    white = taste @ np.linalg.cholesky(cov).astype(np.float32)
    length = np.einsum("nt,nt->n", white, white)
    short = np.argpartition(length, -SHORTLIST)[-SHORTLIST:]
    white, utility = white[short], taste[short] @ mean.astype(np.float32) + appeal[short]
    v = length[short][:, None] + length[short] - 2 * (white @ white.T)
    return best_of(utility[:, None] - utility, np.maximum(v, 0))


def best_of(m: Array, v: Array) -> float:
    """The largest gain of pairs with utility differences N(m, v): the closed form first, then exactly."""
    near = np.argpartition(quick_gain(m, v).ravel(), -256)[-256:]
    return float(gain(m.ravel()[near], v.ravel()[near]).max())


def best_of_all(taste: Array, appeal: Array, mean: Array, cov: Array) -> float:
    """Gain of the best of all pairs, by brute force."""
    white = taste @ np.linalg.cholesky(cov).astype(np.float32)
    length, utility = np.square(white).sum(1), taste @ mean.astype(np.float32) + appeal
    found = 0.0
    for start in range(0, len(taste), BLOCK):
        part = slice(start, start + BLOCK)
        v = length[part, None] + length[start:] - 2 * (white[part] @ white[start:].T)
        found = max(found, best_of(utility[part, None] - utility[start:], np.maximum(v, 0)))
    return found


def measure(pictures: int = PICTURES) -> Report:
    """The most informative pair, one thread."""
    taste, appeal = gallery(SMALL)
    search = PairSearch(taste, appeal)
    exact = [search.best(*known)[1] / best_of_all(taste, appeal, *known) for known in beliefs(taste)]
    taste, appeal = gallery(pictures)
    start = time.perf_counter()
    search = PairSearch(taste, appeal)
    first = time.perf_counter() - start
    known = list(beliefs(taste))
    over = [search.best(*one)[1] / plain(taste, appeal, *one) for one in known]
    mean, cov = known[2]
    seconds, reference = medians(
        [lambda: search.best(mean, cov), lambda: plain(taste, appeal, mean, cov)], 15
    )
    more = {"first_seconds": first, "gain_over_plain": float(np.mean(over)), "least_exactness": min(exact)}
    size = {"pictures": pictures, "coordinates": SIZE}
    return Report("pairs", size, seconds, reference, float(np.mean(exact)), more)


if __name__ == "__main__":
    main(measure)
