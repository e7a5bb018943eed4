"""What answers in one domain tell about another: religion from personality, politics from morality.

A person's answers to all questions of some domains are known; target questions of another are predicted, and
the log loss is compared with that of knowing nothing. Where the predicted domain is among the known, its
targets are not known. Where no question of a domain is a target by the hash, all of its questions are
predicted, and the domain tells nothing about itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.batch import infer_many
from prefs.model import ChoiceModel, QuestionVectors
from prefs.space import Floats
from training.baselines.regression import losses
from training.fitted import FittedBank
from training.metrics import interval, resamples
from training.predictive import predict
from training.splits import Part, are_targets, by_hash, raters_in
from training.surveys import MISSING, Survey

MOST = 500  # raters
OTHERS = "all others"
TOGETHER = ("personality", "morality")  # known together, beside each alone
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Persons:
    """R raters of a survey with a model of it: table (R, Q), -1 missing; of: (Q,) domain of each question;
    target: (Q,) whether it is predicted."""

    model: ChoiceModel
    vectors: QuestionVectors
    table: NDArray[np.intp]
    of: NDArray[Any]
    target: NDArray[np.bool_]

    @property
    def domains(self) -> list[str]:
        """The domains, each once, in order of their names."""
        return sorted(set(self.of.tolist()))

    def wanted(self, domain: str) -> NDArray[np.intp]:
        """Rows of the questions of a domain that are predicted: its targets, all of it without any."""
        inside = self.of == domain
        return (
            np.flatnonzero(inside & self.target) if (inside & self.target).any() else np.flatnonzero(inside)
        )

    def losses(self, known: NDArray[np.intp], wanted: NDArray[np.intp]) -> Floats:
        """(R,) mean log loss of the answers to the wanted questions given those to the known ones; NaN for
        a rater without answers to both. No known question: that of knowing nothing."""
        said = self.table[:, wanted]
        if not len(known):
            nobody = np.full((1, 1), MISSING)
            prior = infer_many(self.model.space, self.vectors[:1], nobody, around=self.model.lapse)
            p = predict(prior, self.vectors[wanted]).astype(np.float64)
            return losses(np.broadcast_to(p, (len(said), *p.shape[1:])), said)
        answers = self.table[:, known]
        beliefs = infer_many(self.model.space, self.vectors[known], answers, around=self.model.lapse)
        found = losses(predict(beliefs, self.vectors[wanted]).astype(np.float64), said)
        found[~(answers >= 0).any(1)] = np.nan
        return found


def persons(survey: Survey, fitted: FittedBank, part: Part = "test", most: int = MOST) -> Persons:
    """Raters of a part, the first `most` in order of the sha1 of their id."""
    rows = np.flatnonzero(raters_in(survey.raters, part))
    rows = np.array(sorted(rows, key=lambda row: by_hash(survey.raters[row]))[:most])
    model = fitted.alone()
    return Persons(
        model,
        fitted.source(model.space).all(),
        survey.table()[rows].astype(np.intp),
        np.array([question.domain for question in survey.questions]),
        are_targets(question.question_id for question in survey.questions),
    )


def gains(people: Persons, told: Told = lambda done, total: None) -> list[dict[str, Any]]:
    """Nats by which answers lower the log loss, by known domains and predicted domain.

    gain: [mean, low, high] over raters, paired with knowing nothing; before: mean log loss then.
    """
    weights, found = resamples(len(people.table)), list[dict[str, Any]]()
    domains = people.domains
    for done, wanted in enumerate(domains):
        told(done, len(domains))
        aims = people.wanted(wanted)
        nothing = people.losses(np.zeros(0, np.intp), aims)
        for name, known in _known(domains, wanted):
            rows = np.setdiff1d(np.flatnonzero(np.isin(people.of, known)), aims)
            if not len(rows):
                continue
            gain = nothing - people.losses(rows, aims)
            found.append(
                {
                    "known": name,
                    "known_questions": len(rows),
                    "wanted": wanted,
                    "wanted_questions": len(aims),
                    "targets_by_hash": bool(people.target[aims].all()),
                    "raters": int(np.isfinite(gain).sum()),
                    "before": float(np.nanmean(nothing[np.isfinite(gain)])),
                    "gain": interval(gain, weights),
                }
            )
    return found


def _known(domains: Sequence[str], wanted: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names and domains of what is known: each domain, personality and morality together, all others."""
    yield from ((name, (name,)) for name in domains)
    if set(TOGETHER) <= set(domains) and wanted not in TOGETHER:
        yield " + ".join(TOGETHER), TOGETHER
    if len(domains) > 2:
        yield OTHERS, tuple(name for name in domains if name != wanted)
