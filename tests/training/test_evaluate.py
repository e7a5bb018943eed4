from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated import people

from prefs.acquisition import eig as live_eig
from prefs.acquisition import epig as live_epig
from prefs.batch import softmax
from prefs.belief import Belief, infer_vectors, probabilities
from prefs.errors import ConfigError, DataError
from prefs.model import ChoiceModel, QuestionVectors
from prefs.space import TasteSpace
from training import policies, predictive
from training.choosing import choose
from training.evaluate import QUESTIONS, Evaluation, evaluate
from training.fitted import FittedBank
from training.hypotheses import Crowd
from training.identify import LAPSE, hypotheses, identify
from training.metrics import best_temperature, calibration, interval, resamples, sure_temperature, tempered
from training.plots import plot_evaluation
from training.policies import Cohort, Near, adaptive, fixed_order, naming, random_order, taken
from training.predictive import predict
from training.selection import fit_bank

TRUTH = people(400, 30, 2, size=2, answered=0.95, seed=1)


@pytest.fixture(scope="module")
def fitted() -> FittedBank:
    return fit_bank(TRUTH.bank, TRUTH.survey, "eval")


@pytest.fixture(scope="module")
def result(fitted: FittedBank) -> dict:
    return json.loads(json.dumps(evaluate(TRUTH.survey, fitted), allow_nan=False))


def test_follows_the_contract(result: dict) -> None:
    keys = {"dataset", "n_test_raters", "k", "policies", "controls", "rare", "chosen", "paired"}
    assert keys | {"full_information", "settings", "identified_by_question"} == set(result)
    shares = result["identified_by_question"]["root_id"]
    assert shares[8] == result["policies"]["root_id"]["share_identified"][QUESTIONS.index(8)]
    assert result["k"] == [0, 1, 2, 3, 5, 8, 10, 15, 20, 30, 40]
    assert set(result["controls"]) == {"wrong_person", "generic"}
    measures = "accuracy log_loss residual_skill ece log_p_id share_identified top16 log_p_id_unseen"
    for lines in result["policies"].values():
        for name in [*measures.split(), "share_identified_unseen"]:
            assert len(lines[name]) == len(lines[f"{name}_ci"]) == 11
            for value, band in zip(lines[name], lines[f"{name}_ci"], strict=True):
                assert (value is None and band is None) or band[0] - 1e-6 <= value <= band[1] + 1e-6
    assert {"random-static", "eig-static_id", "static-static_id"} <= set(result["paired"])
    assert {"log_loss", "share_identified", "rare_log_loss"} == set(result["paired"]["eig-static"])


def test_answers_teach_and_another_persons_mislead(result: dict) -> None:
    ten = QUESTIONS.index(8)
    random, static, eig = (result["policies"][name] for name in ("random", "static", "eig"))
    generic = result["controls"]["generic"]["log_loss"]
    assert random["log_loss"][0] == pytest.approx(generic[0], abs=0.02)
    assert static["log_loss"][ten] < random["log_loss"][ten] < generic[ten] - 0.01
    assert result["controls"]["wrong_person"]["log_loss"][ten] > generic[ten]
    assert result["full_information"]["log_loss"] < random["log_loss"][ten]
    assert eig["log_p_id"][ten] > random["log_p_id"][ten]
    assert random["log_p_id"][0] == pytest.approx(-np.log(400), abs=1e-4)
    assert random["top16"][0] == 0
    assert eig["log_loss"][-1] is None  # nobody answered sixty candidates


def test_prior_predictions_are_the_same_for_all_policies(result: dict) -> None:
    assert len({lines["log_loss"][0] for lines in result["policies"].values()}) == 1
    assert result["paired"]["eig-static"]["log_loss"][0] == [0, 0, 0]


