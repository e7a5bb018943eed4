"""A person's data out of the database, into it and away for good.

An export holds everything: questions as they were shown (with the order of sides), answers, undos,
edits, skips, flags, what was told beforehand, times and settings. Reading it back gives the same log;
reading it twice changes nothing. Resume codes are keys, not data, and stay behind.
"""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, select

from prefs.errors import DataError, KallistiError, NotFoundError
from prefs.fields import Fields
from prefs.store import known, rows, tables
from prefs.store.codec import asked_from_json, asked_from_row, entry_from_json, entry_from_row, to_json

EXPORT_FORMAT = "kallisti.answers/1"
LOG = ("interview_id", "place")


def check_rater_id(rater_id: str) -> None:
    """Raises DataError unless it is 1 to 128 visible characters (spaces inside are fine)."""
    if not 0 < len(rater_id) <= 128 or not rater_id.isprintable() or rater_id != rater_id.strip():
        raise DataError(f"rater id {rater_id[:140]!r}: allowed are 1 to 128 visible characters")


def export(connection: Connection, rater_id: str) -> dict[str, Any]:
    """Everything about a person as JSON; raises NotFoundError."""
    query = select(tables.raters).where(tables.raters.c.rater_id == rater_id)
    rater = connection.execute(query).mappings().first()
    if rater is None:
        raise NotFoundError(f"nobody is called {rater_id!r} here: `kallisti raters` lists everybody")
    return {
        "format": EXPORT_FORMAT,
        "rater": to_json(dict(rater)),
        "interviews": [_interview(connection, row) for row in rows.interviews_of(connection, rater_id)],
        "known": known.export(connection, rater_id),
    }


def import_(connection: Connection, data: Any, rater_id: str | None) -> dict[str, int]:
    """Adds what an export holds and the database does not; returns how many rows of each were new.

    Given to another rater the interviews get ids of their own, the same ones every time.

    Raises:
        DataError: not an export, or it contradicts what is stored.
    """
    export_of = Fields(data, "export")
    if export_of.text("format") != EXPORT_FORMAT:
        raise DataError(f"export.format: {export_of.text('format')!r}, expected {EXPORT_FORMAT!r}")
    rater = export_of.fields("rater")
    owner = rater.text("rater_id") if rater_id is None else rater_id
    check_rater_id(owner)
    values = {
        "rater_id": owner,
        "label": rater.maybe_text("label"),
        "consent": rater.truth("consent"),
        "created_at": rater.moment("created_at"),
    }
    tables.insert_if_new(connection, tables.raters, values)
    counts = {"interviews": 0, "questions": 0, "entries": 0}
    for interview in export_of.rows("interviews"):
        name = interview.text("interview_id")
        if owner != rater.text("rater_id"):
            name = hashlib.sha256(f"{owner}\n{name}".encode()).hexdigest()[:32]
        try:
            _import_interview(connection, interview, name, owner, counts)
        except DataError:
            raise
        except KallistiError as problem:
            raise DataError(f"{interview.where}: {problem}") from problem
    new = known.import_(connection, export_of, owner)
    return counts | ({"told beforehand": new} if new else {})


def erase(connection: Connection, rater_id: str) -> dict[str, int]:
    """Deletes every row of a person; returns how many of each."""
    mine = select(tables.interviews.c.interview_id).where(tables.interviews.c.rater_id == rater_id)
    told = connection.execute(delete(tables.known).where(tables.known.c.rater_id == rater_id)).rowcount
    statements = {
        "entries": delete(tables.entries).where(tables.entries.c.interview_id.in_(mine)),
        "questions": delete(tables.asked).where(tables.asked.c.interview_id.in_(mine)),
        "interviews": delete(tables.interviews).where(tables.interviews.c.rater_id == rater_id),
        "raters": delete(tables.raters).where(tables.raters.c.rater_id == rater_id),
    }
    counts = {name: connection.execute(statement).rowcount for name, statement in statements.items()}
    return counts | ({"told beforehand": told} if told else {})


def _interview(connection: Connection, row: RowMapping) -> dict[str, Any]:
    found = {name: value for name, value in row.items() if name not in ("rater_id", "resume_hash")}
    for table in (tables.asked, tables.entries):
        lines = rows.rows_of(connection, table, row["interview_id"])
        found[table.name] = [
            to_json({name: value for name, value in line.items() if name not in LOG}) for line in lines
        ]
    return to_json(found)


def _import_interview(
    connection: Connection, data: Fields, name: str, owner: str, counts: dict[str, int]
) -> None:
    values = {
        "interview_id": name,
        "rater_id": owner,
        "started_at": data.moment("started_at"),
        "settings": data.object("settings"),
        "model_version": data.text("model_version"),
        "stopped": data.maybe_text("stopped"),
    }
    counts["interviews"] += tables.insert_if_new(connection, tables.interviews, values)
    rows.own(connection, owner, name, lock=True)
    stored = {row["token"]: asked_from_row(row) for row in rows.rows_of(connection, tables.asked, name)}
    for row in data.rows("asked"):
        asked, shown_at = asked_from_json(row)
        counts["questions"] += asked.token not in stored
        rows.add_asked(connection, name, asked, shown_at)
        stored[asked.token] = asked
    known = {row["entry_id"]: entry_from_row(row) for row in rows.rows_of(connection, tables.entries, name)}
    for row in data.rows("entries"):
        entry, following = entry_from_json(row), row.maybe_text("next_token")
        if following is not None and following not in stored:
            raise DataError(f"{row.where}.next_token: {following!r} is not among the questions asked")
        if entry.entry_id not in known:
            rows.add_entry(connection, name, entry, stored[following] if following else None)
            counts["entries"] += 1
        elif known[entry.entry_id] != entry:
            raise DataError(f"{row.where}: entry {entry.entry_id!r} is stored with another content")
