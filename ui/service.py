"""Interviews as the web app needs them: many people at once, durable first, one step ahead.

An answer is applied, the next question is chosen, and both are stored in one transaction; only
then is there a reply. While the person looks at a question, a worker plans what follows each
possible answer, so that the choice is ready when the answer comes.
"""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prefs.beforehand import Statement, together
from prefs.errors import QuestionError
from prefs.interview import Interview
from prefs.log import Action, Asked, Entry, standing
from prefs.questions import Answer, Question
from prefs.raters import LOCAL_RATER
from ui import views
from ui.pages.predictions import find, told
from ui.views import Json

if TYPE_CHECKING:
    from training.workspace import Workspace

log = logging.getLogger(__name__)

OPEN_INTERVIEWS = 500
PLANNERS = 2
SLOW_S = 2.0


class NotStartedError(QuestionError):
    """The person has not chosen topics yet."""


class AnsweredError(QuestionError):
    """The question was answered before, in another window or by a replayed request."""


@dataclass(frozen=True)
class _Branches:
    """What may follow the question with this token, as it is worked out."""

    token: str
    found: Future[Json]
    unneeded: threading.Event


@dataclass
class _Session:
    """One person's interview in memory; the store can rebuild it at any time."""

    interview: Interview
    interview_id: str
    lock: threading.RLock = field(default_factory=threading.RLock)
    branches: _Branches | None = None

    def abandon(self) -> None:
        """Ends the planning of what nobody waits for any more."""
        if self.branches is not None:
            self.branches.unneeded.set()
            self.branches = None


