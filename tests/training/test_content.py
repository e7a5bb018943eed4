"""What a person likes as a Gaussian process: known answers for the likelihood, the belief and the design."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from prefs.errors import DataError
from training import content
from training.content import Known, Person, Weights, fit_weights, log_density, person

Array = NDArray[Any]


def kernels(size: int, seed: int = 0) -> Array:
    """Two kernels (2, n, n) of mean variance one: of few directions, and the identity."""
    parts = np.random.default_rng(seed).normal(size=(size, 3))
    inner = parts @ parts.T
    return np.stack([inner / np.trace(inner) * size, np.eye(size)])


def joint(weights: Weights, parts: Array, raters: int) -> Array:
    """(R n, R n) covariance of all answers of R raters."""
    shared, personal = weights.covariances(parts)
    own = personal + weights.noise * np.eye(len(shared))
    return np.kron(np.ones((raters, raters)), shared) + np.kron(np.eye(raters), own)


def gaps(answers: Array) -> Array:
    """The answers without some of them."""
    found = answers.copy()
    found[0, 3] = found[2, 1] = found[2, 2] = np.nan
    return found


def test_the_likelihood_is_that_of_all_answers_together() -> None:
    parts, said = kernels(6), np.random.default_rng(1).normal(size=(4, 6))
    own = content._Likelihood(parts, Known.of(said), 4, np.zeros(5))
    found = []
    for logs in (np.full(5, -1.0), np.array([0.2, -1, -2, 0.5, -0.3])):
        weights = Weights(np.exp(logs[:2]), np.exp(logs[2:4]), float(np.exp(logs[4])))
        cov, every = joint(weights, parts, 4), said.ravel()
        whole = 0.5 * (every @ np.linalg.solve(cov, every) + np.linalg.slogdet(cov)[1])
        found.append(own(logs)[0] - 0.5 * content.TRUST * float(logs @ logs) - whole)
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_its_gradient_is_that_of_finite_differences_with_answers_missing() -> None:
    said = gaps(np.random.default_rng(2).normal(size=(4, 6)))
    own = content._Likelihood(kernels(6), Known.of(said), 4, np.full(5, 0.3))
    at = np.array([-1.0, -0.5, 0.2, -2.0, -0.7])
    for place in range(5):
        step = np.zeros(5)
        step[place] = 1e-5
        slope = (own(at + step)[0] - own(at - step)[0]) / 2e-5
        assert own(at)[1][place] == pytest.approx(slope, rel=1e-5)


def test_finds_the_weights_that_made_the_answers() -> None:
    rng, parts = np.random.default_rng(3), kernels(80)
    true = Weights(np.array([0.3, 0.05]), np.array([0.4, 0.05]), 0.5)
    lower = np.linalg.cholesky(joint(true, parts, 20))
    found = fit_weights(parts, (lower @ rng.normal(size=1600)).reshape(20, 80))
    assert found.noise == pytest.approx(0.5, rel=0.15)
    assert found.personal[0] == pytest.approx(0.4, rel=0.3)
    assert found.shared[0] == pytest.approx(0.3, rel=0.9)


def conditioned(cov: Array, seen: Array, values: Array, wanted: Array) -> tuple[Array, Array]:
    gain = np.linalg.solve(cov[np.ix_(seen, seen)], cov[np.ix_(seen, wanted)])
    return gain.T @ values, cov[np.ix_(wanted, wanted)] - cov[np.ix_(wanted, seen)] @ gain


@pytest.mark.parametrize("unseen", [0, 2])
def test_somebody_new_is_the_joint_gaussian_given_what_all_others_said(unseen: int) -> None:
    parts, weights = kernels(6), Weights(np.array([0.5, 0.2]), np.array([0.6, 0.1]), 0.3)
    said = np.random.default_rng(4).normal(size=(3, 6))
    said[:, 6 - unseen :] = np.nan
    met = person(*weights.covariances(parts), weights.noise, said)
    cov = joint(weights, parts, 4)
    seen = np.flatnonzero(~np.isnan(np.r_[said.ravel(), np.full(6, np.nan)]))
    mean, own = conditioned(cov, seen, said.ravel()[seen], np.arange(18, 24))
    np.testing.assert_allclose(met.mean, mean, atol=1e-7)
    np.testing.assert_allclose(met.cov + weights.noise * np.eye(6), own, atol=1e-7)
    asked, wanted, answers = np.array([0, 2]), np.array([4, 1]), np.array([1.0, -1.0])
    more, _ = conditioned(
        cov, np.r_[seen, 18 + asked], np.r_[said.ravel()[seen], answers], np.array([22, 19])
    )
    np.testing.assert_allclose(met.given(asked, answers, wanted), more, atol=1e-7)
    np.testing.assert_array_equal(met.given(asked[:0], answers[:0], wanted), met.mean[wanted])


def test_missing_answers_are_no_answers() -> None:
    parts, weights = kernels(6), Weights(np.array([0.5, 0.2]), np.array([0.0, 0.0]), 0.3)
    said = gaps(np.random.default_rng(5).normal(size=(4, 6)))
    met = person(*weights.covariances(parts), weights.noise, said)
    seen = np.flatnonzero(~np.isnan(said.ravel()))
    mean, _ = conditioned(joint(weights, parts, 5), seen, said.ravel()[seen], np.arange(24, 30))
    np.testing.assert_allclose(met.mean, mean, atol=1e-7)


def test_asks_first_what_tells_most_about_the_aims() -> None:
    rng = np.random.default_rng(6)
    root = rng.normal(size=(9, 9))
    met = Person(np.zeros(9), root @ root.T, 0.5)
    candidates, aims = np.array([1, 3, 4, 6, 7]), np.array([0, 2, 8])

    def told(asked: list[int]) -> float:
        own = met.cov + 0.5 * np.eye(9)
        _, left = conditioned(own, np.array(asked), np.zeros(len(asked)), aims)
        return float(np.log(np.diag(own)[aims] / np.diag(left)).mean())

    order = met.design(candidates, aims, 4)
    assert len(set(order.tolist())) == 4
    assert set(order.tolist()) <= set(candidates.tolist())
    for place in range(4):
        before = order[:place].tolist()
        best = max(
            (one for one in candidates if one not in before), key=lambda one: told([*before, int(one)])
        )
        assert order[place] == best


def test_the_height_of_all_ratings_can_be_left_aside() -> None:
    cov = np.eye(5) * 0.01 + 4.0  # everybody has a level of ratings, which question 0 tells best
    cov[1, 3] = cov[3, 1] = 4.0 + 0.009  # question 1 tells about aim 3 in particular
    cov[0] += 1.0
    cov[:, 0] += 1.0
    met, candidates, aims = Person(np.zeros(5), cov, 0.1), np.array([0, 1, 2]), np.array([3, 4])
    assert met.design(candidates, aims, 1)[0] == 0
    assert met.design(candidates, aims, 1, order_only=True)[0] == 1


def test_density_prefers_the_truth() -> None:
    rng = np.random.default_rng(7)
    said = Known.of(rng.normal(size=(200, 3)) @ np.diag([1.0, 2.0, 3.0]))
    true = log_density(np.diag([0.5, 3.5, 8.5]), 0.5, said)
    assert true > log_density(np.diag([3.5, 3.5, 3.5]), 0.5, said)
    assert true > log_density(2 * np.diag([0.5, 3.5, 8.5]), 1.0, said)


def test_says_what_is_missing() -> None:
    with pytest.raises(DataError, match="question 1 has no answer"):
        Known.of(np.array([[1.0, np.nan], [0.0, np.nan]]))
    with pytest.raises(DataError, match="1 rater: "):
        fit_weights(kernels(3), np.zeros((1, 3)))
    with pytest.raises(DataError, match="the other raters answered nothing"):
        person(np.eye(2), np.eye(2), 0.5, np.full((3, 2), np.nan))
