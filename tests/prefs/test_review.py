from __future__ import annotations

import numpy as np
import pytest
import world
from world import Person

from prefs.belief import Belief, infer, prior, probabilities
from prefs.questions import Answer, Question, pair
from prefs.review import decisive, divergence, review

MODEL = world.model(pictures=50, sentences=0)
Responses = list[tuple[Question, Answer]]


def transcript(count: int, seed: int = 4) -> Responses:
    rng, person = np.random.default_rng(seed), Person(MODEL, seed)
    rows = [rng.choice(50, 2, replace=False) for _ in range(count)]
    questions = [pair(f"p{a:03}", f"p{b:03}", "gallery") for a, b in rows]
    return [(question, person.answer(question)) for question in questions]


def test_each_answer_is_predicted_from_the_ones_before() -> None:
    responses = transcript(12)
    found = review(MODEL, [*responses[:5], (responses[0][0], None), *responses[5:]])
    for row, (question, answer) in enumerate(responses):
        told = probabilities(infer(MODEL, responses[:row]), MODEL.stack([question]))[0]
        generic = probabilities(prior(MODEL), MODEL.stack([question]))[0]
        assert found.chances[row] == pytest.approx(told[answer or 0])
        assert found.right[row] == (np.argmax(told) == answer)
        assert found.generic[row] == pytest.approx(generic[answer or 0])
    assert found.log_loss == pytest.approx(-np.log(found.chances).mean())
    assert found.uniform_log_loss == pytest.approx(np.log(3.0))
    assert sum(entry.count for entry in found.bins) == 12


def test_a_long_interview_is_predicted_better_than_by_the_population() -> None:
    found = review(MODEL, transcript(230))
    assert len(found.chances) == 230
    assert found.log_loss < found.generic_log_loss - 0.1 < found.uniform_log_loss
    assert found.accuracy > found.generic_accuracy + 0.1
    assert all(abs(entry.expected - entry.right) < 0.2 for entry in found.bins)


def test_no_answers_no_review() -> None:
    found = review(MODEL, [(pair("p000", "p001", "gallery"), None)])
    assert (found.log_loss, found.accuracy, found.bins) == (0.0, 0.0, ())
    assert decisive(MODEL, []) == []


def test_the_answer_against_all_others_is_the_decisive_one() -> None:
    question = pair("p000", "p001", "gallery")
    responses: Responses = [(question, answer) for answer in (0, 0, None, 1, 0)]
    found = decisive(MODEL, responses)
    assert found[0][0] == 3
    assert sorted(row for row, _ in found) == [0, 1, 3, 4]
    assert found[0][1] > 1.5 * found[1][1] > 0.0
    assert [row for row, _ in decisive(MODEL, responses, latest=1)] == [4]


def test_divergence_of_gaussians_by_hand() -> None:
    one = Belief(np.array([1.0]), np.array([[4.0]]), 0.02, 0)
    other = Belief(np.array([0.0]), np.array([[1.0]]), 0.02, 0)
    # ½ (4 + 1 - 1 - ln 4) nats
    assert divergence(one, other) == pytest.approx((2.0 - np.log(2.0)) / np.log(2.0))
    assert divergence(one, one) == 0.0