def test_drawn(result: dict, tmp_path: Path) -> None:
    plot_evaluation(result, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"


def test_refuses_what_would_mislead(fitted: FittedBank) -> None:
    with pytest.raises(ConfigError, match="has seen the test raters"):
        evaluate(TRUTH.survey, replace(fitted, report={"split": "all"}))
    with pytest.raises(ConfigError, match="policy 'luck' is unknown"):
        evaluate(TRUTH.survey, fitted, ["luck"])
    few = TRUTH.survey.of_raters(np.arange(400) < 50)
    with pytest.raises(DataError, match="has 50 raters"):
        Evaluation(few, fitted)


def test_nothing_asked_twice_or_unanswered(fitted: FittedBank) -> None:
    own = Evaluation(TRUTH.survey, fitted)
    cohort = own.cohort(own.rows("validation"))
    sequences = [
        random_order(cohort, 12),
        fixed_order(cohort, range(len(own.candidate))[::-1], 12),
        adaptive(cohort, policies.epig(cohort), 12, lambda step: None),
    ]
    for asked in sequences:
        assert (np.sort(asked, 1)[:, 1:] != np.sort(asked, 1)[:, :-1]).all()
        assert (np.take_along_axis(cohort.answers, asked, 1) >= 0).all()
    longer = random_order(cohort, 99)
    answered = (cohort.answers >= 0).sum(1)
    assert ((longer >= 0).sum(1) == answered).all()
    assert (taken(longer, cohort.answers.shape[1]) == (cohort.answers >= 0)).all()


def test_scores_agree_with_those_of_a_live_interview(fitted: FittedBank) -> None:
    own = Evaluation(TRUTH.survey, fitted)
    cohort = own.cohort(own.rows("validation")[:5])
    asked = random_order(cohort, 6)
    beliefs = cohort.beliefs(asked, 6)
    every = np.ones(cohort.answers.shape, dtype=bool)
    scores, aims = policies.eig(cohort)(beliefs, every), policies.epig(cohort)(beliefs, every)
    predicted = predict(beliefs, cohort.targets)
    for row in range(5):
        one = infer_vectors(
            own.model.space, cohort.candidates[asked[row]], cohort.answers[row, asked[row]], None
        )
        np.testing.assert_allclose(beliefs.mean[row], one.mean, atol=1e-6)
        belief = Belief(beliefs.mean[row], beliefs.cov[row], float(beliefs.lapse[row]), 6)
        np.testing.assert_allclose(predicted[row], probabilities(belief, cohort.targets), atol=1e-3)
        np.testing.assert_allclose(scores[row], live_eig(belief, cohort.candidates), atol=2e-3)
        np.testing.assert_allclose(aims[row], live_epig(belief, cohort.candidates, cohort.targets), atol=4e-3)


@pytest.mark.parametrize("policy", ["eig", "epig"])
def test_what_may_not_be_asked_changes_no_score(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = mixed(60)
    beliefs = cohort.beliefs(random_order(cohort, 2), 2)
    score = getattr(policies, policy)(cohort)
    every = score(beliefs, np.ones(cohort.answers.shape, dtype=bool))
    monkeypatch.setattr(predictive, "HELD", 1 << 13)  # blocks of two raters at most
    some = np.random.default_rng(0).random(cohort.answers.shape) < 0.2
    some[:10] = False  # blocks of raters with nothing left are there, too
    np.testing.assert_allclose(score(beliefs, some)[some], every[some], atol=1e-6)


def test_identification_by_hand() -> None:
    # two hypotheses, one question of two options: logits 2 w z with w = 1/2, z = +-1
    phi = np.array([[[-0.5], [0.5]]])
    table = hypotheses(np.array([[1.0], [-1.0]]), QuestionVectors(phi, np.zeros((1, 2))))
    p = (1 - LAPSE) / (1 + np.exp(-1)) + LAPSE / 2
    assert np.exp(table[0, 1]) == pytest.approx([p, 1 - p], abs=1e-6)
    asked, answers = np.array([[0], [0], [-1]]), np.array([[1], [1], [-1]])
    found = identify(table, asked, answers, np.array([0, 1, 0]))
    assert found.log_p[:, 0] == pytest.approx(np.log([0.5] * 3))
    assert found.log_p[:, 1] == pytest.approx(np.log([p, 1 - p, 0.5]), abs=1e-6)
    assert found.rank[:, 1].tolist() == [0, 1, 0]


def mixed(raters: int = 40, seed: int = 0) -> Cohort:
    """Questions with two, three and four options, answered at random; the targets are the first three."""
    rng = np.random.default_rng(seed)
    space = TasteSpace((("style", 5), ("values", 2)), np.zeros(7), np.eye(7))
    counts = np.array([2, 4, 3, 2, 3, 4])
    real = np.arange(4) < counts[:, None]
    phi = rng.normal(size=(6, 4, 7)) * real[..., None]
    vectors = QuestionVectors(phi, np.where(real, rng.normal(size=(6, 4)), -np.inf))
    answers = (rng.random((raters, 6)) * counts).astype(np.intp)
    answers[rng.random(answers.shape) < 0.1] = -1
    crowd = Crowd.of(rng.normal(size=(raters, 7)), vectors, np.arange(raters))
    return Cohort(
        ChoiceModel(space, {}, "mixed"), vectors, vectors[:3], answers, answers[:, :3].copy(), crowd
    )


def test_questions_with_fewer_options_are_scored_as_they_are() -> None:
    cohort = mixed()
    beliefs = cohort.beliefs(random_order(cohort, 2), 2)
    aims = policies.epig(cohort)(beliefs, np.ones(cohort.answers.shape, dtype=bool))
    for row in range(5):
        belief = Belief(beliefs.mean[row], beliefs.cov[row], float(beliefs.lapse[row]), 2)
        np.testing.assert_allclose(aims[row], live_epig(belief, cohort.candidates, cohort.targets), atol=8e-3)


@pytest.mark.parametrize("power", [0.0, 0.5])
def test_who_answers_is_asked_as_by_enumeration(power: float) -> None:
    cohort = mixed()
    crowd, asked = cohort.crowd, naming(cohort, power, 4, lambda done: None)
    ends = [*crowd.first[1:], len(crowd.chance)]
    for row in range(len(asked)):
        weights = np.full(len(cohort.answers), 1 / len(cohort.answers))
        left = set(np.flatnonzero(cohort.answers[row] >= 0))
        for question in asked[row]:
            if not left:
                assert question == -1
                break
            values = {}
            for other in left:
                joint = weights * crowd.chance[crowd.first[other] : ends[other]].astype(float)
                posterior = joint / joint.sum(1, keepdims=True)
                values[other] = float((joint * (posterior**power if power else np.log(posterior))).sum())
            assert values[question] == pytest.approx(max(values.values()), abs=1e-5)
            left.remove(question)
            weights = weights * crowd.chance[crowd.first[question] + cohort.answers[row, question]]
            weights /= weights.sum()


def test_hindsight_bounds_what_questions_can_tell(fitted: FittedBank) -> None:
    found = evaluate(TRUTH.survey, fitted, ("random", "static_id", "root_id", "hindsight", "catsim"), 10)
    ten = found["k"].index(10)
    for measure in ("log_p_id", "log_p_id_unseen"):
        shares = {name: lines[measure][ten] for name, lines in found["policies"].items()}
        assert max(shares, key=shares.get) == "hindsight"
    assert found["policies"]["catsim"]["log_loss"][ten] < found["policies"]["random"]["log_loss"][ten]
    assert "hindsight" not in found["chosen"].values()


def test_what_is_known_beforehand_counts_before_the_first_question(fitted: FittedBank) -> None:
    asked = [
        replace(question, domain="before" if row % 4 == 0 else "values")
        for row, question in enumerate(TRUTH.survey.questions)
    ]
    survey = replace(TRUTH.survey, questions=tuple(asked))
    names = ("random", "static", "static_context", "epig", "policy")
    found = evaluate(survey, fitted, names, 8, context=["before"])
    plain = evaluate(survey, fitted, ("random", "static"), 8)
    start, generic = found["policies"]["static"]["log_loss"][0], found["controls"]["generic"]["log_loss"][0]
    assert start < generic - 0.02
    assert plain["policies"]["static"]["log_loss"][0] == pytest.approx(generic, abs=0.02)
    assert found["controls"]["wrong_person"]["log_loss"][0] > start + 0.02
    assert found["settings"]["context"] == {"domains": ["before"], "questions": 8}
    assert found["settings"]["targets"] + found["settings"]["candidates"] == 22
    assert found["chosen"]["identification"] is None
    assert {"epig-static", "epig-static_context"} < set(found["paired"])
    with pytest.raises(ConfigError, match="no such domain, allowed are before, values"):
        evaluate(survey, fitted, context=["religion"])
    with pytest.raises(ConfigError, match="policy 'eig_id' is unknown here"):
        evaluate(survey, fitted, ["eig_id"], context=["before"])


def test_a_temperature_must_be_sure() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)) * 2
    p = softmax(logits)
    said = (np.log(softmax(logits / 1.4)) + rng.gumbel(size=p.shape)).argmax(1)
    raters = np.arange(4000) // 10
    assert sure_temperature(p, said, raters) == pytest.approx(1.4, abs=0.1)
    true = (np.log(p) + rng.gumbel(size=p.shape)).argmax(1)
    assert best_temperature(p[:300], true[:300]) != 1.0
    assert sure_temperature(p[:300], true[:300], raters[:300]) == 1.0
    assert sure_temperature(p[:0], said[:0], raters[:0]) == 1.0


