"""Failures that happen: killed processes, full disks, writes that fail at every possible place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from answering import answer, entry, question, started
from sqlalchemy import event

from prefs.errors import NotDurableError, QuestionError, StoreError
from prefs.log import effective
from prefs.store import Store

HERE = Path(__file__).parent

# Imports once and forks: each child answers in a loop and reports what the store acknowledged.
KILLED = """
import os, random, signal, sys, time
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from answering import answer
from prefs.store import Store

file, interview, runs = Path(sys.argv[1]), sys.argv[3], int(sys.argv[4])
dice = random.Random(runs)
done = 0
for run in range(runs):
    report, out = os.pipe()
    child = os.fork()
    if child == 0:
        store = Store.open(file)
        for number in range(done, 10**6):
            answer(store, interview, number)
            os.write(out, b"%d\\n" % number)
    os.close(out)
    time.sleep(dice.uniform(0.02, 0.25))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(report, "rb") as lines:
        acknowledged = [int(line) for line in lines]
    with Store.open(file) as store:
        asked, entries = store.log("me", interview)
        numbers = [int(one.entry_id[1:]) for one in entries]
        assert numbers == list(range(len(numbers))), "lost or doubled"
        assert not acknowledged or acknowledged[-1] < len(numbers), "an acknowledged answer was lost"
        assert len(numbers) - done - len(acknowledged) <= 1, "more was stored than was sent"
        assert len(asked) == len(entries) + 1, "an answer without the question that follows"
        assert store.check()["integrity"] == "ok"
        if numbers:  # the client sends again what was not acknowledged
            answer(store, interview, numbers[-1])
            assert len(store.log("me", interview)[1]) == len(numbers)
    done = len(numbers)
print(done)
"""


def kill(file: Path, runs: int) -> int:
    with Store.open(file) as store:
        interview = started(store)
    arguments = [sys.executable, "-c", KILLED, str(file), str(HERE), interview, str(runs)]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_kill_loses_no_acknowledged_answer_and_doubles_none(file: Path) -> None:
    assert kill(file, 20) > 20


@pytest.mark.slow
def test_kill_a_hundred_times(file: Path) -> None:
    assert kill(file, 100) > 100


# One answer, its n-th write failing, for n = 1, 2, ... until it goes through.
BROKEN = """
import ctypes, resource, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from answering import answer
from prefs.errors import NotDurableError
from prefs.store import Store

def break_write(n):
    if sys.argv[4] == "size":  # the kernel lets no file grow beyond the limit
        limit = resource.RLIM_INFINITY if n is None else 1000 * n
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    else:
        ctypes.c_int.in_dll(ctypes.CDLL(None), "writes_left").value = -1 if n is None else n

file, interview = Path(sys.argv[1]), sys.argv[3]
store = Store.open(file)
failed = 0
while True:
    before = store.log("me", interview)
    break_write(failed)
    try:
        answer(store, interview, 0)
        break
    except NotDurableError as problem:
        assert len(str(problem).splitlines()) == 1
        assert "nothing was stored" in str(problem)
        failed += 1
    finally:
        break_write(None)
    assert store.log("me", interview) == before, "half an answer"
    with Store.open(file) as other:
        assert other.log("me", interview) == before, "others see half an answer"
after = store.log("me", interview)
assert (len(after[0]), len(after[1])) == (2, 1)
answer(store, interview, 0)
assert store.log("me", interview) == after
store.close()
with Store.open(file) as again:
    assert again.log("me", interview) == after
    assert again.check()["integrity"] == "ok"
print(failed)
"""

# Writes and flushes count down writes_left; at 0 they fail, as on a broken disk. -1: no limit.
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/types.h>
int writes_left = -1;
static int broken(void) {
    if (writes_left > 0) writes_left--;
    else if (writes_left == 0) return errno = EIO;
    return 0;
}
#define SHIM(type, name, parameters, arguments) \\
    type name parameters { static type (*real) parameters; if (!real) real = dlsym(RTLD_NEXT, #name); \\
    return broken() ? -1 : real arguments; }
SHIM(ssize_t, pwrite, (int f, const void *b, size_t n, off_t o), (f, b, n, o))
SHIM(ssize_t, pwrite64, (int f, const void *b, size_t n, off64_t o), (f, b, n, o))
SHIM(int, fsync, (int f), (f))
SHIM(int, fdatasync, (int f), (f))
SHIM(int, ftruncate64, (int f, off64_t n), (f, n))
"""


