from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from simulated import people

from prefs.engines import Local
from prefs.errors import ConfigError, DataError
from prefs.model import QuestionVectors
from prefs.transcripts import Transcript, read_transcripts
from training import hypotheses as hypotheses_module
from training import plan as planning
from training.fitted import FittedBank
from training.greedy import Expected, Hindsight, Limits, greedy
from training.hypotheses import Crowd, Neighbors, Suspects, answers_of, known_tastes
from training.identify import hypotheses
from training.parts import Parts
from training.plan import Planning, Settings, plan, tastes_of, write_plans

TRUTH = people(90, 14, 3, size=2, answered=0.8, seed=3)
SURVEY = TRUTH.survey


@pytest.fixture(scope="module")
def fitted() -> FittedBank:
    """The model that the people answer by."""
    return TRUTH.fitted


@pytest.fixture(scope="module")
def logs(fitted: FittedBank) -> np.ndarray:
    """(R, Q, K) log chance of every answer of every hypothesis."""
    model = fitted.alone()
    vectors = fitted.source(model.space).all()
    tastes = known_tastes(SURVEY, model, vectors, slice(0, len(SURVEY.raters)))
    return np.moveaxis(hypotheses(tastes, vectors).astype(float), 2, 0)


def log_p(known: np.ndarray, true: int) -> float:
    return float(known[true] - known.max() - np.log(np.exp(known - known.max()).sum()))


def information(known: np.ndarray, logs: np.ndarray) -> float:
    """Expected gain of log p(ID): sum over hypotheses and answers; logs (R, K)."""
    p = np.exp(known - known.max())
    p /= p.sum()
    chance = np.exp(logs)
    return float((p[:, None] * chance * (logs - np.log(p @ chance))).sum())


def plain(
    logs: np.ndarray, answers: np.ndarray, true: int, planner: str, settings: Settings, among: Sequence[int]
) -> list[tuple[int, float, float]]:
    """The plain double loop: question, gain in nats and log p after it, for one rater."""
    hypothesis = logs[among]
    own = list(among).index(true)
    known, left, found = np.zeros(len(hypothesis)), np.flatnonzero(answers >= 0).tolist(), []
    for _ in range(settings.questions):
        scores = []
        for question in left:
            if planner == "hindsight":
                after = log_p(known + hypothesis[:, question, answers[question]], own)
                scores.append(after - log_p(known, own))
            else:
                scores.append(information(known, hypothesis[:, question]))
        if not left or max(scores) < settings.limits.price:
            break
        gain = max(scores)
        question = left.pop(scores.index(gain))
        known = known + hypothesis[:, question, answers[question]]
        found.append((question, gain, log_p(known, own)))
        if settings.stop_probability and log_p(known, own) >= np.log(settings.stop_probability):
            break
    return found


