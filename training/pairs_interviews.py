"""Interviews about pairs of pictures with few people, one of whom is left out at a time.

Everything that a person's interview rests on comes from the others: what people like in general, and
the fixed order. Pictures of target pairs are never shown, and other people's answers about them are
used by `choix` only, which knows a picture by who compared it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.batch import infer_many
from prefs.model import ChoiceModel
from prefs.space import Floats, TasteSpace
from training.baselines import bradley_terry, pair_gp
from training.hypotheses import Crowd
from training.pairs import SOURCE, Content
from training.policies import Asked, Cohort, Told, adaptive, eig, epig, fixed_order, random_order
from training.predictive import predict

OWN = ("random", "static", "eig", "epig", "eig_alone")
POLICIES = (*OWN, "botorch", "choix")
ORDERS = 6  # random orders of each person, averaged
HYPOTHESES = 1000  # tastes drawn from the population for the fixed order
LAPSE = 0.05


@dataclass
class Course:
    """What one policy did: asked (R, T), -1 padded; p (R, M, 2) target predictions by number of questions.

    seconds: a question's mean. draws: the same for other random orders, averaged over.
    """

    asked: Asked
    p: dict[int, NDArray[np.floating[Any]]]
    seconds: float | None = None
    draws: list[Course] = field(default_factory=list)


class PairInterviews:
    """Choices between pictures, ready for interviews with each rater in turn."""

    def __init__(self, content: Content, ks: Sequence[int], told: Told | None = None) -> None:
        self.content, self.pairs, self.ks = content, content.pairs, list(ks)
        self.told: Told = told or (lambda stage, done, total: None)
        self.vectors, self.source = content.vectors(), content.source
        self.answers = self.pairs.answers[:, self.pairs.candidates]
        self.wanted = self.pairs.answers[:, self.pairs.targets]
        self.raters = len(self.pairs.raters)

    @cached_property
    def spaces(self) -> list[TasteSpace]:
        """The population that each rater is met with: what the others like."""
        return [self.content.without(rater) for rater in range(self.raters)]

    def cohort(self, rater: int, space: TasteSpace, answering: int | None = None) -> Cohort:
        """One rater to be interviewed; `answering` gives the answers where it is another one."""
        candidates, targets = self.vectors[self.pairs.candidates], self.vectors[self.pairs.targets]
        nobody = Crowd.of(space.mean[None], candidates, np.zeros(1, dtype=np.intp))
        model = ChoiceModel(space, {SOURCE: self.source}, "")
        said = self.answers[[rater if answering is None else answering]]
        return Cohort(model, candidates, targets, said, self.wanted[[rater]], nobody)

    def run(self, policy: str) -> Course:
        """The interviews of a policy with every rater."""
        if policy == "botorch":
            return self._gaussian_process()
        if policy == "choix":
            return self._bradley_terry()
        if policy == "random":
            first, *others = [self._own(policy, seed) for seed in range(ORDERS)]
            return replace(first, draws=others)
        return self._own(policy)

    def _own(self, policy: str, seed: int = 0) -> Course:
        """Interviews and predictions by our own model."""
        steps, parts, seconds = max(self.ks), [], 0.0
        predicted: dict[int, list[NDArray[np.float32]]] = {k: [] for k in self.ks}
        for rater in range(self.raters):
            space = self.content.nobody if policy == "eig_alone" else self.spaces[rater]
            cohort = self.cohort(rater, space)
            start = time.perf_counter()
            if policy == "random":
                asked = random_order(cohort, steps, seed=self.raters * seed + rater)
            elif policy == "static":
                asked = fixed_order(cohort, self.orders[rater], steps)
            else:
                scores = epig(cohort) if policy == "epig" else eig(cohort)
                asked = adaptive(cohort, scores, steps, lambda done: None)
            seconds += time.perf_counter() - start
            parts.append(asked)
            for k in self.ks:
                predicted[k].append(predict(cohort.beliefs(asked, k), cohort.targets))
            self.told(policy, rater + 1, self.raters)
        adapted = policy not in ("random", "static")
        each = seconds / max(sum(int((asked >= 0).sum()) for asked in parts), 1)
        p = {k: np.concatenate(one) for k, one in predicted.items()}
        return Course(np.concatenate(parts), p, each if adapted else None)

    def _gaussian_process(self) -> Course:
        candidates, targets = (self.pairs.pairs[rows] for rows in (self.pairs.candidates, self.pairs.targets))
        found = []
        for rater in range(self.raters):
            said = self.answers[rater]
            found.append(
                pair_gp.interview(self.content.taste, candidates, said, targets, self.ks, seed=rater)
            )
            self.told("botorch", rater + 1, self.raters)
        p: dict[int, NDArray[np.floating[Any]]] = {
            k: np.stack([one.predicted[k] for one in found]) for k in self.ks
        }
        seconds = float(np.mean([one.seconds for one in found]))
        return Course(np.stack([one.asked for one in found]), p, seconds)

    def _bradley_terry(self) -> Course:
        """The same predictions at every k: nothing is asked, and all pairs are known from the others."""
        rows = []
        for rater in range(self.raters):
            others = np.delete(self.pairs.answers, rater, axis=0)
            p = bradley_terry.chances_for(
                self.pairs.pairs, others, len(self.pairs.images), self.pairs.targets
            )
            rows.append(np.where(np.isnan(p), 0.5, p))
            self.told("choix", rater + 1, self.raters)
        asked = np.full((self.raters, max(self.ks)), -1, dtype=np.intp)
        return Course(asked, dict.fromkeys(self.ks, np.stack(rows)))

    @cached_property
    def orders(self) -> list[list[int]]:
        """A fixed order of the candidates for each rater, built on the others."""
        found = []
        for rater in range(self.raters):
            others = np.delete(np.arange(self.raters), rater)
            found.append(self._order(self.spaces[rater], others))
            self.told("static order", rater + 1, self.raters)
        return found

    def _order(self, space: TasteSpace, judged: NDArray[np.intp]) -> list[int]:
        """Greedy on the judged raters' actual log loss on targets; the first max(k), then the rest.

        What is known of a rater is a weight on each of many tastes drawn from the population.
        """
        chance = self._chances(space)
        known, aims = chance[self.pairs.candidates], chance[self.pairs.targets]
        weights = np.full((len(judged), chance.shape[2]), 1 / chance.shape[2], dtype=np.float32)
        left, order, gains = np.arange(len(known)), list[int](), np.zeros(len(known))
        for _ in range(min(max(self.ks), len(known))):
            gains = np.zeros(len(known))
            for rater, weight in zip(judged, weights, strict=True):
                asked = left[self.answers[rater, left] >= 0]
                goals = np.flatnonzero(self.wanted[rater] >= 0)
                likely = weight * known[asked, self.answers[rater, asked]]
                right = aims[goals, self.wanted[rater, goals]].T
                logs = np.log(likely @ right) - np.log(likely.sum(1))[:, None] - np.log(weight @ right)
                gains[asked] += logs.mean(1)
            order.append(int(left[gains[left].argmax()]))
            left = left[left != order[-1]]
            said = self.answers[judged, order[-1]]
            weights *= np.where(said[:, None] >= 0, known[order[-1], np.maximum(said, 0)], 1)
            weights /= weights.sum(1, keepdims=True)
        return order + [int(row) for row in left[np.argsort(-gains[left], kind="stable")]]

    def _chances(self, space: TasteSpace) -> NDArray[np.float32]:
        """(P, 2, H) chances of the answers under tastes drawn from the population."""
        rng = np.random.default_rng(0)
        shares = np.array([share for share, _ in space.strengths])
        factors = np.stack([np.broadcast_to(one, space.size) for _, one in space.strengths])
        kind = rng.choice(len(shares), HYPOTHESES, p=shares)
        noise = rng.standard_normal((HYPOTHESES, space.size)) @ np.linalg.cholesky(space.cov).T
        lean = (self.vectors.phi[:, 0] - self.vectors.phi[:, 1]) @ (space.mean + factors[kind] * noise).T
        first = (1 - LAPSE) / (1 + np.exp(-lean)) + LAPSE / 2
        return np.stack([first, 1 - first], axis=1).astype(np.float32)

    def tastes(self, rows: NDArray[np.intp]) -> Floats:
        """(R, d) what each rater is known for by all own answers to some pairs."""
        found = []
        for rater, space in enumerate(self.spaces):
            said = self.pairs.answers[[rater]][:, rows]
            found.append(infer_many(space, self.vectors[rows], said).mean)
        return np.concatenate(found)

    def wrong_person(self) -> Course:
        """Predictions from the answers of the next rater in the fixed order."""
        p: dict[int, list[NDArray[np.float32]]] = {k: [] for k in self.ks}
        parts = []
        for rater, space in enumerate(self.spaces):
            cohort = self.cohort(rater, space, (rater + 1) % self.raters)
            parts.append(fixed_order(cohort, self.orders[rater], max(self.ks)))
            for k in self.ks:
                p[k].append(predict(cohort.beliefs(parts[-1], k), cohort.targets))
        return Course(np.concatenate(parts), {k: np.concatenate(one) for k, one in p.items()})
