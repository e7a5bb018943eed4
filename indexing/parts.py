"""Finished parts of a preparation under way, and the whole index that they are merged into."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indexing.gallery import Gallery
from indexing.index import FORMAT, Index, Vectors, point_to
from prefs.errors import GalleryError
from prefs.files import replacing, write_bytes, write_manifest

if TYPE_CHECKING:
    from indexing.encoders.protocol import Encoder

# Rows that are copied at a time, and pictures a file of the neighbor search holds: bounds the memory.
_ROWS = 4096

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """Some pictures: items with their vectors, and item: reason of those that were refused."""

    items: list[str]
    vectors: Vectors
    refused: dict[str, str]


class Parts:
    """The finished parts of one encoder's vectors, each a whole file in one folder."""

    def __init__(self, out: Path, encoder: Encoder) -> None:
        self.folder = out / f"parts-{_digest(encoder.name)}"
        self.size = encoder.size
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, part: Part) -> None:
        """Writes one part, durable when this returns."""
        name = _digest(*part.items, *part.refused)
        with replacing(self.folder / f"{name}.npz") as stream:
            np.savez(
                stream,
                items=np.array(part.items, dtype=np.str_),
                vectors=part.vectors,
                refused=np.array(list(part.refused), dtype=np.str_),
                reasons=np.array(list(part.refused.values()), dtype=np.str_),
            )

    def __iter__(self) -> Iterator[Part]:
        """Yields each part; one that is damaged is removed, so that its pictures are embedded again."""
        for path in sorted(self.folder.glob("*.npz")):
            try:
                yield self._read(path)
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as problem:
                log.warning("part %s is damaged (%s): its pictures are embedded again", path, problem)
                path.unlink(missing_ok=True)

    def _read(self, path: Path) -> Part:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            items, vectors = arrays["items"].tolist(), arrays["vectors"]
            refused = dict(zip(arrays["refused"].tolist(), arrays["reasons"].tolist(), strict=True))
        if vectors.shape != (len(items), self.size) or vectors.dtype != np.float32:
            raise ValueError(f"vectors of shape {vectors.shape}")
        return Part(items, vectors, refused)


def publish(gallery: Gallery, out: Path, encoder: Encoder, parts: Parts, old: Index | None) -> None:
    """Merges the parts and what the old index still has into a new build, and puts it into use.

    Raises:
        GalleryError: fewer than two pictures could be decoded.
    """
    refused = dict(old.refused) if old else {}
    there = set(old.items) if old else set()
    for part in parts:
        refused.update(part.refused)
        there.update(part.items)
    refused = {item: refused[item] for item in gallery.items() if item in refused}
    items = [item for item in gallery.items() if item in there]
    if len(items) < 2:
        reasons = ", ".join(sorted(set(refused.values())))
        raise GalleryError(
            f"{gallery.root}: {len(items)} of {len(gallery)} pictures can be decoded, "
            f"at least two are needed ({reasons})"
        )
    name = f"index-{_digest(encoder.name, gallery.identity, str(FORMAT))}"
    beside = Path(tempfile.mkdtemp(prefix=".build-", dir=out))
    try:
        _write_items(beside, items)
        _write_vectors(beside, items, encoder.size, _rows(parts, old))
        _write_search(beside, encoder.size)
        about = {
            "format": FORMAT,
            "encoder": encoder.name,
            "blocks": encoder.blocks,
            "gallery": gallery.identity,
            "refused": refused,
        }
        write_manifest(beside, about)
        # A build of this name is a damaged one, or one that was never put into use.
        shutil.rmtree(out / name, ignore_errors=True)
        beside.rename(out / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    point_to(out / name)
    _tidy(out, name)


def _rows(parts: Parts, old: Index | None) -> Iterator[tuple[list[str], Vectors]]:
    if old is not None:
        for start in range(0, len(old), _ROWS):
            yield list(old.items[start : start + _ROWS]), old.vectors[start : start + _ROWS]
    for part in parts:
        yield part.items, part.vectors


def _write_items(folder: Path, items: list[str]) -> None:
    with replacing(folder / "items.npy") as stream:
        np.save(stream, np.array(items, dtype=np.bytes_))


def _write_vectors(
    folder: Path, items: list[str], size: int, rows: Iterable[tuple[list[str], Vectors]]
) -> None:
    """Writes each row at its place; a memory map would keep all of them in memory."""
    place = {item: row for row, item in enumerate(items)}
    header = {"descr": "<f4", "fortran_order": False, "shape": (len(items), size)}
    with replacing(folder / "vectors.npy") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        start = stream.tell()
        for names, values in rows:
            for name, value in zip(names, values, strict=True):
                if name in place:
                    stream.seek(start + place[name] * size * 4)
                    stream.write(value.astype("<f4").tobytes())


def _write_search(folder: Path, size: int) -> None:
    import faiss

    with (folder / "vectors.npy").open("rb") as stream:
        np.lib.format.read_magic(stream)
        np.lib.format.read_array_header_1_0(stream)
        for number in count():
            rows = np.fromfile(stream, "<f4", _ROWS * size).reshape(-1, size).astype(np.float32, copy=False)
            if not len(rows):
                return
            faiss.normalize_L2(rows)
            search: Any = faiss.IndexFlatIP(size)
            search.add(rows)
            write_bytes(folder / f"nearest-{number:05d}.faiss", faiss.serialize_index(search).tobytes())


def _tidy(out: Path, build: str) -> None:
    """Removes what the build in use has replaced; a file that is still open elsewhere may stay."""
    for pattern in ("index-*", "parts-*", ".build-*"):
        for folder in out.glob(pattern):
            if folder.name != build:
                shutil.rmtree(folder, ignore_errors=True)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
