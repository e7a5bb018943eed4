"""What every encoder is: a name, named blocks of a vector, and pictures in, vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Floats = NDArray[np.float32]


class Encoder(Protocol):
    """Turns decoded RGB pictures into vectors.

    name: identity that is recorded beside every vector; two encoders of one name give the same vectors.
    blocks: (name, size) of the parts of a vector, in order; each has a length of about one, so that
    they are comparable. size: length F of a vector.
    """

    @property
    def name(self) -> str:  # noqa: D102
        ...

    @property
    def blocks(self) -> tuple[tuple[str, int], ...]:  # noqa: D102
        ...

    @property
    def size(self) -> int:  # noqa: D102
        ...

    def encode(self, pictures: Sequence[Image.Image]) -> Floats:
        """Vectors of B pictures, (B, F) float32, all finite."""
        ...


def unit(vectors: Floats) -> Floats:
    """The rows at length one; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), np.float32)
