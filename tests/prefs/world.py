"""A small synthetic world: a gallery, a bank, a choice model over both, and people who answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from prefs.bank import ItemBank
from prefs.gallerypools import PairPool
from prefs.interview import Interview
from prefs.log import Action, Entry
from prefs.model import BankSource, ChoiceModel, GallerySource, scores
from prefs.planner import Planner
from prefs.pools import BankPool, Rows
from prefs.questions import Answer, Option, Question
from prefs.space import independent
from prefs.stopper import Stopper

TASTES, TRAITS = 4, 2
LABELS = tuple(Option(label) for label in ("No", "Rather no", "Rather yes", "Yes"))


def model(pictures: int = 30, sentences: int = 12, seed: int = 1) -> ChoiceModel:
    rng = np.random.default_rng(seed)
    blocks = [("pictures", np.zeros(TASTES), np.eye(TASTES)), ("bank", np.zeros(TRAITS), np.eye(TRAITS))]
    space = independent(blocks)
    gallery = GallerySource(
        "gallery",
        tuple(f"p{row:03}" for row in range(pictures)),
        rng.normal(size=(pictures, TASTES)),
        0.3 * rng.normal(size=pictures),
        space.columns("pictures"),
        space.size,
        scales={"pair": 1.5, "grid": 1.5},
    )
    loadings = rng.normal(size=(sentences, TRAITS))
    phi = 1.5 * scores(len(LABELS))[0][None, :, None] * loadings[:, None]
    g = 0.3 * rng.normal(size=(sentences, len(LABELS)))
    names = tuple(f"s{row}" for row in range(sentences))
    bank = BankSource("bank", names, phi, g, space.columns("bank"), space.size)
    return ChoiceModel(space, {"gallery": gallery, "bank": bank}, "world")


def gallery_of(world: ChoiceModel) -> GallerySource:
    source = world.sources["gallery"]
    assert isinstance(source, GallerySource)
    return source


def bank_of(world: ChoiceModel) -> ItemBank:
    source = world.sources["bank"]
    assert isinstance(source, BankSource)
    domains = ("personality", "morality")
    questions = (
        Question(name, "rating", f"Sentence {name}", LABELS, "bank", domains[row % 2])
        for row, name in enumerate(source.questions)
    )
    return ItemBank("bank", tuple(questions))


def propose(taste: Any, appeal: Any, mean: Any, cov: Any, count: int, rng: np.random.Generator) -> Rows:
    """A plain proposer: the most uncertain of many random pairs."""
    left = rng.integers(len(taste), size=8 * count)
    right = (left + rng.integers(1, len(taste), size=8 * count)) % len(taste)
    gap = taste[left] - taste[right]
    doubt = np.einsum("ni,ij,nj->n", gap, cov, gap)
    return np.stack([left, right], 1)[np.argsort(-doubt, kind="stable")[:count]]


def pair_pool(world: ChoiceModel, **rest: Any) -> PairPool:
    return PairPool(gallery_of(world), propose, **rest)


def bank_pool(world: ChoiceModel) -> BankPool:
    source = world.sources["bank"]
    assert isinstance(source, BankSource)
    return BankPool(bank_of(world), source)


def counted(prefix: str = "t") -> Callable[[], str]:
    """Tokens in order, so that tests are the same every time."""
    numbers = itertools.count()
    return lambda: f"{prefix}{next(numbers)}"


def interview(world: ChoiceModel, planner: Planner | None = None, **rest: Any) -> Interview:
    pools = rest.pop("pools", None) or (pair_pool(world), bank_pool(world))
    stopper: Stopper | None = rest.pop("stopper", None)
    return Interview(world, pools, planner or Planner(), stopper, tokens=counted(), **rest)


class Clerk:
    """Makes entries with ids and times in order."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(
        self, action: Action, token: str | None = None, answer: Answer = None, item: str | None = None
    ) -> Entry:
        self._count += 1
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._count)
        return Entry(f"e{self._count}", token, action, answer, item, 900, at)


class Person:
    """Answers by the choice model with a fixed taste."""

    def __init__(self, world: ChoiceModel, seed: int) -> None:
        self._world = world
        self._rng = np.random.default_rng(seed)
        self.z = self._rng.multivariate_normal(world.space.mean, world.space.cov)

    def answer(self, question: Question) -> int:
        phi, g = self._world.vectors(question)
        weights = np.exp(phi @ self.z + g - (phi @ self.z + g).max())
        return int(self._rng.choice(len(weights), p=weights / weights.sum()))
