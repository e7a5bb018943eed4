from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pictures import drawn, encoded, folder, shard

from indexing.gallery import Gallery
from indexing.sources import item_id
from prefs.errors import GalleryError

A, B, C = (encoded(drawn(seed), "PNG") for seed in range(3))


def test_a_folder_is_read_with_all_that_is_below(tmp_path: Path) -> None:
    root = folder(tmp_path / "wall", {"a.png": A, "sea/b.PNG": B, "sea/deep/c.jpg": C, "notes.txt": b"x"})
    gallery = Gallery.open(root)
    assert (len(gallery), gallery.name, gallery.skipped.report()) == (3, "wall", "")
    assert gallery.items() == tuple(sorted(gallery.items()))
    assert gallery.topics == ("sea",)
    item = gallery.by_key("sea/b.PNG")
    assert gallery.topic(item) == "sea"
    assert gallery.picture(item) == drawn(1)
    assert gallery.picture(item, side=24).size == (24, 16)


def test_ids_follow_the_content_and_not_the_name(tmp_path: Path) -> None:
    first = Gallery.open(folder(tmp_path / "one", {"a.png": A, "b.png": B}))
    moved = Gallery.open(folder(tmp_path / "two", {"x/renamed.jpg": A, "y.png": B, "copy of y.png": B}))
    assert first.items() == moved.items()
    assert first.identity == moved.identity
    assert (first.duplicates, moved.duplicates) == (0, 1)
    assert moved.by_key("copy of y.png") == moved.by_key("y.png") == first.by_key("b.png")
    assert item_id(b"abc") == "xj4bnp4pahh6uqkb", "ids are kept for ever: answers refer to them"


