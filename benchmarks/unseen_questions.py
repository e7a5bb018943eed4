"""What a reader knows of questions that nobody answered in its training, from their text alone.

    python -m benchmarks.unseen_questions --model DIR --models FOLDER --json FILE [--set NAME ...] [--table]

DIR is what `kallisti train SETS --kind vlm --split eval --hold-out-questions` wrote. First table: the
correlation of two questions' answers that the vectors foretell beside that among people, over pairs that at
least 200 people answered both of: of unseen questions (targets of sets that it learned from) and of whole
unseen sets. Second table: log loss of held-out people's answers to the targets, all candidates known;
FOLDER/NAME.model is what `kallisti train SURVEYS/NAME --split eval` wrote.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.interviews import header, row
from benchmarks.planning import DATA
from prefs.bank import ItemBank
from prefs.errors import ConfigError
from prefs.files import write_json
from prefs.space import Floats
from training.banks import bank_of
from training.fitted import load_fitted
from training.readbank import Reads, read_twice, report_of
from training.splits import are_targets, raters_in
from training.studies import Study, judged_of
from training.surveys import Survey
from training.unseen import FEW, Agreement, Pairs, doubled, implied
from training.unseen_losses import READINGS, compare
from training.work import Work

LOSSES = ("spi", "ambi", "anes_2016")
WORDS = 64  # passages that a frozen encoder reads at once
NAMES = ("reader", "reader, signs aside", "frozen MiniLM", "halves")


@dataclass(frozen=True)
class Unseen:
    """Questions of a set that were not learned from.

    reader: (Q, Q) correlations that a reader foretells; frozen: cosines of an encoder as it comes. pairs: the
    real ones of all people, tested: of test raters.
    """

    name: str
    pairs: Pairs
    tested: Pairs
    reader: Floats
    frozen: Floats


def unseen_of(bank: ItemBank, survey: Survey, whole: bool, reader: Reads, frozen: bool) -> Unseen:
    """The targets of a survey, or all its questions; real correlations of all people and of test raters."""
    rows = np.arange(len(bank)) if whole else np.flatnonzero(are_targets(bank.rows))
    questions = [bank.questions[row] for row in rows]
    vectors = read_twice(reader, questions)
    table = survey.table()[:, rows]
    tested = table[raters_in(survey.raters, "test")]
    cosines = frozen_cosines([one.markdown for one in questions]) if frozen else np.zeros((len(rows),) * 2)
    return Unseen(bank.name, Pairs.of(table), Pairs.of(tested), implied(vectors.phi, vectors.g), cosines)


def frozen_cosines(texts: Sequence[str]) -> Floats:
    """(N, N) cosines of MiniLM's mean token states of texts, as it comes."""
    import torch

    from vlm.backbones import MINILM, load_backbone

    encoder = load_backbone(MINILM)
    encoder.network.eval()
    found = []
    with torch.no_grad():
        for start in range(0, len(texts), WORDS):
            batch = encoder.tokenizer(
                list(texts[start : start + WORDS]), padding=True, truncation=True, return_tensors="pt"
            )
            states, mask = encoder.network(**batch).last_hidden_state, batch["attention_mask"][..., None]
            found.append(((states * mask).sum(1) / mask.sum(1)).double().numpy())
    vectors = np.concatenate(found)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors @ vectors.T)


def agreements(sets: Sequence[Unseen]) -> dict[str, Any]:
    """How well each forecast agrees with people: by set, over the pairs of all sets, and the mean of sets.

    "all" raters and "test" raters are the people; halves are one half of all with the other.
    """
    found: dict[str, Any] = {"sets": [one.name for one in sets], "people": {}}
    for people in ("all", "test"):
        pairs = [one.pairs if people == "all" else one.tested for one in sets]
        forecasts = [one.reader for one in sets]
        rows = {
            NAMES[0]: Agreement.of(forecasts, pairs),
            NAMES[1]: Agreement.of(forecasts, pairs, absolute=True),
            NAMES[2]: Agreement.of([one.frozen for one in sets], pairs),
            NAMES[3]: Agreement.halves(pairs),
        }
        found["people"][people] = {
            "pairs": [len(one) for one in pairs],
            "mean_absolute": [_size(one) for one in pairs],
            "ceilings": [_ceiling(one) for one in rows[NAMES[3]].each()],
            "pooled_ceiling": _ceiling(rows[NAMES[3]].pooled()),
            "r": {
                name: {"each": one.each(), "pooled": one.pooled(), "mean": one.mean()}
                for name, one in rows.items()
            },
        }
    return found


def _size(pairs: Pairs) -> float | None:
    """Mean absolute correlation of the pairs that count."""
    return float(np.abs(pairs.real[pairs.usable]).mean()) if len(pairs) else None


def _ceiling(halves: Sequence[float] | None) -> float | None:
    """What a perfect forecast would reach: the root of how reliable the correlations of all people are."""
    if halves is None or halves[0] <= 0:
        return None
    return float(np.sqrt(doubled(np.array(halves[0]))))


