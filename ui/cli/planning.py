"""`kallisti plan`: the most informative interviews of people who answered already."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from prefs.errors import ConfigError
from ui.cli.options import AsJson, ClusterAddress, EngineOption, check_out, note, progress_bar, say

if TYPE_CHECKING:
    from training.fitted import FittedBank
    from training.groups import Groups
    from training.plan import Settings
    from training.surveys import Survey

Strangers = Annotated[
    int | None,
    typer.Option(
        "--strangers",
        help="Plan the interviews of this many people as of somebody whom nobody knows yet: each is left "
        "out of those weighed. What an interviewer of new people is trained on.",
        min=1,
        show_default=False,
    ),
]
Split = Annotated[
    Literal["eval", "all"],
    typer.Option("--split", help="eval leaves the test raters out, also of those weighed."),
]


def plan(
    data: Annotated[str, typer.Argument(help="A survey folder, one of rated pictures, or bfi or epi.")],
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
    hypotheses: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Find the group that a rater is of, not the rater: a column of raters.parquet in the "
            "survey folder (rater_id, COLUMN), else of responses.parquet.",
            show_default=False,
        ),
    ] = None,
    strangers: Strangers = None,
    split: Split = "all",
    seed: Annotated[int, typer.Option(help="Of the subsets and the sample.")] = 0,
    engine: EngineOption = "local",
    address: ClusterAddress = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with plans that were cut off.")] = False,
    as_json: AsJson = False,
) -> None:
    """Plan for every rater the questions that tell soonest who answers, and write them as transcripts.

    Engines make the same file; processors of another kind may change the last digits of gains.

    Example: kallisti plan epi --model epi.model --out plans.jsonl --stop-probability 0.9
    """
    from prefs.engines import engine_of
    from training.banks import bank_of
    from training.fitted import load_fitted
    from training.plan import Settings, write_plans
    from training.splits import raters_in

    settings = Settings(planner, questions, price, stop_probability, subsets, share, sample, seed)
    check_out(out)
    bank, survey = bank_of(data)
    fitted = load_fitted(model, bank)
    if split == "eval":
        survey = survey.of_raters(~raters_in(survey.raters, "test"))
    if strangers is not None:
        _check_strangers(settings, hypotheses, sample, engine)
        _plan_strangers(survey, fitted, settings, strangers, out, resume, as_json)
        return
    known, groups = _grouped(data, survey, hypotheses)
    with engine_of(engine, address) as engaged, progress_bar(quiet=as_json) as progress:
        against = write_plans(
            known, fitted, settings, out, groups=groups, engine=engaged, resume=resume, told=progress
        )
    found = {"dataset": survey.name, "planner": planner, "hypotheses": against, **_counted(out)}
    if groups is not None:
        found["left_out"] = len(survey.raters) - len(known.raters)
    say(found, as_json, _text(found, out))


def _check_strangers(settings: Settings, column: str | None, sample: int | None, engine: str) -> None:
    """Raises ConfigError for what cannot be told of strangers."""
    from training.plan import Settings

    plain = replace(settings, questions=1, price=0.0, seed=0) == Settings(questions=1)
    if not plain or column is not None or sample is not None or engine != "local":
        raise ConfigError(
            "--strangers plans on this machine with the answers unseen: leave out --planner hindsight, "
            "--stop-probability, --subsets, --share, --sample, --hypotheses and --engine"
        )


def _plan_strangers(
    survey: Survey,
    fitted: FittedBank,
    settings: Settings,
    raters: int,
    out: Path,
    resume: bool,
    as_json: bool,
) -> None:
    """Writes plans of interviews with strangers and tells how many."""
    from training.interviewer import strangers

    wanted = strangers.Settings(settings.questions, settings.price, raters, settings.seed)
    with progress_bar(quiet=as_json) as progress:
        strangers.write_strangers(survey, fitted, wanted, out, resume, progress)
    others = f"all others of {len(survey.raters)} raters"
    found = {"dataset": survey.name, "planner": strangers.PLANNER, "hypotheses": others, **_counted(out)}
    say(found, as_json, _text(found, out))


def _grouped(data: str, survey: Survey, column: str | None) -> tuple[Survey, Groups | None]:
    """The raters of a group and their groups, where groups are asked for; tells how many are of none."""
    from training.groups import grouped, rater_values
    from training.pydata import INVENTORIES

    if column is None:
        return survey, None
    if data in INVENTORIES or not Path(data).is_dir():  # as `bank_of` reads it
        raise ConfigError(f"--hypotheses {column}: {data!r} tells no groups, name a survey folder")
    known, groups = grouped(survey, rater_values(Path(data), column), column)
    absent = len(survey.raters) - len(known.raters)
    note(f"{absent:,} of {len(survey.raters):,} raters have no {column} and are left out" if absent else "")
    return known, groups


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
