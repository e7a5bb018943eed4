"""The JSON routes that the page talks to, and the route of the pictures.

The rater always comes from the session, never from the request. Every identifier in a request is
looked up among that rater's own; one that belongs to somebody else does not exist.
"""

from __future__ import annotations

import json
import re
import secrets
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from prefs.beforehand import LONGEST_NOTE
from prefs.errors import GalleryError
from prefs.markdown import ITEM_ID
from prefs.raters import LOCAL_RATER
from ui import pages
from ui.pages.known import statement_of_answer, statement_of_note
from ui.service import InterviewService
from ui.views import Json

SIZES = (256, 512, 1024)
FOREVER = "private, max-age=31536000, immutable"
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._~:-]+$")]
Item = Annotated[str, Field(pattern=rf"^{ITEM_ID}$")]


class Body(BaseModel):
    """A request body; fields that are not expected are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Start(Body):
    """Topics to be asked about, and whether the answers may train the shared model, where that was asked."""

    topics: Annotated[list[Annotated[str, Field(max_length=300)]], Field(min_length=1, max_length=1000)]
    consent: bool | None = None


class Given(Body):
    """An answer to the question that is shown."""

    entry_id: Name
    token: Name
    answer: int | None
    response_ms: Annotated[int, Field(ge=0, le=7 * 24 * 3600 * 1000)] | None = None


class Told(Body):
    """An answer to a question that the person chose; seen: with its prediction in sight."""

    entry_id: Name
    source: Annotated[str, Field(max_length=300)]
    question_id: Annotated[str, Field(max_length=600)]
    answer: int | None
    seen: bool
    response_ms: Annotated[int, Field(ge=0, le=7 * 24 * 3600 * 1000)] | None = None


class Edited(Body):
    """Another answer to an answered question."""

    entry_id: Name
    token: Name
    answer: int | None


class Undone(Body):
    """An answer to take back; without a token, the last one."""

    entry_id: Name
    token: Name | None = None


class Flagged(Body):
    """A picture of a question, or the question itself, that is not to be shown again."""

    entry_id: Name
    token: Name
    item: Item | None = None


class KnownAnswer(Body):
    """An answer told beforehand to a question of a bank; None takes it away."""

    entry_id: Name
    source: Annotated[str, Field(max_length=300)]
    question_id: Annotated[str, Field(max_length=600)]
    answer: int | None


class KnownNote(Body):
    """A note told beforehand, in place of the one before; an empty one takes it away."""

    entry_id: Name
    text: Annotated[str, Field(max_length=LONGEST_NOTE)]


class Erase(Body):
    """The typed word that confirms an erasure."""

    confirm: str


class Profile(Body):
    """The name of a local profile to switch to."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w .-]+$")]


class Code(Body):
    """A resume code."""

    code: Annotated[str, Field(max_length=200)]


def rater_of(request: Request) -> str:
    """The rater of the session; on a loopback address the local person where none was chosen."""
    rater = request.session.get("rater")
    if isinstance(rater, str):
        return rater
    if request.app.state.hosted:
        raise HTTPException(401, "this visit is not known: open the page again")
    return LOCAL_RATER


Rater = Annotated[str, Depends(rater_of)]


def routes(service: InterviewService, hosted: bool) -> APIRouter:
    """All routes over one service. hosted: visitors are guests, and profiles cannot be switched."""
    router = APIRouter()
    _interview(router, service, hosted)
    _looking_back(router, service, hosted)
    _beforehand(router, service)
    _own_data(router, service, hosted)
    _pictures(router, service)
    return router


def _interview(router: APIRouter, service: InterviewService, hosted: bool) -> None:
    @router.get("/api/topics")
    def topics(rater: Rater) -> Json:
        known, agreed = len(service.known(rater)), service.consent(rater)
        return {"topics": service.topics(rater), "hosted": hosted, "consent": agreed, "known": known}

    @router.post("/api/start")
    def start(rater: Rater, body: Start) -> Json:
        return service.start(rater, body.topics, body.consent)

    @router.get("/api/next")
    def next_question(rater: Rater) -> Json:
        return service.next(rater)

    @router.get("/api/ahead")
    def ahead(rater: Rater, token: str) -> Json:
        return service.ahead(rater, token)

    @router.post("/api/answer")
    def answer(rater: Rater, body: Given) -> Json:
        return service.record(rater, "answer", **body.model_dump())

    @router.post("/api/tell")
    def tell(rater: Rater, body: Told) -> Json:
        return service.tell(rater, **body.model_dump())

    @router.post("/api/edit")
    def edit(rater: Rater, body: Edited) -> Json:
        return service.record(rater, "edit", **body.model_dump())

    @router.post("/api/undo")
    def undo(rater: Rater, body: Undone) -> Json:
        return service.record(rater, "undo", **body.model_dump())

    @router.post("/api/flag")
    def flag(rater: Rater, body: Flagged) -> Json:
        return service.record(rater, "flag", **body.model_dump())


