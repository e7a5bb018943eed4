"""Reading and writing rows inside a transaction that the caller holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, Table, func, select

from prefs.errors import NotFoundError, QuestionError
from prefs.log import Asked, Entry, check, standing
from prefs.store import tables
from prefs.store.codec import asked_from_row, asked_to_row, entry_from_row, entry_to_row


def own(connection: Connection, rater_id: str, interview_id: str, lock: bool = False) -> RowMapping:
    """The interview's row, if it is this rater's; `lock` keeps others from writing to it meanwhile.

    Raises:
        NotFoundError: there is none, or it is somebody else's, which looks the same.
    """
    query = select(tables.interviews).where(
        tables.interviews.c.interview_id == interview_id, tables.interviews.c.rater_id == rater_id
    )
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise NotFoundError(f"rater {rater_id!r} has no interview {interview_id!r}: start one")
    return row


def interviews_of(connection: Connection, rater_id: str) -> Sequence[RowMapping]:
    """The rater's interviews, the first one first."""
    columns = tables.interviews.c
    query = select(tables.interviews).where(columns.rater_id == rater_id)
    return connection.execute(query.order_by(columns.started_at, columns.interview_id)).mappings().all()


def rows_of(connection: Connection, table: Table, interview_id: str) -> Sequence[RowMapping]:
    """Rows of `asked` or `entries` of an interview, in order."""
    query = select(table).where(table.c.interview_id == interview_id).order_by(table.c.place)
    return connection.execute(query).mappings().all()


def find_asked(connection: Connection, interview_id: str, token: str | None) -> Asked | None:
    """What was asked under a token, or None."""
    columns = tables.asked.c
    query = select(tables.asked).where(columns.interview_id == interview_id, columns.token == token)
    row = connection.execute(query).mappings().first()
    return asked_from_row(row) if row else None


def find_entry(connection: Connection, interview_id: str, entry_id: str) -> RowMapping | None:
    """The row of an entry by the id that the client gave it, or None."""
    columns = tables.entries.c
    query = select(tables.entries).where(columns.interview_id == interview_id, columns.entry_id == entry_id)
    return connection.execute(query).mappings().first()


def add_asked(connection: Connection, interview_id: str, asked: Asked, shown_at: datetime) -> None:
    """Adds a question that is asked; the same one again changes nothing.

    Raises:
        QuestionError: another question was asked under the token.
    """
    old = find_asked(connection, interview_id, asked.token)
    if old is None:
        _append(connection, tables.asked, interview_id, asked_to_row(asked, shown_at))
    elif old.question != asked.question:
        raise QuestionError(f"token {asked.token} was given to another question: make a new one")


def add_entry(connection: Connection, interview_id: str, entry: Entry, following: Asked | None) -> Row[Any]:
    """Adds an entry after checking it against the log; returns its stored (place, token).

    An undo without a token is stored with the token of the answer that it takes back, so that the
    log of several interviews together means the same as each alone.

    Raises:
        QuestionError: the log refuses the entry (see `prefs.log`).
    """
    check(entry, find_asked(connection, interview_id, entry.token) if entry.token else None)
    if entry.action in ("undo", "edit"):
        log = [entry_from_row(row) for row in rows_of(connection, tables.entries, interview_id)]
        before = standing(log)
        if entry.action == "undo" and entry.token is None and before:
            entry = replace(entry, token=next(reversed(before)))
        standing([*log, entry])
    values = {**entry_to_row(entry), "next_token": following.token if following else None}
    return _append(connection, tables.entries, interview_id, values)


def same(stored: Entry, sent: Entry) -> Entry:
    """The stored entry, if what was sent again is the same (times may differ); raises QuestionError."""
    named = stored.token if sent.token is None and sent.action == "undo" else sent.token
    if (stored.action, stored.token, stored.answer, stored.item) != (
        sent.action,
        named,
        sent.answer,
        sent.item,
    ):
        raise QuestionError(
            f"entry id {sent.entry_id!r} was used for another {stored.action}: make a new one"
        )
    return stored


def log_of(connection: Connection, interview_id: str) -> tuple[dict[str, Asked], list[Entry]]:
    """What was asked in an interview, by token in the order of asking, and its entries in order."""
    asked = [asked_from_row(row) for row in rows_of(connection, tables.asked, interview_id)]
    entries = [entry_from_row(row) for row in rows_of(connection, tables.entries, interview_id)]
    return {one.token: one for one in asked}, entries


def _append(connection: Connection, table: Table, interview_id: str, values: dict[str, Any]) -> Row[Any]:
    place = select(func.coalesce(func.max(table.c.place), -1) + 1).where(table.c.interview_id == interview_id)
    insert = table.insert().values(interview_id=interview_id, place=place.scalar_subquery(), **values)
    return connection.execute(insert.returning(table.c.place, table.c.token)).one()
