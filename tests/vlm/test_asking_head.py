from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prefs.belief import Belief
from prefs.errors import ModelError
from prefs.model import QuestionVectors
from vlm.asking_head import FEATURES, PolicyHead, State, features

RNG = np.random.default_rng(0)
SIZE = 5


def vectors(count: int = 7) -> QuestionVectors:
    phi, g = RNG.normal(size=(count, 3, SIZE)), RNG.normal(size=(count, 3))
    phi[0, 2], g[0, 2] = 0.0, -np.inf
    return QuestionVectors(phi, g)


def belief(scale: float = 0.5) -> Belief:
    root = np.tril(RNG.normal(size=(SIZE, SIZE))) * 0.2 + scale * np.eye(SIZE)
    return Belief(RNG.normal(size=SIZE), root @ root.T, 0.02, 4)


def head(seed: int = 0) -> PolicyHead:
    rng = np.random.default_rng(seed)
    sizes = ((len(FEATURES), 6), (6, 6), (6, 1))
    layers = tuple(
        (rng.normal(size=size).astype(np.float32), rng.normal(size=size[1]).astype(np.float32))
        for size in sizes
    )
    return PolicyHead(layers, np.zeros(len(FEATURES), np.float32), np.ones(len(FEATURES), np.float32), {})


def test_features_by_hand() -> None:
    asked, known, population = vectors(), belief(), np.eye(SIZE)
    found = features(State.of(known, population), asked)
    for row in range(len(asked)):
        real = np.isfinite(asked.g[row])
        phi, g = asked.phi[row][real], asked.g[row][real]
        p = np.exp(phi @ known.mean + g)
        p /= p.sum()
        fisher = (phi * p[:, None]).T @ phi - np.outer(p @ phi, p @ phi)
        spread, before = np.trace(known.cov @ fisher), np.trace(fisher)
        values = dict(zip(FEATURES, found[row], strict=True))
        assert values["entropy"] == pytest.approx(-(p * np.log(p)).sum(), rel=1e-4)
        assert values["spread"] == pytest.approx(spread, rel=1e-4)
        assert values["spread_before"] == pytest.approx(before, rel=1e-4)
        assert values["remaining"] == pytest.approx(np.log(spread / before), abs=1e-4)
        assert values["options"] == pytest.approx(np.log(len(p)), rel=1e-5)
        assert values["likeliest"] == pytest.approx(p.max(), rel=1e-5)
        assert values["answers"] == pytest.approx(np.log(5))
        half = np.linalg.slogdet(known.cov)[1] / 2
        assert values["known"] == pytest.approx(-half, rel=1e-4)


def test_neither_the_basis_nor_coordinates_that_nothing_asks_about_matter() -> None:
    asked, known, own = vectors(), belief(), head()
    population = np.diag(RNG.uniform(0.5, 2.0, SIZE))
    turned = np.linalg.qr(RNG.normal(size=(SIZE, SIZE)))[0]
    plain = own.gains(known, asked, population)
    other = Belief(turned @ known.mean, turned @ known.cov @ turned.T, 0.02, 4)
    moved = QuestionVectors(asked.phi @ turned.T, asked.g)
    assert own.gains(other, moved, turned @ population @ turned.T) == pytest.approx(plain, rel=1e-3)
    wide = Belief(np.pad(known.mean, (0, 2)), _wider(known.cov), 0.02, 4)
    widened = QuestionVectors(np.pad(asked.phi, ((0, 0), (0, 0), (0, 2))), asked.g)
    assert own.gains(wide, widened, _wider(population)) == pytest.approx(plain, rel=1e-4)


def _wider(cov: np.ndarray) -> np.ndarray:
    found = np.eye(len(cov) + 2)
    found[: len(cov), : len(cov)] = cov
    return found


def test_many_questions_are_scored_as_each_alone() -> None:
    asked, known, own = vectors(2100), belief(), head()
    together = own.gains(known, asked, np.eye(SIZE))
    rows = [0, 1023, 1024, 2099]
    alone = [own.gains(known, asked[row : row + 1], np.eye(SIZE))[0] for row in rows]
    assert together[rows] == pytest.approx(alone, rel=1e-4)
    assert (together >= 0).all()


def test_a_folder_gives_the_same_head(tmp_path: Path) -> None:
    own, asked, known = head(), vectors(), belief()
    own.save(tmp_path / "head")
    again = PolicyHead.load(tmp_path / "head")
    assert np.array_equal(again.gains(known, asked, np.eye(SIZE)), own.gains(known, asked, np.eye(SIZE)))
    (tmp_path / "head" / "head.json").write_text("{}")
    with pytest.raises(ModelError, match="damaged"):
        PolicyHead.load(tmp_path / "head")


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    own = head()
    own.layers[1][0][0, 0] = np.inf
    own.save(tmp_path / "head")
    with pytest.raises(ModelError, match="not finite"):
        PolicyHead.load(tmp_path / "head")
