"""How well interviews predict people and identify them, by policy and number of questions.

Questions are split by a hash into targets, which are never asked, and candidates; raters into those
who train and those who test. The model, the fixed orders and the generic score come from training
raters only. Test raters answer as they really did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.batch import infer_many
from prefs.errors import ConfigError, DataError
from prefs.static import static_id_order, static_order
from training.fitted import FittedBank
from training.identify import hypotheses, identify
from training.measures import (
    Measured,
    Wanted,
    add_identification,
    add_predictions,
    differences,
    summary,
)
from training.metrics import resamples
from training.policies import Asked, Cohort, Told, interviews
from training.predictive import predict
from training.splits import Part, are_targets, raters_in
from training.surveys import Survey

QUESTIONS = (0, 1, 2, 3, 5, 8, 10, 15, 20, 30, 40)
POLICIES = ("random", "static", "static_id", "eig", "epig")
RIVALS = ("static", "static_id")
LEAST_RATERS, LEAST_TARGETS = 100, 5
ENOUGH, SLACK = 0.9, 1.5  # a k enters where 90 % of the raters answered 1.5 k candidates
PSEUDO = 0.5  # answers added to each option of the generic score


class Evaluation:
    """A survey with a model of it, ready to be interviewed."""

    def __init__(self, survey: Survey, fitted: FittedBank, told: Told | None = None) -> None:
        if len(survey.raters) < LEAST_RATERS:
            raise DataError(
                f"survey {survey.name!r} has {len(survey.raters)} raters: "
                f"an evaluation splits them and needs at least {LEAST_RATERS}"
            )
        self.told: Told = told or (lambda stage, done, total: None)
        self.survey, self.model = survey, fitted.alone()
        self.vectors = fitted.source(self.model.space).all()
        self.table = survey.table().astype(np.intp)
        is_target = are_targets(question.question_id for question in survey.questions)
        self.target, self.candidate = np.flatnonzero(is_target), np.flatnonzero(~is_target)
        if not (len(self.target) and len(self.candidate)):
            raise DataError(
                f"survey {survey.name!r} has {len(self.target)} target questions and {len(self.candidate)} "
                "candidates: both are needed, add questions"
            )
        counts = np.zeros(self.vectors.g.shape)
        trained = self.table[raters_in(survey.raters, "train")]
        rows, columns = np.nonzero(trained >= 0)
        np.add.at(counts, (columns, trained[rows, columns]), 1.0)
        counts += PSEUDO * np.isfinite(self.vectors.g)
        self.shares = (counts / counts.sum(1, keepdims=True))[self.target]

    def rows(self, part: Part) -> NDArray[np.intp]:
        """Raters of a part who answered at least five targets."""
        enough = (self.table[:, self.target] >= 0).sum(1) >= LEAST_TARGETS
        return np.flatnonzero(raters_in(self.survey.raters, part) & enough)

    def cohort(self, rows: NDArray[np.intp]) -> Cohort:
        """The raters in the given rows, to be interviewed."""
        return Cohort(
            self.model,
            self.vectors[self.candidate],
            self.vectors[self.target],
            self.table[np.ix_(rows, self.candidate)],
            self.table[np.ix_(rows, self.target)],
        )

    def used(self, cohort: Cohort, most: int) -> list[bool]:
        """Which numbers of questions enter."""
        answered = (cohort.answers >= 0).sum(1)
        return [k <= most and float((answered >= SLACK * k).mean()) >= ENOUGH for k in QUESTIONS]

    def known(self, columns: NDArray[np.intp]) -> NDArray[np.float32]:
        """(N, K, H) log probabilities of candidates' answers by every rater, known from some columns."""
        vectors, answers = self.vectors[columns], self.table[:, columns]
        tastes = infer_many(self.model.space, vectors, answers, around=self.model.lapse).mean
        return hypotheses(tastes, self.vectors[self.candidate])

    def orders(self, names: Sequence[str], steps: int) -> dict[str, list[int]]:
        """Fixed orders of the candidates, the first `steps` and a few more chosen, the rest as they are."""
        answers = self.table[raters_in(self.survey.raters, "train")]
        beliefs = infer_many(self.model.space, self.vectors, answers, around=self.model.lapse)
        count = min(len(self.candidate), steps + steps // 2)
        places = {int(column): place for place, column in enumerate(self.candidate)}
        found = {}
        for name in names:
            self.told(f"{name} order", 0, 1)
            if name == "static":
                order = static_order(
                    self.vectors, answers, beliefs, list(places), self.target.tolist(), count=count
                )
            else:
                order = static_id_order(self.vectors, answers, beliefs, list(places), count=count)
            first = [places[column] for column in order]
            found[name] = first + [place for place in places.values() if place not in set(first)]
        return found

    def measure(
        self, rows: NDArray[np.intp], cohort: Cohort, asked: Mapping[str, Asked], ks: Sequence[int]
    ) -> dict[str, Measured]:
        """Predictions and identification of each policy at the given k."""
        found = {name: Measured({}) for name in asked}
        wanted = Wanted(cohort.wanted, self.shares)
        for name, sequence in asked.items():
            for k in ks:
                add_predictions(found[name], wanted, predict(cohort.beliefs(sequence, k), cohort.targets))
        everything = np.arange(len(self.vectors))
        for columns, suffix in ((everything, ""), (self.target, "_unseen")):
            table = self.known(columns)
            for name, sequence in asked.items():
                known = identify(table, sequence, cohort.answers, rows)
                add_identification(found[name], known, ks, suffix, sequence)
        return found


def evaluate(
    survey: Survey,
    fitted: FittedBank,
    policies: Sequence[str] = POLICIES,
    questions: int = max(QUESTIONS),
    told: Told | None = None,
) -> dict[str, Any]:
    """The evaluation as JSON; told(stage, done, total) hears of progress.

    Raises:
        DataError: fewer than 100 raters, or no target or candidate questions;
        ConfigError: an unknown policy, or a model that was fitted to the test raters.
    """
    unknown = [name for name in policies if name not in POLICIES]
    if unknown:
        raise ConfigError(f"policy {unknown[0]!r} is unknown: allowed are {', '.join(POLICIES)}")
    if fitted.report.get("split") != "eval":
        raise ConfigError(
            f"the model of {survey.name!r} has seen the test raters: fit one with `train --split eval`"
        )
    own = Evaluation(survey, fitted, told)
    rows = own.rows("test")
    cohort = own.cohort(rows)
    used = own.used(cohort, questions)
    ks = [k for k, use in zip(QUESTIONS, used, strict=True) if use]
    orders = own.orders([name for name in policies if name in RIVALS], max(ks))
    asked = interviews(cohort, policies, orders, max(ks), own.told)
    found = own.measure(rows, cohort, asked, ks)
    weights = resamples(len(rows))
    return {
        "dataset": survey.name,
        "n_test_raters": len(rows),
        "k": list(QUESTIONS),
        "policies": {
            name: summary(one.values, one.calibrations, used, weights) for name, one in found.items()
        },
        "controls": _controls(own, cohort, asked, ks, used, weights),
        "rare": {name: summary(one.rare, (), used, weights) for name, one in found.items()},
        "chosen": _chosen(own, policies, orders, max(ks)),
        "paired": {
            f"{name}-{rival}": differences(found[name], found[rival], used, weights)
            for rival in RIVALS
            if rival in found
            for name in found
            if name != rival
        },
        "full_information": _full_information(own, cohort, weights),
        "settings": {
            "model": fitted.version,
            "fit": dict(fitted.report),
            "raters": len(survey.raters),
            "targets": len(own.target),
            "candidates": len(own.candidate),
            "static_orders": {
                name: [survey.questions[own.candidate[place]].question_id for place in order]
                for name, order in orders.items()
            },
        },
    }


def _controls(
    own: Evaluation,
    cohort: Cohort,
    asked: Mapping[str, Asked],
    ks: Sequence[int],
    used: Sequence[bool],
    weights: NDArray[np.float64],
) -> dict[str, Any]:
    """The answers of another test rater to the same policy; and what is known of everybody."""
    wanted = Wanted(cohort.wanted, own.shares)
    other, generic = Measured({}), Measured({})
    sequence = asked.get("static", next(iter(asked.values())))
    everybody = np.broadcast_to(own.shares, (len(cohort.wanted), *own.shares.shape))
    for k in ks:
        p = predict(cohort.beliefs(sequence, k), cohort.targets)
        add_predictions(other, wanted, np.roll(p, 1, axis=0))
        add_predictions(generic, wanted, everybody)
    return {
        "wrong_person": summary(other.values, other.calibrations, used, weights),
        "generic": summary(generic.values, generic.calibrations, used, weights),
    }


def _full_information(own: Evaluation, cohort: Cohort, weights: NDArray[np.float64]) -> dict[str, Any]:
    """Predictions from all candidates that a rater answered."""
    found = Measured({})
    p = predict(cohort.knowing(cohort.answers), cohort.targets)
    add_predictions(found, Wanted(cohort.wanted, own.shares), p)
    one = summary(found.values, found.calibrations, [True], weights)
    return {name: values[0] for name, values in one.items()}


def _chosen(
    own: Evaluation, policies: Sequence[str], orders: Mapping[str, Sequence[int]], steps: int
) -> dict[str, str | None]:
    """The policy for each purpose that is best on validation raters, averaged over k >= 1."""
    rows = own.rows("validation")
    names = [name for name in policies if name != "random"]
    if not (len(rows) and names):
        return {"identification": None, "prediction": None}
    cohort = own.cohort(rows)
    ks = [k for k in QUESTIONS if 1 <= k <= steps]
    asked = interviews(cohort, names, orders, steps, own.told)
    found = own.measure(rows, cohort, asked, ks)
    return {
        "identification": max(names, key=lambda name: float(found[name].values["log_p_id"].mean())),
        "prediction": min(names, key=lambda name: float(np.nanmean(found[name].values["log_loss"]))),
    }