def test_policy_stays_near_the_fixed_order() -> None:
    allowed = np.array([[True, True, True, True], [False, True, False, True], [False, False, True, False]])
    order = [3, 1, 0, 2]
    assert Near(2).of(order, allowed, 0).tolist() == [
        [False, True, False, True],
        [False, True, False, True],
        [False, False, True, False],
    ]
    assert (Near(99).of(order, allowed, 0) == allowed).all()
    assert Near(2, after=3).of(order, allowed, 2).sum(1).tolist() == [1, 1, 1]
    assert (Near(2, after=3).of(order, allowed, 3) == Near(2).of(order, allowed, 0)).all()
    cohort, order = mixed(), [5, 4, 3, 2, 1, 0]
    scores = policies.eig(cohort)
    fixed, free = fixed_order(cohort, order, 4), adaptive(cohort, scores, 4, lambda done: None)
    narrow, late = (adaptive(cohort, scores, 4, lambda done: None, n, order) for n in (Near(1), Near(6, 2)))
    assert (narrow == fixed).all()
    assert (late[:, :2] == fixed[:, :2]).all()
    assert (late != fixed).any()
    assert (adaptive(cohort, scores, 4, lambda done: None, Near(6), order) == free).all()


def test_an_order_that_cannot_be_beaten_is_kept(fitted: FittedBank) -> None:
    own = Evaluation(TRUTH.survey, fitted)
    best = own.orders(["static"], 10)
    ks = [0, 1, 2, 3, 5, 8, 10]
    for order, kept in ((best, True), ({"static": best["static"][::-1]}, False)):
        chosen, near, _ = choose(own, ("static", "epig", "policy"), order, ks)
        assert (near == Near()) is kept
        assert chosen["prediction"] == "policy"


