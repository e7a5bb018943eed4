"""Shards made to run code, write elsewhere, or eat memory."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pictures import drawn, encoded, frugal, shard

from indexing import shards
from indexing.gallery import Gallery
from prefs.errors import GalleryError

GOOD = [("a.png", encoded(drawn(1), "PNG")), ("b.png", encoded(drawn(2), "PNG"))]


class Exploit:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.path}",)


def special(name: str, kind: bytes, link: str = "", size: int = 0) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info.tobuf(tarfile.GNU_FORMAT)


def opened(path: Path, extra: bytes) -> Gallery:
    """A gallery of two good pictures, then the extra tar blocks."""
    shard(path / "s.tar", GOOD)
    data = (path / "s.tar").read_bytes()
    with tarfile.open(path / "s.tar") as tar:
        end = tar.getmembers()[-1].offset_data + 512 * -(-len(GOOD[-1][1]) // 512)
    (path / "s.tar").write_bytes(data[:end] + extra + bytes(1024))
    return Gallery.open(path)


def test_code_in_members_never_runs(tmp_path: Path) -> None:
    flag = tmp_path / "ran"
    attack = pickle.dumps(Exploit(flag))
    array = io.BytesIO()
    np.save(array, np.array([Exploit(flag)], dtype=object), allow_pickle=True)
    names = ["a.pkl", "a.pickle", "a.pyd", "a.pth", "a.pt", "a.meta.pkl", "b.json.pickle", "x.pkl"]
    members = [*GOOD, *[(name, attack) for name in names], ("b.npy", array.getvalue())]
    members += [("c.png", attack), ("d.jpg", array.getvalue()), ("a.json", attack)]
    gallery = Gallery.open(shard(tmp_path / "shards" / "s.tar", members).parent)
    for item in gallery.items():
        gallery.picture(item)
    assert len(gallery) == 2
    assert gallery.skipped.reasons == {"not JPEG, PNG or WebP": 2}
    assert not flag.exists()


def test_names_that_climb_write_nothing(tmp_path: Path) -> None:
    picture = GOOD[0][1]
    names = [
        "../up.png",
        "/tmp/abs.png",
        "x/../../up.jpg",
        "\\\\host\\share.png",
        "./../d.webp",
    ]
    members = [*GOOD, *[(name, picture + b"%d" % n) for n, name in enumerate(names)]]
    before = sorted(tmp_path.rglob("*"))
    gallery = Gallery.open(shard(tmp_path / "in" / "s.tar", members).parent)
    assert gallery.skipped.reasons == {"unsafe name": len(names)}
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "in", tmp_path / "in" / "s.tar"])


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE]
)
def test_members_that_are_no_files(tmp_path: Path, kind: bytes) -> None:
    gallery = opened(tmp_path, special("x.png", kind, "/etc/passwd"))
    assert gallery.skipped.reasons == {"not a plain file": 1}


def sparse(header: bytes) -> Callable[[Path], None]:
    """A shard of 10 GiB on paper that takes no room: a header, then a hole."""

    def make(path: Path) -> None:
        path.write_bytes(header)
        os.truncate(path, 10 * 2**30)

    return make


def nested_headers(path: Path) -> None:
    record = b"20 path=abcdefghijk\n"
    path.write_bytes((special("h", tarfile.XHDTYPE, size=len(record)) + record.ljust(512, b"\0")) * 20_000)


HUGE = {
    "picture": sparse(special("x.png", tarfile.REGTYPE, size=9 * 2**30)),
    "note": sparse(special("x.json", tarfile.REGTYPE, size=9 * 2**30)),
    "long name": sparse(special("x", tarfile.GNUTYPE_LONGNAME, size=9 * 2**30)),
    "long link": sparse(special("x", tarfile.GNUTYPE_LONGLINK, size=9 * 2**30)),
    "extended header": sparse(special("x", tarfile.XHDTYPE, size=9 * 2**30)),
    "global header": sparse(special("x", tarfile.XGLTYPE, size=9 * 2**30)),
    "hole": sparse(b""),
    "nested headers": nested_headers,
}


@pytest.mark.parametrize("attack", HUGE)
def test_size_on_paper_costs_nothing(tmp_path: Path, attack: str) -> None:
    HUGE[attack](tmp_path / "s.tar")
    with frugal(seconds=2, mebibytes=64):
        assert shards.scan(tmp_path / "s.tar", "s.tar").pictures == []


def test_negative_sizes_end_the_walk(tmp_path: Path) -> None:
    header = bytearray(special("x.png", tarfile.REGTYPE))
    header[124:136] = b"\xff" * 12
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    gallery = opened(tmp_path, bytes(header))
    assert gallery.skipped.reasons == {"damaged shard": 1}


def test_deeply_nested_json_is_ignored(tmp_path: Path) -> None:
    members = [*GOOD, ("a.json", b"[" * 1_000_000), ("b.json", b'{"caption": ' + b'{"a":' * 90_000)]
    gallery = Gallery.open(shard(tmp_path / "s.tar", members).parent)
    assert len(gallery) == 2


@pytest.mark.parametrize(
    "address",
    [
        "pipe:touch hacked; cat s.tar",
        "file:///etc",
        "http://169.254.169.254/s.tar",
        "https://example.org/{000..009}.tar",
        "s3://bucket/s.tar",
        "gs://bucket/s.tar",
        "hf://set",
        "data:application/x-tar,",
        "ais://x",
        "PIPE:id",
    ],
)
def test_addresses_are_refused(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GalleryError, match="is an address: only folders"):
        Gallery.open(address)
    with pytest.raises(GalleryError):
        Gallery.open(Path(address))
    assert list(tmp_path.iterdir()) == []
