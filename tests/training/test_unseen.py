from __future__ import annotations

import numpy as np
import pytest
from simulated import people

from training.unseen import Agreement, Pairs, correlated, correlations, doubled, implied, moments, resampled


def test_correlations_by_hand() -> None:
    table = np.array([[0, 1, 2, 0], [1, 0, 2, 1], [2, 2, 2, -1], [3, 3, 2, -1], [-1, 0, 2, 4]])
    r, n = correlations(table)
    assert r[0, 1] == pytest.approx(np.corrcoef([0, 1, 2, 3], [1, 0, 2, 3])[0, 1])
    assert n[0, 1] == 4
    assert n[0, 3] == 2
    assert np.isnan(r[0, 2])  # everybody answered the third alike
    np.testing.assert_allclose(r, r.T, equal_nan=True)


def test_foretold_correlations_are_those_of_people_who_answer_so() -> None:
    truth = people(6000, 8, 5, size=3, seed=1)
    fitted = truth.fitted
    found = implied(fitted.phi, fitted.g)
    real, _ = correlations(truth.survey.table())
    apart = ~np.eye(8, dtype=bool)
    assert np.abs(real[apart]).max() > 0.3
    np.testing.assert_allclose(found[apart], real[apart], atol=0.05)
    assert np.corrcoef(found[apart], real[apart])[0, 1] > 0.99


def test_a_question_read_the_other_way_round_changes_the_sign() -> None:
    fitted = people(50, 6, 4, size=2).fitted
    phi, g = fitted.phi.copy(), fitted.g
    before = implied(phi, g)
    phi[0], turned = phi[0, ::-1], g.copy()
    turned[0] = g[0, ::-1]
    after = implied(phi, turned)
    np.testing.assert_allclose(after[0, 1:], -before[0, 1:], atol=1e-9)


def test_sums_over_pairs_are_those_of_lists() -> None:
    rng = np.random.default_rng(0)
    x, y = (a + a.T for a in rng.normal(size=(2, 7, 7)))
    usable = np.triu(rng.random((7, 7)) < 0.7, 1)
    usable |= usable.T
    upper = np.triu(usable)
    sums = moments(x, y, usable, np.ones((1, 7)))
    assert correlated(sums)[0] == pytest.approx(np.corrcoef(x[upper], y[upper])[0, 1])
    drawn = rng.integers(0, 4, 7)
    places = np.repeat(np.arange(7), drawn)
    i, j = np.triu_indices(len(places), 1)
    kept = usable[places[i], places[j]]
    pairs = places[i][kept], places[j][kept]
    weighted = moments(x, y, usable, drawn[None].astype(float))
    assert correlated(weighted)[0] == pytest.approx(np.corrcoef(x[pairs], y[pairs])[0, 1])


def test_agreement_of_sets_and_its_intervals() -> None:
    truths = [people(900, 14, 3, size=2, seed=seed) for seed in range(2)]
    pairs = [Pairs.of(one.survey.table()) for one in truths]
    assert [len(one) for one in pairs] == [91, 91]
    right = Agreement.of([implied(one.fitted.phi, one.fitted.g) for one in truths], pairs)
    wrong = Agreement.of([implied(one.fitted.phi, one.fitted.g) for one in truths[::-1]], pairs)
    halves = Agreement.halves(pairs)
    for found in (right.pooled(), right.mean(), *right.each()):
        assert found is not None
        assert found[1] <= found[0] <= found[2]
        assert found[0] > 0.95
    assert abs(wrong.pooled()[0]) < 0.5
    ceiling = np.sqrt(doubled(np.array(halves.pooled()[0])))
    assert 0.9 < ceiling < 1
    signs = Agreement.of([-implied(one.fitted.phi, one.fitted.g) for one in truths], pairs, absolute=True)
    assert signs.pooled()[0] > 0.9


def test_pairs_that_few_answered_do_not_count() -> None:
    table = people(900, 14, 3, size=2, answered=0.4, seed=5).survey.table()
    counted = Pairs.of(table)
    _, number = correlations(table)
    assert (counted.usable == ((number >= 200) & ~np.eye(14, dtype=bool))).all()
    none = Pairs.of(table[:100])
    empty = Agreement.of([none.real], [none])
    assert len(none) == 0
    assert empty.each() == [None]
    assert empty.pooled() is None
    assert empty.mean() is None


def test_halves_and_resamples_are_fixed() -> None:
    assert doubled(np.array(0.5)) == pytest.approx(2 / 3)
    assert (resampled(9, 1) == resampled(9, 1)).all()
    assert (resampled(9, 1)[0] == 1).all()
    assert (resampled(9, 1).sum(1) == 9).all()
