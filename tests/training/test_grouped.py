from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from simulated import people

from prefs.errors import DataError
from prefs.model import QuestionVectors
from prefs.transcripts import Transcript
from training import plan as planning
from training.fitted import FittedBank
from training.greedy import Limits, Plans, greedy
from training.grouped import GroupExpected, GroupHindsight, Members
from training.groups import Groups, grouped, rater_values
from training.hypotheses import Crowd, Suspects, chances
from training.plan import Planning, Settings, plan, tastes_of, write_plans
from training.surveys import read_survey

TRUTH = people(70, 10, 3, size=2, answered=0.8, seed=5)
SURVEY = TRUTH.survey


@pytest.fixture(scope="module")
def fitted() -> FittedBank:
    return TRUTH.fitted


def by(of: list[int] | np.ndarray, column: str = "household") -> Groups:
    of = np.asarray(of, dtype=np.intp)
    return Groups(column, tuple(f"g{number}" for number in range(of.max() + 1)), of)


def log_p(weights: np.ndarray, groups: np.ndarray, own: int) -> float:
    return float(np.log(weights[groups == own].sum()) - np.log(weights.sum()))


def plain(
    chance: list[np.ndarray], answers: np.ndarray, groups: np.ndarray, own: int, planner: str, steps: int
) -> list[tuple[int, float, float]]:
    """The plain double loop: question, gain in nats, log p(group) after it; chance: (K, H) by question."""
    weights, left, found = np.ones(len(groups)), np.flatnonzero(answers >= 0).tolist(), []
    for _ in range(min(steps, len(left))):
        scores = []
        for question in left:
            if planner == "hindsight":
                after = log_p(weights * chance[question][answers[question]], groups, own)
                scores.append(after - log_p(weights, groups, own))
                continue
            score = 0.0
            for said in chance[question]:
                both = weights * said / weights.sum()
                for group in set(groups.tolist()):
                    joint, prior = both[groups == group].sum(), weights[groups == group].sum() / weights.sum()
                    score += joint * np.log(joint / (both.sum() * prior))
            scores.append(score)
        gain = max(scores)
        # what differs by rounding alone is a tie, and goes to the question that stands first
        question = left.pop(next(at for at, score in enumerate(scores) if score >= gain - 1e-13))
        weights = weights * chance[question][answers[question]]
        found.append((question, gain, log_p(weights, groups, own)))
    return found


def check(plans: Plans, row: int, wanted: list[tuple[int, float, float]]) -> None:
    asked = plans.questions[row]
    assert asked[asked >= 0].tolist() == [question for question, _, _ in wanted]
    for step, (_, gain, after) in enumerate(wanted):
        assert plans.gains[row, step] == pytest.approx(gain, rel=1e-4, abs=3e-5)
        assert plans.log_p[row, step] == pytest.approx(after, rel=1e-5, abs=1e-5)


