"""The projection to taste space: deterministic, of fixed size, with balanced blocks, kept whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexing.projection import LONGEST, SCALE, SIZE, Projection, fit
from prefs.errors import IndexingError

BLOCKS = (("semantic", 40), ("style", 10), ("statistics", 6))


def vectors(count: int = 300, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, 12)) @ rng.normal(size=(12, 56)) + 3).astype(np.float32)


def test_taste_vectors_are_centred_and_of_the_stated_length() -> None:
    found = vectors()
    taste = fit(found, BLOCKS).apply(found)
    assert taste.shape == (300, SIZE)
    assert taste.dtype == np.float32
    assert np.abs(taste.mean(0)).max() < 0.05
    assert np.sqrt(np.square(taste).sum(1).mean()) == pytest.approx(SCALE, rel=0.02)


def test_axes_are_uncorrelated_and_ordered() -> None:
    found = vectors()
    taste = fit(found, BLOCKS, size=6).apply(found)
    cov = np.cov(taste.T)
    assert np.abs(cov - np.diag(np.diag(cov))).max() < 0.05
    assert (np.diff(np.diag(cov)) < 1e-6).all()


def test_whitening_makes_all_axes_equally_long() -> None:
    found = vectors()
    spread = fit(found, BLOCKS, size=6, whitening=1.0).apply(found).std(0)
    assert spread == pytest.approx(np.full(6, spread.mean()), rel=0.05)


def test_fit_is_deterministic_whatever_the_route() -> None:
    few, many = vectors(30), vectors(30).repeat(3, axis=0)
    first, again = fit(few, BLOCKS, size=5), fit(few, BLOCKS, size=5)
    assert (first.matrix == again.matrix).all()
    # 30 vectors take the route over pictures, 90 that over coordinates: the axes are the same.
    assert fit(many, BLOCKS, size=5).apply(few) == pytest.approx(first.apply(few), abs=1e-3)


def test_a_block_counts_by_its_weight_and_not_by_its_numbers() -> None:
    found = vectors()
    loud = found.copy()
    loud[:, :40] *= 100
    assert fit(loud, BLOCKS).apply(loud) == pytest.approx(fit(found, BLOCKS).apply(found), abs=1e-3)
    mute = fit(found, BLOCKS, weights={"style": 0.0})
    assert (mute.matrix[40:50] == 0).all()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_tiny_galleries_have_the_same_space(count: int) -> None:
    found = vectors(count)
    taste = fit(found, BLOCKS).apply(found)
    assert taste.shape == (count, SIZE)
    assert np.isfinite(taste).all()
    assert np.linalg.matrix_rank(taste) == count - 1


def test_equal_pictures_are_in_one_place() -> None:
    found = vectors(1).repeat(9, axis=0)
    assert (fit(found, BLOCKS).apply(found) == 0).all()


def test_an_odd_picture_is_pulled_in() -> None:
    found = vectors()
    projection = fit(found, BLOCKS)
    odd = projection.apply(found[:1] * 1000)
    assert np.linalg.norm(odd) == pytest.approx(LONGEST * SCALE, rel=1e-4)


def test_round_trip_and_damage(tmp_path: Path) -> None:
    projection = fit(vectors(), BLOCKS)
    perturbed = replace(projection, matrix=projection.matrix + np.float32(0.125))
    perturbed.save(tmp_path / "kept")
    loaded = Projection.load(tmp_path / "kept")
    assert (loaded.matrix == perturbed.matrix).all()
    assert (loaded.mean == perturbed.mean).all()
    file = tmp_path / "kept" / "projection.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(IndexingError, match="damaged"):
        Projection.load(tmp_path / "kept")
    with pytest.raises(IndexingError, match=r"manifest\.json"):
        Projection.load(tmp_path / "absent")


def test_bad_vectors_are_refused() -> None:
    found = vectors()
    with pytest.raises(IndexingError, match="blocks of 55 numbers"):
        fit(found, (("semantic", 55),))
    with pytest.raises(IndexingError, match="index the gallery again"):
        fit(found[:0], BLOCKS)
    with pytest.raises(IndexingError, match="projection from 56 numbers"):
        fit(found, BLOCKS).apply(found[:, :50])
    found[3, 3] = np.nan
    with pytest.raises(IndexingError, match="not finite"):
        fit(found, BLOCKS)
    with pytest.raises(IndexingError, match="not finite"):
        fit(vectors(), BLOCKS).apply(found)
