from __future__ import annotations

import numpy as np
import pytest

from training.reached import questions_to, reached, saved


def test_questions_to_a_loss_by_hand() -> None:
    losses = np.array(
        [[1.0, 0.8, 0.6, 0.5], [0.5, 0.4, 0.3, 0.2], [1.0, 1.0, 1.0, 0.95], [1.0, 0.7, 0.9, 0.6]]
    )
    found = questions_to(losses, 0.7)
    assert found[:2] == pytest.approx([1.5, 0.0])
    assert np.isnan(found[2])
    assert found[3] == 1.0, "the first time counts"


def test_raters_who_agree_leave_no_doubt() -> None:
    losses = np.tile([1.0, 0.8, 0.6, 0.5], (30, 1))
    assert reached(losses, 0.7) == {"questions": 1.5, "ci": [1.5, 1.5]}
    assert reached(losses, 0.1)["questions"] is None
    assert reached(losses, 0.1)["ci"] == [4.0, 4.0], "never is one more than were asked"
    later = np.tile([1.0, 0.9, 0.8, 0.7], (30, 1))
    assert saved(losses, later, 0.7) == {"questions": 1.5, "ci": [1.5, 1.5]}
    assert saved(later, losses, 0.7) == {"questions": -1.5, "ci": [-1.5, -1.5]}


def test_the_interval_holds_what_resampled_raters_say() -> None:
    rng = np.random.default_rng(0)
    losses = np.linspace(1.0, 0.5, 11) + rng.normal(0, 0.1, (200, 1)) + rng.normal(0, 0.01, (200, 11))
    found = reached(losses, 0.75)
    low, high = found["ci"]
    # a mean loss that is 0.1 / sqrt(200) higher needs 0.14 questions more
    assert low < found["questions"] < high
    assert high - low == pytest.approx(4 * 0.1 / np.sqrt(200) * 20, rel=0.3)
    paired = saved(losses, losses + 0.05, 0.75)
    low, high = paired["ci"]
    assert paired["questions"] == pytest.approx(1.0, abs=0.05)
    assert high - low < 0.2, "the same raters: what they have in common does not count"
