"""`kallisti predict`: what a person would answer to a bank of questions, and how sure that is."""

from __future__ import annotations

import csv
import io
import json
import shutil
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prefs.errors import ConfigError, NotFoundError
from prefs.raters import LOCAL_RATER
from ui.cli.about import read_about
from ui.cli.answers import open_store
from ui.cli.options import (
    About,
    AsJson,
    Banks,
    DatabaseUrl,
    DataDir,
    EncoderName,
    RaterId,
    ask_consent,
    check_out,
    data_folder,
    note,
    progress_bar,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefs.predictions import Forecast
    from prefs.questions import Question
    from training.workspace import Workspace

FILES = (".csv", ".jsonl")
PICTURES = ("pair", "grid", "thumbs")
NOBODY = "Nothing is known of this person: these are the shares of all people."


def predict(
    questions: Annotated[
        str,
        typer.Argument(help="Whose answers to foretell: bfi, epi or a survey folder.", metavar="QUESTIONS"),
    ],
    rater: RaterId = LOCAL_RATER,
    bank: Banks = None,
    about: About = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write as well: .csv or .jsonl.", show_default=False)
    ] = None,
    encoder: EncoderName = "auto",
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Foretell a person's answers to every question of a bank, and how sure each is.

    Everything that the person said counts, about other banks and pictures too. What was answered
    already is foretold without that answer, and compared with it.

    Example: kallisti predict epi --out epi.csv
    """
    if out is not None:
        if out.suffix not in FILES:
            raise ConfigError(f"--out {out}: allowed are names that end in .csv or .jsonl")
        check_out(out)
    known = read_about(about)
    from training.workspace import Workspace

    asked = _asked(rater, data_dir, database_url)
    named = [questions, *(bank or ())]
    others, lost = _earlier_banks(asked, named, data_folder(data_dir))
    with progress_bar(quiet=as_json) as progress:
        workspace = Workspace.open(
            data_folder(data_dir),
            banks=[*named, *others],
            encoder=encoder,
            database_url=database_url,
            progress=progress,
            consent=ask_consent,
            known=known.answers,
            earlier=any(one.kind in PICTURES for one in asked),
        )
    try:
        found = facts(workspace, rater)
    finally:
        workspace.close()
    if known.note:
        note(f"{about} is a note in free words: predictions rest on answers alone, and it is not read")
    for line in (*workspace.notes, *lost):
        note(line)
    if out is not None:
        _write(out, found["predictions"])
    say(found, as_json, text(found, shutil.get_terminal_size().columns))


def facts(workspace: Workspace, rater: str) -> dict[str, Any]:
    """What the rater is expected to answer to the first open bank, the surest first, as JSON.

    unread: answers that do not count, since what they are about is not open.
    """
    from prefs.predictions import forecasts, score

    fitted = next(iter(workspace.banks.values()))
    live = workspace.interview(rater)
    found = forecasts(live.model, live.responses, fitted.bank.questions)
    answers = sum(answer is not None for _, answer in live.responses)
    return {
        "bank": fitted.bank.name,
        "title": fitted.bank.title or fitted.bank.name,
        "rater": rater,
        "answers": answers,
        "known": len(live.known),
        "unread": live.unread,
        "people": fitted.report.get("raters"),
        "score": asdict(score(found)),
        "predictions": [_row(one) for one in sorted(found, key=lambda one: -one.certainty)],
    }


def text(found: dict[str, Any], width: int) -> str:
    """The facts as a table that fits the width, in characters."""
    from rich.console import Console
    from rich.table import Table

    from indexing.skips import printable

    rows = found["predictions"]
    said = any(row["said"] is not None for row in rows)
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("sure", justify="right", no_wrap=True)
    table.add_column("question", ratio=3, overflow="fold")
    table.add_column("expected", ratio=2, overflow="fold")
    if found["answers"]:
        table.add_column("people", justify="right", no_wrap=True)
        table.add_column("bits", justify="right", no_wrap=True)
    if said:
        table.add_column("said", ratio=2, overflow="fold")
    for row in rows:
        expected = printable(row["options"][row["answer"]])
        cells = [f"{row['certainty']:.0%}", printable(row["question"]), expected]
        if found["answers"]:
            cells += [f"{row['population'][row['answer']]:.0%}", f"{row['gain_bits']:.2f}"]
        if said:
            cells.append(_said(row, printable))
        table.add_row(*cells)
    drawn = io.StringIO()
    Console(file=drawn, width=width, color_system=None, markup=False, highlight=False).print(table)
    lines = [line.rstrip() for line in drawn.getvalue().splitlines()]
    told = [textwrap.fill(line, width) for line in (printable(found["title"]), *_told(found))]
    return "\n".join([*told, "", *lines])


def _told(found: dict[str, Any]) -> list[str]:
    """What the table rests on, in plain sentences."""
    lines = []
    if found["answers"]:
        before = f", {found['known']:,} of them known beforehand" if found["known"] else ""
        lines.append(f"From {found['answers']:,} answers of {found['rater']}{before}.")
    else:
        lines.append(NOBODY)
    if found["unread"]:
        lines.append(f"{found['unread']:,} answers do not count: what they are about is not open.")
    score = found["score"]
    if score["count"]:
        lines.append(
            f"Of {score['count']:,} answered already, each foretold without its own answer, "
            f"{score['right']:,} are right: {score['expected']:.0f} were expected, and what people answer "
            f"in general fits {score['by_population']:,}."
        )
    if found["answers"]:
        lines.append("sure: how likely the expected answer is; people: how many give it in general;")
        lines.append("bits: how far this person's answers moved the forecast.")
    return lines


def _said(row: dict[str, Any], printable: Any) -> str:
    if row["said"] is None:
        return ""
    return f"{'✓' if row['right'] else '✗'} {printable(row['options'][row['said']])}"


def _row(one: Forecast) -> dict[str, Any]:
    from prefs.markdown import plain

    return {
        "question_id": one.question.question_id,
        "question": plain(one.question.markdown),
        "domain": one.question.domain,
        "topic": one.question.topic,
        "options": [plain(option.markdown) for option in one.question.options],
        "probabilities": [float(p) for p in one.chances],
        "population": [float(p) for p in one.population],
        "answer": one.answer,
        "certainty": one.certainty,
        "gain_bits": one.gain_bits,
        "said": one.said,
        "right": one.right,
    }


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    """The rows as JSON Lines, or as a table with three columns for each option."""
    from prefs.files import write_bytes

    if path.suffix == ".jsonl":
        lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        write_bytes(path, "".join(lines).encode())
        return
    width = max(len(row["options"]) for row in rows)
    plain = (
        "question_id",
        "question",
        "domain",
        "topic",
        "answer",
        "certainty",
        "gain_bits",
        "said",
        "right",
    )
    places = range(1, width + 1)
    head = [name for n in places for name in (f"option_{n}", f"probability_{n}", f"population_{n}")]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*plain, *head])
    for row in rows:
        worded = {
            name: row["options"][row[name]] if row[name] is not None else "" for name in ("answer", "said")
        }
        figures = {name: f"{row[name]:.4f}" for name in ("certainty", "gain_bits")}
        each = zip(row["options"], row["probabilities"], row["population"], strict=True)
        cells = [cell for option, p, share in each for cell in (option, f"{p:.4f}", f"{share:.4f}")]
        writer.writerow([*({**row, **worded, **figures}[name] for name in plain), *cells])
    write_bytes(path, table.getvalue().encode())


def _asked(rater: str, data_dir: Path | None, database_url: str | None) -> list[Question]:
    """Everything that the rater was asked; nothing of a local person who was asked nothing yet.

    Raises:
        NotFoundError: nobody has this name.
    """
    with open_store(data_dir, database_url) as store:
        try:
            store.rater(rater)
        except NotFoundError:
            if rater != LOCAL_RATER:
                raise
        return [one.question for one in store.log_of_rater(rater)[0].values()]


def _earlier_banks(
    asked: Sequence[Question], named: Sequence[str], data_dir: Path
) -> tuple[list[str], list[str]]:
    """What to open of the banks that were asked about and are not named, and a line on each that is gone."""
    from training.openbanks import origins

    sources = {one.source for one in asked if not one.items}
    sources -= {Path(one).expanduser().resolve().name for one in named}
    kept = origins(data_dir)
    lost = sorted(sources - kept.keys())
    return (
        [kept[name] for name in sorted(sources & kept.keys())],
        [f"bank {name!r} is not here any more: its answers do not count" for name in lost],
    )
