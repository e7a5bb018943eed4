"""How alike pictures and pairs of pictures are."""

from __future__ import annotations

import numpy as np
import pytest

from prefs.errors import DataError
from training.content_kernels import of_pairs, picture_kernels, scaled

BLOCKS = (("semantic", 10), ("style", 4))


def vectors(count: int = 30) -> np.ndarray:
    """Two kinds of pictures, far apart in the first block."""
    found = np.random.default_rng(0).normal(size=(count, 14))
    found[: count // 2, :10] += 6.0
    return found


def test_kernels_are_covariances_that_part_kinds() -> None:
    found = picture_kernels(vectors(), BLOCKS)
    assert found.shape == (4, 30, 30)
    for kernel in found:
        np.testing.assert_allclose(kernel, kernel.T, atol=1e-9)
        np.testing.assert_allclose(np.diag(kernel), 1.0)
        assert np.linalg.eigvalsh(kernel).min() > -1e-9
    inside, across = found[1, :15, :15].mean(), found[1, :15, 15:].mean()
    assert across < 0.1 * inside
    np.testing.assert_array_equal(found[-1], np.eye(30))
    twin = vectors()
    twin[3] = twin[2]
    np.testing.assert_allclose(picture_kernels(twin, BLOCKS)[:3, 2, 3], 1.0, atol=1e-7)


def test_a_block_without_differences_tells_nothing() -> None:
    flat = vectors()
    flat[:, 10:] = 0.0
    found = picture_kernels(flat, BLOCKS)
    pairs = np.array([[0, 1], [2, 20]])
    assert np.isfinite(found).all()
    style = of_pairs(found[1:2] / np.maximum(found[1:2], 1e-300), pairs)
    np.testing.assert_allclose(style, 0.0, atol=1e-12)


def test_kernels_of_pairs_are_those_of_differences() -> None:
    liking = np.random.default_rng(1).normal(size=(2, 6, 4))
    pairs = np.array([[0, 1], [2, 5], [5, 2]])
    difference = liking[:, pairs[:, 1]] - liking[:, pairs[:, 0]]
    found = of_pairs(liking @ liking.transpose(0, 2, 1), pairs)
    np.testing.assert_allclose(found, difference @ difference.transpose(0, 2, 1), atol=1e-12)
    sized = scaled(np.concatenate([found, np.zeros((1, 3, 3))]), np.array([0, 2]))
    np.testing.assert_allclose(np.einsum("mii->mi", sized)[:, [0, 2]].mean(1), [1, 1, 0])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (vectors()[:, :13], r"vectors \(30, 13\) with blocks of 14 numbers"),
        (vectors()[:1], r"vectors \(1, 14\)"),
        (np.full((3, 14), np.nan), "not finite"),
    ],
)
def test_names_what_is_wrong(given: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        picture_kernels(given, BLOCKS)
