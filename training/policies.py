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
from prefs.belief import Belief
from prefs.model import ChoiceModel, QuestionVectors
from prefs.space import Floats
from training.greedy import Hindsight, Limits, greedy
from training.hypotheses import Crowd, Suspects
from training.predictive import apart, together
from training.surveys import MISSING
from vlm.asking_head import PolicyHead

Asked = NDArray[np.intp]
Scores = Callable[[Beliefs, NDArray[np.bool_]], Floats]
Told = Callable[[str, int, int], None]  # hears of progress: stage, done, total
CROWDED = 512  # raters whose hypotheses are weighed at once
NAMING = {"eig_id": 0.0, "root_id": 0.5}


@dataclass(frozen=True)
class Cohort:
    """Raters to interview: answers (R, N) to the N candidates and (R, M) to the M targets, -1 missing.

    crowd: everybody who could be answering, with the chances of the candidates' options. context: C
    questions that were answered beforehand, said: (R, C) how.
    """

    model: ChoiceModel
    candidates: QuestionVectors
    targets: QuestionVectors
    answers: NDArray[np.intp]
    wanted: NDArray[np.intp]
    crowd: Crowd
    context: QuestionVectors | None = None
    said: NDArray[np.intp] | None = None

    def beliefs(self, asked: Asked, count: int) -> Beliefs:
        """Beliefs after the first `count` of the asked questions (R, T), -1 where there are no more."""
        return self.knowing(np.where(taken(asked[:, :count], self.answers.shape[1]), self.answers, MISSING))

    def knowing(self, answers: NDArray[np.intp]) -> Beliefs:
        """Beliefs after the given answers (R, N) to the candidates, and what was known beforehand."""
        known = np.flatnonzero((answers >= 0).any(0))
        if not len(known):
            known = np.arange(1)
        vectors, answers = self.candidates[known], answers[:, known]
        if self.context is not None and self.said is not None:
            vectors, answers = joined(vectors, self.context), np.concatenate([answers, self.said], axis=1)
        return infer_many(self.model.space, vectors, answers, around=self.model.lapse)


def joined(one: QuestionVectors, other: QuestionVectors) -> QuestionVectors:
    """The questions of both, which have as many options at most."""
    return QuestionVectors(np.concatenate([one.phi, other.phi]), np.concatenate([one.g, other.g]))


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


@dataclass(frozen=True)
class Near:
    """How far an adaptive policy may go from a fixed order.

    It follows the order for the first `after` questions, then chooses among the next `width` that the
    rater was not asked yet. A width of 1 is the order itself.
    """

    width: int = 1
    after: int = 0

    def of(self, order: Sequence[int], allowed: NDArray[np.bool_], step: int) -> NDArray[np.bool_]:
        """(R, N) which of the allowed candidates may be asked at a step; order: of all N."""
        width = self.width if step >= self.after else 1
        place = np.where(allowed, np.argsort(order), len(order))
        last = min(width, len(order)) - 1
        return allowed & (place <= np.partition(place, last, axis=1)[:, [last]])


def adaptive(
    cohort: Cohort,
    scores: Scores,
    steps: int,
    told: Callable[[int], None],
    near: Near | None = None,
    order: Sequence[int] = (),
) -> Asked:
    """(R, T) the best candidate at each step by scores (R, N) of the beliefs at that step.

    scores: of the beliefs and of the candidates (R, N) that each rater may be asked; what is there for
    others is not looked at. near: how far from a fixed order of the candidates, None for any distance.
    """
    count = cohort.answers.shape[1]
    asked = np.full((len(cohort.answers), min(steps, count)), MISSING)
    for step in range(asked.shape[1]):
        allowed = (cohort.answers >= 0) & ~taken(asked[:, :step], count)
        allowed = near.of(order, allowed, step) if near else allowed
        gains = np.where(allowed, scores(cohort.beliefs(asked, step), allowed), -np.inf)
        asked[:, step] = np.where(allowed.any(1), gains.argmax(1), MISSING)
        told(step + 1)
    return asked


def eig(cohort: Cohort) -> Scores:
    """Scores by the information of the answer about the taste, in nats."""

    def scores(beliefs: Beliefs, allowed: NDArray[np.bool_]) -> Floats:
        found = np.zeros(allowed.shape)
        for part, columns, p in apart(beliefs, cohort.candidates, allowed):
            found[part, columns] = entropy(p.mean(3)) - entropy(p).mean(2)
        return found

    return scores


def epig(cohort: Cohort) -> Scores:
    """Scores by the mean information of the answer about the answers to the targets, in nats.

    Every candidate is weighed with every target, so in a bank of which each rater answered little it
    matters that only what a rater may be asked is scored.
    """
    both, count = joined(cohort.candidates, cohort.targets), len(cohort.candidates)
    real, options = np.isfinite(both.g), both.counts

    def scores(beliefs: Beliefs, allowed: NDArray[np.bool_]) -> Floats:
        found = np.zeros(allowed.shape)
        needed = np.pad(allowed, ((0, 0), (0, len(cohort.targets))), constant_values=True)
        for part, columns, p in together(beliefs, both, needed):
            asked = columns[columns < count]
            if not len(asked):
                continue
            alone = entropy(p.mean(2))
            question, option = real[columns].nonzero()
            chances = p[option, :, :, question]  # (options of all questions, raters, draws)
            first = np.concatenate([[0], np.cumsum(options[asked])])
            said = chances[: first[-1]].swapaxes(0, 1)
            wanted = chances[first[-1] :].transpose(1, 2, 0)
            joint = _log_of(said @ wanted / p.shape[2]).sum(2)
            both_said = -np.add.reduceat(joint, first[:-1], axis=1) / len(cohort.targets)
            own, aims = alone[:, : len(asked)], alone[:, len(asked) :].mean(1, keepdims=True)
            found[part, asked] = own + aims - both_said
        return found

    return scores


