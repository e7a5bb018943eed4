"""Runs a command of `kallisti` in this process, as the installed script would."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Run = Callable[..., "Done"]


@dataclass(frozen=True)
class Done:
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def answered(run: Run, folder: Path, count: int) -> None:
    """Lets the local person prefer the left picture so many times."""
    found = run("interview", "--gallery", folder, "--questions", count, "--json", input="1\n" * count)
    assert found.code == 0, found.err
    assert found.json["answers"] == count
