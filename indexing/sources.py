"""Where a picture's bytes are, and what is known about it: the rows that galleries are made of."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexing.decode import Refused, inspect
from indexing.skips import printable
from prefs.errors import GalleryError

SUFFIXES = frozenset({"jpg", "jpeg", "jpe", "jfif", "png", "webp"})
# Pictures of formats that are not read are counted as skipped; other files are no pictures at all.
OTHER_SUFFIXES = frozenset(
    {
        "gif",
        "bmp",
        "tif",
        "tiff",
        "heic",
        "heif",
        "avif",
        "jxl",
        "jp2",
        "svg",
        "eps",
        "psd",
        "dng",
        "cr2",
        "nef",
    }
)
OTHER_FORMAT = "not JPEG, PNG or WebP"
_LONGEST_ALT = 300


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it lies in a gallery.

    item: its id, made of its content. file: path relative to the gallery's folder, with "/".
    offset, size: where its bytes are in that file. key: the name that data sets know it by.
    alt: a description, or "". topic: a group that a person can choose, or "".
    """

    item: str
    file: str
    offset: int
    size: int
    key: str
    alt: str = ""
    topic: str = ""


@dataclass(slots=True)
class Scan:
    """What was found in one file: pictures, (reason, name, key) of what is skipped, and how many in all."""

    pictures: list[Picture] = field(default_factory=list)
    skipped: list[tuple[str, str, str]] = field(default_factory=list)
    total: int = 0


def item_id(data: bytes) -> str:
    """16 characters that name this content on every machine: the first 80 bits of its sha256, in base32."""
    return b32encode(hashlib.sha256(data).digest()[:10]).decode("ascii").lower()


def checked_item(data: bytes) -> str:
    """The id of a picture whose header is acceptable; raises Refused for any other."""
    inspect(data)
    return item_id(data)


def read(root: Path, picture: Picture) -> bytes:
    """The bytes of a picture.

    Raises:
        GalleryError: the file is gone, cannot be read or holds something else by now.
    """
    path = root / picture.file
    try:
        with path.open("rb") as stream:
            stream.seek(picture.offset)
            data = stream.read(picture.size)
    except OSError as problem:
        raise GalleryError(
            f"{path} cannot be read ({problem.strerror}): index the gallery again"
        ) from problem
    if item_id(data) != picture.item:
        raise GalleryError(f"{path} has changed since it was indexed: index the gallery again")
    return data


def described(about: Mapping[str, Any]) -> dict[str, str]:
    """alt and topic out of what a data set says about a picture (caption, title, category and such)."""
    found = {}
    for name, columns in (("alt", ("alt", "caption", "title")), ("topic", ("topic", "family", "category"))):
        texts = (about.get(column) for column in columns)
        text = next((text for text in texts if isinstance(text, str) and text.strip()), "")
        found[name] = printable(" ".join(text.split())[:_LONGEST_ALT])
    found["topic"] = found["topic"].replace("_", " ")
    return found


def refused_reason(problem: Refused | OSError) -> str:
    """Why a file is skipped, in the words of the report."""
    if isinstance(problem, Refused):
        return problem.reason
    return "no permission" if isinstance(problem, PermissionError) else "unreadable"
