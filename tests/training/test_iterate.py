from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from simulated import people
from tiny import quick_fits

from prefs.errors import ConfigError, DataError, ModelError
from prefs.transcripts import read_transcripts
from training import work
from training.interviewing import NOTHING
from training.iterate import ROUNDS, SECONDS, TESTED, WAY, Settings, iterate
from training.people import CHECK
from training.rounds import verdict
from training.splits import are_targets

TRUTH = people(300, 24, 2, size=1, answered=0.95, seed=4)
SETTINGS = Settings(2, price=0.02, questions=6, raters=80, seeds=0.12, checks=4, level=5)


HEARD: list[tuple[str, int, int]] = []  # what a whole run tells of its progress


class Cut(BaseException):
    """What a test stops the rounds with."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Rounds that were not cut."""
    out = tmp_path_factory.mktemp("iterate") / "whole"
    with pytest.MonkeyPatch.context() as patched:
        quick_fits(patched, 30)
        found = iterate(TRUTH.bank, TRUTH.survey, SETTINGS, out, told=lambda *said: HEARD.append(said))
    return out, json.loads(json.dumps(found, allow_nan=False))


def files(out: Path) -> dict[str, Any]:
    """The content of every file but for the seconds."""
    found: dict[str, Any] = {}
    for path in sorted(out.rglob("*")):
        if path.is_file() and path.name not in (SECONDS, ROUNDS):
            found[str(path.relative_to(out))] = path.read_bytes()
    found[ROUNDS] = []
    for line in (out / ROUNDS).read_text().splitlines():
        record = json.loads(line)
        for kind in ("planned", "random"):
            if kind in record:
                del record[kind]["seconds"]
        found[ROUNDS].append(record)
    return found


def test_rounds_add_interviews_of_the_same_cost(whole: tuple[Path, dict[str, Any]]) -> None:
    out, found = whole
    assert [one["round"] for one in found["rounds"]] == [0, 1, 2]
    assert found["rounds"] == [json.loads(line) for line in (out / ROUNDS).read_text().splitlines()]
    start = found["rounds"][0]
    assert start["planned"]["interviews"] == 0
    assert start["planned"]["to_target"]["questions"] <= SETTINGS.level
    for number, one in enumerate(found["rounds"][1:], 1):
        for kind in ("planned", "random"):
            arm = one[kind]
            assert arm["interviews"] == 80 * number
            assert arm["raters"] == start["planned"]["raters"] + 80 * number
            assert arm["answers"] == start["planned"]["answers"] + arm["questions"]
            assert arm["cost_bits"] == pytest.approx(0.02 * arm["questions"])
            assert len(arm["log_loss"]) == SETTINGS.questions + 1
        assert one["planned"]["questions"] == one["random"]["questions"]
    losses = [found["test"]["rounds"][number]["planned"]["log_loss"] for number in (0, 2)]
    assert sum(losses[1]) < sum(losses[0]) - 0.03, "more is known"
    assert found["settings"] == asdict(SETTINGS)
    assert "fewer in" in found["verdict"]


def test_interviews_hold_real_answers_of_people_held_back(whole: tuple[Path, dict[str, Any]]) -> None:
    out, _ = whole
    survey, table = TRUTH.survey, TRUTH.survey.table()
    column = {question.question_id: place for place, question in enumerate(survey.questions)}
    is_target = are_targets(column)
    for number in (1, 2):
        met = {
            kind: list(read_transcripts(out / f"round-{number:03d}-{kind}" / "interviews.jsonl"))
            for kind in ("planned", "random")
        }
        assert [one.rater_id for one in met["planned"]] == [one.rater_id for one in met["random"]]
        for planned, random in zip(*met.values(), strict=True):
            row = survey.raters.index(planned.rater_id.rsplit("/", 1)[0])
            for one in (planned, random):
                places = [column[turn.question_id] for turn in one.turns]
                assert len(set(places)) == len(places)
                assert [turn.answer for turn in one.turns] == table[row, places].tolist()
                assert [turn.planner == CHECK for turn in one.turns] == is_target[places].tolist()
            assert len(planned.turns) == len(random.turns)
            assert [t for t in planned.turns if t.planner] == [t for t in random.turns if t.planner]
            assert planned.stopped in ("price", "questions", NOTHING)
            gains = [turn.gain_bits for turn in planned.turns if not turn.planner]
            assert min(gains, default=1.0) >= 0.02 - 1e-6


