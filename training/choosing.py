"""What an evaluation chooses on validation raters: the best policies, a window, the warmth of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from training.measures import Measured, add_predictions
from training.metrics import sure_temperature
from training.policies import NAMING, Asked, Cohort, fixed_order, interviews
from training.predictive import predict

if TYPE_CHECKING:
    from training.evaluate import Evaluation

BOUNDS = ("random", "catsim", "hindsight")  # never chosen: a rival, and what looks at the answers
WIDTHS = (3, 10, 30)  # windows of the static order that `policy` may choose in, beside 1 and all
JUDGES = 300  # validation raters that choose


def choose(
    own: Evaluation, policies: Sequence[str], orders: Mapping[str, Sequence[int]], ks: Sequence[int]
) -> tuple[dict[str, str | None], int, dict[int, float]]:
    """What is best on validation raters, averaged over k.

    The policy for each purpose; the width of the window of `policy`: 1, the static order itself, unless
    another is surely better; the temperature of predictions after k questions.
    """
    rows = own.rows("validation")[:JUDGES]
    names = [name for name in policies if name not in BOUNDS]
    if not (len(rows) and names):
        return {"identification": None, "prediction": None}, 1, dict.fromkeys(ks, 1.0)
    cohort = own.cohort(rows)
    steps = max(ks)
    plain = [name for name in names if name != "policy"]
    asked = own.interviews(rows, cohort, plain, orders, steps, 1)
    width = 1
    if "policy" in names:
        tried = {1: fixed_order(cohort, orders["static"], steps)}
        for each in WIDTHS:
            tried |= {each: interviews(cohort, ["policy"], orders, steps, own.told, each)["policy"]}
        tried[len(own.candidate)] = asked.get("epig", tried[1])
        width = _width(own, cohort, tried, ks)
        asked["policy"] = tried[width]
    warmth = warmth_of(cohort, {name: asked[name] for name in names if name not in NAMING} or asked, ks)
    found = own.measure(rows, cohort, asked, warmth)
    return (
        {
            "identification": _most_identified(names, found),
            "prediction": min(names, key=lambda name: float(np.nanmean(found[name].values["log_loss"]))),
        },
        width,
        warmth,
    )


def _most_identified(names: Sequence[str], found: Mapping[str, Measured]) -> str | None:
    """The policy that identifies most raters, None where that was not measured."""
    if "share_identified" not in found[names[0]].values:
        return None
    return max(names, key=lambda name: float(found[name].values["share_identified"].mean()))


def _width(own: Evaluation, cohort: Cohort, tried: Mapping[int, Asked], ks: Sequence[int]) -> int:
    """The width of least mean log loss, if it is better than width 1 by more than its standard error."""
    losses = {}
    for width, asked in tried.items():
        found = Measured({})
        for k in ks:
            p = predict(cohort.beliefs(asked, k), cohort.targets)
            add_predictions(found, own.wanted(cohort), p)
        losses[width] = np.nanmean(found.values["log_loss"], axis=1)
    best = min(losses, key=lambda width: float(losses[width].mean()))
    gain = losses[1] - losses[best]
    return best if gain.mean() > gain.std() / np.sqrt(len(gain)) else 1


def warmth_of(cohort: Cohort, asked: Mapping[str, Asked], ks: Sequence[int]) -> dict[int, float]:
    """The temperature of predictions after k questions, whoever asked: 1 unless another is surely better."""
    found, (rows, columns) = {}, np.nonzero(cohort.wanted >= 0)
    for k in ks:
        p = [predict(cohort.beliefs(one, k), cohort.targets)[rows, columns] for one in asked.values()]
        said, who = (np.tile(one, len(p)) for one in (cohort.wanted[rows, columns], rows))
        found[k] = sure_temperature(np.concatenate(p), said, who)
    return found
