from __future__ import annotations

import numpy as np
import pytest
import quadrature
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrature import FIRST, SIZE

from prefs.acquisition import best, eig, epig, eubo, shortlist
from prefs.belief import Belief
from prefs.errors import ModelError, QuestionError
from prefs.model import QuestionVectors
from prefs.space import Floats

KINDS = ("pair", "grid", "rating", "thumbs")


def belief(scale: float = 1.0, lapse: float = 0.05) -> Belief:
    space = quadrature.space()
    return Belief(space.mean, scale * space.cov, lapse, 0)


def entropy(chance: Floats) -> Floats:
    return np.asarray(-(chance * np.log(np.where(chance > 0, chance, 1.0))).sum(-1))


def random_questions(count: int, d: int, rng: np.random.Generator, scale: float = 1.5) -> QuestionVectors:
    """Questions with two to five options, padded."""
    phi = scale * rng.normal(size=(count, 5, d)) / np.sqrt(d)
    g = rng.normal(size=(count, 5)) / 2
    padded = np.arange(5) >= rng.integers(2, 6, count)[:, None]
    phi[padded], g[padded] = 0.0, -np.inf
    return QuestionVectors(phi, g)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [0.1, 1.0, 4.0])
def test_eig_is_the_mutual_information_found_by_quadrature(kind: str, scale: float) -> None:
    vectors = quadrature.questions(kind, 30, np.random.default_rng(1))
    now = belief(scale)
    points, weights = quadrature.over(now)
    chance = quadrature.likelihood(points, vectors, now.lapse)
    middle = np.einsum("s,snk->nk", weights, chance)
    exact = entropy(middle) - weights @ entropy(chance)
    found = eig(now, vectors, 512)
    assert np.abs(found - exact).max() < 0.02 * exact.max()
    assert np.abs(eig(now, vectors) - exact).max() < 0.05 * exact.max()


@pytest.mark.parametrize("kind", KINDS)
def test_epig_is_the_information_about_targets_found_by_enumeration(kind: str) -> None:
    rng = np.random.default_rng(2)
    vectors, targets = quadrature.questions(kind, 12, rng), quadrature.questions("pair", 9, rng)
    now = belief()
    points, weights = quadrature.over(now)
    asked, wanted = (quadrature.likelihood(points, v, now.lapse) for v in (vectors, targets))
    joint = np.einsum("s,snk,smt->nmkt", weights, asked, wanted, optimize=True)
    apart = joint.sum(3)[..., None] * joint.sum(2)[:, :, None]
    exact = (joint * np.log(joint / apart)).sum((2, 3)).mean(1)
    found = epig(now, vectors, targets)
    assert np.abs(found - exact).max() < 0.05 * exact.max()
    assert (found < eig(now, vectors)).all()


def test_epig_is_zero_for_what_has_nothing_to_do_with_the_targets() -> None:
    phi = np.zeros((2, 2, SIZE))
    phi[0, 0, FIRST], phi[1, 0, FIRST + 1] = 2.0, 2.0
    both = QuestionVectors(phi, np.zeros((2, 2)))
    now = Belief(np.zeros(SIZE), np.eye(SIZE), 0.0, 0)
    about_first = epig(now, both, both[:1])
    assert about_first[0] > 0.05
    assert about_first[1] == pytest.approx(0.0, abs=2e-3)


def test_eubo_of_a_pair_is_the_known_expected_maximum_of_two_normals() -> None:
    from scipy.stats import norm

    vectors = quadrature.questions("grid", 20, np.random.default_rng(3))
    two = QuestionVectors(vectors.phi[:, :2], vectors.g[:, :2])
    now = belief()
    mean = two.phi @ now.mean + two.g
    gap = two.phi[:, 0] - two.phi[:, 1]
    sd = np.sqrt(np.einsum("nd,de,ne->n", gap, now.cov, gap))
    delta = (mean[:, 0] - mean[:, 1]) / sd
    exact = mean[:, 0] * norm.cdf(delta) + mean[:, 1] * norm.cdf(-delta) + sd * norm.pdf(delta)
    np.testing.assert_allclose(eubo(now, two), exact, atol=0.02)


def test_same_numbers_every_time() -> None:
    vectors = random_questions(300, SIZE, np.random.default_rng(4))
    assert np.array_equal(eig(belief(), vectors), eig(belief(), vectors))
    assert best(belief(), vectors) == best(belief(), vectors)


@pytest.mark.parametrize("d", [6, 16])
@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_best_of_thousands_is_as_good_as_the_exact_best(d: int, scale: float) -> None:
    rng = np.random.default_rng(d)
    vectors = random_questions(4000, d, rng, scale)
    axes, _ = np.linalg.qr(rng.normal(size=(d, d)))
    for spread, lapse in ((np.ones(d), 0.02), (np.geomspace(0.02, 2.0, d), 0.02), (np.ones(d) / 10, 0.3)):
        now = Belief(rng.normal(size=d), (axes * spread**2) @ axes.T, lapse, 0)
        exact = eig(now, vectors, 1024)
        row, gain = best(now, vectors)
        assert exact[row] >= 0.99 * exact.max()
        assert gain == pytest.approx(exact[row], rel=0.01)


def test_shortlist_holds_the_best_and_no_more_than_asked() -> None:
    vectors = random_questions(2000, 16, np.random.default_rng(6))
    now = Belief(np.zeros(16), np.eye(16), 0.02, 0)
    rows = shortlist(now, vectors, 100)
    assert len(set(rows.tolist())) == 100
    assert int(eig(now, vectors, 1024).argmax()) in rows
    assert np.array_equal(shortlist(now, vectors[:30], 100), np.arange(30))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 1.0), st.floats(0.001, 30.0))
def test_information_is_never_negative_nor_more_than_the_answer_holds(
    seed: int, lapse: float, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    vectors = random_questions(6, 8, rng, scale)
    now = Belief(rng.normal(size=8), np.diag(rng.gamma(1.0, 1.0, 8) + 1e-6), lapse, 0)
    most = np.log(vectors.counts)
    for gain in (eig(now, vectors), epig(now, vectors, vectors[:2])):
        assert (gain >= -1e-9).all()
        assert (gain <= most + 1e-9).all()


def test_bad_candidates_are_refused() -> None:
    vectors = random_questions(3, SIZE, np.random.default_rng(0))
    with pytest.raises(QuestionError, match="no candidate"):
        best(belief(), vectors[:0])
    broken = QuestionVectors(np.full_like(vectors.phi, np.inf), vectors.g)
    for value in (eig, eubo, best):
        with pytest.raises(ModelError, match="not finite"):
            value(belief(), broken)
