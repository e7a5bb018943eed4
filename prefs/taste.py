"""A taste: what a belief says about pictures, banks and the person among all people.

The utility of a picture is u = appeal + taste . z, with z ~ N(mean, cov) the belief.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.belief import Belief, probabilities
from prefs.draws import normals
from prefs.model import ChoiceModel, GallerySource
from prefs.pools import Rows
from prefs.progress import NORMAL_95
from prefs.questions import Answer, Question
from prefs.space import Floats

DRAWS = 256
CARD = "kallisti.taste/1"
BLOCK = 16_384  # pictures whose utilities under all draws are held at once
THRESHOLDS = 4_096  # pictures that stand for all where a quantile is taken
NEAR = 0.97  # cosine above which two pictures count as near duplicates


@dataclass(frozen=True)
class Ranking:
    """Pictures in a person's order, best first, all arrays (N,).

    rows: rows of the gallery source. mean, sd: utility in logits. above_median, top: probability
    of standing above the median, and in the top tenth, of the ranked pictures.
    """

    rows: Rows
    items: tuple[str, ...]
    mean: Floats
    sd: Floats
    above_median: Floats
    top: Floats


@dataclass(frozen=True)
class Percentile:
    """Where a person stands on a named direction: percentile of the population and 95 % interval."""

    name: str
    percentile: float
    low: float
    high: float


@dataclass(frozen=True)
class Prediction:
    """The answer that is expected to an unasked question; certainty is its probability."""

    question: Question
    probabilities: Floats
    answer: int
    certainty: float


def rank(belief: Belief, source: GallerySource, rows: Rows | None = None) -> Ranking:
    """Ranks the pictures of the given source rows (all by default) by expected utility.

    The two probabilities count fixed draws of the taste; thresholds are quantiles over at most
    4,096 evenly spaced pictures.
    """
    rows = np.arange(len(source.items)) if rows is None else rows
    if len(rows) == 0:
        return Ranking(rows, (), *np.zeros((4, 0)))
    columns = source.columns
    block = np.linalg.cholesky(belief.cov[np.ix_(columns, columns)])
    tastes = belief.mean[columns] + normals(len(columns), DRAWS) @ block.T
    spaced = rows[np.linspace(0, len(rows) - 1, min(len(rows), THRESHOLDS)).round().astype(np.intp)]
    median, tenth = np.quantile(_utility(source, spaced, tastes), (0.5, 0.9), axis=0)
    mean, sd = utility(belief, source, rows)
    above, top = np.empty(len(rows)), np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        some = slice(start, start + BLOCK)
        values = _utility(source, rows[some], tastes)
        above[some] = (values >= median).mean(1)
        top[some] = (values >= tenth).mean(1)
    order = np.argsort(-mean, kind="stable")
    items = tuple(source.items[row] for row in rows[order])
    return Ranking(rows[order], items, mean[order], sd[order], above[order], top[order])


def utility(belief: Belief, source: GallerySource, rows: Rows) -> tuple[Floats, Floats]:
    """Mean and standard deviation, each (N,), of the utility of pictures, in logits."""
    columns, taste = source.columns, source.taste[rows]
    mean = source.appeal[rows] + taste @ belief.mean[columns]
    variance = np.einsum("ni,ij,nj->n", taste, belief.cov[np.ix_(columns, columns)], taste, optimize=True)
    return mean, np.sqrt(np.maximum(variance, 0.0))


def favorites(
    ranking: Ranking,
    features: NDArray[np.floating[Any]],
    count: int,
    *,
    seen: Collection[str] = (),
    least: bool = False,
) -> list[int]:
    """Positions in a ranking of favorite (or least favorite) unseen pictures, different from each other.

    features: (M, F) vectors by source row, in which a picture whose cosine (around the mean of the
    ranked ones) with one already chosen is above 0.97 is passed over.
    """
    if not ranking.items:
        return []
    center = features[ranking.rows[:: max(len(ranking.rows) // THRESHOLDS, 1)]].mean(0)
    hidden = set(seen)
    order = range(len(ranking.items))
    chosen: list[int] = []
    directions: list[Floats] = []
    for position in reversed(order) if least else order:
        if len(chosen) == count:
            break
        if ranking.items[position] in hidden:
            continue
        direction = np.asarray(features[ranking.rows[position]] - center, dtype=np.float64)
        direction /= max(float(np.linalg.norm(direction)), 1e-12)
        if all(float(direction @ other) < NEAR for other in directions):
            chosen.append(position)
            directions.append(direction)
    return chosen


def map_of(belief: Belief, source: GallerySource, rows: Rows) -> Floats:
    """(N, 2) places of pictures on a map of the taste, each axis centered with unit deviation.

    x is the expected utility. y is the direction in which the pictures differ most among the
    tastes that matter to the person: the first principal direction, with x's direction taken
    out, of the taste vectors weighted by the belief's second moment of each coordinate.
    """
    if len(rows) == 0:
        return np.zeros((0, 2))
    taste = source.taste[rows]
    x = utility(belief, source, rows)[0]
    second = belief.cov[np.ix_(source.columns, source.columns)] + np.outer(
        belief.mean[source.columns], belief.mean[source.columns]
    )
    weighted = (taste - taste.mean(0)) @ np.linalg.cholesky(second)
    x = _standard(x)
    weighted = weighted - np.outer(x, x @ weighted) / max(float(x @ x), 1e-12)
    direction = np.linalg.eigh(weighted.T @ weighted)[1][:, -1]
    direction = direction * (1.0 if direction[np.argmax(np.abs(direction))] > 0 else -1.0)
    return np.stack([x, _standard(weighted @ direction)], axis=1)


def percentiles(belief: Belief, model: ChoiceModel, directions: Mapping[str, Floats]) -> list[Percentile]:
    """Where the person stands in the population on named directions of the taste space, each (d,)."""
    from scipy.special import ndtr

    found = []
    for name, direction in directions.items():
        middle = float(direction @ model.space.mean)
        spread = float(np.sqrt(direction @ model.space.cov @ direction))
        place = (float(direction @ belief.mean) - middle) / spread
        doubt = NORMAL_95 * float(np.sqrt(direction @ belief.cov @ direction)) / spread
        low, mid, high = (100.0 * float(ndtr(z)) for z in (place - doubt, place, place + doubt))
        found.append(Percentile(name, mid, low, high))
    return found


def predictions(belief: Belief, model: ChoiceModel, questions: Sequence[Question]) -> list[Prediction]:
    """What the person would answer to questions of the model, in their order."""
    if not questions:
        return []
    chances = probabilities(belief, model.stack(questions))
    return [
        Prediction(question, row[: len(question.options)], int(np.argmax(row)), float(row.max()))
        for question, row in zip(questions, chances, strict=True)
    ]


def card(
    belief: Belief, model: ChoiceModel, encoder: str, responses: Sequence[tuple[Question, Answer]]
) -> dict[str, Any]:
    """The taste card, format "kallisti.taste/1": everything that another tool needs, as JSON."""
    answered = Counter(question.source for question, answer in responses if answer is not None)
    return {
        "format": CARD,
        "model": model.version,
        "encoder": encoder,
        "blocks": [{"name": name, "size": size} for name, size in model.space.blocks],
        "mean": belief.mean.tolist(),
        "cov": belief.cov.tolist(),
        "lapse": belief.lapse,
        "counts": {
            "answers": answered.total(),
            "skips": sum(answer is None for _, answer in responses),
            "by_source": dict(answered),
        },
    }


def _utility(source: GallerySource, rows: Rows, tastes: Floats) -> Floats:
    """(N, S) utilities of pictures under S draws of the taste block, (S, t)."""
    return np.asarray(source.appeal[rows][:, None] + source.taste[rows] @ tastes.T)


def _standard(values: Floats) -> Floats:
    spread = float(values.std())
    return np.asarray((values - values.mean()) / (spread if spread > 1e-12 else 1.0))
