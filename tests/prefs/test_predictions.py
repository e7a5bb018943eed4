"""Forecasts of answers: never from the answer itself, and scored by hand."""

from __future__ import annotations

import numpy as np
import pytest
import world
from hypothesis import given, settings
from hypothesis import strategies as st
from world import Person

from prefs.belief import infer, prior, probabilities
from prefs.predictions import Band, Forecast, forecasts, foretold, score
from prefs.questions import Answer, Question

MODEL = world.model(pictures=10, sentences=12)
QUESTIONS = world.bank_of(MODEL).questions
SENTENCES = st.lists(
    st.tuples(st.integers(0, 11), st.one_of(st.none(), st.integers(0, 3))), min_size=1, max_size=14
)


def chances(responses: list[tuple[Question, Answer]], question: Question) -> np.ndarray:
    return probabilities(infer(MODEL, responses), MODEL.stack([question]))[0]


@given(SENTENCES)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_no_answer_predicts_itself(said: list[tuple[int, Answer]]) -> None:
    responses = [(QUESTIONS[row], answer) for row, answer in said]
    latest = {row: answer for row, answer in said if answer is not None}
    for row, found in enumerate(forecasts(MODEL, responses, QUESTIONS)):
        others = [one for one in responses if one[0] is not QUESTIONS[row]]
        np.testing.assert_allclose(found.chances, chances(others, QUESTIONS[row]), atol=1e-9)
        assert found.said == latest.get(row)
        assert found.chances.sum() == pytest.approx(1.0)
        assert found.gain_bits >= 0


@given(SENTENCES)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_each_answer_is_foretold_from_those_before_it_alone(said: list[tuple[int, Answer]]) -> None:
    responses = [(QUESTIONS[row], answer) for row, answer in said]
    rows = list(range(0, len(responses), 2))
    for row, found in zip(rows, foretold(MODEL, responses, rows), strict=True):
        np.testing.assert_allclose(found.chances, chances(responses[:row], responses[row][0]), atol=1e-9)
        assert found.said == responses[row][1]


def test_nobody_is_expected_to_answer_as_people_do() -> None:
    generic = probabilities(prior(MODEL), MODEL.stack(QUESTIONS))
    found = forecasts(MODEL, [], QUESTIONS)
    for row, one in enumerate(found):
        np.testing.assert_array_equal(one.chances, generic[row])
        assert (one.gain_bits, one.said, one.right) == (0.0, None, None)
    assert forecasts(MODEL, [], []) == []
    assert foretold(MODEL, [(QUESTIONS[0], 1)], []) == []


def test_over_a_hundred_answers_are_predicted_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prefs.predictions.BELIEFS", 4)
    person = Person(MODEL, 3)
    responses = [(question, person.answer(question)) for question in QUESTIONS[:10]]
    for row, found in enumerate(forecasts(MODEL, responses, QUESTIONS[:10])):
        others = [one for place, one in enumerate(responses) if place % 4 != row % 4]
        np.testing.assert_allclose(found.chances, chances(others, QUESTIONS[row]), atol=1e-9)
    for row, found in enumerate(foretold(MODEL, responses, range(10))):
        np.testing.assert_allclose(
            found.chances, chances(responses[: row - row % 3], QUESTIONS[row]), atol=1e-9
        )


def test_an_answer_counts_by_what_it_says_not_where_it_stood() -> None:
    first, second = QUESTIONS[:2]
    turned = first.reordered((3, 2, 1, 0))
    assert forecasts(MODEL, [(turned, 0)], [second, first])[1].said == 3


def forecast(certainty: float, said: Answer) -> Forecast:
    chances = np.array([certainty, 1 - certainty])
    return Forecast(QUESTIONS[0], chances, np.array([0.4, 0.6]), said)


def test_the_score_by_hand() -> None:
    found = score([forecast(0.9, 0), forecast(0.8, 1), forecast(0.6, 0), forecast(0.7, None)])
    assert (found.count, found.right, found.by_population, found.by_chance) == (3, 2, 1, 1.5)
    assert found.expected == pytest.approx(2.3)
    assert found.bands == (Band(0.5, 0.6, 1, 1), Band(0.8, pytest.approx(0.85), 2, 1))
    assert score([]).bands == ()


def test_the_gain_is_the_divergence_from_the_population() -> None:
    by_hand = 0.9 * np.log2(0.9 / 0.4) + 0.1 * np.log2(0.1 / 0.6)
    assert forecast(0.9, None).gain_bits == pytest.approx(by_hand)


def test_a_person_is_foretold_better_than_by_the_population() -> None:
    model = world.model(pictures=4, sentences=120, seed=5)
    questions = world.bank_of(model).questions
    right = common = 0
    for seed in range(6):
        person = Person(model, seed)
        responses = [(question, person.answer(question)) for question in questions]
        found = score(foretold(model, responses, range(60, 120)))
        right, common = right + found.right, common + found.by_population
    assert right > common + 20
