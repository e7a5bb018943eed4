"""Facts about raters and interviews, as JSON."""

from __future__ import annotations

from typing import Any, TypedDict

from sqlalchemy import ColumnElement, Connection, RowMapping, func, select

from prefs.store import tables


class RaterFacts(TypedDict):
    """A person who answers. answers: entries that answered a question, undone ones included."""

    rater_id: str
    label: str | None
    consent: bool
    created_at: str
    interviews: int
    answers: int


class InterviewFacts(TypedDict):
    """An interview. stopped: why it ended, None while it goes on."""

    interview_id: str
    started_at: str
    settings: dict[str, Any]
    model_version: str
    stopped: str | None
    answers: int


def rater_facts(connection: Connection, row: RowMapping) -> RaterFacts:
    """What there is of the rater of a row."""
    columns = tables.interviews.c
    interviews = select(func.count()).where(columns.rater_id == row["rater_id"])
    return {
        "rater_id": row["rater_id"],
        "label": row["label"],
        "consent": row["consent"],
        "created_at": row["created_at"].isoformat(),
        "interviews": connection.execute(interviews).scalar_one(),
        "answers": _answers(connection, columns.rater_id == row["rater_id"]),
    }


def interview_facts(connection: Connection, row: RowMapping) -> InterviewFacts:
    """What there is of the interview of a row."""
    return {
        "interview_id": row["interview_id"],
        "started_at": row["started_at"].isoformat(),
        "settings": row["settings"],
        "model_version": row["model_version"],
        "stopped": row["stopped"],
        "answers": _answers(connection, tables.interviews.c.interview_id == row["interview_id"]),
    }


def _answers(connection: Connection, which: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(tables.entries.join(tables.interviews))
    return connection.execute(query.where(which, tables.entries.c.action == "answer")).scalar_one()