def test_descriptions_never_reveal_the_file_name(tmp_path: Path) -> None:
    root = folder(tmp_path, {"my ex-wife.png": A, "b.png": B, "c.png": C})
    rows = [
        {"file": "b.png", "alt": "  a calm\nsea ", "family": "color_fields"},
        {"file": "c.png", "alt": "x" * 900 + "\x1b[0m"},
        {"file": "../../elsewhere.png", "alt": "no"},
    ]
    (root / "gallery.json").write_text(json.dumps({"title": "Seas", "pictures": rows}))
    gallery = Gallery.open(root)
    alts = [gallery.alt(gallery.by_key(key)) for key in ("my ex-wife.png", "b.png", "c.png")]
    assert alts[0].startswith("picture ")
    assert alts[1:] == ["a calm sea", "x" * 300]
    assert gallery.topics == ("color fields",)
    assert gallery.title == "Seas"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pictures": [1]}', '{"pictures": 3}', "[" * 100_000])
def test_a_strange_gallery_json_is_ignored(tmp_path: Path, content: str) -> None:
    root = folder(tmp_path, {"a.png": A, "b.png": B})
    (root / "gallery.json").write_text(content)
    assert len(Gallery.open(root)) == 2


def test_what_is_skipped_is_counted_and_named(tmp_path: Path) -> None:
    files = {"a.png": A, "b.png": B, "c.heic": C, ".hidden.png": C, ".git/d.png": C, "empty.jpg": b""}
    files |= {f"page{number}.png": b"<html>" for number in range(5)}
    gallery = Gallery.open(folder(tmp_path, files))
    assert len(gallery) == 2
    assert gallery.skipped.reasons == {"not JPEG, PNG or WebP": 6, "empty": 1}
    assert gallery.skipped.share == 7 / 9
    assert gallery.skipped.report() == (
        "7 of 9 files skipped: 6 not JPEG, PNG or WebP (c.heic, page0.png, page1.png, ...), "
        "1 empty (empty.jpg)"
    )


def test_links_and_special_files(tmp_path: Path) -> None:
    outside = folder(tmp_path / "outside", {"secret.png": C})
    root = folder(tmp_path / "wall", {"a.png": A, "b.png": B})
    (root / "leaves.png").symlink_to(outside / "secret.png")
    (root / "leaves").symlink_to(outside, target_is_directory=True)
    (root / "stays.png").symlink_to(root / "a.png")
    (root / "loop").symlink_to(root, target_is_directory=True)
    os.mkfifo(root / "pipe.png")
    gallery = Gallery.open(root)
    assert len(gallery) == 2
    assert gallery.duplicates == 1
    assert gallery.skipped.reasons == {"link out of the folder": 2, "not a plain file": 1}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no usable picture"),
        ({"a.png": A}, "holds only one usable picture"),
        ({"a.png": A, "b.png": A}, "holds only one usable picture"),
        ({"a.png": b"", "b.gif": b"GIF89a"}, "holds no usable picture.*2 of 2 files skipped"),
    ],
)
def test_too_few_pictures(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(GalleryError, match=message) as error:
        Gallery.open(folder(tmp_path, files))
    assert "\n" not in str(error.value)


def test_what_is_no_folder_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(A)
    with pytest.raises(GalleryError, match="is a file: name the folder"):
        Gallery.open(tmp_path / "a.png")
    with pytest.raises(GalleryError, match="does not exist: name a folder"):
        Gallery.open(tmp_path / "absent")
    with pytest.raises(GalleryError, match="does not exist"):
        Gallery.open("nul\0byte")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(GalleryError, match="no permission to read it"):
        Gallery.open(tmp_path)


def test_files_and_folders_without_permission_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(tmp_path, {"a.png": A, "b.png": B, "c.png": C, "locked/d.png": C})
    read, scan = Path.read_bytes, os.scandir

    def read_bytes(path: Path) -> bytes:
        if path.name == "c.png":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    def scandir(path: str | Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    monkeypatch.setattr("os.scandir", scandir)
    gallery = Gallery.open(root)
    assert len(gallery) == 2
    assert gallery.skipped.report() == "2 of 4 files skipped: 2 no permission (c.png, locked)"


def test_the_cache_spares_reading_and_notices_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(tmp_path / "wall", {"a.png": A, "b.png": B, "bad.png": b"<svg>"})
    shard(root / "s.tar", {"k.png": C, "k.json": b'{"caption": "dusk"}'})
    cache = tmp_path / "cache.json"
    first = Gallery.open(root, cache)
    reads: list[str] = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (reads.append(path.name), read(path))[1])
    again = Gallery.open(root, cache)
    assert set(reads) <= {"cache.json", "gallery.json"}
    assert again.items() == first.items()
    assert again.skipped.report() == first.skipped.report()
    assert again.alt(again.by_key("k")) == "dusk"
    (root / "b.png").write_bytes(encoded(drawn(9), "PNG"))
    (root / "a.png").unlink()
    changed = Gallery.open(root, cache)
    assert "b.png" in reads
    assert len(changed) == 2
    assert changed.by_key("b.png") not in first.items()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"version": 1, "files": {"a.png": [1]}}', b"\xff\xfe"]
)
def test_an_unreadable_cache_is_made_anew(tmp_path: Path, content: bytes) -> None:
    root = folder(tmp_path / "wall", {"a.png": A, "b.png": B})
    cache = tmp_path / "cache.json"
    cache.write_bytes(content)
    assert len(Gallery.open(root, cache)) == 2
    assert json.loads(cache.read_bytes())["files"].keys() == {"a.png", "b.png"}


def test_a_picture_that_changed_or_went_is_not_shown(tmp_path: Path) -> None:
    root = folder(tmp_path, {"a.png": A, "b.png": B})
    gallery = Gallery.open(root)
    first, second = gallery.by_key("a.png"), gallery.by_key("b.png")
    (root / "a.png").write_bytes(C)
    (root / "b.png").unlink()
    with pytest.raises(GalleryError, match="has changed since it was indexed"):
        gallery.picture(first)
    with pytest.raises(GalleryError, match="cannot be read"):
        gallery.picture(second)
    with pytest.raises(GalleryError, match=r"no picture '\.\./\.\./etc/passwd'"):
        gallery.picture("../../etc/passwd")
    with pytest.raises(GalleryError, match="known as 'zzz'"):
        gallery.by_key("zzz")


def test_progress_counts_files(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    Gallery.open(folder(tmp_path, {"a.png": A, "b.png": B}), progress=lambda *step: seen.append(step))
    assert seen[-1] == ("scan", 2, 2)


def test_real_shards(real_data: Path) -> None:
    gallery = Gallery.open(real_data / "images" / "prettier-pairs")
    assert (len(gallery), gallery.duplicates, gallery.skipped.report()) == (1149, 2, "")
    assert gallery.topics == ("flower", "house", "painting")
    assert gallery.picture(gallery.by_key("flower-000")).size == (256, 197)
    assert gallery.in_shards
