from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from prefs.bank import ItemBank
from prefs.errors import DataError
from prefs.log import PERSON, PERSON_SEEN, Asked, Entry
from prefs.questions import Option, Question, pair
from prefs.store import Store
from training.storedata import extended, read_store
from training.surveys import Survey, assemble, make_questions


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "answers.sqlite") as found:
        yield found


def bank(name: str = "moods", count: int = 3) -> ItemBank:
    ids = [f"q{number}" for number in range(count)]
    texts = [f"Thing {number}?" for number in range(count)]
    return ItemBank(name, tuple(make_questions(name, ids, ["mood"] * count, texts, [["Yes", "No"]] * count)))


def say(
    store: Store, rater: str, interview: str, question: Question, answer: int | None, planner: str = "eig"
) -> str:
    """Asks and answers a question; returns its token."""
    asked = Asked(uuid.uuid4().hex, question, planner, None, None, 0)
    store.ask(rater, interview, asked)
    do(store, rater, interview, "answer", asked.token, answer)
    return asked.token


def do(store: Store, rater: str, interview: str, action, token: str, answer: int | None = None) -> None:
    entry = Entry(uuid.uuid4().hex, token, action, answer, None, None, datetime.now(UTC))
    store.record(rater, interview, entry)


def start(store: Store, rater: str, consent: bool = True) -> str:
    found = store.start(rater, {})
    store.consent(rater, consent)
    return found


def test_each_interview_is_a_rater_and_only_what_stands_counts(store: Store) -> None:
    moods = bank()
    one, two = start(store, "ann"), start(store, "ann")
    q = moods.questions
    say(store, "ann", one, q[0], 1)
    taken_back = say(store, "ann", one, q[1], 0)
    do(store, "ann", one, "undo", taken_back)
    changed = say(store, "ann", one, q[2], 0)
    do(store, "ann", one, "edit", changed, 1)
    say(store, "ann", one, q[0], 0)
    say(store, "ann", two, q[0], 0)
    found = read_store(store, {"moods": moods})
    assert sorted(found.said["moods"]) == sorted(
        [(one, "q0", 1, 0), (one, "q2", 1, 0), (one, "q0", 0, 1), (two, "q0", 0, 0)]
    )
    assert (found.raters, found.interviews, found.answers) == (1, 2, 4)
    assert not found.skips


def test_what_cannot_be_learned_from_is_counted_by_reason(store: Store) -> None:
    moods = bank()
    private = start(store, "bob", consent=False)
    say(store, "bob", private, moods.questions[0], 1)
    mine = start(store, "ann")
    say(store, "ann", mine, moods.questions[0], None)
    say(store, "ann", mine, pair("aa", "bb", "pictures"), 0)
    say(store, "ann", mine, bank("else").questions[0], 0)
    say(store, "ann", mine, replace(moods.questions[0], question_id="q9"), 0)
    say(store, "ann", mine, replace(moods.questions[0], markdown="Another text?"), 0)
    say(store, "ann", mine, replace(moods.questions[0], options=(Option("No"), Option("Yes"))), 0)
    found = read_store(store, {"moods": moods})
    assert found.said == {}
    assert dict(found.skips) == {
        "rater who did not agree to it": 1,
        "question that was skipped": 1,
        "answer about pictures (their model is not trained on answers yet)": 1,
        "answer to bank 'else', which is neither given nor kept": 1,
        "answer to a question that bank 'moods' does not have": 1,
        "answer to a question that bank 'moods' words otherwise now": 2,
        "interview without a usable answer": 1,
    }
    assert (found.raters, found.interviews) == (1, 0)


def test_answers_given_with_their_prediction_in_sight_are_left_out(store: Store) -> None:
    moods = bank()
    mine = start(store, "ann")
    for question, planner in zip(moods.questions, ("eig", PERSON, PERSON_SEEN), strict=True):
        say(store, "ann", mine, question, 1, planner)
    found = read_store(store, {"moods": moods})
    assert found.said == {"moods": [(mine, "q0", 1, 0), (mine, "q1", 1, 0)]}
    assert dict(found.skips) == {"answer that was given with its prediction in sight": 1}


def base(moods: ItemBank) -> Survey:
    return assemble(
        "moods",
        moods.questions,
        ["r0", "r1"],
        np.array([0, 0, 1]),
        np.array([0, 1, 2]),
        np.array([1, 0, 1]),
    )


def test_interviews_stand_beside_the_raters_of_the_survey() -> None:
    moods = bank()
    survey = base(moods)
    survey.skips["question of the domain 'background'"] = 2
    found = extended(moods, survey, [("i", "q2", 1, 0), ("j", "q0", 0, 0), ("i", "q2", 0, 1)])
    assert found.raters == ("r0", "r1", "i", "j")
    assert found.table().tolist() == [[1, 0, -1], [-1, -1, 1], [-1, -1, 1], [0, -1, -1]]
    assert found.occasions.tolist() == [0, 0, 0, 0, 1, 0]
    assert dict(found.skips) == {
        "question of the domain 'background'": 2,
        "rater with one answer (kept)": 2,
        "question that everybody answers the same (kept)": 1,
    }
    assert extended(moods, survey, []) is survey


def test_without_a_survey_the_interviews_are_all_there_is() -> None:
    found = extended(bank(), None, [("i", "q2", 1, 0), ("i", "q0", 0, 0)])
    assert [question.question_id for question in found.questions] == ["q0", "q2"]
    assert found.skips["question that nobody answered"] == 1
    with pytest.raises(DataError, match="holds no response"):
        extended(bank(), None, [])


def test_a_rater_with_the_id_of_an_interview_is_refused() -> None:
    moods = bank()
    with pytest.raises(DataError, match="has a rater 'r1', as an interview is called"):
        extended(moods, base(moods), [("r1", "q2", 1, 0)])
