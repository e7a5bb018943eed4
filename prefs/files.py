"""Files that are whole or absent, and folders that prove it.

A file is written beside its place, flushed to disk and renamed. A folder gets a `manifest.json`
with the sha256 of every file, written last; readers accept only what the manifest lists.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from prefs.errors import KallistiError

MANIFEST = "manifest.json"


def sync_folder(folder: Path) -> None:
    """Makes renames in the folder durable (a no-op where folders cannot be opened)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Opens a binary file that takes the place of `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file that is either whole or absent, durable when this returns."""
    with replacing(path) as stream:
        stream.write(data)


def write_json(path: Path, value: Any) -> None:
    """Writes a value as JSON (UTF-8, no NaN), whole or absent."""
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    write_bytes(path, text.encode() + b"\n")


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(folder: Path, about: Mapping[str, Any]) -> None:
    """Writes `manifest.json` over all files below the folder; call it after all of them."""
    files = {
        str(path.relative_to(folder).as_posix()): {"sha256": sha256(path), "bytes": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST and not path.name.endswith(".part")
    }
    write_json(folder / MANIFEST, {**about, "files": files})


def read_manifest(folder: Path, error: Callable[[str], KallistiError]) -> dict[str, Any]:
    """Returns the manifest of a folder after checking every file that it lists.

    Raises:
        the given error: no manifest, or a file is missing or differs from its checksum.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        listed = {name: (entry["sha256"], entry["bytes"]) for name, entry in manifest["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise error(f"{path} cannot be read ({problem}): make the folder anew") from problem
    for name, (digest, size) in listed.items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != size or sha256(file) != digest:
            raise error(f"{file} is missing or damaged (checksum differs): make {folder} anew")
    return dict(manifest)
