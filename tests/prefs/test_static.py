from __future__ import annotations

import numpy as np
import pytest

from prefs.batch import infer_many
from prefs.errors import DataError
from prefs.model import QuestionVectors
from prefs.space import independent
from prefs.static import static_id_order, static_order

SPACE = independent([("bank", np.zeros(2), np.eye(2))])
FIRST = 5


def world(raters: int = 400) -> tuple[QuestionVectors, np.ndarray]:
    """Yes/no questions: 0 to 2 about the first trait, ever weaker; 3 about the second; 4 to 7 targets.

    The targets are about the first trait only. Question 3 is the sharpest of all.
    """
    rng = np.random.default_rng(0)
    phi = np.zeros((8, 2, SPACE.size))
    phi[:3, 0, FIRST] = (3.0, 1.0, 0.2)
    phi[3, 0, FIRST + 1] = 8.0
    phi[4:, 0, FIRST] = 3.0
    vectors = QuestionVectors(phi, np.zeros((8, 2)))
    tastes = rng.normal(size=(raters, SPACE.size)) * np.sqrt(np.diagonal(SPACE.cov))
    yes = 1 / (1 + np.exp(-(phi[:, 0] - phi[:, 1]) @ tastes.T)).T
    return vectors, np.where(rng.random(yes.shape) < yes, 0, 1)


def test_static_asks_first_what_predicts_the_targets() -> None:
    vectors, answers = world()
    beliefs = infer_many(SPACE, vectors, answers, 0.02)
    order = static_order(vectors, answers, beliefs, range(4), range(4, 8))
    assert order[:2] == [0, 1]
    assert sorted(order) == [0, 1, 2, 3]
    assert static_order(vectors, answers, beliefs, range(4), range(4, 8), count=1)[:2] == [0, 1]


def test_who_answered_little_is_asked_what_tells_most_about_those_who_answered_it() -> None:
    vectors, answers = world(2000)
    rare = answers.copy()
    rare[np.random.default_rng(1).random(2000) > 0.15, 0] = -1  # the best question, seldom answered
    beliefs = infer_many(SPACE, vectors, answers, 0.02)
    assert static_order(vectors, rare, beliefs, range(4), range(4, 8))[:2] == [0, 1]
    assert static_id_order(vectors, rare, beliefs, range(4))[1] == 0


def test_static_id_asks_first_what_tells_people_apart() -> None:
    vectors, answers = world()
    beliefs = infer_many(SPACE, vectors, answers, 0.02)
    order = static_id_order(vectors, answers, beliefs, range(4))
    assert set(order[:2]) == {0, 3}
    assert order[3] == 2


def test_static_is_the_greedy_choice_by_hand() -> None:
    vectors, answers = world(12)
    beliefs = infer_many(SPACE, vectors, answers, 0.02)
    floor, rows = 0.05 / 2, np.arange(12)
    logits = np.einsum("qkd,rd->qkr", vectors.phi, beliefs.mean)
    chance = 0.95 * np.exp(logits) / np.exp(logits).sum(1, keepdims=True) + floor

    def log_p_id(asked: list[int]) -> float:
        likelihood = np.prod([chance[q, answers[:, q]] for q in asked], axis=0)
        return float(np.log(likelihood[rows, rows] / likelihood.sum(1)).mean())

    expected: list[int] = []
    for _ in range(4):
        left = [q for q in range(4) if q not in expected]
        expected.append(max(left, key=lambda q: log_p_id([*expected, q])))
    assert static_id_order(vectors, answers, beliefs, range(4)) == expected


def test_what_is_known_beforehand_is_not_worth_asking() -> None:
    vectors, _ = world(1)
    phi = vectors.phi.copy()
    phi[1, 0, FIRST], phi[3, 0, FIRST + 1] = (
        3.0,
        2.4,
    )  # 1 tells as much as 0, 3 a little less of the other trait
    phi[6:, 0] = 0.0
    phi[6:, 0, FIRST + 1] = 3.0
    tastes = np.random.default_rng(0).normal(size=(2000, SPACE.size)) * np.sqrt(np.diagonal(SPACE.cov))
    yes = 1 / (1 + np.exp(-(phi[:, 0] - phi[:, 1]) @ tastes.T)).T
    answers = np.where(np.random.default_rng(1).random(yes.shape) < yes, 0, 1)
    vectors = QuestionVectors(phi, vectors.g)
    beliefs = infer_many(SPACE, vectors, answers, 0.02)
    assert static_order(vectors, answers, beliefs, [1, 3], range(4, 8)) == [1, 3]
    assert static_order(vectors, answers, beliefs, [1, 3], range(4, 8), known=[0]) == [3, 1]


def test_missing_answers_tell_nothing() -> None:
    vectors, answers = world()
    answers[:, 0] = -1
    beliefs = infer_many(SPACE, vectors, answers, 0.02)
    order = static_order(vectors, answers, beliefs, range(4), range(4, 8))
    assert order[0] == 1
    assert static_id_order(vectors, answers, beliefs, range(4))[0] == 3


def test_too_little_is_refused() -> None:
    vectors, answers = world(6)
    beliefs = infer_many(SPACE, vectors, answers, 0.02)
    with pytest.raises(DataError, match="targets"):
        static_order(vectors, answers, beliefs, range(4), [])
    with pytest.raises(DataError, match="candidate"):
        static_id_order(vectors, answers, beliefs, [])
    with pytest.raises(DataError, match="expected raters times questions"):
        static_id_order(vectors, answers[:, :3], beliefs, range(4))