class InterviewService:
    """Asks, records and looks ahead for any number of raters; every method takes the rater's id.

    plan_ahead: whether to plan the next questions while the person looks.
    """

    def __init__(self, workspace: Workspace, *, plan_ahead: bool = True) -> None:
        self.workspace = workspace
        self._plan_ahead = plan_ahead
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._lock = threading.Lock()
        self._planners = ThreadPoolExecutor(PLANNERS, "planner")

    def close(self) -> None:
        """Ends the workers; what they were planning is planned again when it is needed."""
        with self._lock:
            for session in self._sessions.values():
                session.abandon()
        self._planners.shutdown(wait=True, cancel_futures=True)

    # -- the loop --------------------------------------------------------------------------------

    def start(self, rater: str, topics: Sequence[str], consent: bool | None) -> Json:
        """Begins an interview about the topics, or goes on with other topics; the first question.

        consent: whether answers may train the shared model; None where the person was not asked now.

        Raises:
            InputError: nothing can be asked about these topics.
        """
        store, chosen = self.workspace.store, sorted(set(topics))
        self._interview(rater, chosen)  # refuses what cannot be asked before anything is stored
        settings: Json = {"topics": chosen}
        if rater == LOCAL_RATER and self.workspace.known:
            settings["about"] = {"/".join(one.key): answer for one, answer in self.workspace.known}
        if rater == LOCAL_RATER and self.workspace.note:
            settings["note"] = self.workspace.note
        store.start(rater, settings, self.workspace.model.version)
        if consent is not None:
            store.consent(rater, consent)
        self.forget(rater)
        return self.next(rater)

    def next(self, rater: str) -> Json:
        """Where the interview stands; `{"start": true}` for whoever has not chosen topics yet."""
        try:
            session = self._session(rater)
        except NotStartedError:
            return {"start": True}
        with session.lock:
            known = set(session.interview.asked)
            current = session.interview.next()
            if current and current.token not in known:
                with self._or_reload(rater):
                    self.workspace.store.ask(rater, session.interview_id, current)
            return self._reply(session, current)

    def record(
        self,
        rater: str,
        action: Action,
        entry_id: str,
        token: str | None = None,
        answer: Answer = None,
        item: str | None = None,
        response_ms: int | None = None,
    ) -> Json:
        """Records what a person did; when this returns, it is durable. The same entry id counts once.

        Raises:
            AnsweredError: an answer to a question that has one, under another entry id.
            QuestionError: a question, answer or item that the interview does not have.
            NotDurableError: nothing was recorded; it can be sent again.
        """
        session = self._session(rater)
        with session.lock:
            interview = session.interview
            if any(entry_id == old.entry_id for old in interview.entries):
                return self._reply(session, interview.next())
            if action == "undo" and token is None:
                token = next(reversed(standing(interview.entries)), None)
            entry = Entry(entry_id, token, action, answer, item, response_ms, datetime.now(UTC))
            self._check(interview, entry)
            session.abandon()
            known = set(interview.asked)
            with self._or_reload(rater):
                interview.apply(entry)
                current = interview.next()
                new = current if current and current.token not in known else None
                self._store(rater, session.interview_id, entry, new)
            return self._reply(session, current)

    def tell(
        self,
        rater: str,
        entry_id: str,
        source: str,
        question_id: str,
        answer: Answer,
        seen: bool,
        response_ms: int | None = None,
    ) -> Json:
        """Records the answer to a question that the person chose; what was expected, beside it.

        The question that waits goes on waiting. seen: whether the prediction was in sight.

        Raises:
            NotFoundError: the question is not open. QuestionError: it was asked, or has no such answer.
            NotDurableError: nothing was recorded; it can be sent again.
        """
        session = self._session(rater)
        with session.lock:
            interview = session.interview
            entry = next((old for old in interview.entries if old.entry_id == entry_id), None)
            if entry is None:
                question = find(interview, source, question_id)
                question.check_answer(answer)
                chosen = interview.choose(question, seen=seen)
                entry = Entry(entry_id, chosen.token, "answer", answer, None, response_ms, datetime.now(UTC))
                session.abandon()
                with self._or_reload(rater):
                    interview.apply(entry)
                    self.workspace.store.record(rater, session.interview_id, entry, chosen=chosen)
            found = copy.copy(interview)
        return told(found, str(entry.token))

    def ahead(self, rater: str, token: str) -> Json:
        """Pictures that may be shown next, `items`, and `progress`, once both are worked out.

        Raises:
            QuestionError: the question is not the one that is shown.
        """
        branches = self._session(rater).branches
        if branches is None or branches.token != token:
            raise QuestionError("this question is not shown any more")
        return branches.found.result()

    # -- looking back ----------------------------------------------------------------------------

    def look(self, rater: str, view: Callable[[Workspace, Interview], Json]) -> Json:
        """A view of the person's interview as it stands, such as the taste or the history."""
        session = self._session(rater)
        with session.lock:
            found = copy.copy(session.interview)
        return view(self.workspace, found)

    def topics(self, rater: str) -> list[Json]:
        """What can be asked about, and what the person chose last."""
        found = self._latest(rater)
        return views.topics(self.workspace.contents(), set(found[1]) if found else None)

    def consent(self, rater: str) -> bool:
        """Whether the person agreed that answers may train the shared model."""
        store = self.workspace.store
        return store.latest(rater) is not None and store.rater(rater)["consent"]

    def known(self, rater: str) -> Sequence[tuple[Question, Answer]]:
        """Answers known beforehand: told by the person; of the local one also those of `--about`."""
        of_file = self.workspace.known if rater == LOCAL_RATER else ()
        return together(of_file, self.workspace.store.told(rater))

    def know(self, rater: str, make: Callable[[Workspace, str], Statement | None]) -> None:
        """Keeps what a person tells beforehand, also before the first interview; it counts at once.

        make: the statement by workspace and rater, None where it was told before; raises what refuses it.

        Raises:
            NotDurableError: nothing was kept; it can be sent again.
        """
        store = self.workspace.store
        found = self._latest(rater)
        with self._session(rater).lock if found else nullcontext():
            statement = make(self.workspace, rater)
            if statement is None:
                return
            store.tell(rater, statement)
            if found:
                session = self._session(rater)
                session.abandon()
                with self._or_reload(rater):
                    session.interview = self._interview(rater, found[1])

    def resume_code(self, rater: str) -> str:
        """A code that opens this interview on another device; the one before it ends."""
        return self.workspace.store.resume_code(rater, self._session(rater).interview_id)

    def forget(self, rater: str) -> None:
        """Drops the interview from memory, so that the store is asked again (import, erasure)."""
        with self._lock:
            self._sessions.pop(rater, None)

    # -- inside ----------------------------------------------------------------------------------

    def _interview(self, rater: str, chosen: Sequence[str]) -> Interview:
        return self.workspace.interview(rater, chosen=chosen, known=rater == LOCAL_RATER)

    def _session(self, rater: str) -> _Session:
        with self._lock:
            session = self._sessions.get(rater)
            if session is None:
                found = self._latest(rater)
                if found is None:
                    raise NotStartedError("no interview has been started: choose topics first")
                interview_id, chosen = found
                interview = self._interview(rater, chosen)
                session = self._sessions[rater] = _Session(interview, interview_id)
            self._sessions.move_to_end(rater)
            while len(self._sessions) > OPEN_INTERVIEWS:
                self._sessions.popitem(last=False)
            return session

    def _latest(self, rater: str) -> tuple[str, list[str]] | None:
        """Id and topics of the interview that goes on; topics that are not open now are left out."""
        interview_id = self.workspace.store.latest(rater)
        if interview_id is None:
            return None
        facts = next(
            one for one in self.workspace.store.interviews(rater) if one["interview_id"] == interview_id
        )
        contents = self.workspace.contents()
        chosen = [name for name in facts["settings"].get("topics", ()) if name in contents]
        return interview_id, chosen or contents

    def _store(self, rater: str, interview_id: str, entry: Entry, new: Asked | None) -> None:
        """Keeps an entry beside the question that it is about, which may be of an earlier interview."""
        store = self.workspace.store
        home = store.interview_of(rater, entry.token) if entry.token else interview_id
        if home == interview_id:
            store.record(rater, interview_id, entry, new)
            return
        store.record(rater, home, entry)
        if new is not None:
            store.ask(rater, interview_id, new)

    @staticmethod
    def _check(interview: Interview, entry: Entry) -> None:
        """Refuses a second answer to a question, and flags of pictures that are not in it."""
        if entry.action == "answer" and entry.token in standing(interview.entries):
            raise AnsweredError("this question was answered already, in another window: here is the next one")
        if entry.action == "flag" and entry.item is not None:
            asked = interview.asked.get(entry.token or "")
            if asked is None or entry.item not in asked.question.items:
                raise QuestionError(f"picture {entry.item!r} is not in this question")

    @contextmanager
    def _or_reload(self, rater: str) -> Iterator[None]:
        """Whatever goes wrong inside, memory is rebuilt from the store: nothing is half recorded."""
        try:
            yield
        except BaseException:
            self.forget(rater)
            raise

    def _reply(self, session: _Session, current: Asked | None) -> Json:
        if current is not None and (session.branches is None or session.branches.token != current.token):
            session.abandon()
            snapshot, unneeded = copy.copy(session.interview), threading.Event()
            found = self._planners.submit(self._look_ahead, snapshot, current, unneeded)
            session.branches = _Branches(current.token, found, unneeded)
        return views.standing(session.interview, current)

    def _look_ahead(self, interview: Interview, current: Asked, unneeded: threading.Event) -> Json:
        """Plans every branch while needed; the interview's own `next` then finds the plan that came true."""
        start = time.perf_counter()
        notes = (self.workspace.encoder_note, *self.workspace.notes)
        found = views.progress(interview.progress(), notes)
        branches = interview.ahead(current, unneeded.is_set) if self._plan_ahead else {}
        spent = time.perf_counter() - start
        if spent > SLOW_S:
            log.warning("planning the branches of one question took %.1f s", spent)
        items = dict.fromkeys(item for asked in branches.values() for item in asked.question.items)
        return {"items": list(items), "progress": found}
