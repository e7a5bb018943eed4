from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clusters import cluster, kill

from prefs import cluster as clusters
from prefs.cluster import Ray, versions
from prefs.errors import ClusterError, ConfigError, MissingPartError

TASKS = 16


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with cluster(nodes=1) as found:
        yield found


def make_work(log: Path, slow: tuple[int, ...] = (), cores: int = 1) -> Any:
    """Work that notes in a folder when a task begins and ends on which node; defined here so that it
    travels by value, since nodes know nothing of tests."""

    class Noted:
        def __init__(self) -> None:
            self.packages, self.cores = ("numpy",), cores
            self.table = np.arange(100_000.0)
            self.calls = 0

        def __call__(self, task: int) -> float:
            import os

            import ray

            node = ray.get_runtime_context().get_node_id()
            self.calls += 1
            name = f"{task}-{node}-{os.getpid()}-{self.calls}"
            (log / f"{name}.begun").touch()
            if task < 0:
                raise ConfigError(f"task {task}")
            if task == 777:
                os._exit(1)
            time.sleep(4.0 if task in slow else 0.0)
            (log / f"{name}.ended").touch()
            return float(self.table[: task + 1].sum())

    return Noted()


def wanted(task: int) -> float:
    return task * (task + 1) / 2


@pytest.mark.slow
def test_every_task_is_done_once(running: Any, tmp_path: Path) -> None:
    with Ray(running.address) as engine:
        found = list(engine.run(make_work(tmp_path), ((f"k{task}", task) for task in range(TASKS))))
        assert sorted(found) == sorted((f"k{task}", wanted(task)) for task in range(TASKS))
        assert len(list(tmp_path.glob("*.ended"))) == TASKS
        calls = [int(path.stem.split("-")[-1]) for path in tmp_path.glob("*.ended")]
        assert max(calls) > 1, "the work arrives once, not with every task"
        more = engine.run(make_work(tmp_path, cores=8), [(0, 3), (1, 4)])
        assert sorted(more) == [(0, wanted(3)), (1, wanted(4))], "nodes of fewer cores do it too"


@pytest.mark.slow
def test_a_process_is_in_one_cluster_at_a_time(running: Any) -> None:
    with Ray(running.address) as engine:
        with pytest.raises(ClusterError, match="in a Ray cluster already"):
            Ray(running.address)
        assert list(engine.run(make_work(Path()), [])) == []


@pytest.mark.slow
def test_what_the_work_raises_is_raised_here(running: Any, tmp_path: Path) -> None:
    with Ray(running.address) as engine, pytest.raises(ConfigError, match=r"^task -5$"):
        list(engine.run(make_work(tmp_path), [(0, 1), (1, -5), (2, 2)]))


@pytest.mark.slow
def test_nodes_with_other_packages_are_refused(running: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(clusters, "versions", lambda packages: {**versions(packages), "numpy": "0.1"})
    with Ray(running.address) as engine, pytest.raises(ConfigError, match=r"has numpy .*, not 0\.1: install"):
        list(engine.run(make_work(tmp_path), [(0, 1)]))
    assert versions(["numpy", "no-such"]) == {**versions(["numpy"]), "no-such": "none"}


@pytest.mark.slow
def test_a_task_that_kills_its_node_again_and_again_ends_in_a_line(
    running: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(clusters, "RETRIES", 1)
    with Ray(running.address) as engine, pytest.raises(ClusterError, match=r"lost a task.*--resume"):
        list(engine.run(make_work(tmp_path), [(0, 777)]))
    assert len(list(tmp_path.glob("*.begun"))) == 2


@pytest.mark.slow
def test_nothing_is_lost_when_a_node_dies(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with cluster(nodes=1) as two:
        node = two.add_node(num_cpus=1)
        two.wait_for_nodes()
        work, found = make_work(tmp_path, slow=(4, 5, 6, 7)), list[tuple[int, float]]()
        with Ray(two.address) as engine:
            for key, result in engine.run(work, ((task, task) for task in range(TASKS))):
                found.append((key, result))
                if len(found) == TASKS // 4:
                    kill(two, node)
            print("ours")
        assert sorted(found) == [(task, wanted(task)) for task in range(TASKS)]
        dead = node.node_id
    begun = [path.stem.split("-") for path in tmp_path.glob("*.begun")]
    assert len({name for _, name, *_ in begun}) == 2, "both nodes worked"
    again = {task for task, count in Counter(task for task, *_ in begun).items() if count > 1}
    assert again, "the node died in the middle of a task"
    assert all({name for task, name, *_ in begun if task == one} > {dead} for one in again)
    assert [record.getMessage() for record in caplog.records] == [
        "1 of the Ray cluster's 2 nodes died: their tasks are done again"
    ]
    assert capsys.readouterr().out == "ours\n"


@pytest.mark.parametrize("address", ["here", "http://here:1", "ray://here", "here:port"])
def test_addresses_of_another_form_are_refused(address: str) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'kallisti[ray]'")
    with pytest.raises(ConfigError, match=r"allowed are auto, HOST:PORT and ray://HOST:PORT"):
        Ray(address)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9", "[::1]:9", "127.0.0.1:99999"])
def test_where_nobody_answers_is_told_at_once(address: str) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'kallisti[ray]'")
    with pytest.raises(ConfigError, match="no Ray cluster answers"):
        Ray(address)


@pytest.mark.parametrize(
    ("problem", "kind", "message"),
    [
        (
            ConnectionAbortedError("From server:\n\nRuntimeError: too old.\n"),
            ClusterError,
            "RuntimeError: too old$",
        ),
        (ConnectionError("nobody"), ConfigError, "no Ray cluster answers at 'auto'"),
        (RuntimeError("versions differ\nin much"), ClusterError, "does not take the work: versions differ$"),
        (ImportError("grpc"), MissingPartError, r"pip install .kallisti\[ray\]"),
    ],
)
def test_a_cluster_that_lets_nobody_in_is_told(
    problem: Exception, kind: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'kallisti[ray]'")

    def init(*words: object, **options: object) -> None:
        raise problem

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", init)
    before = sys.stdout
    with pytest.raises(kind, match=message):
        Ray("auto")
    assert sys.stdout is before
