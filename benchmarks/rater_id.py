"""Who is answering, out of 300 people: how few questions narrow them down to sixteen.

    python -m benchmarks.rater_id --models FOLDER --json FILE [--set NAME ...] [--table]
        [--reader DIR] [--data-dir DIR]

FOLDER/NAME.model is what `kallisti train SET --split eval` wrote. The 300 are test raters with at least five
target answers, the first in order of the sha1 of their id. Everybody in the group is a hypothesis that speaks
through the choice model, known from all answers or ("unseen") from answers to targets only, so that different
questions must find the person. Only candidates are asked. The fixed order is made on 300 training raters; the
chosen policy is the one that narrows 300 validation raters down most often, averaged over 1 to 10 questions.
With --reader the questions are read, too; those of pictures with --data-dir, where their vectors are kept.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.interviews import header, number, row
from benchmarks.planning import DATA
from prefs.bank import ItemBank
from prefs.files import write_json
from training.banks import bank_of
from training.fitted import FittedBank, load_fitted
from training.identify import TOP, Identified
from training.metrics import interval, resamples
from training.policies import Told
from training.readers import read_data
from training.spotting import POLICIES, READINGS, Group, group_of, order_of, spotted
from training.surveys import Survey

SETS = {"london-faces": "images", "spi": "surveys", "anes_2016": "surveys"}
SIZE, STEPS = 300, 10
GOAL = 0.9
SHOWN = (1, 2, 3, 4, 5, 6, 8, 10)

Found = Mapping[str, Mapping[str, Identified]]


def measure(survey: Survey, fitted: FittedBank, size: int, told: Told) -> dict[str, Any]:
    """What every policy reaches with test raters, and which was chosen on validation raters."""
    order = order_of(group_of(survey, fitted, "train", size), STEPS)
    validation, test = (group_of(survey, fitted, part, size) for part in ("validation", "test"))
    judged = spotted(validation, POLICIES, order, STEPS, told)
    chosen = {name_of(reading): best_of(judged, reading) for reading in READINGS}
    found = spotted(test, POLICIES, order, STEPS, told)
    return {
        "set": survey.name,
        "raters": len(test.said),
        "validation_raters": len(validation.said),
        "candidates": len(test.asked),
        "mean_candidates_answered": float((test.answers >= 0).sum(1).mean()),
        "model": fitted.version,
        "order": [survey.questions[test.asked[place]].question_id for place in order[:STEPS]],
        "chosen": chosen,
        "readings": {name_of(reading): _reading(test, found, reading, chosen) for reading in READINGS},
    }


def name_of(reading: str) -> str:
    """What a reading is called in the report."""
    return reading.strip("_") or "all answers"


def best_of(judged: Found, reading: str) -> str:
    """The policy, random aside, with the largest share among the likeliest sixteen, averaged over k."""
    shares = {name: float((one[reading].rank[:, 1:] < TOP).mean()) for name, one in judged.items()}
    del shares["random"]
    return max(shares, key=lambda name: shares[name])


def _reading(group: Group, found: Found, reading: str, chosen: Mapping[str, str]) -> dict[str, Any]:
    """By policy: shares after 0 to STEPS questions, [mean, low, high] over raters; chosen less random."""
    weights = resamples(len(group.said))
    one = {name: by_reading[reading] for name, by_reading in found.items()}
    top = {name: (known.rank < TOP).astype(np.float64) for name, known in one.items()}
    best = chosen[name_of(reading)]
    return {
        "policies": {
            name: {
                "top16": [interval(column, weights) for column in top[name].T],
                "identified": [interval(column, weights) for column in (known.log_p > np.log(0.5)).T * 1.0],
                "log_p_id": known.log_p.mean(0).tolist(),
                "reaches_goal_with": reached(top[name].mean(0).tolist()),
            }
            for name, known in one.items()
        },
        "chosen_minus_random": [interval(column, weights) for column in (top[best] - top["random"]).T],
    }


def reached(shares: Sequence[float], goal: float = GOAL) -> int | None:
    """The first number of questions, from 0, with at least the goal, None for none."""
    return next((k for k, share in enumerate(shares) if share >= goal), None)


def table(found: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: share among the likeliest sixteen after k questions, the chosen policy in bold."""
    ks = [f"k = {k}" for k in SHOWN]
    lines = header("set", "known from", "policy", *ks, "90 % with", "identified at 10")
    for one in found:
        for reading, values in one["readings"].items():
            chosen = one["chosen"][reading]
            for name in dict.fromkeys(("random", "static_id", "eig", "eig_id", chosen)):
                policy = values["policies"][name]
                shares = [number(policy["top16"][k][0]) for k in SHOWN]
                goal = policy["reaches_goal_with"]
                title = f"**{name}**" if name == chosen else name
                where = one["set"] if "reader" not in one else f"{one['set']} (read)"
                last = [f"> {STEPS}" if goal is None else goal, number(policy["identified"][10][0])]
                lines.append(row(where, reading, title, *shares, *last))
    return "\n".join(lines)


def _read(reader: Path, bank: ItemBank, survey: Survey, data_dir: Path) -> dict[str, Any]:
    """The same through a reader, which knows the questions by their text or pictures."""
    fitted = read_data(reader, str(DATA / SETS[bank.name] / bank.name), bank, survey, data_dir)
    found = measure(survey, fitted, SIZE, _quiet)
    return {**found, "reader": fitted.report["reader"], "training": fitted.report["training"]}


def _quiet(stage: str, done: int, total: int) -> None:
    """Hears of progress and says nothing."""


def main() -> None:
    """Measures on each set and prints the table, or prints that of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, help="folder with NAME.model of every set")
    parser.add_argument("--set", dest="sets", action="append", choices=SETS, help="one set (default: all)")
    parser.add_argument("--reader", type=Path, help="folder of a trained reader")
    parser.add_argument("--data-dir", type=Path, help="where vectors of pictures are kept")
    parser.add_argument("--json", type=Path, required=True, help="file for all figures")
    parser.add_argument("--table", action="store_true", help="only print the table of --json")
    options = parser.parse_args()
    if options.table:
        print(table(json.loads(options.json.read_text(encoding="utf-8"))["sets"]))
        return
    if options.models is None and options.reader is None:
        parser.error("name --models or --reader")
    found = []
    for name in options.sets or SETS:
        bank, survey = bank_of(str(DATA / SETS[name] / name))
        if options.models is not None:
            model = load_fitted(options.models / f"{name}.model", bank)
            found.append(measure(survey, model, SIZE, _quiet))
        if options.reader is not None and (SETS[name] == "surveys" or options.data_dir is not None):
            found.append(_read(options.reader, bank, survey, options.data_dir or Path()))
        write_json(options.json, {"name": "rater_id", "size": SIZE, "sets": found})
    print(table(found))


if __name__ == "__main__":
    main()
