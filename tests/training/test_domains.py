from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated import people

from training.domains import OTHERS, Persons, gains, persons

TRUTH = people(600, 40, 3, size=2, seed=11)
# one taste answers what is called politics and morality, the other what is called music
LOUD = np.abs(TRUTH.slopes[:, 0]) > np.abs(TRUTH.slopes[:, 1])


@pytest.fixture(scope="module")
def crowd() -> Persons:
    names = np.where(LOUD, np.where(np.arange(40) % 2 == 0, "politics", "morality"), "music")
    asked = tuple(
        replace(question, domain=str(name))
        for question, name in zip(TRUTH.survey.questions, names, strict=True)
    )
    survey = replace(TRUTH.survey, questions=asked)
    slopes = np.where(np.stack([LOUD, ~LOUD], 1), TRUTH.slopes, 0.0)
    rng = np.random.default_rng(0)
    logits = np.linspace(-1, 1, 3) * (TRUTH.tastes @ slopes.T)[..., None] + TRUTH.popularity
    answers = (logits + rng.gumbel(size=logits.shape)).argmax(2)
    survey = replace(survey, answers=answers.ravel().astype(np.int16))
    phi = np.zeros((40, 3, 4))
    phi[..., 2:] = np.linspace(-1, 1, 3)[:, None] * slopes[:, None]
    return persons(survey, replace(TRUTH.fitted, phi=phi))


def test_domains_tell_of_those_that_share_a_taste(crowd: Persons) -> None:
    found = {(one["known"], one["wanted"]): one for one in gains(crowd)}
    mean, low, _ = found["morality", "politics"]["gain"]
    assert mean > 0.01
    assert low > 0.0
    assert abs(found["music", "politics"]["gain"][0]) < 0.005
    assert abs(found["politics", "music"]["gain"][0]) < 0.005
    both, one = found[OTHERS, "politics"]["gain"][0], found["morality", "politics"]["gain"][0]
    assert both == pytest.approx(one, abs=0.005)


def test_targets_of_a_domain_are_not_known(crowd: Persons) -> None:
    found = {(one["known"], one["wanted"]): one for one in gains(crowd)}
    politics = crowd.of == "politics"
    own = found["politics", "politics"]
    assert own["known_questions"] == (politics & ~crowd.target).sum()
    assert own["wanted_questions"] == (politics & crowd.target).sum()
    assert found["politics", "music"]["known_questions"] == politics.sum()
    assert own["targets_by_hash"]


def test_a_domain_without_targets_is_predicted_whole(crowd: Persons) -> None:
    none = replace(crowd, target=crowd.target & (crowd.of != "politics"))
    found = [one for one in gains(none) if one["wanted"] == "politics"]
    assert {one["known"] for one in found} == {"morality", "music", OTHERS}
    assert not found[0]["targets_by_hash"]
    assert found[0]["wanted_questions"] == (crowd.of == "politics").sum()


def test_who_did_not_answer_does_not_count(crowd: Persons) -> None:
    table = crowd.table.copy()
    table[:10, crowd.of == "morality"] = -1
    found = {(one["known"], one["wanted"]): one for one in gains(replace(crowd, table=table))}
    assert found["morality", "politics"]["raters"] == len(table) - 10
    assert found["music", "politics"]["raters"] == len(table)
