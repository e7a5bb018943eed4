"""Batches of pictures as vectors, made here or by an engine on other machines.

A batch is what the encoder sees at once, and its vectors may depend on it in the last digits; so all
ways of making an index cut the pictures into the same batches.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from indexing.decode import Refused, decode
from indexing.gallery import Gallery
from indexing.index import Vectors
from indexing.parts import Part
from indexing.sources import read
from prefs.engines import Engine
from prefs.errors import IndexingError

if TYPE_CHECKING:
    from indexing.encoders.protocol import Encoder

# What encoders see: more than the 224 to 384 pixels of their networks, and a bounded size in memory.
SIDE = 640
PACKAGES = {
    "embedded": ("numpy", "pillow", "torch", "timm", "onnxruntime"),
    "open_clip": ("numpy", "pillow", "torch", "torchvision", "open_clip_torch"),
}

Bytes = tuple[str, bytes]
_made: dict[str, Encoder] = {}


def decoded(data: bytes) -> Image.Image | str:
    """The picture, or why it is refused."""
    try:
        return decode(data, SIDE)
    except Refused as refused:
        return refused.reason


def embed(encoder: Encoder, batch: Sequence[tuple[str, Image.Image | str]]) -> Part:
    """The vectors of a batch; batch: (item, picture or why it is refused).

    Raises:
        IndexingError: the encoder gave vectors of a wrong shape or not finite.
    """
    refused = {item: picture for item, picture in batch if isinstance(picture, str)}
    pictures = {item: picture for item, picture in batch if not isinstance(picture, str)}
    rows = np.zeros((0, encoder.size), np.float32)
    if pictures:
        rows = _checked(encoder, encoder.encode(list(pictures.values())), len(pictures))
    return Part(list(pictures), rows, refused)


def joined(batches: Sequence[Part]) -> Part:
    """Batches as one part, in their order."""
    refused = {item: reason for batch in batches for item, reason in batch.refused.items()}
    items = [item for batch in batches for item in batch.items]
    return Part(items, np.concatenate([batch.vectors for batch in batches]), refused)


@dataclass(frozen=True)
class Embedding:
    """Decodes and embeds batches of (item, bytes), wherever it is sent.

    make: makes the encoder there, once a process. name: that the encoder must have. cores: threads of
    its networks, whose number tells in the last digits of vectors.
    """

    make: Callable[[], Encoder]
    name: str
    cores: int = 1

    @property
    def packages(self) -> tuple[str, ...]:
        """What decoding and the encoder's arithmetic rest on."""
        return PACKAGES.get(self.name.partition(":")[0], ("numpy", "pillow"))

    def __call__(self, batch: Sequence[Bytes]) -> Part:
        """The vectors of a batch.

        Raises:
            IndexingError: another encoder is there, or one that gave vectors of a wrong shape.
        """
        if self.name not in _made:
            encoder = self.make()
            if encoder.name != self.name:
                raise IndexingError(
                    f"a node has encoder {encoder.name!r}, not {self.name!r}: give it the same weights"
                )
            _made[self.name] = encoder
        return embed(_made[self.name], [(item, decoded(data)) for item, data in batch])


@dataclass(frozen=True)
class Elsewhere:
    """An engine that embeds, how its machines make the encoder, and on how many cores each runs.

    The bytes of pictures are read here and travel with the work, so that no folder has to be shared.
    """

    engine: Engine
    make: Callable[[], Encoder]
    cores: int = 1

    def parts(
        self, gallery: Gallery, items: Sequence[str], encoder: Encoder, batch: int, part: int
    ) -> Generator[Part, None, None]:
        """Yields parts of `part` pictures, each of batches of `batch`, in the order in which they are ready.

        Raises:
            GalleryError: a file changed since the scan. ConfigError, ClusterError: of the engine.
        """

        def sent(start: int) -> list[Bytes]:
            return [(item, read(gallery.root, gallery.source(item))) for item in items[start : start + batch]]

        waiting: dict[int, dict[int, Part]] = {}
        tasks = ((start, sent(start)) for start in range(0, len(items), batch))
        for start, found in self.engine.run(Embedding(self.make, encoder.name, self.cores), tasks):
            first = start - start % part
            batches = waiting.setdefault(first, {})
            batches[start] = found
            if len(batches) == -(-min(part, len(items) - first) // batch):
                yield joined([batches[key] for key in sorted(batches)])
                del waiting[first]


def _checked(encoder: Encoder, vectors: Vectors, count: int) -> Vectors:
    vectors = np.asarray(vectors, np.float32)
    if vectors.shape != (count, encoder.size) or not np.isfinite(vectors).all():
        raise IndexingError(
            f"encoder {encoder.name!r} gave vectors of shape {vectors.shape}, expected "
            f"({count}, {encoder.size}) of finite values: choose another encoder"
        )
    return vectors
