from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from asking import people

from prefs.errors import ConfigError
from prefs.transcripts import Transcript, Turn, read_transcripts
from training.greedy import Expected, Limits, greedy
from training.hypotheses import Crowd, Suspects
from training.interviewer.gains import Moments, Weighing, sequences, states
from training.interviewer.strangers import PLANNER, Settings, write_strangers
from training.plan import tastes_of

MADE = people(40, 9)
MODEL = MADE.fitted.alone()
VECTORS = MADE.fitted.source(MODEL.space).all()


def silent(stage: str, done: int, total: int) -> None:
    pass


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    return Crowd.of(tastes_of(MADE.survey, MADE.fitted, silent), VECTORS, np.arange(40))


def information(crowd: Crowd, logs: np.ndarray, question: int) -> float:
    """Mutual information of the answer and the hypothesis, by its definition."""
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    chance = crowd.chance[crowd.options_of(np.array([question]))[0]].astype(float)
    joint = chance * weights
    return float((joint * np.log(joint / (joint.sum(1, keepdims=True) * weights + 1e-300) + 1e-300)).sum())


def test_gains_are_the_information_about_who_answers(crowd: Crowd) -> None:
    weighing = Weighing(crowd, 2)
    weighing.hear(np.array([3, 5]), np.array([2, 0]))
    weighing.hear(np.array([-1, 1]), np.array([0, -1]))  # neither says anything
    found = weighing.gains()
    for row, (question, answer) in enumerate(((3, 2), (5, 0))):
        logs = np.log(crowd.chance[crowd.first[question] + answer].astype(float))
        wanted = [information(crowd, logs, other) for other in range(9)]
        assert found[row] == pytest.approx(wanted, abs=2e-5)


def test_gains_along_a_plan_are_those_of_the_planner(crowd: Crowd) -> None:
    table = MADE.survey.table().astype(np.intp)
    suspects = Suspects.everybody(crowd, np.arange(40))
    plans = greedy(
        Expected(suspects, table + crowd.first), table >= 0, np.full(40, -np.log(40)), Limits(6, 0.0)
    )
    said = np.take_along_axis(table, plans.questions, 1)
    for k, gains in states(crowd, plans.questions, said):
        assert gains[np.arange(40), plans.questions[:, k]] == pytest.approx(plans.gains[:, k], abs=2e-5)


def test_a_rater_who_is_left_out_is_not_weighed(crowd: Crowd) -> None:
    weights = Weighing(crowd, 3, leave_out=np.array([0, 7, 39])).weights()
    assert weights[np.arange(3), [0, 7, 39]].tolist() == [0, 0, 0]
    assert weights.sum(1) == pytest.approx(1.0)
    assert (weights > 0).sum() == 3 * 39


def test_moments_are_those_of_who_may_be_answering(crowd: Crowd) -> None:
    tastes = tastes_of(MADE.survey, MADE.fitted, silent)
    moments, weighing = Moments(tastes), Weighing(crowd, 2)
    weighing.hear(np.array([0, 3]), np.array([2, 0]))
    population = np.cov(tastes.T) + 1e-4 * np.eye(tastes.shape[1])
    for state, weights in zip(
        moments.states(weighing, np.array([1, 4])), weighing.weights().astype(float), strict=True
    ):
        mean = weights @ tastes
        cov = (tastes - mean).T @ np.diag(weights) @ (tastes - mean) + 1e-4 * population
        assert state.mean == pytest.approx(mean, abs=1e-4)
        assert state.now @ state.now.T == pytest.approx(cov, abs=1e-4)
        assert state.before @ state.before.T == pytest.approx(population, abs=1e-4)
    assert [state.answers for state in moments.states(weighing, np.array([1, 4]))] == pytest.approx(
        np.log([2, 5])
    )


def test_sequences_leave_out_other_questions() -> None:
    turns = (Turn("a", "A", ("x", "y"), 1), Turn("?", "?", ("x", "y"), 0), Turn("b", "B", ("x", "y"), None))
    one = Transcript("r", "made", "expected", turns)
    other = Transcript("s", "made", "expected", turns[:1])
    asked, said = sequences([one, other], {"a": 0, "b": 1})
    assert asked.tolist() == [[0, 1], [0, -1]]
    assert said.tolist() == [[1, -1], [1, -1]]


def test_plans_of_strangers_ask_what_gains_most_with_the_rater_left_out(crowd: Crowd, tmp_path: Path) -> None:
    count = write_strangers(MADE.survey, MADE.fitted, Settings(5), tmp_path / "p.jsonl")
    plans = list(read_transcripts(tmp_path / "p.jsonl"))
    assert (count, len(plans)) == (40, 40)
    assert not (tmp_path / "p.jsonl.parts").exists()
    table = MADE.survey.table()
    for row, plan in enumerate(plans):
        assert (plan.rater_id, plan.planner, plan.stopped) == (f"rater {row}", PLANNER, "questions")
        weighing, asked = Weighing(crowd, 1, leave_out=np.array([row])), set[int]()
        for one in plan.turns:
            place = MADE.fitted.bank.rows[one.question_id]
            gains = weighing.gains()[0] / np.log(2)
            best = max(gains[other] for other in range(9) if other not in asked)
            assert one.gain_bits == pytest.approx(best, abs=1e-4)
            assert gains[place] == pytest.approx(best, abs=1e-4)
            assert one.answer == table[row, place]
            assert one.log_p_id is None
            asked.add(place)
            weighing.hear(np.array([place]), np.array([one.answer]))


def test_strangers_are_asked_only_what_they_answered_and_stop_at_the_price(tmp_path: Path) -> None:
    made = people(30, 8, answered=0.5)
    write_strangers(made.survey, made.fitted, Settings(20, raters=12, seed=4), tmp_path / "all.jsonl")
    table = made.survey.table()
    rows = {rater: row for row, rater in enumerate(made.survey.raters)}
    plans = list(read_transcripts(tmp_path / "all.jsonl"))
    assert len(plans) == 12
    for plan in plans:
        asked = [made.fitted.bank.rows[one.question_id] for one in plan.turns]
        assert sorted(asked) == np.flatnonzero(table[rows[plan.rater_id]] >= 0).tolist()
        assert plan.stopped == "no questions"
    write_strangers(made.survey, made.fitted, Settings(20, 0.2, 12, 4), tmp_path / "dear.jsonl")
    dear = list(read_transcripts(tmp_path / "dear.jsonl"))
    assert all((one.gain_bits or 0) >= 0.2 for plan in dear for one in plan.turns)
    assert sum(len(plan.turns) for plan in dear) < sum(len(plan.turns) for plan in plans)


def test_plans_that_were_cut_off_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.interviewer import strangers

    monkeypatch.setattr(strangers, "BLOCK", 16)
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    write_strangers(MADE.survey, MADE.fitted, Settings(3), whole)

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "planning":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_strangers(MADE.survey, MADE.fitted, Settings(3), cut, told=stop)
    with pytest.raises(ConfigError, match="add --resume"):
        write_strangers(MADE.survey, MADE.fitted, Settings(3), cut)
    write_strangers(MADE.survey, MADE.fitted, Settings(3), cut, resume=True)
    assert cut.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("values", "said"), [((0,), "0 questions"), ((1, -1.0), "price"), ((1, 0.0, 0), "0 raters")]
)
def test_settings_that_are_not_allowed(values: tuple[float, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Settings(*values)  # type: ignore[arg-type]
