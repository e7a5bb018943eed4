from __future__ import annotations

from dataclasses import replace
from hashlib import sha1

import numpy as np
import pytest
from simulated import people

from training.identify import TOP
from training.splits import are_targets, raters_in
from training.spotting import POLICIES, Group, group_of, order_of, spotted, top_id

TRUTH = people(900, 40, 3, size=3, seed=13)


@pytest.fixture(scope="module")
def group() -> Group:
    return group_of(TRUTH.survey, TRUTH.fitted, "test", 100)


def quiet(stage: str, done: int, total: int) -> None:
    pass


def test_the_first_by_hash_are_the_group(group: Group) -> None:
    survey = TRUTH.survey
    tested = [
        rater for rater, one in zip(survey.raters, raters_in(survey.raters, "test"), strict=True) if one
    ]
    first = sorted(tested, key=lambda rater: sha1(rater.encode()).hexdigest())[:100]
    rows = [survey.raters.index(rater) for rater in first]
    assert (group.said == survey.table()[rows]).all()
    targets = are_targets(question.question_id for question in survey.questions)
    assert not targets[group.asked].any()
    assert len(group.asked) == (~targets).sum()


def test_chosen_questions_spot_people_sooner(group: Group) -> None:
    order = order_of(group_of(TRUTH.survey, TRUTH.fitted, "train", 100), 8)
    found = spotted(group, POLICIES, order, 8, quiet)
    top = {name: (one[""].rank < TOP).mean(0) for name, one in found.items()}
    assert top["random"][0] == 0.0
    for name in ("eig_id", "root_id", "top_id", "static_id"):
        assert top[name][5] > top["random"][5] + 0.05
    known, unseen = (found["eig_id"][reading].log_p[:, 8].mean() for reading in ("", "_unseen"))
    assert known > unseen > np.log(1 / 100)
    assert unseen > found["random"]["_unseen"].log_p[:, 8].mean()


def test_the_best_question_holds_the_true_rater_most_likely(group: Group) -> None:
    few = replace(
        group,
        said=group.said[:24],
        tastes={name: one[:24] for name, one in group.tastes.items()},
    )
    crowd = few.cohort("").crowd
    asked = top_id(crowd, few.answers, 2, top=3)
    ends = [*crowd.first[1:], len(crowd.chance)]
    weights = np.full((24, 24), 1 / 24)
    for step in range(2):
        for row in range(24):
            held = [
                sum(np.sort(weights[row] * crowd.chance[option])[-3:].sum() for option in range(first, end))
                for first, end in zip(crowd.first, ends, strict=True)
            ]
            if step:
                held[asked[row, 0]] = -1
            assert held[asked[row, step]] == pytest.approx(max(held), abs=1e-5)
            chosen = crowd.first[asked[row, step]] + few.answers[row, asked[row, step]]
            weights[row] *= crowd.chance[chosen]
            weights[row] /= weights[row].sum()


def test_questions_that_nobody_answered_are_passed_over(group: Group) -> None:
    said = group.said.copy()
    said[0, group.asked[3:]] = -1
    asked = top_id(group.cohort("").crowd, said[:, group.asked], 5)
    assert set(asked[0].tolist()) == {0, 1, 2, -1}
