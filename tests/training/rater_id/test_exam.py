from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from wordy import table, wordy

from training.rater_id.corpus import corpus_of
from training.rater_id.data import of_survey
from training.rater_id.exam import Figures, agreement, exams, mean, real_and_predicted
from training.rater_id.recipe import Recipe

FIGURES = Figures(1.0, 1.25, 1.5, 0.8, 0.02, 0.6, 0.5, 40)
RECIPE = Recipe(answers=1.0, identity=0.5, moments=10.0, marginals=2.0, keep="loss")


def test_the_kept_step_is_chosen_by_what_the_recipe_says() -> None:
    assert FIGURES.gain == pytest.approx(0.25)
    assert FIGURES.loss(RECIPE) == pytest.approx(1.0 + 0.4 + 0.2 + 3.0)
    assert FIGURES.score(RECIPE) == pytest.approx(-4.6)
    assert FIGURES.score(replace(RECIPE, keep="gain")) == pytest.approx(0.25)
    assert FIGURES.score(replace(RECIPE, keep="correlation")) == 0.6
    assert FIGURES.score(replace(RECIPE, keep="last")) is None
    nothing = Figures(None, None, None, None, None, None, None, 0)
    assert nothing.gain is None
    assert nothing.score(RECIPE) is None


def test_means_leave_out_what_tells_nothing() -> None:
    assert mean([1.0, None, 4.0], [1.0, 9.0, 2.0]) == pytest.approx(3.0)
    assert mean([None], [1.0]) is None
    pairs = np.array([[0.1, 0.5, -0.2, 0.3], [0.2, 0.9, -0.5, 0.5]], np.float32)
    assert agreement(pairs) == pytest.approx(np.corrcoef(pairs)[0, 1], abs=1e-6)
    assert agreement(pairs[:, :2]) is None
    assert agreement(np.zeros((2, 5), np.float32)) is None


def test_only_pairs_that_enough_raters_answered_judge_correlations() -> None:
    few, many = (exams(corpus_of([of_survey(wordy(count))]).parts, Recipe()) for count in (150, 400))
    predicted = np.zeros((len(many[0].judged),) * 2, np.float32)
    assert real_and_predicted(few[0], predicted).shape == (2, 0)
    count = len(many[0].judged)
    assert real_and_predicted(many[0], predicted).shape == (2, count * (count - 1) // 2)


def test_an_exam_is_the_same_every_time_and_within_its_bounds() -> None:
    parts = corpus_of([of_survey(wordy(300))]).parts
    recipe = Recipe(validation_questions=5, validation_raters=12)
    first, again = exams(parts, recipe)[0], exams(parts, recipe)[0]
    assert np.array_equal(first.answers, again.answers)
    assert first.answers.shape == (12, 5 + len(first.judged))
    assert len(first.judged) <= 6
    shares = parts[0].shares[np.concatenate([first.known, first.judged])]
    assert np.array_equal(first.shares, shares)


def test_shares_are_those_of_raters_who_are_learned_from() -> None:
    raters = [f"r{number}" for number in range(60)]
    answers = np.random.default_rng(0).integers(0, 3, (60, 4))
    answers[5:9, 0] = -1
    survey = table("s", ["One", "Two", "Three", "Four"], raters, answers, ("No", "Perhaps", "Yes"))
    part = corpus_of([of_survey(survey)], "all").parts[0]
    said = part.answers[part.learners, 0]
    counts = np.array([(said == option).sum() for option in range(3)]) + 0.5
    assert part.shares[0] == pytest.approx(counts / counts.sum(), abs=1e-6)
    assert part.shares.sum(1) == pytest.approx(np.ones(4))
