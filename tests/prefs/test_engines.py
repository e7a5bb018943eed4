from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from prefs.engines import AHEAD, Local, bounded, cores, engine_of
from prefs.errors import ConfigError, MissingPartError


class Squares:
    """Squares numbers, the even ones slowly; fails at one."""

    packages, cores = (), 1

    def __init__(self, fails: int = -1) -> None:
        self.fails = fails
        self.done = 0
        self.seen = set[int]()

    def __call__(self, task: int) -> int:
        self.done += 1
        self.seen.add(threading.get_ident())
        if task == self.fails:
            raise ConfigError(f"task {task}")
        time.sleep(0.002 * (1 - task % 2))
        return task**2


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_task_is_done_once(threads: int) -> None:
    found = list(Local(threads).run(Squares(), ((f"k{task}", task) for task in range(20))))
    assert sorted(found) == sorted((f"k{task}", task**2) for task in range(20))


def test_threads_share_the_work() -> None:
    work = Squares()
    list(Local(2).run(work, ((task, task) for task in range(40))))
    assert len(work.seen) == 2
    assert Local().threads == cores() >= 1


@pytest.mark.parametrize("threads", [1, 2])
def test_tasks_are_drawn_as_there_is_room(threads: int) -> None:
    drawn = list[int]()

    def tasks() -> Iterator[tuple[int, int]]:
        for task in range(30):
            drawn.append(task)
            yield task, task

    done = 0
    for _ in Local(threads).run(Squares(), tasks()):
        assert len(drawn) - done <= AHEAD * threads
        done += 1
    assert done == 30


@pytest.mark.parametrize("threads", [1, 2])
def test_what_the_work_raises_ends_the_run(threads: int) -> None:
    work = Squares(fails=7)
    with pytest.raises(ConfigError, match="task 7"):
        list(Local(threads).run(work, ((task, task) for task in range(1000))))
    assert work.done < 20


def test_a_run_that_is_left_early_ends_its_threads() -> None:
    before = threading.active_count()
    for _ in Local(3).run(Squares(), ((task, task) for task in range(1000))):
        break
    assert threading.active_count() <= before + 3
    deadline = time.monotonic() + 5
    while threading.active_count() > before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_matrix_products_keep_to_one_core() -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    class Threads:
        packages, cores = (), 1

        def __call__(self, task: int) -> int:
            return max(pool["num_threads"] for pool in threadpool_info())

    assert np.ones((2, 2)).sum() == 4
    with threadpool_limits(2):
        assert Threads()(0) == 2
        assert dict(Local(2).run(Threads(), [(0, 0)])) == {0: 1}
        assert Threads()(0) == 2


def test_room_may_grow_and_vanish() -> None:
    """A cluster whose nodes come and go: nothing is lost, nothing is done twice."""
    rooms = iter([0, 1, 3, 0, 2, *[5] * 100])
    submitted = list[int]()

    def submit(task: int) -> int:
        submitted.append(task)
        return task

    def ready(handles: list[int]) -> list[tuple[int, int]]:
        return [(handles[-1], handles[-1])]

    found = list(bounded(((task, task) for task in range(10)), submit, lambda: next(rooms), ready))
    assert sorted(found) == [(task, task) for task in range(10)]
    assert submitted == list(range(10))


def test_engines_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with engine_of("local") as engine:
        assert isinstance(engine, Local)
    with pytest.raises(ConfigError, match="only `--engine ray`"), engine_of("local", "auto"):
        pass
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPartError, match=r"pip install .kallisti\[ray\]"), engine_of("ray"):
        pass
