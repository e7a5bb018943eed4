"""What the belief expects to get right is what it then gets right, for people with weak and strong tastes."""

from __future__ import annotations

import numpy as np
import pytest

from prefs.belief import Belief, infer_vectors, probabilities
from prefs.model import GallerySource, QuestionVectors
from prefs.progress import forecast
from prefs.space import independent

STRENGTHS = ((0.6, 0.45), (0.4, 1.25))
SIZE, PEOPLE, SAMPLE = 12, 60, 200


def world() -> tuple[GallerySource, Belief]:
    rng = np.random.default_rng(0)
    space = independent([("pictures", np.zeros(SIZE), np.eye(SIZE))], {"pictures": STRENGTHS})
    taste = 1.5 / np.sqrt(SIZE) * rng.normal(size=(400, SIZE))
    names = tuple(map(str, range(len(taste))))
    columns = space.columns("pictures")
    source = GallerySource("pictures", names, taste, np.zeros(len(taste)), columns, space.size)
    return source, Belief(space.mean, space.cov, 0.02, 0)


def expected_and_right(strength: float, answers: int) -> tuple[float, float]:
    """Mean over people of Forecast.now and of the share of their answers that is then predicted."""
    source, before = world()
    space = independent([("pictures", np.zeros(SIZE), np.eye(SIZE))], {"pictures": STRENGTHS})
    found = []
    for person in range(PEOPLE):
        rng = np.random.default_rng([1, person])
        tastes = strength * rng.normal(size=SIZE)
        rows = np.stack([rng.choice(400, 2, replace=False) for _ in range(answers + SAMPLE)])
        vectors = source.shown(rows, "pair", tie=False)
        logit = (source.taste[rows[:, 0]] - source.taste[rows[:, 1]]) @ tastes
        said = (rng.random(len(rows)) > 1 / (1 + np.exp(-logit))).astype(np.intp)
        asked = QuestionVectors(vectors.phi[:answers], vectors.g[:answers])
        belief = infer_vectors(space, asked, said[:answers], None)
        unseen = vectors[answers:]
        right = probabilities(belief, unseen).argmax(1) == said[answers:]
        found.append((forecast(before, belief, [unseen]).now, right.mean()))
    expected, right = np.mean(found, axis=0)
    return float(expected), float(right)


@pytest.mark.parametrize("answers", [5, 20, 60])
def test_what_is_expected_happens_on_average_over_the_population(answers: int) -> None:
    each = np.array([expected_and_right(strength, answers) for _, strength in STRENGTHS])
    expected, right = np.array([share for share, _ in STRENGTHS]) @ each
    assert abs(expected - right) < 0.02


def test_weak_and_strong_tastes_are_told_apart_by_the_answers() -> None:
    for answers, near in [(10, 0.07), (100, 0.03)]:
        (weak, weak_right), (strong, strong_right) = (
            expected_and_right(strength, answers) for _, strength in STRENGTHS
        )
        assert -near < weak_right - weak <= 0.01
        assert -0.01 <= strong_right - strong < near
    assert strong - weak > 0.1
