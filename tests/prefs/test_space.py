from __future__ import annotations

import numpy as np
import pytest

from prefs.errors import ModelError
from prefs.space import STYLE_SD, TasteSpace, independent


def test_a_space_is_made_of_blocks() -> None:
    space = independent([("pictures", np.ones(2), 2 * np.eye(2)), ("bank", np.zeros(1), np.eye(1))])
    assert space.blocks == (("style", 5), ("pictures", 2), ("bank", 1))
    assert space.columns("bank").tolist() == [7]
    np.testing.assert_array_equal(space.mean, [0, 0, 0, 0, 0, 1, 1, 0])
    np.testing.assert_array_equal(np.diagonal(space.cov), [*np.square(STYLE_SD), 2, 2, 1])
    with pytest.raises(ModelError, match="no block 'music'"):
        space.columns("music")


@pytest.mark.parametrize(
    ("blocks", "mean", "cov", "word"),
    [
        ((("pictures", 6),), np.zeros(6), np.eye(6), "style"),
        ((("style", 5), ("x", 1)), np.zeros(5), np.eye(6), "6 coordinates"),
        ((("style", 5),), np.full(5, np.nan), np.eye(5), "not finite"),
        ((("style", 5),), np.zeros(5), -np.eye(5), "positive definite"),
    ],
)
def test_a_space_that_is_no_population_is_refused(
    blocks: tuple[tuple[str, int], ...], mean: np.ndarray, cov: np.ndarray, word: str
) -> None:
    with pytest.raises(ModelError, match=word):
        TasteSpace(blocks, mean, cov)
