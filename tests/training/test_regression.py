"""Regression per target: known answers on made data."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'kallisti[compare]'")

from training.baselines import regression
from training.baselines.regression import Inputs, Settings, choose, losses, predictions

COUNTS = np.array([3, 2, 3, 2])
CANDIDATES, TARGETS = np.array([0, 1]), np.array([2, 3])


def answers(raters: int, seed: int) -> np.ndarray:
    """Target 2 repeats candidate 0 in nine of ten cases; target 3 is a coin of 0.7."""
    rng = np.random.default_rng(seed)
    table = np.stack([rng.integers(0, count, raters) for count in COUNTS], axis=1)
    copied = rng.random(raters) < 0.85
    table[:, 2] = np.where(copied, table[:, 0], rng.integers(0, 3, raters))
    table[:, 3] = rng.random(raters) < 0.7
    return table


def test_losses_come_near_to_what_is_possible() -> None:
    train, test = answers(4000, 0), answers(2000, 1)
    p = predictions(train, test, CANDIDATES, TARGETS, COUNTS, Settings("options", 0.1))
    assert p.shape == (2000, 2, 3)
    np.testing.assert_allclose(p.sum(2), 1)
    assert (p[:, 1, 2] == 0).all()  # no such option
    first = losses(p[:, :1], test[:, [2]]).mean()
    assert first == pytest.approx(-0.9 * np.log(0.9) - 0.1 * np.log(0.05), abs=0.03)
    second = losses(p[:, 1:], test[:, [3]]).mean()
    assert second == pytest.approx(-0.7 * np.log(0.7) - 0.3 * np.log(0.3), abs=0.02)


def test_a_bend_needs_options_and_is_chosen_by_validation_raters() -> None:
    """The target asks whether candidate 0 is in the middle, which no multiple of its score says."""
    tables = [answers(2000, seed) for seed in (2, 3)]
    for table in tables:
        table[:, 3] = table[:, 0] == 1
    settings, tried = choose(*tables, CANDIDATES, np.array([3]), COUNTS)
    assert settings.encoding != "scores"
    assert min(tried.values()) < 0.1 < min(loss for name, loss in tried.items() if "scores" in name)


def test_an_answer_nobody_gave_has_a_probability() -> None:
    train, test = answers(300, 4), answers(50, 5)
    train[train[:, 3] == 0, 3] = 1
    p = predictions(train, test, CANDIDATES, TARGETS, COUNTS, Settings("both", 0.01))
    assert (p[:, 1, 0] > 0).all()
    assert np.isfinite(losses(p, test[:, TARGETS])).all()


def test_missing_answers_carry_what_their_absence_says() -> None:
    train, test = answers(2000, 6), answers(500, 7)
    for table in (train, test):
        table[:, 3] = np.random.default_rng(8).random(len(table)) < 0.5
        table[table[:, 3] == 1, 1] = -1
    p = predictions(train, test, CANDIDATES, TARGETS, COUNTS, Settings("scores", 0.1))
    assert (p[:, 1].argmax(1)[:, None] == test[:, [3]]).mean() > 0.99


def test_a_missing_score_is_the_mean() -> None:
    inputs = Inputs.of(np.array([[0], [2], [1], [1]]), np.array([3]), "scores")
    np.testing.assert_array_equal(inputs(np.array([[-1], [1]])), [[0.0], [0.0]])


def test_losses_leave_out_what_was_not_answered() -> None:
    p = np.array([[[0.5, 0.5], [0.25, 0.75]], [[0.1, 0.9], [0.1, 0.9]]])
    found = losses(p, np.array([[0, -1], [-1, -1]]))
    assert found[0] == pytest.approx(np.log(2))
    assert np.isnan(found[1])


def test_regression_loss_is_that_of_the_chosen_settings() -> None:
    train, validation, test = (answers(600, seed) for seed in (9, 10, 11))
    found = regression.regression_loss(train, validation, test, CANDIDATES, TARGETS, COUNTS)
    settings, _ = choose(train, validation, CANDIDATES, TARGETS, COUNTS)
    p = predictions(train, test, CANDIDATES, TARGETS, COUNTS, settings)
    np.testing.assert_array_equal(found, losses(p, test[:, TARGETS]))
    assert found.mean() < np.log(3)
