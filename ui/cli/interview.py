"""`kallisti interview`: the same interview in the terminal."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from prefs.raters import LOCAL_RATER
from ui.cli.about import read_about
from ui.cli.options import (
    About,
    AsJson,
    Banks,
    DatabaseUrl,
    DataDir,
    EncoderName,
    Galleries,
    RaterId,
    ask_consent,
    data_folder,
    note,
    progress_bar,
    say,
)


def interview(
    gallery: Galleries = None,
    bank: Banks = None,
    about: About = None,
    questions: Annotated[int, typer.Option(help="Stop after so many answers.", min=1)] = 20,
    acquisition: Annotated[
        Literal["random", "eig", "epig", "eubo"], typer.Option(help="What chooses the next question.")
    ] = "eig",
    rater: RaterId = LOCAL_RATER,
    share: Annotated[
        bool | None,
        typer.Option(
            "--share/--no-share",
            help="Let these answers, and this person's earlier ones, train the shared model here; --no-share "
            "takes that back.  [default: as it was said before, at first no]",
            show_default=False,
        ),
    ] = None,
    encoder: EncoderName = "auto",
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Answer questions in the terminal; afterwards it says what it learned.

    With --json the questions go to standard error and what was learned to standard output.

    Example: kallisti interview --bank epi --questions 15
    """
    known = read_about(about)
    from training.workspace import Workspace
    from ui.cli.dialog import Dialog
    from ui.cli.learned import facts, text

    with progress_bar() as progress:
        workspace = Workspace.open(
            data_folder(data_dir),
            gallery or (),
            bank or (),
            encoder=encoder,
            database_url=database_url,
            progress=progress,
            consent=ask_consent,
            known=known,
        )
    try:
        for line in (workspace.encoder_note, *workspace.notes):
            note(line)
        dialog = Dialog(workspace, rater, acquisition, questions, sys.stderr if as_json else sys.stdout)
        if share is not None:
            workspace.store.consent(rater, share)
        dialog.run()
        found = facts(workspace, dialog.live, rater)
        say(found, as_json, text(found))
    finally:
        workspace.close()
