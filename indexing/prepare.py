"""Makes the index of a gallery: decoders beside the encoder, resumable after any stop, whole or absent.

Vectors of PART pictures at a time are written as a whole file, so a preparation that was stopped goes
on where it was, with the same result. Vectors of an earlier index by the same encoder are taken over.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from indexing.batches import Elsewhere, decoded, embed, joined
from indexing.gallery import Gallery
from indexing.index import CURRENT, Index
from indexing.parts import Part, Parts, publish
from indexing.scanning import Progress
from indexing.sources import Picture, read
from prefs.errors import IndexingError

if TYPE_CHECKING:
    from indexing.encoders.protocol import Encoder

BATCH, PART = 32, 256
# Less than this is decoded by threads in the time that fresh processes take to start.
FEW_BYTES = 100 * 2**20

log = logging.getLogger(__name__)


def prepare(
    gallery: Gallery,
    out: Path,
    encoder: Encoder,
    progress: Progress | None = None,
    workers: int | None = None,
    elsewhere: Elsewhere | None = None,
) -> Index:
    """The index of the gallery in folder `out`, made or brought up to date; nothing is done twice.

    progress: called with ("embed", pictures done, pictures in all). workers: decoders at a time, by
    default one a core; many pictures are decoded in processes, since Pillow holds the interpreter lock.
    elsewhere: who embeds, if not this process; the index is the same.

    Raises:
        GalleryError: fewer than two pictures can be decoded, or a file changed since the scan.
        IndexingError: the encoder gave vectors of a wrong shape or not finite, or a decoder died.
        ConfigError, ClusterError: other machines cannot do the work.
    """
    old = _earlier(out, encoder)
    if old is not None and old.covers(gallery):
        return old
    parts = Parts(out, encoder)
    done = {item for part in parts for item in (*part.items, *part.refused)}
    if old is not None:
        done.update(old.items, old.refused)
    todo = [item for item in gallery.items() if item not in done]
    count = len(gallery) - len(todo)
    if elsewhere is None:
        made = _parts(gallery, todo, encoder, workers or os.cpu_count() or 1)
    else:
        made = elsewhere.parts(gallery, todo, encoder, BATCH, PART)
    with closing(made):
        for part in made:
            parts.add(part)
            count += len(part.items) + len(part.refused)
            if progress is not None:
                progress("embed", count, len(gallery))
    publish(gallery, out, encoder, parts, old)
    return Index.open(out, encoder.name)


def _earlier(out: Path, encoder: Encoder) -> Index | None:
    """The index to go on from: the one in use if it is whole and of the same encoder."""
    if not (out / CURRENT).exists():
        return None
    try:
        return Index.open(out, encoder.name)
    except IndexingError as problem:
        log.warning("all pictures are embedded again: %s", problem)
        return None


def _parts(
    gallery: Gallery, items: Sequence[str], encoder: Encoder, workers: int
) -> Generator[Part, None, None]:
    """Yields parts; batches depend on the order of pictures alone, so a resumed run gives the same."""
    with closing(_decoded(gallery, items, workers)) as pictures:
        for start in range(0, len(items), PART):
            left = range(start, min(start + PART, len(items)), BATCH)
            yield joined([embed(encoder, list(islice(pictures, BATCH))) for _ in left])


def _decoded(
    gallery: Gallery, items: Sequence[str], workers: int
) -> Generator[tuple[str, Image.Image | str], None, None]:
    """Yields (item, picture or why it is refused) in order, two batches ahead of the encoder at most."""
    waiting: deque[tuple[str, Future[Image.Image | str]]] = deque()
    remaining = iter(items)
    size = sum(gallery.source(item).size for item in items)
    with _pool(workers, size) as pool:
        try:
            while True:
                for item in islice(remaining, 2 * BATCH - len(waiting)):
                    waiting.append((item, pool.submit(_load, gallery.root, gallery.source(item))))
                if not waiting:
                    return
                item, future = waiting.popleft()
                yield item, future.result()
        except BrokenProcessPool as problem:
            raise IndexingError(
                f"a decoder ended without a word at or near {gallery.source(item).file}: "
                "remove that picture, or free some memory, and run again"
            ) from problem
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _pool(workers: int, size: int) -> Executor:
    if workers == 1 or size < FEW_BYTES:
        return ThreadPoolExecutor(workers)
    # Fresh interpreters: a fork of a process with threads (a web server, torch) may hang.
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _end_with_parent)


def _end_with_parent() -> None:
    """Lets a decoder end when the process that started it was killed; it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


def _load(root: Path, picture: Picture) -> Image.Image | str:
    return decoded(read(root, picture))
