"""`kallisti raters`, `export`, `import` and `erase`: a person's answers are theirs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefs.errors import ConfigError, DataError
from ui.cli.options import AsJson, DatabaseUrl, DataDir, RaterId, data_folder, say

if TYPE_CHECKING:
    from prefs.store import Store


def open_store(data_dir: Path | None, database_url: str | None) -> Store:
    """The store of answers at the URL, or in the data folder."""
    from prefs.store import Store

    return Store.open(database_url or data_folder(data_dir) / "kallisti.sqlite")


def raters(data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List the people whose answers are stored, with their counts.

    Example: kallisti raters
    """
    with open_store(data_dir, database_url) as store:
        rows = store.raters()
    if as_json:
        say(rows, True, "")
        return
    if not rows:
        print("nobody has answered yet: start with `kallisti serve`")
    for row in rows:
        print(f"{row['rater_id']:<24} {row['answers']:>6} answers   {row['label'] or ''}")


def export(
    rater: RaterId = "me",
    out: Annotated[Path | None, typer.Option(help="File to write.  [default: standard output]")] = None,
    transcripts: Annotated[bool, typer.Option(help="JSON Lines, one interview a line, instead.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write everything that a person answered, including undone and edited answers, as JSON.

    Example: kallisti export --rater me --out me.json
    """
    from prefs.files import write_bytes

    with open_store(data_dir, database_url) as store:
        if transcripts:
            text = "".join(line + "\n" for line in store.transcripts(rater))
        else:
            text = json.dumps(store.export(rater), ensure_ascii=False, indent=1) + "\n"
    if out is None:
        sys.stdout.write(text)
    else:
        write_bytes(out, text.encode())
        typer.echo(f"wrote {out}", err=True)


def import_(
    file: Annotated[Path, typer.Argument(help="What `kallisti export` wrote.")],
    rater: Annotated[
        str | None, typer.Option("--rater", help="Give the answers to this person.  [default: as exported]")
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Read an export back; answers that are there already are not doubled.

    Example: kallisti import me.json
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise DataError(f"{file} cannot be read as an export: {problem}") from problem
    with open_store(data_dir, database_url) as store:
        counts = store.import_(data, rater)
    say(counts, as_json, ", ".join(f"{count} {what}" for what, count in counts.items()))


def erase(
    rater: RaterId = "me",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Erase a person: every answer, interview and profile, from the database and its files.

    Example: kallisti erase --rater me --yes
    """
    if (
        not yes
        and typer.prompt(f"Type {rater} to erase all answers of this person for good", err=True) != rater
    ):
        raise ConfigError(f"nothing was erased: the name typed was not {rater!r}")
    with open_store(data_dir, database_url) as store:
        counts = store.erase(rater)
    say(counts, as_json, ", ".join(f"{count} {what}" for what, count in counts.items()) + " erased")
