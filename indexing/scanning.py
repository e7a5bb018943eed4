"""Walks a gallery's folder: which files hold which pictures, with a memory of what has been read."""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple
from pathlib import Path

from indexing import shards
from indexing.decode import MAX_BYTES, Refused
from indexing.sources import (
    OTHER_FORMAT,
    OTHER_SUFFIXES,
    SUFFIXES,
    Picture,
    Scan,
    checked_item,
    refused_reason,
)
from prefs.files import write_json

Progress = Callable[[str, int, int], None]

LINK_OUT = "link out of the folder"
_CACHE_VERSION = 1

log = logging.getLogger(__name__)


def _files(root: Path, lost: list[tuple[str, str]]) -> Iterator[str]:
    """Relative paths, with "/", of everything in the folder that may hold pictures, in a fixed order.

    Links are followed to files inside the folder only. (reason, path) of the other links and of
    folders that cannot be read is appended to `lost`.
    """

    def unread(problem: OSError) -> None:
        lost.append((refused_reason(problem), _relative(root, Path(problem.filename))))

    def leaves(path: Path) -> bool:
        out = path.is_symlink() and not path.resolve().is_relative_to(root)
        if out:
            lost.append((LINK_OUT, _relative(root, path)))
        return out

    for folder, folders, names in os.walk(root, onerror=unread):
        here = Path(folder)
        folders[:] = [
            name for name in sorted(folders) if not name.startswith(".") and not leaves(here / name)
        ]
        for name in sorted(names):
            suffix = _suffix(name)
            wanted = suffix in SUFFIXES | OTHER_SUFFIXES or (suffix == "tar" and here == root)
            if wanted and not name.startswith(".") and not leaves(here / name):
                yield _relative(root, here / name)


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _suffix(name: str) -> str:
    return Path(name).suffix[1:].lower()


def scan_folder(root: Path, cache: Path | None, progress: Progress | None) -> dict[str, Scan]:
    """What is in each file, by its relative path; unchanged files are taken from the cache.

    What is lost on the way (links that leave the folder, unreadable folders) is listed under "".
    """
    lost: list[tuple[str, str]] = []
    names = list(_files(root, lost))
    known = _cached(cache)
    scans: dict[str, Scan] = {}
    stamps: dict[str, tuple[int, int]] = {}
    for number, name in enumerate(names, start=1):
        try:
            status = (root / name).stat()
            stamps[name] = (status.st_size, status.st_mtime_ns)
            old = known.get(name)
            scans[name] = old[1] if old and old[0] == stamps[name] else _look(root, name, status)
        except OSError as problem:
            scans[name] = Scan(skipped=[(refused_reason(problem), name, name)], total=1)
            stamps.pop(name, None)
        if progress is not None and (number % 100 == 0 or number == len(names)):
            progress("scan", number, len(names))
    if cache is not None and stamps != {name: stamp for name, (stamp, _) in known.items()}:
        _remember(cache, stamps, scans)
    scans[""] = Scan(skipped=[(reason, name, name) for reason, name in lost], total=len(lost))
    return scans


def _look(root: Path, name: str, status: os.stat_result) -> Scan:
    suffix = _suffix(name)
    if suffix == "tar" and stat.S_ISREG(status.st_mode):
        return shards.scan(root / name, name)
    reason = _at_sight(suffix, status)
    if not reason:
        try:
            item = checked_item((root / name).read_bytes())
            topic = name.split("/")[0] if "/" in name else ""
            return Scan([Picture(item, name, 0, status.st_size, name, "", topic)], total=1)
        except Refused as problem:
            reason = refused_reason(problem)
    return Scan(skipped=[(reason, name, name)], total=1)


def _at_sight(suffix: str, status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "not a plain file"
    if suffix in OTHER_SUFFIXES:
        return OTHER_FORMAT
    return "over 64 MiB" if status.st_size > MAX_BYTES else ""


def _cached(cache: Path | None) -> dict[str, tuple[tuple[int, int], Scan]]:
    """(size, mtime) and scan of each file as they were; empty where the cache is absent or unreadable."""
    if cache is None or not cache.is_file():
        return {}
    try:
        value = json.loads(cache.read_bytes())
        if value["version"] != _CACHE_VERSION:
            return {}
        return {
            name: (
                (int(size), int(changed)),
                Scan(
                    [Picture(*row) for row in rows], [(why, which, key) for why, which, key in skipped], total
                ),
            )
            for name, (size, changed, rows, skipped, total) in value["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        log.warning("%s cannot be read (%s): all files are looked at again", cache, problem)
        return {}


def _remember(cache: Path, stamps: Mapping[str, tuple[int, int]], scans: Mapping[str, Scan]) -> None:
    files = {
        name: (*stamp, [astuple(row) for row in scans[name].pictures], scans[name].skipped, scans[name].total)
        for name, stamp in stamps.items()
    }
    write_json(cache, {"version": _CACHE_VERSION, "files": files})
