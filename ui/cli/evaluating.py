"""`kallisti evaluate`: how well interviews with held-out people do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prefs.errors import ConfigError
from ui.cli.options import DataDir, data_folder, progress_bar

if TYPE_CHECKING:
    from prefs.bank import ItemBank
    from training.surveys import Survey

Data = Annotated[
    str, typer.Argument(help="A survey folder, one of rated or compared pictures, or bfi or epi.")
]


def evaluate(
    data: Data,
    json_: Annotated[Path, typer.Option("--json", help="File for all figures.")],
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder that `kallisti train --split eval` wrote, --kind vlm or not; compared pictures and "
            "sets of fewer than 100 people need none.",
            show_default=False,
        ),
    ] = None,
    policies: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated: random, static, static_id, eig, epig, policy, eig_id, root_id, catsim, "
            "hindsight; for compared pictures random, static, eig, epig, eig_alone, choix, botorch.",
            show_default=False,
        ),
    ] = None,
    questions: Annotated[int, typer.Option(help="Longest interview.", min=1, max=40)] = 40,
    context: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated domains whose answers are known before the first question; adds the "
            "policy static_context, the fixed order made with them known.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="FILE.png for the curves.", show_default=False)] = None,
    data_dir: DataDir = None,
) -> None:
    """Interview held-out people by several policies and tell how well each does.

    Example: kallisti evaluate epi --model epi.model --json epi.json --plot epi.png
    """
    from prefs.files import write_json
    from training.images import is_paired

    if plot is not None and plot.suffix != ".png":
        raise ConfigError(f"--plot {plot}: allowed are names that end in .png")
    named = tuple(policies.split(",")) if policies else None
    domains = tuple(context.split(",")) if context else ()
    if is_paired(Path(data)):
        if domains:
            raise ConfigError(f"--context {context}: compared pictures have no domains, leave it out")
        found = _of_pairs(Path(data), model, named, questions, data_folder(data_dir))
    else:
        found = _of_survey(data, model, named, questions, domains, data_folder(data_dir))
    write_json(json_, found)
    if plot is not None:
        from training.plots import plot_evaluation

        plot_evaluation(found, plot)
    print(_table(found))


def _of_survey(
    data: str,
    model: Path | None,
    named: tuple[str, ...] | None,
    questions: int,
    context: tuple[str, ...],
    data_dir: Path,
) -> dict[str, Any]:
    """The evaluation of a bank by a model of it, or by a reader of its questions."""
    from training.banks import bank_of
    from training.evaluate import LEAST_RATERS, evaluate
    from training.fitted import load_fitted
    from vlm.saved import is_reader

    bank, survey = bank_of(data)
    if model is None and len(survey.raters) < LEAST_RATERS:
        if context:
            raise ConfigError(
                f"--context needs at least {LEAST_RATERS} raters: {data} has {len(survey.raters)}"
            )
        return _of_few(bank, survey, named, questions)
    if model is None:
        raise ConfigError(
            f"no --model for {data}: name a folder that `kallisti train {data} --split eval` wrote"
        )
    if is_reader(model):
        from training.readers import read_data

        fitted = read_data(model, data, bank, survey, data_dir)
    else:
        fitted = load_fitted(model, bank)
    with progress_bar() as progress:
        return evaluate(survey, fitted, named, questions, progress, context)


def _of_few(bank: ItemBank, survey: Survey, named: tuple[str, ...] | None, questions: int) -> dict[str, Any]:
    """The evaluation of a survey of few people, for each of whom a model is fitted to the others."""
    from training.few_interviews import POLICIES
    from training.few_raters import evaluate_few_raters

    with progress_bar() as progress:
        return evaluate_few_raters(bank, survey, named or POLICIES, questions, progress)


def _of_pairs(
    path: Path, model: Path | None, named: tuple[str, ...] | None, questions: int, data_dir: Path
) -> dict[str, Any]:
    """The evaluation of choices between pictures, which are known by what they show."""
    from training.pairs_eval import DEFAULT, evaluate_pairs

    if model is not None:
        raise ConfigError(f"--model {model}: {path} holds compared pictures, which need none: leave it out")
    with progress_bar() as progress:
        return evaluate_pairs(path, data_dir, named or DEFAULT, questions, progress)


def _table(found: dict[str, Any]) -> str:
    """Target accuracy by policy and number of questions."""
    first = next(iter(found["policies"].values()))["accuracy"]
    ks = [k for k, value in zip(found["k"], first, strict=True) if value is not None]
    lines = [f"{found['dataset']}: accuracy on target questions, {found['n_test_raters']:,} held-out people"]
    lines.append("questions   " + "".join(f"{k:>7}" for k in ks))
    for name, one in found["policies"].items():
        values = [value for value in one["accuracy"] if value is not None]
        lines.append(f"{name:<12}" + "".join(f"{value:7.3f}" for value in values))
    return "\n".join(lines)
