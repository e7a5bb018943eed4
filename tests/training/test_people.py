from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated import people

from prefs.errors import ConfigError, DataError
from training.people import CHECK, People, interview_id, transcribed
from training.splits import raters_in

SURVEY = people(400, 12, 3, answered=0.9, seed=2).survey


def test_seeds_and_those_held_back_are_the_training_raters() -> None:
    found = People.of(SURVEY, 0.2, seed=0)
    train = np.flatnonzero(raters_in(SURVEY.raters, "train"))
    assert sorted([*found.seeds, *found.held]) == train.tolist()
    assert len(found.seeds) == round(0.2 * len(train))
    assert found.batch(1, 30).tolist() == found.held[:30].tolist()
    assert found.batch(2, 30).tolist() == found.held[30:60].tolist()
    assert (People.of(SURVEY, 0.2, seed=0).held == found.held).all()
    assert (People.of(SURVEY, 0.2, seed=1).held != found.held).any()
    for share in (0.0, 0.01, 1.0):
        with pytest.raises(ConfigError, match="at least 20 and fewer than all"):
            People.of(SURVEY, share, seed=0)


def test_only_what_was_asked_becomes_known() -> None:
    found = People.of(SURVEY, 0.2, seed=0)
    table, rows = SURVEY.table(), found.batch(1, 5)
    asked = np.array([np.flatnonzero(table[row] >= 0)[[4, 2]] for row in rows])
    asked[1, 1] = -1
    checks = np.array([np.flatnonzero(table[row] >= 0)[[6]] for row in rows])
    gains = np.where(asked >= 0, 0.25, np.nan)
    met = transcribed(found, 1, "planned", rows, asked, gains, checks, ["price"] * 5)
    assert [len(one.turns) for one in met] == [3, 2, 3, 3, 3]
    assert [turn.gain_bits for turn in met[0].turns] == [0.25, 0.25, None]
    assert [turn.planner for turn in met[0].turns] == [None, None, CHECK]
    known = found.known(met)
    assert known.questions == SURVEY.questions
    assert known.raters[-5:] == tuple(one.rater_id for one in met)
    expected = np.full((5, 12), -1)
    for place, row in enumerate(rows):
        columns = [one for one in (*asked[place], *checks[place]) if one >= 0]
        expected[place, columns] = table[row, columns]
    assert (known.table()[-5:] == expected).all()
    validation = raters_in(SURVEY.raters, "validation")
    whole = raters_in(known.raters, "validation")
    assert (known.table()[whole] == table[validation]).all()
    assert raters_in(known.raters, "train").sum() == len(found.seeds) + 5
    assert not raters_in(known.raters, "test").any()
    assert (found.known([]).table() == known.table()[:-5]).all()
    other = replace(met[0], turns=(replace(met[0].turns[0], question_id="other"),))
    with pytest.raises(DataError, match="asks 'other', which is no question of the survey"):
        found.known([other])


def test_an_interview_is_a_rater_of_its_own() -> None:
    train = [rater for rater in SURVEY.raters if raters_in([rater], "train")[0]]
    names = [interview_id(rater, number) for rater in train for number in (1, 2, 12)]
    assert len({*names, *SURVEY.raters}) == len(names) + len(SURVEY.raters)
    assert raters_in(names, "train").all()
