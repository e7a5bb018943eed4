"""From the press of a key to the next pair of pictures painted, in a real Chromium: the 95th percentile.

The reference is the plain way in the same run: nothing is planned or fetched before the answer. Both
windows take turns, so that a busy machine hits both alike; between answers a person looks for a
second, or until the pictures are there.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.browser import CHROMIUM, serving, started
from benchmarks.report import Report, main

ANSWERS, TURN, LOOK_MS = 120, 10, 1000
KEYS = ("ArrowLeft", "ArrowRight")
TIMES = "performance.getEntriesByName('kallisti:answer-to-painted').map((entry) => entry.duration)"


def measure() -> Report:
    """Answer to next picture painted, in seconds, over 120 answers on the drawn gallery."""
    from prefs.errors import MissingPartError
    from training.workspace import Workspace
    from ui.cli.options import data_folder

    if CHROMIUM is None:
        raise MissingPartError("no Chromium is installed: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        found = [
            Workspace.open(data_folder(None), database_url=f"sqlite:///{Path(folder) / name}")
            for name in ("planned.sqlite", "plain.sqlite")
        ]
        with (
            serving(found[0]) as planned,
            serving(found[1], plan_ahead=False) as plain,
            started() as chromium,
        ):
            pages = [opened(chromium, address) for address in (planned, plain)]
            for turn in range(ANSWERS // TURN):
                for page in pages:
                    page.bring_to_front()
                    for answer in range(TURN):
                        press(page, KEYS[(turn + answer) % 2])
            taken = [page.evaluate(TIMES) for page in pages]
        for workspace in found:
            workspace.close()
    seconds, reference = (float(np.percentile(times, 95)) / 1000 for times in taken)
    pictures = sum(len(one.index.items) for one in found[0].galleries.values())
    return Report("session", {"answers": ANSWERS, "pictures": pictures}, seconds, reference, None)


def opened(chromium: Any, address: str) -> Any:
    """A page that shows its first question."""
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    page.get_by_role("button", name="Begin").click()
    page.wait_for_function("document.querySelector('.k-unseen')?.textContent")
    return page


def press(page: Any, key: str) -> None:
    """Looks, answers, and waits until the next question is painted."""
    page.wait_for_timeout(LOOK_MS)
    done = page.evaluate(f"{TIMES}.length")
    page.keyboard.press(key)
    page.wait_for_function(f"{TIMES}.length > {done}")


if __name__ == "__main__":
    main(measure)
