"""How well interviews about pairs of pictures predict what few people prefer, one left out at a time.

The temperature of predictions and the policy that is called best are chosen, for each person, by how
well the *others'* target answers are predicted; the temperature by policies that no target answer
built. The generic score is the model's prediction before the first question, from what others like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import ConfigError, DataError
from prefs.space import Floats
from training.evaluate import ENOUGH, LEAST_TARGETS, QUESTIONS, SLACK
from training.identify import hypotheses, identify
from training.measures import Measured, Wanted, add_identification, differences, summary
from training.metrics import best_temperature, calibration, resamples, tempered
from training.pairs import Content, majority, read_pairs, tastes_of
from training.pairs_interviews import POLICIES, Course, PairInterviews
from training.policies import Told
from training.predictive import predict

DEFAULT = ("random", "static", "eig", "epig", "eig_alone", "choix")
ADAPTIVE = ("eig", "epig", "eig_alone")
Predictions = NDArray[np.floating[Any]]


class PairMeasures:
    """Measures of target predictions (R, M, 2) of the raters of interviews.

    generic: (R, M, 2) what is predicted of everybody.
    """

    def __init__(self, own: PairInterviews, generic: Predictions) -> None:
        self.own, self.generic, self.wanted = own, generic, own.wanted

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
            every, seldom, _ = Wanted(self.wanted[[rater]], self.generic[rater]).predicted(p[[rater]])
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
                    best_temperature(p[:, other].reshape(-1, 2), np.tile(said[other], len(p)))
                    for other in (rows != rater for rater in range(len(self.wanted)))
                ]
            )
        return found


def _stacked(parts: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    """Measures (R,) by name of single raters (1,)."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _warmed(p: Predictions, temperatures: Floats) -> Predictions:
    """Predictions (R, M, 2), each rater's at a temperature of its own (R,)."""
    return np.stack([tempered(one, float(t)) for one, t in zip(p, temperatures, strict=True)])


def evaluate_pairs(
    path: Path,
    data_dir: Path,
    policies: Sequence[str] = DEFAULT,
    questions: int = max(QUESTIONS),
    told: Told | None = None,
) -> dict[str, Any]:
    """The evaluation as JSON; told(stage, done, total) hears of progress.

    path: a folder of choices between pictures. data_dir: where the encoded pictures are kept.

    Raises:
        DataError: as `read_pairs`, or fewer than five target pairs for every rater; ConfigError: an
            unknown policy; MissingPartError: a library that a policy needs is not installed.
    """
    unknown = [name for name in policies if name not in POLICIES]
    if unknown:
        raise ConfigError(f"policy {unknown[0]!r} is unknown: allowed are {', '.join(POLICIES)}")
    pairs = read_pairs(path)
    enough = (pairs.answers[:, pairs.targets] >= 0).sum(1) >= LEAST_TARGETS
    if enough.sum() < 3:
        raise DataError(
            f"{path}: {int(enough.sum())} raters answered {LEAST_TARGETS} pairs of held out pictures: "
            "at least 3 such raters are needed, add pairs"
        )
    pairs = pairs.of_raters(enough)
    content = Content(pairs, tastes_of(pairs, path, data_dir, told or (lambda stage, done, total: None)))
    return evaluate_content(content, policies, questions, told)