def measure(
    reader: Reads, report: Mapping[str, Any], options: argparse.Namespace, work: Work
) -> dict[str, Any]:
    """Both tables as JSON values."""
    whole = tuple(report.get("hold_out_sets", ()))
    found: dict[str, Any] = {"name": "unseen_questions", "reader": reader.version, "training": dict(report)}
    learned = set(report.get("data", ()))
    names = options.sets or sorted(path.name for path in (DATA / "surveys").iterdir() if path.name in learned)
    read = [
        unseen_of(*bank_of(str(DATA / "surveys" / name)), name in whole, reader, not options.quick)
        for name in names
    ]
    found["unseen questions"] = agreements([one for one in read if one.name not in whole])
    found["unseen sets"] = agreements([one for one in read if one.name in whole])
    found["losses"] = []
    sets = []
    for name in [name for name in LOSSES if name in names and options.models is not None]:
        bank, survey = bank_of(str(DATA / "surveys" / name))
        by_number = load_fitted(options.models / f"{name}.model", bank)
        sets.append((Study.of(bank, survey, judged_of(survey)), by_number))
    if sets:
        found["losses"] = compare(reader, sets, report, work)
    write_json(options.json, found)
    return found


def table(found: Mapping[str, Any]) -> str:
    """Both tables in Markdown."""
    blocks = []
    for what in ("unseen questions", "unseen sets"):
        if found[what]["sets"]:
            blocks += [f"Correlations of {what}", "", *_correlations(found[what]), ""]
    if found["losses"]:
        blocks += ["Log loss of target answers, all candidates known", "", *_losses(found["losses"])]
    return "\n".join(blocks)


def _correlations(found: Mapping[str, Any]) -> list[str]:
    every, tested = found["people"]["all"], found["people"]["test"]
    tests = ("pairs", NAMES[0], "ceiling")
    asked = (
        "set",
        "pairs",
        "mean size of r",
        *NAMES[:3],
        "ceiling",
        *(f"test raters: {one}" for one in tests),
    )
    lines = header(*asked)
    for number, name in enumerate(found["sets"]):
        if every["pairs"][number] >= FEW:
            lines.append(
                row(
                    name,
                    f"{every['pairs'][number]:,}",
                    _two(every["mean_absolute"][number]),
                    *(_band(every["r"][one]["each"][number]) for one in NAMES[:3]),
                    _two(every["ceilings"][number]),
                    f"{tested['pairs'][number]:,}",
                    _band(tested["r"][NAMES[0]]["each"][number]),
                    _two(tested["ceilings"][number]),
                )
            )
    for title, key in (("**all pairs**", "pooled"), ("**mean of sets**", "mean")):
        ceilings = [one["pooled_ceiling"] if key == "pooled" else None for one in (every, tested)]
        lines.append(
            row(
                title,
                f"{sum(every['pairs']):,}",
                "",
                *(_band(every["r"][one][key]) for one in NAMES[:3]),
                _two(ceilings[0]),
                f"{sum(tested['pairs']):,}",
                _band(tested["r"][NAMES[0]][key]),
                _two(ceilings[1]),
            )
        )
    return lines


def _losses(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Losses, and shares of the personal gain, in bold of the reading chosen on validation."""
    conditions, shares = tuple(found[0]["losses"]), ("styles", *READINGS)
    lines = header("set", "raters", *conditions, *(f"recovered, {name}" for name in shares))
    for one in found:
        means = [f"{one['losses'][name][0]:.4f}" for name in conditions]
        cells = {name: _band(one["recovered"][name]) for name in shares}
        cells[one["method"]] = f"**{cells[one['method']]}**"
        lines.append(row(one["set"], one["raters"], *means, *cells.values()))
    return lines


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _band(value: Sequence[float] | None) -> str:
    return "" if value is None else f"{value[0]:.2f} ({value[1]:.2f} to {value[2]:.2f})"


def main() -> None:
    """Measures and prints both tables, or prints those of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="folder of a trained reader")
    parser.add_argument("--models", type=Path, help="folder with NAME.model of sets known by number")
    parser.add_argument("--set", dest="sets", action="append", help="one set (default: all)")
    parser.add_argument("--quick", action="store_true", help="without the frozen encoder")
    parser.add_argument(
        "--work", type=Path, help="folder for what was read and fits of candidates alone, kept between calls"
    )
    parser.add_argument("--json", type=Path, required=True, help="file for all figures")
    parser.add_argument("--table", action="store_true", help="only print the tables of --json")
    options = parser.parse_args()
    if options.table:
        print(table(json.loads(options.json.read_text(encoding="utf-8"))))
        return
    if options.model is None:
        parser.error("name --model")
    from vlm.reader import Reader

    report = report_of(options.model)
    if not report.get("hold_out_questions"):
        raise ConfigError(f"{options.model} learned from target questions: train with --hold-out-questions")
    reader = Reader.open(options.model, options.work)
    print(table(measure(reader, report, options, Work(options.work))))


if __name__ == "__main__":
    main()