@pytest.mark.parametrize(
    "cut", [0.3, *(pytest.param(cut, marks=pytest.mark.slow) for cut in (0.1, 0.6, 0.97))]
)
def test_rounds_that_were_cut_go_on_to_the_same_bytes(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: float
) -> None:
    quick_fits(monkeypatch, 30)
    monkeypatch.setattr(work, "CHECKPOINT_S", 0.0)
    left = iter(range(int(cut * len(HEARD))))

    def told(stage: str, done: int, count: int) -> None:
        if next(left, None) is None:
            raise Cut

    out = tmp_path / "rounds"
    with pytest.raises(Cut):
        iterate(TRUTH.bank, TRUTH.survey, SETTINGS, out, told=told)
    with pytest.raises(ConfigError, match="add --resume"):
        iterate(TRUTH.bank, TRUTH.survey, SETTINGS, out)
    iterate(TRUTH.bank, TRUTH.survey, SETTINGS, out, resume=True)
    assert files(out) == files(whole[0])


def test_finished_rounds_are_read_again(
    whole: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, found = whole
    monkeypatch.setattr("training.iterate.fit_bank", None)
    monkeypatch.setattr("training.iterate.learn", None)
    monkeypatch.setattr("training.iterate.curve", None)
    again = iterate(TRUTH.bank, TRUTH.survey, SETTINGS, out, resume=True)
    assert json.loads(json.dumps(again)) == found
    assert (out / TESTED).is_file()


def test_refuses_what_cannot_be_done(whole: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    def refused(match: str, **other: Any) -> None:
        with pytest.raises(ConfigError, match=match):
            iterate(
                TRUTH.bank,
                TRUTH.survey,
                Settings(**{"rounds": 2, "questions": 6, "level": 5, **other}),
                tmp_path / "x",
            )

    refused("--rounds 0: at least 1", rounds=0)
    refused("after 7 questions, but only 6 are asked", level=7)
    refused("2 rounds with 400 raters: .* are held back", raters=400)
    refused("a share of 0 of the", seeds=0.0)
    assert not (tmp_path / "x").exists()
    with pytest.raises(ConfigError, match=r"validation raters of 'made' answered .* ask fewer --questions"):
        iterate(TRUTH.bank, TRUTH.survey, Settings(1, questions=30), tmp_path / "long")
    few = TRUTH.survey.of_raters(TRUTH.survey.rows[TRUTH.survey.starts[:-1]] < 60)
    with pytest.raises(DataError, match="at least 100 are needed"):
        iterate(TRUTH.bank, few, Settings(1, seeds=0.5), tmp_path / "few")
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "a").touch()
    with pytest.raises(ConfigError, match="holds other files"):
        iterate(TRUTH.bank, TRUTH.survey, SETTINGS, tmp_path / "file")
    out, _ = whole
    with pytest.raises(ConfigError, match=r"rounds of other work, price is not 0\.5"):
        iterate(TRUTH.bank, TRUTH.survey, Settings(**{**asdict(SETTINGS), "price": 0.5}), out, resume=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seeds", math.nan),
        ("seeds", 1.5),
        ("price", math.inf),
        ("price", math.nan),
        ("price", -0.1),
        ("seed", -1),
    ],
)
def test_numbers_that_are_not_allowed(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"--{name} {value}: allowed"):
        Settings(**{**asdict(SETTINGS), name: value})


def test_damaged_files_are_named(whole: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    import shutil

    out = tmp_path / "copy"
    shutil.copytree(whole[0], out)
    (out / "round-000" / WAY).write_text("{")
    with pytest.raises(ModelError, match=r"way.json cannot be read .* remove it"):
        iterate(TRUTH.bank, TRUTH.survey, SETTINGS, out, resume=True)
    (out / "iteration.json").write_text("[]")
    with pytest.raises(ConfigError, match="rounds of other work"):
        iterate(TRUTH.bank, TRUTH.survey, SETTINGS, out, resume=True)


def test_the_verdict_says_whether_choice_or_data_helps() -> None:
    def rounds(needed: list[float | None], ci: list[float]) -> dict[str, Any]:
        lines = [{"planned": {"to_target": {"questions": one}}} for one in needed]
        return {"rounds": [*lines[:-1], {**lines[-1], "saved_against_random": {"ci": ci}}]}

    assert "15.0, 12.0, 9.5; fewer in 2 of 2 rounds" in verdict(rounds([15.0, 12.0, 9.5], [0.5, 2.0]))
    assert "15.0, 16.0, never; fewer in 0 of 2 rounds" in verdict(rounds([15.0, 16.0, None], [0.5, 2.0]))
    assert "teach more than as many at random" in verdict(rounds([15.0, 12.0], [0.5, 2.0]))
    assert "teach less than as many at random" in verdict(rounds([15.0, 12.0], [-2.0, -0.5]))
    assert "makes no sure difference" in verdict(rounds([15.0, 12.0], [-2.0, 0.5]))
