"""How well interviews predict the people of a survey that has few, one left out at a time.

The model is fitted anew without each person; its size and freedom are chosen without the tenth of the
people that the person is in.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.bank import ItemBank
from prefs.batch import Beliefs, infer_many
from prefs.errors import DataError
from prefs.static import static_order
from training.evaluate import LEAST_TARGETS, PSEUDO, QUESTIONS
from training.few_eval import FEWEST, check_policies, evaluate_few, used_ks
from training.few_interviews import POLICIES, FewInterviews, Known, Predictions
from training.fit import Fit, Settings
from training.fitted import FittedBank
from training.hypotheses import Crowd
from training.identify import hypotheses
from training.policies import Cohort, Told
from training.selection import judge
from training.splits import are_targets, fold
from training.surveys import Survey

CHOICES = tuple(
    Settings(size=size, nominal=nominal) for size, nominal in ((1, 0.0), (2, 0.0), (4, 0.0), (4, 0.2))
)
FOLDS, JUDGED = 10, 5  # parts of the people that share a choice; every fifth of the others judges it


class SurveyInterviews(FewInterviews):
    """People of a survey, ready for interviews with each in turn, by models fitted to the others."""

    def __init__(self, bank: ItemBank, survey: Survey, ks: Sequence[int], told: Told | None = None) -> None:
        self.bank, self.survey = bank, survey
        self.table = survey.table().astype(np.intp)
        is_target = are_targets(bank.rows)
        self.target, self.candidate = np.flatnonzero(is_target), np.flatnonzero(~is_target)
        super().__init__(self.table[:, self.candidate], self.table[:, self.target], ks, told)
        self._models: dict[int, FittedBank] = {}
        self._beliefs: dict[int, Beliefs] = {}

    @cached_property
    def settings(self) -> list[Settings]:
        """Of the fit without each tenth of the people."""
        tenth = np.array([fold(rater, FOLDS) for rater in self.survey.raters])
        found = []
        for one in range(FOLDS):
            left = np.flatnonzero(tenth != one)
            judges = np.isin(np.arange(self.raters), left[::JUDGED])
            train = np.isin(np.arange(self.raters), left) & ~judges
            found.append(min(CHOICES, key=lambda choice: self._loss(choice, train, judges)))
            self.told("choosing the models", one + 1, FOLDS)
        return found

    def _loss(self, settings: Settings, train: NDArray[np.bool_], judges: NDArray[np.bool_]) -> float:
        fit = Fit(self.survey.of_raters(train), settings)
        fit.run()
        return judge(self.bank, fit.vectors(), self.survey.of_raters(judges)).loss

    def model(self, rater: int) -> FittedBank:
        """The bank, fitted to everybody else."""
        if rater not in self._models:
            settings = self.settings[fold(self.survey.raters[rater], FOLDS)]
            fit = Fit(self.survey.of_raters(np.arange(self.raters) != rater), settings)
            fit.run()
            vectors = fit.vectors()
            self._models[rater] = FittedBank(self.bank, vectors.phi, vectors.g, {}, {})
            self.told("fitting the models", len(self._models), self.raters)
        return self._models[rater]

    def cohort(self, rater: int, answering: int | None = None) -> Cohort:
        """One rater, met with the model of the others."""
        fitted = self.model(rater)
        model = fitted.alone()
        vectors = fitted.source(model.space).all()
        candidates = vectors[self.candidate]
        nobody = Crowd.of(model.space.mean[None], candidates, np.zeros(1, dtype=np.intp))
        said = self.answers[[rater if answering is None else answering]]
        return Cohort(model, candidates, vectors[self.target], said, self.wanted[[rater]], nobody)

    def order(self, rater: int) -> list[int]:
        """Greedy on the log loss of the others' answers, and the rest."""
        model = self.model(rater).alone()
        vectors, others = self.model(rater).source(model.space).all(), np.arange(self.raters) != rater
        every = self.beliefs(rater)
        known = Beliefs(every.mean[others], every.cov[others], every.lapse[others], every.answers[others])
        places = {int(column): place for place, column in enumerate(self.candidate)}
        count = min(len(places), max(self.ks) * 3 // 2)
        order = static_order(
            vectors, self.table[others], known, list(places), self.target.tolist(), count=count
        )
        return [places[column] for column in order]

    def beliefs(self, rater: int) -> Beliefs:
        """Beliefs about all raters given all their answers, by the model fitted without one."""
        if rater not in self._beliefs:
            model = self.model(rater).alone()
            vectors = self.model(rater).source(model.space).all()
            self._beliefs[rater] = infer_many(model.space, vectors, self.table, around=model.lapse)
        return self._beliefs[rater]

    def generic(self) -> Predictions:
        """(R, M, K) shares of the options among the others' answers, half an answer added to each."""
        counts = self.survey.counts[self.target]
        options = np.arange(int(self.survey.counts.max()))
        said = (self.wanted[..., None] == options).astype(np.float64)
        shares = said.sum(0) - said + PSEUDO * (options < counts[:, None])
        return np.asarray(shares / shares.sum(2, keepdims=True))

    def hypotheses(self, rater: int, known: Known) -> NDArray[np.float32]:
        """(N, K, R) log chances by the model fitted without the rater."""
        model = self.model(rater).alone()
        vectors = self.model(rater).source(model.space).all()
        tastes = self.beliefs(rater).mean
        if known:
            targets = vectors[self.target]
            tastes = infer_many(model.space, targets, self.wanted, around=model.lapse).mean
        return hypotheses(tastes, vectors[self.candidate])


def evaluate_few_raters(
    bank: ItemBank,
    survey: Survey,
    policies: Sequence[str] = POLICIES,
    questions: int = max(QUESTIONS),
    told: Told | None = None,
) -> dict[str, Any]:
    """The evaluation as JSON; told(stage, done, total) hears of progress.

    Raises:
        DataError: no target or candidate questions, or fewer than three raters who answered five targets;
        ConfigError: an unknown policy.
    """
    check_policies(policies, POLICIES)
    is_target = are_targets(bank.rows)
    if is_target.all() or not is_target.any():
        raise DataError(
            f"survey {survey.name!r} has {int(is_target.sum())} target questions of {len(is_target)}: "
            "targets and candidates are needed, add questions"
        )
    table = survey.table()
    enough = (table[:, is_target] >= 0).sum(1) >= LEAST_TARGETS
    if enough.sum() < FEWEST:
        raise DataError(
            f"survey {survey.name!r} has {int(enough.sum())} raters who answered {LEAST_TARGETS} target "
            f"questions: at least {FEWEST} are needed, add raters"
        )
    used = used_ks(table[enough][:, ~is_target], questions)
    ks = [k for k, use in zip(QUESTIONS, used, strict=True) if use]
    own = SurveyInterviews(bank, survey.of_raters(enough), ks, told)
    skips = dict(survey.skips) | {"rater with too few target answers (left out)": int((~enough).sum())}
    found = evaluate_few(own, survey.name, policies, used, {"skips": skips})
    sizes = [f"size {one.size}, nominal {one.nominal:g}" for one in own.settings]
    found["settings"]["models_without_each_tenth"] = sizes
    return found
