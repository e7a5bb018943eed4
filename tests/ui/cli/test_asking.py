"""`kallisti plan --strangers`, `kallisti train --kind interviewer` and `kallisti interview --head`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tiny
from commanding import Done, Run

from prefs.beforehand import Statement
from prefs.store import Store
from prefs.transcripts import read_transcripts
from training.banks import bank_of
from training.fitted import FittedBank
from training.splits import raters_in

torch = pytest.importorskip("torch")
for package in ("trl", "peft"):
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed: run pip install 'kallisti[text]'", allow_module_level=True)

from vlm.interviewer import Interviewer  # noqa: E402

ASKER = ("--kind", "interviewer", "--preset", "tiny")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def moods(tmp_path: Path) -> Path:
    return tiny.survey(tmp_path / "moods")


@pytest.fixture
def model(tmp_path: Path, moods: Path) -> Path:
    bank, _ = bank_of(str(moods))
    phi = np.zeros((6, 2, 3))
    phi[:, 1, 2] = np.linspace(0.5, 2.0, 6)
    FittedBank(bank, phi, np.zeros((6, 2)), {}, {"split": "eval"}).save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def plans(run: Run, moods: Path, model: Path, tmp_path: Path) -> Path:
    out = tmp_path / "plans.jsonl"
    words = ("--strangers", 40, "--split", "eval", "--questions", 4, "--json")
    found = run("plan", moods, "--model", model, "--out", out, *words)
    assert found.code == 0, found.err
    assert (found.json["plans"], found.json["questions"]) == (40, 4)
    return out


def refused(found: Done, *parts: str) -> None:
    """One line that holds the parts, exit code 2, nothing on standard output."""
    lines = [line for line in found.err.splitlines() if line.startswith("kallisti: ")]
    assert (found.code, found.out) == (2, "")
    assert len(lines) == 1, found.err
    assert "Traceback" not in found.err
    for part in parts:
        assert part in lines[0]


def test_strangers_become_an_interviewer_that_asks(
    run: Run, moods: Path, model: Path, plans: Path, tmp_path: Path
) -> None:
    assert not raters_in((one.rater_id for one in read_transcripts(plans)), "test").any()
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"language": {"steps": 99, "batch": 2}, "head": {"steps": 30}}))
    words = ("--bank", moods, "--model", model, "--split", "eval", "--recipe", recipe, "--steps", 3)
    found = run("train", plans, "--out", tmp_path / "asker", *ASKER, *words)
    assert found.code == 0, found.err
    assert "160 questions in 40 interviews about moods" in found.out
    assert "(tiny, 3 steps of 2)" in found.out
    assert "policy head asks" in found.out
    bank, _ = bank_of(str(moods))
    assert Interviewer.open(tmp_path / "asker").next_question([], bank) is not None
    asked = run("interview", "--bank", moods, "--questions", 2, "--head", tmp_path / "asker", input="1\n1\n")
    assert asked.code == 0, asked.err
    refused(run("interview", "--bank", moods, "--head", model), "head")


def test_a_language_model_asks_and_reads_what_is_known(
    run: Run, moods: Path, plans: Path, tmp_path: Path, data: Path
) -> None:
    found = run("train", plans, "--out", tmp_path / "asker", *ASKER, "--steps", 3, "--split", "eval")
    assert found.code == 0, found.err
    profile = tmp_path / "me.txt"
    profile.write_text("I grew up by the sea.\n")
    with Store.open(data / "kallisti.sqlite") as store:
        store.tell("me", Statement("e", None, None, "A nurse.", datetime.now(UTC)))
        store.tell("me", Statement("f", bank_of(str(moods))[0]["q2"], 0, None, datetime.now(UTC)))
    asked = ("interview", "--bank", moods, "--questions", 9, "--interviewer", tmp_path / "asker")
    found = run(*asked, "--about", profile, "--json", input="1\n2\n1\n1\n1\n1\n")
    assert found.code == 0, found.err
    text = "I grew up by the sea.\nA nurse.\n" + "Do you like thing 2? Yes"
    assert f"reads {len(text)} characters of what is known beforehand" in found.err
    profile.write_text("x" * 5_000)
    long = run(*asked, "--about", profile, input="q\n")
    assert "reads the first 4,000 of 5,034 characters" in long.err
    assert found.json["answers"] == 6
    with Store.open(data / "kallisti.sqlite") as store:
        put = list(store.log_of_rater("me")[0].values())
        assert store.interviews("me")[0]["settings"]["acquisition"] == "interviewer"
    assert {one.question.question_id for one in put} == {"q0", "q1", "q3", "q4", "q5"}
    assert {one.planner for one in put} == {"interviewer"}
    assert all(one.gain_bits is not None and one.gain_bits >= 0 for one in put)
    refused(run(*asked, "--head", tmp_path / "asker"), "asks from one bank")
    refused(run(*asked, "--gallery", tmp_path), "asks from one bank")
    refused(run("interview", "--bank", moods, "--interviewer", moods), "manifest.json")


def test_a_head_alone_and_machines(run: Run, moods: Path, model: Path, plans: Path, tmp_path: Path) -> None:
    words = ("--backbone", "none", "--bank", moods, "--model", model, "--json")
    found = run("train", plans, "--out", tmp_path / "head", *ASKER, *words)
    assert found.code == 0, found.err
    assert found.json["language"] is None
    assert found.json["head"]["gain_share"]["moods"] > 0.5
    assert not (tmp_path / "head" / "model.safetensors").exists()


def test_what_is_not_allowed_is_refused(
    run: Run, moods: Path, model: Path, plans: Path, tmp_path: Path
) -> None:
    out = tmp_path / "asker"
    bad, odd = tmp_path / "bad.json", tmp_path / "odd.json"
    bad.write_text('{"language": {"speed": 1}}')
    odd.write_text("[1]")

    def train(*words: object, data: Path = plans) -> Done:
        return run("train", data, "--out", out, *ASKER, *words)

    refused(train(data=moods), "is no file", "--strangers")
    refused(train("--bank", moods), "1 --bank and 0 --model", "go together")
    refused(train("--bank", moods, "--model", model, "--model", model), "1 --bank and 2 --model")
    refused(train("--hold-out-questions"), "leave them out")
    refused(train("--recipe", bad), "speed")
    refused(train("--recipe", odd), '{"language": {...}, "head": {...}}')
    refused(train("--backbone", "none"), "name a backbone")
    refused(train("--backbone", tmp_path), "config.json is missing")
    refused(train("--steps", 0), "0 steps")
    refused(run("train", moods, "--out", out, "--model", model), "--kind interviewer")
    hindsight = ("--strangers", 3, "--planner", "hindsight", "--out", tmp_path / "p.jsonl")
    refused(run("plan", moods, "--model", model, *hindsight), "leave out --planner hindsight")
    assert not out.exists()
