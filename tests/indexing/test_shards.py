from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import drawn, encoded, shard

from indexing import shards
from indexing.gallery import MAX_SKIP_SHARE, Gallery
from prefs.errors import GalleryError

DATA = [encoded(drawn(seed), "PNG") for seed in range(4)]


def about(**values: object) -> bytes:
    return json.dumps(values).encode()


def test_samples_are_read_in_place(tmp_path: Path) -> None:
    long = "folder/" + "long" * 40 + "ä"
    shard(
        tmp_path / "set-000000.tar",
        {
            "a.jpg": DATA[0],
            "a.json": about(title="a boat", category="sea"),
            "b.json": about(caption="a hill", alt=""),
            "b.png": DATA[1],
            f"{long}.png": DATA[2],
            "b.cls": b"7",
        },
    )
    gallery = Gallery.open(tmp_path)
    assert gallery.skipped.report() == ""
    assert [gallery.alt(gallery.by_key(key)) for key in "ab"] == ["a boat", "a hill"]
    assert gallery.topics == ("sea",)
    for key, seed in (("a", 0), ("b", 1), (long, 2)):
        assert gallery.picture(gallery.by_key(key)) == drawn(seed)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_those_of_tarfile(tmp_path: Path, form: int) -> None:
    path = tmp_path / "x.tar"
    names = ["a.png", "d/" * 45 + "b.png"] + (["ü" * 90 + ".png"] if form != tarfile.USTAR_FORMAT else [])
    with tarfile.open(path, "w", format=form) as tar:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size = 700 * number
            tar.addfile(info, io.BytesIO(bytes(info.size)))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with path.open("rb") as stream, tarfile.open(path) as tar:
        ours = [(member.name, member.offset, member.size, member.plain) for member in shards.members(stream)]
        theirs = [(info.name, info.offset_data, info.size, info.isreg()) for info in tar]
    assert ours == theirs


def test_images_parquet_gives_ids_texts_and_what_is_missing(tmp_path: Path) -> None:
    shard(tmp_path / "s.tar", {"0001.png": DATA[0], "0002.png": DATA[1], "0003.png": b"damaged"})
    rows = [
        {"image_id": f"id-{n}", "shard": "s.tar", "key": f"000{n}", "title": f"no. {n}"} for n in range(1, 5)
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "images.parquet")
    gallery = Gallery.open(tmp_path)
    assert gallery.alt(gallery.by_key("id-2")) == "no. 2"
    assert gallery.skipped.reasons == {"not JPEG, PNG or WebP": 1, "missing from the shards": 1}
    assert (gallery.skipped.total, gallery.skipped.share) == (4, 0.5)
    assert gallery.skipped.share > MAX_SKIP_SHARE
    (tmp_path / "images.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(GalleryError, match=r"images\.parquet cannot be read"):
        Gallery.open(tmp_path)


def test_each_kind_of_damage_is_counted_once(tmp_path: Path) -> None:
    members = [
        ("good1.png", DATA[0]),
        ("good2.png", DATA[1]),
        ("good2.png", DATA[2]),
        ("empty.jpg", b""),
        ("wrong.bmp", encoded(drawn(), "BMP")),
        ("gone.json", about(title="no picture")),
        ("only.pickle", b"not part of a sample"),
    ]
    gallery = Gallery.open(shard(tmp_path / "s.tar", members).parent)
    assert gallery.skipped.report() == (
        "4 of 6 files skipped: 1 duplicate key (s.tar/good2.png), 1 empty (s.tar/empty.jpg), "
        "1 not JPEG, PNG or WebP (s.tar/wrong), 1 without a picture (s.tar/gone)"
    )


def test_truncation_is_named_wherever_it_is(tmp_path: Path) -> None:
    path = shard(tmp_path / "s.tar", {f"{n}.png": data for n, data in enumerate(DATA)})
    with tarfile.open(path) as tar:
        last = tar.getmembers()[-1]
    whole = path.read_bytes()
    content = last.offset_data + -(-last.size // 512) * 512
    for length in {*range(1, content, 193), content - 1, content}:
        path.write_bytes(whole[:length])
        scan = shards.scan(path, "s.tar")
        assert sum(reason in (shards.TRUNCATED, shards.DAMAGED) for reason, _, _ in scan.skipped) == 1
        assert all(name.startswith("s.tar") for _, name, _ in scan.skipped)
        assert scan.total == len(scan.pictures) + 1
    path.write_bytes(whole)
    assert shards.scan(path, "s.tar").skipped == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_239), st.integers(0, 255)), min_size=1, max_size=20))
def test_damaged_bytes_never_raise(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("shard") / "s.tar"
    whole = bytearray(shard(path, {f"{n}.png": data for n, data in enumerate(DATA)}).read_bytes())
    for place, value in damage:
        whole[place % len(whole)] = value
    path.write_bytes(whole)
    scan = shards.scan(path, "s.tar")
    assert scan.total == len(scan.pictures) + len(scan.skipped)
