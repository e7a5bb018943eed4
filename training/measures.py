"""What is measured of an interview: predictions of target answers, and who is answering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.space import Floats
from training.identify import TOP, Identified
from training.metrics import Calibration, calibration, interval
from training.policies import Asked
from training.ranks import spearman_within

RARE = 0.3  # answers given by a smaller share of people are rare


@dataclass
class Measured:
    """Measures of R raters at each k: (R, k) by name, NaN where undefined, and calibration by k.

    identified: (T + 1,) share of the raters identified after every number of questions.
    """

    values: dict[str, Floats]
    calibrations: list[Calibration] = field(default_factory=list)
    rare: dict[str, Floats] = field(default_factory=dict)
    identified: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Wanted:
    """Target answers of R raters: (R, M), -1 missing, and their shares among training raters (M, K).

    ordered: whether all are ratings of one scale, which can be put in order.
    """

    answers: NDArray[np.intp]
    shares: Floats
    ordered: bool = False

    def predicted(self, p: NDArray[np.floating]) -> tuple[dict[str, Floats], dict[str, Floats], Calibration]:
        """Measures (R,) of predictions (R, M, K), those on rare answers only, and the calibration."""
        rows, columns = np.nonzero(self.answers >= 0)
        said = self.answers[rows, columns]
        chosen, top = p[rows, columns], p[rows, columns].argmax(1)
        loss = -np.log(np.maximum(chosen[np.arange(len(said)), said], 1e-12)).astype(np.float64)
        share = self.shares[columns, said]
        each = {
            "accuracy": (top == said).astype(np.float64),
            "log_loss": loss,
            "residual_skill": -np.log(share) - loss,
        }
        rare = share < RARE
        count = len(self.answers)
        every = {name: _by_rater(values, rows, count) for name, values in each.items()}
        if self.ordered:
            every["spearman"] = spearman_within(p @ np.arange(p.shape[2]), self.answers)
        return (
            every,
            {name: _by_rater(values[rare], rows[rare], count) for name, values in each.items()},
            calibration(chosen.max(1), top == said, rows, count),
        )


def _by_rater(values: Floats, rows: NDArray[np.intp], count: int) -> Floats:
    """(count,) mean of each rater's values, NaN without any."""
    mass = np.bincount(rows, minlength=count)
    sums = np.bincount(rows, weights=values, minlength=count)
    return np.asarray(np.divide(sums, mass, out=np.full(count, np.nan), where=mass > 0))


def add_predictions(found: Measured, wanted: Wanted, p: NDArray[np.floating]) -> None:
    """Appends one more k."""
    values, rare, calibrated = wanted.predicted(p)
    for store, new in ((found.values, values), (found.rare, rare)):
        for name, column in new.items():
            old = store.get(name, np.empty((len(column), 0)))
            store[name] = np.column_stack([old, column])
    found.calibrations.append(calibrated)


def add_identification(
    found: Measured, known: Identified, ks: Sequence[int], suffix: str, asked: Asked
) -> None:
    """Adds log p(ID), the share above one half and the share among the top 16 at each k."""
    at = np.minimum(list(ks), asked.shape[1])
    log_p = known.log_p[:, at]
    found.values[f"log_p_id{suffix}"] = log_p
    found.values[f"share_identified{suffix}"] = (log_p > np.log(0.5)).astype(np.float64)
    if not suffix:
        found.identified = (known.log_p > np.log(0.5)).mean(0)
        found.values["top16"] = (known.rank[:, at] < TOP).astype(np.float64)


def summary(
    values: Mapping[str, Floats], calibrations: Sequence[Calibration], used: Sequence[bool], weights: Floats
) -> dict[str, Any]:
    """Means and 95 % intervals at every k, null where a k is not used; lists aligned with k."""
    found: dict[str, Any] = {}
    for name, columns in values.items():
        rows = [interval(column, weights) for column in columns.T]
        _put(found, name, rows, used)
    if calibrations:
        errors = []
        for one in calibrations:
            error, drawn = float(one.error()), one.error(weights)
            # absolute gaps grow under resampling: the interval is centered on the estimate
            low, high = np.maximum(np.quantile(drawn, (0.025, 0.975)) - drawn.mean() + error, 0.0)
            errors.append((error, float(low), float(high)))
        _put(found, "ece", errors, used)
        chance = [(float(one.by_chance()),) * 3 for one in calibrations]
        found["ece_by_chance"] = [round(row[0], 6) if use else None for use, row in _spread(used, chance)]
    return found


def differences(a: Measured, b: Measured, used: Sequence[bool], weights: Floats) -> dict[str, Any]:
    """Paired differences a - b over raters: [mean, low, high] at every k."""
    found: dict[str, Any] = {}
    for name, one, other in (
        ("log_loss", a.values.get("log_loss"), b.values.get("log_loss")),
        ("share_identified", a.values.get("share_identified"), b.values.get("share_identified")),
        ("rare_log_loss", a.rare.get("log_loss"), b.rare.get("log_loss")),
    ):
        if one is not None and other is not None:
            rows = [interval(x - y, weights) for x, y in zip(one.T, other.T, strict=True)]
            found[name] = [
                [round(value, 6) for value in row] if use and row[0] == row[0] else None
                for use, row in _spread(used, rows)
            ]
    return found


def _put(found: dict[str, Any], name: str, rows: Sequence[tuple[float, ...]], used: Sequence[bool]) -> None:
    pairs = [(use and row[0] == row[0], row) for use, row in _spread(used, rows)]
    found[name] = [round(row[0], 6) if use else None for use, row in pairs]
    found[f"{name}_ci"] = [[round(row[1], 6), round(row[2], 6)] if use else None for use, row in pairs]


def _spread(used: Sequence[bool], rows: Sequence[tuple[float, ...]]) -> list[tuple[bool, tuple[float, ...]]]:
    """Rows exist only for the used k; the others get an empty one."""
    left = iter(rows)
    return [(use, next(left) if use else (float("nan"),) * 3) for use in used]
