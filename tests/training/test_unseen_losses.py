from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reading import Told
from simulated import people

from training.fit import Settings
from training.fitted import FittedBank
from training.grafting import Trust
from training.splits import are_targets, raters_in
from training.studies import Study, read_best
from training.unseen_losses import Sown, candidates_alone, compare, graft, recovered, restricted
from training.work import Work

TRUTH = people(600, 36, 3, size=2, seed=7)
REPORT = {"split": "eval"}


def by_number() -> FittedBank:
    settings = {"size": 2, "nominal": 0.0, "steps": 60}
    return replace(TRUTH.fitted, report={"split": "eval", "settings": settings})


@pytest.fixture(scope="module")
def study() -> Study:
    return Study.of(TRUTH.bank, TRUTH.survey)


def reader(noise: float, seed: int = 0) -> Told:
    """The true slopes, turned, with noise."""
    rng = np.random.default_rng(seed)
    turned = TRUTH.slopes @ np.linalg.qr(rng.normal(size=(2, 2)))[0]
    return Told.slopes(TRUTH.survey.questions, turned + noise * rng.normal(size=turned.shape))


@pytest.fixture(scope="module")
def found(study: Study) -> dict:
    return compare(reader(0.0), [(study, by_number())], REPORT)[0]


def test_what_is_read_rightly_is_worth_as_much_as_answers(found: dict) -> None:
    losses = {name: values[0] for name, values in found["losses"].items()}
    assert losses["by number"] < losses["marginal"] - 0.02
    assert losses["marginal"] < losses["text"]  # which knows no popularity
    assert losses["styles"] == pytest.approx(losses["marginal"], abs=0.01)  # choices have no styles
    for name in ("reader", "grafted", "both"):
        share, low, high = found["recovered"][name]
        assert low <= share <= high
        assert share > 0.85
        assert found["gain"][name][0] == pytest.approx(losses["marginal"] - losses[name], abs=1e-9)
        assert found["beyond_styles"][name][1] > 0
    assert found["trust"]["explained"] > 0.8
    assert found["method"] == min(found["validation"], key=found["validation"].get)


def test_without_answers_to_judged_questions_nothing_is_chosen(study: Study) -> None:
    silent = raters_in(TRUTH.survey.raters, "validation")[:, None] & study.judged
    fitted, tried = read_best(reader(0.0), replace(study, table=np.where(silent, -1, study.table)), REPORT)
    assert (tried, fitted.report["reader"]["strength"]) == ({}, [1.0, 1.0])
    half = silent & (np.arange(len(silent)) % 2 == 0)[:, None]
    some = replace(study, table=np.where(half, -1, study.table))
    assert 0 < len(some.judges) < len(study.judges)
    assert all(np.isfinite(loss) for loss in read_best(reader(0.0), some, REPORT)[1].values())


def test_what_is_read_wrongly_is_worth_nothing(study: Study) -> None:
    rng = np.random.default_rng(1)
    wrong = Told.slopes(TRUTH.survey.questions, rng.normal(size=TRUTH.slopes.shape))
    (found,) = compare(wrong, [(study, by_number())], REPORT)
    assert found["recovered"][found["method"]][0] < 0.25
    assert found["strengths"]["0.35 0.35"] < found["strengths"]["1 1"]


def test_strength_is_chosen_on_validation_raters(study: Study) -> None:
    twice = Told.slopes(TRUTH.survey.questions, 2 * TRUTH.slopes)
    fitted, tried = read_best(twice, study, REPORT)
    assert fitted.report["reader"]["strength"] == [0.5, 0.5]
    assert min(tried, key=lambda one: tried[one]) == "0.5 0.5"


def test_what_was_not_learned_from_has_a_strength_of_its_own() -> None:
    unseen = np.arange(36) % 3 == 0
    study = Study.of(TRUTH.bank, TRUTH.survey, unseen)
    louder = np.where((unseen | study.target)[:, None], 2, 1) * TRUTH.slopes
    fitted, _ = read_best(
        Told.slopes(TRUTH.survey.questions, louder), study, REPORT | {"hold_out_questions": True}
    )
    unlearned, learned = fitted.report["reader"]["strength"]
    assert unlearned == 0.5
    assert learned >= 0.7
    size = np.abs(fitted.phi[:, -1, 2:]).sum(1) / np.abs(TRUTH.slopes).sum(1)
    np.testing.assert_allclose(size, np.where(unseen | study.target, 2 * unlearned, learned))


@pytest.mark.parametrize("told", [{"hold_out_sets": ["made"]}, {"data": ["another"]}])
def test_a_set_that_was_not_learned_from_has_one_strength(told: dict[str, list[str]]) -> None:
    study = Study.of(TRUTH.bank, TRUTH.survey, np.arange(36) % 3 == 0)
    assert study.bank.name == "made"
    twice = Told.slopes(TRUTH.survey.questions, 2 * TRUTH.slopes)
    fitted, tried = read_best(twice, study, REPORT | told)
    assert all(len(set(pair.split())) == 1 for pair in tried)
    assert fitted.report["reader"]["strength"] == [0.5, 0.5]


def test_the_own_model_of_candidates_never_hears_of_targets(study: Study) -> None:
    settings = Settings(size=2, nominal=0.0, steps=30)
    own = candidates_alone(study, settings, Work())
    survey = TRUTH.survey
    scrambled = survey.answers.copy()
    target = study.target[survey.columns]
    scrambled[target] = np.random.default_rng(0).permutation(scrambled[target])
    other = Study.of(TRUTH.bank, replace(survey, answers=scrambled))
    assert candidates_alone(other, settings, Work()).version == own.version
    assert (own.phi[study.target] == 0).all()
    placed = graft(Sown(study, own, own, {}, own), study.target, Trust())
    assert (placed.phi[~study.target] == own.phi[~study.target]).all()


def test_judged_questions_are_candidates_that_were_not_learned_from(study: Study) -> None:
    assert study.seen
    assert not (study.judged & study.target).any()
    given = Study.of(TRUTH.bank, TRUTH.survey, np.ones(36, bool))
    assert not given.seen
    assert (given.judged == ~given.target).all()
    assert (study.target == are_targets(TRUTH.bank.rows)).all()


def test_answers_to_some_questions() -> None:
    keep = np.arange(36) % 2 == 0
    part = restricted(TRUTH.survey, keep)
    assert (part.table() == TRUTH.survey.table()[:, keep]).all()
    assert len(part.questions) == 18


def test_share_recovered_by_hand() -> None:
    losses = {"marginal": np.full(9, 2.0), "reader": np.full(9, 1.5), "by number": np.full(9, 1.0)}
    assert recovered(losses, "reader") == pytest.approx([0.5, 0.5, 0.5])
