"""Interviews about pairs of pictures with few people, one of whom is left out at a time.

Pictures of target pairs are never shown, and other people's answers about them are used for the fixed
order, and by `choix`, which knows a picture by who compared it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prefs.batch import infer_many
from prefs.model import ChoiceModel
from prefs.space import TasteSpace
from training.baselines import bradley_terry, pair_gp
from training.few_interviews import POLICIES, Course, FewInterviews, Known, Predictions
from training.hypotheses import Crowd
from training.identify import hypotheses
from training.pairs import SOURCE, Content
from training.policies import Cohort, Told
from training.predictive import predict

HYPOTHESES = 1000  # tastes drawn from the population for the fixed order
LAPSE = 0.05


class PairInterviews(FewInterviews):
    """Choices between pictures, ready for interviews with each rater in turn.

    eig_alone: as eig, but starting without what others like, as `botorch` does.
    """

    policies = (*POLICIES, "eig_alone", "botorch", "choix")
    adaptive = ("eig", "epig", "eig_alone")

    def __init__(self, content: Content, ks: Sequence[int], told: Told | None = None) -> None:
        self.content, self.pairs = content, content.pairs
        self.vectors, self.source = content.vectors(), content.source
        self._tables: dict[Known, NDArray[np.float32]] = {}
        answers = self.pairs.answers
        super().__init__(answers[:, self.pairs.candidates], answers[:, self.pairs.targets], ks, told)

    @cached_property
    def spaces(self) -> list[TasteSpace]:
        """The population that each rater is met with: what the others like."""
        return [self.content.without(rater) for rater in range(self.raters)]

    def cohort(self, rater: int, answering: int | None = None) -> Cohort:
        """One rater, met with what the others like."""
        return self._met(rater, self.spaces[rater], rater if answering is None else answering)

    def _met(self, rater: int, space: TasteSpace, answering: int) -> Cohort:
        candidates, targets = self.vectors[self.pairs.candidates], self.vectors[self.pairs.targets]
        nobody = Crowd.of(space.mean[None], candidates, np.zeros(1, dtype=np.intp))
        model = ChoiceModel(space, {SOURCE: self.source}, "")
        said, wanted = self.answers[[answering]], self.wanted[[rater]]
        return Cohort(model, candidates, targets, said, wanted, nobody)

    def run(self, policy: str) -> Course:
        """The interviews of a policy with every rater."""
        if policy == "botorch":
            return self._gaussian_process()
        if policy == "choix":
            return self._bradley_terry()
        if policy == "eig_alone":
            nobody = self.content.nobody
            return self.interviewed(policy, lambda rater: self._met(rater, nobody, rater))
        return super().run(policy)

    def generic(self) -> Predictions:
        """(R, M, 2) predictions before the first question, from what the others like."""
        cohorts = (self.cohort(rater) for rater in range(self.raters))
        nothing = np.empty((1, 0), dtype=np.intp)
        return np.concatenate([predict(one.beliefs(nothing, 0), one.targets) for one in cohorts])

    def hypotheses(self, rater: int, known: Known) -> NDArray[np.float32]:
        """(N, 2, R) log chances; each of the raters is known by own answers and what the others like."""
        if known not in self._tables:
            rows = self.pairs.targets if known else np.arange(len(self.pairs.pairs))
            tastes = [
                infer_many(space, self.vectors[rows], self.pairs.answers[[other]][:, rows]).mean
                for other, space in enumerate(self.spaces)
            ]
            self._tables[known] = hypotheses(np.concatenate(tastes), self.vectors[self.pairs.candidates])
        return self._tables[known]

    def _gaussian_process(self) -> Course:
        candidates, targets = (self.pairs.pairs[rows] for rows in (self.pairs.candidates, self.pairs.targets))
        found = []
        for rater in range(self.raters):
            said = self.answers[rater]
            found.append(
                pair_gp.interview(self.content.taste, candidates, said, targets, self.ks, seed=rater)
            )
            self.told("botorch", rater + 1, self.raters)
        p: dict[int, Predictions] = {k: np.stack([one.predicted[k] for one in found]) for k in self.ks}
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

    def order(self, rater: int) -> list[int]:
        """Greedy on the other raters' actual log loss on targets; the first max(k), then the rest.

        What is known of a rater is a weight on each of many tastes drawn from the population: so few
        people are no sample of the tastes that there are.
        """
        judged, chance = np.delete(np.arange(self.raters), rater), self._chances(self.spaces[rater])
        known, aims = chance[self.pairs.candidates], chance[self.pairs.targets]
        weights = np.full((len(judged), chance.shape[2]), 1 / chance.shape[2], dtype=np.float32)
        left, order, gains = np.arange(len(known)), list[int](), np.zeros(len(known))
        for _ in range(min(max(self.ks), len(known))):
            gains = np.zeros(len(known))
            for other, weight in zip(judged, weights, strict=True):
                asked = left[self.answers[other, left] >= 0]
                goals = np.flatnonzero(self.wanted[other] >= 0)
                likely = weight * known[asked, self.answers[other, asked]]
                right = aims[goals, self.wanted[other, goals]].T
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
