"""What answers in one domain tell about another: a table of domain by domain for each survey.

    python -m benchmarks.domains --models FOLDER --json FILE [--set NAME ...] [--reader DIR] [--table]

FOLDER/NAME.model is what `kallisti train SURVEYS/NAME --split eval` wrote; with --reader the questions are
read, not known by number. People are up to 500 test raters. All answers of a person in the known domain
count, except those that are predicted: the targets of the other domain. Figures are nats of log loss saved
per answer, paired over raters, with 95 % intervals.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.interviews import header, row
from benchmarks.planning import DATA
from prefs.bank import ItemBank
from prefs.files import write_json
from training.banks import bank_of
from training.domains import gains, persons
from training.fitted import FittedBank, load_fitted
from training.readers import read_data
from training.surveys import Survey

SETS = ("anes_2016", "young_people", "rwas_tipi")


def measure(survey: Survey, fitted: FittedBank) -> dict[str, Any]:
    """All gains on test raters, and by what model."""
    people = persons(survey, fitted)
    return {"set": survey.name, "model": fitted.version, "raters": len(people.table), "gains": gains(people)}


def table(found: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: a row for what is known, a column for what is predicted; in bold what is surely not 0."""
    blocks = []
    for one in found:
        wanted = {gain["wanted"]: gain for gain in one["gains"]}
        marks = {
            name: f"{name} ({gain['wanted_questions']}{'' if gain['targets_by_hash'] else ', all'})"
            for name, gain in wanted.items()
        }
        how = "read" if "reader" in one else "by number"
        lines = [f"{one['set']}, {how}, {one['raters']} test raters", ""]
        lines += header("known", *marks.values())
        for known in dict.fromkeys(gain["known"] for gain in one["gains"]):
            cells = {gain["wanted"]: gain["gain"] for gain in one["gains"] if gain["known"] == known}
            lines.append(row(known, *(_cell(cells.get(name)) for name in wanted)))
        lines.append(row("log loss before", *(f"{gain['before']:.3f}" for gain in wanted.values())))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _cell(value: Sequence[float] | None) -> str:
    if value is None:
        return ""
    mean, low, high = value
    mark = "**" if low * high > 0 else ""
    return f"{mark}{mean:+.3f}{mark} ({low:+.3f} to {high:+.3f})"


def _read(reader: Path, bank: ItemBank, survey: Survey) -> dict[str, Any]:
    """The same through a reader, which knows the questions by their text."""
    fitted = read_data(reader, str(DATA / "surveys" / bank.name), bank, survey, Path())
    return {**measure(survey, fitted), **{name: fitted.report[name] for name in ("reader", "training")}}


def main() -> None:
    """Measures on each set and prints the tables, or prints those of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, help="folder with NAME.model of every set")
    parser.add_argument("--set", dest="sets", action="append", choices=SETS, help="one set (default: all)")
    parser.add_argument("--reader", type=Path, help="folder of a trained reader")
    parser.add_argument("--json", type=Path, required=True, help="file for all figures")
    parser.add_argument("--table", action="store_true", help="only print the tables of --json")
    options = parser.parse_args()
    if options.table:
        print(table(json.loads(options.json.read_text(encoding="utf-8"))["sets"]))
        return
    if options.models is None and options.reader is None:
        parser.error("name --models or --reader")
    found = []
    for name in options.sets or SETS:
        bank, survey = bank_of(str(DATA / "surveys" / name))
        if options.models is not None:
            found.append(measure(survey, load_fitted(options.models / f"{name}.model", bank)))
        if options.reader is not None:
            found.append(_read(options.reader, bank, survey))
        write_json(options.json, {"name": "domains", "sets": found})
    print(table(found))


if __name__ == "__main__":
    main()
