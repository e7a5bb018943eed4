"""`kallisti interview`: the same interview in the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from prefs.errors import ConfigError
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

if TYPE_CHECKING:
    from prefs.planner import Chooses, Scores
    from training.workspace import Workspace

InterviewerFolder = Annotated[
    Path | None,
    typer.Option(
        "--interviewer",
        help="Folder of an interviewer whose language model asks instead. It reads the answers so far "
        "and what is known beforehand: --about, and what stands on My taste. Takes one --bank.",
        show_default=False,
    ),
]


def interview(
    gallery: Galleries = None,
    bank: Banks = None,
    about: About = None,
    questions: Annotated[int, typer.Option(help="Stop after so many answers.", min=1)] = 20,
    acquisition: Annotated[
        Literal["random", "eig", "epig", "eubo"], typer.Option(help="What chooses the next question.")
    ] = "eig",
    head: Annotated[
        Path | None,
        typer.Option(
            help="Folder of an interviewer whose policy head chooses instead, without planning.",
            show_default=False,
        ),
    ] = None,
    interviewer: InterviewerFolder = None,
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
    if interviewer is not None and (head is not None or gallery or len(bank or ()) != 1):
        raise ConfigError(
            "--interviewer asks from one bank, without a head: give one --bank, and no --gallery or --head"
        )
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
            known=known.answers,
            note=known.note,
        )
    try:
        for line in (workspace.encoder_note, *workspace.notes):
            note(line)
        scores, planner = _scores(head, workspace), _planner(interviewer, workspace, rater)
        for line in _of_note(about, known.note, workspace.context(rater), planner is not None):
            note(line)
        out = sys.stderr if as_json else sys.stdout
        dialog = Dialog(
            workspace, rater, "policy" if scores else acquisition, questions, out, scores, planner
        )
        if share is not None:
            workspace.store.consent(rater, share)
        dialog.run()
        found = facts(workspace, dialog.live, rater)
        say(found, as_json, text(found))
    finally:
        workspace.close()


def _scores(folder: Path | None, workspace: Workspace) -> Scores | None:
    """What the policy head of an interviewer says of questions, None without a folder.

    Raises:
        ModelError: no head in the folder, or a damaged one.
    """
    if folder is None:
        return None
    from vlm.asking_head import PolicyHead
    from vlm.interviewer_files import HEAD

    head, population = PolicyHead.load(folder / HEAD), workspace.model.space.cov
    return lambda belief, vectors: head.gains(belief, vectors, population)


def _planner(folder: Path | None, workspace: Workspace, rater: str) -> Chooses | None:
    """A language model that chooses the questions of the open bank, None without a folder.

    Raises:
        ModelError: no interviewer in the folder, or a damaged one.
    """
    if folder is None:
        return None
    from vlm.interview_planner import ReadingPlanner
    from vlm.interviewer import Interviewer

    (fitted,) = workspace.banks.values()
    return ReadingPlanner(Interviewer.open(folder), fitted.bank, workspace.context(rater))


def _of_note(file: Path | None, written: str, context: str, read: bool) -> list[str]:
    """What is done with what is known beforehand, in words, where that is not plain."""
    if read and context:
        from vlm.interviewer_text import NOTED

        size = f"{len(context):,} characters"
        shown = size if len(context) <= NOTED else f"the first {NOTED:,} of {size}"
        return [f"the interviewer reads {shown} of what is known beforehand"]
    if written and not read:
        return [
            f"{file} is a note in free words: only an interviewer (--interviewer) reads it; it is not kept"
        ]
    return []
