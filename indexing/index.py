"""The index of a gallery: one vector a picture, checked by sha256 before anything is used.

    FOLDER/current              name of the build in use and sha256 of its manifest, replaced in one step
    FOLDER/index-*/             a build: items.npy, vectors.npy, nearest-*.faiss, manifest.json
    FOLDER/parts-*/             vectors of a preparation under way (`prepare`)

A new build is written beside the one in use, which is served until the new one is whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.gallery import Gallery
from indexing.skips import Skips
from prefs.errors import IndexingError
from prefs.files import MANIFEST, read_manifest, sha256, write_bytes

FORMAT = 1
CURRENT = "current"
_BUILD = re.compile(r"index-[0-9a-f]{16}")

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Index:
    """Vectors of the pictures of one gallery, made by one encoder.

    items: ids of the N pictures, sorted. vectors: (N, F) float32, memory-mapped, read-only.
    encoder, blocks: what made them (see `encoders.Encoder`). gallery: identity of the gallery.
    refused: pictures that could not be decoded, with the reason.
    """

    build: Path
    items: tuple[str, ...]
    vectors: Vectors
    encoder: str
    blocks: tuple[tuple[str, int], ...]
    gallery: str
    refused: dict[str, str]

    @classmethod
    def open(cls, folder: Path, encoder: str | None = None) -> Index:
        """The index that is in use in a folder; `encoder` is the name that it must have been made by.

        Raises:
            IndexingError: none there, damaged, of a newer version, or made by another encoder.
        """
        name, digest = _current(folder)
        try:
            return _opened(folder / name, digest, encoder)
        except IndexingError:
            # A preparation may have replaced the build between the two reads.
            name, newer = _current(folder)
            if newer == digest:
                raise
            return _opened(folder / name, newer, encoder)

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each item in `vectors`."""
        return {item: row for row, item in enumerate(self.items)}

    def covers(self, gallery: Gallery) -> bool:
        """Whether every picture of the gallery is here (or refused) and no other."""
        return self.gallery == gallery.identity

    def skips(self, gallery: Gallery) -> Skips:
        """All that is left out of the gallery: at the scan, and since then because it did not decode."""
        skips = gallery.skipped.copy()
        for item, reason in self.refused.items():
            skips.add(reason, gallery.source(item).file if item in gallery else item)
        return skips

    def nearest(self, query: str | Vectors, count: int = 10) -> list[tuple[str, float]]:
        """The pictures most like an item or a vector (F,), nearest first, with their cosine similarity.

        Exact inner products of whole vectors at length one; an item is not its own neighbor.

        Raises:
            IndexingError: an unknown item, or a vector of another size.
        """
        own = query if isinstance(query, str) else None
        if own is not None and own not in self.rows:
            raise IndexingError(f"no picture {own!r} in the index {self.build}: index the gallery again")
        vector = self.vectors[self.rows[query]] if isinstance(query, str) else query
        if vector.shape != (self.vectors.shape[1],):
            raise IndexingError(f"vector of shape {vector.shape}: expected ({self.vectors.shape[1]},)")
        unit = np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)[None]
        wanted = count + (own is not None)
        found: list[tuple[float, int]] = []
        start = 0
        for part in self._searchers:
            scores, rows = part.search(unit, min(wanted, part.ntotal))
            found.extend(
                (-float(score), start + int(row)) for score, row in zip(scores[0], rows[0], strict=True)
            )
            start += part.ntotal
        ranked = [(self.items[row], -score) for score, row in sorted(found)]
        return [(item, score) for item, score in ranked if item != own][:count]

    @cached_property
    def _searchers(self) -> Sequence[Any]:
        import faiss

        files = sorted(self.build.glob("nearest-*.faiss"))
        return [faiss.read_index(str(file), faiss.IO_FLAG_MMAP) for file in files]


def point_to(build: Path) -> None:
    """Puts a whole build into use."""
    write_bytes(build.parent / CURRENT, f"{build.name} {sha256(build / MANIFEST)}\n".encode())


def _current(folder: Path) -> tuple[str, str]:
    """Name and manifest checksum of the build in use."""
    try:
        name, _, digest = (folder / CURRENT).read_text(encoding="ascii").strip().partition(" ")
    except FileNotFoundError as problem:
        raise IndexingError(
            f"{folder} holds no index: run `kallisti index GALLERY --out {folder}`"
        ) from problem
    except (OSError, ValueError) as problem:
        raise IndexingError(f"{folder / CURRENT} cannot be read: index the gallery again") from problem
    if not _BUILD.fullmatch(name):
        raise IndexingError(f"{folder / CURRENT} is damaged: index the gallery again")
    return name, digest


def _opened(build: Path, digest: str, encoder: str | None) -> Index:
    if not (build / MANIFEST).is_file() or sha256(build / MANIFEST) != digest:
        raise IndexingError(f"{build / MANIFEST} is missing or damaged: index the gallery again")
    manifest = read_manifest(build, IndexingError)
    try:
        version, name = int(manifest["format"]), str(manifest["encoder"])
        blocks = tuple((str(block), int(size)) for block, size in manifest["blocks"])
        gallery, refused = str(manifest["gallery"]), dict(manifest["refused"])
        listed = {"items.npy", "vectors.npy"} <= manifest["files"].keys()
    except (KeyError, TypeError, ValueError) as problem:
        raise IndexingError(f"{build}: the manifest lacks {problem}: index the gallery again") from problem
    if version > FORMAT:
        raise IndexingError(
            f"index {build} has format {version}, this program knows {FORMAT}: update Kallisti"
        )
    if encoder is not None and name != encoder:
        raise IndexingError(
            f"index {build} was made by encoder {name!r} and not by {encoder!r}: "
            "index the gallery again with that encoder (vectors of two encoders do not mix)"
        )
    if not listed:
        raise IndexingError(f"{build}: the manifest does not list the vectors: index the gallery again")
    try:
        items = tuple(np.load(build / "items.npy", allow_pickle=False).astype(str).tolist())
        vectors = np.load(build / "vectors.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise IndexingError(f"{build} cannot be read ({problem}): index the gallery again") from problem
    if vectors.dtype != np.float32 or vectors.shape != (len(items), sum(size for _, size in blocks)):
        raise IndexingError(f"{build}: vectors {vectors.shape} do not fit {len(items)} items: index again")
    return Index(build, items, vectors, name, blocks, gallery, refused)
