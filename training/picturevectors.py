"""Encoder vectors of the pictures of a data set, by the ids that its answers use.

The pictures are encoded once; the index is kept in the data folder, where every part that learns from
pictures finds it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prefs.errors import DataError, GalleryError
from training.columns import read_table
from training.images import IMAGES, responses_of

if TYPE_CHECKING:
    from indexing.encoders.protocol import Encoder

ENCODER = "embedded"
Progress = Callable[[str, int, int], None]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class PictureVectors(Mapping[str, Vectors]):
    """The (F,) vectors of N pictures by id.

    ids: as in `images.parquet`, in its order. matrix: (N, F) float32. encoder, blocks: what made them
    (see `indexing.encoders.Encoder`).
    """

    ids: tuple[str, ...]
    matrix: Vectors
    encoder: str
    blocks: tuple[tuple[str, int], ...]

    def __getitem__(self, image: str) -> Vectors:
        """The vector (F,) of a picture."""
        found: Vectors = self.matrix[self.rows[image]]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each picture in `matrix`."""
        return {image: row for row, image in enumerate(self.ids)}

    def of(self, images: Sequence[str]) -> Vectors:
        """(M, F) vectors of some pictures; raises DataError about the first that has none."""
        absent = [image for image in images if image not in self.rows]
        if absent:
            raise DataError(f"picture {absent[0]!r} has no vector: {len(self)} pictures of {IMAGES} have")
        found: Vectors = self.matrix[[self.rows[image] for image in images]]
        return found


def picture_vectors(
    path: Path, data_dir: Path, progress: Progress | None = None, encoder: Encoder | None = None
) -> PictureVectors:
    """The vectors of all pictures of an image folder, or of the one that a table of responses lies in.

    data_dir: where the index is kept, and the converted encoder. encoder: by default the embedded one.
    Pictures that `images.parquet` says have no image are left out.

    Raises:
        DataError: `images.parquet` cannot be read. GalleryError: a picture is missing or cannot be
            decoded. MissingPartError: the encoder is not installed.
    """
    from indexing.encoders import resolve
    from indexing.gallery import Gallery
    from indexing.prepare import prepare

    folder = responses_of(path).parent
    images = _with_image(folder / IMAGES)
    kept = data_dir / "evaluation" / folder.resolve().name
    used = encoder or resolve(ENCODER, data_dir / "encoders").encoder
    gallery = Gallery.open(folder, cache=kept / "scan.json", progress=progress)
    index = prepare(gallery, kept / "index", used, progress)
    items = [gallery.by_key(image) for image in images]
    for image, item in zip(images, items, strict=True):
        if item not in index.rows:
            reason = index.refused.get(item, "it is not in the index")
            raise GalleryError(
                f"picture {image!r} of {folder} cannot be decoded ({reason}): replace it or leave it out"
            )
    matrix = np.asarray(index.vectors[[index.rows[item] for item in items]], np.float32)
    return PictureVectors(tuple(images), matrix, used.name, tuple(used.blocks))


def _with_image(path: Path) -> list[str]:
    """The ids of the pictures that have an image."""
    table = read_table(path, ("image_id",))
    ids = [str(image) for image in table.column("image_id").to_pylist()]
    if "has_image" not in table.column_names:
        return ids
    there = table.column("has_image").to_pylist()
    return [image for image, seen in zip(ids, there, strict=True) if seen]
