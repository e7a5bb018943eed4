"""The Gaussian process over pictures as the choice model of an interview."""

from __future__ import annotations

import numpy as np
import pytest

from prefs.belief import infer_vectors, probabilities
from tests.training.test_content_pairs import made
from training.content_pairs import PairStudy
from training.content_tastes import PictureTastes, picture_tastes


@pytest.fixture(scope="module")
def tastes() -> PictureTastes:
    pairs, kernels = made()
    said = pairs.answers[1:, pairs.candidates]
    return picture_tastes(kernels, pairs.pairs[pairs.candidates], np.where(said < 0, np.nan, 2.0 * said - 1))


def test_foretells_what_the_gaussian_process_foretells(tastes: PictureTastes) -> None:
    pairs, kernels = made()
    study = PairStudy(pairs, kernels, (0,))
    met, _ = study.known(0)
    source = tastes.source(pairs.images)
    there = pairs.candidates[pairs.answers[0, pairs.candidates] >= 0][:60]
    asked = np.flatnonzero(np.isin(pairs.candidates, there))
    shown = source.shown(pairs.pairs, "pair", tie=False)
    for count in (0, 60):
        said = pairs.answers[0, there[:count]]
        belief = infer_vectors(tastes.space, shown[there[:count]], said, 0.0)
        chance = probabilities(belief, shown[pairs.targets])[:, 1]
        exact = np.clip((1 + met.given(asked[:count], 2.0 * said - 1, study.targets)) / 2, 0, 1)
        assert np.corrcoef(chance, exact)[0, 1] > 0.95
        assert np.abs(chance - exact).mean() < 0.1


def test_axes_are_sorted_and_few_hold_most(tastes: PictureTastes) -> None:
    lengths = np.square(tastes.taste).sum(0)
    assert tastes.taste.shape == (90, 64)
    assert (np.diff(lengths) <= 1e-9).all()
    assert 0.95 < tastes.kept <= 1.0
    np.testing.assert_allclose(tastes.taste.mean(0), 0.0, atol=1e-9)
    assert tastes.appeal.mean() == pytest.approx(0.0, abs=1e-9)
