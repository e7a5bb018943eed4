"""Simulated interviews of many raters at once, each answering as he really did.

A policy is asked only about questions that the rater answered. All raters go through the interview in
step, so that a step is one inference and one scoring for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefs.batch import Beliefs, infer_many
from prefs.model import ChoiceModel, QuestionVectors
from prefs.space import Floats
from training.predictive import apart, together
from training.surveys import MISSING

Asked = NDArray[np.intp]
Scores = Callable[[Beliefs], Floats]
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Cohort:
    """Raters to interview: answers (R, N) to the N candidates and (R, M) to the M targets, -1 missing."""

    model: ChoiceModel
    candidates: QuestionVectors
    targets: QuestionVectors
    answers: NDArray[np.intp]
    wanted: NDArray[np.intp]

    def beliefs(self, asked: Asked, count: int) -> Beliefs:
        """Beliefs after the first `count` of the asked questions (R, T), -1 where there are no more."""
        return self.knowing(np.where(taken(asked[:, :count], self.answers.shape[1]), self.answers, MISSING))

    def knowing(self, answers: NDArray[np.intp]) -> Beliefs:
        """Beliefs after the given answers (R, N) to the candidates."""
        known = np.flatnonzero((answers >= 0).any(0))
        if not len(known):
            known = np.arange(1)
        return infer_many(
            self.model.space, self.candidates[known], answers[:, known], around=self.model.lapse
        )


def taken(asked: Asked, count: int) -> NDArray[np.bool_]:
    """(R, count) whether each of the questions is among the asked (R, T)."""
    found = np.zeros((len(asked), count + 1), dtype=bool)
    np.put_along_axis(found, asked, True, 1)  # -1 falls into the last column
    return found[:, :count]


def random_order(cohort: Cohort, steps: int, seed: int = 0) -> Asked:
    """(R, T) candidates in random order, another for each rater."""
    order = np.random.default_rng(seed).random(cohort.answers.shape)
    return _in_order(cohort, order, steps)


def fixed_order(cohort: Cohort, order: Sequence[int], steps: int) -> Asked:
    """(R, T) candidates in one order for all; what a rater did not answer is passed over."""
    place = np.empty(len(order))
    place[list(order)] = np.arange(len(order))
    return _in_order(cohort, np.broadcast_to(place, cohort.answers.shape), steps)


def _in_order(cohort: Cohort, order: Floats, steps: int) -> Asked:
    answered = cohort.answers >= 0
    sequence = np.where(answered, order, np.inf).argsort(1, kind="stable")[:, :steps]
    return np.where(np.take_along_axis(answered, sequence, 1), sequence, MISSING)


def adaptive(cohort: Cohort, scores: Scores, steps: int, told: Callable[[int], None]) -> Asked:
    """(R, T) the best candidate at each step by scores (R, N) of the beliefs at that step."""
    count = cohort.answers.shape[1]
    asked = np.full((len(cohort.answers), min(steps, count)), MISSING)
    for step in range(asked.shape[1]):
        allowed = (cohort.answers >= 0) & ~taken(asked[:, :step], count)
        gains = np.where(allowed, scores(cohort.beliefs(asked, step)), -np.inf)
        asked[:, step] = np.where(allowed.any(1), gains.argmax(1), MISSING)
        told(step + 1)
    return asked


def eig(cohort: Cohort) -> Scores:
    """Scores by the information of the answer about the taste, in nats."""

    def scores(beliefs: Beliefs) -> Floats:
        found = np.empty(cohort.answers.shape)
        for part, p in apart(beliefs, cohort.candidates):
            found[part] = entropy(p.mean(3)) - entropy(p).mean(2)
        return found

    return scores


def epig(cohort: Cohort) -> Scores:
    """Scores by the mean information of the answer about the answers to the targets, in nats."""
    both = QuestionVectors(
        np.concatenate([cohort.candidates.phi, cohort.targets.phi]),
        np.concatenate([cohort.candidates.g, cohort.targets.g]),
    )
    count, options = len(cohort.candidates), both.g.shape[1]

    def scores(beliefs: Beliefs) -> Floats:
        found = np.empty(cohort.answers.shape)
        for part, p in together(beliefs, both):
            alone = entropy(p.mean(2))
            raters, draws = p.shape[1:3]
            said = p[..., :count].transpose(1, 3, 0, 2).reshape(raters, count * options, draws)
            wanted = p[..., count:].transpose(1, 2, 0, 3).reshape(raters, draws, -1)
            joint = (said @ wanted / draws).reshape(raters, count, options, -1)
            both_said = -_log_of(joint).sum((2, 3)) / len(cohort.targets)
            found[part] = alone[:, :count] + alone[:, count:].mean(1, keepdims=True) - both_said
        return found

    return scores


def entropy(p: NDArray[np.float32]) -> NDArray[np.float32]:
    """Entropy in nats over the first axis; 0 log 0 = 0."""
    return np.asarray(-_log_of(p).sum(0))


def _log_of(p: NDArray[np.float32]) -> NDArray[np.float32]:
    """p log p, 0 at 0."""
    return np.asarray(p * np.log(np.maximum(p, 1e-30)))


def interviews(
    cohort: Cohort, policies: Sequence[str], orders: Mapping[str, Sequence[int]], steps: int, told: Told
) -> dict[str, Asked]:
    """What each policy asks, (R, T) candidates by policy; orders: of the fixed policies."""
    found: dict[str, Asked] = {}
    for policy in policies:
        if policy == "random":
            found[policy] = random_order(cohort, steps)
        elif policy in orders:
            found[policy] = fixed_order(cohort, orders[policy], steps)
        else:
            scores = {"eig": eig, "epig": epig}[policy](cohort)
            found[policy] = adaptive(cohort, scores, steps, lambda n, name=policy: told(name, n, steps))  # type: ignore[misc]
    return found
