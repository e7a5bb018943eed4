"""Many write at once: nobody is turned away, nothing is lost, nobody waits long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from answering import write_all

from prefs.store import Store

HERE = Path(__file__).parent
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[2])
from answering import write_all
from prefs.store import Store
where = sys.argv[1]
with Store.open(where) as store:
    write_all(store, sys.argv[4], int(sys.argv[3]), int(sys.argv[5]))
"""


def check_all(store: Store, raters: int, answers: int) -> None:
    found = store.raters()
    assert len(found) == raters
    for rater in found:
        (interview,) = store.interviews(rater["rater_id"])
        asked, entries = store.log(rater["rater_id"], interview["interview_id"])
        assert [one.entry_id for one in entries] == [f"e{place}" for place in range(answers)]
        assert len(asked) == answers + 1


def test_threads_write_side_by_side(store: Store) -> None:
    assert len(write_all(store, "writer", 8, 15)) == 120
    check_all(store, 8, 15)


def test_programs_write_side_by_side(file: Path) -> None:
    Store.open(file).close()
    programs = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, str(file), str(HERE), "4", name, "10"])
        for name in ("left", "right")
    ]
    assert [program.wait() for program in programs] == [0, 0]
    with Store.open(file) as store:
        check_all(store, 8, 10)


@pytest.mark.slow
def test_thirty_two_writers_of_a_hundred_answers(store: Store) -> None:
    took = sorted(write_all(store, "writer", 32, 100))
    check_all(store, 32, 100)
    print(f"p50 {took[len(took) // 2] * 1e3:.0f} ms, p99 {took[len(took) * 99 // 100] * 1e3:.0f} ms")
