"""Work done by an existing Ray cluster: the engine behind `--engine ray`.

The cluster gets our own modules with the work, so they need not be installed there; Python, ray and the
packages that the work names have to be, in the same versions. Nothing else is shared: what tasks need
travels to them once for each machine, results travel back, and files are written by who asked. Tasks of
a machine that dies are done again elsewhere. Ray sends objects as pickles: use a cluster that you trust.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from types import TracebackType
from typing import Any, TextIO, cast
from uuid import uuid4

from prefs.engines import AHEAD, Job, Key, Result, Task, bounded
from prefs.errors import ClusterError, ConfigError, KallistiError, MissingPartError

INSTALL = 'pip install "kallisti[ray]"'
ROOMS = ("prefs", "indexing", "vlm", "generation", "training")  # the floors that tasks may come from
RETRIES = 20  # times that a task is done again after machines died under it
PATIENCE = 10.0  # seconds in which an address has to answer
AUTO = "auto"
log = logging.getLogger(__name__)
_works: dict[str, Any] = {}  # of a process on a node: the work that it does
_ADDRESS = re.compile(r"(ray://)?(?P<host>[^/:\s]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")


class Ray:
    """The nodes of a Ray cluster, as many tasks at a time as their cores are enough for.

    Raises:
        MissingPartError: ray is not installed.
        ConfigError: an address of another form, or one where no cluster answers.
        ClusterError: the cluster does not let us in, or this process is in one already.
    """

    def __init__(self, address: str | None = None) -> None:
        """address: `auto` (a node of the cluster runs on this machine), HOST:PORT or ray://HOST:PORT."""
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("RAY_DEDUP_LOGS", "0")  # else what it holds back is printed at the end
        try:
            import ray
        except ImportError as problem:
            raise MissingPartError(f"ray is not installed: run {INSTALL}") from problem
        if ray.is_initialized():
            raise ClusterError("this process is in a Ray cluster already: leave it with ray.shutdown() first")
        self.address = _checked(address or os.environ.get("RAY_ADDRESS") or AUTO)
        self._ray: Any = ray
        self._nodes = frozenset[str]()
        self._stdout = sys.stdout
        sys.stdout = cast(TextIO, _Ours(sys.stdout))
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        ray = self._ray
        try:
            ray.init(
                self.address,
                runtime_env={"py_modules": _rooms(), "excludes": ["__pycache__"]},
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except ImportError as problem:  # a client that has no grpc
            raise MissingPartError(f"ray's client is not installed: run {INSTALL}") from problem
        except ConnectionAbortedError as problem:  # a client whose server did not start
            raise ClusterError(
                f"the Ray cluster at {self.address!r} does not take the work: {_line(problem, -1)}"
            ) from problem
        except ConnectionError as problem:
            raise ConfigError(
                f"no Ray cluster answers at {self.address!r}: start one with `ray start --head`, "
                "or name the address of one with --address"
            ) from problem
        except (ray.exceptions.RayError, RuntimeError, ValueError) as problem:
            raise ClusterError(
                f"the Ray cluster at {self.address!r} does not take the work: {_line(problem)}"
            ) from problem

    def __enter__(self) -> Ray:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leaves the cluster, which goes on without us; tasks under way are dropped."""
        self._ray.shutdown()
        sys.stdout = self._stdout

    def run(self, work: Job[Task, Result], tasks: Iterable[tuple[Key, Task]]) -> Iterator[tuple[Key, Result]]:
        """See `prefs.engines.Engine.run`; the work is put into the object store once.

        Raises:
            ConfigError: a node lacks a package or has another version of it.
            ClusterError: the cluster lost a task too often, or itself.
        """
        here = versions(work.packages)
        # where no node has so many cores its threads share what there is
        cores = min(work.cores, int(max(1, *self._cores())))
        remote = self._ray.remote(num_cpus=cores, max_retries=RETRIES)(_done)
        # in a list it is not taken out for every task, but once by each process that works
        kept = [self._ray.put(work)]
        submit = partial(remote.remote, kept, uuid4().hex, here)
        yield from bounded(tasks, submit, partial(self._room, cores), self._ready)

    def _room(self, cores: int) -> int:
        """Tasks that may be under way; some where there is no core yet, so that clusters know to grow."""
        return AHEAD * max(1, int(sum(self._cores()) / cores))

    def _cores(self) -> list[float]:
        """Cores of the nodes; tells of those that are gone since the last call."""
        alive = {node["NodeID"]: node for node in self._ray.nodes() if node["Alive"]}
        if lost := len(self._nodes - set(alive)):
            log.warning(
                "%d of the Ray cluster's %d nodes died: their tasks are done again", lost, len(self._nodes)
            )
        self._nodes = frozenset(alive)
        return [0.0, *(float(node["Resources"].get("CPU", 0)) for node in alive.values())]

    def _ready(self, handles: list[Any]) -> list[tuple[Any, Any]]:
        errors = self._ray.exceptions
        try:
            ready = self._ray.wait(handles, num_returns=1)[0]
            return [(handle, self._ray.get(handle)) for handle in ready]
        except errors.RayTaskError as problem:
            raise _ours(problem.cause) from problem
        except errors.RayError as problem:
            raise ClusterError(
                f"the Ray cluster at {self.address!r} lost a task: {_line(problem)}; "
                "what is finished is kept, look after the cluster and add --resume"
            ) from problem


class _Ours:
    """Standard output without what Ray's own threads print: dumps of logs when a node dies."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread().name.startswith("ray_"):
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of Python and of packages that are installed here, "none" where one is not."""
    return {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        **{name: _version(name) for name in packages},
    }


def _done(kept: list[Any], name: str, wanted: Mapping[str, str], task: Any) -> Any:
    """The result of a task, on a node of the cluster."""
    import ray

    _compare(tuple(wanted.items()))
    if name not in _works:
        _works.clear()
        _works[name] = ray.get(kept[0])
    return _works[name](task)


@cache
def _compare(wanted: tuple[tuple[str, str], ...]) -> None:
    """Refuses work that would come out otherwise here than where it was asked for."""
    there = versions(name for name, _ in wanted[1:])
    for name, needed in wanted:
        if there[name] != needed:
            raise ConfigError(
                f"node {socket.gethostname()} of the Ray cluster has {name} {there[name]}, not {needed}: "
                "install the same there, results would differ"
            )


def _version(package: str) -> str:
    try:
        return version(package).partition("+")[0]  # builds of torch for other processors
    except PackageNotFoundError:
        return "none"


def _rooms() -> list[str]:
    """Folders of our own packages, which travel with the work."""
    specs = (find_spec(room) for room in ROOMS)
    return [spec.submodule_search_locations[0] for spec in specs if spec and spec.submodule_search_locations]


def _checked(address: str) -> str:
    """The address, after somebody answered there: ray itself would wait long and end the process."""
    if address == AUTO:
        return address
    parts = _ADDRESS.fullmatch(address)
    if parts is None:
        raise ConfigError(f"Ray address {address!r}: allowed are auto, HOST:PORT and ray://HOST:PORT")
    try:
        socket.create_connection((parts["host"].strip("[]"), int(parts["port"])), PATIENCE).close()
    except (OSError, OverflowError) as problem:
        raise ConfigError(
            f"no Ray cluster answers at {address!r} ({problem}): see what `ray start` printed there"
        ) from problem
    return address


def _ours(cause: BaseException) -> BaseException:
    """What to raise for a task that failed by itself: our own errors as they are, imports as a line."""
    if isinstance(cause, ImportError) and not isinstance(cause, KallistiError):
        return ConfigError(f"a node of the Ray cluster lacks a package ({cause}): install it there")
    return cause


def _line(problem: BaseException, place: int = 0) -> str:
    """One line of a message that may have many."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[place].rstrip(".")[:200] if lines else type(problem).__name__
