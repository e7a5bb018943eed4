from __future__ import annotations

import itertools

import numpy as np
import pytest

from vlm.interviewer_trie import Trie

END = 0


class Model:
    """Random logits of six tokens after every prefix; counts how often it is asked."""

    def __init__(self, seed: int, sharpness: float = 2.0) -> None:
        self.seed, self.sharpness, self.calls = seed, sharpness, 0

    def all(self, prefix: tuple[int, ...]) -> np.ndarray:
        return self.sharpness * np.random.default_rng([self.seed, *prefix, 99]).normal(size=6)

    def __call__(self, prefix: tuple[int, ...], following: np.ndarray) -> np.ndarray:
        self.calls += 1
        return self.all(prefix)[following]


def sequences() -> list[tuple[int, ...]]:
    return [(*one, END) for size in (1, 2, 3) for one in itertools.product(range(1, 4), repeat=size)]


def log_p(model: Model, sequence: tuple[int, ...], allowed: list[tuple[int, ...]]) -> float:
    """Log probability of a sequence, each token among those that lead to an allowed one."""
    total = 0.0
    for place, token in enumerate(sequence):
        prefix = sequence[:place]
        ahead = sorted({one[place] for one in allowed if len(one) > place and one[:place] == prefix})
        scores = model.all(prefix)[ahead]
        total += scores[ahead.index(token)] - np.logaddexp.reduce(scores)
    return total


@pytest.mark.parametrize("seed", range(5))
def test_finds_the_most_probable_of_all_that_are_allowed(seed: int) -> None:
    every = sequences()
    allowed = np.random.default_rng(seed).random(len(every)) < 0.6
    left = [one for one, keep in zip(every, allowed, strict=True) if keep]
    model = Model(seed)
    found = Trie(every).best(allowed, model, most=1000)
    values = {one: log_p(model, one, left) for one in left}
    assert np.exp(list(values.values())).sum() == pytest.approx(1.0)
    best = max(values, key=lambda one: values[one])
    assert found is not None
    assert every[found.row] == best
    assert found.log_p == pytest.approx(values[best])
    assert found.exact


def test_a_bounded_search_is_told_and_still_finds_a_question() -> None:
    every = sequences()
    model = Model(3, sharpness=0.01)
    found = Trie(every).best(np.ones(len(every), dtype=bool), model, most=2)
    assert found is not None
    assert not found.exact
    assert model.calls <= 2 + 4


def test_equal_texts_are_asked_one_after_another_and_nothing_left_is_none() -> None:
    trie = Trie([(1, 2, END), (1, 2, END)])
    rows = []
    allowed = np.array([True, True])
    while (found := trie.best(allowed, Model(0), most=5)) is not None:
        rows.append(found.row)
        allowed[found.row] = False
    assert rows == [0, 1]


def test_what_has_no_choice_costs_nothing() -> None:
    model = Model(0)
    found = Trie([(1, 2, 3, END)]).best(np.array([True]), model, most=5)
    assert found is not None
    assert (found.log_p, model.calls) == (0.0, 0)
