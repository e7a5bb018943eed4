"""How well interviews predict people and identify them, by policy and number of questions.

Questions are split by a hash into targets, which are never asked, and candidates; raters into those
who train and those who test. The model, the fixed orders and the generic score come from training
raters only. Test raters answer as they really did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.batch import Beliefs, infer_many
from prefs.errors import ConfigError, DataError
from prefs.space import Floats
from prefs.static import static_id_order, static_order
from training.baselines.adaptive_test import catsim_order
from training.choosing import choose
from training.fitted import FittedBank
from training.hypotheses import Crowd
from training.identify import hypotheses, identify
from training.measures import (
    Measured,
    Wanted,
    add_identification,
    add_predictions,
    differences,
    summary,
)
from training.metrics import resamples, tempered
from training.policies import (
    NAMING,
    Asked,
    Cohort,
    Near,
    Told,
    counting,
    interviews,
    naming,
    seen_beforehand,
)
from training.predictive import predict
from training.splits import Part, are_targets, raters_in
from training.surveys import Survey

QUESTIONS = (0, 1, 2, 3, 5, 8, 10, 15, 20, 30, 40)
POLICIES = ("random", "static", "static_id", "eig", "epig", "policy", "eig_id", "root_id")
OTHERS = ("catsim", "hindsight")  # run where they are asked for
RIVALS = ("static", "static_id", "static_context")
WITH_CONTEXT = ("random", "static", "static_context", "eig", "epig", "policy")
LEAST_RATERS, LEAST_TARGETS = 100, 5
ENOUGH, SLACK = 0.9, 1.5  # a k enters where 90 % of the raters answered 1.5 k candidates
PSEUDO = 0.5  # answers added to each option of the generic score


class Evaluation:
    """A survey with a model of it, ready to be interviewed.

    context: domains whose questions everybody answered before the interview; they are neither asked nor
    predicted. least: how many raters are needed.

    Raises:
        DataError: fewer raters than that, or no target or candidate questions; ConfigError: no such domain.
    """

    def __init__(
        self,
        survey: Survey,
        fitted: FittedBank,
        told: Told | None = None,
        context: Sequence[str] = (),
        least: int = LEAST_RATERS,
    ) -> None:
        if len(survey.raters) < least:
            raise DataError(
                f"survey {survey.name!r} has {len(survey.raters)} raters: "
                f"an evaluation splits them and needs at least {least}"
            )
        self.told: Told = told or (lambda stage, done, total: None)
        self.survey, self.model = survey, fitted.alone()
        self.vectors = fitted.source(self.model.space).all()
        self.table = survey.table().astype(np.intp)
        given = _in_domains(survey, context)
        is_target = are_targets(question.question_id for question in survey.questions)
        self.target, self.candidate = (np.flatnonzero(part & ~given) for part in (is_target, ~is_target))
        self.context = np.flatnonzero(given)
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
            self.crowd,
            self.vectors[self.context] if len(self.context) else None,
            self.table[np.ix_(rows, self.context)] if len(self.context) else None,
        )

    def wanted(self, cohort: Cohort) -> Wanted:
        """The target answers of a cohort; ratings of pictures can be put in order."""
        rated = all(question.items and question.kind == "rating" for question in self.survey.questions)
        return Wanted(cohort.wanted, self.shares, rated)

    def used(self, cohort: Cohort, most: int) -> list[bool]:
        """Which numbers of questions enter."""
        answered = (cohort.answers >= 0).sum(1)
        return [k <= most and float((answered >= SLACK * k).mean()) >= ENOUGH for k in QUESTIONS]

    @cached_property
    def beliefs(self) -> Beliefs:
        """Beliefs about every rater given all answers."""
        return infer_many(self.model.space, self.vectors, self.table, around=self.model.lapse)

    @cached_property
    def unseen(self) -> Floats:
        """(R, d) what every rater is known for by answers to targets only."""
        vectors, answers = self.vectors[self.target], self.table[:, self.target]
        return infer_many(self.model.space, vectors, answers, around=self.model.lapse).mean

    @cached_property
    def crowd(self) -> Crowd:
        """Training raters as hypotheses: to plan predictions with those interviewed, who are known by
        their target answers too, would choose questions in view of these."""
        train = np.flatnonzero(raters_in(self.survey.raters, "train"))
        return Crowd.of(self.beliefs.mean, self.vectors[self.candidate], train)

    def orders(self, names: Sequence[str], steps: int) -> dict[str, list[int]]:
        """Fixed orders of the candidates, greedy for the first `steps` and a few more."""
        train = raters_in(self.survey.raters, "train")
        answers, every = self.table[train], self.beliefs
        beliefs = Beliefs(every.mean[train], every.cov[train], every.lapse[train], every.answers[train])
        count = min(len(self.candidate), steps + steps // 2)
        places = {int(column): place for place, column in enumerate(self.candidate)}
        found = {}
        for name in names:
            self.told(f"{name} order", 0, 1)
            if name in ("static", "static_context"):
                known = self.context.tolist() if name == "static_context" else ()
                aims = self.target.tolist()
                order = static_order(
                    self.vectors, answers, beliefs, list(places), aims, count=count, known=known
                )
            else:
                order = static_id_order(self.vectors, answers, beliefs, list(places), count=count)
            found[name] = [places[column] for column in order]
        return found

    def interviews(
        self,
        rows: NDArray[np.intp],
        cohort: Cohort,
        policies: Sequence[str],
        orders: Mapping[str, Sequence[int]],
        steps: int,
        near: Near,
    ) -> dict[str, Asked]:
        """What each policy asks the raters in the given rows, (R, T) candidates by policy."""
        asked = interviews(cohort, [p for p in policies if p not in OTHERS], orders, steps, self.told, near)
        if "hindsight" in policies:
            asked["hindsight"] = seen_beforehand(self.everybody(cohort, self.beliefs.mean), rows, steps)
        if "catsim" in policies:
            train = self.table[np.ix_(raters_in(self.survey.raters, "train"), self.candidate)]
            counts, count = cohort.candidates.counts, len(rows)
            tell = counting(self.told, "catsim", count)
            asked["catsim"] = catsim_order(train, counts, cohort.answers, steps, told=tell)
        return {name: asked[name] for name in policies}

    def everybody(self, cohort: Cohort, tastes: Floats) -> Cohort:
        """The same raters, each one of all raters with the given tastes (R, d)."""
        return replace(cohort, crowd=Crowd.of(tastes, cohort.candidates, np.arange(len(tastes))))

    def measure(
        self,
        rows: NDArray[np.intp],
        cohort: Cohort,
        asked: Mapping[str, Asked],
        warmth: Mapping[int, float],
    ) -> dict[str, Measured]:
        """Predictions and identification of each policy at every k of which the warmth is known.

        Policies that find the rater plan among the hypotheses that are weighed then.
        """
        found, ks = {name: Measured({}) for name in asked}, list(warmth)
        wanted = self.wanted(cohort)
        for name, sequence in asked.items():
            for k in ks:
                p = predict(cohort.beliefs(sequence, k), cohort.targets)
                add_predictions(found[name], wanted, tempered(p, warmth[k]))
        if len(self.context):  # what is known beforehand tells who it is, too
            return found
        for tastes, suffix in ((self.beliefs.mean, ""), (self.unseen, "_unseen")):
            table = hypotheses(tastes, cohort.candidates)
            everybody = self.everybody(cohort, tastes)
            for name, sequence in asked.items():
                if name in NAMING:
                    sequence = naming(everybody, NAMING[name], sequence.shape[1], lambda done: None)
                elif name == "hindsight":
                    sequence = seen_beforehand(everybody, rows, sequence.shape[1])
                known = identify(table, sequence, cohort.answers, rows)
                add_identification(found[name], known, ks, suffix, sequence)
        return found


def evaluate(
    survey: Survey,
    fitted: FittedBank,
    policies: Sequence[str] | None = None,
    questions: int = max(QUESTIONS),
    told: Told | None = None,
    context: Sequence[str] = (),
) -> dict[str, Any]:
    """The evaluation as JSON; told(stage, done, total) hears of progress.

    context: domains whose answers are known beforehand; only predictions are measured then, and
    `static_context` is the fixed order that was made with them known.

    Raises:
        DataError, ConfigError: as `Evaluation`; ConfigError: an unknown policy, or a model that was fitted
            to the test raters.
    """
    allowed = WITH_CONTEXT if context else (*POLICIES, *OTHERS)
    policies = policies or (WITH_CONTEXT if context else POLICIES)
    unknown = [name for name in policies if name not in allowed]
    if unknown:
        raise ConfigError(f"policy {unknown[0]!r} is unknown here: allowed are {', '.join(allowed)}")
    if fitted.report.get("split") != "eval":
        raise ConfigError(
            f"the model of {survey.name!r} has seen the test raters: fit one with `train --split eval`"
        )
    own = Evaluation(survey, fitted, told, context)
    rows = own.rows("test")
    cohort = own.cohort(rows)
    used = own.used(cohort, questions)
    ks = [k for k, use in zip(QUESTIONS, used, strict=True) if use]
    rivals = {"static"} | {name for name in policies if name in RIVALS}  # `policy` stays near the first
    orders = own.orders(sorted(rivals), max(ks))
    chosen, near, warmth = choose(own, policies, orders, ks)
    asked = own.interviews(rows, cohort, policies, orders, max(ks), near)
    found = own.measure(rows, cohort, asked, warmth)
    weights = resamples(len(rows))
    return {
        "dataset": survey.name,
        "n_test_raters": len(rows),
        "k": list(QUESTIONS),
        "policies": {
            name: summary(one.values, one.calibrations, used, weights) for name, one in found.items()
        },
        "controls": _controls(own, cohort, asked, warmth, used, weights),
        "rare": {name: summary(one.rare, (), used, weights) for name, one in found.items()},
        "chosen": chosen,
        "paired": {
            f"{name}-{rival}": differences(found[name], found[rival], used, weights)
            for rival in RIVALS
            if rival in found
            for name in found
            if name != rival
        },
        "identified_by_question": {
            name: [round(float(share), 6) for share in one.identified] for name, one in found.items()
        },
        "full_information": _full_information(own, cohort, weights),
        "settings": {
            "model": fitted.version,
            "fit": dict(fitted.report),
            "raters": len(survey.raters),
            "targets": len(own.target),
            "candidates": len(own.candidate),
            "context": {"domains": list(context), "questions": len(own.context)},
            "near": asdict(near),
            "temperatures": {str(k): round(one, 2) for k, one in warmth.items()},
            "static_orders": {
                name: [survey.questions[own.candidate[place]].question_id for place in order]
                for name, order in orders.items()
            },
        },
    }


def _in_domains(survey: Survey, domains: Sequence[str]) -> NDArray[np.bool_]:
    """(Q,) which questions are of the domains; raises ConfigError about the first that there is not."""
    there = [question.domain for question in survey.questions]
    for name in domains:
        if name not in there:
            raise ConfigError(
                f"context {name!r}: survey {survey.name!r} has no such domain, "
                f"allowed are {', '.join(dict.fromkeys(there))}"
            )
    return np.isin(there, list(domains))


def _controls(
    own: Evaluation,
    cohort: Cohort,
    asked: Mapping[str, Asked],
    warmth: Mapping[int, float],
    used: Sequence[bool],
    weights: NDArray[np.float64],
) -> dict[str, Any]:
    """The answers of another test rater to the same policy; and what is known of everybody."""
    wanted = own.wanted(cohort)
    other, generic = Measured({}), Measured({})
    sequence = asked.get("static", next(iter(asked.values())))
    everybody = np.broadcast_to(own.shares, (len(cohort.wanted), *own.shares.shape))
    for k in warmth:
        p = tempered(predict(cohort.beliefs(sequence, k), cohort.targets), warmth[k])
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
    add_predictions(found, own.wanted(cohort), p)
    one = summary(found.values, found.calibrations, [True], weights)
    return {name: values[0] for name, values in one.items()}
