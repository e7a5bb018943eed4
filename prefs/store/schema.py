"""Brings a database to this version's tables, and leaves alone what is not ours or newer.

The migrations are Alembic's, in the package; it is imported only where there is work for it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect

from prefs.errors import StoreError, StoreVersionError
from prefs.store.engine import WRITE, use_write_ahead_log

VERSION = "0002"
VERSION_TABLE = "kallisti_version"
MIGRATIONS = Path(__file__).parent / "migrations"


def bring_up_to_date(engine: Engine) -> None:
    """Makes or migrates the tables in one transaction; does nothing where they are current.

    Raises:
        StoreVersionError: written by a newer Kallisti. StoreError: another program's database.
    """
    with engine.connect() as connection:
        current = _current(connection)
    if current == VERSION:
        return
    if engine.dialect.name == "sqlite":
        use_write_ahead_log(engine)
    with engine.connect().execution_options(**WRITE) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(5302957)")
        if _current(connection) != VERSION:  # unless another program was quicker
            _migrate(connection)


def _current(connection: Connection) -> str | None:
    """The database's version, None where it is empty."""
    where = connection.engine.url.render_as_string(hide_password=True)
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE not in tables:
        if tables and connection.dialect.name == "sqlite":
            raise StoreError(f"{where} is the database of another program: choose another file")
        return None
    found = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()
    if found is None:
        return None
    if str(found) > VERSION:
        raise StoreVersionError(
            f"{where} has version {found}, this Kallisti knows up to {VERSION}: install a newer Kallisti"
        )
    return str(found)


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, VERSION)
