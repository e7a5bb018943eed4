"""`kallisti evaluate`: how well interviews with held-out people do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prefs.errors import ConfigError
from ui.cli.options import progress_bar

Data = Annotated[str, typer.Argument(help="A survey folder, or bfi or epi.")]


def evaluate(
    data: Data,
    model: Annotated[Path, typer.Option(help="Folder that `kallisti train --split eval` wrote.")],
    json_: Annotated[Path, typer.Option("--json", help="File for all figures.")],
    policies: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated: random, static, static_id, eig, epig, guided, eig_id, root_id.",
            show_default=False,
        ),
    ] = None,
    questions: Annotated[int, typer.Option(help="Longest interview.", min=1, max=40)] = 40,
    plot: Annotated[Path | None, typer.Option(help="FILE.png for the curves.", show_default=False)] = None,
) -> None:
    """Interview held-out people of a survey by several policies and tell how well each does.

    Example: kallisti evaluate epi --model epi.model --json epi.json --plot epi.png
    """
    from prefs.files import write_json
    from training.banks import bank_of
    from training.evaluate import POLICIES, evaluate
    from training.fitted import load_fitted

    if plot is not None and plot.suffix != ".png":
        raise ConfigError(f"--plot {plot}: allowed are names that end in .png")
    bank, survey = bank_of(data)
    fitted = load_fitted(model, bank)
    named = tuple(policies.split(",")) if policies else POLICIES
    with progress_bar() as progress:
        found = evaluate(survey, fitted, named, questions, progress)
    write_json(json_, found)
    if plot is not None:
        from training.plots import plot_evaluation

        plot_evaluation(found, plot)
    print(_table(found))


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
