"""Adaptive testing as it is usually done, by the library catsim: one trait, most informative item next.

Answers are cut in two at the question's median, a two-parameter logistic model of one trait is fitted
to training raters, and catsim chooses at its own estimate of the rater's trait. Source: Birnbaum (1968)
for the model and the choice by maximum information, Dodd (1990) for the estimate while all answers are
alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefs.errors import DataError, MissingPartError
from prefs.space import Floats
from training.fit import Fit, Settings
from training.surveys import MISSING, assemble, make_questions

Table = NDArray[np.intp]
STEPS = 200  # of the fit


def cuts(answers: Table, counts: NDArray[np.intp]) -> Table:
    """(N,) the answer from which on each question counts as agreed to, so that about half of (R, N) agree."""
    found = np.ones(len(counts), dtype=np.intp)
    for column, count in enumerate(counts):
        given = answers[answers[:, column] >= 0, column]
        if len(given):
            shares = [abs(float((given >= cut).mean()) - 0.5) for cut in range(1, count)]
            found[column] = 1 + int(np.argmin(shares))
    return found


def halves(answers: Table, cut: Table) -> Table:
    """(R, N) 1 where an answer is at or above the cut (N,), 0 below, -1 missing."""
    return np.where(answers < 0, MISSING, answers >= cut)


@dataclass(frozen=True)
class Items:
    """N items of a two-parameter logistic model: P(1 | theta) = 1 / (1 + exp(-a (theta - b))).

    a, b: (N,) discrimination, not negative, and difficulty. turned: (N,) whether 1 is the lower half of
    the answers. cut: (N,) where the answers are cut.
    """

    a: Floats
    b: Floats
    turned: NDArray[np.bool_]
    cut: Table

    def said(self, answers: Table) -> Table:
        """(R, N) 0 or 1, -1 missing."""
        found = halves(answers, self.cut)
        return np.where((found >= 0) & self.turned, 1 - found, found)


def fit_items(train: Table, counts: NDArray[np.intp], seed: int = 0) -> Items:
    """Items fitted to training answers (R, N), -1 missing, to questions of `counts` (N,) options.

    A question that nobody in training answered has no discrimination.

    Raises:
        DataError: there is no answer.
    """
    cut = cuts(train, counts)
    said = halves(train, cut)
    rows, columns = np.nonzero(said >= 0)
    if not len(rows):
        raise DataError("adaptive testing has no answer of training raters: add raters to the survey")
    number = len(counts)
    names = [str(column) for column in range(number)]
    labels = [[f"{name} below", f"{name} above"] for name in names]
    questions = make_questions("halves", names, [""] * number, names, labels)
    raters = [str(row) for row in range(len(train))]
    survey = assemble("halves", questions, raters, rows, columns, said[rows, columns])
    fit = Fit(survey, Settings(size=1, nominal=0.0, steps=STEPS, lapse=0.0, seed=seed))
    fit.run()
    vectors = fit.vectors()
    slope, start = np.zeros(number), np.zeros(number)
    fitted = [int(question.question_id) for question in survey.questions]
    slope[fitted] = vectors.phi[:, 1, -1] - vectors.phi[:, 0, -1]
    start[fitted] = vectors.g[:, 1] - vectors.g[:, 0]
    a = np.abs(slope)
    turned = slope < 0
    lean = np.where(turned, -start, start)
    return Items(a, -lean / np.maximum(a, 1e-3), turned, cut)


def catsim_order(
    train: Table,
    counts: NDArray[np.intp],
    answers: Table,
    steps: int,
    seed: int = 0,
    told: Callable[[int], None] | None = None,
) -> Table:
    """(T, steps) candidates that catsim asks each rater, -1 where there are no more.

    train (R, N), answers (T, N): answers to the N candidates, -1 missing; only what a rater answered is
    asked. counts: (N,) options. told(raters done) hears of progress.

    Raises:
        MissingPartError: catsim is not installed.
        DataError: there is no answer of training raters.
    """
    try:
        from catsim import ItemBank
        from catsim.estimation import NumericalSearchEstimator
        from catsim.selection import MaxInfoSelector
    except ImportError as problem:
        raise MissingPartError(
            "catsim is not installed: install it with `pip install 'kallisti[compare]'`"
        ) from problem
    items = fit_items(train, counts, seed)
    bank = ItemBank(np.column_stack([items.a, items.b, np.zeros(len(counts)), np.ones(len(counts))]))
    selector, estimator = MaxInfoSelector(), NumericalSearchEstimator()
    asked = np.full((len(answers), min(steps, len(counts))), MISSING, dtype=np.intp)
    for row, said in enumerate(items.said(answers)):
        closed, theta = np.flatnonzero(said < 0).tolist(), 0.0
        open_ = min(len(counts) - len(closed), asked.shape[1])
        for step in range(open_):
            best = selector.select(
                item_bank=bank, administered_items=closed + asked[row, :step].tolist(), est_theta=theta
            )
            if best is None:
                break
            asked[row, step] = best
            known = asked[row, : step + 1].tolist()
            theta = float(
                estimator.estimate(
                    item_bank=bank,
                    administered_items=known,
                    response_vector=(said[known] > 0).tolist(),
                    est_theta=theta,
                )
            )
        if told:
            told(row + 1)
    return asked
