from __future__ import annotations

import numpy as np
import pytest

from training.ranks import spearman_within


def test_order_within_each_rater() -> None:
    answers = np.array(
        [[0, 1, 2, 5], [0, 1, 2, -1], [3, 3, 1, 0], [2, 2, 2, 2], [0, 1, -1, -1], [0, 1, 2, 3]]
    )
    expected = np.array(
        [[0.1, 0.2, 0.3, 9.0], [3, 2, 1, 0], [1, 1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4], [1] * 4]
    )
    found = spearman_within(expected, answers)
    np.testing.assert_allclose(found[:3], [1, -1, -1])
    assert np.isnan(found[3:]).all()


def test_equals_scipy() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    answers, expected = rng.integers(0, 4, (1, 30)), rng.normal(size=(1, 30))
    assert spearman_within(expected, answers)[0] == pytest.approx(spearmanr(expected[0], answers[0])[0])
