"""Opens galleries: indexed pictures, and the one source of the choice model that asks about all of them.

All pictures of an installation share one encoder and so one block of taste space. Which projection leads
there depends on the galleries that are open together; a change of galleries or encoder is a new model,
and beliefs are replayed from the answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prefs.errors import GalleryError, IndexingError
from prefs.model import GallerySource
from prefs.space import Floats, TasteSpace

if TYPE_CHECKING:
    from indexing.encoders import Encoder
    from indexing.gallery import Gallery
    from indexing.index import Index
    from indexing.thumbnails import Thumbnails

Progress = Callable[[str, int, int], None]

SOURCE = "pictures"  # the name of the source, and of its block of taste space
SAMPLE = 16384  # vectors that a projection is fitted to


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

    key = hashlib.sha256(str(path.expanduser().resolve()).encode()).hexdigest()[:16]
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


def project(galleries: Sequence[OpenGallery], data_dir: Path) -> tuple[tuple[str, ...], Floats]:
    """All items of the galleries, sorted, and their taste vectors (N, t).

    The projection is fitted to these galleries together and kept, so that the next start only reads it.

    Raises:
        IndexingError: galleries that were indexed by different encoders.
        GalleryError: fewer than two different pictures.
    """
    from indexing.projection import RECIPE, Projection, fit

    encoders = {one.index.encoder for one in galleries}
    if len(encoders) > 1:
        raise IndexingError(
            f"galleries of different encoders ({', '.join(sorted(encoders))}): index them again"
        )
    identities = sorted(one.gallery.identity for one in galleries)
    digest = hashlib.sha256("\n".join([RECIPE, *encoders, *identities]).encode()).hexdigest()[:16]
    folder = data_dir / "projections" / digest
    try:
        projection = Projection.load(folder)
    except IndexingError:  # not there yet: fitting takes a second
        projection = fit(_sample(galleries), galleries[0].index.blocks)
        projection.save(folder)
    taste: dict[str, np.ndarray] = {}
    for one in galleries:
        taste.update(zip(one.index.items, projection.apply(one.index.vectors), strict=True))
    if len(taste) < 2:
        raise GalleryError(
            f"the open galleries hold {len(taste)} different pictures: at least two are needed"
        )
    items = tuple(sorted(taste))
    return items, np.array([taste[item] for item in items], np.float64)


def _sample(galleries: Sequence[OpenGallery]) -> np.ndarray:
    """At most SAMPLE vectors, evenly from all galleries."""
    total = sum(len(one.index.items) for one in galleries)
    step = max(1, total // SAMPLE)
    return np.concatenate([one.index.vectors[::step] for one in galleries])


def source(items: tuple[str, ...], taste: Floats, space: TasteSpace) -> GallerySource:
    """The source that asks about the pictures; without a fitted population all have the same appeal."""
    return GallerySource(
        name=SOURCE,
        items=items,
        taste=taste,
        appeal=np.zeros(len(items)),
        columns=space.columns(SOURCE),
        size=space.size,
    )


def proposer() -> Callable[..., np.ndarray]:
    """A proposer of informative pairs for prefs.gallerypools; it prepares its search at the first call."""
    from indexing.pairs import PairSearch

    kept: dict[str, PairSearch] = {}

    def propose(
        taste: np.ndarray,
        appeal: np.ndarray,
        mean: np.ndarray,
        cov: np.ndarray,
        count: int,
        rng: np.random.Generator,
    ) -> np.ndarray:
        search = kept.get("search")
        if search is None or search.taste is not taste:
            search = kept["search"] = PairSearch(taste, appeal)
        return search.propose(mean, cov, count, rng)

    return propose


def lookup(galleries: Sequence[OpenGallery]) -> Mapping[str, OpenGallery]:
    """The gallery of every picture; a picture that several hold is read from the first."""
    found: dict[str, OpenGallery] = {}
    for one in galleries:
        for item in one.index.items:
            found.setdefault(item, one)
    return found
