"""`kallisti serve`: prepares what is not prepared yet and opens the web app."""

from __future__ import annotations

from typing import Annotated

import typer

from prefs.errors import ConfigError
from ui.cli.options import (
    About,
    AsJson,
    Banks,
    DatabaseUrl,
    DataDir,
    EncoderName,
    Galleries,
    ask_consent,
    data_folder,
    note,
    progress_bar,
    say,
)


def serve(
    gallery: Galleries = None,
    bank: Banks = None,
    about: About = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 7860,
    encoder: EncoderName = "auto",
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Open the interview in the browser.

    Without --gallery and --bank it asks about the gallery that Kallisti draws itself.

    Example: kallisti serve --gallery ~/Pictures --bank bfi
    """
    from training.workspace import Workspace
    from ui.cli.about import read_about
    from ui.security import is_loopback
    from ui.server import listening, serve

    known = read_about(about)
    if known and not is_loopback(host):
        raise ConfigError(
            f"--about with --host {host}: it is about one person, and every visitor would start from it; "
            "leave one of them out"
        )
    with listening(host, port) as listener:
        with progress_bar() as progress:
            workspace = Workspace.open(
                data_folder(data_dir),
                galleries=gallery or (),
                banks=bank or (),
                encoder=encoder,
                database_url=database_url,
                progress=progress,
                consent=ask_consent,
                known=known.answers,
                note=known.note,
            )
        if known.note:
            note(
                f"{about} is a note of {len(known.note):,} characters. It stands on My taste, as context for "
                "an interviewer that reads; what is known of you rests on answers alone."
            )
        for line in (workspace.encoder_note, *workspace.notes):
            note(line)
        try:
            serve(
                workspace,
                host,
                listener,
                lambda url: say({"url": url}, as_json, f"Kallisti is ready at {url}"),
            )
        finally:
            workspace.close()
