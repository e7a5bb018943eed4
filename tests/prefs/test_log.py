"""The answer log: what stands after answers, undos and edits in any order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefs.errors import QuestionError
from prefs.log import (
    PERSON,
    PERSON_SEEN,
    Action,
    Asked,
    Entry,
    advance,
    effective,
    flagged,
    foretellable,
    standing,
)
from prefs.questions import Answer, pair

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TOKENS = tuple(f"t{number}" for number in range(5))
ASKED = {
    token: Asked(token, pair("a", f"b{number}", "wall"), "eig", 0.5, None, number)
    for number, token in enumerate(TOKENS)
}


def entry(
    name: str, action: Action, token: str | None = None, answer: Answer = None, item: str | None = None
) -> Entry:
    return Entry(name, token, action, answer, item, None, NOON)


answers = st.one_of(st.none(), st.integers(0, 2))
steps = st.one_of(
    st.tuples(st.just("answer"), st.sampled_from(TOKENS), answers),
    st.tuples(st.just("edit"), st.sampled_from(TOKENS), answers),
    st.tuples(st.just("undo"), st.one_of(st.none(), st.sampled_from(TOKENS)), st.none()),
)


def accepted(tried: list[tuple[Action, str | None, Answer]]) -> list[Entry]:
    """The entries that the log takes of those that are tried, one after another."""
    log: list[Entry] = []
    for number, (action, token, answer) in enumerate(tried):
        one = entry(f"e{number}", action, token, answer)
        try:
            standing([*log, one])
        except QuestionError:
            continue
        log.append(one)
    return log


@given(st.lists(steps, max_size=30))
def test_each_question_stands_at_most_once_and_in_the_order_of_asking(tried: list) -> None:
    found = effective(ASKED, accepted(tried))
    numbers = [asked.number for asked, _ in found]
    assert numbers == sorted(set(numbers))


@given(st.lists(steps, max_size=20), st.sampled_from(TOKENS), answers)
def test_undo_of_a_new_answer_is_as_if_never_answered(tried: list, token: str, answer: Answer) -> None:
    log = accepted(tried)
    if token in standing(log):
        return
    undone = [*log, entry("new", "answer", token, answer), entry("back", "undo", token)]
    assert effective(ASKED, undone) == effective(ASKED, log)
    unnamed = [*undone[:-1], entry("back", "undo")]
    assert effective(ASKED, unnamed) == effective(ASKED, log)


@given(st.lists(steps, max_size=20), st.sampled_from(TOKENS), answers, answers)
def test_edit_is_as_if_answered_so(tried: list, token: str, first: Answer, second: Answer) -> None:
    log = accepted(tried)
    edited = [*log, entry("first", "answer", token, first), entry("second", "edit", token, second)]
    assert effective(ASKED, edited) == effective(ASKED, [*log, entry("only", "answer", token, second)])


@given(st.lists(steps, max_size=15), st.lists(steps, max_size=15), st.randoms(use_true_random=False))
def test_two_tabs_in_any_order_give_one_log_that_can_be_replayed(left: list, right: list, random) -> None:
    tabs, merged = [list(left), list(right)], []
    while any(tabs):
        tab = random.choice([tab for tab in tabs if tab])
        merged.append(tab.pop(0))
    log = accepted(merged)
    step_by_step: dict[str, Answer] = {}
    for one in log:
        advance(step_by_step, one)
    assert {asked.token: answer for asked, answer in effective(ASKED, log)} == step_by_step


def test_undo_without_a_token_takes_back_the_answer_given_last_not_the_question_asked_last() -> None:
    log = [entry("1", "answer", "t3", 0), entry("2", "answer", "t1", 1), entry("3", "edit", "t3", 1)]
    assert [asked.token for asked, _ in effective(ASKED, [*log, entry("4", "undo")])] == ["t3"]


def test_a_skip_stands_without_an_answer_and_can_be_undone() -> None:
    skipped = [entry("1", "answer", "t0")]
    assert effective(ASKED, skipped) == [(ASKED["t0"], None)]
    assert effective(ASKED, [*skipped, entry("2", "undo")]) == []


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ([entry("1", "undo")], "no answer to take back"),
        ([entry("1", "undo", "t0")], "no answer that stands"),
        (
            [entry("1", "answer", "t0", 1), entry("2", "undo", "t0"), entry("3", "edit", "t0", 0)],
            "no answer that",
        ),
        ([entry("1", "answer", "elsewhere", 1)], "was not asked"),
        ([entry("1", "answer", "t0", 3)], "allowed are 0 to 2"),
    ],
)
def test_what_does_not_fit_is_refused(log: list[Entry], line: str) -> None:
    with pytest.raises(QuestionError, match=line):
        effective(ASKED, log)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"entry_id": ""}, "entry id"),
        ({"entry_id": "a b"}, "entry id"),
        ({"entry_id": "x" * 129}, "entry id"),
        ({"action": "erase"}, "allowed are answer, undo"),
        ({"token": None}, "without a token"),
        ({"action": "undo"}, "only answer and edit"),
        ({"action": "flag", "token": None, "answer": None}, "flag of nothing"),
        ({"response_ms": -1}, "negative"),
        ({"at": datetime(2026, 1, 31)}, "no time zone"),
    ],
)
def test_a_wrong_entry_cannot_be_made(fields: dict, line: str) -> None:
    right = {
        "entry_id": "e",
        "token": "t0",
        "action": "answer",
        "answer": 1,
        "item": None,
        "response_ms": 5,
        "at": NOON,
    }
    with pytest.raises(QuestionError, match=line):
        Entry(**{**right, **fields})


def test_time_is_kept_in_utc() -> None:
    abroad = datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=2)))
    assert Entry("e", "t0", "answer", 0, None, None, abroad).at == NOON
    assert Entry("e", "t0", "answer", 0, None, None, abroad).at.tzinfo is UTC


def test_flags_name_pictures_and_leave_answers_alone() -> None:
    log = [entry("1", "answer", "t0", 1), entry("2", "flag", item="a"), entry("3", "flag", "t1")]
    assert flagged(log) == {"a"}
    assert effective(ASKED, log) == [(ASKED["t0"], 1)]


def test_only_a_first_answer_that_saw_no_prediction_tests_it() -> None:
    questions = [pair("a", f"b{number}", "wall") for number in range(4)]
    asked = {
        "planned": Asked("planned", questions[0], "eig", 0.5, None, 1),
        "blind": Asked("blind", questions[1], PERSON, None, None, 2),
        "seen": Asked("seen", questions[2], PERSON_SEEN, None, None, 3),
        "edited": Asked("edited", questions[3], PERSON, None, None, 4),
        "again": Asked("again", questions[1], PERSON, None, None, 5),
    }
    log = [entry(token, "answer", token, 0) for token in asked if token != "again"]
    log.append(entry("changed", "edit", "edited", 1))
    assert foretellable(asked, log) == {"blind"}
    log += [entry("back", "undo", "blind"), entry("again", "answer", "again", 1)]
    assert "again" not in foretellable(asked, log), "its prediction was shown after the first answer"
