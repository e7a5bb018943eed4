"""Opens galleries: their pictures scanned, indexed and served, and a memory of which were asked about."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prefs.errors import GalleryError
from prefs.files import write_json

if TYPE_CHECKING:
    from indexing.encoders import Encoder
    from indexing.gallery import Gallery
    from indexing.index import Index
    from indexing.thumbnails import Thumbnails

Progress = Callable[[str, int, int], None]

REMEMBERED = "galleries.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenGallery:
    """A gallery with its index and its pictures as they are served."""

    gallery: Gallery
    index: Index
    thumbnails: Thumbnails

    @property
    def title(self) -> str:
        """What to call the gallery on screen."""
        return self.gallery.title

    @property
    def notes(self) -> list[str]:
        """What the person should know: skipped files and duplicates."""
        skips = self.index.skips(self.gallery)
        return [f"{self.title}: {skips.report()}"] if skips.reasons else []


def open_gallery(path: Path, data_dir: Path, encoder: Encoder, progress: Progress) -> OpenGallery:
    """The gallery in a folder, indexed with the encoder; only what is new is read and embedded.

    Raises:
        GalleryError: no usable pictures. IndexingError: the index is damaged and cannot be renewed.
    """
    from indexing.gallery import Gallery
    from indexing.prepare import prepare
    from indexing.thumbnails import Thumbnails

    key = hashlib.sha256(_real(path).encode()).hexdigest()[:16]
    named = hashlib.sha256(encoder.name.encode()).hexdigest()[:8]
    folder = data_dir / "galleries" / key
    gallery = Gallery.open(path, cache=folder / "scan.json", progress=progress)
    index = prepare(gallery, folder / f"index-{named}", encoder, progress)
    return OpenGallery(gallery, index, Thumbnails(gallery, folder / "thumbnails"))


def embedded_gallery(data_dir: Path, progress: Progress) -> Path:
    """The folder of the gallery that Kallisti draws itself, drawn now if it is not there."""
    from indexing.embedded import draw

    folder = data_dir / "galleries" / "embedded"
    draw(folder, progress=lambda done, total: progress("Drawing the gallery", done, total))
    return folder


def topics(galleries: Sequence[OpenGallery]) -> dict[str, str]:
    """Topic of every picture: its group, or its gallery where that has no groups or there are several."""
    found = {}
    for one in galleries:
        for item in one.gallery.items():
            group = one.gallery.topic(item)
            alone = group if len(galleries) == 1 else f"{one.title}: {group}" if group else one.title
            found[item] = alone
    return found


def open_galleries(
    paths: Sequence[Path],
    optional: Collection[Path],
    data_dir: Path,
    encoder: str,
    progress: Progress,
    consent: Callable[[str], bool] | None,
) -> tuple[dict[str, OpenGallery], str, list[str]]:
    """The galleries by a name of their own, a line about their encoder, and one about each that is gone.

    optional: folders that are opened as well, if they can be.

    Raises:
        GalleryError: a gallery that is not optional has no usable pictures.
        ConfigError, MissingPartError: the encoder cannot be had.
    """
    if not paths and not optional:
        return {}, "", []
    from indexing.encoders import resolve

    resolved = resolve(encoder, data_dir / "encoders", consent)
    found: dict[str, OpenGallery] = {}
    gone: list[str] = []
    roots: dict[str, Path] = {}
    for path in (*paths, *optional):
        roots.setdefault(_real(path), path)
    for path in roots.values():
        try:
            one = open_gallery(path, data_dir, resolved.encoder, progress)
        except GalleryError as problem:
            if path in paths:
                raise
            gone.append(f"{problem}; answers about its pictures do not count until it is back")
            continue
        name = one.gallery.name
        while name in found:
            name += "'"
        found[name] = one
    return found, resolved.reason, gone


def lookup(galleries: Sequence[OpenGallery]) -> Mapping[str, OpenGallery]:
    """The gallery of every picture; a picture that several hold is read from the first."""
    found: dict[str, OpenGallery] = {}
    for one in galleries:
        for item in one.index.items:
            found.setdefault(item, one)
    return found


def known_galleries(data_dir: Path) -> list[Path]:
    """Folders of the galleries that were asked about before, in the order of their first opening."""
    path = data_dir / REMEMBERED
    try:
        return [Path(str(folder)) for folder in list(json.loads(path.read_text(encoding="utf-8")))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as problem:
        log.warning("%s cannot be read (%s): it is begun anew", path, problem)
        return []


def remember(data_dir: Path, galleries: Iterable[OpenGallery]) -> None:
    """Adds the galleries to those that `known_galleries` names."""
    known = known_galleries(data_dir)
    found = list(dict.fromkeys([*known, *(one.gallery.root for one in galleries)]))
    if found != known:
        write_json(data_dir / REMEMBERED, [str(path) for path in found])


def _real(path: Path) -> str:
    return os.path.realpath(os.path.expanduser(path))
