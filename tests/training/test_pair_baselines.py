"""choix and BoTorch on people whose tastes are known."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from training.baselines import bradley_terry, pair_gp

needs_botorch = pytest.mark.skipif(
    find_spec("botorch") is None, reason="BoTorch is not installed: pip install 'kallisti[compare]'"
)


def test_choix_recovers_strengths_and_knows_what_it_does_not_know() -> None:
    pytest.importorskip("choix", reason="choix is not installed: pip install 'kallisti[compare]'")
    rng = np.random.default_rng(0)
    truth = np.array([-1.5, -0.5, 0.0, 0.5, 1.5])
    pairs = np.array([(i, j) for i in range(5) for j in range(i)])
    lean = truth[pairs[:, 1]] - truth[pairs[:, 0]]
    answers = (rng.random((2000, 10)) < 1 / (1 + np.exp(-lean))).astype(np.intp)
    found = bradley_terry.strengths(pairs, answers, 6, 0.01)
    np.testing.assert_allclose(found[:5] - found[:5].mean(), truth, atol=0.12)
    assert np.isnan(found[5])
    p = bradley_terry.chances(found, np.array([[4, 0], [0, 5]]))
    assert p[0, 0] == pytest.approx(1 / (1 + np.exp(-3)), abs=0.02)
    assert np.isnan(p[1]).all()


def test_choix_chooses_its_regularization_by_a_person_left_out() -> None:
    pytest.importorskip("choix", reason="choix is not installed: pip install 'kallisti[compare]'")
    pairs = np.array([[0, 1], [1, 2], [0, 2]])
    agreed = bradley_terry.chances_for(pairs, np.zeros((4, 3), dtype=np.intp), 3, np.array([2]))
    torn = np.array([[1, 1, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    doubtful = bradley_terry.chances_for(pairs, torn, 3, np.array([2]))
    assert agreed[0, 0] > doubtful[0, 0] > 0.5


def judged(steps: tuple[int, ...]) -> tuple[pair_gp.Asked, float]:
    """An interview with somebody who likes the first quality of pictures, and the share then right."""
    rng = np.random.default_rng(1)
    taste = rng.normal(size=(40, 2))
    candidates, targets = rng.permutation(30).reshape(15, 2), rng.integers(30, 40, (30, 2))
    liked = taste[:, 0]
    answers = (liked[candidates[:, 1]] > liked[candidates[:, 0]]).astype(np.intp)
    answers[[3, 7]] = -1
    found = pair_gp.interview(taste, candidates, answers, targets, steps)
    clear = np.abs(liked[targets[:, 0]] - liked[targets[:, 1]]) > 0.3
    right = found.predicted[steps[-1]].argmax(1) == (liked[targets[:, 1]] > liked[targets[:, 0]])
    return found, float(right[clear].mean())


@needs_botorch
def test_botorch_learns_a_taste() -> None:
    found, right = judged((0, 4))
    assert len(set(found.asked)) == 4
    assert not {3, 7, -1} & set(found.asked)
    np.testing.assert_allclose(found.predicted[0], 0.5)
    assert right > 0.6
    assert found.seconds > 0


@needs_botorch
@pytest.mark.slow
def test_botorch_learns_it_well_and_ends_when_everything_was_asked() -> None:
    found, right = judged((0, 14))
    assert sorted(found.asked[:13].tolist()) == [row for row in range(15) if row not in (3, 7)]
    assert found.asked[13] == -1
    assert right > 0.8
    assert set(found.predicted) == {0, 14}
