"""The tables of the answer database. Rows of `asked`, `entries` and `known` are written once, never
changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class Utc(TypeDecorator[datetime]):
    """A moment in UTC on every database; SQLite itself knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment as the database keeps it."""
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

raters = Table(
    "raters",
    metadata,
    Column("rater_id", String(128), primary_key=True),
    Column("label", Text),
    Column("consent", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
)

interviews = Table(
    "interviews",
    metadata,
    Column("interview_id", String(128), primary_key=True),
    Column("rater_id", ForeignKey(raters.c.rater_id), nullable=False, index=True),
    Column("started_at", Utc, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("stopped", Text),
    Column("resume_hash", String(64), unique=True),
)

asked = Table(
    "asked",
    metadata,
    Column("interview_id", ForeignKey(interviews.c.interview_id), nullable=False),
    Column("place", Integer, nullable=False),
    Column("token", String(128), nullable=False),
    Column("question", JSON, nullable=False),
    Column("planner", Text, nullable=False),
    Column("gain_bits", Float(53)),
    Column("repeat_of", String(128)),
    Column("number", Integer, nullable=False),
    Column("shown_at", Utc, nullable=False),
    PrimaryKeyConstraint("interview_id", "place"),
    UniqueConstraint("interview_id", "token"),
)

entries = Table(
    "entries",
    metadata,
    Column("interview_id", ForeignKey(interviews.c.interview_id), nullable=False),
    Column("place", Integer, nullable=False),
    Column("entry_id", String(128), nullable=False),
    Column("token", String(128)),
    Column("action", String(16), nullable=False),
    Column("answer", Integer),
    Column("item", Text),
    Column("response_ms", Integer),
    Column("at", Utc, nullable=False),
    Column("next_token", String(128)),
    PrimaryKeyConstraint("interview_id", "place"),
    UniqueConstraint("interview_id", "entry_id"),
    ForeignKeyConstraint(["interview_id", "token"], ["asked.interview_id", "asked.token"]),
    ForeignKeyConstraint(["interview_id", "next_token"], ["asked.interview_id", "asked.token"]),
)

known = Table(
    "known",
    metadata,
    Column("rater_id", ForeignKey(raters.c.rater_id), nullable=False),
    Column("place", Integer, nullable=False),
    Column("entry_id", String(128), nullable=False),
    Column("question", JSON(none_as_null=True)),
    Column("answer", Integer),
    Column("note", Text),
    Column("at", Utc, nullable=False),
    PrimaryKeyConstraint("rater_id", "place"),
    UniqueConstraint("rater_id", "entry_id"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)


def insert_if_new(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    """Inserts a row unless one with its key is there, also when two programs do so at once.

    Returns whether the row is new.
    """
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    statement = insert(table).values(values).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(statement).first() is not None
