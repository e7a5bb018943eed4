"""Whether what a recipe's file gives as a setting is a number of the right kind."""

from __future__ import annotations

import math
from collections.abc import Iterable

from prefs.errors import ConfigError

SEEDS = 2**31  # below which a seed is


def check_whole(of: object, names: Iterable[str], what: str) -> None:
    """Raises ConfigError where one of the named settings of an object is no whole number."""
    for name in names:
        value = getattr(of, name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ConfigError(f"{name} {value!r} of the {what}: allowed are whole numbers")


def check_numbers(of: object, names: Iterable[str], what: str) -> None:
    """Raises ConfigError where one of the named settings of an object is no finite number."""
    for name in names:
        value = getattr(of, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError(f"{name} {value!r} of the {what}: allowed are numbers")
