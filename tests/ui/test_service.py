"""The service: durable first, planned ahead, once per entry id, one person at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fakes import FakeWorkspace

from prefs.belief import infer
from prefs.errors import ConfigError, NotDurableError, QuestionError
from prefs.interview import Interview
from ui.service import AnsweredError, InterviewService

ME = "me"
ALL = ["taste/dawn", "taste/tilings", "taste/fields"]


def begin(service: InterviewService, rater: str = ME) -> dict[str, Any]:
    return service.start(rater, ALL, False)


def answer(
    service: InterviewService, reply: dict[str, Any], index: int | None, name: str = ""
) -> dict[str, Any]:
    token = reply["question"]["token"]
    return service.record(ME, "answer", name or f"to-{token}", token, index, response_ms=900)


def test_a_stranger_is_asked_for_topics_first(service: InterviewService) -> None:
    assert service.next(ME) == {"start": True}
    assert [topic["chosen"] for topic in service.topics(ME)] == [True] * 4
    with pytest.raises(ConfigError):
        service.start(ME, ["taste/none of these"], False)
    assert service.next(ME) == {"start": True}, "a refused start leaves nothing behind"


def test_an_answer_is_stored_with_the_question_that_follows(service: InterviewService) -> None:
    first = begin(service)
    second = answer(service, first, 0)
    asked, entries = service.workspace.store.log_of_rater(ME)
    assert [entry.token for entry in entries] == [first["question"]["token"]]
    assert list(asked) == [first["question"]["token"], second["question"]["token"]]
    assert second["answers"] == 1
    assert second["last"][0]["answer"] == 0


def test_a_new_server_goes_on_where_the_old_one_ended(service: InterviewService) -> None:
    reply = begin(service)
    for index in (0, 1, 2, None, 1):
        reply = answer(service, reply, index)
    other = InterviewService(service.workspace)
    assert other.next(ME) == reply
    other.close()


def test_the_planned_branch_is_what_planning_afresh_asks(make_workspace: Callable[..., Any]) -> None:
    shown: list[list[Any]] = []
    for ahead in (True, False):
        service = InterviewService(make_workspace(), plan_ahead=ahead)
        reply = begin(service)
        seen = []
        for index in (0, 1, 1, 2, None, 0):
            found = service.ahead(ME, reply["question"]["token"])
            reply = answer(service, reply, index)
            items = [part["item"] for option in reply["question"]["options"][:2] for part in option["parts"]]
            assert not ahead or set(items) <= set(found["items"])
            seen.append(items)
        shown.append(seen)
        service.close()
    assert shown[0] == shown[1]


def test_planning_that_nobody_needs_ends(service: InterviewService, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, answered = threading.Event(), threading.Event()
    told: list[bool] = []

    def ahead(interview: Interview, asked: Any, unneeded: Callable[[], bool]) -> dict[Any, Any]:
        if not begun.is_set():
            begun.set()
            assert answered.wait(10)
            told.append(unneeded())
        return {}

    monkeypatch.setattr(Interview, "ahead", ahead)
    first = begin(service)
    assert begun.wait(10)
    second = answer(service, first, 0)
    answered.set()
    assert second["question"]["token"] != first["question"]["token"]
    service.close()
    assert told == [True]


def test_the_same_entry_fifty_times_counts_once(service: InterviewService) -> None:
    reply = begin(service)
    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lambda _: answer(service, reply, 1, "once"), range(50)))
    assert all(one == replies[0] for one in replies)
    assert len(service.workspace.store.log_of_rater(ME)[1]) == 1


def test_a_second_answer_to_a_question_is_refused(service: InterviewService) -> None:
    first = begin(service)
    answer(service, first, 0, "one")
    with pytest.raises(AnsweredError):
        answer(service, first, 1, "two")


def test_undo_edit_skip_and_flag(service: InterviewService) -> None:
    first = begin(service)
    second = answer(service, first, 0)
    third = answer(service, second, None)
    assert third["answers"] == 1
    token = first["question"]["token"]
    edited = service.record(ME, "edit", "e", token, 1)
    assert edited["last"][0]["answer"] == 1
    assert edited["question"] == third["question"]
    undone = service.record(ME, "undo", "u")
    assert undone["question"]["token"] == second["question"]["token"], "the question comes back"
    item = undone["question"]["options"][0]["parts"][0]["item"]
    flagged = service.record(ME, "flag", "f", undone["question"]["token"], item=item)
    assert item not in str(flagged["question"])
    with pytest.raises(QuestionError):
        service.record(ME, "flag", "g", flagged["question"]["token"], item="item999")


def test_what_could_not_be_stored_did_not_happen(
    service: InterviewService, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begin(service)
    with monkeypatch.context() as patch:

        def fail(*args: Any, **more: Any) -> None:
            raise NotDurableError("the disk is full: nothing was recorded, try again")

        patch.setattr(service.workspace.store, "record", fail)
        with pytest.raises(NotDurableError):
            answer(service, first, 0, "kept")
    assert service.next(ME)["question"] == first["question"]
    assert answer(service, first, 0, "kept")["answers"] == 1


def test_two_windows_of_one_person_end_in_one_log(service: InterviewService) -> None:
    begin(service)

    def window(number: int) -> int:
        done = 0
        for turn in range(20):
            reply = service.next(ME)
            try:
                answer(service, reply, turn % 3, f"w{number}-{turn}")
                done += 1
            except AnsweredError:
                pass
        return done

    with ThreadPoolExecutor(2) as pool:
        done = sum(pool.map(window, range(2)))
    _, entries = service.workspace.store.log_of_rater(ME)
    assert len(entries) == done
    live = service._session(ME).interview
    fresh = service.workspace.interview(ME, chosen=ALL)
    assert live.belief.mean == pytest.approx(fresh.belief.mean, abs=1e-12)
    assert live.belief.mean == pytest.approx(infer(live.model, live.responses).mean, abs=1e-12)


def test_other_topics_keep_the_answers_and_edits_reach_them(service: InterviewService) -> None:
    first = begin(service)
    answer(service, first, 0)
    reply = service.start(ME, ["taste/dawn"], False)
    assert reply["answers"] == 1
    assert service.record(ME, "edit", "later", first["question"]["token"], 1)["last"][0]["answer"] == 1
    assert service.workspace.interview(ME).answers[0][1] == 1


def test_every_kind_has_a_view(make_workspace: Callable[..., FakeWorkspace]) -> None:
    for kind in ("grid", "thumbs", "rating", "bank"):
        service = InterviewService(make_workspace(kinds=(kind,)))
        question = service.start(ME, service.workspace.contents(), False)["question"]
        assert set(question) == {"token", "number", "kind", "prompt", "options"}, (
            "nothing else before the answer"
        )
        assert service.record(ME, "answer", "a", question["token"], 0)["answers"] == 1
        service.close()
