"""`kallisti interview`: the same interview in the terminal."""

from __future__ import annotations

import shutil
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from prefs.markdown import plain
from ui.cli.about import read_about
from ui.cli.options import (
    About,
    Banks,
    DatabaseUrl,
    DataDir,
    EncoderName,
    Galleries,
    RaterId,
    ask_consent,
    data_folder,
    progress_bar,
)

if TYPE_CHECKING:
    from prefs.interview import Interview
    from prefs.log import Asked, Entry
    from training.workspace import Workspace

KEYS = "number answers, enter skips, u takes back, q stops"


def interview(
    gallery: Galleries = None,
    bank: Banks = None,
    about: About = None,
    questions: Annotated[int, typer.Option(help="Stop after so many answers.", min=1)] = 20,
    acquisition: Annotated[str, typer.Option(help="random, eig, epig or eubo.")] = "eig",
    rater: RaterId = "me",
    encoder: EncoderName = "auto",
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Answer questions in the terminal; afterwards it says what it learned.

    Example: kallisti interview --bank epi --questions 15
    """
    from prefs.stopper import AfterCount
    from training.workspace import Workspace

    with progress_bar() as progress:
        workspace = Workspace.open(
            data_folder(data_dir),
            gallery or (),
            bank or (),
            encoder=encoder,
            database_url=database_url,
            progress=progress,
            consent=ask_consent,
            known=read_about(about),
        )
    try:
        session = workspace.start(rater, {"acquisition": acquisition, "planned": questions})
        live = workspace.interview(rater, acquisition=acquisition)  # type: ignore[arg-type]
        before = len(live.answers)
        live = workspace.interview(rater, acquisition=acquisition, stopper=AfterCount(before + questions))  # type: ignore[arg-type]
        print(f"{KEYS}. Every answer is saved at once.\n")
        _converse(workspace, live, rater, session)
        print(_learned(workspace, live))
    finally:
        workspace.close()


def _converse(workspace: Workspace, live: Interview, rater: str, session: str) -> None:
    """Asks until the interview stops or the person does."""
    while (asked := live.next()) is not None:
        workspace.store.ask(rater, session, asked)
        _show(workspace, asked)
        shown = time.monotonic()
        entry = _entry(asked, shown)
        if entry is None:
            return
        if entry.action == "undo" and not live.answers:
            print("there is no answer to take back\n")
            continue
        workspace.store.record(rater, session, entry, None)
        live.apply(entry)
        print()
    print(live.stopped or "")


def _show(workspace: Workspace, asked: Asked) -> None:
    question = asked.question
    print(f"{asked.number}. {plain(question.markdown)}")
    if question.items and sys.stdout.isatty():
        from ui.cli.ansi import side_by_side

        drawn = [workspace.image(item, 256)[0] for item in question.items]
        print(side_by_side(drawn, shutil.get_terminal_size().columns))
    for number, option in enumerate(question.options, start=1):
        text = f"{workspace.alt(option.item)}" if option.item else plain(option.markdown)
        print(f"   {number}  {text}")


def _entry(asked: Asked, shown: float) -> Entry | None:
    """Reads keys until they mean something; None to stop."""
    from prefs.log import Entry

    count = len(asked.question.options)
    while True:
        try:
            said = input("> ").strip().lower()
        except EOFError:
            return None
        if said == "q":
            return None
        if said == "u":
            return Entry(uuid.uuid4().hex, None, "undo", None, None, None, datetime.now(UTC))
        if said in ("", "s") or (said.isdigit() and 1 <= int(said) <= count):
            answer = int(said) - 1 if said.isdigit() else None
            took = int(1000 * (time.monotonic() - shown))
            return Entry(uuid.uuid4().hex, asked.token, "answer", answer, None, took, datetime.now(UTC))
        print(f"  {said!r}: allowed are 1 to {count}, enter, u and q")


def _learned(workspace: Workspace, live: Interview) -> str:
    """What the answers say, in plain words and figures."""
    from prefs import taste
    from prefs.progress import describe

    lines = ["", describe(live.progress())]
    for fitted in workspace.banks.values():
        found = taste.percentiles(live.belief, live.model, fitted.directions(live.model))
        if found:
            lines += ["", f"{fitted.bank.title}: where you stand among {fitted.raters:,} people"]
        for one in found:
            bar = "·" * round(one.percentile / 5) + "●" + "·" * (20 - round(one.percentile / 5))
            lines.append(
                f"  {one.name:<20} {bar}  {one.percentile:3.0f}  (95 %: {one.low:.0f} to {one.high:.0f})"
            )
        done = {one.question.question_id for one, _ in live.answers}
        rest = [question for question in fitted.bank.questions if question.question_id not in done]
        guesses = sorted(taste.predictions(live.belief, live.model, rest), key=lambda one: -one.certainty)
        if guesses:
            lines += ["", "What you would probably answer to questions that were not asked:"]
        for guess in guesses[:8]:
            label = plain(guess.question.options[guess.answer].markdown)
            lines.append(f"  {guess.certainty:4.0%}  {label:<22} {plain(guess.question.markdown)}")
    if workspace.galleries and live.answers:
        lines += ["", "Your pictures in order: kallisti rank GALLERY --out order.html"]
    return "\n".join(lines)
