"""Greedy plans that tell which group a rater belongs to, not who it is: the states of `training.greedy`.

A group is as likely as its members together. Hypotheses stay raters, all equally likely at first, so with
w_h the weight of rater h after the answers so far and a an answer to question q,

    p(G | answers) = sum_{h in G} w_h / sum_h w_h,
    P(a | q, G) = sum_{h in G} w_h P(a | q, h) / sum_{h in G} w_h.

`GroupHindsight` takes the question whose actual answer raises log p(true group) most, `GroupExpected` the
one whose answer tells most about the group: the entropy of the expected answer less the expected entropy
of the answer once the group is known (Lindley 1956). As for raters, sums are matrix products in single
precision, and questions that these leave possible are summed again in double precision.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from prefs.space import Floats
from training.greedy import NOTHING, ROUNDED, Blind
from training.groups import Groups
from training.hypotheses import Bools, Rows, Singles, Suspects, entropies

BLURRED = 3e-5  # error in nats of gains in single precision, with what is left out
NEGLIGIBLE = 1e-10  # probability below which a group tells nothing; of 32,768 groups less than BLURRED


class Members:
    """The groups of the suspects of B raters.

    crowd: (H,) groups of the crowd. near: (B, M) of the rater's own suspects. own: (B,) of the rater.
    """

    def __init__(self, groups: Groups, suspects: Suspects, raters: Rows, nearest: Rows | None) -> None:
        """raters: (B,) rows of the corpus. nearest: (B, M) rows, None where the crowd is everybody."""
        self.shared = suspects.crowd
        self.crowd = groups.of[suspects.crowd.rows]
        self.near = groups.of[np.empty((len(raters), 0), np.intp) if nearest is None else nearest]
        self.own = groups.of[raters]

    @property
    def inside(self) -> Bools:
        """(B, H + M) which suspects are of the rater's own group."""
        return np.concatenate([self.crowd == self.own[:, None], self.near == self.own[:, None]], 1)

    def start(self, suspects: Suspects) -> Floats:
        """(B,) log p of the true groups before any answer."""
        total = suspects.prior.sum(1, dtype=np.float64)
        return np.asarray(np.log((suspects.prior * self.inside).sum(1, dtype=np.float64) / total))

    def of_row(self, row: int) -> Rows:
        """(H + M,) groups of the suspects of one rater."""
        return np.concatenate([self.crowd, self.near[row]])

    def keep(self, chosen: Bools) -> None:
        """Goes on with some of the raters."""
        self.near, self.own = self.near[chosen], self.own[chosen]

    @cached_property
    def parts(self) -> dict[int, tuple[Rows, Singles]]:
        """By group: its members in the crowd (n,), and the chances of all options under them (n, C)."""
        order = np.argsort(self.crowd, kind="stable")
        found, starts = np.unique(self.crowd[order], return_index=True)
        pieces = np.split(order, starts[1:])
        chance = self.shared.chance
        return {
            int(group): (piece, np.ascontiguousarray(chance[:, piece].T))
            for group, piece in zip(found, pieces, strict=True)
        }


class GroupHindsight:
    """Looks at the actual answers: the upper bound of what questions can tell about a group.

    With I and O the summed weights inside and outside of the true group, log p = -log(1 + O / I); both are
    kept as multiples of their own largest weight, so that certainty and surprise keep their digits.
    """

    def __init__(self, suspects: Suspects, options: Rows, members: Members) -> None:
        """options: (B, Q) the option of `Crowd.chance` that each rater chose, any where none."""
        self.suspects, self.options = suspects, options
        inside = members.inside
        self.inner = suspects.prior * inside
        self.outer = suspects.prior * ~inside
        self.scale = np.zeros(len(options))  # log of what O / I is a multiple of

    def best(self, left: Bools) -> tuple[Rows, None]:
        """(B,) the questions whose answers raise log p most."""
        rows = np.arange(len(left))
        inside, outside = (
            np.take_along_axis(self.suspects.expected(weights, rows), self.options, 1).astype(np.float64)
            for weights in (self.inner, self.outer)
        )
        odds = np.where(left, outside / inside, np.inf)
        chosen = odds.argmin(1)
        possible = left & (odds <= odds.min(1, keepdims=True) * (1 + 2 * ROUNDED))
        for row in np.flatnonzero(possible.sum(1) > 1).tolist():
            questions = np.flatnonzero(possible[row])
            table = self.suspects.table(row, self.options[row, questions]).astype(np.float64)
            exact = (table * self.outer[row]).sum(1) / (table * self.inner[row]).sum(1)
            chosen[row] = questions[exact.argmin()]
        return chosen, None

    def answer(self, questions: Rows) -> Floats:
        """Hears the answers to questions (B,); returns log p (B,) of the true groups."""
        said = self.suspects.of(self.options[np.arange(len(questions)), questions])
        for weights, sign in ((self.inner, -1), (self.outer, 1)):
            weights *= said
            peak = np.maximum(weights.max(1), np.finfo(np.float32).tiny)
            weights /= peak[:, None]
            self.scale += sign * np.log(peak.astype(np.float64))
        inside, outside = (weights.sum(1, dtype=np.float64) for weights in (self.inner, self.outer))
        odds = self.scale + np.log(np.maximum(outside, 1e-300)) - np.log(inside)
        return np.asarray(-np.logaddexp(0.0, odds))

    def keep(self, chosen: Bools) -> None:
        """Goes on with some of the raters."""
        self.suspects.keep(chosen)
        self.options, self.scale = self.options[chosen], self.scale[chosen]
        self.inner, self.outer = self.inner[chosen], self.outer[chosen]


