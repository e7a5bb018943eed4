"""The search for informative pairs: its gains are right, and it finds what a full scan finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing import pairs
from indexing.pairs import PairSearch, best_pair, gain, propose, quick_gain

Arrays = tuple[np.ndarray, np.ndarray]


def gallery(count: int, size: int = 8, seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(count, size)) * np.linspace(1.2, 0.3, size)
    return taste.astype(np.float32), (0.5 * rng.normal(size=count)).astype(np.float32)


def belief(size: int, seed: int = 0, answers: int = 10) -> Arrays:
    rng = np.random.default_rng(seed)
    seen = rng.normal(size=(answers, size))
    return rng.normal(size=size), np.linalg.inv(np.eye(size) + 0.4 * seen.T @ seen)


def gains_of(
    rows: np.ndarray, taste: np.ndarray, appeal: np.ndarray, mean: np.ndarray, cov: np.ndarray
) -> Arrays:
    difference = (taste[rows[:, 0]] - taste[rows[:, 1]]).astype(float)
    return difference @ mean + appeal[rows[:, 0]] - appeal[rows[:, 1]], np.square(
        difference @ np.linalg.cholesky(cov)
    ).sum(1)


def best_of_all(taste: np.ndarray, appeal: np.ndarray, mean: np.ndarray, cov: np.ndarray) -> float:
    """Gain of the best of all pairs: the closed form is within 0.07, so the best is among its best."""
    rows = np.stack(np.triu_indices(len(taste), 1), 1)
    m, v = gains_of(rows, taste, appeal, mean, cov)
    near = np.argsort(-quick_gain(m, v))[:2000]
    return float(gain(m[near], v[near]).max())


@pytest.mark.parametrize(("m", "v"), [(0.0, 0.5), (1.0, 4.0), (-3.0, 9.0), (0.2, 25.0)])
def test_gain_is_the_mutual_information(m: float, v: float) -> None:
    x = np.linspace(m - 12 * v**0.5, m + 12 * v**0.5, 200_001)
    weight = np.exp(-((x - m) ** 2) / (2 * v))
    weight /= weight.sum()
    p = 1 / (1 + np.exp(-x))

    def entropy(q: np.ndarray) -> np.ndarray:
        q = np.clip(q, 1e-15, 1 - 1e-15)
        return -q * np.log(q) - (1 - q) * np.log(1 - q)

    expected = entropy(np.array(p @ weight)) - entropy(p) @ weight
    assert gain(np.array(m), np.array(v)) == pytest.approx(float(expected), abs=1e-3)


@given(m=st.floats(-10, 10), v=st.floats(0, 60))
def test_quick_gain_is_near(m: float, v: float) -> None:
    exact = float(gain(np.array(m), np.array(v)))
    assert abs(float(quick_gain(np.float32(m), np.float32(v))) - exact) < 0.07
    assert 0 <= exact <= np.log(2) + 1e-9


@pytest.mark.parametrize("count", [2, 50, 400])
def test_best_of_a_small_gallery_is_the_best_of_all_pairs(count: int) -> None:
    taste, appeal = gallery(count)
    mean, cov = belief(8)
    rows, found = best_pair(taste, appeal, mean, cov)
    assert rows[0] != rows[1]
    assert found >= 0.99 * best_of_all(taste, appeal, mean, cov)


def test_search_of_a_large_gallery_reaches_the_best_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "WHOLE", 512)
    monkeypatch.setattr(pairs, "CORE", 1024)
    taste, appeal = gallery(1500)
    search = PairSearch(taste, appeal)
    assert len(search.core) <= 1024
    shares = []
    for seed in range(3):
        mean, cov = belief(8, seed, answers=3 + 8 * seed)
        shares.append(search.best(mean, cov)[1] / best_of_all(taste, appeal, mean, cov))
    assert np.mean(shares) > 0.99


@settings(max_examples=25)
@given(count=st.integers(0, 40), wanted=st.integers(1, 60), seed=st.integers(0, 5))
def test_proposals_are_different_pairs_in_which_no_picture_is_too_often(
    count: int, wanted: int, seed: int
) -> None:
    taste, appeal = gallery(count, seed=seed)
    mean, cov = belief(8, seed)
    exclude = np.arange(count) % 5 == 0
    rows = propose(taste, appeal, mean, cov, wanted, np.random.default_rng(seed), exclude)
    assert rows.shape[1] == 2
    assert len(rows) <= wanted
    assert (rows[:, 0] != rows[:, 1]).all()
    assert not exclude[rows].any()
    assert len({frozenset(pair) for pair in rows.tolist()}) == len(rows)
    assert np.bincount(rows.ravel(), minlength=1).max() <= pairs.USES
    assert (len(rows) > 0) == ((~exclude).sum() >= 2)


def test_proposals_are_informative_and_the_same_for_the_same_seed() -> None:
    taste, appeal = gallery(2000)
    mean, cov = belief(8)
    search = PairSearch(taste, appeal)
    first, again = (search.propose(mean, cov, 100, np.random.default_rng(7)) for _ in range(2))
    assert (first == again).all()
    gains = gain(*gains_of(first, taste, appeal, mean, cov))
    usual = gain(*gains_of(np.random.default_rng(0).integers(2000, size=(2000, 2)), taste, appeal, mean, cov))
    assert len(first) == 100
    assert gains.mean() > 0.7 * search.best(mean, cov)[1]
    assert gains.min() > np.quantile(usual, 0.99)


def test_one_odd_picture_is_not_in_every_proposal() -> None:
    taste, appeal = gallery(300)
    taste[17] *= 20
    rows = propose(taste, appeal, *belief(8), 100, np.random.default_rng(0))
    assert len(rows) == 100
    assert (rows == 17).sum() <= pairs.USES
