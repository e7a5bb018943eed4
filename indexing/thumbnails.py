"""Pictures as they are served: re-encoded, without metadata, in a few sizes, kept on disk by item id."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Literal, get_args

from indexing.gallery import Gallery
from prefs.errors import GalleryError
from prefs.files import write_bytes

Size = Literal[256, 512, 1024]

SIZES: tuple[int, ...] = get_args(Size)
MEDIA_TYPE = "image/jpeg"
_QUALITY = 90

log = logging.getLogger(__name__)


class Thumbnails:
    """JPEG copies of a gallery's pictures, made when they are first asked for.

    folder: where the copies are kept. limit: bytes that they may take; when a new `Thumbnails` finds
    more, those used longest ago are removed.
    """

    def __init__(self, gallery: Gallery, folder: Path, limit: int = 2 * 2**30) -> None:
        self.gallery = gallery
        self.folder = folder
        self._trim(limit)

    def get(self, item: str, size: int = 1024) -> tuple[bytes, str]:
        """Bytes and media type of a picture, its longer side at most `size` pixels (256, 512 or 1024).

        Raises:
            GalleryError: unknown item or size, or the picture is gone, changed or refused.
        """
        if size not in SIZES:
            raise GalleryError(f"no pictures of size {size}: allowed are {', '.join(map(str, SIZES))}")
        self.gallery.source(item)
        path = self.folder / str(size) / item[:2] / f"{item}.jpg"
        try:
            data = path.read_bytes()
            path.touch()
        except OSError:
            data = self._made(item, size)
            self._keep(path, data)
        return data, MEDIA_TYPE

    def _made(self, item: str, size: int) -> bytes:
        stream = BytesIO()
        # Full color resolution: fine lines in drawn pictures fray with the usual half.
        self.gallery.picture(item, size).save(stream, "JPEG", quality=_QUALITY, subsampling=0)
        return stream.getvalue()

    def _keep(self, path: Path, data: bytes) -> None:
        try:
            write_bytes(path, data)
        except OSError as problem:
            log.warning("%s is not kept (%s): pictures are made again each time", path, problem)

    def _trim(self, limit: int) -> None:
        files = [(path, path.stat()) for path in self._files()]
        excess = sum(status.st_size for _, status in files) - limit
        for path, status in sorted(files, key=lambda file: file[1].st_mtime_ns):
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= status.st_size

    def _files(self) -> Iterable[Path]:
        return self.folder.glob("*/*/*.jpg")
