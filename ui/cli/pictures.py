"""`kallisti index` and `kallisti rank`: folders of pictures, prepared and in a person's order."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefs.errors import ConfigError, DataError
from ui.cli.options import (
    AsJson,
    DatabaseUrl,
    DataDir,
    EncoderName,
    RaterId,
    ask_consent,
    data_folder,
    progress_bar,
    say,
)

if TYPE_CHECKING:
    from prefs.taste import Ranking
    from training.workspace import Workspace

GalleryPath = Annotated[Path, typer.Argument(help="A folder of pictures or of WebDataset shards.")]


def index(
    gallery: GalleryPath,
    out: Annotated[Path, typer.Option(help="Folder to write the index to.")],
    encoder: EncoderName = "auto",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Embed a gallery; started again after a kill it goes on where it stopped.

    Example: kallisti index ~/Pictures --out ~/pictures.index
    """
    from indexing.encoders import resolve
    from indexing.gallery import MAX_SKIP_SHARE, Gallery
    from indexing.prepare import prepare

    resolved = resolve(encoder, data_folder(data_dir) / "encoders", ask_consent)
    typer.echo(resolved.reason, err=True)
    with progress_bar(quiet=as_json) as progress:
        opened = Gallery.open(gallery, progress=progress)
        found = prepare(opened, out, resolved.encoder, progress)
    skips = found.skips(opened)
    facts = {
        "pictures": len(found),
        "encoder": found.encoder,
        "skipped": dict(skips.reasons),
        "index": str(out),
    }
    say(
        facts,
        as_json,
        f"{len(found):,} pictures indexed by {found.encoder} in {out}\n{skips.report()}".rstrip(),
    )
    if opened.in_shards and skips.share > MAX_SKIP_SHARE:
        raise DataError(f"{skips.share:.1%} of the pictures in shards were skipped: are the shards whole?")


def rank(
    gallery: GalleryPath,
    out: Annotated[Path, typer.Option(help="FILE.csv or FILE.html.")],
    rater: RaterId = "me",
    encoder: EncoderName = "auto",
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Sort a folder by a person's taste, with certainty, as a table or as a page of pictures.

    Example: kallisti rank ~/Pictures --rater me --out order.html
    """
    from prefs import taste
    from prefs.files import write_bytes
    from training.workspace import Workspace

    if out.suffix not in (".csv", ".html"):
        raise ConfigError(f"--out {out}: allowed are names that end in .csv or .html")
    with progress_bar(quiet=as_json) as progress:
        workspace = Workspace.with_earlier(
            data_folder(data_dir),
            gallery,
            encoder=encoder,
            database_url=database_url,
            progress=progress,
            consent=ask_consent,
        )
    try:
        live = workspace.interview(rater)
        if not live.belief.answers:
            raise ConfigError(
                f"{rater!r} has answered nothing about pictures yet: start with `kallisti serve`"
            )
        source = workspace.pictures
        ranking = taste.rank(live.belief, source, workspace.rows_of(gallery))
        write = _page if out.suffix == ".html" else _table
        write_bytes(out, write(workspace, ranking, gallery, live.belief.answers).encode())
        facts = {"pictures": len(ranking.items), "answers": live.belief.answers, "unread": live.unread}
        say({**facts, "out": str(out)}, as_json, f"{len(ranking.items):,} pictures in order in {out}")
    finally:
        workspace.close()


def _table(workspace: Workspace, ranking: Ranking, gallery: Path, answers: int) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["rank", "picture", "item", "utility", "sd", "p_above_median", "p_top_tenth"])
    for place, item in enumerate(ranking.items):
        figures = (ranking.mean, ranking.sd, ranking.above_median, ranking.top)
        row = [f"{values[place]:.4f}" for values in figures]
        writer.writerow([place + 1, workspace.file_of(item), item, *row])
    return text.getvalue()


def _page(workspace: Workspace, ranking: Ranking, gallery: Path, answers: int) -> str:
    from ui.rankpage import Cell, page

    cells = [
        Cell(place, *workspace.image(item, 256), workspace.alt(item), float(better))
        for place, (item, better) in enumerate(zip(ranking.items, ranking.above_median, strict=True), start=1)
    ]
    return page(gallery.name, cells, answers)