@st.composite
def corpora(draw: st.DrawFn) -> tuple[int, int, int, int, float]:
    """Seed, raters, groups, questions, strength of tastes."""
    raters = draw(st.integers(2, 30))
    return (
        draw(st.integers(0, 2**31)),
        raters,
        draw(st.integers(2, raters)),
        draw(st.integers(1, 8)),
        draw(st.sampled_from([0.3, 1.0, 4.0])),
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(corpus=corpora(), planner=st.sampled_from(["hindsight", "expected"]), near=st.booleans())
def test_plans_are_those_of_the_plain_loop(
    corpus: tuple[int, int, int, int, float], planner: str, near: bool
) -> None:
    seed, raters, count, questions, strength = corpus
    rng = np.random.default_rng(seed)
    vectors = QuestionVectors(rng.normal(size=(questions, 3, 2)), rng.normal(size=(questions, 3)))
    tastes = strength * rng.normal(size=(raters, 2))
    groups = by(np.concatenate([np.arange(count), rng.integers(0, count, raters - count)]))
    answers = np.where(rng.random((raters, questions)) < 0.8, rng.integers(0, 3, (raters, questions)), -1)
    rows, nearest = np.arange(raters), None
    crowd = Crowd.of(tastes, vectors, rows)
    suspects = Suspects.everybody(crowd, rows)
    among = [rows] * raters
    if near:
        crowd = Crowd.of(tastes, vectors, np.sort(rng.choice(raters, max(1, raters // 3), replace=False)))
        others = np.array([rng.permutation(np.delete(rows, row)) for row in rows])[:, :4]
        nearest = np.concatenate([rows[:, None], others.astype(int)], 1)
        suspects = Suspects.around(crowd, nearest, tastes, vectors)
        among = [np.union1d(crowd.rows, one) for one in nearest]
    members = Members(groups, suspects, rows, nearest)
    made = {"hindsight": GroupHindsight, "expected": GroupExpected}[planner]
    state = made(suspects, np.maximum(answers, 0) + crowd.first, members)
    start = members.start(suspects)
    found = greedy(state, answers >= 0, start, Limits(questions, -np.inf))
    everybody = chances(tastes, vectors).astype(float)
    chance = np.split(everybody, crowd.first[1:])
    for row in range(raters):
        of = groups.of[among[row]]
        table = [one[:, among[row]] for one in chance]
        assert start[row] == pytest.approx(log_p(np.ones(len(of)), of, groups.of[row]))
        check(found, row, plain(table, answers[row], of, groups.of[row], planner, questions))


@pytest.mark.parametrize("planner", ["hindsight", "expected"])
def test_groups_of_one_are_raters(fitted: FittedBank, planner: str) -> None:
    settings = Settings(planner, 6)
    tastes = tastes_of(SURVEY, fitted, lambda *_: None)
    alone = Planning(SURVEY, fitted, settings, tastes, by(np.arange(70)))
    for one, same in zip(alone.block(0), Planning(SURVEY, fitted, settings, tastes).block(0), strict=True):
        assert [turn.question_id for turn in one.turns] == [turn.question_id for turn in same.turns]
        for turn, other in zip(one.turns, same.turns, strict=True):
            assert turn.log_p_id == pytest.approx(other.log_p_id, rel=1e-5)
            assert turn.gain_bits == pytest.approx(other.gain_bits, rel=1e-4, abs=5e-5)
        assert one.planner == f"{planner} by household"


def test_plans_for_groups_find_groups_sooner(fitted: FittedBank) -> None:
    """Who leans which way is told sooner by the questions about it than by those that tell it is."""
    side = by((TRUTH.tastes[:, 0] > 0).astype(int), "side")
    tastes = tastes_of(SURVEY, fitted, lambda *_: None)
    settings = Settings("expected", 3, stop_probability=0.8)
    found = Planning(SURVEY, fitted, settings, tastes, side).block(0)
    assert {one.stopped for one in found} >= {"identified", "questions"}
    reached = np.mean([one.turns[-1].log_p_id for one in found])
    who = Planning(SURVEY, fitted, Settings("expected", 3), tastes)
    rows = {question.question_id: row for row, question in enumerate(SURVEY.questions)}
    rather = []
    for row, one in enumerate(who.block(0)):
        weights = np.ones(70)
        for turn in one.turns:
            weights *= who.crowd.chance[who.crowd.first[rows[turn.question_id]] + turn.answer]
        rather.append(log_p(weights, side.of, side.of[row]))
    assert reached > np.mean(rather) + 0.02


def test_a_sample_is_told(fitted: FittedBank, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(planning, "NEAREST", 7)
    out = tmp_path / "plans.jsonl"
    told = write_plans(SURVEY, fitted, Settings("expected", 2, hypotheses=20), out, groups=by([0, 1] * 35))
    assert told == "2 groups by household of 20 sampled and the 7 nearest of 70 raters"
    assert '"expected by household against 20 sampled' in out.read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.survey(tmp_path / "survey")


def write(folder: Path, file: str, **columns: list) -> None:
    parquet.write_table(pa.table(columns), folder / file)


def test_groups_come_from_either_table(folder: Path) -> None:
    survey = read_survey(folder)
    responses = parquet.read_table(folder / "responses.parquet")
    sides = [f"s{int(rater[1:]) % 3}" for rater in responses.column("rater_id").to_pylist()]
    sides[0] = None
    parquet.write_table(responses.append_column("side", pa.array(sides)), folder / "responses.parquet")
    found = rater_values(folder, "side")
    assert found == {rater: f"s{int(rater[1:]) % 3}" for rater in survey.raters}
    write(folder, "raters.parquet", rater_id=["r1", "r0", "nobody"], side=[4.5, float("nan"), 7.0])
    assert rater_values(folder, "side") == {"r1": "4.5", "r0": None, "nobody": "7"}


def test_raters_of_no_group_are_counted(folder: Path) -> None:
    survey = read_survey(folder)
    values = {rater: "ab"[row % 2] if row else None for row, rater in enumerate(survey.raters)}
    values.pop(survey.raters[5])
    left, groups = grouped(survey, values, "team")
    assert left.raters == tuple(rater for row, rater in enumerate(survey.raters) if row not in (0, 5))
    assert left.skips["rater without 'team'"] == 2
    assert groups.names == ("a", "b")
    assert [groups.names[place] for place in groups.of] == [values[rater] for rater in left.raters]
    assert grouped(survey, dict.fromkeys(survey.raters, "x") | {"r1": "y"}, "team")[0] is survey


@pytest.mark.parametrize("values", [{}, dict.fromkeys(SURVEY.raters, "left")])
def test_one_group_is_refused(values: dict[str, str | None]) -> None:
    with pytest.raises(DataError, match=r"group by 'team'.*: at least two"):
        grouped(SURVEY, values, "team")


def test_columns_that_are_no_groups_are_refused(folder: Path) -> None:
    with pytest.raises(
        DataError, match=r"says nothing about .team.: write raters\.parquet with rater_id and team"
    ):
        rater_values(folder, "team")
    with pytest.raises(DataError, match=r"row 2: rater 'r0' has answer .* and .* elsewhere"):
        rater_values(folder, "answer")
    write(folder, "raters.parquet", rater_id=["r0", "r0"], team=["a", "b"], age=[1, 2])
    with pytest.raises(DataError, match=r"raters\.parquet, row 0: rater 'r0' has team 'a' here and 'b'"):
        rater_values(folder, "team")
    with pytest.raises(DataError, match="have team, age"):
        rater_values(folder, "household")
    write(folder, "raters.parquet", rater_id=["r0"], team=[["a", "b"]])
    with pytest.raises(DataError, match="expected one name or number"):
        rater_values(folder, "team")


def lines(found: list[Transcript]) -> list[str]:
    return [one.to_json() for one in found]


def test_raters_are_planned_as_before(fitted: FittedBank) -> None:
    tastes = tastes_of(SURVEY, fitted, lambda *_: None)
    assert lines(Planning(SURVEY, fitted, Settings(), tastes).block(0)) == lines(list(plan(SURVEY, fitted)))
