"""The store: what is recorded comes back, once, and only to its rater."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from answering import NOON, answer, entry, question, started

from prefs.errors import DataError, NotFoundError, QuestionError
from prefs.log import PERSON, Asked, effective, flagged
from prefs.store import Store


def test_a_log_comes_back_as_it_was_written_also_after_opening_again(where: str | Path, store: Store) -> None:
    interview = started(store)
    written = [answer(store, interview, number) for number in range(5)]
    with Store.open(where) as again:
        asked, entries = again.log("me", interview)
        assert again.log_of_rater("me") == (asked, entries)
    assert list(asked.values()) == [question(number) for number in range(6)]
    assert entries == [one.entry for one in written]
    assert [one.place for one in written] == list(range(5))


def test_the_same_entry_again_gives_the_same_reply_and_no_second_row(store: Store) -> None:
    interview = started(store)
    first = answer(store, interview, 0)
    answer(store, interview, 1)
    later = replace(first.entry, at=NOON + timedelta(seconds=9), response_ms=5)
    assert store.record("me", interview, later, question(17, "another")) == first
    asked, entries = store.log("me", interview)
    assert len(entries) == 2
    assert len(asked) == 3


def test_the_same_id_for_something_else_is_refused(store: Store) -> None:
    interview = started(store)
    answer(store, interview, 0)
    for other in (entry("e0", "answer", "t0", 2), entry("e0", "undo"), entry("e0", "answer", "t1", 0)):
        with pytest.raises(QuestionError, match="used for another answer"):
            store.record("me", interview, other)
    assert len(store.log("me", interview)[1]) == 1


def test_fifty_times_the_same_entry_from_ten_threads_is_one_row(store: Store) -> None:
    interview = started(store)
    with ThreadPoolExecutor(10) as threads:
        replies = list(threads.map(lambda _: answer(store, interview, 0), range(50)))
    assert len(replies) == 50
    assert all(reply == replies[0] for reply in replies)
    assert len(store.log("me", interview)[1]) == 1


def test_undo_edit_and_flag_are_rows_and_an_undo_says_what_it_took_back(store: Store) -> None:
    interview = started(store)
    for number in range(3):
        answer(store, interview, number)
    undone = store.record("me", interview, entry("u", "undo"))
    assert undone.entry.token == "t2"
    assert store.record("me", interview, entry("u", "undo")) == undone
    store.record("me", interview, entry("x", "edit", "t0", 2))
    store.record("me", interview, entry("f", "flag", "t3", item="left3"))
    log = store.log("me", interview)
    assert [asked.token for asked, _ in effective(*log)] == ["t0", "t1"]
    assert effective(*log)[0][1] == 2
    assert flagged(log[1]) == {"left3"}
    assert len(log[1]) == 6


@pytest.mark.parametrize(
    "refused",
    [
        entry("x", "undo"),
        entry("x", "undo", "t0"),
        entry("x", "edit", "t0", 1),
        entry("x", "answer", "t9", 1),
        entry("x", "answer", "t0", 3),
        entry("x", "flag", "t9"),
    ],
)
def test_what_does_not_fit_the_log_is_refused_and_leaves_nothing(store: Store, refused) -> None:
    interview = started(store)
    with pytest.raises(QuestionError):
        store.record("me", interview, refused, question(1))
    assert store.log("me", interview) == ({"t0": question(0)}, [])


def test_two_tabs_share_one_log(store: Store, where: str | Path) -> None:
    interview = started(store)
    for number in range(1, 40):
        store.ask("me", interview, question(number))

    def tab(opened: Store, name: str, start: int) -> None:
        for number in range(start, 40, 2):
            opened.record("me", interview, entry(f"{name}{number}", "answer", f"t{number}", 1))
            if number % 5 == 0:
                opened.record("me", interview, entry(f"{name}u{number}", "undo", f"t{number}"))

    with Store.open(where) as other, ThreadPoolExecutor(2) as threads:
        done = [threads.submit(tab, store, "a", 0), threads.submit(tab, other, "b", 1)]
        for one in done:
            one.result()
        assert store.log("me", interview) == other.log("me", interview)
    stands = [asked.number for asked, _ in effective(*store.log("me", interview))]
    assert stands == [number for number in range(40) if number % 5]


def test_one_token_is_one_question(store: Store) -> None:
    interview = started(store)
    store.ask("me", interview, question(0))
    with pytest.raises(QuestionError, match="another question"):
        store.ask("me", interview, replace(question(0), question=question(1).question))
    assert len(store.log("me", interview)[0]) == 1


def test_nobody_reaches_the_interview_of_somebody_else(store: Store) -> None:
    mine = started(store, "me")
    started(store, "eve")
    attempts = [
        lambda name: store.log("eve", name),
        lambda name: store.ask("eve", name, question(1)),
        lambda name: store.record("eve", name, entry("e0", "answer", "t0", 1)),
        lambda name: store.stop("eve", name, "over"),
        lambda name: store.resume_code("eve", name),
    ]
    for attempt in attempts:
        with pytest.raises(NotFoundError) as theirs:
            attempt(mine)
        with pytest.raises(NotFoundError) as nobodys:
            attempt("0" * 32)
        assert str(theirs.value).replace(mine, "") == str(nobodys.value).replace("0" * 32, "")
    assert store.log("me", mine) == ({"t0": question(0)}, [])
    assert mine not in [facts["interview_id"] for facts in store.interviews("eve")]


def test_several_interviews_of_a_person_are_one_log(store: Store) -> None:
    first, second = started(store), store.start("me", {})
    answer(store, first, 0)
    store.ask("me", second, question(7, "s"))
    store.record("me", second, entry("e0", "answer", "s7", 2))
    answer(store, first, 1)
    store.record("me", second, entry("u", "undo"))
    asked, entries = store.log_of_rater("me")
    assert [one.token for one, _ in effective(asked, entries)] == ["t0", "t1"]
    assert store.interview_of("me", "s7") == second
    with pytest.raises(NotFoundError):
        store.interview_of("eve", "s7")
    assert store.log_of_rater("nobody") == ({}, [])


def test_raters_have_names_and_consent(store: Store) -> None:
    with pytest.raises(NotFoundError, match="nobody is called 'me'"):
        store.rater("me")
    assert store.rater("me", create=True)["consent"] is False
    store.rename("me", "Änne")
    store.consent("me", True)
    interview = started(store)
    answer(store, interview, 0)
    store.record("me", interview, entry("u", "undo"))
    facts = store.rater("me", create=True)
    assert (facts["label"], facts["consent"], facts["answers"], facts["interviews"]) == ("Änne", True, 1, 1)
    assert store.raters() == [facts]
    for change in (lambda: store.rename("eve", "x"), lambda: store.consent("eve", True)):
        with pytest.raises(NotFoundError):
            change()


@pytest.mark.parametrize("name", ["", " me", "a\nb", "x" * 129, "a\x00b"])
def test_a_rater_id_is_visible_text(store: Store, name: str) -> None:
    with pytest.raises(DataError, match="visible characters"):
        store.rater(name, create=True)


def test_the_latest_interview_goes_on_until_it_is_stopped(store: Store) -> None:
    assert store.latest("me") is None
    first, second = started(store), started(store)
    assert store.latest("me") == second
    store.stop("me", second, "known well enough")
    assert store.latest("me") == first
    assert [facts["stopped"] for facts in store.interviews("me")] == [None, "known well enough"]
    store.stop("me", second, None)
    assert store.latest("me") == second


def test_a_resume_code_leads_back_however_it_is_typed(store: Store) -> None:
    interview = started(store)
    old = store.resume_code("me", interview)
    code = store.resume_code("me", interview)
    assert store.resume(f" {code.lower().replace('-', ' ')}") == ("me", interview)
    for wrong in (old, "", code[:-1]):
        with pytest.raises(NotFoundError, match="fits no interview"):
            store.resume(wrong)


def test_the_secret_is_made_once(where: str | Path, store: Store) -> None:
    with Store.open(where) as other:
        assert other.secret() == store.secret()
    assert len(bytes.fromhex(store.secret())) == 32
    assert store.secret("other") != store.secret()


def test_a_chosen_question_and_its_answer_are_kept_together_or_not_at_all(store: Store) -> None:
    interview = started(store)
    chosen = Asked("mine", question(7).question, PERSON, None, None, 2)
    with pytest.raises(QuestionError, match="allowed are"):
        store.record("me", interview, entry("e1", "answer", "mine", 9), chosen=chosen)
    assert list(store.log("me", interview)[0]) == ["t0"], "nothing of it is left"
    for _ in range(2):
        recorded = store.record("me", interview, entry("e1", "answer", "mine", 1), chosen=chosen)
        assert (recorded.next, recorded.place) == (None, 0)
    asked, entries = store.log("me", interview)
    assert (asked["mine"], len(entries)) == (chosen, 1)
