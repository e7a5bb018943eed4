"""A bank as a reader sees it: vectors from its text alone, popularity from people where there are some.

Every question is read twice, as it is and without its lead-in ("Do you agree:"), and the mean is taken. What
a question is about is read; how popular its answers are is seldom told by the text. With a survey, the
popularity of every option is set so that the population, tastes and styles drawn from N(0, I), answers as
the given raters did. Nothing else of their answers is used, so questions that no model was fitted to stay
unseen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from prefs.bank import ItemBank
from prefs.draws import normals
from prefs.errors import DataError, ModelError
from prefs.model import AGREE, EXTREME, QuestionVectors
from prefs.questions import Question
from prefs.space import STYLE_SD, Floats
from training.fitted import FittedBank, scale_directions
from training.pydata import scales_of
from training.rater_id.wording import lead_ins, stripped
from training.splits import raters_in
from training.surveys import Survey

REPORT = "report.json"  # beside a reader: what it was trained on
LAPSE = 0.02  # of `ChoiceModel`
PSEUDO = 0.5  # answers added to each option
DRAWS = 512
LEAST = 1e-5  # share of an option that is chosen less often than those choose it who do not look
STEPS, NEAR = 60, 1e-10
STYLES = 2


class Reads(Protocol):
    """What turns the text of questions into vectors, as `vlm.reader.Reader` does."""

    @property
    def version(self) -> str:
        """Names the parameters."""
        ...

    def read(
        self, questions: Sequence[Question], pictures: Mapping[str, Any] | None = None
    ) -> QuestionVectors:
        """phi (Q, K, 2 + d) by agree, extreme and taste, and g (Q, K), -inf on padding."""
        ...


def read_bank(
    reader: Reads,
    bank: ItemBank,
    survey: Survey | None = None,
    raters: NDArray[np.bool_] | None = None,
    *,
    strength: float | Floats = 1.0,
    pictures: Mapping[str, Any] | None = None,
    report: Mapping[str, Any] | None = None,
) -> FittedBank:
    """The bank with the vectors that a reader gives its questions, in the reader's block of tastes.

    survey: answers to the bank's questions, from which the popularity of their options is taken; without
    one the text's own stays. raters: (R,) whose answers these are, the training raters where not given.
    strength: factor of the taste coordinates, of all questions or (Q,) of each. pictures: vectors of
    pictures in questions, by item id. report: what is known of the reader's training, kept in the bank's.

    Raises:
        DataError: the survey asks other questions than the bank. What the reader raises.
    """
    vectors = read_twice(reader, bank.questions, pictures)
    phi, g, count = vectors.phi.copy(), vectors.g, 0
    factors = np.broadcast_to(strength, (len(phi),))
    phi[..., STYLES:] *= factors[:, None, None]
    if survey is not None:
        chosen = raters_in(survey.raters, "train") if raters is None else raters
        g, count = calibrated(phi, vectors.g, shares_of(bank, survey, chosen)), int(chosen.sum())
    trained = dict(report or {})
    about = {
        "split": trained.get("split"),
        "raters": count,
        "reader": {
            "version": reader.version,
            "strength": [float(factors.min()), float(factors.max())],
            "own_marginals": survey is not None,
            "targets_held_out": bool(trained.get("hold_out_questions")),
            "set_held_out": bank.name in trained.get("hold_out_sets", ()),
        },
        "training": trained,
    }
    scales = scale_directions(bank, phi, g, scales_of(survey) if survey is not None else {})
    return FittedBank(bank, phi, g, scales, about, f"reader {reader.version}")


def read_twice(
    reader: Reads, questions: Sequence[Question], pictures: Mapping[str, Any] | None = None
) -> QuestionVectors:
    """The mean of what a reader makes of questions as they are and without the lead-in that some share.

    phi: (Q, K, 2 + d), g: (Q, K). Raises what the reader raises.
    """
    leads = lead_ins(questions)
    whole = reader.read(questions, pictures)
    core = reader.read([stripped(question, leads) for question in questions], pictures)
    return QuestionVectors((whole.phi + core.phi) / 2, (whole.g + core.g) / 2)


def report_of(folder: Path) -> dict[str, Any]:
    """What a reader's folder tells about its training, empty where it tells nothing.

    Raises:
        ModelError: the report cannot be read.
    """
    path = folder / REPORT
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as problem:
        raise ModelError(f"{path} cannot be read ({problem}): train the reader again") from problem


def shares_of(bank: ItemBank, survey: Survey, raters: NDArray[np.bool_]) -> Floats:
    """(Q, K) share of each option among some raters (R,), half an answer added to each; 0 on padding.

    Raises:
        DataError: the survey asks other questions than the bank.
    """
    if tuple(q.question_id for q in survey.questions) != tuple(bank.rows):
        raise DataError(f"survey {survey.name!r} asks other questions than bank {bank.name!r}: name its own")
    counts = survey.counts
    found = np.where(np.arange(int(counts.max())) < counts[:, None], PSEUDO, 0.0)
    table = survey.table()[raters].astype(np.intp)
    rows, columns = np.nonzero(table >= 0)
    np.add.at(found, (columns, table[rows, columns]), 1.0)
    return np.asarray(found / found.sum(1, keepdims=True))


def calibrated(phi: Floats, g: Floats, shares: Floats, lapse: float = LAPSE) -> Floats:
    """(Q, K) popularity with which the population chooses the options as often as the shares (Q, K) say.

    phi: (Q, K, 2 + d), g: (Q, K) where the search begins, -inf on padding. The expected share is
    (1 - lapse) E[softmax(phi z + g)] + lapse / K over z ~ N(0, I), styles with their own spread. It is the
    slope of a convex function, whose minimum Newton's method finds. A share below lapse / K, which no
    popularity gives, is taken for the least that can be.

    Raises:
        ModelError: the search did not end.
    """
    real = np.isfinite(g)
    looked = (shares - lapse / real.sum(1, keepdims=True)) / (1 - lapse)
    looked = np.where(real, np.maximum(looked, LEAST), 0.0)
    looked /= looked.sum(1, keepdims=True)
    logits = population_logits(phi)
    found = np.where(real, np.log(np.maximum(looked, LEAST)), -1e9)
    value, p = _slope(found, logits, looked)
    for _ in range(STEPS):
        mean = p.mean(2)
        if np.abs(looked - mean).max() < NEAR:
            return np.asarray(np.where(real, found - _middle(found, real), -np.inf))
        step = _newton(p, looked - mean, real)
        size = np.ones(len(step))
        for _ in range(STEPS):
            trial = found + size[:, None] * step
            reached, moved = _slope(trial, logits, looked)
            worse = reached > value + 1e-12 * np.abs(value) + 1e-15
            if not worse.any():
                break
            size[worse] /= 2
        found, value, p = trial, reached, moved
    raise ModelError(f"popularity was not found in {STEPS} steps: the reader's vectors are too large")


def population_logits(phi: Floats, draws: int = DRAWS) -> Floats:
    """(Q, K, S) phi z for S draws of the population, of every question in the K dimensions of its logits."""
    sd = np.ones(phi.shape[2])
    sd[:STYLES] = STYLE_SD[AGREE], STYLE_SD[EXTREME]
    half = phi * sd
    cov = half @ half.swapaxes(1, 2)
    jitter = 1e-12 * (1 + np.trace(cov, axis1=1, axis2=2))
    root = np.linalg.cholesky(cov + jitter[:, None, None] * np.eye(phi.shape[1]))
    return np.asarray(root @ normals(phi.shape[1], draws).T)


def _middle(g: Floats, real: NDArray[np.bool_]) -> Floats:
    return np.asarray((g * real).sum(1, keepdims=True) / real.sum(1, keepdims=True))


def _slope(g: Floats, logits: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """(Q,) E[log sum exp] - shares . g, and (Q, K, S) probabilities."""
    moved = logits + g[..., None]
    top = moved.max(1, keepdims=True)
    p = np.exp(moved - top)
    total = p.sum(1, keepdims=True)
    p /= total
    value = (np.log(total) + top)[:, 0].mean(1) - (shares * np.maximum(g, -1e8)).sum(1)
    return value, p


def _newton(p: Floats, missing: Floats, real: NDArray[np.bool_]) -> Floats:
    """(Q, K) Newton step; the direction in which all options rise alike, which changes nothing, is held."""
    curve = -(p @ p.swapaxes(1, 2)) / p.shape[2]
    diagonal = np.arange(p.shape[1])
    curve[:, diagonal, diagonal] += p.mean(2) + np.where(real, 1e-12, 1.0)
    curve += (real[:, :, None] & real[:, None, :]) / real.sum(1)[:, None, None]
    step = np.linalg.solve(curve, np.where(real, missing, 0.0)[..., None])[..., 0]
    return np.asarray(np.where(real, step, 0.0))
