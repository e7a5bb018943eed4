"""Connections to SQLite (the default) and PostgreSQL, set up so that a commit is durable.

SQLite: write-ahead log with synchronous FULL (a commit survives a power cut), five seconds of
patience with other programs, BEGIN IMMEDIATE for writing (a transaction that could wait for ever
in the middle waits at its start), secure_delete (erased rows are overwritten).
"""

from __future__ import annotations

import importlib.util
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from prefs.errors import ConfigError, MissingPartError, StoreError

PATIENCE_S = 5.0
PRAGMAS = ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
WRITE = {"kallisti_write": True}


def connect(where: str | Path) -> Engine:
    """An engine for a file, `sqlite:///FILE` or `postgresql://...`; nothing is written yet.

    Raises:
        ConfigError: an address of another kind. MissingPartError: the PostgreSQL driver is absent.
        StoreError: the file's folder cannot be made, or the path is a folder.
    """
    url = _url(where)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    if importlib.util.find_spec("psycopg") is None:
        raise MissingPartError("PostgreSQL needs its driver: pip install 'kallisti[postgres]'")
    return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True)


def reason(problem: Exception) -> str:
    """What a database says of a failure, on one line."""
    text = str(problem.orig if isinstance(problem, DBAPIError) else problem)
    return " ".join(text.split()) or type(problem).__name__


def use_write_ahead_log(engine: Engine) -> None:
    """Turns the write-ahead log on, which SQLite keeps in the file.

    Two programs that open a new file at once get in each other's way here, and SQLite does not
    apply its patience to this one step.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            mode = outside(engine, "PRAGMA journal_mode=WAL")
        except StoreError as problem:
            if "locked" not in str(problem) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
            continue
        if mode != "wal":
            raise StoreError(f"{engine.url.database} lies where SQLite can share no memory: use a local disk")
        return


def outside(engine: Engine, statement: str) -> Any:
    """Runs an SQLite statement outside any transaction; returns the first value of its answer.

    Raises:
        StoreError: SQLite refuses it.
    """
    connection = engine.raw_connection()
    try:
        row = connection.cursor().execute(statement).fetchone()
    except sqlite3.Error as problem:
        raise StoreError(f"{engine.url.database} failed: {reason(problem)}") from problem
    finally:
        connection.close()
    return row[0] if row else None


def _url(where: str | Path) -> URL:
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(where))
    try:
        url = make_url(where)
    except ArgumentError as problem:
        raise ConfigError(f"database address {where!r} cannot be read: write sqlite:///FILE") from problem
    allowed = ("sqlite", "postgresql")
    if url.get_backend_name() not in allowed or (url.get_backend_name() == "sqlite" and not url.database):
        shown = url.render_as_string(hide_password=True)
        raise ConfigError(f"database {shown!r}: allowed are sqlite:///FILE and postgresql://USER@HOST/NAME")
    return url


def _sqlite(url: URL) -> Engine:
    path = Path(str(url.database))
    if path.is_dir():
        raise StoreError(f"{path} is a folder: name a file for the database")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StoreError(
            f"{path.parent} cannot be made ({problem.strerror}): choose another --data-dir"
        ) from problem
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        connect_args={"timeout": PATIENCE_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy begins and commits, not the driver
        for statement in PRAGMAS:
            connection.execute(f"PRAGMA {statement}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("kallisti_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
