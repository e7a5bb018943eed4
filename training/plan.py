"""Plans interviews of a whole corpus: for every rater the questions that tell soonest who answers.

A plan is greedy on log p(true rater ID) over questions that this rater really answered. With `hindsight`
the answers are looked at, with `expected` they are not. Given groups of raters it is greedy on
log p(true group) instead (`training.grouped`). Plans are written as transcripts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from prefs.engines import Engine, Local
from prefs.errors import ConfigError
from prefs.files import write_bytes
from prefs.model import ChoiceModel, QuestionVectors
from prefs.space import Floats
from prefs.transcripts import Transcript, Turn
from training.fitted import FittedBank
from training.greedy import Expected, Hindsight, Limits, Plans, State, greedy
from training.grouped import GroupExpected, GroupHindsight, Members
from training.groups import Groups
from training.hypotheses import (
    Bools,
    Crowd,
    Neighbors,
    Rows,
    Suspects,
    answers_of,
    known_tastes,
    sampled,
)
from training.parts import Parts
from training.surveys import Survey

Planner = Literal["expected", "hindsight"]
Told = Callable[[str, int, int], None]

FORMAT = "kallisti.plan/1"
MOST = 32_768  # raters up to which everybody is weighed against everybody
SAMPLE, NEAREST = 4096, 64
BLOCK = 512  # plans made at once: matrix products of fewer rows are slower
HELD = 1 << 25  # chances held for the raters of a block
MET = 512  # raters whose tastes are inferred and kept at once
SPARSE = 16  # options per answer beyond which the chances of answers are gathered
PACKAGES = ("numpy", "faiss-cpu")  # what arithmetic rests on, wherever it is done


@dataclass(frozen=True)
class Settings:
    """How to plan.

    questions: the most that a plan asks. price: bits; a question that gains less ends the plan.
    stop_probability: of the true rater, at which the plan ends. subsets: plans of each rater, each over
    a random `share` of the questions that the rater answered. hypotheses: how many raters all are
    weighed against; None for everybody, or for 4,096 and the nearest where there are over 32,768.

    Raises:
        ConfigError: a value that is not allowed.
    """

    planner: Planner = "expected"
    questions: int = 20
    price: float = 0.0
    stop_probability: float | None = None
    subsets: int = 1
    share: float = 1.0
    hypotheses: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        goal = self.stop_probability
        rules = (
            (self.planner in get_args(Planner), f"planner {self.planner!r}: allowed are expected, hindsight"),
            (self.questions >= 1, f"{self.questions} questions: at least 1 is needed"),
            (self.price >= 0.0, f"price {self.price} bits: allowed is 0 or more"),
            (goal is None or 0.0 < goal < 1.0, f"stop probability {goal}: allowed is between 0 and 1"),
            (self.subsets >= 1, f"{self.subsets} subsets: at least 1 is needed"),
            (self.seed >= 0, f"seed {self.seed}: allowed is 0 or more"),
            (0.0 < self.share <= 1.0, f"share {self.share} of the answers: allowed is above 0, to 1"),
            (
                self.subsets == 1 or self.share < 1.0,
                f"{self.subsets} subsets of all answers are the same: give a share below 1",
            ),
            (
                self.hypotheses is None or self.hypotheses >= 1,
                f"{self.hypotheses} hypotheses: at least 1 is needed",
            ),
        )
        for holds, problem in rules:
            if not holds:
                raise ConfigError(problem)

    @property
    def limits(self) -> Limits:
        """When a plan ends, in nats."""
        return Limits(self.questions, self.price * float(np.log(2)), self.stop_probability)


class Planning:
    """A corpus ready to be planned, block by block; each block is a pure function of its number.

    tastes: (R, d) of `tastes_of`. groups: of all raters, where groups are to be found and not raters.

    Raises:
        ConfigError: a model of other questions than the survey's.
    """

    packages, cores = PACKAGES, 1

    def __init__(
        self,
        survey: Survey,
        fitted: FittedBank,
        settings: Settings,
        tastes: Floats,
        groups: Groups | None = None,
    ) -> None:
        _check(survey, fitted)
        self.survey, self.settings, self.model = survey, settings, fitted.alone()
        self.vectors = fitted.source(self.model.space).all()
        self.tastes, self.groups = tastes, groups
        count = len(survey.raters)
        size = settings.hypotheses or (count if count <= MOST else SAMPLE)
        self.everybody, self.nearest = size >= count, min(NEAREST, count - 1)
        self.crowd = Crowd.of(tastes, self.vectors, sampled(count, size, settings.seed))
        self.neighbors = None if self.everybody else Neighbors(tastes, self.model.space.cov)
        self.size = self._raters()

    @property
    def against(self) -> str:
        """Which hypotheses each rater is weighed against, in words."""
        return self._among if self.groups is None else f"{self.groups.text} of {self._among}"

    @property
    def _among(self) -> str:
        count = len(self.survey.raters)
        if self.everybody:
            return f"all {count} raters"
        return f"{len(self.crowd.rows)} sampled and the {self.nearest} nearest of {count} raters"

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-len(self.survey.raters) // self.size)

    def block(self, number: int) -> list[Transcript]:
        """The plans of a block of raters, in the order of the survey, subsets after one another."""
        start = number * self.size
        part = slice(start, min(start + self.size, len(self.survey.raters)))
        answers = answers_of(self.survey, part)
        return self._transcripts(part, answers, self._plan(part, answers))

    def __call__(self, number: int) -> bytes:
        """The plans of a block of raters as JSON Lines."""
        return b"".join(one.to_json().encode() + b"\n" for one in self.block(number))

    def _plan(self, part: slice, answers: Rows) -> Plans:
        times = self.settings.subsets
        left = self._left(part, answers)
        options = np.repeat(np.maximum(answers, 0), times, axis=0) + self.crowd.first
        raters, nearest = np.repeat(np.arange(part.start, part.stop), times), None
        if self.neighbors is None:
            suspects = Suspects.everybody(self.crowd, raters)
        else:
            nearest = np.repeat(self.neighbors.of(part, self.nearest), times, axis=0)
            suspects = Suspects.around(self.crowd, nearest, self.tastes, self.vectors)
        state: State
        if self.groups is not None:
            members = Members(self.groups, suspects, raters, nearest)
            start = members.start(suspects)
            planner = GroupHindsight if self.settings.planner == "hindsight" else GroupExpected
            state = planner(suspects, options, members)
        else:
            start = -np.log(suspects.prior.sum(1, dtype=np.float64))
            if self.settings.planner == "hindsight":
                state = Hindsight(suspects, options, left if self._sparse else None)
            else:
                state = Expected(suspects, options)
        return greedy(state, left, start, self.settings.limits)

    def _left(self, part: slice, answers: Rows) -> Bools:
        """(B * subsets, Q) the questions that each plan may ask, the same whatever the blocks are."""
        share, times = self.settings.share, self.settings.subsets
        left = np.repeat(answers >= 0, times, axis=0)
        if share == 1.0:
            return left
        for row, allowed in enumerate(left):
            rater, subset = divmod(row, times)
            rng = np.random.default_rng([self.settings.seed, part.start + rater, subset])
            answered = np.flatnonzero(allowed)
            dropped = len(answered) - max(1, round(share * len(answered)))
            allowed[rng.choice(answered, dropped, replace=False)] = False
        return left

    def _transcripts(self, part: slice, answers: Rows, plans: Plans) -> list[Transcript]:
        planner = self.settings.planner + (f" by {self.groups.column}" if self.groups else "")
        planner += "" if self.everybody else f" against {self._among}"
        shown = self._shown
        found = []
        for row, questions in enumerate(plans.questions):
            rater = row // self.settings.subsets
            asked = questions[questions >= 0].tolist()
            gains, log_p = (plans.gains[row] / np.log(2)).tolist(), plans.log_p[row].tolist()
            turns = tuple(
                replace(shown[question], answer=int(answers[rater, question]), gain_bits=gain, log_p_id=after)
                for question, gain, after in zip(asked, gains, log_p, strict=False)
            )
            who = self.survey.raters[part.start + rater]
            found.append(Transcript(who, self.survey.name, planner, turns, str(plans.stopped[row])))
        return found

    @cached_property
    def _shown(self) -> list[Turn]:
        """The questions, not answered yet."""
        return [
            Turn(one.question_id, one.markdown, tuple(option.markdown for option in one.options), None)
            for one in self.survey.questions
        ]

    @property
    def _allowed(self) -> float:
        """Answers that a plan may use, on average."""
        return self.settings.share * len(self.survey.answers) / len(self.survey.raters)

    @property
    def _sparse(self) -> bool:
        """Whether sums over a rater's own answers cost less than sums over all options."""
        return self.settings.planner == "hindsight" and self._allowed * SPARSE < len(self.crowd.chance)

    def _raters(self) -> int:
        """Raters of a block."""
        held = 0 if self.everybody else len(self.crowd.chance) * (1 + self.nearest)
        if self._sparse:
            held += round(self._allowed * len(self.crowd.rows))
        plans = min(BLOCK, HELD // max(held, 1))
        return max(1, plans // self.settings.subsets)


@dataclass(frozen=True)
class Acquaintance:
    """Gets to know raters by all their answers, `size` of them from a row on."""

    survey: Survey
    model: ChoiceModel
    vectors: QuestionVectors
    size: int
    packages: tuple[str, ...] = PACKAGES
    cores: int = 1

    def __call__(self, start: int) -> Floats:
        """(B, d) posterior means."""
        part = slice(start, min(start + self.size, len(self.survey.raters)))
        return known_tastes(self.survey, self.model, self.vectors, part)


def tastes_of(
    survey: Survey,
    fitted: FittedBank,
    told: Told,
    parts: Parts | None = None,
    engine: Engine | None = None,
) -> Floats:
    """(R, d) posterior means of all raters; what is known already is taken from the parts, and kept there."""
    _check(survey, fitted)
    model, count = fitted.alone(), len(survey.raters)
    found, wanted = np.empty((count, model.space.size)), list[int]()
    for start in range(0, count, MET):
        kept = parts.load(f"tastes-{start}") if parts else None
        if kept is None:
            wanted.append(start)
        else:
            found[start : start + MET] = kept
    work = Acquaintance(survey, model, fitted.source(model.space).all(), MET)
    done = count - sum(min(MET, count - start) for start in wanted)
    for start, tastes in (engine or Local(1)).run(work, ((start, start) for start in wanted)):
        found[start : start + len(tastes)] = tastes
        if parts:
            parts.save(f"tastes-{start}", tastes)
        done += len(tastes)
        told("getting to know the raters", done, count)
    return found


def plan(
    survey: Survey, fitted: FittedBank, settings: Settings | None = None, told: Told | None = None
) -> Iterator[Transcript]:
    """The plans of all raters in the order of the survey; told(stage, done, total) hears of progress.

    Raises:
        ConfigError: a model of other questions than the survey's.
    """
    tell = told or _silent
    planning = Planning(survey, fitted, settings or Settings(), tastes_of(survey, fitted, tell))
    for number in range(planning.blocks):
        yield from planning.block(number)
        tell("planning", number + 1, planning.blocks)


def write_plans(
    survey: Survey,
    fitted: FittedBank,
    settings: Settings,
    out: Path,
    *,
    groups: Groups | None = None,
    engine: Engine | None = None,
    resume: bool = False,
    told: Told | None = None,
) -> str:
    """Writes the plans of all raters as JSON Lines; returns in words what they were weighed against.

    groups: of all raters, where groups are to be found and not raters. engine: by default this thread
    alone; the file does not depend on it. Work that was cut off lies in `FILE.parts/` and goes on with
    `resume`, by any engine, to the same file.

    Raises:
        ConfigError: a model of other questions; parts of other work are there, or parts where `resume` is
            not wanted. ClusterError: the engine's machines could not finish.
    """
    _check(survey, fitted)
    tell, does = told or _silent, engine or Local(1)
    parts = Parts(out, _about(survey, fitted, settings, groups), resume)
    planning = Planning(survey, fitted, settings, tastes_of(survey, fitted, tell, parts, does), groups)
    missing = parts.missing(planning.blocks)
    done = planning.blocks - len(missing)
    for number, lines in does.run(planning, ((number, number) for number in missing)):
        write_bytes(parts.path(number), lines)
        done += 1
        tell("planning", done, planning.blocks)
    parts.join(planning.blocks)
    return planning.against


def _silent(stage: str, done: int, total: int) -> None:
    pass


def _check(survey: Survey, fitted: FittedBank) -> None:
    if list(fitted.bank.rows) != [question.question_id for question in survey.questions]:
        raise ConfigError(
            f"the model of {fitted.bank.name!r} is of other questions than survey {survey.name!r}: "
            "train one on this survey"
        )


def _about(survey: Survey, fitted: FittedBank, settings: Settings, groups: Groups | None) -> dict[str, Any]:
    """What makes two plannings the same work."""
    answers = hashlib.sha256("\n".join(survey.raters).encode())
    for values in (survey.starts, survey.columns, survey.answers, survey.occasions):
        answers.update(np.ascontiguousarray(values).tobytes())
    if groups is not None:
        answers.update("\n".join(groups.names).encode() + groups.of.tobytes())
    return {
        "format": FORMAT,
        "dataset": survey.name,
        "answers": answers.hexdigest()[:16],
        "model": fitted.version,
        "groups": groups.column if groups else None,
        **asdict(settings),
    }
