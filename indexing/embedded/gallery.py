"""The gallery that Kallisti draws itself: a plain folder of pictures and `gallery.json`."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from indexing.embedded import (
    agates,
    attractors,
    botanical,
    color_fields,
    compositions,
    cutouts,
    flow,
    landscapes,
    letters,
    marbling,
    nebulae,
    op_art,
    stars,
    still_lifes,
    textiles,
    tilings,
    watercolors,
)
from indexing.embedded.color import oklab, to_linear
from indexing.embedded.painting import COMPLEXITIES, Brief, Family
from indexing.embedded.palettes import PALETTES
from indexing.embedded.surface import finish
from prefs.errors import GalleryError
from prefs.files import write_bytes, write_json

VERSION = 1
EACH = 40
TITLE = "Drawn by Kallisti"
LICENSE = (
    "CC0-1.0: these pictures are drawn by the Kallisti program and dedicated to the public domain; "
    "use them for anything, without asking."
)
FAMILIES: dict[str, Family] = {
    "flow": Family(flow.paint),
    "landscapes": Family(landscapes.paint),
    "color_fields": Family(color_fields.paint),
    "attractors": Family(attractors.paint),
    "botanical": Family(botanical.paint),
    "compositions": Family(compositions.paint),
    "marbling": Family(marbling.paint),
    "agates": Family(agates.paint),
    "nebulae": Family(nebulae.paint, nebulae.PALETTES),
    "tilings": Family(tilings.paint),
    "stars": Family(stars.paint),
    "letters": Family(letters.paint),
    "still_lifes": Family(still_lifes.paint),
    "cutouts": Family(cutouts.paint),
    "op_art": Family(op_art.paint),
    "watercolors": Family(watercolors.paint),
    "textiles": Family(textiles.paint),
}

_DRAWING = "drawing.json"
_DONE = "gallery.json"
_NOTE_EVERY = 32


def draw_one(family: str, index: int) -> tuple[Image.Image, dict[str, Any]]:
    """Draws one picture of the gallery.

    Args:
        family: a name in FAMILIES.
        index: 0 to EACH - 1; the same index is the same picture everywhere.

    Returns:
        a 512 x 512 RGB picture and its attributes: family, index, palette, warmth (OKLab b and a
        toward orange, about -0.1 to 0.1), lightness (mean OKLab L, 0 to 1), chroma, complexity,
        symmetry, edges and alt.

    Raises:
        GalleryError: no such family or index.
    """
    if family not in FAMILIES or not 0 <= index < EACH:
        raise GalleryError(
            f"no picture {family!r} {index}: families are {', '.join(FAMILIES)}, index 0 to {EACH - 1}"
        )
    brief = _brief(family, index)
    painting = FAMILIES[family].paint(brief)
    picture = finish(painting.light, brief.rng, painting.grain)
    small = np.asarray(picture.resize((64, 64), Image.Resampling.BOX), dtype=np.float32) / 255
    light, green_red, blue_yellow = oklab(to_linear(small)).reshape(-1, 3).T
    attributes = {
        "family": family,
        "index": index,
        "palette": brief.palette.name,
        "warmth": round(float((blue_yellow + 0.5 * green_red).mean()), 4),
        "lightness": round(float(light.mean()), 4),
        "chroma": round(float(np.hypot(green_red, blue_yellow).mean()), 4),
        "complexity": COMPLEXITIES[brief.complexity],
        "symmetry": painting.symmetry,
        "edges": painting.edges,
        "alt": painting.alt,
    }
    return picture, attributes


def _brief(family: str, index: int) -> Brief:
    """Deals palette, complexity and variant so that a family shows each about equally often."""
    key = zlib.crc32(family.encode())
    names = FAMILIES[family].palettes or tuple(PALETTES)
    order = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))
    deal, turn = order.permutation(EACH), order.permutation(len(names))
    return Brief(
        rng=np.random.Generator(np.random.PCG64(np.random.SeedSequence([key, index]))),
        palette=PALETTES[names[turn[index % len(names)]]],
        complexity=(index + index // len(names)) % len(COMPLEXITIES),
        deal=int(deal[index]),
    )


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
    jobs = [(family, index) for family in FAMILIES for index in range(EACH)]
    whole = all((out / _name(*job)).is_file() for job in jobs)
    if whole and _read(out / _DONE).get("version") == VERSION:
        return
    try:
        _forget(out, {_name(*job) for job in jobs})
        pictures = _draw_missing(out, jobs, progress, workers)
        rows = [{"file": _name(*job), **pictures[_name(*job)]} for job in jobs]
        write_json(out / _DONE, {"version": VERSION, "title": TITLE, "license": LICENSE, "pictures": rows})
        (out / _DRAWING).unlink(missing_ok=True)
    except (OSError, BrokenExecutor) as problem:
        raise GalleryError(
            f"the gallery cannot be drawn into {out} ({problem}): mend that and start again"
        ) from problem


def _forget(out: Path, names: set[str]) -> None:
    """Takes back `gallery.json`, and the pictures that it lists and this version no longer draws."""
    for row in _read(out / _DONE).get("pictures", []):
        if row["file"] not in names and (out / row["file"]).parent == out:
            (out / row["file"]).unlink(missing_ok=True)
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
    picture, attributes = draw_one(family, index)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=92, subsampling=0)
    write_bytes(out / _name(family, index), data.getvalue())
    return _name(family, index), attributes


def _name(family: str, index: int) -> str:
    return f"{family}-{index:02d}.jpg"


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in a file, empty where there is none that can be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
