"""Known beforehand: told on My taste, counted at once, kept, taken away, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fakes import NASTY, Visit

from prefs.belief import infer
from prefs.errors import NotFoundError, QuestionError
from ui import pages
from ui.pages.known import statement_of_answer, statement_of_note
from ui.service import InterviewService

ME = "me"
ALL = ["taste/dawn", "taste/tilings", "taste/fields", "mood"]


@pytest.fixture
def service(make_workspace: Callable[..., Any]) -> Any:
    found = InterviewService(make_workspace(kinds=("pair", "bank")))
    yield found
    found.close()


def tell(service: InterviewService, question: str, answer: int | None, name: str, rater: str = ME) -> None:
    service.know(rater, lambda *who: statement_of_answer(*who, name, "mood", question, answer))


def note(service: InterviewService, text: str, name: str) -> None:
    service.know(ME, lambda *who: statement_of_note(*who, name, text))


def listed(service: InterviewService, rater: str = ME) -> list[tuple[str, int]]:
    return [(row["id"], row["answer"]) for row in pages.known(service.workspace, rater)["answers"]]


def mean(service: InterviewService, rater: str = ME) -> Any:
    return service.look(rater, lambda _, interview: {"mean": interview.belief.mean})["mean"]


def test_it_counts_at_once_and_is_what_replaying_gives(service: InterviewService) -> None:
    first = service.start(ME, ALL, None)
    tell(service, "mood0", 4, "a")
    tell(service, "mood2", 0, "b")
    bank = service.workspace.banks["mood"].bank
    expected = infer(service.workspace.model, [(bank["mood0"], 4), (bank["mood2"], 0)])
    np.testing.assert_array_equal(mean(service), expected.mean)
    assert service.next(ME)["question"] == first["question"], "the question that waits goes on waiting"
    assert service.next(ME)["known"] == 2
    other = InterviewService(service.workspace)
    np.testing.assert_array_equal(mean(other), expected.mean)
    other.close()
    tell(service, "mood0", None, "c")
    np.testing.assert_array_equal(mean(service), infer(service.workspace.model, [(bank["mood2"], 0)]).mean)
    assert listed(service) == [("mood2", 0)]


def test_before_the_first_interview_and_not_asked_then(service: InterviewService) -> None:
    for number in range(5):
        tell(service, f"mood{number}", 4, f"t{number}")
    assert service.next(ME) == {"start": True}, "it starts no interview"
    reply = service.start(ME, ["mood"], None)
    assert reply["known"] == 5
    token = reply["question"]["token"]
    assert service.record(ME, "answer", "last", token, 0)["question"] is None, "one question was left"
    asked, _ = service.workspace.store.log_of_rater(ME)
    assert [one.question.question_id for one in asked.values()] == ["mood9"]


def test_sent_again_it_is_told_once(service: InterviewService) -> None:
    for _ in range(2):
        tell(service, "mood0", 4, "a")
        note(service, "A nurse.", "n")
    tell(service, "mood0", 1, "b")
    for _ in range(2):
        tell(service, "mood0", None, "c")
    note(service, "A nurse.", "another name, the same words")
    assert len(service.workspace.store.told(ME)) == 4
    with pytest.raises(QuestionError, match="used for something else"):
        tell(service, "mood0", 3, "a")


def test_what_was_asked_is_changed_in_the_history(service: InterviewService) -> None:
    reply = service.start(ME, ["mood"], None)
    asked, _ = service.workspace.store.log_of_rater(ME)
    waiting = asked[reply["question"]["token"]].question.question_id
    with pytest.raises(QuestionError, match="asked in the interview"):
        tell(service, waiting, 0, "a")
    offered = [one["id"] for one in pages.candidates(service.workspace, ME, "")["questions"]]
    assert waiting not in offered
    assert len(offered) == 5


def test_what_it_refuses(service: InterviewService) -> None:
    with pytest.raises(NotFoundError, match="'mood77'"):
        tell(service, "mood77", 0, "a")
    with pytest.raises(NotFoundError):
        tell(service, "mood1", None, "b")
    with pytest.raises(QuestionError, match="allowed are 0 to 4"):
        tell(service, "mood1", 5, "c")
    with pytest.raises(QuestionError, match="20,000"):
        note(service, "x" * 20_001, "d")
    assert service.workspace.store.told(ME) == []


def test_the_file_counts_and_is_told_apart(service: InterviewService) -> None:
    workspace: Any = service.workspace
    bank = workspace.banks["mood"].bank
    tell(service, "mood0", 4, "a")
    workspace.known, workspace.note = ((bank["mood0"], 1), (bank["mood1"], 2)), "Likes rain."
    service.forget(ME)
    service.start(ME, ALL, None)
    rows = pages.known(workspace, ME)
    assert [(row["id"], row["answer"], row["file"], row["counts"]) for row in rows["answers"]] == [
        ("mood0", 1, True, True),
        ("mood1", 2, True, True),
        ("mood0", 4, False, False),
    ]
    assert rows["file_note"] == "Likes rain."
    np.testing.assert_array_equal(mean(service), infer(workspace.model, workspace.known).mean)
    with pytest.raises(QuestionError, match="file given at the start"):
        tell(service, "mood1", 0, "b")
    (facts,) = workspace.store.interviews(ME)
    assert facts["settings"]["about"] == {"mood/mood0": 1, "mood/mood1": 2}
    assert facts["settings"]["note"] == "Likes rain."
    assert pages.known(workspace, "guest")["answers"] == []
    assert pages.known(workspace, "guest")["file_note"] == ""


def test_an_answer_whose_bank_is_closed_waits(service: InterviewService) -> None:
    workspace: Any = service.workspace
    tell(service, "mood0", 4, "a")
    banks, workspace.banks = workspace.banks, {}
    found = pages.known(workspace, ME)
    assert not found["banks"]
    assert [row["open"] for row in found["answers"]] == [False]
    tell(service, "mood0", None, "b")
    assert listed(service) == []
    workspace.banks = banks


def test_a_note_changes_no_belief(service: InterviewService) -> None:
    service.start(ME, ALL, None)
    before = mean(service)
    note(service, NASTY, "n")
    np.testing.assert_array_equal(mean(service), before)
    assert pages.known(service.workspace, ME)["note"] == NASTY
    note(service, "", "m")
    assert pages.known(service.workspace, ME)["note"] == ""


def test_search_finds_all_words_in_any_case(service: InterviewService) -> None:
    def found(text: str) -> list[str]:
        return [one["id"] for one in pages.candidates(service.workspace, ME, text)["questions"]]

    assert found("RAIN enjoy") == ["mood0"]
    assert found("rain maps") == []
    assert found("<IMG") == ["mood1"]
    tell(service, "mood0", 4, "a")
    assert found("rain") == []


def test_predictions_and_taste_leave_out_what_is_known(service: InterviewService) -> None:
    service.start(ME, ALL, None)
    for number in range(4):
        tell(service, f"mood{number}", 4, f"t{number}")
    found = service.look(ME, pages.taste)
    assert found["enough"]
    asked = {one.question.question_id for one in service.workspace.store.log_of_rater(ME)[0].values()}
    assert len(found["expected"]) == len({"mood4", "mood9"} - asked)
    offers = service.look(ME, lambda *one: pages.predictions(*one, shown=False))["offers"]
    assert not {f"mood{n}" for n in range(4)} & {one["id"] for one in offers}


def body(question: str = "mood0", answer: int | None = 3, name: str = "k1") -> dict[str, Any]:
    return {"entry_id": name, "source": "mood", "question_id": question, "answer": answer}


def test_by_the_routes_each_guest_alone(hosted: Visit) -> None:
    mine, other = hosted(), hosted()
    found = mine.post("/api/known/answer", json=body()).json()
    assert [(row["id"], row["answer"]) for row in found["answers"]] == [("mood0", 3)]
    text = f"I grew up by the sea. {NASTY}"
    assert mine.post("/api/known/note", json={"entry_id": "k2", "text": text}).json()["note"] == text
    assert other.get("/api/known").json()["answers"] == []
    assert other.get("/api/known").json()["note"] == ""
    assert other.post("/api/known/answer", json=body(answer=None)).status_code == 404
    assert "mood0" in [one["id"] for one in other.get("/api/known/questions").json()["questions"]]
    assert mine.get("/api/known").json()["note"] == text
    export = mine.get("/api/export").json()
    assert [one["note"] for one in export["known"]] == [None, text]
    assert mine.post("/api/erase", json={"confirm": "erase"}).json()["counts"]["told beforehand"] == 2
    assert mine.get("/api/known").json()["answers"] == []
    assert other.post("/api/import", json=export).json()["counts"]["told beforehand"] == 2
    assert other.get("/api/known").json()["note"] == text
    assert other.get("/api/topics").json()["known"] == 1


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("answer", body(answer=9), 400),
        ("answer", body("nothing"), 404),
        ("answer", body(name="a b"), 422),
        ("answer", {**body(), "rater": "me"}, 422),
        ("answer", {**body(), "answer": "3"}, 422),
        ("note", {"entry_id": "n", "text": "x" * 20_001}, 422),
        ("note", {"entry_id": "n", "text": None}, 422),
    ],
)
def test_the_routes_refuse(hosted: Visit, path: str, sent: dict[str, Any], status: int) -> None:
    reply = hosted().post(f"/api/known/{path}", json=sent)
    assert reply.status_code == status
    assert isinstance(reply.json()["detail"], str)


def test_another_page_cannot_tell(hosted: Visit) -> None:
    client = hosted()
    for path, sent in (("answer", body()), ("note", {"entry_id": "n", "text": "x"})):
        reply = client.post(f"/api/known/{path}", json=sent, headers={"sec-fetch-site": "cross-site"})
        assert reply.status_code == 403
    assert client.get("/api/known/questions", params={"text": "x" * 301}).status_code == 422
