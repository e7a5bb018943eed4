"""Ratings of pictures put in order for new raters: by content, by covariance, by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from prefs.errors import DataError
from prefs.questions import Option, Question
from training.content import Known
from training.content_kernels import picture_kernels
from training.content_ratings import ROWS, RatingStudy, factors, learned, spearman
from training.surveys import Survey, assemble

KS = (0, 5, 10, 40)


def made(raters: int = 150, images: int = 45, seed: int = 0) -> tuple[Survey, NDArray[Any]]:
    """People who rate pictures from 1 to 7 by three qualities, which the kernels know."""
    rng = np.random.default_rng(seed)
    shown = rng.normal(size=(images, 3))
    wishes = rng.normal(size=(raters, 3)) + np.array([1.0, 0, 0])
    liking = shown @ wishes.T + rng.normal(size=(images, raters)) + 1.5 * rng.normal(size=raters)
    said = np.clip(np.round(liking * 0.8 + 3), 0, 6).astype(np.int64).T
    options = tuple(Option(str(step)) for step in range(1, 8))
    questions = [
        Question(f"p{one}", "rating", f"How is picture {one}?", options, "made", "taste")
        for one in range(images)
    ]
    names = [f"r{one}" for one in range(raters)]
    rows, columns = (part.ravel() for part in np.indices(said.shape))
    times = np.arange(said.size)
    survey = assemble("made", questions, names, rows, columns, said.ravel(), times, "made")
    return survey, picture_kernels(shown, (("semantic", 3),))


@pytest.fixture(scope="module")
def study() -> RatingStudy:
    return RatingStudy(*made(), KS)


@pytest.fixture(scope="module")
def found(study: RatingStudy) -> dict[str, NDArray[Any]]:
    return study.run()


def at(found: dict[str, NDArray[Any]], row: str, k: int) -> float:
    return float(np.nanmean(found[row][:, KS.index(k), 0]))


def test_answers_help_most_where_they_are_the_raters_own(found: dict[str, NDArray[Any]]) -> None:
    assert tuple(found) == tuple(ROWS)
    for row in ("content only", "mean known, content and covariance"):
        assert at(found, row, 10) > at(found, row, 0) + 0.1
        assert at(found, f"{row}, wrong person", 10) < at(found, row, 10) - 0.1
    assert at(found, "mean known, content", 0) > at(found, "content only", 0)
    chosen = at(found, "mean known, content and covariance, chosen", 5)
    assert chosen > at(found, "mean known, content and covariance", 5) - 0.02
    assert np.isnan(found["content only"][:, KS.index(40)]).all()  # thirty pictures can be asked about


def test_what_others_say_of_targets_stays_out_of_content(study: RatingStudy) -> None:
    survey, kernels = made()
    held = study.is_target[survey.columns]
    turned = np.where(held, 6 - survey.answers, survey.answers).astype(np.int16)
    object.__setattr__(survey, "answers", turned)
    before, after = study.people(), RatingStudy(survey, kernels, KS).people()
    scale = np.nanstd(study.survey.table()) / np.nanstd(survey.table())
    assert scale == pytest.approx(1.0, abs=0.1)
    asked = ~study.is_target
    one, other = before["content"].mean[study.is_target], after["content"].mean[study.is_target]
    assert np.corrcoef(one, other)[0, 1] > 0.99
    assert np.corrcoef(before["known"].mean[asked], after["known"].mean[asked])[0, 1] > 0.9
    one, other = before["known"].mean[study.is_target], after["known"].mean[study.is_target]
    assert np.corrcoef(one, other)[0, 1] < -0.5


def test_test_raters_teach_nothing(study: RatingStudy) -> None:
    from training.splits import raters_in

    survey, kernels = made()
    test = raters_in(survey.raters, "test")[survey.rows]
    object.__setattr__(survey, "answers", np.where(test, 0, survey.answers).astype(np.int16))
    for name, met in RatingStudy(survey, kernels, KS).people().items():
        np.testing.assert_array_equal(met.mean, study.people()[name].mean)
        np.testing.assert_array_equal(met.cov, study.people()[name].cov)


def test_learns_the_covariance_that_made_the_answers() -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(5, 5))
    true = root @ root.T
    said = rng.multivariate_normal(np.zeros(5), true + 0.5 * np.eye(5), 4000)
    said[rng.random(said.shape) < 0.2] = np.nan
    cov, noise = learned(np.eye(5), 0.5, Known.of(said), 1.0)
    np.testing.assert_allclose(cov + noise * np.eye(5), true + 0.5 * np.eye(5), atol=0.4)
    kept, _ = learned(np.eye(5), 0.5, Known.of(said), 1e9)
    np.testing.assert_allclose(kept, np.eye(5), atol=1e-4)


def test_factors_keep_the_leading_part_and_all_of_the_variance() -> None:
    cov = np.diag([5.0, 3.0, 1.0, 1.0])
    cut, noise = factors(cov, 0.5, 2)
    np.testing.assert_allclose(cut, np.diag([5.0, 3.0, 0, 0]), atol=1e-12)
    assert noise == pytest.approx(0.5 + 2.0 / 4)


def test_spearman_is_that_of_scipy_and_undefined_for_equal_ratings() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.normal(size=20), rng.integers(0, 5, 20)
    assert spearman(one, other) == pytest.approx(float(stats.spearmanr(one, other).statistic))
    assert np.isnan(spearman(one, np.ones(20)))


def test_raters_without_targets_are_refused() -> None:
    survey, kernels = made(raters=20, images=8)
    with pytest.raises(DataError, match=r"made: no test rater rated 5 held out pictures"):
        RatingStudy(survey, kernels, KS).run()
