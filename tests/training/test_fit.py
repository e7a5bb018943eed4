from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from simulated import people

from prefs.batch import softmax
from prefs.draws import normals
from prefs.errors import ConfigError, ModelError
from prefs.model import AGREE, EXTREME
from prefs.space import STYLE_SD
from training.fit import STYLES, Fit, Settings
from training.likelihood import NEVER, blocks, by_taste, by_vectors, slope
from training.selection import choose, fit_bank
from training.splits import are_targets, raters_in
from training.surveys import assemble

ORDERED = Settings(size=1, nominal=0.0, lapse=0.0)


def fitted(survey, settings: Settings) -> Fit:
    fit = Fit(survey, settings)
    fit.run()
    return fit


def test_blocks_hold_every_answer_once() -> None:
    survey = people(70, 9, 3, answered=0.3, seed=3).survey
    table = np.full((70, 9), -1)
    for block in blocks(survey, 16):
        table[np.ix_(np.arange(block.raters.start, block.raters.stop), block.columns)] = block.answers
    assert (table == survey.table()).all()


def test_slopes_are_the_derivatives() -> None:
    rng = np.random.default_rng(0)
    tastes, phi, g = rng.normal(size=(4, 2)), rng.normal(size=(3, 5, 2)), rng.normal(size=(3, 5))
    g[2, 1] = NEVER
    answers = np.minimum(rng.integers(-1, 3, (4, 5)), np.array([2, 1, 2, 2, 2])).astype(np.int16)
    found = slope(tastes, phi, g, answers, 0.1)
    by_phi, by_g = by_vectors(found, tastes)
    step = 1e-6

    def value(**moved) -> float:
        new = {"tastes": tastes, "phi": phi, "g": g} | moved
        return float(slope(**new, answers=answers, lapse=0.1).value.sum())

    for array, name, slopes in (
        (tastes, "tastes", by_taste(found, phi)),
        (phi, "phi", by_phi),
        (g, "g", by_g),
    ):
        for place in np.ndindex(array.shape):
            up, down = array.copy(), array.copy()
            up[place] += step
            down[place] -= step
            expected = (value(**{name: up}) - value(**{name: down})) / (2 * step)
            assert slopes[place] == pytest.approx(expected, abs=1e-5)


def test_likelihood_by_hand() -> None:
    # logits 0 and log 3, taste 0: chances 1/4 and 3/4; with lapse 0.2 the second is 0.8 * 0.75 + 0.1
    g = np.array([[0.0], [np.log(3.0)]])
    found = slope(np.zeros((1, 1)), np.zeros((2, 1, 1)), g, np.array([[1]], dtype=np.int16), 0.2)
    assert found.value[0] == pytest.approx(np.log(0.7))
    assert (
        slope(np.zeros((1, 1)), np.zeros((2, 1, 1)), g, np.array([[-1]], dtype=np.int16), 0.2).value[0] == 0
    )


@pytest.mark.parametrize(("options", "answered"), [(2, 1.0), (4, 0.6)])
def test_recovers_the_parameters(options: int, answered: float) -> None:
    truth = people(2500, 20, options, size=1, answered=answered)
    vectors = fitted(truth.survey, ORDERED).vectors()
    found = (vectors.phi[:, -1, STYLES] - vectors.phi[:, 0, STYLES]) / 2
    found *= np.sign(found @ truth.slopes[:, 0])
    assert np.abs(found - truth.slopes[:, 0]).max() < 0.25
    assert np.abs(found / truth.slopes[:, 0]).mean() == pytest.approx(1.0, abs=0.15)  # not too keen
    g = vectors.g - vectors.g.mean(1, keepdims=True)
    assert np.abs(g - truth.popularity).max() < 0.25


def test_chains_draw_from_the_posterior() -> None:
    # one coordinate: the mean of the draws against the posterior mean by quadrature
    truth = people(60, 8, 3, size=1, seed=5)
    fit = fitted(truth.survey, Settings(size=1, nominal=0.0, lapse=0.05, steps=30))
    block, phi, g = fit.blocks[0], fit._phi(fit.state.parameters), fit._g(fit.state.parameters)
    draws = []
    for number in range(3000):
        here = slope(fit.state.tastes, phi, g, block.answers, 0.05)
        fit._move(0, fit.state.tastes, here, phi, g, np.random.default_rng(number))
        draws.append(fit.state.tastes[:, STYLES].copy())
    grid = np.linspace(-5, 5, 201)
    points = np.zeros((201, STYLES + 1))
    points[:, STYLES] = grid
    said = [np.tile(answers, (201, 1)) for answers in block.answers]
    logs = np.stack([slope(points, phi, g, each, 0.05).value for each in said]) - grid**2 / 2
    mass = np.exp(logs - logs.max(1, keepdims=True))
    mass /= mass.sum(1, keepdims=True)
    mean = mass @ grid
    sd = np.sqrt(mass @ grid**2 - mean**2)
    assert np.abs(np.mean(draws, 0) - mean).max() < 0.12
    assert np.abs(np.std(draws, 0) / sd - 1).max() < 0.15


