from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import next_question, report
from benchmarks.next_question import beliefs, entropy, plain, world
from prefs.acquisition import eig


def test_the_world_mixes_kinds_and_sizes() -> None:
    space, vectors = world(900, np.random.default_rng(0))
    assert space.size == 16
    assert len(vectors) == 900
    assert np.unique(vectors.counts).tolist() == [3, 5]
    assert (vectors.phi[np.isinf(vectors.g)] == 0).all()


def test_the_plain_way_finds_the_same_information() -> None:
    rng = np.random.default_rng(1)
    space, vectors = world(300, rng)
    for belief in beliefs(space, vectors, rng):
        exact = eig(belief, vectors, 1024)
        assert np.corrcoef(plain(belief, vectors), exact)[0, 1] > 0.9
    assert entropy(np.full((1, 4, 1), 0.25))[0, 0] == pytest.approx(np.log(4))


def test_report_has_the_agreed_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(next_question, "QUESTIONS", 600)
    path = tmp_path / "report.json"
    monkeypatch.setattr(sys, "argv", ["next_question", "--json", str(path)])
    report.main(next_question.measure)
    found = json.loads(path.read_text())
    assert set(found) == {"name", "size", "seconds", "reference_seconds", "ratio", "exactness"}
    assert found["size"] == {"questions": 600, "options": 5, "coordinates": 16}
    assert found["exactness"] >= 0.99
    assert found["ratio"] == pytest.approx(found["reference_seconds"] / found["seconds"])


def test_medians_take_turns() -> None:
    order: list[str] = []
    seconds = report.medians([lambda: order.append("a"), lambda: order.append("b")], 3)
    assert order == ["a", "b"] * 4
    assert all(one >= 0 for one in seconds)


def test_what_has_no_reference_says_so() -> None:
    alone = report.Report("alone", {"n": 1}, 0.5, None, None)
    assert alone.as_json()["ratio"] is None
    assert report.line(alone) == "alone: 500.0 ms, n 1"
