"""With how many questions a log loss is reached, and how sure that is."""

from __future__ import annotations

from typing import Any

import numpy as np

from prefs.space import Floats
from training.metrics import resamples


def questions_to(means: Floats, target: float) -> Floats:
    """(B,) with how many questions the mean log loss (B, T + 1) comes down to a target, NaN where never.

    Between two numbers of questions it is interpolated.
    """
    below = means <= target
    first = below.argmax(1)
    rows = np.arange(len(means))
    found = first.astype(float)
    later = first > 0
    high, low = means[rows, first - 1][later], means[rows, first][later]
    found[later] -= (target - low) / (high - low)
    found[~below.any(1)] = np.nan
    return np.asarray(found)


def reached(losses: Floats, target: float) -> dict[str, Any]:
    """Questions to a target loss, null where never, with a 95 % interval over raters; losses: (R, T + 1).

    A resample of raters that never gets there counts as one question more than were asked.
    """
    most = losses.shape[1]
    mean = float(questions_to(losses.mean(0, keepdims=True), target)[0])
    low, high = np.quantile(_drawn(losses, target, most), (0.025, 0.975))
    return {"questions": _value(mean), "ci": [_value(low), _value(high)]}


def saved(losses: Floats, others: Floats, target: float) -> dict[str, Any]:
    """By how many questions the first (R, T + 1) are ahead of the others, paired over the same raters.

    With a 95 % interval; null where one of them never gets there.
    """
    most = losses.shape[1]
    means = np.stack([others.mean(0), losses.mean(0)])
    other, one = questions_to(means, target)
    ahead = _drawn(others, target, most) - _drawn(losses, target, most)
    low, high = np.quantile(ahead, (0.025, 0.975))
    return {"questions": _value(other - one), "ci": [_value(low), _value(high)]}


def _drawn(losses: Floats, target: float, most: int) -> Floats:
    """(B,) questions to the target of bootstrap resamples of the raters."""
    weights = resamples(len(losses)) / len(losses)
    return np.asarray(np.nan_to_num(questions_to(weights @ losses, target), nan=most))


def _value(number: float) -> float | None:
    return None if np.isnan(number) else round(float(number), 3)