def test_is_deterministic_and_resumes_to_the_same_bits(tmp_path: Path) -> None:
    survey = people(120, 8, 3).survey
    settings = Settings(size=2, steps=60)
    whole = fitted(survey, settings).vectors()
    first = Fit(survey, settings)
    first.run(until=37)
    first.save(tmp_path / "state")
    second = Fit(survey, settings)
    second.resume(tmp_path / "state")
    second.run()
    assert (second.vectors().phi == whole.phi).all()
    assert (second.vectors().g == whole.g).all()


def test_refuses_to_resume_another_fit(tmp_path: Path) -> None:
    survey, other = people(50, 5).survey, people(50, 6).survey
    fit = Fit(survey, Settings(size=2, steps=9))
    fit.save(tmp_path / "state")
    for wrong in (Fit(survey, Settings(size=2, steps=8)), Fit(other, fit.settings)):
        with pytest.raises(ModelError, match="another survey or settings"):
            wrong.resume(tmp_path / "state")
    (tmp_path / "state").write_bytes(b"x")
    with pytest.raises(ModelError, match="begin the fit anew"):
        fit.resume(tmp_path / "state")
    with pytest.raises(ModelError, match="step 0 of 9"):
        fit.vectors()


def test_survives_sparse_and_constant_answers() -> None:
    truth = people(40, 6, 3, answered=0.2)
    survey = truth.survey
    survey.answers[survey.columns == 0] = 1
    vectors = fitted(survey, Settings(size=4, steps=40)).vectors()
    assert np.isfinite(vectors.phi).all()
    assert vectors.g[0].argmax() == 1


def test_chooses_more_coordinates_only_where_they_pay() -> None:
    truth = people(700, 24, 2, size=1, seed=2)
    parts = [truth.survey.of_raters(raters_in(truth.survey.raters, part)) for part in ("train", "validation")]
    settings, trials = choose(truth.bank, *parts, lambda stage, done, total: None)
    assert settings.size == 4  # the smallest on offer
    assert {trial["size"] for trial in trials} == {4, 8}


def test_few_people_are_fitted_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    truth = people(12, 5)
    assert fit_bank(truth.bank, truth.survey).report["trials"] == []
    assert "too few to choose by" in caplog.text


def test_population_answers_as_the_people_did() -> None:
    # two sorts of people, one rare: no normal population, and short fits do not come to its mean
    truth = people(600, 12, 3, size=1, seed=5)
    rng = np.random.default_rng(5)
    tastes = np.where(rng.random((600, 1)) < 0.15, 3.0, -0.5)
    score = np.linspace(-1, 1, 3)
    logits = score * (tastes @ truth.slopes.T)[..., None] + truth.popularity
    answers = (logits + rng.gumbel(size=logits.shape)).argmax(2)
    rows, columns = np.indices(answers.shape)
    survey = assemble(
        "sorts", truth.survey.questions, truth.survey.raters, rows.ravel(), columns.ravel(), answers.ravel()
    )
    vectors = fitted(survey, Settings(size=2, nominal=0.0, steps=20)).vectors()
    draws = normals(4, 512).copy()
    draws[:, :STYLES] *= STYLE_SD[AGREE], STYLE_SD[EXTREME]
    expected = softmax(np.einsum("qkc,sc->sqk", vectors.phi, draws) + vectors.g).mean(0)
    shares = (answers[..., None] == np.arange(3)).mean(0)
    assert np.abs(expected - shares).max() < 0.045


def test_people_who_answered_no_target_choose_nothing(caplog: pytest.LogCaptureFixture) -> None:
    truth = people(260, 6)
    survey, targets = truth.survey, np.flatnonzero(are_targets(truth.bank.rows))
    assert 0 < len(targets) < 6
    validation = raters_in(survey.raters, "validation")
    kept = ~(validation[survey.rows] & np.isin(survey.columns, targets))
    sparse = assemble(
        "made",
        survey.questions,
        survey.raters,
        survey.rows[kept],
        survey.columns[kept],
        survey.answers[kept],
    )
    assert fit_bank(truth.bank, sparse).report["settings"]["size"] == 4
    assert "no validation rater answered a target" in caplog.text


def test_the_number_of_cores_changes_no_bit() -> None:
    survey = people(1300, 8, 3, answered=0.5).survey
    alone, together = Fit(survey, Settings(size=2, steps=12)), Fit(survey, Settings(size=2, steps=12))
    assert len(alone.blocks) == 3
    for step in range(12):
        alone._step(step, map)
    together.run()
    assert all(
        (value == together.state.tensors()[name]).all() for name, value in alone.state.tensors().items()
    )
    assert (alone.vectors().phi == together.vectors().phi).all()


def test_nobody_to_train_on_is_refused_before_test_raters_are_fitted() -> None:
    truth = people(60, 6, 2, seed=1)
    held_out = truth.survey.of_raters(~raters_in(truth.survey.raters, "train"))
    with pytest.raises(ConfigError, match="is a training rater"):
        fit_bank(truth.bank, held_out, "eval")
