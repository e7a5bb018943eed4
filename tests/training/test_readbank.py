from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reading import Told
from simulated import people

from prefs.batch import infer_many
from prefs.draws import normals
from prefs.errors import DataError, ModelError
from training.predictive import predict
from training.readbank import calibrated, read_bank, read_twice, report_of, shares_of
from training.splits import raters_in

TRUTH = people(400, 12, 4, size=2, seed=3)
READER = Told.slopes(TRUTH.survey.questions, TRUTH.slopes)


def test_popularity_is_exact_where_nobody_differs() -> None:
    g = np.array([[0.0, 0.0, -np.inf], [0.0, 0.0, 0.0]])
    shares = np.array([[0.2, 0.8, 0.0], [0.5, 0.3, 0.2]])
    found = calibrated(np.zeros((2, 3, 4)), g, shares, lapse=0.0)
    assert found[0, 1] - found[0, 0] == pytest.approx(np.log(4))
    assert found[1] == pytest.approx(np.log(shares[1]) - np.log(shares[1]).mean())
    assert found[0, 2] == -np.inf


def test_the_population_answers_as_people_did() -> None:
    rng = np.random.default_rng(0)
    phi = rng.normal(0, 2, (5, 4, 6))
    g = np.zeros((5, 4))
    phi[4, 3:], g[4, 3:] = 0.0, -np.inf
    shares = rng.dirichlet(np.ones(4), 5)
    shares[4] = [0.5, 0.3, 0.2, 0.0]
    shares = np.maximum(shares, 0.02 * np.isfinite(g))
    shares /= shares.sum(1, keepdims=True)
    found = calibrated(phi, g, shares)
    z = normals(6, 8192).copy()
    z[:, :2] *= 0.5
    logits = np.einsum("qkd,sd->sqk", phi, z) + np.where(np.isfinite(found), found, -1e9)
    p = np.exp(logits - logits.max(2, keepdims=True))
    p = 0.98 * (p / p.sum(2, keepdims=True)).mean(0) + 0.02 * np.isfinite(g) / np.isfinite(g).sum(
        1, keepdims=True
    )
    np.testing.assert_allclose(p, shares, atol=0.006)


def test_a_share_that_no_popularity_gives_is_the_least_there_is() -> None:
    found = calibrated(np.zeros((1, 3, 3)), np.zeros((1, 3)), np.array([[0.001, 0.499, 0.5]]))
    p = np.exp(found[0]) / np.exp(found[0]).sum()
    assert p[0] < 1e-4


def test_refuses_vectors_that_are_too_large() -> None:
    with pytest.raises(ModelError, match="too large"):
        calibrated(np.full((1, 2, 3), np.nan), np.zeros((1, 2)), np.array([[0.5, 0.5]]))


def test_marginals_of_people_become_popularity() -> None:
    bank, survey = TRUTH.bank, TRUTH.survey
    fitted = read_bank(READER, bank, survey)
    model, train = fitted.alone(), raters_in(survey.raters, "train")
    vectors = fitted.source(model.space).all()
    p = predict(infer_many(model.space, vectors, np.full((1, 12), -1), around=model.lapse), vectors)[0]
    np.testing.assert_allclose(p, shares_of(bank, survey, train), atol=0.01)
    assert fitted.block[0] == "reader told"
    assert fitted.report["raters"] == train.sum()
    assert fitted.report["reader"] == {
        "version": "told",
        "strength": [1.0, 1.0],
        "own_marginals": True,
        "targets_held_out": False,
        "set_held_out": False,
    }
    told = {"hold_out_questions": True, "hold_out_sets": ["made"]}
    held = read_bank(READER, bank, survey, report=told).report["reader"]
    assert held["targets_held_out"]
    assert held["set_held_out"]


def test_questions_are_read_with_and_without_their_lead_in() -> None:
    questions = [replace(one, markdown=f"Do you agree: {one.markdown}") for one in TRUTH.survey.questions]
    known = Told.slopes(TRUTH.survey.questions, TRUTH.slopes).known
    known |= Told.slopes(questions, 3 * TRUTH.slopes, 2 + 0 * TRUTH.popularity).known
    found = read_twice(Told(known), questions)
    np.testing.assert_allclose(found.phi[:, -1, 2:], 2 * TRUTH.slopes)
    np.testing.assert_allclose(found.g, 1)


def test_test_raters_do_not_tell_how_popular_options_are() -> None:
    survey = TRUTH.survey
    tested = np.repeat(raters_in(survey.raters, "test"), np.diff(survey.starts))
    other = replace(survey, answers=np.where(tested, 0, survey.answers).astype(np.int16))
    one, changed = (read_bank(READER, TRUTH.bank, s) for s in (survey, other))
    assert one.version == changed.version
    everybody = np.ones(len(survey.raters), bool)
    assert read_bank(READER, TRUTH.bank, other, everybody).version != one.version


def test_the_texts_own_popularity_stays_without_people() -> None:
    popular = Told.slopes(TRUTH.survey.questions, TRUTH.slopes, TRUTH.popularity)
    fitted = read_bank(popular, TRUTH.bank, strength=0.5, report={"split": "eval"})
    assert (fitted.g == TRUTH.popularity).all()
    np.testing.assert_allclose(fitted.phi[:, -1, 2:], TRUTH.slopes / 2)
    assert fitted.report["split"] == "eval"
    assert not fitted.report["reader"]["own_marginals"]


def test_refuses_a_survey_of_other_questions() -> None:
    with pytest.raises(DataError, match="asks other questions"):
        read_bank(READER, TRUTH.bank, people(50, 5, 4).survey)


def test_report_of_a_reader(tmp_path: Path) -> None:
    assert report_of(tmp_path) == {}
    (tmp_path / "report.json").write_text(json.dumps({"split": "eval"}))
    assert report_of(tmp_path) == {"split": "eval"}
    (tmp_path / "report.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        report_of(tmp_path)
