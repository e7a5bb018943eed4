"""People who answer by a known choice model, as a survey with a model of it and plans of its raters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prefs.bank import ItemBank
from training.fitted import FittedBank
from training.surveys import Survey, assemble, make_questions


@dataclass(frozen=True)
class Asked:
    """A survey of the made people and the model that they answer by."""

    survey: Survey
    fitted: FittedBank


def people(raters: int = 80, count: int = 12, seed: int = 0, answered: float = 1.0) -> Asked:
    """Raters with two traits who answer questions of three options, of which some tell little."""
    rng = np.random.default_rng(seed)
    slopes = rng.normal(0, 0.3, (count, 2))
    slopes[::3, 0] = 2.5
    slopes[1::3, 1] = 2.0
    score = np.linspace(-1, 1, 3)
    logits = score * (rng.standard_normal((raters, 2)) @ slopes.T)[..., None]
    answers = (logits + rng.gumbel(size=logits.shape)).argmax(2)
    rows, columns = np.nonzero(rng.random(answers.shape) < answered)
    ids = [f"q{row}" for row in range(count)]
    texts = [f"Do you like thing {row}?" for row in range(count)]
    questions = make_questions("made", ids, ["taste"] * count, texts, [["No", "Maybe", "Yes"]] * count)
    names = [f"rater {row}" for row in range(raters)]
    survey = assemble("made", questions, names, rows, columns, answers[rows, columns])
    phi = np.zeros((count, 3, 4))
    phi[..., 2:] = score[:, None] * slopes[:, None]
    bank = ItemBank("made", survey.questions)
    return Asked(survey, FittedBank(bank, phi, np.zeros((count, 3)), {}, {"split": "eval"}))
