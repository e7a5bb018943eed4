"""Where long work is done: by the cores of this machine, or by a Ray cluster (`prefs.cluster`).

Work is a function of one task, split so that every task gives the same wherever it is done, however
often it is tried and whatever else runs. Engines hand tasks out a few at a time and give results back
in the order in which they get ready; who asked writes them down, each once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import Literal, Protocol, TypeVar

from prefs.errors import ConfigError

Key = TypeVar("Key", bound=Hashable)
Task = TypeVar("Task")
Result = TypeVar("Result")
TaskIn = TypeVar("TaskIn", contravariant=True)
ResultOut = TypeVar("ResultOut", covariant=True)

EngineName = Literal["local", "ray"]
AHEAD = 2  # tasks under way for each that can run at once


class Job(Protocol[TaskIn, ResultOut]):
    """A pure function of one task that can be sent to another machine.

    packages: what must be installed there in the same versions, by the names that installers know.
    cores: that a task keeps busy by threads of its own.
    """

    @property
    def cores(self) -> int:  # noqa: D102
        ...

    @property
    def packages(self) -> tuple[str, ...]:  # noqa: D102
        ...

    def __call__(self, task: TaskIn, /) -> ResultOut:  # noqa: D102
        ...


class Engine(Protocol):
    """Does tasks."""

    def run(self, work: Job[Task, Result], tasks: Iterable[tuple[Key, Task]]) -> Iterator[tuple[Key, Result]]:
        """(key, work(task)) of every (key, task), each once, in the order in which they get ready.

        Tasks are drawn from the iterable as there is room for them, so that few are in memory.

        Raises:
            ConfigError, ClusterError: the engine cannot do the work; and what the work raises.
        """
        ...


class Local:
    """The cores of this machine: threads that share all memory, since arithmetic frees the interpreter.

    While work runs, each thread's matrix products keep to one core, as on a cluster: threads inside
    of threads wait for each other, and results would depend on the number of cores.
    """

    def __init__(self, threads: int | None = None) -> None:
        """threads: tasks at a time, by default one for each core that this process may use."""
        self.threads = threads or cores()

    def run(self, work: Job[Task, Result], tasks: Iterable[tuple[Key, Task]]) -> Iterator[tuple[Key, Result]]:
        """See `Engine.run`."""
        with single_threaded():
            if self.threads == 1:
                for key, task in tasks:
                    yield key, work(task)
                return
            pool = ThreadPoolExecutor(self.threads)
            try:
                yield from bounded(tasks, lambda task: pool.submit(work, task), self._room, _ready)
            finally:
                pool.shutdown(cancel_futures=True)

    def _room(self) -> int:
        return AHEAD * self.threads


Handle = TypeVar("Handle", bound=Hashable)


def bounded(
    tasks: Iterable[tuple[Key, Task]],
    submit: Callable[[Task], Handle],
    room: Callable[[], int],
    ready: Callable[[list[Handle]], list[tuple[Handle, Result]]],
) -> Iterator[tuple[Key, Result]]:
    """Submits tasks while there is room and yields (key, result) as they get ready.

    room: how many may be under way now; one may always. ready: waits for at least one of the handles;
    returns those that are ready, with their results.
    """
    waiting: dict[Handle, Key] = {}
    remaining = iter(tasks)
    while True:
        for key, task in islice(remaining, max(0, max(1, room()) - len(waiting))):
            waiting[submit(task)] = key
        if not waiting:
            return
        for handle, result in ready(list(waiting)):
            yield waiting.pop(handle), result


def _ready(futures: list[Future[Result]]) -> list[tuple[Future[Result], Result]]:
    done = wait(futures, return_when=FIRST_COMPLETED).done
    return [(future, future.result()) for future in futures if future in done]


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keeps the matrix products of this process to one core each while the block runs."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


@contextmanager
def engine_of(name: EngineName, address: str | None = None) -> Iterator[Engine]:
    """The engine that `--engine` and `--address` mean; it is left when the block ends.

    Raises:
        ConfigError: an address without ray, or one where no cluster is; MissingPartError: ray is not
            installed.
    """
    if name == "local":
        if address is not None:
            raise ConfigError(f"--address {address}: only `--engine ray` has an address, add it")
        yield Local()
        return
    from prefs.cluster import Ray

    with Ray(address) as engine:
        yield engine
