from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tiny
import typer
from pyarrow import parquet

from prefs.errors import ConfigError, DataError, ModelError
from prefs.transcripts import read_transcripts
from training.banks import bank_of
from training.fitted import FittedBank
from ui.cli.planning import plan


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    return tiny.survey(tmp_path / "survey")


@pytest.fixture
def model(tmp_path: Path, survey: Path) -> Path:
    bank, _ = bank_of(str(survey))
    phi = np.zeros((6, 2, 3))
    phi[:, 1, 2] = 1.5
    FittedBank(bank, phi, np.zeros((6, 2)), {}, {}).save(tmp_path / "model")
    return tmp_path / "model"


def run(*words: object) -> None:
    app = typer.Typer()
    app.command()(plan)
    app([str(word) for word in words], standalone_mode=False)


def test_writes_a_plan_for_everybody(
    survey: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plans.jsonl"
    run(survey, "--model", model, "--out", out, "--planner", "hindsight", "--questions", 3, "--json")
    found = json.loads(capsys.readouterr().out)
    plans = list(read_transcripts(out))
    assert found == {
        "dataset": "survey",
        "planner": "hindsight",
        "hypotheses": "all 60 raters",
        "plans": 60,
        "questions": pytest.approx(np.mean([len(one.turns) for one in plans])),
        "stopped": {why: [one.stopped for one in plans].count(why) for why in found["stopped"]},
    }
    assert {one.rater_id for one in plans} == {f"r{number}" for number in range(60)}
    assert all(0 < len(one.turns) <= 3 for one in plans)


def test_subsets_and_samples_are_options(
    survey: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plans.jsonl"
    run(survey, "--model", model, "--out", out, "--subsets", 2, "--share", 0.5, "--sample", 10)
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith("120 plans of ")
    assert "expected, against 10 sampled and the 59 nearest of 60 raters" in told
    assert all(len(one.turns) <= 3 for one in read_transcripts(out))


def test_groups_of_a_column_are_found(
    survey: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raters = [f"r{number}" for number in range(60)]
    table = pa.table({"rater_id": raters, "vote": ["left", "right", None] * 20})
    parquet.write_table(table, survey / "raters.parquet")
    out = tmp_path / "plans.jsonl"
    run(survey, "--model", model, "--out", out, "--hypotheses", "vote", "--questions", 2, "--json")
    told = capsys.readouterr()
    assert "20 of 60 raters have no vote and are left out" in told.err
    found = json.loads(told.out)
    assert (found["plans"], found["left_out"]) == (40, 20)
    assert found["hypotheses"] == "2 groups by vote of all 40 raters"
    assert {one.planner for one in read_transcripts(out)} == {"expected by vote"}
    with pytest.raises(DataError, match=r"says nothing about 'party'.*vote"):
        run(survey, "--model", model, "--out", out, "--hypotheses", "party")


def test_an_address_belongs_to_ray(survey: Path, model: Path, tmp_path: Path) -> None:
    words = (survey, "--model", model, "--out", tmp_path / "plans.jsonl", "--address")
    with pytest.raises(ConfigError, match="--engine ray"):
        run(*words, "auto")
    pytest.importorskip("ray", reason="ray is not installed: pip install 'kallisti[ray]'")
    with pytest.raises(ConfigError, match=r"allowed are auto, HOST:PORT and ray://HOST:PORT"):
        run(*words, "here", "--engine", "ray")
    with pytest.raises(ConfigError, match=r"no Ray cluster answers at '127\.0\.0\.1:9'"):
        run(*words, "127.0.0.1:9", "--engine", "ray")
    assert not (tmp_path / "plans.jsonl.parts").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stop-probability", "2"], "stop probability 2.0: allowed is between 0 and 1"),
        (["--subsets", "3"], "give a share below 1"),
        (["--share", "0"], "above 0"),
    ],
)
def test_mistakes_are_told_before_anything_is_read(words: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        run("nowhere", "--model", tmp_path, "--out", tmp_path / "plans.jsonl", *words)


def test_a_folder_that_is_no_model_is_refused(survey: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"manifest\.json"):
        run(survey, "--model", tmp_path, "--out", tmp_path / "plans.jsonl")
    assert not (tmp_path / "plans.jsonl.parts").exists()


def test_cut_off_work_asks_for_resume(survey: Path, model: Path, tmp_path: Path) -> None:
    parts = tmp_path / "plans.jsonl.parts"
    parts.mkdir()
    (parts / "work.json").write_text("{}")
    with pytest.raises(ConfigError, match="--resume"):
        run(survey, "--model", model, "--out", tmp_path / "plans.jsonl")
    with pytest.raises(ConfigError, match="other work"):
        run(survey, "--model", model, "--out", tmp_path / "plans.jsonl", "--resume")
