"""Who is known at a round of expert iteration: a few people by all their answers, others by interviews.

Training raters are split into seeds, all of whose answers are known from the start, and those held back,
who are interviewed round by round and known by what they were asked. Validation raters choose and test
raters test, as everywhere. Each interview is a rater of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from prefs.errors import ConfigError, DataError
from prefs.transcripts import Transcript, Turn
from training.evaluate import LEAST_RATERS
from training.selection import FEW
from training.splits import raters_in
from training.surveys import Survey

Rows = NDArray[np.intp]
CHECK = "check"  # planner of the questions that are drawn at random among the targets


@dataclass(frozen=True)
class People:
    """A survey's raters by what is known of them: rows of seeds, and of those held back in turn."""

    survey: Survey
    seeds: Rows
    held: Rows

    @classmethod
    def of(cls, survey: Survey, share: float, seed: int) -> People:
        """Draws the given share of the training raters as seeds.

        Raises:
            DataError: fewer than 100 raters. ConfigError: fewer than 20 seeds, or nobody is held back.
        """
        if len(survey.raters) < LEAST_RATERS:
            raise DataError(
                f"survey {survey.name!r} has {len(survey.raters)} raters: they are split into several parts, "
                f"at least {LEAST_RATERS} are needed"
            )
        train = np.flatnonzero(raters_in(survey.raters, "train"))
        order = np.random.default_rng(seed).permutation(train)
        size = round(share * len(train))
        if not FEW <= size < len(train):
            raise ConfigError(
                f"a share of {share:g} of the {len(train):,} training raters of {survey.name!r} is {size:,}: "
                f"at least {FEW} and fewer than all are needed"
            )
        return cls(survey, np.sort(order[:size]), order[size:])

    def batch(self, number: int, size: int) -> Rows:
        """Rows of the raters who are interviewed in a round, from 1."""
        return self.held[(number - 1) * size : number * size]

    def known(self, interviews: Iterable[Transcript]) -> Survey:
        """Seeds and validation raters with all their answers, and each interview as one more rater.

        Raises:
            DataError: an interview of another survey.
        """
        survey = self.survey
        chosen = raters_in(survey.raters, "validation")
        chosen[self.seeds] = True
        start, met = survey.of_raters(chosen), list(interviews)
        places = {question.question_id: column for column, question in enumerate(survey.questions)}
        said = [_said(one, places) for one in met]
        nothing = np.empty((2, 0), dtype=np.intp)
        columns, answers = np.concatenate([nothing, *said], axis=1)
        ends = start.starts[-1] + np.cumsum([one.shape[1] for one in said], dtype=np.int64)
        return replace(
            start,
            raters=(*start.raters, *(one.rater_id for one in met)),
            starts=np.concatenate([start.starts, ends]),
            columns=np.concatenate([start.columns, columns]).astype(np.int32),
            answers=np.concatenate([start.answers, answers]).astype(np.int16),
            occasions=np.concatenate([start.occasions, np.zeros(len(columns))]).astype(np.int32),
        )


def _said(one: Transcript, places: dict[str, int]) -> Rows:
    """(2, T) columns and answers of an interview, in order of the columns."""
    try:
        turns = sorted((places[turn.question_id], turn.answer) for turn in one.turns)
    except KeyError as problem:
        raise DataError(
            f"interview {one.rater_id!r} asks {problem}, which is no question of the survey: begin anew"
        ) from problem
    return np.array(turns, dtype=np.intp).reshape(-1, 2).T


def interview_id(rater: str, number: int) -> str:
    """The id under which an interview of a training rater in a round is a rater of its own.

    The splits go by ids, so it is one that is a training rater's, too.
    """
    names = (f"{rater}/{number}.{attempt}" for attempt in count())
    return next(name for name in names if raters_in([name], "train")[0])


def transcribed(
    people: People,
    number: int,
    planner: str,
    rows: Rows,
    asked: Rows,
    gains: NDArray[np.float64],
    checks: Rows,
    stopped: Sequence[str],
) -> list[Transcript]:
    """The interviews of the raters in some rows of the survey, answered as they really did.

    asked, checks: (R, T) and (R, C) columns of the survey, -1 where there are no more. gains: (R, T) bits
    that were expected of the asked, NaN where nothing was. stopped: (R,) why each ended.
    """
    table, survey = people.survey.table(), people.survey
    found = []
    for place, row in enumerate(rows):
        chosen = [(int(one), gain) for one, gain in zip(asked[place], gains[place], strict=True) if one >= 0]
        turns = [_turn(survey, one, int(table[row, one]), float(gain)) for one, gain in chosen]
        turns += [
            _turn(survey, one, int(table[row, one]), np.nan, CHECK)
            for one in checks[place].tolist()
            if one >= 0
        ]
        name = interview_id(survey.raters[row], number)
        found.append(Transcript(name, survey.name, planner, tuple(turns), stopped[place]))
    return found


def _turn(survey: Survey, column: int, answer: int, gain: float, planner: str | None = None) -> Turn:
    question = survey.questions[column]
    options = tuple(option.markdown for option in question.options)
    bits = None if np.isnan(gain) else round(gain, 6)
    return Turn(question.question_id, question.markdown, options, answer, bits, planner=planner)
