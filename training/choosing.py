"""What an evaluation chooses on validation raters: the best policies, a window, the warmth of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from prefs.space import Floats
from training.measures import Measured, add_predictions
from training.metrics import sure_temperature
from training.policies import NAMING, Asked, Cohort, Near, fixed_order, interviews
from training.predictive import predict

if TYPE_CHECKING:
    from training.evaluate import Evaluation

BOUNDS = ("random", "catsim", "hindsight")  # never chosen: a rival, and what looks at the answers
WIDTHS = (10, 30)  # of the static order's next questions, beside 1 and all, that `policy` may choose among
JUDGES = 300  # validation raters that choose


def choose(
    own: Evaluation, policies: Sequence[str], orders: Mapping[str, Sequence[int]], ks: Sequence[int]
) -> tuple[dict[str, str | None], Near, dict[int, float]]:
    """What is best on validation raters, averaged over k.

    The policy for each purpose; how far `policy` goes from the static order; the temperature of
    predictions after k questions.
    """
    rows = own.rows("validation")[:JUDGES]
    names = [name for name in policies if name not in BOUNDS]
    if not (len(rows) and names):
        return {"identification": None, "prediction": None}, Near(), dict.fromkeys(ks, 1.0)
    cohort = own.cohort(rows)
    steps = max(ks)
    plain = [name for name in names if name != "policy"]
    near = Near()
    asked = own.interviews(rows, cohort, plain, orders, steps, near)
    if "policy" in names:
        near, asked["policy"] = nearness(own, cohort, orders, ks, asked.get("epig"))
    warmth = warmth_of(cohort, {name: asked[name] for name in names if name not in NAMING} or asked, ks)
    found = own.measure(rows, cohort, asked, warmth)
    return (
        {
            "identification": _most_identified(names, found),
            "prediction": _best_predicted(names, found),
        },
        near,
        warmth,
    )


def _most_identified(names: Sequence[str], found: Mapping[str, Measured]) -> str | None:
    """The policy that identifies most raters, None where that was not measured."""
    if "share_identified" not in found[names[0]].values:
        return None
    return max(names, key=lambda name: float(found[name].values["share_identified"].mean()))


def _best_predicted(names: Sequence[str], found: Mapping[str, Measured]) -> str:
    """The policy of least log loss; `policy`, which contains the static order, unless it is surely worse."""
    losses = {name: found[name].values["log_loss"] for name in names}
    best = min(names, key=lambda name: float(np.nanmean(losses[name])))
    if best == "policy" or "policy" not in losses:
        return best
    return best if _sure(losses["policy"] - losses[best]) else "policy"


def nearness(
    own: Evaluation,
    cohort: Cohort,
    orders: Mapping[str, Sequence[int]],
    ks: Sequence[int],
    free: Asked | None,
) -> tuple[Near, Asked]:
    """How far from the static order is best, and what is asked then; free: what is asked at any distance.

    Losses of people tell more than a model does while little is known of the rater: the best width is
    tried once more after as many questions of the order as it did not gain by. The order itself stands
    unless another is better by more than the standard error of the mean over k.
    """
    steps, static = max(ks), fixed_order(cohort, orders["static"], max(ks))

    def ask(near: Near) -> Asked:
        return interviews(cohort, ["policy"], orders, steps, own.told, near)["policy"]

    tried = {Near(width): ask(Near(width)) for width in WIDTHS}
    if free is not None:
        tried[Near(len(own.candidate))] = free
    gains = {near: _gains(own, cohort, static, asked, ks) for near, asked in tried.items()}
    best = max(gains, key=lambda near: float(gains[near].mean()))
    later = np.cumsum(gains[best].mean(0)[::-1])[::-1]  # gained from each k on
    after = ([0, *ks])[int(later.argmax())]
    if after:
        late = Near(best.width, after)
        tried[late] = ask(late)
        gains[late] = _gains(own, cohort, static, tried[late], ks)
        best = late if _sure(gains[late]) else best
    return (best, tried[best]) if _sure(gains[best]) else (Near(), static)


def _sure(gains: Floats) -> bool:
    """Whether the mean of gains (R, k) is above its standard error."""
    means = gains.mean(1)
    return bool(means.mean() > means.std() / np.sqrt(len(means)))


def _gains(own: Evaluation, cohort: Cohort, static: Asked, asked: Asked, ks: Sequence[int]) -> Floats:
    """(R, k) by how much the log loss of each rater's target answers is below that of the static order."""
    losses = []
    for sequence in (static, asked):
        found = Measured({})
        for k in ks:
            add_predictions(found, own.wanted(cohort), predict(cohort.beliefs(sequence, k), cohort.targets))
        losses.append(found.values["log_loss"])
    return np.asarray(losses[0] - losses[1])


def warmth_of(cohort: Cohort, asked: Mapping[str, Asked], ks: Sequence[int]) -> dict[int, float]:
    """The temperature of predictions after k questions, whoever asked: 1 unless another is surely better."""
    found, (rows, columns) = {}, np.nonzero(cohort.wanted >= 0)
    for k in ks:
        p = [predict(cohort.beliefs(one, k), cohort.targets)[rows, columns] for one in asked.values()]
        said, who = (np.tile(one, len(p)) for one in (cohort.wanted[rows, columns], rows))
        found[k] = sure_temperature(np.concatenate(p), said, who)
    return found
