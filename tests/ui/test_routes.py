"""The routes: every one answers for the person of the cookie alone, and refuses all else in one line."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import Visit
from starlette.testclient import TestClient

PATHS = (
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "....//etc/passwd",
    "%2fetc%2fpasswd",
    "..\\..\\windows",
    "C:%5Cwindows%5Cwin.ini",
    "item000%00.png",
    "item000%2f..%2fitem001",
    "file:%2f%2f%2fetc%2fpasswd",
    "-",
    " ",
    "answers.sqlite",
    "%2e%2e",
    "item999",
    "item000%0a",
    "~root",
    "http:%2f%2f127.0.0.1%2f",
)


def start(client: TestClient, topics: tuple[str, ...] = ("taste/dawn", "taste/fields")) -> dict[str, Any]:
    reply = client.post("/api/start", json={"topics": list(topics), "consent": False})
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def give(client: TestClient, reply: dict[str, Any], answer: int | None, name: str) -> Any:
    body = {"entry_id": name, "token": reply["question"]["token"], "answer": answer, "response_ms": 700}
    return client.post("/api/answer", json=body)


def test_an_interview_by_the_routes(hosted: Visit) -> None:
    client = hosted()
    assert client.get("/api/next").json() == {"start": True}
    reply = start(client)
    for turn in range(5):
        found = client.get("/api/ahead", params={"token": reply["question"]["token"]}).json()
        assert 0 <= found["progress"]["known"] <= 1
        reply = give(client, reply, turn % 3, f"turn-{turn}").json()
    assert client.post("/api/undo", json={"entry_id": "back"}).json()["answers"] == 4
    taste = client.get("/api/taste").json()
    assert taste["enough"]
    assert len(taste["pictures"]["favorites"]) == 8
    shown = {item["item"] for item in taste["pictures"]["favorites"] + taste["pictures"]["least"]}
    history = client.get("/api/history").json()["answers"]
    asked = {
        o["parts"][0]["item"] for e in history for o in e["question"]["options"] if o["role"] == "answer"
    }
    assert len(history) == 4
    assert not shown & asked, "favorites are chosen among unseen pictures"
    assert [s["name"] for s in taste["scales"]] == ["Openness"]


def test_nobody_reaches_another_persons_answers(hosted: Visit) -> None:
    owner, other = hosted(), hosted()
    first = start(owner)
    second = give(owner, first, 0, "mine").json()
    start(other)
    token, answered = second["question"]["token"], first["question"]["token"]
    attempts = [
        other.post("/api/answer", json={"entry_id": "x", "token": token, "answer": 0}),
        other.post("/api/edit", json={"entry_id": "x", "token": answered, "answer": 1}),
        other.post("/api/undo", json={"entry_id": "x", "token": answered}),
        other.post("/api/flag", json={"entry_id": "x", "token": token}),
        other.get("/api/ahead", params={"token": token}),
    ]
    made_up = [
        other.post("/api/answer", json={"entry_id": "x", "token": "f" * 32, "answer": 0}),
        other.post("/api/edit", json={"entry_id": "x", "token": "f" * 32, "answer": 1}),
        other.post("/api/undo", json={"entry_id": "x", "token": "f" * 32}),
        other.post("/api/flag", json={"entry_id": "x", "token": "f" * 32}),
        other.get("/api/ahead", params={"token": "f" * 32}),
    ]
    for attempt, imagined in zip(attempts, made_up, strict=True):
        assert attempt.status_code in (400, 404)
        assert attempt.status_code == imagined.status_code, "nothing tells whether the question exists"
        assert attempt.text.replace(token, "T").replace(answered, "T") == imagined.text.replace("f" * 32, "T")
    for path in ("export", "export?form=jsonl", "history", "data"):
        text = other.get(f"/api/{path}").text
        assert token not in text
        assert answered not in text
    other.post("/api/erase", json={"confirm": "erase"})
    assert owner.get("/api/next").json() == second


def test_replayed_and_malformed_answers_are_refused(hosted: Visit) -> None:
    client = hosted()
    reply = start(client)
    token = reply["question"]["token"]
    assert give(client, reply, 0, "first").status_code == 200
    assert give(client, reply, 1, "replayed").status_code == 409
    for body in (
        {"token": token, "answer": 0},
        {"entry_id": "a b", "token": token, "answer": 0},
        {"entry_id": "x", "token": token, "answer": "0"},
        {"entry_id": "x", "token": token, "answer": True},
        {"entry_id": "x", "token": token, "answer": 0, "rater": "me"},
        {"entry_id": "x", "token": token, "answer": 0, "response_ms": -1},
    ):
        assert client.post("/api/answer", json=body).status_code == 422
    current = client.get("/api/next").json()["question"]["token"]
    beyond = client.post("/api/answer", json={"entry_id": "x", "token": current, "answer": 7})
    assert beyond.status_code == 400
    assert "allowed are 0 to 2" in beyond.json()["detail"]


def test_cookies_are_signed_and_guests_random(hosted: Visit) -> None:
    one, two = hosted(), hosted()
    assert one.cookies["kallisti"] != two.cookies["kallisti"]
    start(one)
    stolen = one.cookies["kallisti"]
    for forged in (stolen[:-2], "A" + stolen[1:], "eyJyYXRlciI6ICJtZSJ9.x.y", ""):
        two.cookies.clear()
        two.cookies.set("kallisti", forged)
        assert two.get("/api/next").status_code == 401


def test_the_cookie_is_hidden_from_scripts(hosted: Visit) -> None:
    client = hosted()
    client.cookies.clear()
    cookie = client.get("/").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    client.cookies.clear()
    over_tls = client.get("https://kallisti.example/").headers["set-cookie"].lower()
    assert "secure" in over_tls


def test_resume_code_opens_the_interview_elsewhere(hosted: Visit) -> None:
    home, away = hosted(), hosted()
    second = give(home, start(home), 0, "home").json()
    code = home.post("/api/code", json={}).json()["code"]
    assert away.post("/api/resume", json={"code": "AAAA-BBBB"}).status_code == 404
    assert away.post("/api/resume", json={"code": code}).status_code == 200
    assert away.get("/api/next").json() == second


def test_profiles_are_for_the_own_computer(hosted: Visit, local: Visit) -> None:
    assert hosted().post("/api/profile", json={"name": "Eris"}).status_code == 403
    client = local()
    start(client)
    assert client.post("/api/profile", json={"name": "Eris"}).json() == {"rater": "Eris"}
    assert client.get("/api/next").json() == {"start": True}
    assert client.get("/api/data").json()["rater"] == "Eris"
    assert client.get("/api/data").json()["profiles"] == ["Eris", "me"]
    assert "folder" not in hosted().get("/api/data").json(), "a guest learns nothing of the server"


def test_export_erase_import(hosted: Visit) -> None:
    client = hosted()
    reply = start(client)
    for turn in range(4):
        reply = give(client, reply, turn % 2, f"t{turn}").json()
    before = client.get("/api/history").json()
    exported = client.get("/api/export")
    assert "attachment" in exported.headers["content-disposition"]
    assert len(client.get("/api/export?form=jsonl").text.splitlines()) == 1
    assert client.post("/api/erase", json={"confirm": "yes"}).status_code == 400
    assert client.post("/api/erase", json={"confirm": "erase"}).status_code == 200
    assert client.get("/api/next").json() == {"start": True}
    assert client.post("/api/import", json={"format": "other"}).status_code == 400
    assert client.post("/api/import", json=exported.json()).status_code == 200
    assert client.get("/api/history").json() == before


@pytest.mark.parametrize("path", PATHS)
def test_pictures_are_found_by_id_only(hosted: Visit, path: str) -> None:
    client = hosted()
    for size in ("1024", "256"):
        assert client.get(f"/image/{path}/{size}").status_code == 404
    assert client.get(f"/gradio_api/file={path}").status_code == 404
    assert client.get(f"/ui/{path}").status_code == 404


def test_pictures_can_be_kept_for_ever(hosted: Visit) -> None:
    found = hosted().get("/image/item000/256")
    assert found.headers["content-type"] == "image/webp"
    assert "immutable" in found.headers["cache-control"]
    assert hosted().get("/image/item000/257").status_code == 404


def test_health_names_degraded_modes(hosted: Visit) -> None:
    assert hosted().get("/healthz").json() == {"status": "ok", "degraded": ["Drawn: 1 of 61 files skipped."]}


def told(name: str, **rest: Any) -> dict[str, Any]:
    return {
        "entry_id": f"e-{name}",
        "source": "mood",
        "question_id": name,
        "answer": 1,
        "seen": False,
        **rest,
    }


def with_moods(hosted: Visit) -> TestClient:
    client = hosted()
    client.post("/api/start", json={"topics": ["taste/dawn", "mood"], "consent": False})
    return client


def test_consent_is_what_was_said_last_and_stays_where_nobody_asks(hosted: Visit) -> None:
    client = hosted()
    assert client.get("/api/topics").json()["consent"] is False
    for said, kept in ((True, True), (None, True), (False, False), (None, False)):
        client.post("/api/start", json={"topics": ["mood"], "consent": said})
        assert client.get("/api/topics").json()["consent"] is kept
    client.post("/api/start", json={"topics": ["mood"], "consent": True})
    assert hosted().get("/api/topics").json()["consent"] is False, "of another guest"


def test_predictions_are_of_the_person_of_the_cookie_alone(hosted: Visit) -> None:
    owner, other, stranger = with_moods(hosted), with_moods(hosted), hosted()
    assert owner.post("/api/tell", json=told("mood1")).json()["score"]["count"] == 1
    assert owner.get("/api/outcomes").json()["score"]["count"] == 1
    assert other.get("/api/outcomes").json() == {
        "told": [],
        "score": {"count": 0, "right": 0, "by_population": 0, "by_chance": 0, "expected": 0, "bands": []},
    }
    assert owner.get("/api/topics").json()["known"] == 0
    offered = [len(one.get("/api/predictions").json()["offers"]) for one in (owner, other)]
    assert offered[0] < offered[1]
    assert stranger.get("/api/predictions").status_code == 409
    exported = owner.get("/api/export").json()
    owner.post("/api/erase", json={"confirm": "erase"})
    back = with_moods(hosted)
    back.post("/api/import", json=exported)
    assert back.get("/api/outcomes").json()["score"]["count"] == 1, "exported, imported, foretold again"


@pytest.mark.parametrize(
    "wrong",
    [{"answer": "1"}, {"seen": None}, {"entry_id": "no spaces"}, {"rater": "me"}, {"source": "x" * 400}],
)
def test_malformed_answers_to_offers_are_refused(hosted: Visit, wrong: dict[str, Any]) -> None:
    client = with_moods(hosted)
    assert client.post("/api/tell", json=told("mood1", **wrong)).status_code == 422
    assert client.get("/api/outcomes").json()["told"] == []
