"""What a person is expected to answer to given questions, and whether it then came true.

Every forecast is the distribution of the answer with the belief integrated out and the lapse
included, beside the population's. What a person did say never counts for its own forecast: it is
made from all other answers (`forecasts`) or from those before it (`foretold`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prefs.belief import infer, prior, probabilities
from prefs.model import ChoiceModel
from prefs.questions import Answer, Question
from prefs.review import BELIEFS, Responses, beliefs
from prefs.space import Floats

BANDS = (0.0, 0.5, 0.8)  # certainty from which an answer counts as guessed, likely, sure
LEAST = 1e-12


@dataclass(frozen=True)
class Forecast:
    """The expected answer to one question.

    chances, population: (K,) probability of each option for the person and for the population of
    raters. said: index of what the person did answer, or None.
    """

    question: Question
    chances: Floats
    population: Floats
    said: Answer = None

    @property
    def answer(self) -> int:
        """The most probable answer."""
        return int(np.argmax(self.chances))

    @property
    def certainty(self) -> float:
        """Probability of the most probable answer."""
        return float(self.chances.max())

    @property
    def common(self) -> int:
        """The most probable answer of the population."""
        return int(np.argmax(self.population))

    @property
    def gain_bits(self) -> float:
        """KL(person || population): how far the person's answers moved the forecast, in bits."""
        told, generic = (np.maximum(p, LEAST) for p in (self.chances, self.population))
        return max(float(self.chances @ np.log2(told / generic)), 0.0)

    @property
    def right(self) -> bool | None:
        """Whether the most probable answer was given; None where nothing was said."""
        return None if self.said is None else self.said == self.answer


@dataclass(frozen=True)
class Band:
    """Forecasts of similar certainty: lowest certainty, mean certainty, number, number right."""

    least: float
    expected: float
    count: int
    right: int


@dataclass(frozen=True)
class Score:
    """How forecasts came true.

    count: forecasts of questions that were answered. right, by_population, by_chance: how many the
    forecast, the population's likeliest answer and (on average) a blind guess got. expected: how
    many the forecast expected to get. bands: by certainty, least first, empty ones left out.
    """

    count: int
    right: int
    by_population: int
    by_chance: float
    expected: float
    bands: tuple[Band, ...]


def forecasts(model: ChoiceModel, responses: Responses, questions: Sequence[Question]) -> list[Forecast]:
    """Expected answers to questions of the model, in their order, from what the person said.

    A question that was answered (where twice, the last answer counts) is predicted without its
    answer. Beyond 100 of these, they are predicted in 100 groups, each without the whole group.
    """
    if not questions:
        return []
    vectors = model.stack(questions)
    told = probabilities(infer(model, responses), vectors)
    generic = probabilities(prior(model), vectors)
    shown = {question.key: question for question in questions}
    said: dict[tuple[str, str], int] = {}
    for question, answer in responses:
        if answer is not None:
            said[question.key] = _as_shown(question, answer, shown.get(question.key, question))
    answered = [row for row, question in enumerate(questions) if question.key in said]
    _leave_out(model, responses, questions, answered, told)
    return [
        _forecast(question, told[row], generic[row], said.get(question.key))
        for row, question in enumerate(questions)
    ]


def foretold(model: ChoiceModel, responses: Responses, rows: Sequence[int]) -> list[Forecast]:
    """How the answers in the given rows, ascending, were predicted by those before each of them.

    Skips are answers that say nothing: a row of one gives a forecast with nothing said. Beyond 100
    rows the belief is renewed only before every n/100th of them; each row is still predicted from
    earlier answers alone.
    """
    if not rows:
        return []
    vectors = model.stack([question for question, _ in responses])
    given = np.array([-1 if answer is None else answer for _, answer in responses], dtype=np.intp)
    wanted = np.array(rows, dtype=np.intp)
    generic = probabilities(prior(model), vectors[wanted])
    step = -(-len(wanted) // BELIEFS)
    starts = wanted[::step]
    before = beliefs(model, vectors, np.where(np.arange(len(given)) < starts[:, None], given, -1))
    parts = [vectors[wanted[place * step : (place + 1) * step]] for place in range(len(starts))]
    told = np.concatenate([probabilities(*one) for one in zip(before, parts, strict=True)])
    return [
        _forecast(responses[row][0], told[place], generic[place], responses[row][1])
        for place, row in enumerate(rows)
    ]


def score(found: Sequence[Forecast]) -> Score:
    """How the forecasts of answered questions came true; the others are left out."""
    said = [one for one in found if one.said is not None]
    bands = []
    for least, end in zip(BANDS, (*BANDS[1:], np.inf), strict=True):
        inside = [one for one in said if least <= one.certainty < end]
        if inside:
            mean = float(np.mean([one.certainty for one in inside]))
            bands.append(Band(least, mean, len(inside), sum(bool(one.right) for one in inside)))
    return Score(
        count=len(said),
        right=sum(bool(one.right) for one in said),
        by_population=sum(one.said == one.common for one in said),
        by_chance=float(sum(1.0 / len(one.chances) for one in said)),
        expected=float(sum(one.certainty for one in said)),
        bands=tuple(bands),
    )


def _leave_out(
    model: ChoiceModel, responses: Responses, questions: Sequence[Question], rows: Sequence[int], told: Floats
) -> None:
    """Puts into the rows of `told` what is predicted without the answers to their own questions."""
    if not rows:
        return
    heard = [(question, answer) for question, answer in responses if answer is not None]
    vectors = model.stack([question for question, _ in heard])
    given = np.array([answer for _, answer in heard], dtype=np.intp)
    group = {questions[row].key: place % BELIEFS for place, row in enumerate(rows)}
    groups = np.arange(min(len(rows), BELIEFS))
    own = np.array([group.get(question.key, -1) for question, _ in heard])
    without = beliefs(model, vectors, np.where(own == groups[:, None], -1, given))
    for number, belief in enumerate(without):
        some = list(rows[number::BELIEFS])
        found = probabilities(belief, model.stack([questions[row] for row in some]))
        told[some, : found.shape[1]] = found


def _forecast(question: Question, told: Floats, generic: Floats, said: Answer) -> Forecast:
    count = len(question.options)
    return Forecast(question, told[:count], generic[:count], said)


def _as_shown(question: Question, answer: int, shown: Question) -> int:
    """Index of an answer among the options of the same question in the order of `shown`."""
    options = [option.markdown for option in shown.options]
    chosen = question.options[answer].markdown
    return options.index(chosen) if chosen in options else answer