def break_every_write(file: Path, how: str, **environment: str) -> int:
    """How many ways of failing one answer survived, all of them whole or not at all."""
    with Store.open(file) as store:
        interview = started(store)
    arguments = [sys.executable, "-c", BROKEN, str(file), str(HERE), interview, how]
    done = subprocess.run(arguments, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_wherever_the_disk_is_full_an_answer_is_stored_whole_or_not_at_all(file: Path) -> None:
    assert break_every_write(file, "size") > 10


@pytest.mark.skipif(
    shutil.which("cc") is None or sys.platform != "linux", reason="needs a C compiler on Linux"
)
def test_whichever_write_or_flush_fails_an_answer_is_stored_whole_or_not_at_all(
    file: Path, tmp_path: Path
) -> None:
    source, shim = tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
    assert break_every_write(file, "shim", LD_PRELOAD=str(shim)) > 5


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    with Store.open(file) as opened:
        yield opened


def test_whichever_statement_fails_an_answer_is_stored_whole_or_not_at_all(store: Store) -> None:
    interview = started(store)
    countdown = [10**6]

    def trip(connection, cursor, statement, parameters, context, executemany):
        countdown[0] -= 1
        if countdown[0] == 0:
            cursor.execute("SELECT * FROM a_table_that_is_not_there")

    event.listen(store._engine, "before_cursor_execute", trip)
    before = store.log("me", interview)
    tried = 0
    while True:
        tried += 1
        countdown[0] = tried
        try:
            answer(store, interview, 0)
            break
        except NotDurableError:
            countdown[0] = 10**6
            assert store.log("me", interview) == before
    countdown[0] = 10**6
    assert tried > 5
    assert len(store.log("me", interview)[1]) == 1


def test_a_full_disk_is_said_and_answers_go_on_when_there_is_room(store: Store) -> None:
    interview = started(store)
    answer(store, interview, 0)

    def limit_pages(pages: int) -> None:
        connection = store._engine.raw_connection()
        connection.cursor().execute(f"PRAGMA max_page_count={pages}")
        connection.close()

    limit_pages(1)  # SQLite allows no fewer than there are, so nothing can grow
    stored = 1

    def answer_on() -> None:
        nonlocal stored
        for number in range(1, 1000):
            answer(store, interview, number)
            stored += 1

    with pytest.raises(NotDurableError, match="full; nothing was stored, try again"):
        answer_on()
    asked, entries = store.log("me", interview)
    assert (len(asked), len(entries)) == (stored + 1, stored)
    limit_pages(10**6)
    answer(store, interview, stored)
    assert len(effective(*store.log("me", interview))) == stored + 1


def test_a_database_that_another_program_holds_is_said_and_loses_nothing(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefs.store.engine.PATIENCE_S", 0.05)
    with Store.open(file) as hurried:
        interview = started(hurried)
        holder = store._engine.raw_connection()
        holder.cursor().execute("BEGIN IMMEDIATE")
        with pytest.raises(NotDurableError, match="locked; nothing was stored"):
            answer(hurried, interview, 0)
        holder.cursor().execute("ROLLBACK")
        holder.close()
        assert answer(hurried, interview, 0).next == question(1)


def test_erase_says_when_bytes_remain_and_finishes_later(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prefs.store.engine.PATIENCE_S", 0.05)
    with Store.open(file) as store, Store.open(file) as other:
        answer(store, started(store, "zx81"), 0, "zx81")
        reader = other._engine.raw_connection()
        reader.cursor().execute("BEGIN")
        reader.cursor().execute("SELECT count(*) FROM raters").fetchall()
        with pytest.raises(StoreError, match="erase again"):
            store.erase("zx81")
        assert store.raters() == []
        reader.cursor().execute("ROLLBACK")
        reader.close()
        store.erase("zx81")
        assert not any(b"zx81" in path.read_bytes() for path in file.parent.iterdir())


def test_a_wrong_entry_is_not_a_failure_of_the_database(store: Store) -> None:
    interview = started(store)
    with pytest.raises(QuestionError):
        store.record("me", interview, entry("x", "undo"), question(1))
    answer(store, interview, 0)
