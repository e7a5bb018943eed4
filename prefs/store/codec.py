"""Questions, askings and entries as JSON and as rows of the tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import RowMapping

from prefs.errors import DataError, QuestionError
from prefs.fields import Fields
from prefs.log import Action, Asked, Entry
from prefs.questions import Kind, Option, Question, Role


def question_to_json(question: Question) -> dict[str, Any]:
    """The question as it was shown."""
    return {
        "question_id": question.question_id,
        "kind": question.kind,
        "markdown": question.markdown,
        "options": [{"markdown": option.markdown, "role": option.role} for option in question.options],
        "source": question.source,
        "domain": question.domain,
        "topic": question.topic,
    }


def question_from_json(data: Fields) -> Question:
    """The question again; raises DataError where it is none."""
    options = [Option(row.text("markdown"), cast(Role, row.text("role"))) for row in data.rows("options")]
    if not {option.role for option in options} <= {"answer", "tie"}:
        raise DataError(f"{data.where}.options: allowed roles are answer and tie")
    try:
        return Question(
            question_id=data.text("question_id"),
            kind=cast(Kind, data.text("kind")),
            markdown=data.text("markdown"),
            options=tuple(options),
            source=data.text("source"),
            domain=data.text("domain"),
            topic=data.text("topic"),
        )
    except QuestionError as problem:
        raise DataError(f"{data.where}: {problem}") from problem


def asked_to_row(asked: Asked, shown_at: datetime) -> dict[str, Any]:
    """The asking as a row of `asked`, without its interview and place."""
    return {
        "token": asked.token,
        "question": question_to_json(asked.question),
        "planner": asked.planner,
        "gain_bits": asked.gain_bits,
        "repeat_of": asked.repeat_of,
        "number": asked.number,
        "shown_at": shown_at,
    }


def asked_from_row(row: RowMapping) -> Asked:
    """The asking of a row of `asked`."""
    return Asked(
        token=row["token"],
        question=question_from_json(Fields(row["question"], f"question {row['token']}")),
        planner=row["planner"],
        gain_bits=row["gain_bits"],
        repeat_of=row["repeat_of"],
        number=row["number"],
    )


def asked_from_json(data: Fields) -> tuple[Asked, datetime]:
    """The asking of an export and when it was shown; raises DataError where it is none."""
    try:
        asked = Asked(
            token=data.text("token"),
            question=question_from_json(data.fields("question")),
            planner=data.text("planner"),
            gain_bits=data.maybe_number("gain_bits"),
            repeat_of=data.maybe_text("repeat_of"),
            number=data.whole("number"),
        )
    except QuestionError as problem:
        raise DataError(f"{data.where}: {problem}") from problem
    return asked, data.moment("shown_at")


def entry_to_row(entry: Entry) -> dict[str, Any]:
    """The entry as a row of `entries`, without its interview, place and next question."""
    return {
        "entry_id": entry.entry_id,
        "token": entry.token,
        "action": entry.action,
        "answer": entry.answer,
        "item": entry.item,
        "response_ms": entry.response_ms,
        "at": entry.at,
    }


def entry_from_row(row: RowMapping) -> Entry:
    """The entry of a row of `entries`."""
    return Entry(
        entry_id=row["entry_id"],
        token=row["token"],
        action=cast(Action, row["action"]),
        answer=row["answer"],
        item=row["item"],
        response_ms=row["response_ms"],
        at=row["at"],
    )


def entry_from_json(data: Fields) -> Entry:
    """The entry of an export; raises DataError where it is none."""
    try:
        return Entry(
            entry_id=data.text("entry_id"),
            token=data.maybe_text("token"),
            action=cast(Action, data.text("action")),
            answer=data.maybe_whole("answer"),
            item=data.maybe_text("item"),
            response_ms=data.maybe_whole("response_ms"),
            at=data.moment("at"),
        )
    except QuestionError as problem:
        raise DataError(f"{data.where}: {problem}") from problem


def to_json(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its moments as text."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
