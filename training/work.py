"""Fits that can be cut off at any moment and go on to the same result: what is done stays on disk."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefs.errors import ModelError
from prefs.files import write_json
from training.fit import Fit, Progress

CHECKPOINT_S = 4.0  # seconds of work that a cut may cost


class Work:
    """Where finished trials and the state of the running fit are kept; without a folder nowhere."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def under(self, name: str) -> Work:
        """The work on a part, kept apart from the others."""
        return Work(self._folder / name if self._folder else None)

    def known(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The JSON object of a name: made now and kept, or what was kept before.

        Raises:
            ModelError: what was kept cannot be read.
        """
        if self._folder is None:
            return make()
        path = self._folder / f"{name}.json"
        if not path.is_file():
            found = make()
            write_json(path, found)
            self._state(name).unlink(missing_ok=True)
            return found
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as problem:
            raise ModelError(f"{path} cannot be read ({problem}): remove it") from problem

    def run(self, fit: Fit, name: str, progress: Progress | None = None) -> None:
        """Runs a fit to its end from where it was cut off, keeping its state every few seconds.

        Raises:
            ModelError: the state that was kept is damaged, or of another fit.
        """
        if self._folder is None:
            fit.run(progress)
            return
        path = self._state(name)
        if path.is_file():
            fit.resume(path)
        saved = time.monotonic()

        def stepped(done: int, total: int) -> None:
            nonlocal saved
            if progress:
                progress(done, total)
            if done == total or time.monotonic() - saved > CHECKPOINT_S:
                fit.save(path)
                saved = time.monotonic()

        fit.run(stepped)

    def _state(self, name: str) -> Path:
        return (self._folder or Path()) / f"{name}.state"
