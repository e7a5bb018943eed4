"""How well interviews with few people predict them, one left out at a time.

The temperature of predictions and the policy that is called best are chosen, for each person, by how
well the *others'* target answers are predicted; the temperature by policies that no target answer
built. A Spearman correlation within each person tells how well ratings are put in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import ConfigError
from prefs.space import Floats
from training.evaluate import ENOUGH, QUESTIONS, SLACK
from training.few_interviews import Course, FewInterviews, Known, Predictions
from training.identify import Identified, identify
from training.measures import Measured, Wanted, add_identification, differences, summary
from training.metrics import best_temperature, calibration, resamples, tempered

FEWEST = 3  # raters without whom nothing can be chosen inside the others
FREE = ("random", "eig", "epig")  # policies that no target answer built
SEEN: tuple[Known, ...] = ("", "_unseen")


def used_ks(answers: NDArray[np.intp], questions: int) -> list[bool]:
    """Which of QUESTIONS enter: up to `questions`, where 90 % of raters (R, N) answered 1.5 k candidates."""
    answered = (answers >= 0).sum(1)
    return [k <= questions and float((answered >= SLACK * k).mean()) >= ENOUGH for k in QUESTIONS]


def check_policies(policies: Sequence[str], allowed: Sequence[str]) -> None:
    """Raises ConfigError about the first policy that is not allowed."""
    unknown = [name for name in policies if name not in allowed]
    if unknown:
        raise ConfigError(f"policy {unknown[0]!r} is unknown here: allowed are {', '.join(allowed)}")


class FewMeasures:
    """Measures of target predictions (R, M, K) of the raters of interviews."""

    def __init__(self, own: FewInterviews) -> None:
        self.generic, self.wanted = own.generic(), own.wanted

    def of(self, course: Course, warmth: Mapping[int, Floats]) -> Measured:
        """Measures at every k; warmth: (R,) temperature of each rater's predictions, by k."""
        found = Measured({})
        for k, temperatures in warmth.items():
            draws = [_warmed(part.p[k], temperatures) for part in (course, *course.draws)]
            each = [self._values(p) for p in draws]
            for store, which in ((found.values, 0), (found.rare, 1)):
                for name in each[0][which]:
                    column = np.mean([part[which][name] for part in each], axis=0)
                    store[name] = np.column_stack([store.get(name, np.empty((len(column), 0))), column])
            rows, columns = np.nonzero(self.wanted >= 0)
            p = np.concatenate([draw[rows, columns] for draw in draws])
            right = p.argmax(1) == np.tile(self.wanted[rows, columns], len(draws))
            who = np.tile(rows, len(draws))
            found.calibrations.append(calibration(p.max(1), right, who, len(self.wanted)))
        return found

    def _values(self, p: Predictions) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Measures (R,) of all answers and of rare ones; each rater has a generic score of its own."""
        values: list[dict[str, Floats]] = []
        rare: list[dict[str, Floats]] = []
        for rater in range(len(p)):
            wanted = Wanted(self.wanted[[rater]], self.generic[rater], ordered=p.shape[2] > 2)
            every, seldom, _ = wanted.predicted(p[[rater]])
            values.append(every)
            rare.append(seldom)
        return _stacked(values), _stacked(rare)

    def warmth(self, courses: Sequence[Course], ks: Sequence[int]) -> dict[int, Floats]:
        """(R,) by k: the temperature at which predictions for all *other* raters are best."""
        rows, columns = np.nonzero(self.wanted >= 0)
        said, found = self.wanted[rows, columns], {}
        for k in ks:
            p = np.stack([part.p[k][rows, columns] for course in courses for part in (course, *course.draws)])
            found[k] = np.array(
                [
                    best_temperature(p[:, other].reshape(-1, p.shape[-1]), np.tile(said[other], len(p)))
                    for other in (rows != rater for rater in range(len(self.wanted)))
                ]
            )
        return found


def _stacked(parts: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    """Measures (R,) by name of single raters (1,)."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _warmed(p: Predictions, temperatures: Floats) -> Predictions:
    """Predictions (R, M, K), each rater's at a temperature of its own (R,)."""
    return np.stack([tempered(one, float(t)) for one, t in zip(p, temperatures, strict=True)])


