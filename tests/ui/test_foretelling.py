"""Predictions: offered blind, answered by choice, compared with what was expected, and scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fakes import FakeBank

from prefs.bank import ItemBank
from prefs.errors import NotDurableError, NotFoundError, QuestionError
from prefs.interview import Interview
from prefs.log import PERSON, PERSON_SEEN
from prefs.pools import BankPool
from prefs.store import Store
from ui import pages
from ui.service import InterviewService

ME, MOOD = "me", ["mood"]
ALL = ["taste/dawn", "taste/tilings", "taste/fields", "mood"]


@pytest.fixture
def service(make_workspace: Callable[..., Any]) -> Iterator[InterviewService]:
    found = InterviewService(make_workspace(kinds=("pair", "bank")), plan_ahead=False)
    yield found
    found.close()


def offers(service: InterviewService, shown: bool = False) -> dict[str, Any]:
    return service.look(ME, lambda workspace, live: pages.predictions(workspace, live, shown))


def tell(service: InterviewService, name: str, answer: int | None, **rest: Any) -> dict[str, Any]:
    """Answers a sentence by its id."""
    body = {"entry_id": f"e-{name}", "source": "mood", "question_id": name, "seen": False, **rest}
    return service.tell(ME, answer=answer, **body)


def test_blind_offers_tell_how_sure_they_are_and_no_more(service: InterviewService) -> None:
    waiting = service.start(ME, MOOD, False)["question"]
    blind, shown = offers(service), offers(service, shown=True)
    assert [one["id"] for one in blind["offers"]] == [one["id"] for one in shown["offers"]]
    assert len(blind["offers"]) == 5, "the one that waits on the first page is not offered"
    assert waiting["prompt"] not in [one["prompt"] for one in blind["offers"]]
    for hidden, open_ in zip(blind["offers"], shown["offers"], strict=True):
        assert "chances" not in hidden
        assert max(open_["chances"]) == pytest.approx(hidden["sure"], abs=1e-4)
        assert len(open_["chances"]) == len(blind["scales"][hidden["scale"]])
    assert (blind["answers"], blind["people"], {one["topic"] for one in blind["offers"]}) == (
        0,
        True,
        {"mood"},
    )


def test_what_is_told_is_logged_as_chosen_and_the_waiting_question_goes_on(service: InterviewService) -> None:
    waiting = service.start(ME, ["taste/dawn", "mood"], False)
    reply = tell(service, "mood1", 4)
    assert (reply["told"]["answer"], reply["told"]["counts"], reply["score"]["count"]) == (4, True, 1)
    assert reply["told"]["right"] == (reply["told"]["expected"] == 4)
    tell(service, "mood2", 0, seen=True)
    asked, entries = service.workspace.store.log_of_rater(ME)
    assert [(one.planner, one.gain_bits) for one in asked.values()][1:] == [
        (PERSON, None),
        (PERSON_SEEN, None),
    ]
    assert [entry.answer for entry in entries] == [4, 0]
    standing = service.next(ME)
    assert (standing["question"], standing["answers"]) == (waiting["question"], 2)
    assert {"mood1", "mood2"}.isdisjoint(one["id"] for one in offers(service)["offers"])


def test_the_expectation_is_from_what_was_said_before_also_after_a_restart(service: InterviewService) -> None:
    service.start(ME, ["taste/dawn", "mood"], False)
    before = {one["id"]: one["chances"] for one in offers(service, shown=True)["offers"]}
    first, second = tell(service, "mood0", 4), tell(service, "mood1", 4)
    assert first["told"]["chances"] == before["mood0"]
    assert second["told"]["chances"][4] > before["mood1"][4], "the first answer counts for the second"
    pages.predictions.__globals__["_remembered"].clear()
    other = InterviewService(service.workspace, plan_ahead=False)
    anew = other.look(ME, pages.outcomes)
    other.close()
    assert anew["told"] == [second["told"], first["told"]]
    assert anew["score"] == second["score"]


def test_what_is_remembered_is_bounded_and_what_is_not_is_worked_out_again(
    service: InterviewService, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = pages.predictions.__globals__
    inside["_remembered"].clear()
    monkeypatch.setitem(inside, "REMEMBERED", 2)
    service.start(ME, ["taste/dawn", "mood"], False)
    told = [tell(service, f"mood{number}", 4)["told"] for number in range(4)]
    assert len(inside["_remembered"]) == 2
    assert service.look(ME, pages.outcomes)["told"] == told[::-1]


def test_the_score_counts_only_what_was_not_seen(service: InterviewService) -> None:
    service.start(ME, ["taste/dawn", "mood"], False)
    tell(service, "mood0", 4)
    tell(service, "mood1", 4, seen=True)
    token = tell(service, "mood2", 1)["told"]["question"]["token"]
    service.record(ME, "edit", "changed", token, 3)
    skipped = tell(service, "mood3", None)
    assert (skipped["told"]["right"], skipped["told"]["answer"]) == (None, None)
    found = service.look(ME, pages.outcomes)
    assert found["score"]["count"] == 1
    assert [one["counts"] for one in found["told"]] == [True, False, False, True]


def test_taken_back_it_is_offered_again_and_never_waits(service: InterviewService) -> None:
    waiting = service.start(ME, ["taste/dawn", "mood"], False)["question"]
    token = tell(service, "mood1", 2)["told"]["question"]["token"]
    standing = service.record(ME, "undo", "back", token)
    assert (standing["question"], standing["answers"]) == (waiting, 0)
    assert "mood1" in {one["id"] for one in offers(service)["offers"]}
    with pytest.raises(NotFoundError, match="taken back"):
        tell(service, "mood1", 2)
    again = service.tell(ME, "e-new", "mood", "mood1", 2, False)
    assert not again["told"]["counts"], "its expectation was shown the first time"


def test_the_same_entry_counts_once_and_a_question_too(service: InterviewService) -> None:
    service.start(ME, ["taste/dawn", "mood"], False)
    assert tell(service, "mood1", 2) == tell(service, "mood1", 2)
    with pytest.raises(QuestionError, match="asked already"):
        service.tell(ME, "another", "mood", "mood1", 2, False)
    assert len(service.workspace.store.log_of_rater(ME)[1]) == 1


@pytest.mark.parametrize(
    ("source", "name", "answer", "line"),
    [
        ("mood", "mood77", 0, "not among those that are open"),
        ("pictures", "mood1", 0, "not among those that are open"),
        ("pictures", "pair:item000:item999", 0, "not among those that are open"),
        ("mood", "mood1", 5, "allowed are 0 to 4"),
    ],
)
def test_what_cannot_be_told_changes_nothing(
    service: InterviewService, source: str, name: str, answer: int, line: str
) -> None:
    service.start(ME, ["taste/dawn", "mood"], False)
    with pytest.raises((QuestionError, NotFoundError), match=line):
        service.tell(ME, "e", source, name, answer, False)
    assert service.workspace.store.log_of_rater(ME)[1] == []
    assert len(service.workspace.store.log_of_rater(ME)[0]) == 1


def test_what_could_not_be_stored_did_not_happen(
    service: InterviewService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.start(ME, ["taste/dawn", "mood"], False)

    def fail(*_: Any, **__: Any) -> None:
        raise NotDurableError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "record", fail)
        with pytest.raises(NotDurableError):
            tell(service, "mood1", 2)
    assert service.next(ME)["answers"] == 0
    assert tell(service, "mood1", 2)["score"]["count"] == 1


def test_pairs_are_foretold_where_only_galleries_are_open(make_workspace: Callable[..., Any]) -> None:
    workspace = make_workspace()
    workspace.banks = {}
    service = InterviewService(workspace, plan_ahead=False)
    service.start(ME, ALL[:3], False)
    found = offers(service)
    assert (len(found["offers"]), found["people"]) == (24, False)
    assert {(one["kind"], one["topic"]) for one in found["offers"]} == {("pair", "pictures")}
    first = found["offers"][0]
    reply = service.tell(ME, "e1", "pictures", first["id"], 0, False)
    options = reply["told"]["question"]["options"]
    assert options == found["scales"][first["scale"]], "the sides are those that were shown"
    assert [one["id"] for one in offers(service)["offers"]][:23] == [one["id"] for one in found["offers"]][1:]
    service.close()


def test_banks_about_the_same_are_told_apart_by_their_titles(make_workspace: Callable[..., Any]) -> None:
    workspace = make_workspace(kinds=("bank",))
    sources = dict(workspace.model.sources)
    first = workspace.banks["mood"].bank
    questions = tuple(replace(one, source="more") for one in first.questions)
    second = ItemBank("more", questions, "More moods")
    sources["more"] = replace(sources["mood"], name="more")
    workspace.model = replace(workspace.model, sources=sources)
    workspace.banks["more"] = FakeBank(second)
    pools = [BankPool(first, sources["mood"]), BankPool(second, sources["more"])]
    live = Interview(workspace.model, pools, workspace.planner)
    found = pages.predictions(workspace, live, False)["offers"]
    assert {one["topic"] for one in found} == {"Moods", "More moods"}
    assert {one["source"]: one["topic"] for one in found}["more"] == "More moods"


def test_what_is_known_beforehand_counts_is_not_offered_and_is_told(
    make_workspace: Callable[..., Any],
) -> None:
    workspace = make_workspace(kinds=("pair", "bank"))
    bank = workspace.banks["mood"].bank
    workspace.known = ((bank["mood0"], 4), (bank["mood1"], 4))
    service = InterviewService(workspace, plan_ahead=False)
    assert service.start(ME, ["taste/dawn", "mood"], False)["known"] == 2
    found = offers(service, shown=True)
    assert (found["answers"], found["known"]) == (2, 2)
    assert {"mood0", "mood1"}.isdisjoint(one["id"] for one in found["offers"])
    moved = next(one for one in found["offers"] if one["id"] == "mood2")
    assert moved["chances"][4] > moved["people"][4]
    assert [one["answer"] for one in service.look(ME, pages.history)["known"]] == [4, 4]
    export = workspace.store.export(ME)["interviews"][0]
    assert export["settings"]["about"] == {"mood/mood0": 4, "mood/mood1": 4}, "said in the export"
    assert export["entries"] == [], "but no answers of the interview"
    assert service.start("another profile", ["taste/dawn", "mood"], False)["known"] == 0
    service.close()
