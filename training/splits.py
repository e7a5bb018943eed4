"""Who and what is held out: fixed by hashes of the ids, so that figures can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Part = Literal["test", "validation", "train"]
FOLDS: dict[Part, tuple[int, ...]] = {"test": (0, 1), "validation": (2,), "train": (3, 4, 5, 6, 7, 8, 9)}


def fold(name: str, folds: int) -> int:
    """The sha1 of an id as a number, modulo the number of folds."""
    return int(hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest(), 16) % folds


def by_hash(name: str) -> str:
    """What ids are sorted by where some are taken that have nothing in common: their sha1."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def raters_in(raters: Iterable[str], *parts: Part) -> NDArray[np.bool_]:
    """(R,) whether each rater is in one of the parts: 2 of 10 folds test, 1 validates, 7 train."""
    wanted = {number for part in parts for number in FOLDS[part]}
    return np.array([fold(rater, 10) in wanted for rater in raters], dtype=bool)


def are_targets(questions: Iterable[str]) -> NDArray[np.bool_]:
    """(Q,) whether each question is a target, which is predicted and never asked: one in three."""
    return np.array([fold(question, 3) == 0 for question in questions], dtype=bool)