def evaluate_few(
    own: FewInterviews, name: str, policies: Sequence[str], used: Sequence[bool], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The evaluation as JSON. used: which of QUESTIONS enter. settings: what else the figures rest on."""
    courses = {policy: own.run(policy) for policy in dict.fromkeys(("static", "random", *policies))}
    measures, ks = FewMeasures(own), own.ks
    warmth = measures.warmth([courses[policy] for policy in FREE if policy in courses], ks)
    found = {
        policy: measures.of(course, warmth if policy in (*FREE, "static") else measures.warmth([course], ks))
        for policy, course in courses.items()
    }
    _identification(own, found, courses)
    weights = resamples(own.raters)
    generic = Course(courses["static"].asked, dict.fromkeys(ks, measures.generic))
    controls = {
        "wrong_person": measures.of(own.wrong_person(), warmth),
        "generic": measures.of(generic, dict.fromkeys(ks, np.ones(own.raters))),
    }
    candidates = {one: found[one] for one in policies if one in ("static", *own.adaptive)}
    seconds = {policy: course.seconds for policy, course in courses.items() if course.seconds is not None}
    return {
        "dataset": name,
        "n_test_raters": own.raters,
        "k": list(QUESTIONS),
        "policies": {policy: _summary(found[policy], used, weights) for policy in policies},
        "controls": {control: _summary(one, used, weights) for control, one in controls.items()},
        "rare": {policy: summary(found[policy].rare, (), used, weights) for policy in policies},
        "chosen": {
            "identification": _chosen(candidates, "share_identified"),
            "prediction": _chosen(candidates, "log_loss"),
        },
        "paired": {
            f"{policy}-static": differences(found[policy], found["static"], used, weights)
            for policy in policies
            if policy != "static"
        },
        "full_information": _full_information(own, measures, weights),
        "settings": {
            "protocol": "one rater left out, everything else chosen inside the remaining raters",
            "raters": own.raters,
            "targets": own.wanted.shape[1],
            "candidates": own.answers.shape[1],
            **settings,
            "temperatures": {str(k): round(float(one.mean()), 2) for k, one in warmth.items()},
            "seconds_per_question": {policy: round(one, 6) for policy, one in seconds.items()},
        },
    }


def _summary(one: Measured, used: Sequence[bool], weights: Floats) -> dict[str, Any]:
    return summary(one.values, one.calibrations, used, weights)


def _identification(own: FewInterviews, found: Mapping[str, Measured], courses: Mapping[str, Course]) -> None:
    """Adds how well the answers tell who of all raters is answering, for each policy that asks."""
    for known in SEEN:
        tables = [own.hypotheses(rater, known) for rater in range(own.raters)]
        for name, course in courses.items():
            if not (course.asked >= 0).any():
                continue
            each = [
                identify(table, course.asked[[rater]], own.answers[[rater]], np.array([rater]))
                for rater, table in enumerate(tables)
            ]
            log_p, rank = (np.concatenate([getattr(one, part) for one in each]) for part in ("log_p", "rank"))
            add_identification(found[name], Identified(log_p, rank), own.ks, known, course.asked)


def _full_information(own: FewInterviews, measures: FewMeasures, weights: Floats) -> dict[str, Any]:
    """Measures of predictions from all candidates that a rater answered."""
    course = own.full_information()
    one = measures.of(course, measures.warmth([course], [0]))
    return {
        name: values[0] for name, values in summary(one.values, one.calibrations, [True], weights).items()
    }


def _chosen(found: Mapping[str, Measured], goal: str) -> str | None:
    """The policy that is best for the others, for most of the raters; None without a policy to choose."""
    if not found:
        return None
    names = list(found)
    sign = -1 if goal == "log_loss" else 1
    means = sign * np.stack([np.nanmean(found[name].values[goal], axis=1) for name in names])
    others = means.sum(1, keepdims=True) - means
    return names[int(np.bincount(others.argmax(0), minlength=len(names)).argmax())]
