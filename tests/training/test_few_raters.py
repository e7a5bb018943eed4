"""A survey of few people: everybody is met with a model that was fitted to the others."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from simulated import people

from prefs.errors import ConfigError, DataError
from training import few_interviews, few_raters
from training.few_raters import SurveyInterviews, evaluate_few_raters
from training.fit import Settings
from training.splits import are_targets
from training.surveys import Survey

TRUTH = people(30, 36, 5, size=1, answered=0.95, seed=6)
CHOICES = (Settings(size=1, nominal=0.0, steps=60), Settings(size=2, nominal=0.0, steps=60))


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Short fits, and two of them to choose from for two halves of the people."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_raters, "CHOICES", CHOICES)
        patch.setattr(few_raters, "FOLDS", 2)
        patch.setattr(few_interviews, "ORDERS", 1)
        yield


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    found = evaluate_few_raters(TRUTH.bank, TRUTH.survey, ("static", "eig"), questions=5)
    return json.loads(json.dumps(found, allow_nan=False))


def test_follows_the_contract(result: dict[str, Any]) -> None:
    assert result["n_test_raters"] == 30
    assert set(result["policies"]) == {"static", "eig"}
    for lines in result["policies"].values():
        for measure in ("accuracy", "log_loss", "residual_skill", "ece", "spearman", "share_identified"):
            assert None not in lines[measure][:5]
            assert lines[measure][5:] == [None] * 6
    assert len(result["settings"]["models_without_each_tenth"]) == 2
    assert result["settings"]["raters"] == 30


def test_answers_tell_about_the_person(result: dict[str, Any]) -> None:
    at = result["k"].index(5)
    for lines in result["policies"].values():
        assert lines["log_loss"][at] < result["controls"]["generic"]["log_loss"][at] - 0.03
        assert lines["log_loss"][at] < result["controls"]["wrong_person"]["log_loss"][at] - 0.05
        assert lines["spearman"][at] > lines["spearman"][0] + 0.1
    assert result["full_information"]["residual_skill"] > 0.05


def turned(survey: Survey, rater: int) -> Survey:
    """The survey where a rater gives the opposite answers to all targets."""
    target = are_targets(question.question_id for question in survey.questions)
    changed = (survey.rows == rater) & target[survey.columns]
    return replace(survey, answers=np.where(changed, 4 - survey.answers, survey.answers).astype(np.int16))


def test_nothing_that_is_predicted_is_known() -> None:
    courses, generic = [], []
    for survey in (TRUTH.survey, turned(TRUTH.survey, 3)):
        own = SurveyInterviews(TRUTH.bank, survey, [0, 3])
        assert own.settings[0] in CHOICES
        cohort = own.cohort(3)
        courses.append([own.order(3), cohort.beliefs(np.array([[0, 2, 4]]), 3).mean])
        generic.append(own.generic()[3])
    assert courses[0][0] == courses[1][0]
    np.testing.assert_array_equal(courses[0][1], courses[1][1])
    np.testing.assert_array_equal(*generic)


def test_the_generic_score_counts_the_others() -> None:
    own = SurveyInterviews(TRUTH.bank, TRUTH.survey, [0])
    column = 0
    said = np.delete(own.wanted[:, column], 7)
    counts = np.array([(said == option).sum() for option in range(5)]) + 0.5
    np.testing.assert_allclose(own.generic()[7, column], counts / counts.sum())


def test_refuses_what_it_cannot_tell() -> None:
    with pytest.raises(ConfigError, match="policy 'best' is unknown here"):
        evaluate_few_raters(TRUTH.bank, TRUTH.survey, ["best"])
    few = TRUTH.survey.of_raters(np.arange(30) < 2)
    with pytest.raises(DataError, match="2 raters who answered 5 target questions: at least 3"):
        evaluate_few_raters(TRUTH.bank, few)
