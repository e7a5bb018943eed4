"""The gallery that Kallisti draws itself: a plain folder of pictures and `gallery.json`.

Every start asks whether it is drawn; the painters are imported only to draw.
"""

from __future__ import annotations

import io
import json
import logging
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from prefs.errors import GalleryError
from prefs.files import write_bytes, write_json

log = logging.getLogger(__name__)

VERSION = 1
TITLE = "Drawn by Kallisti"
LICENSE = (
    "CC0-1.0: these pictures are drawn by the Kallisti program and dedicated to the public domain; "
    "use them for anything, without asking."
)
_DRAWING = "drawing.json"
_DONE = "gallery.json"
_NOTE_EVERY = 32


def draw(out: Path, progress: Callable[[int, int], None] | None = None, workers: int | None = None) -> None:
    """Draws the whole gallery into a folder; a second call finishes what a first one left.

    A finished folder of this version is left alone and one of another version is drawn anew.

    Args:
        out: the folder; `FAMILY-NN.jpg` and, last of all, `gallery.json` are written into it.
        progress: called with (pictures done, pictures in all).
        workers: processes; by default one a core.

    Raises:
        GalleryError: the folder cannot be written, or a process was ended from outside.
    """
    done = _read(out / _DONE)
    if done.get("version") == VERSION and all((out / name).is_file() for name in _names(done)):
        return
    from indexing.embedded import families

    jobs = [(family, index) for family in families.FAMILIES for index in range(families.EACH)]
    try:
        _forget(out, set(_names(done)) - {_name(*job) for job in jobs})
        pictures = _draw_missing(out, jobs, progress, workers)
        rows = [{"file": _name(*job), **pictures[_name(*job)]} for job in jobs]
        write_json(out / _DONE, {"version": VERSION, "title": TITLE, "license": LICENSE, "pictures": rows})
        (out / _DRAWING).unlink(missing_ok=True)
    except (OSError, BrokenExecutor) as problem:
        raise GalleryError(
            f"the gallery cannot be drawn into {out} ({problem}): mend that and start again"
        ) from problem


def _forget(out: Path, names: set[str]) -> None:
    """Takes back `gallery.json`, and pictures that it lists and this version no longer draws."""
    for name in names:
        if (out / name).parent == out:
            (out / name).unlink(missing_ok=True)
    (out / _DONE).unlink(missing_ok=True)


def _draw_missing(
    out: Path, jobs: list[tuple[str, int]], progress: Callable[[int, int], None] | None, workers: int | None
) -> dict[str, dict[str, Any]]:
    """Draws what `drawing.json` does not list yet and keeps that list; returns attributes by file name."""
    begun = _read(out / _DRAWING)
    pictures = dict(begun.get("pictures", {})) if begun.get("version") == VERSION else {}
    todo = [job for job in jobs if _name(*job) not in pictures or not (out / _name(*job)).is_file()]
    for at, (name, attributes) in enumerate(_drawn(out, todo, workers), start=1):
        pictures[name] = attributes
        if at % _NOTE_EVERY == 0:
            write_json(out / _DRAWING, {"version": VERSION, "pictures": pictures})
        if progress is not None:
            progress(len(jobs) - len(todo) + at, len(jobs))
    return pictures


def _drawn(
    out: Path, jobs: list[tuple[str, int]], workers: int | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Draws and writes pictures, in this process or in several; yields each name with its attributes."""
    count = min(workers or os.cpu_count() or 1, len(jobs))
    if count <= 1:
        for job in jobs:
            yield _draw_file(out, *job)
        return
    # Fresh interpreters: a fork of a process with threads (a web server, torch) may hang.
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(_draw_file, out, *job) for job in jobs]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _draw_file(out: Path, family: str, index: int) -> tuple[str, dict[str, Any]]:
    from indexing.embedded import families

    picture, attributes = families.draw_one(family, index)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=92, subsampling=0)
    write_bytes(out / _name(family, index), data.getvalue())
    return _name(family, index), attributes


def _name(family: str, index: int) -> str:
    return f"{family}-{index:02d}.jpg"


def _names(done: dict[str, Any]) -> list[str]:
    """The files that a finished gallery lists."""
    return [row["file"] for row in done.get("pictures", [])]


def _read(path: Path) -> dict[str, Any]:
    """What `draw` wrote into a file; empty where there is none, and with a warning where it is damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value["version"], int):
            raise TypeError("its version is no number")
        return dict(value)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError) as problem:
        log.warning("%s is damaged (%s): what it lists is drawn anew", path, problem)
        return {}
