"""`kallisti plan`: the most informative interviews of people who answered already."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ui.cli.options import AsJson, check_out, progress_bar, say


def plan(
    data: Annotated[str, typer.Argument(help="A survey folder, or bfi or epi.")],
    model: Annotated[Path, typer.Option(help="Folder that `kallisti train` wrote.")],
    out: Annotated[Path, typer.Option(help="File for the plans: transcripts as JSON Lines.")],
    planner: Annotated[
        Literal["expected", "hindsight"],
        typer.Option(help="hindsight looks at the actual answers when it chooses; expected does not."),
    ] = "expected",
    questions: Annotated[int, typer.Option(help="Most questions of a plan.", min=1)] = 20,
    stop_probability: Annotated[
        float | None,
        typer.Option(help="Stop when the true rater has this probability.", show_default=False),
    ] = None,
    price: Annotated[float, typer.Option(help="Stop when a question gains fewer bits.", min=0)] = 0.0,
    subsets: Annotated[int, typer.Option(help="Plans of each rater, over different questions.", min=1)] = 1,
    share: Annotated[float, typer.Option(help="Share of a rater's answers that a plan may use.")] = 1.0,
    sample: Annotated[
        int | None,
        typer.Option(
            help="Weigh each rater against this many others and the nearest.  [default: everybody, "
            "or 4096 where there are over 32,768 raters]",
            min=1,
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the subsets and the sample.")] = 0,
    resume: Annotated[bool, typer.Option(help="Go on with plans that were cut off.")] = False,
    as_json: AsJson = False,
) -> None:
    """Plan for every rater the questions that tell soonest who answers, and write them as transcripts.

    Example: kallisti plan epi --model epi.model --out plans.jsonl --stop-probability 0.9
    """
    from training.banks import bank_of
    from training.fitted import load_fitted
    from training.plan import Settings, write_plans

    settings = Settings(planner, questions, price, stop_probability, subsets, share, sample, seed)
    check_out(out)
    bank, survey = bank_of(data)
    fitted = load_fitted(model, bank)
    with progress_bar() as progress:
        against = write_plans(survey, fitted, settings, out, resume=resume, told=progress)
    found = {"dataset": survey.name, "planner": planner, "hypotheses": against, **_counted(out)}
    say(found, as_json, _text(found, out))


def _counted(path: Path) -> dict[str, Any]:
    """Number of plans, questions on average, and plans by why they stopped."""
    stopped, turns = Counter[str](), 0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            stopped[one["stopped"]] += 1
            turns += len(one["turns"])
    plans = stopped.total()
    return {"plans": plans, "questions": turns / plans, "stopped": dict(stopped)}


def _text(found: dict[str, Any], out: Path) -> str:
    reasons = ", ".join(f"{why} {count:,}" for why, count in found["stopped"].items())
    return (
        f"{found['plans']:,} plans of {found['questions']:.1f} questions on average in {out}; "
        f"{found['planner']}, against {found['hypotheses']}. Stopped by: {reasons}."
    )
