"""Work that is split into numbered parts, each written once, so that it can be cut off and go on.

The parts of FILE lie in `FILE.parts/` beside it until all of them are there; then they become FILE.
A description of the work lies with them, and only the same work goes on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from prefs.errors import ConfigError, DataError
from prefs.files import replacing, write_json
from prefs.space import Floats

ABOUT = "work.json"


def folder_of(out: Path) -> Path:
    """Where the parts of a file, or of a folder of files, lie."""
    return out.with_name(out.name + ".parts")


class Parts:
    """The parts of a file; about: what the work is, as JSON values.

    Raises:
        ConfigError: parts of other work lie there, or parts at all where `resume` is not wanted, or what
            they are of cannot be read.
    """

    def __init__(self, out: Path, about: Mapping[str, Any], resume: bool) -> None:
        self.out, self.folder = out, folder_of(out)
        path = self.folder / ABOUT
        if path.is_file():
            if not resume:
                raise ConfigError(f"{self.folder} holds work that was cut off: add --resume, or remove it")
            there, wanted = _read(path), json.loads(json.dumps(about))
            for name, value in wanted.items():
                if there.get(name) != value:
                    raise ConfigError(
                        f"{self.folder} holds parts of other work, {name} {there.get(name)!r}, "
                        f"not {value!r}: ask for the same, or remove the folder"
                    )
        else:
            write_json(path, about)

    def path(self, number: int) -> Path:
        """Where a part is written, whole or not at all."""
        return self.folder / f"{number:08d}"

    def missing(self, count: int) -> list[int]:
        """Numbers of the parts that are still to be made."""
        return [number for number in range(count) if not self.path(number).is_file()]

    def save(self, name: str, values: Floats) -> None:
        """Keeps an array beside the parts."""
        with replacing(self.folder / f"{name}.npy") as stream:
            np.save(stream, values, allow_pickle=False)

    def load(self, name: str) -> Floats | None:
        """The array that was kept, or None."""
        path = self.folder / f"{name}.npy"
        return np.load(path, allow_pickle=False) if path.is_file() else None

    def join(self, count: int) -> None:
        """Makes the file of its parts, in order, and removes them.

        Raises:
            DataError: a part is missing.
        """
        absent = self.missing(count)
        if absent:
            raise DataError(f"{self.folder} lacks part {absent[0]} of {count}: add --resume")
        with replacing(self.out) as stream:
            for number in range(count):
                with self.path(number).open("rb") as part:
                    shutil.copyfileobj(part, stream)
        shutil.rmtree(self.folder)


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as problem:
        raise ConfigError(f"{path} cannot be read ({problem}): remove {path.parent}") from problem
