"""Tables of results, in Markdown, from the JSON files of `kallisti evaluate`.

python -m benchmarks.interviews FILE.json ...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SHOWN = (5, 10, 15, 20, 30)
Result = dict[str, Any]


def at(found: Result, policy: str, measure: str, k: int) -> float | None:
    """A measure of a policy after k questions, None where the set is too small for k."""
    value = found["policies"][policy][measure][found["k"].index(k)]
    return None if value is None else float(value)


def reached(found: Result, policy: str, level: float | None) -> str:
    """The number of questions with which a policy identifies a share of the raters."""
    if level is None:
        return ""
    shares = found["identified_by_question"][policy]
    return str(next((k for k, share in enumerate(shares) if share >= level), f"> {len(shares) - 1}"))


def number(value: float | None, places: int = 3) -> str:
    """Without the zero before the point; empty for None."""
    return "" if value is None else f"{value:.{places}f}".replace("0.", ".", 1)


def row(*cells: object) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def header(*cells: str) -> list[str]:
    """The head of a Markdown table."""
    return [row(*cells), "|" + "---|" * len(cells)]


def identification(results: list[Result]) -> list[str]:
    """How many are identified, and how soon the chosen policy reaches its rivals."""
    lines = header(
        "set",
        "policy",
        *(f"k = {k}" for k in SHOWN),
        "static_id at 20 reached with",
        "random at 30 reached with",
    )
    for found in results:
        chosen = found["chosen"]["identification"]
        goal, half = (
            at(found, rival, "share_identified", k) for rival, k in (("static_id", 20), ("random", 30))
        )
        for policy in dict.fromkeys(("random", "catsim", "static_id", "eig", "eig_id", "root_id", chosen)):
            if policy not in found["policies"]:
                continue
            levels = [number(at(found, policy, "share_identified", k)) for k in SHOWN]
            soon = [reached(found, policy, level) for level in (goal, half)]
            lines.append(
                row(found["dataset"], f"**{policy}**" if policy == chosen else policy, *levels, *soon)
            )
    return lines


def prediction(results: list[Result]) -> list[str]:
    """Log loss of target answers, and when random order gets there."""
    last = "accuracy of random at 30 reached with"
    lines = header("set", "policy", *(f"k = {k}" for k in SHOWN), "accuracy at 10", "at 15", "at 30", last)
    for found in results:
        chosen = found["chosen"]["prediction"]
        level = at(found, "random", "accuracy", 30)
        for policy in dict.fromkeys(("random", "catsim", "static", "epig", "policy", chosen)):
            if policy not in found["policies"]:
                continue
            losses = [number(at(found, policy, "log_loss", k)) for k in SHOWN]
            name = f"**{policy}**" if policy == chosen else policy
            accuracy = [number(at(found, policy, "accuracy", k)) for k in (10, 15, 30)]
            lines.append(row(found["dataset"], name, *losses, *accuracy, _predicted(found, policy, level)))
    return lines


def _predicted(found: Result, policy: str, level: float | None) -> str:
    """The first of the measured numbers of questions with which a policy predicts as many answers right."""
    if level is None:
        return ""
    values = zip(found["k"], found["policies"][policy]["accuracy"], strict=True)
    return str(next((k for k, value in values if value is not None and value >= level), "> 40"))


def paired(results: list[Result]) -> list[str]:
    """Differences to the rival with 95 % intervals, in bold where these exclude 0."""
    lines = header("set", "difference", *(f"k = {k}" for k in SHOWN))
    wanted = (
        ("root_id-static_id", "share_identified"),
        ("epig-static", "log_loss"),
        ("policy-static", "log_loss"),
    )
    for found in results:
        for pair, measure in (*wanted, ("policy-static", "rare_log_loss")):
            values = [found["paired"][pair][measure][found["k"].index(k)] for k in SHOWN]
            lines.append(
                row(found["dataset"], f"{pair}: {measure.replace('_', ' ')}", *map(_interval, values))
            )
    return lines


def _interval(value: list[float] | None) -> str:
    if value is None:
        return ""
    mean, low, high = value
    mark = "**" if low * high > 0 else ""
    return f"{mark}{mean:+.3f}{mark} [{low:+.3f}, {high:+.3f}]"


def calibrated(results: list[Result]) -> list[str]:
    """The largest calibration error at any k, beside what chance alone would show."""
    lines = header("set", "test raters", "static", "epig", "policy", "by chance", "all candidates known")
    for found in results:
        own = found["policies"]
        worst = [
            number(max(e for e in own[name]["ece"] if e is not None)) for name in ("static", "epig", "policy")
        ]
        chance = max(e for e in own["static"]["ece_by_chance"] if e is not None)
        full = found["full_information"]
        known = f"{number(full['accuracy'])} / {number(full['log_loss'])} / {number(full['ece'])}"
        lines.append(row(found["dataset"], found["n_test_raters"], *worst, number(chance), known))
    return lines


def main(paths: list[str]) -> None:
    """Prints all tables of the given files."""
    results = [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]
    for table in (identification, prediction, paired, calibrated):
        print("\n".join(table(results)), end="\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
