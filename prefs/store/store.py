"""The store: raters, their interviews and what they answered, in SQLite or PostgreSQL.

What a call wrote is durable when it returns. Answers are only ever added: undo, edit and flag are
rows of their own, and an entry sent twice is one row. Every method that touches an interview
takes its rater and finds nothing for anybody else.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from prefs.beforehand import Statement
from prefs.errors import NotDurableError, NotFoundError, StoreError
from prefs.log import Asked, Entry, effective
from prefs.store import exchange, known, rows, schema, tables
from prefs.store.codec import entry_from_row
from prefs.store.engine import WRITE, connect, outside, reason
from prefs.store.facts import InterviewFacts, RaterFacts, interview_facts, rater_facts
from prefs.transcripts import Transcript, turn_of

Log = tuple[dict[str, Asked], list[Entry]]
FULL = 2  # SQLite's number for synchronous FULL


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the store made of an entry: the same for the same entry, however often it is sent.

    entry: as stored (an undo with the token that it took back). next: the question that was
    stored with it. place: its place in the interview's log, from 0.
    """

    entry: Entry
    next: Asked | None
    place: int


class Store:
    """An open answer database; safe to share between threads, and the file between programs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # SQLite lets one writer in at a time; threads of this program queue here, in order.
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()

    @classmethod
    def open(cls, where: str | Path) -> Store:
        """The store in a file or at a database URL, made or migrated where it has to be.

        Raises:
            StoreVersionError: written by a newer Kallisti; it is left as it is.
            StoreError: not a database, another program's, or not writable.
        """
        engine = connect(where)
        shown = engine.url.render_as_string(hide_password=True)
        try:
            schema.bring_up_to_date(engine)
        except SQLAlchemyError as problem:
            engine.dispose()
            raise StoreError(f"{shown} cannot be opened as a database: {reason(problem)}") from problem
        except StoreError:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- raters ----------------------------------------------------------------------------------

    def raters(self) -> list[RaterFacts]:
        """Everybody, by id."""
        with self._reading() as connection:
            found = (
                connection.execute(select(tables.raters).order_by(tables.raters.c.rater_id)).mappings().all()
            )
            return [rater_facts(connection, row) for row in found]

    def rater(self, rater_id: str, create: bool = False) -> RaterFacts:
        """One person, made where absent if `create`; raises NotFoundError otherwise."""
        if create:
            with self._writing() as connection:
                _add_rater(connection, rater_id)
        with self._reading() as connection:
            query = select(tables.raters).where(tables.raters.c.rater_id == rater_id)
            row = connection.execute(query).mappings().first()
            if row is None:
                raise _no_rater(rater_id)
            return rater_facts(connection, row)

    def rename(self, rater_id: str, label: str | None) -> None:
        """Gives the person a name for the screen; the id stays."""
        self._change_rater(rater_id, label=label)

    def consent(self, rater_id: str, given: bool) -> None:
        """Keeps whether the person's answers may be used to train models."""
        self._change_rater(rater_id, consent=given)

    # -- interviews ------------------------------------------------------------------------------

    def start(self, rater_id: str, settings: Mapping[str, Any], model_version: str = "") -> str:
        """Starts an interview and returns its random id; makes the rater where absent.

        settings: JSON of how it is asked (planner, topics, seed, answers known beforehand).
        """
        interview_id = secrets.token_hex(16)
        values = {"started_at": _now(), "settings": dict(settings), "model_version": model_version}
        with self._writing() as connection:
            _add_rater(connection, rater_id)
            connection.execute(
                tables.interviews.insert().values(interview_id=interview_id, rater_id=rater_id, **values)
            )
        return interview_id

    def interviews(self, rater_id: str) -> list[InterviewFacts]:
        """The rater's interviews, the first one first."""
        with self._reading() as connection:
            return [interview_facts(connection, row) for row in rows.interviews_of(connection, rater_id)]

    def latest(self, rater_id: str) -> str | None:
        """Id of the rater's newest interview that goes on, or None."""
        with self._reading() as connection:
            found = [row for row in rows.interviews_of(connection, rater_id) if row["stopped"] is None]
            return str(found[-1]["interview_id"]) if found else None

    def stop(self, rater_id: str, interview_id: str, stopped: str | None) -> None:
        """Keeps why an interview ended; None lets it go on."""
        self._change_interview(rater_id, interview_id, stopped=stopped)

    def resume_code(self, rater_id: str, interview_id: str) -> str:
        """A new code that continues the interview anywhere; the one before it ends.

        Six groups of four letters and digits, 120 random bits; only its hash is stored.
        """
        code = base64.b32encode(secrets.token_bytes(15)).decode()
        self._change_interview(rater_id, interview_id, resume_hash=_hashed(code))
        return "-".join(code[start : start + 4] for start in range(0, len(code), 4))

    def resume(self, code: str) -> tuple[str, str]:
        """(rater id, interview id) of a resume code; raises NotFoundError where it fits none."""
        columns = tables.interviews.c
        query = select(columns.rater_id, columns.interview_id).where(columns.resume_hash == _hashed(code))
        with self._reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFoundError("this resume code fits no interview: check it for typing errors")
        return row.rater_id, row.interview_id

    # -- the log ---------------------------------------------------------------------------------

    def ask(self, rater_id: str, interview_id: str, asked: Asked) -> None:
        """Keeps a question that is about to be shown; the same one again changes nothing.

        Raises:
            QuestionError: another question has its token. NotDurableError: nothing was stored.
        """
        with self._writing(NotDurableError) as connection:
            rows.own(connection, rater_id, interview_id, lock=True)
            rows.add_asked(connection, interview_id, asked, _now())

    def record(
        self,
        rater_id: str,
        interview_id: str,
        entry: Entry,
        next: Asked | None = None,
        *,
        chosen: Asked | None = None,
    ) -> Recorded:
        """Keeps what a person did and the question that follows, both or neither.

        The same entry id again returns what was returned before, and stores nothing. chosen: the
        question that the entry answers, where the person chose it and it is not stored yet.

        Raises:
            QuestionError: the log refuses the entry, or its id was used for another one.
            NotDurableError: the database failed; send the entry again.
        """
        with self._writing(NotDurableError) as connection:
            rows.own(connection, rater_id, interview_id, lock=True)
            old = rows.find_entry(connection, interview_id, entry.entry_id)
            if old is not None:
                stored = rows.same(entry_from_row(old), entry)
                return Recorded(
                    stored, rows.find_asked(connection, interview_id, old["next_token"]), old["place"]
                )
            for asked in (chosen, next):
                if asked is not None:
                    rows.add_asked(connection, interview_id, asked, _now())
            row = rows.add_entry(connection, interview_id, entry, next)
        return Recorded(replace(entry, token=row.token), next, row.place)

    def log(self, rater_id: str, interview_id: str) -> Log:
        """What was asked (by token, in the order of asking) and the entries of an interview."""
        with self._reading() as connection:
            rows.own(connection, rater_id, interview_id)
            return rows.log_of(connection, interview_id)

    def log_of_rater(self, rater_id: str) -> Log:
        """The logs of all the rater's interviews, one after the other; empty where there is none."""
        asked: dict[str, Asked] = {}
        entries: list[Entry] = []
        with self._reading() as connection:
            for row in rows.interviews_of(connection, rater_id):
                more_asked, more_entries = rows.log_of(connection, row["interview_id"])
                asked.update(more_asked)
                entries.extend(more_entries)
        return asked, entries

    def interview_of(self, rater_id: str, token: str) -> str:
        """Id of the rater's interview in which a question was asked; raises NotFoundError."""
        columns = tables.interviews.c
        query = (
            select(columns.interview_id)
            .join(tables.asked)
            .where(columns.rater_id == rater_id, tables.asked.c.token == token)
        )
        with self._reading() as connection:
            found = connection.execute(query).scalar()
        if found is None:
            raise NotFoundError(f"rater {rater_id!r} was asked no question {token!r}")
        return str(found)

    # -- told beforehand -------------------------------------------------------------------------

    def tell(self, rater_id: str, statement: Statement) -> None:
        """Keeps what a person tells beforehand, once per entry id; makes the rater where absent.

        Raises:
            QuestionError: the entry id was used for something else. NotDurableError: nothing was stored.
        """
        with self._writing(NotDurableError) as connection:
            _add_rater(connection, rater_id)
            known.add(connection, rater_id, statement)

    def told(self, rater_id: str) -> list[Statement]:
        """What the rater told beforehand, in the order of telling; empty for nobody."""
        with self._reading() as connection:
            return known.statements(connection, rater_id)

    # -- a person's data -------------------------------------------------------------------------

    def export(self, rater_id: str) -> dict[str, Any]:
        """Everything about a person as JSON (undone and edited answers included); see `exchange`."""
        with self._reading() as connection:
            return exchange.export(connection, rater_id)

    def import_(self, data: Any, rater_id: str | None = None) -> dict[str, int]:
        """Reads an export, for another rater where one is named; returns how many rows were new.

        Raises:
            DataError: not an export, or it contradicts what is stored; nothing was stored then.
        """
        with self._writing() as connection:
            return exchange.import_(connection, data, rater_id)

    def transcripts(self, rater_id: str) -> Iterator[str]:
        """The answers that stand as lines of JSON, one interview a line (see `prefs.transcripts`)."""
        for facts in self.interviews(rater_id):
            answers = effective(*self.log(rater_id, facts["interview_id"]))
            yield Transcript(
                rater_id=rater_id,
                dataset="+".join(dict.fromkeys(asked.question.source for asked, _ in answers)),
                planner=str(facts["settings"].get("planner", "")),
                turns=tuple(turn_of(asked, answer) for asked, answer in answers),
                stopped=facts["stopped"],
            ).to_json()

    def erase(self, rater_id: str) -> dict[str, int]:
        """Erases a person and returns how many rows went; on SQLite their bytes leave the file too.

        Raises:
            StoreError: the rows are gone, but another program holds the file, so that their bytes
                remain; erase again when it is closed.
        """
        with self._writing() as connection:
            counts = exchange.erase(connection, rater_id)
        if self._engine.dialect.name == "sqlite":
            self._scrub()
        return counts

    # -- the installation ------------------------------------------------------------------------

    def secret(self, name: str = "cookie") -> str:
        """A random key of 256 bits, made once and the same ever after."""
        with self._writing() as connection:
            tables.insert_if_new(connection, tables.secrets, {"name": name, "value": secrets.token_hex(32)})
            query = select(tables.secrets.c.value).where(tables.secrets.c.name == name)
            return str(connection.execute(query).scalar_one())

    def check(self) -> dict[str, Any]:
        """Facts for `kallisti doctor`: where the data is, whether it is whole, how much there is."""
        facts: dict[str, Any] = {
            "database": self._engine.url.render_as_string(hide_password=True),
            "version": schema.VERSION,
        }
        with self._reading() as connection:
            for table in (tables.raters, tables.interviews, tables.entries):
                facts[table.name] = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if self._engine.dialect.name == "sqlite":
            facts["journal"] = outside(self._engine, "PRAGMA journal_mode")
            facts["durable"] = outside(self._engine, "PRAGMA synchronous") >= FULL
            facts["integrity"] = outside(self._engine, "PRAGMA quick_check")
        return facts

    # -- inside ----------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _one_line(StoreError), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self, error: type[StoreError] = StoreError) -> Iterator[Connection]:
        writer = self._engine.execution_options(**WRITE)
        with self._turn, _one_line(error), writer.begin() as connection:
            yield connection

    def _scrub(self) -> None:
        """Rewrites the file without its free pages and empties the write-ahead log."""
        with self._turn:
            outside(self._engine, "VACUUM")
            busy = outside(self._engine, "PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            raise StoreError(
                "the answers are erased, but another program holds the database file and their bytes "
                "remain in its log: close it and erase again"
            )

    def _change_rater(self, rater_id: str, **values: Any) -> None:
        statement = update(tables.raters).where(tables.raters.c.rater_id == rater_id).values(**values)
        with self._writing() as connection:
            if connection.execute(statement).rowcount == 0:
                raise _no_rater(rater_id)

    def _change_interview(self, rater_id: str, interview_id: str, **values: Any) -> None:
        columns = tables.interviews.c
        with self._writing() as connection:
            rows.own(connection, rater_id, interview_id, lock=True)
            connection.execute(
                update(tables.interviews).where(columns.interview_id == interview_id).values(**values)
            )


@contextmanager
def _one_line(error: type[StoreError]) -> Iterator[None]:
    """Turns a failure of the database into one of ours."""
    try:
        yield
    except SQLAlchemyError as problem:
        what = "nothing was stored, try again" if error is NotDurableError else "try again"
        raise error(f"the answer database failed: {reason(problem)}; {what}") from problem


def _now() -> datetime:
    return datetime.now(UTC)


def _hashed(code: str) -> str:
    """Hash of a resume code, however the person wrote it."""
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(letters.encode()).hexdigest()


def _no_rater(rater_id: str) -> NotFoundError:
    return NotFoundError(f"nobody is called {rater_id!r} here: `kallisti raters` lists everybody")


def _add_rater(connection: Connection, rater_id: str) -> None:
    exchange.check_rater_id(rater_id)
    values = {"rater_id": rater_id, "label": None, "consent": False, "created_at": _now()}
    tables.insert_if_new(connection, tables.raters, values)