def check(one: Transcript, wanted: list[tuple[int, float, float]]) -> None:
    assert [turn.question_id for turn in one.turns] == [f"made:q{row}" for row, _, _ in wanted]
    for turn, (_, gain, after) in zip(one.turns, wanted, strict=True):
        assert turn.gain_bits == pytest.approx(gain / np.log(2), rel=1e-4, abs=2e-5)
        assert turn.log_p_id == pytest.approx(after, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("planner", ["hindsight", "expected"])
@pytest.mark.parametrize("limits", [{}, {"price": 0.12}, {"stop_probability": 0.15}])
def test_plans_are_those_of_the_plain_loop(
    fitted: FittedBank, logs: np.ndarray, planner: str, limits: dict
) -> None:
    settings = Settings(planner, questions=9, **limits)
    found = list(plan(SURVEY, fitted, settings))
    answers = SURVEY.table()
    assert [one.rater_id for one in found] == list(SURVEY.raters)
    for row, one in enumerate(found):
        check(one, plain(logs, answers[row], row, planner, settings, range(len(logs))))
        assert one.planner == planner
        assert [turn.answer for turn in one.turns] == [
            int(answers[row, int(turn.question_id[6:])]) for turn in one.turns
        ]
    reasons = {one.stopped for one in found}
    assert {"price": "price", "stop_probability": "identified"}.get(*limits or [""], "questions") in reasons


def test_plans_end_where_no_question_is_left(fitted: FittedBank) -> None:
    found = list(plan(SURVEY, fitted, Settings("expected", questions=14)))
    answered = (SURVEY.table() >= 0).sum(1)
    assert [len(one.turns) for one in found] == answered.tolist()
    assert {one.stopped for one in found if len(one.turns) < 14} == {"no questions"}


def test_hindsight_is_the_upper_bound(fitted: FittedBank) -> None:
    mean = {
        planner: np.mean([one.turns[2].log_p_id for one in plan(SURVEY, fitted, Settings(planner, 3))])
        for planner in ("hindsight", "expected")
    }
    assert mean["hindsight"] > mean["expected"] + 0.1


def test_equal_questions_are_asked_in_their_order() -> None:
    rng = np.random.default_rng(0)
    phi, g = np.repeat(rng.normal(size=(3, 2, 2)), 4, axis=0), np.zeros((12, 2))
    tastes = rng.normal(size=(50, 2))
    crowd = Crowd.of(tastes, QuestionVectors(phi, g), np.arange(50))
    answers = np.repeat(rng.integers(0, 2, (50, 3)), 4, axis=1)
    for planner in (Hindsight, Expected):
        state = planner(Suspects.everybody(crowd, np.arange(50)), answers + crowd.first)
        found = greedy(state, np.ones((50, 12), bool), np.full(50, -np.log(50)), Limits(12, -np.inf))
        for asked in found.questions:
            for group in range(3):
                assert [q for q in asked if q // 4 == group] == sorted(q for q in asked if q // 4 == group)


def test_certainty_keeps_its_digits() -> None:
    """Many agreeing answers leave 1e-20 for the others: the order is still that of exact sums."""
    rng = np.random.default_rng(1)
    tastes = np.array([[4.0], [-4.0], [-3.0]])
    phi = np.stack([np.zeros(30), rng.uniform(0.2, 1.5, 30)], 1)[..., None]
    crowd = Crowd.of(tastes, QuestionVectors(phi, np.zeros((30, 2))), np.arange(3))
    state = Hindsight(Suspects.everybody(crowd, np.array([0])), np.ones((1, 30), int) + crowd.first)
    found = greedy(state, np.ones((1, 30), bool), -np.log([3.0]), Limits(30, -np.inf))
    chance = crowd.chance.astype(float)[crowd.first + 1]
    others, left, wanted = np.ones(2), list(range(30)), []
    for _ in range(30):
        sums = [(others * chance[q, 1:] / chance[q, 0]).sum() for q in left]
        wanted.append(left.pop(int(np.argmin(sums))))
        others = others * chance[wanted[-1], 1:] / chance[wanted[-1], 0]
    assert found.questions[0].tolist() == wanted
    assert -found.log_p[0, 20] == pytest.approx(0.0, abs=1e-12)
    assert -1e-15 < found.log_p[0, -1] <= 0.0


def test_subsets_are_parts_of_the_answers_and_do_not_depend_on_the_blocks(
    fitted: FittedBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings("hindsight", questions=14, subsets=3, share=0.5)
    found = list(plan(SURVEY, fitted, settings))
    assert [one.rater_id for one in found[:4]] == [*SURVEY.raters[:1] * 3, SURVEY.raters[1]]
    answered = (SURVEY.table() >= 0).sum(1)
    for row, one in enumerate(found):
        assert len(one.turns) <= round(answered[row // 3] / 2)
    assert len({tuple(sorted(turn.question_id for turn in one.turns)) for one in found[:3]}) == 3
    monkeypatch.setattr(planning, "BLOCK", 33)
    for one, same in zip(plan(SURVEY, fitted, settings), found, strict=True):
        assert [turn.question_id for turn in one.turns] == [turn.question_id for turn in same.turns]
    other = plan(SURVEY, fitted, Settings("hindsight", 14, subsets=3, share=0.5, seed=1))
    assert [one.turns for one in other] != [one.turns for one in found]


@pytest.mark.parametrize("hypotheses", [None, 20])
def test_sparse_answers_are_gathered_to_the_same_plans(
    fitted: FittedBank, hypotheses: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings("hindsight", 9, price=0.05, stop_probability=0.2, hypotheses=hypotheses)
    dense = list(plan(SURVEY, fitted, settings))
    monkeypatch.setattr(planning, "SPARSE", 1)
    assert Planning(SURVEY, fitted, settings, tastes_of(SURVEY, fitted, lambda *_: None))._sparse
    for one, same in zip(plan(SURVEY, fitted, settings), dense, strict=True):
        assert [turn.question_id for turn in one.turns] == [turn.question_id for turn in same.turns]
        assert one.stopped == same.stopped


@pytest.mark.parametrize("planner", ["hindsight", "expected"])
def test_a_large_corpus_is_weighed_against_a_sample_and_the_nearest(
    fitted: FittedBank, logs: np.ndarray, planner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "NEAREST", 7)
    settings = Settings(planner, questions=6, hypotheses=20)
    made = Planning(SURVEY, fitted, settings, tastes_of(SURVEY, fitted, lambda *_: None))
    assert made.against == "20 sampled and the 7 nearest of 90 raters"
    found = [one for number in range(made.blocks) for one in made.block(number)]
    answers, crowd = SURVEY.table(), set(made.crowd.rows.tolist())
    assert len(crowd) == 20
    for row, one in enumerate(found):
        distance = np.square(made.tastes - made.tastes[row]) @ (1 / np.diag(made.model.space.cov))
        nearest = set(distance.argsort()[:8].tolist())
        assert row in nearest
        check(one, plain(logs, answers[row], row, planner, settings, sorted(crowd | nearest)))
        assert one.planner == f"{planner} against {made.against}"


def test_neighbors_are_counted_without_the_rater() -> None:
    tastes = np.array([[0.0], [0.0], [0.0], [5.0], [5.5]])
    found = Neighbors(tastes, np.eye(1)).of(slice(0, 5), 2)
    assert found[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert set(found[0, 1:]) == {1, 2}
    assert set(found[4, 1:]) & {3}
    assert (found[:, 1:] != found[:, :1]).all()


@pytest.mark.parametrize("listed", [10, 1000])
def test_neighbors_find_the_same_elsewhere(listed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hypotheses_module, "LISTED", listed)
    monkeypatch.setattr(hypotheses_module, "CELLS", 4)
    monkeypatch.setattr(hypotheses_module, "PROBED", 2)
    here = Neighbors(np.random.default_rng(2).normal(size=(400, 3)), np.eye(3))
    sent = copy.deepcopy(here)
    assert (sent.of(slice(50, 90), 5) == here.of(slice(50, 90), 5)).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_plans_do_not_depend_on_the_engine(
    fitted: FittedBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(planning, "BLOCK", 20)
    monkeypatch.setattr(planning, "MET", 25)
    told, out = list[tuple[str, int, int]](), tmp_path / "plans.jsonl"
    engine = Local(threads)
    write_plans(SURVEY, fitted, Settings(), out, engine=engine, told=lambda *one: told.append(one))
    assert list(read_transcripts(out)) == list(plan(SURVEY, fitted))
    assert [done for stage, done, _ in told if stage == "planning"] == [1, 2, 3, 4, 5]
    assert {total for stage, _, total in told if stage != "planning"} == {90}


def test_cut_off_plans_go_on_to_the_same_file(
    fitted: FittedBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "BLOCK", 20)
    settings, whole, cut = Settings("hindsight", 4), tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    assert write_plans(SURVEY, fitted, settings, whole) == "all 90 raters"
    assert [one.rater_id for one in read_transcripts(whole)] == list(SURVEY.raters)
    original, made = Planning.block, list[int]()

    def block(self: Planning, number: int) -> list[Transcript]:
        if number == 3 and len(made) == 3:
            raise KeyboardInterrupt
        made.append(number)
        return original(self, number)

    monkeypatch.setattr(Planning, "block", block)
    with pytest.raises(KeyboardInterrupt):
        write_plans(SURVEY, fitted, settings, cut)
    assert not cut.exists()
    with pytest.raises(ConfigError, match="resume"):
        write_plans(SURVEY, fitted, settings, cut)
    with pytest.raises(ConfigError, match="price"):
        write_plans(SURVEY, fitted, Settings("hindsight", 4, price=1.0), cut, resume=True)
    made.append(-1)
    write_plans(SURVEY, fitted, settings, cut, resume=True)
    assert cut.read_bytes() == whole.read_bytes()
    assert made == [0, 1, 2, -1, 3, 4], "nothing twice, nothing lost"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.jsonl", "whole.jsonl"]


def test_tastes_are_not_inferred_twice(
    fitted: FittedBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MET", 30)
    met = list[int]()

    def known(survey: object, model: object, vectors: object, part: slice) -> np.ndarray:
        if part.start == 60 and len(met) == 2:
            raise KeyboardInterrupt
        met.append(part.start)
        return known_tastes(survey, model, vectors, part)

    monkeypatch.setattr(planning, "known_tastes", known)
    out = tmp_path / "plans.jsonl"
    with pytest.raises(KeyboardInterrupt):
        write_plans(SURVEY, fitted, Settings(), out)
    met.append(-1)
    write_plans(SURVEY, fitted, Settings(), out, resume=True)
    assert met == [0, 30, -1, 60]
    assert list(read_transcripts(out)) == list(plan(SURVEY, fitted))


def test_lines_follow_the_contract(fitted: FittedBank, tmp_path: Path) -> None:
    out = tmp_path / "plans.jsonl"
    write_plans(SURVEY, fitted, Settings("expected", 3, stop_probability=0.99), out)
    for line in out.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        assert set(one) == {"rater_id", "dataset", "planner", "turns", "stopped"}
        assert all(
            set(turn) == {"question_id", "markdown", "options", "answer", "gain_bits", "log_p_id"}
            for turn in one["turns"]
        )


def test_parts_must_all_be_there(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "x", {"a": 1}, resume=False)
    parts.path(1).write_bytes(b"b\n")
    assert parts.missing(2) == [0]
    with pytest.raises(DataError, match="part 0 of 2"):
        parts.join(2)
    parts.path(0).write_bytes(b"a\n")
    parts.join(2)
    assert (tmp_path / "x").read_bytes() == b"a\nb\n"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"planner": "best"}, "expected, hindsight"),
        ({"questions": 0}, "at least 1"),
        ({"price": -1.0}, "0 or more"),
        ({"price": float("nan")}, "0 or more"),
        ({"stop_probability": 1.0}, "between 0 and 1"),
        ({"subsets": 2}, "share below 1"),
        ({"share": 0.0}, "above 0"),
        ({"hypotheses": 0}, "at least 1"),
        ({"seed": -1}, "allowed is 0 or more"),
    ],
)
def test_settings_are_checked(wrong: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Settings(**wrong)


def test_a_model_of_other_questions_is_refused(fitted: FittedBank, tmp_path: Path) -> None:
    other = people(20, 5, 3).survey
    with pytest.raises(ConfigError, match="other questions"):
        write_plans(other, fitted, Settings(), tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_answers_of_a_part_are_those_of_the_table() -> None:
    assert (answers_of(SURVEY, slice(20, 55)) == SURVEY.table()[20:55]).all()
