"""catsim as a policy: a bank with known parameters, and only what a rater answered is asked."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("catsim", reason="catsim is not installed: pip install 'kallisti[compare]'")

from simulated import people

from prefs.errors import DataError
from training.baselines.adaptive_test import catsim_order, cuts, fit_items, halves

COUNTS = np.full(20, 2)


@pytest.fixture(scope="module")
def truth():
    return people(1500, 20, seed=3)


def test_cuts_halve_the_answers() -> None:
    answers = np.array([[0, 4, 1, -1], [1, 4, 1, -1], [2, 4, 1, -1], [3, 3, -1, -1]])
    counts = np.array([5, 5, 2, 3])
    assert cuts(answers, counts).tolist() == [2, 4, 1, 1]
    assert halves(answers, np.array([2, 4, 1, 1])).tolist() == [
        [0, 1, 1, -1],
        [0, 1, 1, -1],
        [1, 1, 1, -1],
        [1, 0, -1, -1],
    ]


def test_recovers_the_logistic_model(truth) -> None:
    table = truth.survey.table().astype(np.intp)
    items = fit_items(table, COUNTS)
    wanted = 2 * truth.slopes[:, 0]  # scores -1 and 1
    sign = np.sign(np.corrcoef(np.where(items.turned, -items.a, items.a), wanted)[0, 1])
    np.testing.assert_allclose(sign * np.where(items.turned, -items.a, items.a), wanted, rtol=0.25, atol=0.2)
    lean = truth.popularity[:, 1] - truth.popularity[:, 0]
    found = -items.a * items.b * np.where(items.turned, -1, 1)
    np.testing.assert_allclose(found, lean, atol=0.5)
    assert (items.a >= 0).all()
    np.testing.assert_array_equal(items.said(table) == table, np.broadcast_to(~items.turned, table.shape))


def test_asks_the_most_informative_question_first_and_only_what_was_answered(truth) -> None:
    table = truth.survey.table().astype(np.intp)
    items = fit_items(table, COUNTS)
    chance = 1 / (1 + np.exp(items.a * items.b))
    best = int((items.a**2 * chance * (1 - chance)).argmax())
    answers = table[:40].copy()
    answers[20:, best] = -1
    answers[30, :] = -1
    answers[30, [4, 7]] = 1
    asked = catsim_order(table, COUNTS, answers, 6)
    assert asked.shape == (40, 6)
    assert (asked[:20, 0] == best).all()
    assert sorted(asked[30].tolist()) == [-1, -1, -1, -1, 4, 7]
    rows, steps = np.nonzero(asked >= 0)
    assert (answers[rows, asked[rows, steps]] >= 0).all()
    assert all(len(set(row[row >= 0])) == (row >= 0).sum() for row in asked)


def test_questions_follow_the_answers(truth) -> None:
    """Who agrees to what the trait speaks for is asked harder questions than who does not."""
    table = truth.survey.table().astype(np.intp)
    items = fit_items(table, COUNTS)
    low, high = (np.where(items.turned, 1 - one, one) for one in (0, 1))
    asked = catsim_order(table, COUNTS, np.stack([low, high]), 8)
    assert items.b[asked[1, 1:4]].mean() > items.b[asked[0, 1:4]].mean()


def test_a_question_that_nobody_answered_is_asked_last(truth) -> None:
    table = truth.survey.table().astype(np.intp)[:300].copy()
    table[:, 5] = -1
    answers = np.ones((2, 20), dtype=np.intp)
    assert (catsim_order(table, COUNTS, answers, 20)[:, -1] == 5).all()
    with pytest.raises(DataError, match="no answer of training raters"):
        catsim_order(np.full((3, 20), -1), COUNTS, answers, 2)