class GroupExpected(Blind):
    """Expects what answers tell about the group, without looking at them before they are given."""

    blurred = BLURRED

    def __init__(self, suspects: Suspects, options: Rows, members: Members) -> None:
        """options: (B, Q) the option of `Crowd.chance` that each rater chose, any where none."""
        super().__init__(suspects, options)
        self.members = members

    def _gains(self, rows: Rows) -> Floats:
        """(N, Q) gains of all questions for some raters."""
        weights, first = self.weights[rows], self.suspects.crowd.first
        found = entropies(self.suspects.expected(weights, rows).T, first).T.astype(np.float64)
        near = _Near(self.members.near[rows], weights, self.suspects, rows)
        for group in np.union1d(list(self.members.parts), near.groups).tolist():
            members, chance = self.members.parts.get(group, near.nobody)
            p = weights[:, members].sum(1) + near.mass(group)
            live = np.flatnonzero(p > NEGLIGIBLE)
            if len(live):
                joint = weights[np.ix_(live, members)] @ chance
                near.add(group, live, joint)
                p = p[live, None]
                found[live] -= p * entropies((joint / p).T, first).T
        return found

    def _exact(self, row: int, questions: Rows) -> Floats:
        """(N,) gains of some questions for one rater in double precision."""
        crowd, weights = self.suspects.crowd, self.weights[row].astype(np.float64)
        kept = np.flatnonzero(weights > NOTHING * weights.max())
        groups = self.members.of_row(row)[kept]
        kept = kept[np.argsort(groups, kind="stable")]
        starts = np.unique(np.sort(groups), return_index=True)[1]
        weights = weights[kept] / weights[kept].sum()
        options, first = crowd.options_of(questions)
        joint = self.suspects.table(row, options)[:, kept] * weights
        p = np.add.reduceat(weights, starts)
        known = entropies(np.add.reduceat(joint, starts, axis=1) / p, first)
        return np.asarray(entropies(joint.sum(1), first) - (known * p).sum(1))

    def answer(self, questions: Rows) -> Floats:
        """Hears the answers to questions (B,); returns log p (B,) of the true groups."""
        self._hear(questions)
        inside = self.members.inside
        own = (self.weights * inside).sum(1, dtype=np.float64)
        others = (self.weights * ~inside).sum(1, dtype=np.float64)
        return np.asarray(-np.log1p(others / np.maximum(own, 1e-300)))

    def keep(self, chosen: Bools) -> None:
        """Goes on with some of the raters."""
        super().keep(chosen)
        self.members.keep(chosen)


class _Near:
    """The raters' own suspects, group by group; without any, nothing is added."""

    def __init__(self, groups: Rows, weights: Singles, suspects: Suspects, rows: Rows) -> None:
        """groups: (N, M). weights: (N, H + M). rows: (N,) of the suspects."""
        shared = len(suspects.crowd.rows)
        row, column = np.nonzero(weights[:, shared:] > 0)
        order = np.argsort(groups[row, column], kind="stable")
        self.row, self.column = row[order], column[order]
        self.groups, self.starts = np.unique(groups[self.row, self.column], return_index=True)
        self.weight = weights[self.row, shared + self.column]
        self.count, self.chance, self.rows = len(groups), suspects.near, rows
        self.nobody = (np.empty(0, np.intp), np.empty((0, len(suspects.crowd.chance)), np.float32))

    def mass(self, group: int) -> Singles:
        """(N,) weight of a group among each rater's own suspects."""
        part = self._part(group)
        weight = np.bincount(self.row[part], self.weight[part], minlength=self.count)
        return weight.astype(np.float32)

    def add(self, group: int, live: Rows, joint: Singles) -> None:
        """Adds weights times chances to joint (n, C), for the raters in the rows live (n,), ascending."""
        part = self._part(group)
        row, column, weight = self.row[part], self.column[part], self.weight[part]
        at = np.searchsorted(live, row)
        there = np.flatnonzero(live[np.minimum(at, len(live) - 1)] == row)
        if len(there):
            chance = self.chance[self.rows[row[there]], column[there]]
            np.add.at(joint, at[there], weight[there, None] * chance)

    def _part(self, group: int) -> slice:
        place = int(np.searchsorted(self.groups, group))
        if place == len(self.groups) or self.groups[place] != group:
            return slice(0, 0)
        end = self.starts[place + 1] if place + 1 < len(self.starts) else len(self.row)
        return slice(int(self.starts[place]), int(end))
