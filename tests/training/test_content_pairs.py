"""Choices between pictures that nobody was asked about, foretold from what they show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training.content_kernels import picture_kernels
from training.content_pairs import MEASURES, ROWS, PairStudy, summary
from training.pairs import Pairs
from training.splits import are_targets

KS = (0, 20, 60, 500)


def made(raters: int = 6, seed: int = 0) -> tuple[Pairs, NDArray[Any]]:
    """People whose choices follow four qualities of 90 pictures, half of it shared; and the pictures."""
    rng = np.random.default_rng(seed)
    images = tuple(f"m{number}" for number in range(90))
    held = are_targets(images)
    taste = rng.normal(size=(90, 4))
    pairs = [pair for pair in rng.integers(0, 90, (400, 2)) if pair[0] != pair[1] and held[pair].sum() != 1]
    unique = np.unique(np.sort(pairs, axis=1), axis=0)
    wishes = rng.normal(size=(raters, 4)) + np.array([2.0, -2.0, 0, 0])
    lean = (taste[unique[:, 1]] - taste[unique[:, 0]]) @ wishes.T
    answers = (rng.random(lean.T.shape) < 1 / (1 + np.exp(-1.5 * lean.T))).astype(np.intp)
    both = held[unique].sum(1)
    answers[0, np.flatnonzero(both == 0)[:5]] = -1
    names = tuple(f"r{row}" for row in range(raters))
    kernels = picture_kernels(taste, (("semantic", 4),))
    found = Pairs(
        "made", names, images, unique, answers, np.flatnonzero(both == 2), np.flatnonzero(both == 0)
    )
    return found, kernels


@pytest.fixture(scope="module")
def study() -> PairStudy:
    return PairStudy(*made(), KS, draws=2)


@pytest.fixture(scope="module")
def found(study: PairStudy) -> dict[str, NDArray[Any]]:
    return study.run()


def mean(found: dict[str, NDArray[Any]], row: str, k: int, measure: str = "accuracy") -> float:
    return float(found[row][:, KS.index(k), MEASURES.index(measure)].mean())


def test_own_answers_tell_and_those_of_somebody_else_do_not(found: dict[str, NDArray[Any]]) -> None:
    assert tuple(found) == ROWS
    start = mean(found, "random", 0)
    assert start > 0.6
    assert mean(found, "random", 60) > start + 0.03
    assert mean(found, "wrong person, random", 60) < mean(found, "random", 60) - 0.1
    assert mean(found, "random", 60, "log_loss") < mean(found, "random", 0, "log_loss") < np.log(2)


def test_chosen_answers_tell_at_least_as_much(found: dict[str, NDArray[Any]]) -> None:
    chosen = mean(found, "chosen for the target pictures", 20, "log_loss")
    assert chosen < mean(found, "random", 20, "log_loss")
    assert mean(found, "votes, random", 0) >= mean(found, "random", 0)


def test_after_more_answers_than_there_are_nothing_is_said(found: dict[str, NDArray[Any]]) -> None:
    assert np.isnan(found["random"][:, KS.index(500)]).all()
    told = summary(found)["random"]["accuracy"]
    assert told["mean"][:3] == [pytest.approx(mean(found, "random", k), abs=1e-5) for k in KS[:3]]
    assert told["mean"][3] is None
    assert told["raters"] == [6, 6, 6, 0]
    values = found["random"][:, 1, 0]
    assert told["se"][1] == pytest.approx(values.std(ddof=1) / np.sqrt(len(values)), abs=1e-5)


def turned(pairs: Pairs, raters: list[int], columns: NDArray[Any]) -> Pairs:
    answers = pairs.answers.copy()
    answers[np.ix_(raters, columns)] = 1 - answers[np.ix_(raters, columns)]
    return replace(pairs, answers=answers)


def test_no_target_answer_leaks() -> None:
    pairs, kernels = made()
    known = PairStudy(pairs, kernels, KS).known(1)
    own = PairStudy(turned(pairs, [1], pairs.targets), kernels, KS).known(1)
    others = PairStudy(turned(pairs, [0, 2, 3, 4, 5], pairs.targets), kernels, KS).known(1)
    for before, after in zip(known, own, strict=True):  # the rater's own are never used
        np.testing.assert_array_equal(before.mean, after.mean)
    np.testing.assert_array_equal(known[0].mean, others[0].mean)
    assert np.abs(known[1].mean - others[1].mean).max() > 0.1  # the votes are those of the others


def test_the_real_pairs_keep_pictures_apart(real_data: Any) -> None:
    from training.pairs import read_pairs

    pairs = read_pairs(real_data / "images" / "prettier-pairs")
    study = PairStudy(pairs, np.eye(len(pairs.images))[None], KS)
    cross = study.kernels[0][np.ix_(study.candidates, study.targets)]
    assert (len(study.candidates), len(study.targets)) == (539, 153)
    assert not cross.any()  # an identity kernel carries nothing from one side to the other
