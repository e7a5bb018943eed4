from __future__ import annotations

import numpy as np
import pytest
from simulated import people

from prefs.acquisition import epig as live_epig
from prefs.batch import Beliefs
from prefs.belief import Belief
from prefs.model import QuestionVectors
from training.evaluate import Evaluation
from training.interviewing import (
    MOST,
    NOTHING,
    PRICE,
    Curve,
    Way,
    at_random,
    completed,
    curve,
    interview,
    learn,
)
from training.policies import Cohort, Near, fixed_order

TRUTH = people(300, 24, 2, size=1, answered=0.8, seed=5)


@pytest.fixture(scope="module")
def own() -> Evaluation:
    return Evaluation(TRUTH.survey, TRUTH.fitted)


@pytest.fixture(scope="module")
def cohort(own: Evaluation) -> Cohort:
    return own.cohort(own.rows("validation"))


def test_gains_are_information_about_all_targets(own: Evaluation, cohort: Cohort) -> None:
    order = tuple(range(len(own.candidate)))
    free = interview(cohort, order, Near(len(order)), 4)
    beliefs = cohort.beliefs(free.asked, 2)
    for row in range(4):
        belief = Belief(beliefs.mean[row], beliefs.cov[row], float(beliefs.lapse[row]), 2)
        worth = live_epig(belief, cohort.candidates, cohort.targets) * len(own.target) / np.log(2)
        assert free.gains[row, 2] == pytest.approx(worth[free.asked[row, 2]], abs=0.05)
        left = (cohort.answers[row] >= 0) & ~np.isin(np.arange(len(order)), free.asked[row, :2])
        assert free.gains[row, 2] == pytest.approx(worth[left].max(), abs=0.05)
    assert (interview(cohort, order, Near(), 4).asked == fixed_order(cohort, order, 4)).all()


def test_an_interview_ends_when_no_question_is_worth_its_price(own: Evaluation, cohort: Cohort) -> None:
    order, steps = tuple(range(len(own.candidate))), 12
    free = interview(cohort, order, Near(len(order)), steps)
    price = float(np.nanmedian(free.gains))
    dear = interview(cohort, order, Near(len(order)), steps, price)
    for row, length in enumerate(dear.lengths):
        assert (dear.asked[row, :length] == free.asked[row, :length]).all()
        assert (dear.gains[row, :length] >= price).all()
        if dear.stopped[row] == PRICE:
            assert free.gains[row, length] < price
        else:
            assert dear.stopped[row] == (MOST if length == steps else NOTHING)
    assert PRICE in dear.stopped
    assert interview(cohort, order, Near(), 5, 1e9).lengths.max() == 0
    answered = (cohort.answers >= 0).sum(1)
    assert (free.lengths == np.minimum(answered, steps)).all()
    assert {MOST, NOTHING} == set(free.stopped), "a rater without more answers has nothing left"


def test_random_interviews_are_as_long_as_the_planned(own: Evaluation, cohort: Cohort) -> None:
    lengths = np.arange(len(cohort.answers)) % 6
    found = at_random(cohort, lengths, seed=3)
    assert (found.lengths == np.minimum(lengths, (cohort.answers >= 0).sum(1))).all()
    assert np.isnan(found.gains).all()
    assert (at_random(cohort, lengths, seed=3).asked == found.asked).all()
    assert (at_random(cohort, lengths, seed=4).asked != found.asked).any()
    assert not at_random(cohort, np.zeros_like(lengths), seed=3).lengths.any()


def test_missing_answers_are_drawn_from_each_raters_belief() -> None:
    vectors = QuestionVectors(
        np.array([[[0.0], [2.0], [0.0]], [[0.0], [0.0], [0.0]]]), np.array([[0, 0, -np.inf], [0, 1, 0]])
    )
    many = 20000
    mean = np.repeat([[1.0], [-1.0]], many // 2, axis=0)
    lapse = np.where(np.arange(many) % 2, 0.4, 0.0)
    beliefs = Beliefs(mean, np.full((many, 1, 1), 1e-12), lapse, np.zeros(many, dtype=np.intp))
    answers = np.full((many, 2), -1)
    answers[:5000, 1] = 2
    found = completed(vectors, beliefs, answers, np.random.default_rng(0))
    assert (found[:5000, 1] == 2).all(), "what was answered stays"
    for high, z in ((True, 1.0), (False, -1.0)):
        for eps in (0.0, 0.4):
            rows = (mean[:, 0] == z) & (lapse == eps)
            expected = (1 - eps) / (1 + np.exp(-2 * z)) + eps / 2
            assert (found[rows, 0] == 1).mean() == pytest.approx(expected, abs=0.025), high
    careful = (lapse == 0) & (np.arange(many) >= 5000)
    shares = np.bincount(found[careful, 1], minlength=3) / careful.sum()
    assert shares == pytest.approx(np.exp([0, 1, 0]) / np.exp([0, 1, 0]).sum(), abs=0.02)


def test_a_way_is_learned_and_kept(own: Evaluation, cohort: Cohort) -> None:
    way, found = learn(own, cohort, 8)
    assert sorted(way.order) == list(range(len(own.candidate)))
    assert found.losses.shape == (len(cohort.answers), 9)
    assert found.losses[:, 8].mean() < found.losses[:, 0].mean() - 0.01
    again = Way.read(way.values())
    assert again == way
    assert (curve(cohort, again, 8).losses == found.losses).all()
    kept = Curve.read(found.values())
    np.testing.assert_array_equal(kept.gains, found.gains)
    np.testing.assert_array_equal(kept.losses, found.losses)


def test_a_price_cuts_the_curve() -> None:
    gains = np.array([[0.9, 0.4, 0.1], [0.9, 0.05, 0.4], [0.9, 0.8, np.nan]])
    losses = np.arange(12.0).reshape(3, 4)
    assert Curve(losses, gains).at_price(0.2) == (pytest.approx(5 / 3), pytest.approx((2 + 5 + 10) / 3))
    assert Curve(losses, gains).at_price(0.0)[0] == pytest.approx(8 / 3)
    assert Curve(losses, gains).at_price(5.0) == (0.0, pytest.approx(4.0))
