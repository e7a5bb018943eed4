"""Plans of interviews with strangers: each rater as somebody who is not among those weighed.

A plan of `training.plan` ends where the rater is found, and after a dozen questions it only tells that
rater from the last few others. An interviewer meets people whom nobody knows yet: in their interviews much
is still unknown after twenty questions. So here each rater's own hypothesis is left out; the answers are the
rater's own, and what is chosen is, as ever, the largest expected rise of log p(rater ID).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from prefs.errors import ConfigError
from prefs.files import write_bytes
from prefs.transcripts import Transcript, Turn
from training.fitted import FittedBank
from training.hypotheses import Crowd, Rows, answers_of, sampled
from training.interviewer.gains import Weighing
from training.parts import Parts
from training.plan import BLOCK, MOST, SAMPLE, tastes_of
from training.surveys import MISSING, Survey

Told = Callable[[str, int, int], None]
FORMAT = "kallisti.strangers/1"
PLANNER = "expected, of strangers"


@dataclass(frozen=True)
class Settings:
    """questions: the most that a plan asks. price: bits; a question that gains less ends the plan.

    raters: how many are planned, drawn at random; None for all. seed: of that draw and of the sample of
    hypotheses in a survey of over 32,768 raters.

    Raises:
        ConfigError: a value that is not allowed.
    """

    questions: int = 20
    price: float = 0.0
    raters: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.questions < 1:
            raise ConfigError(f"{self.questions} questions: at least 1 is needed")
        if not self.price >= 0.0:
            raise ConfigError(f"price {self.price} bits: allowed is 0 or more")
        if self.raters is not None and self.raters < 1:
            raise ConfigError(f"plans of {self.raters} raters: at least 1 is needed")


def write_strangers(
    survey: Survey,
    fitted: FittedBank,
    settings: Settings,
    out: Path,
    resume: bool = False,
    told: Told | None = None,
) -> int:
    """Writes the plans as JSON Lines and returns how many; work that was cut off goes on with `resume`.

    Raises:
        ConfigError: a model of other questions, a survey of one rater, or parts of other work are there.
    """
    tell: Told = told or (lambda stage, done, total: None)
    if len(survey.raters) < 2:
        raise ConfigError(f"survey {survey.name!r} has one rater: strangers are told from others")
    about = {"format": FORMAT, "model": fitted.version, "answers": _digest(survey), **asdict(settings)}
    parts = Parts(out, about, resume)
    tastes = tastes_of(survey, fitted, tell, parts)
    model = fitted.alone()
    vectors = fitted.source(model.space).all()
    count = len(survey.raters)
    size = count if count <= MOST else SAMPLE
    crowd = Crowd.of(tastes, vectors, sampled(count, size, settings.seed))
    planned = sampled(count, min(settings.raters or count, count), settings.seed + 1)
    blocks = -(-len(planned) // BLOCK)
    for number in parts.missing(blocks):
        rows = planned[number * BLOCK : (number + 1) * BLOCK]
        lines = [one.to_json().encode() + b"\n" for one in _plans(survey, crowd, rows, settings)]
        write_bytes(parts.path(number), b"".join(lines))
        tell("planning", number + 1, blocks)
    parts.join(blocks)
    return len(planned)


def _plans(survey: Survey, crowd: Crowd, rows: Rows, settings: Settings) -> list[Transcript]:
    """The plans of the raters in some rows of the survey."""
    answers = np.concatenate([answers_of(survey, slice(row, row + 1)) for row in rows.tolist()])
    weighing, left = Weighing(crowd, len(rows), leave_out=rows), answers >= 0
    turns: list[list[Turn]] = [[] for _ in rows]
    stopped = ["questions"] * len(rows)
    live = np.ones(len(rows), dtype=bool)
    for _ in range(settings.questions):
        gains = np.where(left, weighing.gains(), -1.0)
        best = gains.argmax(1)
        value = gains[np.arange(len(rows)), best] / np.log(2)
        for row in np.flatnonzero(live & (value < settings.price)).tolist():
            stopped[row] = "price" if left[row].any() else "no questions"
        live &= value >= settings.price
        for row in np.flatnonzero(live).tolist():
            question = survey.questions[best[row]]
            options = tuple(option.markdown for option in question.options)
            said = int(answers[row, best[row]])
            turns[row].append(Turn(question.question_id, question.markdown, options, said, float(value[row])))
        chosen = np.where(live, best, MISSING)
        weighing.hear(chosen, answers[np.arange(len(rows)), best])
        left[live, best[live]] = False
    return [
        Transcript(survey.raters[rater], survey.name, PLANNER, tuple(own), why)
        for rater, own, why in zip(rows.tolist(), turns, stopped, strict=True)
    ]


def _digest(survey: Survey) -> str:
    """Names the answers."""
    found = hashlib.sha256("\n".join(survey.raters).encode())
    for values in (survey.starts, survey.columns, survey.answers, survey.occasions):
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()[:16]