def test_calibration_by_hand() -> None:
    # 30 predictions in bins of two: always 80 % sure, right two times of three
    correct = np.arange(30) % 3 > 0
    found = calibration(np.full(30, 0.8), correct, np.zeros(30, dtype=np.intp), 1)
    gaps = np.abs(0.8 - correct.reshape(15, 2).mean(1))
    assert float(found.error()) == pytest.approx(gaps.mean())
    assert found.by_chance() == pytest.approx(np.sqrt(2 / np.pi * 0.16 / 2))
    sure = calibration(np.ones(30), np.ones(30, dtype=bool), np.zeros(30, dtype=np.intp), 1)
    assert float(sure.error()) == 0


def test_temperature_that_is_too_high_or_low_is_found() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20000, 3))
    answers = (logits + rng.gumbel(size=logits.shape)).argmax(1)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    for temperature in (0.8, 1.0, 1.25):
        assert best_temperature(tempered(p, temperature), answers) == pytest.approx(1 / temperature, abs=0.05)
    np.testing.assert_allclose(tempered(tempered(p, 0.8), 1.25), p)
    assert tempered(np.array([1.0, 0.0]), 0.7).tolist() == [1.0, 0.0]
    assert best_temperature(p[:0], answers[:0]) == 1.0


def test_intervals_cover_the_mean_of_normal_values() -> None:
    rng, inside = np.random.default_rng(0), 0
    weights = resamples(100, 400)
    for _ in range(200):
        mean, low, high = interval(rng.normal(size=100), weights)
        assert low < mean < high
        inside += low < 0 < high
    assert 0.90 < inside / 200 < 0.99
    assert interval(np.array([1.0, np.nan, 3.0]), resamples(3))[0] == 2
