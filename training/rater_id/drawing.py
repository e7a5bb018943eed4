"""What a step learns from, drawn by its number alone: a training that was cut off goes on the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefs.errors import DataError
from prefs.questions import Question
from training.rater_id.corpus import Part
from training.rater_id.recipe import Recipe
from training.surveys import MISSING

TRIES = 50  # questions that are drawn until enough raters answered them
FEWEST = 2  # raters of a step


@dataclass(frozen=True)
class Draw:
    """B questions of a part and R raters who answered some of them.

    questions: (B,) as they are read. columns: (B,) of the part. answers: (R, B), -1 for none. context:
    (R, B) answers that are known, never all and never none of a rater's. rng: goes on from there.
    """

    part: int
    questions: tuple[Question, ...]
    columns: NDArray[np.intp]
    answers: NDArray[np.int64]
    context: NDArray[np.bool_]
    rng: np.random.Generator


def shares(parts: Sequence[Part]) -> NDArray[np.float64]:
    """(P,) how often each part is drawn: as the root of its number of questions."""
    roots = np.sqrt([len(part.learned) for part in parts])
    return np.asarray(roots / roots.sum())


def draw(parts: Sequence[Part], recipe: Recipe, step: int) -> Draw:
    """What step `step` learns from: only learned questions, and raters who do not judge.

    Raises:
        DataError: no two raters answered enough of the same questions of the part that was drawn.
    """
    rng = np.random.default_rng([recipe.seed, step])
    number = int(rng.choice(len(parts), p=shares(parts)))
    part = parts[number]
    for _ in range(TRIES):
        columns = _related(part, recipe.questions, rng)
        rows = _hearing(part, part.learners, columns, min(recipe.least, len(columns)))
        if len(rows) >= FEWEST:
            break
    else:
        raise DataError(
            f"data set {part.name!r}: no two raters answered {recipe.least} of {recipe.questions} questions, "
            f"drawn {TRIES} times: lower `least` of the recipe, or leave the set out"
        )
    if len(rows) > recipe.raters:
        rows = np.sort(rng.choice(rows, recipe.raters, replace=False))
    answers = part.answers[np.ix_(rows, columns)].astype(np.int64)
    plain = rng.random(len(columns)) < recipe.stripped
    read = tuple(
        (part.plain if bare else part.questions)[column] for column, bare in zip(columns, plain, strict=True)
    )
    return Draw(number, read, columns, answers, split(answers, recipe.context, rng), rng)


def check(parts: Sequence[Part], recipe: Recipe) -> None:
    """Raises DataError where a part has no two raters who answered enough to take part in a step."""
    for part in parts:
        least = min(recipe.least, len(part.learned))
        heard = int((part.given[np.ix_(part.learners, part.learned)].sum(1) >= least).sum())
        if heard < FEWEST:
            raise DataError(
                f"data set {part.name!r} has {heard} raters who answered {least} questions that are learned "
                f"from: {FEWEST} are needed, lower `least` in a --recipe or leave the set out"
            )


def split(
    answers: NDArray[np.int64], share: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(R, B) which answers are known: a random share of each rater's, at least one, and never all of them.

    answers: (R, B), -1 for none; every rater has two or more. share: smallest and largest.
    """
    given = answers != MISSING
    count = given.sum(1)
    wanted = np.rint(rng.uniform(*share, len(answers)) * count).astype(np.intp)
    wanted = np.clip(wanted, 1, count - 1)
    order = np.where(given, rng.random(answers.shape), 2.0).argsort(1).argsort(1)
    return np.asarray(order < wanted[:, None])


def _related(part: Part, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """(B,) columns that are learned from, sorted: one at random, and others that the same raters answered."""
    learned = part.learned
    if len(learned) <= most:
        return learned
    first = int(rng.integers(len(learned)))
    weight = part.together(learned[[first]], learned)[0].astype(np.float64)
    weight[first] = 0.0
    count = min(most - 1, int((weight > 0).sum()))
    if count == 0:
        return learned[[first]]
    others = rng.choice(len(learned), count, replace=False, p=weight / weight.sum())
    return np.sort(learned[[first, *others]])


def _hearing(part: Part, rows: NDArray[np.intp], columns: NDArray[np.intp], least: int) -> NDArray[np.intp]:
    """The rows among these that hold at least so many answers, and two, in the columns."""
    heard = part.given[np.ix_(rows, columns)].sum(1)
    return np.asarray(rows[heard >= max(least, 2)])
