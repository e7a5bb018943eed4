"""`kallisti retrain`: what people answered becomes part of the model."""

from __future__ import annotations

from typing import Any

from ui.cli.answers import open_store
from ui.cli.learning import counted
from ui.cli.options import AsJson, DatabaseUrl, DataDir, data_folder, note, progress_bar, say


def retrain(data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Fit the banks that were opened here again, with the interviews of those who agreed to it.

    People agree on the first card of the app where it is on a network, or with `kallisti interview --share`.
    Beliefs follow: they are worked out from the answers anew when the app is started next.

    Example: kallisti retrain
    """
    folder = data_folder(data_dir)
    from training.retrain import retrain as fit_again

    with open_store(data_dir, database_url) as store, progress_bar(as_json) as progress:
        found = fit_again(folder, store, progress)
    for line in found["left"]:
        note(f"left as it is: {line}")
    say(found, as_json, _text(found))


def _text(found: dict[str, Any]) -> str:
    lines = [
        f"{found['answers']:,} answers in {found['interviews']:,} interviews of "
        f"{found['raters']:,} people who agreed to it"
    ]
    lines += counted(found["skips"])
    for name, one in found["banks"].items():
        tied = f", in one block of tastes: {one['block']}" if one["block"] != name else ""
        lines.append(
            f"{name}: fitted to {one['raters']:,} people, {one['interviews']:,} of them interviews with "
            f"{one['answers_of_interviews']:,} answers, in {one['size']} dimensions{tied}"
        )
        if one["after"] is not None:
            lines.append(
                f"  log loss of {one['validation_raters']:,} people held out: {one['before']:.4f} without "
                f"the interviews, {one['after']:.4f} with them"
            )
        lines += counted(one["skips"])
    return "\n".join([*lines, f"Model {found['model']} is opened from now on."])
