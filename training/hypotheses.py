"""Who could be answering: raters as hypotheses, and how likely each makes every answer.

Hypothesis r speaks as P(a | q, z_r) with a lapse of 0.05 (`training.identify`), z_r the posterior mean
given all answers of r; all hypotheses are equally likely at first. Every rater of a corpus is one. Where
these are too many, each rater is weighed against a sample that all share and against the raters nearest
in taste, who are hardest to tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.batch import infer_many
from prefs.model import ChoiceModel, QuestionVectors
from prefs.space import Floats
from training.identify import hypotheses
from training.surveys import MISSING, Survey

Singles = NDArray[np.float32]
Rows = NDArray[np.intp]
Bools = NDArray[np.bool_]

LISTED = 65_536  # tastes up to which neighbors are searched without cells
CELLS, PROBED = 1024, 16


@dataclass(frozen=True)
class Crowd:
    """H hypotheses that all raters are weighed against.

    chance: (C, H) of every option of every question, in order. first: (Q,) row where the options of
    each question begin. rows: (H,) which raters of the corpus they are, ascending.
    """

    chance: Singles
    first: Rows
    rows: Rows

    @classmethod
    def of(cls, tastes: Floats, vectors: QuestionVectors, rows: Rows) -> Crowd:
        """The raters in the given rows; tastes: (R, d) of all."""
        first = np.concatenate([[0], np.cumsum(vectors.counts)[:-1]])
        return cls(chances(tastes[rows], vectors), first, rows)

    @cached_property
    def entropy(self) -> Floats:
        """(Q, H) entropy in nats of each hypothesis's answer to each question."""
        return entropies(self.chance.astype(np.float64), self.first)

    def options_of(self, questions: Rows) -> tuple[Rows, Rows]:
        """Rows in `chance` of the options of some questions, and where each question begins among them."""
        ends = np.append(self.first[1:], len(self.chance))
        options = np.concatenate([np.arange(self.first[q], ends[q]) for q in questions])
        return options, np.concatenate([[0], np.cumsum(ends[questions] - self.first[questions])[:-1]])

    def places(self, rows: Rows) -> Rows:
        """Where raters stand among the hypotheses, -1 for those who do not; of the shape of rows."""
        at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[at] == rows, at, -1)


@dataclass
class Suspects:
    """The hypotheses for each of B raters: the crowd's H, and M of the rater's own.

    prior: (B, H + M) 1, or 0 for a hypothesis that stands there twice. own: (B,) which of them is the
    rater. near: (B, M, C) chance of every option under the M; M is 0 where the crowd is everybody.
    """

    crowd: Crowd
    prior: Singles
    own: Rows
    near: Singles

    @classmethod
    def everybody(cls, crowd: Crowd, rows: Rows) -> Suspects:
        """The whole crowd for raters who all belong to it."""
        prior = np.ones((len(rows), len(crowd.rows)), np.float32)
        near = np.empty((len(rows), 0, len(crowd.chance)), np.float32)
        return cls(crowd, prior, crowd.places(rows), near)

    @classmethod
    def around(cls, crowd: Crowd, nearest: Rows, tastes: Floats, vectors: QuestionVectors) -> Suspects:
        """The crowd and those nearest to each rater; nearest: (B, M), the rater first."""
        count, own = nearest.shape
        prior = np.ones((count, len(crowd.rows) + own), np.float32)
        places = crowd.places(nearest)
        row, column = np.nonzero(places >= 0)
        prior[row, places[row, column]] = 0.0
        prior[:, len(crowd.rows) + 1 :][nearest[:, 1:] == nearest[:, :1]] = 0.0
        near = chances(tastes[nearest.ravel()], vectors).T.reshape(count, own, -1)
        return cls(crowd, prior, np.full(count, len(crowd.rows)), np.ascontiguousarray(near))

    def expected(self, weights: Singles, rows: Rows) -> Singles:
        """(N, C) sums of the chances of all options; weights: (N, H + M) of the raters in the rows."""
        shared = len(self.crowd.rows)
        found = weights[:, :shared] @ self.crowd.chance.T
        if self.near.shape[1]:
            found += np.matmul(weights[:, None, shared:], self.near[rows])[:, 0]
        return np.asarray(found)

    def of(self, options: Rows) -> Singles:
        """(B, H + M) chance of one option for each rater; options: (B,) of C."""
        shared = self.crowd.chance[options]
        if not self.near.shape[1]:
            return shared
        own = np.take_along_axis(self.near, options[:, None, None], 2)[..., 0]
        return np.concatenate([shared, own], 1)

    def table(self, row: int, options: Rows) -> Singles:
        """(N, H + M) chance of some options for one rater."""
        shared = self.crowd.chance[options]
        return np.concatenate([shared, self.near[row].T[options]], 1)

    def own_chance(self, options: Rows) -> Floats:
        """(B, N) chance of options (B, N) under the rater himself."""
        if self.near.shape[1]:
            return np.take_along_axis(self.near[:, 0], options, 1).astype(np.float64)
        return self.crowd.chance[options, self.own[:, None]].astype(np.float64)

    def keep(self, chosen: Bools) -> None:
        """Goes on with some of the raters."""
        self.prior, self.own, self.near = self.prior[chosen], self.own[chosen], self.near[chosen]


