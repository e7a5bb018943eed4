"""Plans by a real Ray cluster of two nodes on this machine: the same bytes, whatever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from clusters import cluster, kill
from simulated import people

from prefs.cluster import Ray
from prefs.engines import Local
from training import plan as planning
from training.banks import bank_of
from training.fitted import FittedBank
from training.groups import Groups
from training.plan import Settings, write_plans

pytestmark = pytest.mark.slow

TRUTH = people(400, 20, 3, size=2, answered=0.8, seed=3)
SURVEY = TRUTH.survey


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with cluster(nodes=2) as found:
        yield found


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> FittedBank:
    monkeypatch.setattr(planning, "BLOCK", 10)
    monkeypatch.setattr(planning, "MET", 40)
    return TRUTH.fitted


@pytest.mark.parametrize("planner", ["hindsight", "expected"])
@pytest.mark.parametrize("sample", [None, 50])
def test_plans_are_the_same_by_every_engine(
    running: Any, fitted: FittedBank, planner: str, sample: int | None, tmp_path: Path
) -> None:
    settings = Settings(planner, 5, subsets=2, share=0.7, hypotheses=sample)
    groups = Groups("side", ("left", "right"), np.arange(400) % 2) if sample is None else None
    found = []
    with Ray(running.address) as ray:
        for number, engine in enumerate((Local(1), Local(2), ray)):
            out = tmp_path / f"{number}.jsonl"
            write_plans(SURVEY, fitted, settings, out, groups=groups, engine=engine)
            found.append(out.read_bytes())
    assert found[0].count(b"\n") == 800
    assert found[1] == found[0]
    assert found[2] == found[0]


def test_a_node_that_dies_changes_nothing(fitted: FittedBank, tmp_path: Path) -> None:
    settings, out, local = Settings("expected", 6), tmp_path / "ray.jsonl", tmp_path / "local.jsonl"
    write_plans(SURVEY, fitted, settings, local)
    told = list[tuple[str, int, int]]()
    with cluster(nodes=1) as two:
        nodes = [two.add_node(num_cpus=1)]
        two.wait_for_nodes()

        def tell(stage: str, done: int, total: int) -> None:
            told.append((stage, done, total))
            if stage == "planning" and done == 8:
                kill(two, nodes.pop())

        with Ray(two.address) as engine:
            write_plans(SURVEY, fitted, settings, out, engine=engine, told=tell)
    assert not nodes
    assert [done for stage, done, _ in told if stage == "planning"] == list(range(1, 41))
    assert out.read_bytes() == local.read_bytes()
    assert not out.with_name("ray.jsonl.parts").exists()


def test_a_driver_that_is_killed_goes_on(running: Any, tmp_path: Path) -> None:
    folder = tiny.survey(tmp_path / "survey", raters=400, questions=20)
    bank, _ = bank_of(str(folder))
    phi = np.zeros((20, 2, 3))
    phi[:, 1, 2] = np.linspace(0.5, 2.5, 20)
    FittedBank(bank, phi, np.zeros((20, 2)), {}, {}).save(tmp_path / "model")
    words = [folder, "--model", tmp_path / "model", "--subsets", 16, "--share", 0.5, "--json", "--out"]
    command = [sys.executable, "-c", "from ui.cli import main; main()", "plan", *map(str, words)]
    out, local = tmp_path / "ray.jsonl", tmp_path / "local.jsonl"
    there = ["--engine", "ray", "--address", running.address]
    parts = tmp_path / "ray.jsonl.parts"
    with subprocess.Popen([*command, str(out), *there], stdout=subprocess.DEVNULL) as driver:
        deadline = time.monotonic() + 120
        while not any(parts.glob("0*")):
            assert driver.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(driver.pid, signal.SIGKILL)
    assert driver.returncode == -signal.SIGKILL
    assert any(parts.glob("0*"))
    assert not out.exists()
    done = subprocess.run(
        [*command, str(out), *there, "--resume"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["plans"] == 6400
    subprocess.run([*command, str(local)], check=True, capture_output=True)
    assert out.read_bytes() == local.read_bytes()
    assert not parts.exists()