def evaluate_content(
    content: Content, policies: Sequence[str], questions: int, told: Told | None = None
) -> dict[str, Any]:
    """The evaluation of choices between pictures of known content, as JSON."""
    pairs = content.pairs
    answered = (pairs.answers[:, pairs.candidates] >= 0).sum(1)
    used = [k <= questions and float((answered >= SLACK * k).mean()) >= ENOUGH for k in QUESTIONS]
    ks = [k for k, use in zip(QUESTIONS, used, strict=True) if use]
    own = PairInterviews(content, ks, told)
    courses = {name: own.run(name) for name in dict.fromkeys(("static", "random", *policies))}
    measures = PairMeasures(own, courses["static"].p[0])
    # the fixed orders of others rest on a person's target answers, so they do not speak on temperature
    warmth = measures.warmth([one for name, one in courses.items() if name in ("random", "eig", "epig")], ks)
    cold = {
        name: measures.warmth([course], ks)
        for name, course in courses.items()
        if name not in ("random", "static", "eig", "epig")
    }
    found = {name: measures.of(course, cold.get(name, warmth)) for name, course in courses.items()}
    _identification(own, found, courses)
    weights = resamples(own.raters)
    still = dict.fromkeys(ks, np.ones(own.raters))
    generic = Course(courses["static"].asked, dict.fromkeys(ks, measures.generic))
    wrong = measures.of(own.wrong_person(), warmth)

    def told_of(one: Measured) -> dict[str, Any]:
        return summary(one.values, one.calibrations, used, weights)

    return {
        "dataset": pairs.name,
        "n_test_raters": own.raters,
        "k": list(QUESTIONS),
        "policies": {name: told_of(found[name]) for name in policies},
        "controls": {"wrong_person": told_of(wrong), "generic": told_of(measures.of(generic, still))},
        "rare": {name: summary(found[name].rare, (), used, weights) for name in policies},
        "chosen": {
            name: _chosen(
                {policy: found[policy] for policy in policies if policy in ("static", *ADAPTIVE)}, goal
            )
            for name, goal in (("identification", "share_identified"), ("prediction", "log_loss"))
        },
        "paired": {
            f"{name}-static": differences(found[name], found["static"], used, weights)
            for name in policies
            if name != "static"
        },
        "full_information": _full_information(own, measures, weights),
        "settings": _settings(own, courses, warmth),
    }


def _settings(
    own: PairInterviews, courses: Mapping[str, Course], warmth: Mapping[int, Floats]
) -> dict[str, Any]:
    """What the figures rest on."""
    pairs = own.pairs
    return {
        "protocol": "one rater left out, everything else chosen inside the remaining raters",
        "raters": own.raters,
        "images": len(pairs.images),
        "targets": len(pairs.targets),
        "candidates": len(pairs.candidates),
        "skips": dict(pairs.skips),
        "repeats": pairs.repeats,
        "repeats_answered_alike": round(pairs.alike, 6) if pairs.repeats else None,
        "majority_of_others": round(majority(pairs), 6),
        "temperatures": {str(k): round(float(one.mean()), 2) for k, one in warmth.items()},
        "seconds_per_question": {
            name: round(course.seconds, 6) for name, course in courses.items() if course.seconds is not None
        },
        "notes": {
            "eig_alone": "starts without what others like; botorch does too",
            "choix": "asks nothing: the pictures' strengths from other raters' answers, targets included; "
            "undefined for pictures that nobody compared",
        },
    }


def _identification(
    own: PairInterviews, found: Mapping[str, Measured], courses: Mapping[str, Course]
) -> None:
    """Adds how well the answers tell who of all raters is answering, for each policy that asks."""
    table_of = own.vectors[own.pairs.candidates]
    for rows, suffix in ((np.arange(len(own.pairs.pairs)), ""), (own.pairs.targets, "_unseen")):
        table = hypotheses(own.tastes(rows), table_of)
        for name, course in courses.items():
            if (course.asked >= 0).any():
                known = identify(table, course.asked, own.answers, np.arange(own.raters))
                add_identification(found[name], known, own.ks, suffix, course.asked)


def _full_information(own: PairInterviews, measures: PairMeasures, weights: Floats) -> dict[str, Any]:
    """Predictions from all candidates that a rater answered."""
    rows = []
    for rater in range(own.raters):
        cohort = own.cohort(rater, own.spaces[rater])
        rows.append(predict(cohort.knowing(cohort.answers), cohort.targets))
    course = Course(np.empty((own.raters, 0), dtype=np.intp), {0: np.concatenate(rows)})
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
