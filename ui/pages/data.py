"""Data: whose answers these are, where they are kept, and how to take them along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefs.raters import LOCAL_RATER

if TYPE_CHECKING:
    from training.workspace import Workspace
    from ui.views import Json


def data(workspace: Workspace, rater: str, hosted: bool) -> Json:
    """Facts about the person's data; on the own computer also the folder and the other profiles."""
    facts: Json = {
        "hosted": hosted,
        "encoder": workspace.encoder_note,
        "notes": [note for note in workspace.notes if note],
    }
    if not hosted:
        known = [str(row["rater_id"]) for row in workspace.store.raters()]
        facts |= {
            "rater": rater,
            "folder": str(workspace.data_dir),
            "profiles": sorted({LOCAL_RATER, rater, *known}),
        }
    return facts