def by_head(cohort: Cohort, head: PolicyHead) -> Scores:
    """Scores by what a policy head expects of the answer, in nats."""

    def scores(beliefs: Beliefs, allowed: NDArray[np.bool_]) -> Floats:
        parts = zip(beliefs.mean, beliefs.cov, beliefs.lapse, beliefs.answers, strict=True)
        each = (Belief(mean, cov, float(lapse), int(count)) for mean, cov, lapse, count in parts)
        return np.stack([head.gains(one, cohort.candidates, cohort.model.space.cov) for one in each])

    return scores


def naming(cohort: Cohort, power: float, steps: int, told: Callable[[int], None]) -> Asked:
    """(R, T) the candidates that tell best which of the crowd is answering, the answer unseen.

    power 0: the expected log of the probability that the true rater gets, that is the information
    about the ID. Above 0: its expected power, which prefers to be sure of some raters to knowing a
    little about all.
    """
    crowd, count = cohort.crowd, len(cohort.candidates)
    raised = crowd.chance ** np.float32(1 + power)
    noise = crowd.entropy.T.astype(np.float32)
    asked = np.full((len(cohort.answers), min(steps, count)), MISSING)
    for start in range(0, len(asked), CROWDED):
        part = slice(start, start + CROWDED)
        answers = cohort.answers[part]
        free, rows = answers >= 0, np.arange(len(answers))
        logs = np.zeros((len(rows), crowd.chance.shape[1]), np.float32)
        for step in range(asked.shape[1]):
            weights = np.exp(logs - logs.max(1, keepdims=True))
            weights /= weights.sum(1, keepdims=True)
            p = weights @ crowd.chance.T
            if power:
                gains = (weights ** np.float32(1 + power) @ raised.T) * p ** np.float32(-power)
            else:
                gains = -p * np.log(p)
            gains = np.add.reduceat(gains, crowd.first, axis=1) - (0 if power else weights @ noise)
            best = np.where(free, gains, -np.inf).argmax(1)
            left = np.asarray(free.any(1))
            asked[part, step] = np.where(left, best, MISSING)
            said = crowd.chance[crowd.first[best] + np.maximum(answers[rows, best], 0)]
            logs += np.where(left[:, None], np.log(said), 0)
            free[rows, best] = False
        told(min(start + CROWDED, len(asked)))
    return asked


def seen_beforehand(cohort: Cohort, rows: NDArray[np.intp], steps: int) -> Asked:
    """(R, T) the candidates whose actual answers raise log p(true rater) most, one after another.

    No interviewer can choose so: it is the bound of what questions can tell. rows: (R,) which of the
    crowd each rater is.
    """
    found = []
    for start in range(0, len(rows), CROWDED):
        part = slice(start, start + CROWDED)
        suspects, answers = Suspects.everybody(cohort.crowd, rows[part]), cohort.answers[part]
        state = Hindsight(suspects, np.maximum(answers, 0) + cohort.crowd.first)
        alone = np.full(len(answers), -np.log(len(cohort.crowd.rows)))
        found.append(greedy(state, answers >= 0, alone, Limits(steps, -np.inf)).questions)
    return np.concatenate(found)


def entropy(p: NDArray[np.float32]) -> NDArray[np.float32]:
    """Entropy in nats over the first axis; 0 log 0 = 0."""
    return np.asarray(-_log_of(p).sum(0))


def _log_of(p: NDArray[np.float32]) -> NDArray[np.float32]:
    """p log p, 0 at 0."""
    return np.asarray(p * np.log(np.maximum(p, 1e-30)))


def interviews(
    cohort: Cohort,
    policies: Sequence[str],
    orders: Mapping[str, Sequence[int]],
    steps: int,
    told: Told,
    near: Near,
) -> dict[str, Asked]:
    """What each policy asks, (R, T) candidates by policy; orders: of the fixed policies.

    near: how far from the static order `policy` may go, which chooses by epig.
    """
    found: dict[str, Asked] = {}
    for policy in policies:
        if policy == "random":
            found[policy] = random_order(cohort, steps)
        elif policy in orders:
            found[policy] = fixed_order(cohort, orders[policy], steps)
        elif policy in NAMING:
            size = len(cohort.answers)
            found[policy] = naming(cohort, NAMING[policy], steps, counting(told, policy, size))
        elif policy == "policy" and near.width == 1:
            found[policy] = fixed_order(cohort, orders["static"], steps)
        else:
            scores = eig(cohort) if policy == "eig" else epig(cohort)
            bound = near if policy == "policy" else None
            tell = counting(told, policy, steps)
            found[policy] = adaptive(cohort, scores, steps, tell, bound, orders.get("static", ()))
    return found


def counting(told: Told, stage: str, total: int) -> Callable[[int], None]:
    """Tells how much of a stage is done."""
    return lambda done: told(stage, done, total)
