"""`kallisti raters`, `export`, `import` and `erase`: a person's answers are theirs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefs.errors import ConfigError, DataError
from prefs.raters import LOCAL_RATER
from ui.cli.options import AsJson, DatabaseUrl, DataDir, RaterId, check_out, data_folder, say

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
    lines = [
        f"{row['rater_id']:<24} {row['answers']:>8,} answers   {row['label'] or ''}".rstrip() for row in rows
    ]
    say(rows, as_json, "\n".join(lines) or "nobody has answered yet: start with `kallisti serve`")


def export(
    rater: RaterId = LOCAL_RATER,
    out: Annotated[Path | None, typer.Option(help="File to write.  [default: standard output]")] = None,
    transcripts: Annotated[bool, typer.Option(help="JSON Lines, one interview a line, instead.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write everything that a person answered, including undone and edited answers, as JSON.

    Example: kallisti export --rater me --out me.json
    """
    from prefs.files import write_bytes

    if out is not None:
        check_out(out)
    with open_store(data_dir, database_url) as store:
        facts = store.rater(rater)
        if transcripts:
            text = "".join(line + "\n" for line in store.transcripts(rater))
        else:
            text = json.dumps(store.export(rater), ensure_ascii=False, indent=1) + "\n"
    if out is None:
        sys.stdout.write(text)
    else:
        write_bytes(out, text.encode())
        say({**facts, "out": str(out)}, as_json, f"{facts['answers']:,} answers of {rater} in {out}")


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
    except (OSError, ValueError, RecursionError) as problem:
        raise DataError(f"{file} cannot be read as an export: {problem}") from problem
    with open_store(data_dir, database_url) as store:
        counts = store.import_(data, rater)
    say(counts, as_json, "new: " + _counted(counts))


def erase(
    rater: RaterId = LOCAL_RATER,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Erase a person: every answer, interview and profile, from the database and its files.

    Example: kallisti erase --rater me --yes
    """
    with open_store(data_dir, database_url) as store:
        count = store.rater(rater)["answers"]
        if not yes:
            asked = f"Type {rater} to erase this person and {count:,} answers for good"
            if typer.prompt(asked, err=True) != rater:
                raise ConfigError(f"nothing was erased: the name typed was not {rater!r}")
        counts = store.erase(rater)
    say(counts, as_json, "erased: " + _counted(counts))


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counts.items())
