"""The source of the choice model that asks about the pictures of all open galleries.

All pictures of an installation share one encoder and so one block of taste space. Which projection leads
there depends on the galleries that are open together; a change of galleries or encoder is a new model,
and beliefs are replayed from the answers.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prefs.errors import GalleryError, IndexingError
from prefs.files import MANIFEST
from prefs.model import GallerySource
from prefs.space import Floats, TasteSpace

if TYPE_CHECKING:
    from indexing.projection import Projection
    from training.opengalleries import OpenGallery

SOURCE = "pictures"  # the name of the source, and of its block of taste space
SAMPLE = 16384  # vectors that a projection is fitted to

log = logging.getLogger(__name__)


def project(galleries: Sequence[OpenGallery], data_dir: Path) -> tuple[tuple[str, ...], Floats]:
    """All items of the galleries, sorted, and their taste vectors (N, t).

    The projection is fitted to these galleries together and kept, so that the next start only reads it.

    Raises:
        IndexingError: galleries that were indexed by different encoders.
        GalleryError: fewer than two different pictures.
    """
    from indexing.projection import RECIPE

    encoders = {one.index.encoder for one in galleries}
    if len(encoders) > 1:
        raise IndexingError(
            f"galleries of different encoders ({', '.join(sorted(encoders))}): index them again"
        )
    identities = sorted(one.gallery.identity for one in galleries)
    digest = hashlib.sha256("\n".join([RECIPE, *encoders, *identities]).encode()).hexdigest()[:16]
    projection = _projection(galleries, data_dir / "projections" / digest)
    taste: dict[str, np.ndarray] = {}
    for one in galleries:
        with _naming(one):
            taste.update(zip(one.index.items, projection.apply(one.index.vectors), strict=True))
    if len(taste) < 2:
        raise GalleryError(
            f"the open galleries hold {len(taste)} different pictures: at least two are needed"
        )
    items = tuple(sorted(taste))
    return items, np.array([taste[item] for item in items], np.float64)


def _projection(galleries: Sequence[OpenGallery], folder: Path) -> Projection:
    """The projection that is kept in the folder, else a new one, which takes a second."""
    from indexing.projection import Projection, fit

    if (folder / MANIFEST).exists():
        try:
            return Projection.load(folder)
        except IndexingError as problem:
            log.warning("the projection of the pictures is fitted again: %s", problem)
    projection = fit(_sample(galleries), galleries[0].index.blocks)
    projection.save(folder)
    return projection


def _sample(galleries: Sequence[OpenGallery]) -> np.ndarray:
    """At most SAMPLE vectors, evenly from all galleries; raises IndexingError where one is not finite."""
    total = sum(len(one.index.items) for one in galleries)
    step = max(1, -(-total // SAMPLE))
    found = []
    for one in galleries:
        found.append(one.index.vectors[::step])
        if not np.isfinite(found[-1]).all():
            with _naming(one):
                raise IndexingError("encoder vectors hold values that are not finite")
    return np.concatenate(found)


@contextmanager
def _naming(one: OpenGallery) -> Iterator[None]:
    """Says of which index an error is, and how it is made anew."""
    try:
        yield
    except IndexingError as problem:
        raise IndexingError(
            f"{problem}: remove {one.index.build.parent}, it is made anew at the next start"
        ) from problem


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
