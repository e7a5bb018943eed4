"""Opening: new, current, older, newer and foreign databases, and places that cannot hold one."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from answering import answer, started

from prefs.errors import ConfigError, StoreError, StoreVersionError
from prefs.store import Store, schema
from prefs.store.engine import connect
from prefs.store.tables import metadata


def test_the_migrations_end_at_this_version_and_make_these_tables(where: str | Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.VERSION]
    Store.open(where).close()
    engine = connect(where)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": schema.VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_opening_a_current_database_imports_no_migrations(file: Path) -> None:
    Store.open(file).close()
    code = (
        "import sys, pathlib; from prefs.store import Store; "
        f"Store.open(pathlib.Path({str(file)!r})).close(); "
        "print([m for m in ('alembic', 'numpy', 'sqlalchemy.orm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_commits_are_durable(file: Path) -> None:
    with Store.open(file) as store:
        started(store)
        facts = store.check()
    assert (facts["journal"], facts["durable"], facts["integrity"]) == ("wal", True, "ok")
    assert (facts["raters"], facts["interviews"], facts["entries"]) == (1, 1, 0)


def test_many_open_a_new_file_at_once(file: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        stores = list(threads.map(lambda _: Store.open(file), range(8)))
    assert len({store.secret() for store in stores}) == 1
    for store in stores:
        store.close()


@pytest.mark.parametrize("form", [str, lambda path: f"sqlite:///{path}", Path])
def test_a_file_can_be_named_in_three_ways(file: Path, form) -> None:
    Store.open(form(file)).close()
    assert file.is_file()


def test_a_newer_database_is_left_alone(file: Path) -> None:
    Store.open(file).close()
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '0999'")
    connection.close()
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    with pytest.raises(StoreVersionError, match=r"has version 0999.*install a newer Kallisti"):
        Store.open(file)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before


def test_the_database_of_another_program_is_left_alone(file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(StoreError, match="database of another program"):
        Store.open(file)
    assert file.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"Which do you think is prettier?" * 100)
    with pytest.raises(StoreError, match="not a database") as found:
        Store.open(file)
    assert "\n" not in str(found.value)
    assert file.read_bytes() == b"Which do you think is prettier?" * 100


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder: name a file"):
        Store.open(tmp_path)


def test_a_file_cannot_be_a_folder_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        Store.open(tmp_path / "plain" / "deeper" / "kallisti.sqlite")


@pytest.mark.parametrize("address", ["mysql://me@host/db", "sqlite://", "://", "duckdb:///x"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=r"database.*sqlite:///FILE"):
        Store.open(address)


def test_passwords_are_not_shown() -> None:
    with pytest.raises(ConfigError) as found:
        Store.open("mysql://me:hunter2@host/db")
    assert "hunter2" not in str(found.value)


READ_ONLY = """
import os, sys
from pathlib import Path
from prefs.errors import StoreError
from prefs.store import Store
if os.geteuid() == 0:
    os.setuid(65534)  # root may write anywhere
try:
    Store.open(Path(sys.argv[1]))
except StoreError as problem:
    print(problem)
"""


@pytest.mark.parametrize("existing", [False, True])
def test_a_folder_without_permission_is_one_clear_line(existing: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to other users
        file = Path(folder) / "kallisti.sqlite"
        if existing:
            with Store.open(file) as store:
                answer(store, started(store), 0)
            file.chmod(0o000)
        os.chmod(folder, 0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(file)], capture_output=True, text=True, check=True
        )
        os.chmod(folder, 0o755)
    assert "cannot be opened as a database" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
