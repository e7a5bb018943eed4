"""Options that several commands share, and how commands speak: tables, progress bars, JSON."""

from __future__ import annotations

import errno
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import typer

from prefs.errors import ConfigError

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="KALLISTI_DATA_DIR",
        help="Where answers, prepared galleries and models live.  [default: the user's data folder]",
        show_default=False,
    ),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="KALLISTI_DATABASE_URL",
        help="An SQLAlchemy URL for the answers, such as postgresql+psycopg://user@host/kallisti.",
        show_default=False,
    ),
]
Galleries = Annotated[
    list[Path] | None,
    typer.Option(
        "--gallery", help="A folder of pictures or of WebDataset shards; repeatable.", show_default=False
    ),
]
Banks = Annotated[
    list[str] | None,
    typer.Option("--bank", help="bfi, epi or a survey folder; repeatable.", show_default=False),
]
EncoderName = Annotated[
    str,
    typer.Option("--encoder", help="auto, embedded, open_clip:MODEL/PRETRAINED or open_clip:local-dir:PATH."),
]
RaterId = Annotated[str, typer.Option("--rater", help="Whose answers; `me` is the local person.")]
About = Annotated[
    Path | None,
    typer.Option(
        "--about",
        help="File of what is known already: JSON of answers, question id (or BANK/ID) -> answer, or a note "
        "in free words, which only an interviewer reads.",
        show_default=False,
    ),
]
EngineOption = Annotated[
    Literal["local", "ray"],
    typer.Option(
        "--engine",
        help="Who does the work: the cores of this machine, or a Ray cluster. The nodes get Kallisti's own "
        "code from here; Python and the packages that compute must be installed there in the same "
        "versions. Only this machine reads and writes files.",
    ),
]
ClusterAddress = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="Of the Ray cluster: auto (this machine is one of its nodes), HOST:PORT, or ray://HOST:10001 "
        "from elsewhere.  [default: RAY_ADDRESS, or auto]",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


class Progress(Protocol):
    """Hears of progress: a stage, how much is done of how much, and what else there is to tell of it."""

    def __call__(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Shows it."""


STAGES = {"scan": "Looking through the folder", "embed": "Reading the pictures"}


def data_folder(given: Path | None) -> Path:
    """The data folder: the given one, else the platform's user data folder."""
    if given is not None:
        return given.expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("kallisti", appauthor=False))


@contextmanager
def progress_bar(quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error: call the yielded function with (stage, done, total, detail).

    Nothing is shown before the first call, and nothing stays on the screen. Where standard error is
    no terminal, each stage is one line.
    """
    with ExitStack() as shown:
        bars: dict[str, Any] = {}

        def report(stage: str, done: int, total: int, detail: str = "") -> None:
            if quiet:
                return
            title = STAGES.get(stage, stage)
            if not sys.stderr.isatty():
                if stage not in bars:
                    note(f"{title} ({total:,})")
                bars[stage] = True
                return
            if not bars:
                bars[""] = shown.enter_context(_bar())
            if stage not in bars:
                bars[stage] = bars[""].add_task(title, total=total)
            shown_as = ", ".join(filter(None, (title, detail)))
            bars[""].update(bars[stage], completed=done, total=total, description=shown_as)

        yield report


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def say(value: Any, as_json: bool, text: str) -> None:
    """Prints the value as JSON or the text for people."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False) if as_json else text, flush=True)


def note(line: str) -> None:
    """Tells people something beside the result, on standard error; empty lines are left out."""
    if line:
        print(line, file=sys.stderr)


def check_out(path: Path) -> Path:
    """The file to write, checked before the work that leads to it; its folder is made.

    Raises:
        ConfigError: a folder is there, or no file can be made there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as problem:
        raise ConfigError(
            f"--out {path} cannot be written ({problem.strerror}): name a file in a folder that is yours"
        ) from problem
    return path


def ask_consent(question: str) -> bool:
    """Asks a yes/no question on the terminal; no answer and no terminal both mean no."""
    return sys.stdin.isatty() and typer.confirm(question, default=False, err=True)
