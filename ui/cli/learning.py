"""`kallisti train`: models of people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ui.cli.options import progress_bar

Data = Annotated[str, typer.Argument(help="A survey folder, or bfi or epi.")]


def train(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to write the model to.")],
    split: Annotated[
        Literal["eval", "all"], typer.Option(help="eval leaves the test raters out; all is for use.")
    ] = "all",
) -> None:
    """Fit the choice model to the answers of a survey.

    Example: kallisti train epi --out epi.model --split eval
    """
    from training.banks import bank_of
    from training.selection import fit_bank

    bank, survey = bank_of(data)
    with progress_bar() as progress:
        fitted = fit_bank(bank, survey, split, progress)
    fitted.save(out)
    size = fitted.phi.shape[2] - 2
    print(
        f"{len(bank)} questions in {size} dimensions, fitted to {fitted.report['raters']:,} people, in {out}"
    )