def chances(tastes: Floats, vectors: QuestionVectors) -> Singles:
    """(C, H) chance of every option of every question under H tastes (H, d)."""
    return np.asarray(np.exp(hypotheses(tastes, vectors)[np.isfinite(vectors.g)]))


def entropies(chance: NDArray[Any], first: Rows) -> NDArray[Any]:
    """(Q, ...) entropy in nats over the options of each question; chance: (C, ...)."""
    return np.asarray(-np.add.reduceat(chance * np.log(chance), first, axis=0))


def answers_of(survey: Survey, part: slice) -> Rows:
    """(B, Q) first answers of the raters of a part, -1 where there are none."""
    found = np.full((part.stop - part.start, len(survey.questions)), MISSING, dtype=np.intp)
    span = slice(int(survey.starts[part.start]), int(survey.starts[part.stop]))
    rows = np.repeat(np.arange(len(found)), np.diff(survey.starts[part.start : part.stop + 1]))
    columns, first = survey.columns[span], np.ones(len(rows), dtype=bool)
    first[1:] = (np.diff(rows) != 0) | (np.diff(columns) != 0)  # occasions ascend
    found[rows[first], columns[first]] = survey.answers[span][first]
    return found


def known_tastes(survey: Survey, model: ChoiceModel, vectors: QuestionVectors, part: slice) -> Floats:
    """(B, d) posterior means of the raters of a part given all their answers."""
    return infer_many(model.space, vectors, answers_of(survey, part), around=model.lapse).mean


def sampled(count: int, size: int, seed: int) -> Rows:
    """`size` of `count` raters drawn at random, ascending; all of them where there are no more."""
    if size >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, size, replace=False))


class Neighbors:
    """Finds the raters whose tastes are nearest, by Euclidean distance in whitened coordinates."""

    def __init__(self, tastes: Floats, cov: Floats) -> None:
        import faiss

        self.tastes = np.linalg.solve(np.linalg.cholesky(cov), tastes.T).T.astype(np.float32, order="C")
        count, size = tastes.shape
        # beyond LISTED the search looks into the nearest cells only and may miss a few neighbors
        index: Any = faiss.index_factory(size, "Flat" if count <= LISTED else f"IVF{CELLS},Flat")
        index.train(self.tastes)
        index.add(self.tastes)
        self.index = index

    def __getstate__(self) -> dict[str, Any]:
        import faiss

        return {"tastes": self.tastes, "index": faiss.serialize_index(self.index)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        import faiss

        self.tastes, self.index = state["tastes"], faiss.deserialize_index(state["index"])

    def of(self, part: slice, count: int) -> Rows:
        """(B, 1 + count) each rater of the part, then the nearest others.

        Where a search finds too few, the rater is repeated.
        """
        rows = np.arange(part.start, part.stop)[:, None]
        if len(self.tastes) > LISTED:
            self.index.nprobe = PROBED
        found = self.index.search(self.tastes[part], count + 1)[1]
        found = np.where(found < 0, rows, found)
        others = np.take_along_axis(found, (found == rows).argsort(1, kind="stable"), 1)[:, :count]
        return np.concatenate([rows, others], 1).astype(np.intp)
