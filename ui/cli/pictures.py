"""`kallisti index` and `kallisti rank`: folders of pictures, prepared and in a person's order."""

from __future__ import annotations

import csv
import io
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefs.errors import ConfigError, DataError
from prefs.raters import LOCAL_RATER
from ui.cli.options import (
    AsJson,
    ClusterAddress,
    DatabaseUrl,
    DataDir,
    EncoderName,
    EngineOption,
    Progress,
    RaterId,
    ask_consent,
    check_out,
    data_folder,
    note,
    progress_bar,
    say,
)

if TYPE_CHECKING:
    from indexing.batches import Elsewhere
    from indexing.encoders import Encoder
    from prefs.engines import Engine
    from prefs.taste import Ranking
    from training.workspace import Workspace

GalleryPath = Annotated[Path, typer.Argument(help="A folder of pictures or of WebDataset shards.")]


def index(
    gallery: GalleryPath,
    out: Annotated[Path, typer.Option(help="Folder to write the index to.")],
    encoder: EncoderName = "auto",
    engine: EngineOption = "local",
    address: ClusterAddress = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Embed a gallery; started again after a kill it goes on where it stopped.

    With --engine ray the pictures are read here and their bytes travel to the nodes, which need no
    folder of ours; they embed on their processors, with the encoder's packages and weights (a local-dir
    under the same path), to the same index.

    Example: kallisti index ~/Pictures --out ~/pictures.index
    """
    from indexing.encoders import resolve
    from indexing.gallery import MAX_SKIP_SHARE, Gallery
    from indexing.prepare import prepare
    from prefs.engines import engine_of

    check_out(out / "current")
    resolved = resolve(encoder, data_folder(data_dir) / "encoders", ask_consent)
    note(resolved.reason)
    with engine_of(engine, address) as engaged, progress_bar(quiet=as_json) as progress:
        opened = Gallery.open(gallery, progress=progress)
        elsewhere = _elsewhere(engaged, resolved.encoder, encoder) if engine == "ray" else None
        found = prepare(opened, out, resolved.encoder, progress, elsewhere=elsewhere)
    skips = found.skips(opened)
    facts = {
        "pictures": len(found),
        "encoder": found.encoder,
        "skipped": dict(skips.reasons),
        "index": str(out),
    }
    text = f"{len(found):,} pictures indexed by {found.encoder} in {out}\n{skips.report()}"
    say(facts, as_json, text.rstrip())
    if opened.in_shards and skips.share > MAX_SKIP_SHARE:
        raise DataError(f"{skips.share:.1%} of the pictures in shards were skipped: are the shards whole?")


def _elsewhere(engine: Engine, encoder: Encoder, asked: str) -> Elsewhere:
    """How nodes make the encoder: by the name that was asked for, or that `auto` came to here."""
    from indexing.batches import Elsewhere
    from indexing.encoders.resolve import make

    kind = encoder.name.partition(":")[0]
    known = asked if asked != "auto" else kind if kind == "embedded" else encoder.name
    threads = os.cpu_count() or 1  # as the encoder has here: vectors differ in the last digits by it
    return Elsewhere(engine, partial(make, known, threads), threads)


def rank(
    gallery: GalleryPath,
    out: Annotated[Path, typer.Option(help="FILE.csv or FILE.html.")],
    rater: RaterId = LOCAL_RATER,
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
    check_out(out)
    with progress_bar(quiet=as_json) as progress:
        workspace = Workspace.open(
            data_folder(data_dir),
            [gallery],
            encoder=encoder,
            database_url=database_url,
            progress=progress,
            consent=ask_consent,
            earlier=True,
        )
        try:
            live = workspace.interview(rater)
            if not live.belief.answers:
                raise ConfigError(
                    f"{rater!r} has answered nothing about pictures yet: start with `kallisti serve`"
                )
            ranking = taste.rank(live.belief, workspace.pictures, workspace.rows_of(gallery))
            if out.suffix == ".html":
                text = _page(workspace, ranking, gallery, live.belief.answers, progress)
            else:
                text = _table(workspace, ranking)
        finally:
            workspace.close()
    write_bytes(out, text.encode())
    for line in workspace.notes:
        note(line)
    facts = {"pictures": len(ranking.items), "answers": live.belief.answers, "unread": live.unread}
    say({**facts, "out": str(out)}, as_json, f"{len(ranking.items):,} pictures in order in {out}")


def _table(workspace: Workspace, ranking: Ranking) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["rank", "picture", "item", "utility", "sd", "p_above_median", "p_top_tenth"])
    for place, item in enumerate(ranking.items):
        figures = (ranking.mean, ranking.sd, ranking.above_median, ranking.top)
        row = [f"{values[place]:.4f}" for values in figures]
        writer.writerow([place + 1, workspace.name_of(item), item, *row])
    return text.getvalue()


def _page(workspace: Workspace, ranking: Ranking, gallery: Path, answers: int, progress: Progress) -> str:
    from ui.rankpage import MOST, Cell, page

    cells = []
    shown = ranking.items[:MOST]
    for place, item in enumerate(shown, start=1):
        data, media_type = workspace.image(item, 256)
        better, top = float(ranking.above_median[place - 1]), float(ranking.top[place - 1])
        cells.append(Cell(place, data, media_type, workspace.alt(item), workspace.name_of(item), better, top))
        progress("Laying out the page", place, len(shown))
    return page(gallery.resolve().name, cells, len(ranking.items), answers)
