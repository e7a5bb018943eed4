"""A gallery: pictures to ask about, in a plain folder or in WebDataset shards.

A picture's id is made of its content, so a moved or renamed picture keeps its answers, and the same
picture twice is one item. Pictures are never copied: they are read where they lie.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from indexing.decode import decode
from indexing.scanning import Progress, scan_folder
from indexing.skips import Skips
from indexing.sources import Picture, Scan, described, read
from prefs.errors import GalleryError

# Above this share of skipped pictures a set of shards is taken to be damaged.
MAX_SKIP_SHARE = 0.001
_ABOUT, _TABLE = "gallery.json", "images.parquet"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


class Gallery:
    """The pictures of one folder, in the order of their ids.

    root: the folder. name: its last part. title: what to call it on screen. skipped: what is not
    used and why. duplicates: how many files hold a picture that another one holds too.
    """

    def __init__(self, root: Path, pictures: Iterable[Picture], skipped: Skips, title: str = "") -> None:
        self.root = root
        self.name = root.name
        self.title = title or root.name
        self.skipped = skipped
        self.duplicates = 0
        self._keys: dict[str, str] = {}
        found: dict[str, Picture] = {}
        for picture in pictures:
            self._keys.setdefault(picture.key, picture.item)
            self.duplicates += picture.item in found
            found.setdefault(picture.item, picture)
        self._pictures = {item: found[item] for item in sorted(found)}

    @classmethod
    def open(cls, path: Path | str, cache: Path | None = None, progress: Progress | None = None) -> Gallery:
        """The gallery in a folder: every picture below it, and those in the `*.tar` shards in it.

        cache: a file that remembers what was found, so that only new and changed files are read again.
        progress: called with ("scan", files done, files in all).

        Raises:
            GalleryError: no such folder, no permission, or fewer than two usable pictures.
        """
        root = _folder(path)
        scans = scan_folder(root, cache, progress)
        about = _about(root)
        table = _table(root)
        skipped = Skips(sum(scan.total for scan in scans.values()))
        for reason, name, _ in (skip for scan in scans.values() for skip in scan.skipped):
            skipped.add(reason, name)
        for name in _missing(table, scans):
            skipped.total += 1
            skipped.add("missing from the shards", name)
        found = (picture for scan in scans.values() for picture in scan.pictures)
        rows = (_completed(picture, about["pictures"], table) for picture in found)
        gallery = cls(root, rows, skipped, about["title"])
        if len(gallery) < 2:
            count = "no usable picture" if not len(gallery) else "only one usable picture"
            raise GalleryError(
                f"{root} holds {count}: at least two JPEG, PNG or WebP pictures are needed"
                + (f" ({skipped.report()})" if skipped.reasons else "")
            )
        return gallery

    def __len__(self) -> int:
        return len(self._pictures)

    def __contains__(self, item: object) -> bool:
        return item in self._pictures

    def items(self) -> tuple[str, ...]:
        """Ids of all pictures, sorted."""
        return tuple(self._pictures)

    def source(self, item: str) -> Picture:
        """Where a picture is and what is known about it; raises GalleryError for an unknown id."""
        try:
            return self._pictures[item]
        except KeyError as problem:
            raise GalleryError(f"no picture {item!r} in gallery {self.name!r}: index it again") from problem

    def picture(self, item: str, side: int | None = None) -> Image.Image:
        """A picture as safe RGB (see `decode`), its longer side at most `side` pixels.

        Raises:
            GalleryError: unknown, gone, changed since the scan, or refused (`Refused`).
        """
        return decode(read(self.root, self.source(item)), side)

    def alt(self, item: str) -> str:
        """A description for people who cannot see the picture; never its file name, which may reveal."""
        return self.source(item).alt or f"picture {self._numbers[item]}"

    def topic(self, item: str) -> str:
        """The group of a picture: its family or category, else the folder that it is in, else ""."""
        return self.source(item).topic

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """All topics that pictures have, sorted."""
        return tuple(sorted({picture.topic for picture in self._pictures.values()} - {""}))

    def by_key(self, key: str) -> str:
        """The id of a picture by the name that its data set uses: `image_id`, shard key or relative path.

        Raises:
            GalleryError: no such key.
        """
        try:
            return self._keys[key]
        except KeyError as problem:
            raise GalleryError(f"no picture is known as {key!r} in gallery {self.name!r}") from problem

    @cached_property
    def identity(self) -> str:
        """sha256 over all ids: two galleries of the same pictures have the same."""
        return hashlib.sha256("\n".join(self._pictures).encode()).hexdigest()

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {item: number for number, item in enumerate(self._pictures, start=1)}

    @property
    def in_shards(self) -> bool:
        """Whether any picture lies in a shard; then more than MAX_SKIP_SHARE skipped means damage."""
        return any(picture.file.endswith(".tar") for picture in self._pictures.values())


def _folder(path: Path | str) -> Path:
    text = str(path)
    if _SCHEME.match(text):
        raise GalleryError(f"gallery {text!r} is an address: only folders on this machine are read")
    folder = Path(path).expanduser()
    try:
        mode = folder.stat().st_mode
        if stat.S_ISDIR(mode):
            os.scandir(folder).close()
            return folder.resolve()
    except PermissionError as problem:
        raise GalleryError(
            f"gallery {text!r}: no permission to read it; allow it or name another folder"
        ) from problem
    except (OSError, ValueError) as problem:
        raise GalleryError(
            f"gallery {text!r} does not exist: name a folder of pictures or of shards"
        ) from problem
    raise GalleryError(f"gallery {text!r} is a file: name the folder that it is in")


def _about(root: Path) -> dict[str, Any]:
    """Title, and alt and topic by file, out of `gallery.json`; a file that says something else is ignored."""
    try:
        about = json.loads((root / _ABOUT).read_bytes())
        pictures = {str(row["file"]): described(row) for row in about["pictures"]}
        return {"title": str(about.get("title", "")), "pictures": pictures}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {"title": "", "pictures": {}}


def _table(root: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of `images.parquet` by (shard, key); empty where there is none."""
    if not (root / _TABLE).is_file():
        return {}
    import pyarrow as arrow
    from pyarrow import parquet

    wanted = ("image_id", "shard", "key", "alt", "caption", "title", "topic", "family", "category")
    try:
        file = parquet.ParquetFile(root / _TABLE)
        columns = [name for name in file.schema_arrow.names if name in wanted]
        rows = file.read(columns=columns).to_pylist()
        return {(str(row["shard"]), str(row["key"])): row for row in rows}
    except (OSError, KeyError, arrow.ArrowException) as problem:
        raise GalleryError(f"{root / _TABLE} cannot be read ({problem}): mend or remove it") from problem


def _missing(table: Mapping[tuple[str, str], object], scans: Mapping[str, Scan]) -> Iterator[str]:
    """Pictures that `images.parquet` lists and no shard holds."""
    there = {(file, picture.key) for file, scan in scans.items() for picture in scan.pictures}
    there |= {(file, key) for file, scan in scans.items() for _, _, key in scan.skipped}
    return (f"{shard}/{key}" for shard, key in table if (shard, key) not in there)


def _completed(
    picture: Picture, about: Mapping[str, dict[str, str]], table: Mapping[tuple[str, str], dict[str, Any]]
) -> Picture:
    """The picture with what the folder's own files say about it."""
    row = table.get((picture.file, picture.key), {})
    known = described(row) if row else about.get(picture.file, {})
    return replace(
        picture,
        key=str(row.get("image_id") or picture.key),
        alt=known.get("alt") or picture.alt,
        topic=known.get("topic") or picture.topic,
    )
