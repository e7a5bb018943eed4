"""Pictures made on the fly, good and bad, for the tests of this room."""

from __future__ import annotations

import gc
import struct
import tarfile
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image


def drawn(seed: int = 0, size: tuple[int, int] = (48, 32)) -> Image.Image:
    """A smooth picture that differs by seed; smooth, so that JPEG keeps it."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image | None = None, kind: str = "JPEG", **options: Any) -> bytes:
    stream = BytesIO()
    (drawn() if image is None else image).save(stream, kind, **options)
    return stream.getvalue()


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, *chunks: bytes, pixels: bytes = b"") -> bytes:
    """A PNG with any header and any extra chunks; its pixels may be missing."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + b"".join(chunks)
        + png_chunk(b"IDAT", pixels)
        + png_chunk(b"IEND", b"")
    )


def folder(path: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def shard(path: Path, members: Mapping[str, bytes] | list[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in members.items() if isinstance(members, Mapping) else members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
    return path


@contextmanager
def frugal(seconds: float, mebibytes: float) -> Iterator[None]:
    """Fails when the block takes more processor time, or more memory at its peak, than this."""
    memory = Path("/proc/self/status")
    if not memory.exists():
        pytest.skip("the peak of memory is read from /proc")
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")

    def read(name: str) -> int:
        return int(next(line for line in memory.read_text().splitlines() if line.startswith(name)).split()[1])

    before, start = read("VmRSS"), time.process_time()
    yield
    assert time.process_time() - start < seconds
    assert (read("VmHWM") - before) / 1024 < mebibytes


class Grays:
    """An encoder without a network: the gray values of an 8 x 8 copy. It counts what it has encoded."""

    size = 64

    def __init__(self, name: str = "grays") -> None:
        self.name = name
        self.blocks = (("gray", 64),)
        self.seen = 0

    def encode(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        self.seen += len(pictures)
        small = [np.asarray(picture.convert("L").resize((8, 8)), np.float32) for picture in pictures]
        return np.stack(small).reshape(-1, 64) / 255
