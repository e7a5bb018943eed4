"""Interviews with few people, one of whom is left out at a time.

Everything that a person's interview rests on comes from the others: the model or what people like in
general, and the fixed order.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from training.policies import Asked, Cohort, Told, adaptive, eig, epig, fixed_order, random_order
from training.predictive import predict

ORDERS, FEW = 6, 20  # random orders of each person, averaged, where there are fewer people than that
POLICIES = ("random", "static", "eig", "epig")
Predictions = NDArray[np.floating[Any]]
CohortOf = Callable[[int], Cohort]
Known = Literal["", "_unseen"]  # tastes known from all answers, or from those to targets only


@dataclass
class Course:
    """What one policy did: asked (R, T), -1 padded; p (R, M, K) target predictions by number of questions.

    seconds: a question's mean. draws: the same for other random orders, averaged over.
    """

    asked: Asked
    p: dict[int, Predictions]
    seconds: float | None = None
    draws: list[Course] = field(default_factory=list)


class FewInterviews(ABC):
    """R people, ready for interviews with each in turn.

    answers: (R, N) to the N candidates, wanted: (R, M) to the M targets, -1 missing. ks: numbers of
    questions after which targets are predicted.
    """

    policies: tuple[str, ...] = POLICIES
    adaptive: tuple[str, ...] = ("eig", "epig")

    def __init__(
        self, answers: NDArray[np.intp], wanted: NDArray[np.intp], ks: Sequence[int], told: Told | None
    ) -> None:
        self.answers, self.wanted, self.ks = answers, wanted, list(ks)
        self.told: Told = told or (lambda stage, done, total: None)
        self.raters = len(answers)

    @abstractmethod
    def cohort(self, rater: int, answering: int | None = None) -> Cohort:
        """One rater to be interviewed, known by the others; `answering` answers where it is another one."""

    @abstractmethod
    def order(self, rater: int) -> list[int]:
        """A fixed order of the candidates, built on the others."""

    @abstractmethod
    def generic(self) -> Predictions:
        """(R, M, K) what the others tell about everybody's target answers."""

    @abstractmethod
    def hypotheses(self, rater: int, known: Known) -> NDArray[np.float32]:
        """(N, K, R) log chances of answers to candidates, if the one interviewed were each of the raters."""

    @cached_property
    def orders(self) -> list[list[int]]:
        """The fixed order of each rater."""
        found = []
        for rater in range(self.raters):
            found.append(self.order(rater))
            self.told("static order", rater + 1, self.raters)
        return found

    def run(self, policy: str) -> Course:
        """The interviews of a policy with every rater."""
        if policy == "random":
            draws = ORDERS if self.raters < FEW else 1
            first, *others = [self.interviewed(policy, self.cohort, seed) for seed in range(draws)]
            return replace(first, draws=others)
        return self.interviewed(policy, self.cohort)

    def interviewed(self, policy: str, cohort_of: CohortOf, seed: int = 0) -> Course:
        """Interviews and predictions by the model of each rater's cohort."""
        steps, parts, seconds = max(self.ks), [], 0.0
        predicted: dict[int, list[NDArray[np.float32]]] = {k: [] for k in self.ks}
        for rater in range(self.raters):
            cohort = cohort_of(rater)
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
        p: dict[int, Predictions] = {k: np.concatenate(one) for k, one in predicted.items()}
        return Course(np.concatenate(parts), p, each if adapted else None)

    def wrong_person(self) -> Course:
        """Predictions from the answers of the next rater in the fixed order."""
        return self.interviewed("static", lambda rater: self.cohort(rater, (rater + 1) % self.raters))

    def full_information(self) -> Course:
        """Predictions from all candidates that a rater answered, as if after 0 questions."""
        rows = []
        for rater in range(self.raters):
            cohort = self.cohort(rater)
            rows.append(predict(cohort.knowing(cohort.answers), cohort.targets))
        return Course(np.empty((self.raters, 0), dtype=np.intp), {0: np.concatenate(rows)})