def _looking_back(router: APIRouter, service: InterviewService, hosted: bool) -> None:
    @router.get("/api/history")
    def history(rater: Rater) -> Json:
        return service.look(rater, pages.history)

    @router.get("/api/taste")
    def taste(rater: Rater) -> Json:
        return service.look(rater, pages.taste)

    @router.get("/api/predictions")
    def predictions(rater: Rater, shown: bool = False) -> Json:
        return service.look(rater, partial(pages.predictions, shown=shown))

    @router.get("/api/outcomes")
    def outcomes(rater: Rater) -> Json:
        return service.look(rater, pages.outcomes)

    @router.get("/api/data")
    def data(rater: Rater) -> Json:
        return pages.data(service.workspace, rater, hosted)


def _beforehand(router: APIRouter, service: InterviewService) -> None:
    @router.get("/api/known")
    def known(rater: Rater) -> Json:
        return pages.known(service.workspace, rater)

    @router.get("/api/known/questions")
    def candidates(rater: Rater, text: Annotated[str, Query(max_length=300)] = "") -> Json:
        return pages.candidates(service.workspace, rater, text)

    @router.post("/api/known/answer")
    def answer(rater: Rater, body: KnownAnswer) -> Json:
        service.know(rater, partial(statement_of_answer, **body.model_dump()))
        return pages.known(service.workspace, rater)

    @router.post("/api/known/note")
    def note(rater: Rater, body: KnownNote) -> Json:
        service.know(rater, partial(statement_of_note, **body.model_dump()))
        return pages.known(service.workspace, rater)


def _own_data(router: APIRouter, service: InterviewService, hosted: bool) -> None:
    store = service.workspace.store

    @router.get("/api/export")
    def export(rater: Rater, form: str = "json") -> Response:
        if form == "jsonl":
            text, media = "".join(f"{line}\n" for line in store.transcripts(rater)), "application/jsonl"
        else:
            text, media = json.dumps(store.export(rater), ensure_ascii=False, indent=1), "application/json"
        name = f'attachment; filename="kallisti-answers.{form if form == "jsonl" else "json"}"'
        return Response(text, media_type=media, headers={"content-disposition": name})

    @router.post("/api/import")
    def import_(rater: Rater, body: dict[str, Any]) -> Json:
        counts = store.import_(body, rater)
        service.forget(rater)
        return {"counts": counts}

    @router.post("/api/erase")
    def erase(request: Request, rater: Rater, body: Erase) -> Json:
        if body.confirm.strip().lower() != "erase":
            raise HTTPException(400, "nothing was erased: type the word erase to confirm")
        counts = store.erase(rater)
        service.forget(rater)
        request.session.clear()
        if hosted:
            request.session["rater"] = secrets.token_hex(16)
        return {"counts": counts}

    @router.post("/api/profile")
    def profile(request: Request, body: Profile) -> Json:
        if hosted:
            raise HTTPException(403, "profiles can be switched on the own computer only")
        request.session["rater"] = body.name.strip()
        return {"rater": body.name.strip()}

    @router.post("/api/code")
    def code(rater: Rater) -> Json:
        return {"code": service.resume_code(rater)}

    @router.post("/api/resume")
    def resume(request: Request, body: Code) -> Json:
        rater, _ = store.resume(body.code)
        request.session.clear()
        request.session["rater"] = rater
        return {}


def _pictures(router: APIRouter, service: InterviewService) -> None:
    known = re.compile(ITEM_ID)

    @router.get("/image/{item}/{size}")
    def image(item: str, size: str) -> Response:
        if size not in map(str, SIZES) or not known.fullmatch(item):
            raise HTTPException(404, "there is no such picture")
        try:
            data, media = service.workspace.image(item, int(size))
        except GalleryError:
            raise HTTPException(404, "there is no such picture") from None
        return Response(data, media_type=media, headers={"cache-control": FOREVER})

    @router.get("/healthz")
    def health() -> Json:
        workspace = service.workspace
        return {"status": "ok", "degraded": [note for note in workspace.notes if note]}
