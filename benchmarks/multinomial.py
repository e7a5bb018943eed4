"""Predictions from everything that a person answered, beside a multinomial regression for each target item.

    python -m benchmarks.multinomial --models FOLDER --json FILE [--set NAME ...] [--part validation|test]

FOLDER/NAME.model is what `kallisti train SURVEYS/NAME --split eval` wrote. The regression (scikit-learn's)
has weights of its own for every target and sees all candidates that the person answered; so does the
model. Both are fitted to training raters; the regression's settings are chosen on validation raters.
Differences are the model's log loss minus the regression's, paired over raters, in nats.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from benchmarks.planning import DATA
from prefs.files import write_json
from training.banks import bank_of
from training.baselines.regression import choose, losses, predictions
from training.evaluate import Evaluation
from training.fitted import load_fitted
from training.metrics import interval, resamples
from training.predictive import predict
from training.splits import Part, raters_in

SETS = ("anes_2016", "twin_mega_study", "young_people", "nwu_mood_personality", "woodworth", "spi", "ambi")


def compare(name: str, models: Path, part: Part) -> dict[str, Any]:
    """Log loss of both on the raters of a part, [mean, low, high] over raters, and how it came about."""
    bank, survey = bank_of(str(DATA / "surveys" / name))
    own = Evaluation(survey, load_fitted(models / f"{name}.model", bank))
    rows = own.rows(part)
    cohort = own.cohort(rows)
    model = losses(predict(cohort.knowing(cohort.answers), cohort.targets), cohort.wanted)
    train = own.table[raters_in(survey.raters, "train")]
    start = time.perf_counter()
    asked = (own.candidate, own.target, survey.counts)
    settings, tried = choose(train, own.table[own.rows("validation")], *asked)
    p = predictions(train, own.table[rows], *asked, settings)
    regression = losses(p, cohort.wanted)
    weights = resamples(len(rows))
    return {
        "set": name,
        "part": part,
        "raters": len(rows),
        "targets": len(own.target),
        "model": interval(model, weights),
        "regression": interval(regression, weights),
        "difference": interval(model - regression, weights),
        "settings": f"{settings.encoding} {settings.strength:g}",
        "tried": tried,
        "regression_seconds": time.perf_counter() - start,
    }


def table(found: list[dict[str, Any]]) -> str:
    """The comparison as a Markdown table."""
    lines = ["| set | raters | model | regression | model - regression (95 %) |", "|---|---|---|---|---|"]
    for one in found:
        mean, low, high = one["difference"]
        losses_ = f"{one['model'][0]:.4f} | {one['regression'][0]:.4f}"
        lines.append(
            f"| {one['set']} | {one['raters']} | {losses_} | {mean:+.4f} ({low:+.4f} to {high:+.4f}) |"
        )
    return "\n".join(lines)


def main() -> None:
    """Compares on each set and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, required=True, help="folder with NAME.model of every set")
    parser.add_argument("--set", dest="sets", action="append", choices=SETS, help="one set (default: all)")
    parser.add_argument("--part", choices=("validation", "test"), default="test")
    parser.add_argument("--json", type=Path, help="file for all figures")
    options = parser.parse_args()
    found = []
    for name in options.sets or SETS:
        found.append(compare(name, options.models, options.part))
        if options.json:
            write_json(options.json, {"name": "multinomial", "sets": found})
    print(table(found))


if __name__ == "__main__":
    main()
