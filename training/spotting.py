"""Spotting one of a group of people: which questions to ask, and how soon the group is narrowed down.

Everybody in the group is a hypothesis of `training.identify`; the interviewer knows who is in the group and
how each answers, not who sits there. A hypothesis is known from all answers of the rater (READINGS ""), or
from those to targets only, which are never asked ("_unseen").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefs.batch import Beliefs, infer_many
from prefs.model import ChoiceModel, QuestionVectors
from prefs.space import Floats
from prefs.static import static_id_order
from training.evaluate import LEAST_TARGETS
from training.fitted import FittedBank
from training.hypotheses import Crowd
from training.identify import TOP, Identified, hypotheses, identify
from training.policies import Asked, Cohort, Told, adaptive, counting, eig, fixed_order, naming, random_order
from training.splits import Part, are_targets, by_hash, raters_in
from training.surveys import MISSING, Survey

READINGS = ("", "_unseen")
POWERS = {"eig_id": 0.0, "quarter_id": 0.25, "root_id": 0.5, "hit_id": 1.0}  # of `training.policies.naming`
BLIND = ("random", "static_id", "eig")  # ask the same whoever is in the group
POLICIES = (*BLIND, *POWERS, "top_id")
HELD = 1 << 22  # joint chances held at once


@dataclass(frozen=True)
class Group:
    """G raters, one of whom is answering.

    candidates: N questions; answers: (G, N), -1 missing. tastes: (G, d) that each is known by, one array
    for each of READINGS. beliefs: given all answers, every question of the survey among them; vectors and
    said (G, Q): of all questions. asked: (N,) rows of the candidates among all.
    """

    model: ChoiceModel
    vectors: QuestionVectors
    said: NDArray[np.intp]
    asked: NDArray[np.intp]
    beliefs: Beliefs
    tastes: Mapping[str, Floats]

    @property
    def candidates(self) -> QuestionVectors:
        """The questions that may be asked."""
        return self.vectors[self.asked]

    @property
    def answers(self) -> NDArray[np.intp]:
        """(G, N) answers to the candidates."""
        return self.said[:, self.asked]

    def cohort(self, reading: str) -> Cohort:
        """The group as raters to interview, each of whom is one of the group."""
        tastes, candidates = self.tastes[reading], self.candidates
        crowd = Crowd.of(tastes, candidates, np.arange(len(tastes)))
        return Cohort(self.model, candidates, candidates[:1], self.answers, self.answers[:, :1], crowd)


def group_of(survey: Survey, fitted: FittedBank, part: Part, size: int) -> Group:
    """The first `size` raters of a part with at least five target answers, in order of their sha1."""
    targets = are_targets(question.question_id for question in survey.questions)
    table = survey.table().astype(np.intp)
    able = raters_in(survey.raters, part) & ((table[:, targets] >= 0).sum(1) >= LEAST_TARGETS)
    order = sorted(np.flatnonzero(able), key=lambda row: by_hash(survey.raters[row]))
    said, model = table[order[:size]], fitted.alone()
    vectors = fitted.source(model.space).all()
    every = infer_many(model.space, vectors, said, around=model.lapse)
    aims = np.flatnonzero(targets)
    unseen = infer_many(model.space, vectors[aims], said[:, aims], around=model.lapse)
    tastes = dict(zip(READINGS, (every.mean, unseen.mean), strict=True))
    return Group(model, vectors, said, np.flatnonzero(~targets), every, tastes)


def order_of(group: Group, steps: int) -> list[int]:
    """A fixed order of the candidates, greedy on the actual log p(true ID) within the group."""
    order = static_id_order(group.vectors, group.said, group.beliefs, group.asked.tolist(), count=steps)
    places = {int(column): place for place, column in enumerate(group.asked)}
    return [places[column] for column in order]


def top_id(crowd: Crowd, answers: NDArray[np.intp], steps: int, top: int = TOP) -> Asked:
    """(G, T) candidates after whose answer, unseen, the `top` likeliest of the crowd are likeliest to
    hold the true rater; answers: (G, N), -1 missing."""
    asked = np.full((len(answers), min(steps, answers.shape[1])), MISSING)
    size = max(1, HELD // crowd.chance.size)
    cut = max(crowd.chance.shape[1] - top, 0)
    for start in range(0, len(answers), size):
        said = answers[start : start + size]
        free, rows = said >= 0, np.arange(len(said))
        logs = np.zeros((len(said), crowd.chance.shape[1]), np.float32)
        for step in range(asked.shape[1]):
            weights = np.exp(logs - logs.max(1, keepdims=True))
            weights /= weights.sum(1, keepdims=True)
            joint = weights[:, None] * crowd.chance
            held = np.partition(joint, cut, axis=2)[..., cut:].sum(2)
            best = np.where(free, np.add.reduceat(held, crowd.first, axis=1), -np.inf).argmax(1)
            left = np.asarray(free.any(1))
            asked[start : start + size, step] = np.where(left, best, MISSING)
            chosen = crowd.chance[crowd.first[best] + np.maximum(said[rows, best], 0)]
            logs += np.where(left[:, None], np.log(chosen), 0)
            free[rows, best] = False
    return asked


def asked_by(policy: str, cohort: Cohort, order: Sequence[int], steps: int, told: Told) -> Asked:
    """(G, T) what one of POLICIES asks everybody in the group; order: that of `static_id`."""
    tell = counting(told, policy, steps)
    if policy == "random":
        return random_order(cohort, steps)
    if policy == "static_id":
        return fixed_order(cohort, order, steps)
    if policy == "eig":
        return adaptive(cohort, eig(cohort), steps, tell)
    if policy == "top_id":
        return top_id(cohort.crowd, cohort.answers, steps)
    return naming(cohort, POWERS[policy], steps, counting(told, policy, len(cohort.answers)))


def spotted(
    group: Group, policies: Sequence[str], order: Sequence[int], steps: int, told: Told
) -> dict[str, dict[str, Identified]]:
    """How well each policy finds who answers after 0 to `steps` questions, by policy and reading."""
    found: dict[str, dict[str, Identified]] = {policy: {} for policy in policies}
    true, blind = np.arange(len(group.said)), dict[str, Asked]()
    for reading in READINGS:
        cohort = group.cohort(reading)
        table = hypotheses(group.tastes[reading], cohort.candidates)
        for policy in policies:
            asked = blind.get(policy)
            if asked is None:
                asked = asked_by(policy, cohort, order, steps, told)
            if policy in BLIND:
                blind[policy] = asked
            found[policy][reading] = identify(table, asked, cohort.answers, true)
    return found
