"""What was read of passages, by key, in memory and on disk.

On disk it is an SQLite file: several processes can add to it, and what was cut off in writing is not in it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prefs.errors import ModelError

WAIT_S = 30.0  # for another process that writes
ASKED = 900  # keys in one query; SQLite takes at least 999

Values = NDArray[np.float32]


class ReadCache:
    """Rows of `width` numbers by key. path: the file on disk, or None to keep them in memory only.

    Raises:
        ModelError: a file that is no such cache.
    """

    def __init__(self, path: Path | None, width: int) -> None:
        self.path, self.width = path, width
        self._known: dict[bytes, Values] = {}
        if path is not None:
            self._make_room(path.parent)
            with self._open() as base:
                self._run(
                    base, "CREATE TABLE IF NOT EXISTS reads (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID"
                )

    def __len__(self) -> int:
        return len(self._known)

    def get(self, keys: Sequence[bytes]) -> tuple[Values, NDArray[np.intp]]:
        """(N, width) rows of the keys, and which of them are absent and hold nothing."""
        unknown = [key for key in keys if key not in self._known]
        if unknown and self.path is not None:
            self._load(unknown)
        found = np.empty((len(keys), self.width), np.float32)
        absent = []
        for row, key in enumerate(keys):
            value = self._known.get(key)
            if value is None:
                absent.append(row)
            else:
                found[row] = value
        return found, np.array(absent, np.intp)

    def put(self, keys: Sequence[bytes], values: Values) -> None:
        """Keeps (N, width) rows."""
        rows = [(key, value.astype("<f4")) for key, value in zip(keys, values, strict=True)]
        self._known.update(rows)
        if self.path is not None:
            with self._open() as base:
                stored = [(key, value.tobytes()) for key, value in rows]
                self._many(base, "INSERT OR IGNORE INTO reads VALUES (?, ?)", stored)

    def _load(self, keys: Sequence[bytes]) -> None:
        with self._open() as base:
            for start in range(0, len(keys), ASKED):
                part = keys[start : start + ASKED]
                marks = ",".join("?" * len(part))
                found = self._run(base, f"SELECT key, value FROM reads WHERE key IN ({marks})", part)
                for key, value in found:
                    if len(value) != 4 * self.width:
                        raise self._damaged(f"a row of {len(value)} bytes")
                    self._known[bytes(key)] = np.frombuffer(value, "<f4")

    def _make_room(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise ModelError(
                f"{folder} cannot be made ({problem.strerror}): name another folder for what is read"
            ) from problem

    def _open(self) -> closing[sqlite3.Connection]:
        try:
            return closing(sqlite3.connect(str(self.path), timeout=WAIT_S))
        except sqlite3.Error as problem:
            raise self._damaged(str(problem)) from problem

    def _run(
        self, base: sqlite3.Connection, text: str, values: Sequence[bytes] = ()
    ) -> list[tuple[bytes, bytes]]:
        try:
            with base:
                return base.execute(text, values).fetchall()
        except sqlite3.Error as problem:
            raise self._damaged(str(problem)) from problem

    def _many(self, base: sqlite3.Connection, text: str, rows: Sequence[tuple[bytes, bytes]]) -> None:
        try:
            with base:
                base.executemany(text, rows)
        except sqlite3.Error as problem:
            raise self._damaged(str(problem)) from problem

    def _damaged(self, why: str) -> ModelError:
        return ModelError(f"{self.path} cannot be used ({why}): remove it, it is made again")
