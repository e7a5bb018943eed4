"""`kallisti iterate`: interviews make the data from which the next model is made, round by round."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ui.cli.options import AsJson, progress_bar, say

SHOWN = (0, 5, 10, 15, 20)  # numbers of questions


def iterate(
    data: Annotated[str, typer.Argument(help="A survey folder, one of rated pictures, or bfi or epi.")],
    rounds: Annotated[int, typer.Option(help="Rounds of interviews.", min=1)],
    out: Annotated[Path, typer.Option(help="Folder for the rounds: interviews, models, curves.")],
    price: Annotated[
        float, typer.Option(help="Bits about the answers to targets that a question must be worth.", min=0)
    ] = 0.0,
    questions: Annotated[int, typer.Option(help="Most questions of an interview.", min=1)] = 20,
    raters: Annotated[
        int | None,
        typer.Option(
            help="People interviewed in a round.  [default: all who are held back, shared out]",
            min=1,
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[
        float,
        typer.Option(help="Share of the training raters all of whose answers are known from the start."),
    ] = 0.1,
    checks: Annotated[
        int, typer.Option(help="Target questions, drawn at random, in the end of an interview.", min=0)
    ] = 5,
    level: Annotated[
        int, typer.Option(help="The target loss is what round 0 reaches with so many questions.", min=1)
    ] = 15,
    seed: Annotated[int, typer.Option(help="Of who is known first, and of what is drawn at random.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with rounds that were cut off.")] = False,
    as_json: AsJson = False,
) -> None:
    """Interview people held back with a model, learn from the interviews, and repeat.

    Each interview becomes a new rater. As many questions at random tell whether the choice of them helps.

    Example: kallisti iterate epi --rounds 3 --out epi.rounds --price 0.05
    """
    from training.banks import bank_of
    from training.iterate import Settings
    from training.iterate import iterate as run

    settings = Settings(rounds, price, questions, raters, seeds, checks, level, seed)
    bank, survey = bank_of(data)
    with progress_bar(as_json) as progress:
        found = run(bank, survey, settings, out, resume, progress)
    say(found, as_json, _text(found, out))


def _text(found: dict[str, Any], out: Path) -> str:
    """A line for each round and kind of interviews, of validation raters and then of test raters."""
    rounds, test, price = found["rounds"], found["test"], found["settings"]["price"]
    shown = [k for k in SHOWN if k < len(rounds[0]["planned"]["log_loss"])]
    head = f"{'round':<6}{'interviews':<12}{'raters':>7}{'asked':>9}{'to target':>11}" + (
        f"{'at price':>10}" if price else ""
    )
    lines = [
        f"{found['dataset']}: target loss {rounds[0]['target_loss']:.4f} nats, "
        f"{rounds[0]['measured_raters']:,} validation raters; log loss after so many questions",
        head + "".join(f"{k:>8}" for k in shown),
    ]
    for one in rounds:
        for kind in ("planned", "random"):
            if kind in one:
                label = kind if one["round"] else "none"
                arm = one[kind]
                cost = f"{arm['at_price']['questions']:>10.1f}" if price else ""
                lines.append(
                    f"{one['round']:<6}{label:<12}{arm['raters']:>7,}{arm['questions']:>9,}"
                    f"{_number(arm['to_target']['questions']):>11}{cost}{_losses(arm, shown)}"
                )
    lines += [
        "",
        f"{test['raters']:,} test raters, looked at once: target loss {test['target_loss']:.4f} nats",
        f"{'round':<6}{'interviews':<12}{'to target':>11}{'saved since round 0':>28}"
        + "".join(f"{k:>8}" for k in shown),
    ]
    for one in test["rounds"]:
        for kind in ("planned", "random"):
            if kind in one:
                label, arm = kind if one["round"] else "none", one[kind]
                saved = arm["saved_since_round_0"]
                low, high = saved["ci"]
                since = f"{_number(saved['questions'])} ({low:.1f} to {high:.1f})"
                lines.append(
                    f"{one['round']:<6}{label:<12}{_number(arm['to_target']['questions']):>11}{since:>28}"
                    f"{_losses(arm, shown)}"
                )
    return "\n".join([*lines, found["verdict"], f"Rounds are in {out}."])


def _losses(arm: dict[str, Any], shown: list[int]) -> str:
    return "".join(f"{arm['log_loss'][k]:8.4f}" for k in shown)


def _number(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"
