"""What the rounds of expert iteration came to, as JSON: what was known, what it cost, and how good it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from prefs.transcripts import Transcript
from training.evaluate import Evaluation
from training.fitted import FittedBank
from training.interviewing import Curve, Way
from training.reached import reached, saved
from training.splits import raters_in

PLANNED, RANDOM = "planned", "random"


@dataclass(frozen=True)
class Arm:
    """What a round has made of one kind of interviews.

    own: everybody who is known, and the model of them. met: all interviews so far, new: those of this round.
    curve: how good the way to interview is on validation raters. seconds: what learning it took.
    """

    own: Evaluation
    model: FittedBank
    way: Way
    curve: Curve
    met: Sequence[Transcript]
    new: int
    seconds: float


def recorded(
    number: int, arms: Mapping[str, Arm], start: Curve, target: float, price: float
) -> dict[str, Any]:
    """A round; start: the curve of round 0, target: the loss in nats it set, price: of a question in bits."""
    record: dict[str, Any] = {
        "round": number,
        "measured_raters": len(arms[PLANNED].curve.losses),
        "target_loss": round(target, 6),
        **{kind: _of_arm(arm, start, target, price) for kind, arm in arms.items()},
    }
    if RANDOM in arms:
        record["saved_against_random"] = saved(arms[PLANNED].curve.losses, arms[RANDOM].curve.losses, target)
    return record


def _of_arm(arm: Arm, start: Curve, target: float, price: float) -> dict[str, Any]:
    trained = raters_in(arm.own.survey.raters, "train")
    lengths = [len(one.turns) for one in arm.met]
    stop, loss = arm.curve.at_price(price)
    return {
        "raters": int(trained.sum()),
        "answers": int(trained[arm.own.survey.rows].sum()),
        "interviews": len(lengths),
        "questions": sum(lengths),
        "cost_bits": round(price * sum(lengths), 6),
        "questions_per_interview": round(float(np.mean(lengths[-arm.new :])), 3) if arm.new else None,
        "size": arm.model.phi.shape[2] - 2,
        "near": asdict(arm.way.near),
        "log_loss": _means(arm.curve),
        "to_target": reached(arm.curve.losses, target),
        "saved_since_round_0": saved(arm.curve.losses, start.losses, target),
        "at_price": {"questions": round(stop, 3), "log_loss": round(loss, 6)},
        "seconds": arm.seconds,
    }


def tested(curves: Mapping[tuple[int, str], Curve], level: int) -> dict[str, Any]:
    """The same raters in all rounds; the target loss is theirs in round 0 after `level` questions."""
    start = curves[0, PLANNED].losses
    target = float(start.mean(0)[level])
    lines: list[dict[str, Any]] = []
    for number, kind in curves:
        if kind != PLANNED:
            continue
        there = {arm: curves[number, arm] for arm in (PLANNED, RANDOM) if (number, arm) in curves}
        line: dict[str, Any] = {"round": number}
        for arm, one in there.items():
            line[arm] = {
                "log_loss": _means(one),
                "to_target": reached(one.losses, target),
                "saved_since_round_0": saved(one.losses, start, target),
            }
        if RANDOM in there:
            line["saved_against_random"] = saved(there[PLANNED].losses, there[RANDOM].losses, target)
        lines.append(line)
    return {"raters": len(start), "target_loss": round(target, 6), "rounds": lines}


def verdict(test: Mapping[str, Any]) -> str:
    """One sentence on whether the questions to the target fall, and whether chosen questions are why."""
    rounds = test["rounds"]
    needed = [one[PLANNED]["to_target"]["questions"] for one in rounds]
    shown = ", ".join("never" if value is None else f"{value:.1f}" for value in needed)
    known = [np.inf if value is None else value for value in needed]
    fell = sum(later < earlier for earlier, later in pairwise(known))
    found = (
        f"Questions to the target loss, round by round: {shown}; fewer in {fell} of {len(rounds) - 1} rounds."
    )
    ahead = rounds[-1]["saved_against_random"]
    low, high = ahead["ci"]
    if low > 0:
        why = "chosen questions teach more than as many at random"
    elif high < 0:
        why = "chosen questions teach less than as many at random"
    else:
        why = "who chose the questions makes no sure difference"
    return f"{found} Ahead of random interviews in the end by {low:.1f} to {high:.1f} questions; {why}."


def _means(one: Curve) -> list[float]:
    return [round(float(value), 6) for value in one.losses.mean(0)]
