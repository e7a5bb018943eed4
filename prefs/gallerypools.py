"""Pools of pictures: pairs, grids, thumbs and ratings drawn from one gallery source.

A gallery of a million pictures has too many pairs to list. A proposer, injected because it needs
an index over the pictures, names a few hundred informative ones; small galleries are listed whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from prefs.acquisition import eig
from prefs.belief import Belief
from prefs.errors import ConfigError, ModelError
from prefs.model import GallerySource, QuestionVectors
from prefs.pools import Aim, Candidates, Past, Rows, content
from prefs.questions import PRETTIER, Option, Question, pair, picture

DOMAIN = "taste"
MOST_SHOWN = 4
WHOLE = 64  # pictures of which all pairs are listed
PROPOSALS, ENOUGH = 512, 64
FAVORITES = 48
GRID_SEEDS, GRID_CHOICES = 4, 32
ALL_THE_SAME = "All the same"
LIKE = ("I like it", "Not for me")
LABELS = ("Ugly", "Rather ugly", "In between", "Rather pretty", "Pretty")

# (taste (N, t) float32, appeal (N,), mean (t,), cov (t, t), count, rng) -> (count, 2) rows
Proposer = Callable[[NDArray[np.float32], Any, Any, Any, int, np.random.Generator], Rows]


def no_alt(item: str) -> str:
    """The alternative text of pictures that have none."""
    return ""


class Showing(TypedDict, total=False):
    """Settings of every pool of pictures.

    topics: topic of a picture by its id. chosen: topics (or "taste/topic") to ask about, None for
    all. alt: alternative text of a picture. most_shown: how often a picture is shown at most while
    others can be.
    """

    topics: Mapping[str, str]
    chosen: Collection[str] | None
    alt: Callable[[str], str]
    most_shown: int


class GalleryPool:
    """What all pools of pictures share: which pictures can be shown, and what they are about."""

    def __init__(self, source: GallerySource, **showing: Unpack[Showing]) -> None:
        self.name = source.name
        self.source = source
        self._alt = showing.get("alt", no_alt)
        self._most_shown = showing.get("most_shown", MOST_SHOWN)
        self._topics = showing.get("topics", {})
        chosen = showing.get("chosen")
        names = [self._topics.get(item, "") for item in source.items]
        wanted = {name for name in set(names) if chosen is None or _chosen(name, chosen)}
        self.rows: Rows = np.array([row for row, name in enumerate(names) if name in wanted], dtype=np.intp)
        topic_names = sorted(wanted)
        self.contents = tuple(content(DOMAIN, name) for name in topic_names)
        codes = {name: code for code, name in enumerate(topic_names)}
        self._codes = np.array([codes.get(name, 0) for name in names], dtype=np.intp)

    def about(self, question: Question) -> tuple[str, ...]:
        """The contents of the pictures of a question of this gallery, if all of them are chosen."""
        found = tuple(content(DOMAIN, self._topics.get(item, "")) for item in question.items)
        return found if question.source == self.name and set(found) <= set(self.contents) else ()

    def sample(self, count: int, past: Past, rng: np.random.Generator) -> QuestionVectors:
        """Random pairs of pictures without a tie: the plain "which is prettier?"."""
        return self.source.shown(self._random_pairs(self.rows, count, rng), "pair", tie=False)

    def _open(self, past: Past, limit: float) -> Rows:
        """Source rows of the pictures that are not flagged and were shown fewer than limit times."""
        closed = [item for item, times in past.shown.items() if times >= limit]
        gone = [self.source.rows[item] for item in {*closed, *past.flagged} if item in self.source.rows]
        return self.rows[~np.isin(self.rows, np.array(gone, dtype=np.intp))] if gone else self.rows

    def _candidates(
        self,
        rows: Rows,
        vectors: QuestionVectors,
        build: Callable[[int], Question],
        key: Callable[[int], str],
    ) -> Candidates:
        """Candidates whose pictures are the given source rows, (N, P)."""
        return Candidates(vectors, self.contents, self._codes[rows], build, key)

    def _topic(self, items: Collection[str]) -> str:
        found = {self._topics.get(item, "") for item in items}
        return found.pop() if len(found) == 1 else ""

    def _random_pairs(self, rows: Rows, count: int, rng: np.random.Generator) -> Rows:
        """(<= count, 2) pairs of different pictures, drawn uniformly with replacement."""
        if len(rows) < 2:
            return np.empty((0, 2), dtype=np.intp)
        left = rng.integers(len(rows), size=count)
        right = (left + rng.integers(1, len(rows), size=count)) % len(rows)
        return rows[np.stack([left, right], axis=1)]


class PairPool(GalleryPool):
    """Which of two pictures is prettier, with sides at random and an optional tie.

    Raises:
        ModelError: the proposer names a picture that is not there.
    """

    def __init__(
        self, source: GallerySource, proposer: Proposer, *, tie: bool = True, **showing: Unpack[Showing]
    ) -> None:
        super().__init__(source, **showing)
        self._proposer = proposer
        self._tie = tie
        self._scale = source.scales.get("pair", 1.0)
        self._taste = (self._scale * source.taste[self.rows]).astype(np.float32)
        self._appeal = (self._scale * source.appeal[self.rows]).astype(np.float32)

    def candidates(self, belief: Belief, past: Past, rng: np.random.Generator, aim: Aim) -> Candidates:
        """Unasked pairs that suit the aim."""
        rows = self.pairs(belief, past, rng, aim)
        flip = rng.random(len(rows)) < 0.5
        rows[flip] = rows[flip, ::-1]
        items = self.source.items

        def build(row: int) -> Question:
            left, right = (items[i] for i in rows[row])
            alts = (self._alt(left), self._alt(right))
            return pair(left, right, self.name, alts=alts, tie=self._tie, topic=self._topic((left, right)))

        vectors = self.source.shown(rows, "pair", self._tie)
        return self._candidates(rows, vectors, build, lambda row: self._key(rows[row]))

    def unasked(self, count: int, past: Past, rng: np.random.Generator) -> list[Question]:
        """At most `count` random pairs that were not asked, as `find` gives them."""
        drawn = self._unasked(self._random_pairs(self._open(past, np.inf), 4 * count, rng), past)
        names = list(dict.fromkeys(self._key(rows) for rows in drawn))[:count]
        return [question for name in names if (question := self.find(name)) is not None]

    def find(self, question_id: str) -> Question | None:
        """The pair with this id, or None where not both pictures are here; its sides never change.

        The id says which picture is on the left, as a coin would: half of all pairs each way.
        """
        kind, *items = question_id.split(":")
        if kind != "pair" or len(set(items)) != 2 or items != sorted(items):
            return None
        rows = np.array([self.source.rows.get(item, -1) for item in items])
        places = np.searchsorted(self.rows, rows)
        if not (places < len(self.rows)).all() or (self.rows[places] != rows).any():
            return None
        left, right = items if hashlib.sha256(question_id.encode()).digest()[0] % 2 else items[::-1]
        alts = (self._alt(left), self._alt(right))
        return pair(left, right, self.name, alts=alts, tie=self._tie, topic=self._topic((left, right)))

    def pairs(self, belief: Belief, past: Past, rng: np.random.Generator, aim: Aim) -> Rows:
        """(N, 2) source rows of unasked pairs; pictures shown too often only where no others are left."""
        for limit in (self._most_shown, np.inf):
            rows = self._open(past, limit)
            found = self._unasked(self._listed(rows, belief, rng, aim), past)
            if len(found) < ENOUGH and len(rows) > WHOLE:  # most of what is proposed was asked or is closed
                drawn = self._unasked(self._random_pairs(rows, PROPOSALS, rng), past)
                found = np.concatenate([found, drawn])
            if len(found):
                break
        return found

    def _listed(self, rows: Rows, belief: Belief, rng: np.random.Generator, aim: Aim) -> Rows:
        if len(rows) <= WHOLE:
            return all_pairs(rows)
        if aim == "random":
            return self._random_pairs(rows, PROPOSALS, rng)
        if aim == "utility":
            return all_pairs(rows[self._hopeful(rows, belief)])
        columns = self.source.columns
        found = self._proposer(
            self._taste,
            self._appeal,
            belief.mean[columns],
            belief.cov[np.ix_(columns, columns)],
            PROPOSALS,
            rng,
        )
        if found.size and not 0 <= found.min() <= found.max() < len(self.rows):
            raise ModelError(f"proposed pictures {found.min()} to {found.max()} of {len(self.rows)}")
        named = self.rows[found]
        return named if len(rows) == len(self.rows) else named[np.isin(named, rows).all(1)]

    def _hopeful(self, rows: Rows, belief: Belief) -> Rows:
        """Pictures that may be the favorite: highest mean plus one standard deviation of utility."""
        columns = self.source.columns
        taste = self.source.taste[rows]
        spread = np.sqrt(np.square(taste @ np.linalg.cholesky(belief.cov[np.ix_(columns, columns)])).sum(1))
        hope = self.source.appeal[rows] + taste @ belief.mean[columns] + spread
        return np.sort(np.argsort(-hope, kind="stable")[:FAVORITES])

    def _unasked(self, rows: Rows, past: Past) -> Rows:
        keys = ((self.name, self._key(pictures)) for pictures in rows)
        fresh = [row for row, key in enumerate(keys) if key not in past.questions]
        return rows[fresh]

    def _key(self, rows: Rows) -> str:
        first, second = sorted(self.source.items[row] for row in rows)
        return f"pair:{first}:{second}"


class GridPool(PairPool):
    """Which of 4 to 9 pictures is prettiest: the best pairs, each grown greedily by information."""

    def __init__(
        self, source: GallerySource, proposer: Proposer, *, size: int = 4, **showing: Unpack[Showing]
    ) -> None:
        if not 4 <= size <= 9:
            raise ConfigError(f"a grid of {size} pictures: allowed are 4 to 9")
        super().__init__(source, proposer, **showing)
        self._size = size

    def candidates(self, belief: Belief, past: Past, rng: np.random.Generator, aim: Aim) -> Candidates:
        """A few unasked grids."""
        rows = self._unasked(self._grown(belief, past, rng, aim), past)
        rows = rng.permuted(rows, axis=1)
        items = self.source.items

        def build(row: int) -> Question:
            shown = tuple(items[i] for i in rows[row])
            options = [Option(picture(item, self._alt(item))) for item in shown]
            tie = [Option(ALL_THE_SAME, "tie")] if self._tie else []
            topic = self._topic(shown)
            name = self._key(rows[row])
            return Question(name, "grid", PRETTIER, (*options, *tie), self.name, DOMAIN, topic)

        vectors = self.source.shown(rows, "grid", self._tie)
        return self._candidates(rows, vectors, build, lambda row: self._key(rows[row]))

    def _grown(self, belief: Belief, past: Past, rng: np.random.Generator, aim: Aim) -> Rows:
        seeds = self.pairs(belief, past, rng, aim)
        rows = self._open(past, np.inf)
        if len(seeds) == 0 or len(rows) < self._size:
            return np.empty((0, self._size), dtype=np.intp)
        if aim == "random":
            picks = [rng.choice(rows, self._size, replace=False) for _ in range(GRID_SEEDS)]
            return np.array(picks, dtype=np.intp)
        gains = eig(belief, self.source.shown(seeds, "grid", self._tie))
        grids = seeds[np.argsort(-gains, kind="stable")[:GRID_SEEDS]]
        while grids.shape[1] < self._size:
            grids = np.stack([self._with_one_more(grid, rows, belief, rng) for grid in grids])
        return grids

    def _with_one_more(self, grid: Rows, rows: Rows, belief: Belief, rng: np.random.Generator) -> Rows:
        others = np.setdiff1d(rng.permutation(rows)[: GRID_CHOICES + len(grid)], grid)
        wider = np.column_stack([np.broadcast_to(grid, (len(others), len(grid))), others])
        gains = eig(belief, self.source.shown(wider, "grid", self._tie))
        return np.asarray(wider[int(np.argmax(gains))], dtype=np.intp)

    def _key(self, rows: Rows) -> str:
        names = sorted(self.source.items[row] for row in rows)
        return ":".join(("pair" if len(names) == 2 else "grid", *names))


class ThumbsPool(GalleryPool):
    """Like or dislike, one picture at a time; a picture is judged once."""

    def candidates(self, belief: Belief, past: Past, rng: np.random.Generator, aim: Aim) -> Candidates:
        """At most 4,096 pictures that were not judged yet."""
        return self._singles("thumbs", past, rng)

    def _singles(self, kind: str, past: Past, rng: np.random.Generator) -> Candidates:
        rows = self._open(past, np.inf)
        if len(rows) > 8 * PROPOSALS:
            rows = rows[np.sort(rng.choice(len(rows), 8 * PROPOSALS, replace=False))]
        items = self.source.items
        keys = ((self.name, f"{kind}:{items[row]}") for row in rows)
        rows = rows[[place for place, key in enumerate(keys) if key not in past.questions]]
        return self._candidates(
            rows[:, None],
            self._vectors(rows),
            lambda row: self._question(items[rows[row]]),
            lambda row: f"{kind}:{items[rows[row]]}",
        )

    def _vectors(self, rows: Rows) -> QuestionVectors:
        return self.source.thumbs(rows)

    def _question(self, item: str) -> Question:
        options = tuple(Option(label) for label in LIKE)
        shown = f"Do you like it? {picture(item, self._alt(item))}"
        topic = self._topic((item,))
        return Question(f"thumbs:{item}", "thumbs", shown, options, self.name, DOMAIN, topic)


class RatingPool(ThumbsPool):
    """How pretty is one picture, on ordered labels from low to high."""

    def __init__(
        self, source: GallerySource, *, labels: tuple[str, ...] = LABELS, **showing: Unpack[Showing]
    ) -> None:
        if len(labels) < 2:
            raise ConfigError(f"a rating with {len(labels)} labels: at least two are needed")
        super().__init__(source, **showing)
        self._labels = labels

    def candidates(self, belief: Belief, past: Past, rng: np.random.Generator, aim: Aim) -> Candidates:
        """At most 4,096 pictures that were not rated yet."""
        return self._singles("rating", past, rng)

    def _vectors(self, rows: Rows) -> QuestionVectors:
        return self.source.ratings(rows, len(self._labels))

    def _question(self, item: str) -> Question:
        options = tuple(Option(label) for label in self._labels)
        shown = f"How pretty is it? {picture(item, self._alt(item))}"
        topic = self._topic((item,))
        return Question(f"rating:{item}", "rating", shown, options, self.name, DOMAIN, topic)


def all_pairs(rows: Rows) -> Rows:
    """(n (n - 1) / 2, 2) every pair of the given rows."""
    first, second = np.triu_indices(len(rows), 1)
    return np.stack([rows[first], rows[second]], axis=1)


def _chosen(topic: str, chosen: Collection[str]) -> bool:
    return DOMAIN in chosen or topic in chosen or content(DOMAIN, topic) in chosen
