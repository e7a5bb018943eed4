"""Rows of what people tell beforehand, inside a transaction that the caller holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, select

from prefs.beforehand import Statement
from prefs.errors import DataError, QuestionError
from prefs.fields import Fields
from prefs.store import tables
from prefs.store.codec import question_from_json, question_to_json


def statements(connection: Connection, rater_id: str) -> list[Statement]:
    """What the rater told, in the order of telling; what was imported stands where its time puts it."""
    columns = tables.known.c
    query = select(tables.known).where(columns.rater_id == rater_id).order_by(columns.at, columns.place)
    found = []
    for row in connection.execute(query).mappings():
        shown = row["question"]
        question = None if shown is None else question_from_json(Fields(shown, f"known {row['entry_id']}"))
        found.append(Statement(row["entry_id"], question, row["answer"], row["note"], row["at"]))
    return found


def add(connection: Connection, rater_id: str, statement: Statement) -> bool:
    """Adds a statement as the rater's latest, and returns whether it is new.

    Raises:
        QuestionError: its entry id was used for another statement.
    """
    _lock(connection, rater_id)
    before = statements(connection, rater_id)
    if _is_there(before, statement):
        return False
    latest = max([statement.at, *(one.at for one in before)])  # a clock that was set back misorders nothing
    _insert(connection, rater_id, replace(statement, at=latest))
    return True


def export(connection: Connection, rater_id: str) -> list[dict[str, Any]]:
    """The rater's statements as JSON."""
    return [
        {
            "entry_id": one.entry_id,
            "question": None if one.question is None else question_to_json(one.question),
            "answer": one.answer,
            "note": one.note,
            "at": one.at.isoformat(),
        }
        for one in statements(connection, rater_id)
    ]


def import_(connection: Connection, data: Fields, rater_id: str) -> int:
    """Adds the statements of an export that are not there; returns how many are new.

    Raises:
        DataError: not a statement, or one that contradicts what is stored.
    """
    if not data.has("known"):  # written before there were any
        return 0
    _lock(connection, rater_id)
    before = statements(connection, rater_id)
    new = 0
    for row in data.rows("known"):
        try:
            one = _from_json(row)
            if not _is_there(before, one):
                _insert(connection, rater_id, one)
                before.append(one)
                new += 1
        except QuestionError as problem:
            raise DataError(f"{row.where}: {problem}") from problem
    return new


def _from_json(row: Fields) -> Statement:
    asked = question_from_json(row.fields("question")) if row.has("question") else None
    return Statement(
        row.text("entry_id"), asked, row.maybe_whole("answer"), row.maybe_text("note"), row.moment("at")
    )


def _is_there(before: list[Statement], statement: Statement) -> bool:
    """Whether the same was told before; raises QuestionError where its id was used for something else."""
    old = next((one for one in before if one.entry_id == statement.entry_id), None)
    if old is not None and replace(old, at=statement.at) != statement:
        raise QuestionError(
            f"entry id {statement.entry_id!r} was used for something else that was told: make a new one"
        )
    return old is not None


def _lock(connection: Connection, rater_id: str) -> None:
    """Keeps others from writing the rater's statements meanwhile."""
    columns = tables.raters.c
    connection.execute(select(columns.rater_id).where(columns.rater_id == rater_id).with_for_update())


def _insert(connection: Connection, rater_id: str, one: Statement) -> None:
    columns = tables.known.c
    place = select(func.coalesce(func.max(columns.place), -1) + 1).where(columns.rater_id == rater_id)
    connection.execute(
        tables.known.insert().values(
            rater_id=rater_id,
            place=place.scalar_subquery(),
            entry_id=one.entry_id,
            question=None if one.question is None else question_to_json(one.question),
            answer=one.answer,
            note=one.note,
            at=one.at,
        )
    )
