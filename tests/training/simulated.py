"""Simulated people who answer by a known choice model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prefs.bank import ItemBank
from training.fitted import FittedBank
from training.surveys import Survey, assemble, make_questions


@dataclass(frozen=True)
class Truth:
    """slopes (Q, d), popularity (Q, K), tastes (R, d) and the survey that came of them."""

    slopes: np.ndarray
    popularity: np.ndarray
    tastes: np.ndarray
    survey: Survey

    @property
    def bank(self) -> ItemBank:
        return ItemBank(self.survey.name, self.survey.questions)

    @property
    def fitted(self) -> FittedBank:
        """The bank with the parameters that the people answer by."""
        count, options = self.popularity.shape
        phi = np.zeros((count, options, 2 + self.slopes.shape[1]))
        phi[..., 2:] = np.linspace(-1, 1, options)[:, None] * self.slopes[:, None]
        return FittedBank(self.bank, phi, self.popularity, {}, {})


def questions(count: int, options: int, name: str = "made"):
    """Questions with labels of their own, so that they are choices, not a rating scale."""
    labels = [[f"q{row} option {option}" for option in range(options)] for row in range(count)]
    ids = [f"{name}:q{row}" for row in range(count)]
    return make_questions(name, ids, ["values"] * count, [f"Text {row}" for row in range(count)], labels)


def people(
    raters: int, count: int, options: int = 2, size: int = 1, answered: float = 1.0, seed: int = 0
) -> Truth:
    rng = np.random.default_rng(seed)
    slopes = rng.normal(0, 0.9, (count, size))
    popularity = rng.normal(0, 0.5, (count, options))
    popularity -= popularity.mean(1, keepdims=True)
    tastes = rng.standard_normal((raters, size))
    score = np.linspace(-1, 1, options)
    logits = score * (tastes @ slopes.T)[..., None] + popularity
    answers = (logits + rng.gumbel(size=logits.shape)).argmax(2)
    rows, columns = np.nonzero(rng.random(answers.shape) < answered)
    survey = assemble(
        "made",
        questions(count, options),
        [f"rater {row}" for row in range(raters)],
        rows,
        columns,
        answers[rows, columns],
    )
    return Truth(slopes, popularity, tastes, survey)
