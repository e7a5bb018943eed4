"""Stoppers end an interview and say why; several combine, and the first to speak decides."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from prefs.errors import ConfigError
from prefs.progress import Forecast


@dataclass(frozen=True)
class Standing:
    """What stoppers look at.

    questions: answered or skipped so far. gains: expected bits of the questions that were asked to
    learn (no repeats), in order. forecast: computed only when a stopper asks.
    """

    questions: int
    gains: Sequence[float]
    forecast: Callable[[], Forecast]


class Stopper(Protocol):
    """Decides whether to stop."""

    def reason(self, standing: Standing) -> str | None:
        """Why to stop, in plain words, or None to go on."""
        ...

    def left(self, standing: Standing) -> int | None:
        """Estimated number of questions until this stops, None where it cannot be told."""
        ...


@dataclass(frozen=True)
class AfterCount:
    """Stops after a number of questions."""

    limit: int

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ConfigError(f"stop after {self.limit} questions: at least 1 is needed")

    def reason(self, standing: Standing) -> str | None:
        """Says so when the questions are used up."""
        done = standing.questions >= self.limit
        return f"{self.limit} questions are answered, as agreed." if done else None

    def left(self, standing: Standing) -> int | None:
        """Exactly the questions that remain."""
        return max(self.limit - standing.questions, 0)


@dataclass(frozen=True)
class LittleToLearn:
    """Stops when the best question promised less than `bits` for `times` questions in a row."""

    bits: float = 0.02
    times: int = 3

    def __post_init__(self) -> None:
        if not self.bits > 0.0 or self.times < 1:
            raise ConfigError(f"stop below {self.bits} bits {self.times} times: both above 0 are needed")

    def reason(self, standing: Standing) -> str | None:
        """Says so when the questions have little left to teach."""
        last = standing.gains[-self.times :]
        if len(last) < self.times or max(last) >= self.bits:
            return None
        return (
            f"The last {self.times} questions could each tell less than {self.bits:g} bits: "
            "little is left to learn."
        )

    def left(self, standing: Standing) -> int | None:
        """Gains of a Gaussian belief fall like 1/n, so they reach the goal after n gain/bits."""
        if not standing.gains:
            return None
        last = standing.gains[-self.times :]
        gain = sum(last) / len(last)
        return max(math.ceil(len(standing.gains) * (gain / self.bits - 1.0)), 0)


@dataclass(frozen=True)
class WellPredicted:
    """Stops when unseen answers are expected to be predicted with a given accuracy."""

    accuracy: float

    def __post_init__(self) -> None:
        if not 0.0 < self.accuracy < 1.0:
            raise ConfigError(f"accuracy {self.accuracy} to reach: allowed is between 0 and 1")

    def reason(self, standing: Standing) -> str | None:
        """Says so when the goal is reached."""
        now = standing.forecast().now if standing.questions else 0.0
        if now < self.accuracy:
            return None
        return f"{now:.0%} of unseen answers should be predicted right, the goal was {self.accuracy:.0%}."

    def left(self, standing: Standing) -> int | None:
        """From the gap to the achievable closing like 1/(1 + n/h); None where it will not close."""
        found = standing.forecast()
        first, now, goal = (found.achievable - x for x in (found.prior, found.now, self.accuracy))
        if now <= goal:
            return 0
        if goal <= 0.0 or now >= first or standing.questions == 0:
            return None
        half = standing.questions / (first / now - 1.0)
        return math.ceil(half * (first / goal - 1.0)) - standing.questions


@dataclass(frozen=True)
class AnyOf:
    """Stops when one of several stoppers does."""

    stoppers: tuple[Stopper, ...]

    def reason(self, standing: Standing) -> str | None:
        """The first reason there is."""
        return next((found for s in self.stoppers if (found := s.reason(standing))), None)

    def left(self, standing: Standing) -> int | None:
        """The fewest questions that one of them expects."""
        return min((n for s in self.stoppers if (n := s.left(standing)) is not None), default=None)
