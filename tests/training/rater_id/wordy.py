"""Simulated people whose tastes follow the words of a question, and data sets made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prefs.questions import Option, Question, picture
from training.rater_id.data import DataSet, of_survey
from training.surveys import Survey, assemble, make_questions

THEMES = {  # what lovers of each theme like, and what they do not
    "nature": (("forests", "rivers", "meadows"), ("highways", "offices", "factories")),
    "parties": (("dancing", "crowds", "festivals"), ("silence", "solitude", "libraries")),
    "order": (("rules", "plans", "lists"), ("surprises", "chaos", "detours")),
}
TEMPLATES = ("I love", "I enjoy", "I seek", "I need", "I praise", "I want")
LABELS = ("Disagree", "Rather not", "Neutral", "Rather", "Agree")


def wordy(raters: int = 300, seed: int = 0, name: str = "wordy", strength: float = 3.0) -> Survey:
    """108 statements of three themes; who likes a theme likes half of its words, and not the others."""
    rng = np.random.default_rng(seed)
    texts, slopes = [], []
    for theme, sides in enumerate(THEMES.values()):
        for sign, nouns in zip((1, -1), sides, strict=True):
            for noun in nouns:
                texts += [f"{words} {noun}." for words in TEMPLATES]
                slopes += [sign * strength * np.eye(len(THEMES))[theme]] * len(TEMPLATES)
    tastes = rng.standard_normal((raters, len(THEMES)))
    logits = np.linspace(-1, 1, len(LABELS)) * (tastes @ np.array(slopes).T)[..., None]
    answers = (logits + rng.gumbel(size=logits.shape)).argmax(2)
    return table(name, texts, [f"{name} {number}" for number in range(raters)], answers, LABELS)


def table(
    name: str,
    texts: Sequence[str],
    raters: Sequence[str],
    answers: np.ndarray | Sequence[Sequence[int]],
    labels: Sequence[str] = ("No", "Yes"),
    ids: Sequence[str] | None = None,
) -> Survey:
    """A table of answers (R, Q) as a survey; -1 is no answer."""
    said = np.array(answers)
    names = list(ids or [f"{name}:{number}" for number in range(len(texts))])
    questions = make_questions(name, names, ["values"] * len(texts), texts, [labels] * len(texts))
    rows, columns = np.nonzero(said >= 0)
    return assemble(name, questions, raters, rows, columns, said[rows, columns])


def rated(raters: int = 60, pictures: int = 40, width: int = 6, seed: int = 3) -> DataSet:
    """Ratings of pictures: tastes follow the first two numbers of a picture's vector."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((pictures, width)).astype(np.float32)
    tastes = rng.standard_normal((raters, 2))
    logits = np.linspace(-1, 1, 5) * 3.0 * (tastes @ vectors[:, :2].T)[..., None]
    answers = (logits + rng.gumbel(size=logits.shape)).argmax(2)
    options = tuple(Option(label) for label in LABELS)
    ids = [f"p{number}" for number in range(pictures)]
    questions = [
        Question(one, "rating", f"How do you rate this picture? {picture(one)}", options, "rated")
        for one in ids
    ]
    rows, columns = np.nonzero(answers >= 0)
    survey = assemble(
        "rated", questions, [f"rated {n}" for n in range(raters)], rows, columns, answers[rows, columns]
    )
    return of_survey(survey, dict(zip(ids, vectors, strict=True)), "numbers")
