"""The gallery maker: same pictures everywhere, whole files, resumable, versioned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from indexing.embedded import draw, families, gallery
from indexing.embedded.families import FAMILIES, draw_one
from indexing.embedded.palettes import PALETTES
from prefs.errors import GalleryError

FEW = ("letters", "compositions")
# Means over 4 x 4 cells of picture 7 of each family, in red, green and blue; after a deliberate change of
# a painter write the new ones: {family: checksum(draw_one(family, 7)[0]).tolist()}.
RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text())


def checksum(picture: Image.Image) -> NDArray[np.uint8]:
    """Means over cells, (48,)."""
    return np.asarray(picture.resize((4, 4), Image.Resampling.BOX)).ravel()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gallery of two pictures each of the two quickest families."""
    monkeypatch.setattr(families, "FAMILIES", {name: FAMILIES[name] for name in FEW})
    monkeypatch.setattr(families, "EACH", 2)


def listed(folder: Path) -> dict[str, dict[str, object]]:
    rows = json.loads((folder / "gallery.json").read_text())["pictures"]
    return {row["file"]: row for row in rows}


def test_there_are_enough_pictures_and_families() -> None:
    assert len(FAMILIES) >= 10
    assert len(FAMILIES) * families.EACH >= 640


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_draws_what_was_recorded(family: str) -> None:
    picture, attributes = draw_one(family, 7)
    assert picture.size == (512, 512)
    assert picture.mode == "RGB"
    assert attributes["palette"] in PALETTES
    assert len(str(attributes["alt"]).split()) >= 3
    # Far tighter than the distance between two pictures, looser than one platform's floats from another's.
    away = np.abs(checksum(picture).astype(float) - RECORDED[family])
    assert float(away.mean()) < 3.0
    assert np.asarray(picture).std() > 4.0


def test_recorded_pictures_are_told_apart_by_their_checksums() -> None:
    sums = [np.array(values) for values in RECORDED.values()]
    gaps = [np.abs(a - b).mean() for at, a in enumerate(sums) for b in sums[:at]]
    assert min(gaps) > 6.0


@pytest.mark.parametrize("family", ["attractors", "botanical", "marbling"])
def test_a_picture_is_the_same_in_two_runs(family: str) -> None:
    first, second = draw_one(family, 3), draw_one(family, 3)
    assert first[1] == second[1]
    assert first[0].tobytes() == second[0].tobytes()


def test_each_palette_and_complexity_is_dealt_within_a_family() -> None:
    briefs = [families._brief("flow", index) for index in range(families.EACH)]
    assert {brief.palette.name for brief in briefs} == set(PALETTES)
    assert min(np.bincount([brief.complexity for brief in briefs])) >= families.EACH // 3 - 1
    assert sorted(brief.deal for brief in briefs) == list(range(families.EACH))


@pytest.mark.parametrize(("family", "index"), [("sunsets", 0), ("flow", -1), ("flow", families.EACH)])
def test_a_picture_that_is_not_there_is_refused(family: str, index: int) -> None:
    with pytest.raises(GalleryError, match="no picture"):
        draw_one(family, index)


@pytest.mark.usefixtures("small")
def test_draws_pictures_and_says_what_they_are(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    draw(tmp_path, lambda done, total: seen.append((done, total)), workers=1)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    about = json.loads((tmp_path / "gallery.json").read_text())
    assert about["version"] == gallery.VERSION
    assert about["license"].startswith("CC0-1.0")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*listed(tmp_path), "gallery.json"])
    for name, row in listed(tmp_path).items():
        with Image.open(tmp_path / name) as picture:
            assert picture.size == (512, 512)
        assert row == {"file": name, **draw_one(str(row["family"]), int(str(row["index"])))[1]}


def test_several_processes_draw_the_same(tmp_path: Path) -> None:
    jobs = [("letters", 0), ("compositions", 1)]
    alone, together = (dict(gallery._drawn(tmp_path / str(count), jobs, count)) for count in (1, 2))
    assert alone == together
    for name in alone:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


@pytest.mark.usefixtures("small")
def test_a_finished_gallery_is_left_alone(tmp_path: Path) -> None:
    draw(tmp_path, workers=1)
    draw(tmp_path, lambda done, total: pytest.fail("drew again"), workers=1)


@pytest.mark.usefixtures("small")
def test_a_damaged_list_is_told_and_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    draw(tmp_path, workers=1)
    assert not caplog.records
    whole = (tmp_path / "gallery.json").read_bytes()
    (tmp_path / "gallery.json").write_bytes(whole[:-40])
    draw(tmp_path, workers=1)
    assert "gallery.json is damaged" in caplog.text
    assert (tmp_path / "gallery.json").read_bytes() == whole


def test_asking_whether_it_is_drawn_imports_no_painter() -> None:
    code = "import sys, indexing.embedded; assert not {'scipy', 'numpy', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.usefixtures("small")
def test_what_a_kill_left_is_kept_and_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, left = gallery._draw_file, [3]

    def dies(out: Path, family: str, index: int) -> tuple[str, dict[str, object]]:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return real(out, family, index)

    monkeypatch.setattr(gallery, "_NOTE_EVERY", 1)
    monkeypatch.setattr(gallery, "_draw_file", dies)
    with pytest.raises(KeyboardInterrupt):
        draw(tmp_path, workers=1)
    assert not (tmp_path / "gallery.json").exists()
    monkeypatch.setattr(gallery, "_draw_file", real)
    seen: list[tuple[int, int]] = []
    draw(tmp_path, lambda done, total: seen.append((done, total)), workers=1)
    assert seen == [(4, 4)]
    assert len(listed(tmp_path)) == 4
    assert not (tmp_path / "drawing.json").exists()


@pytest.mark.usefixtures("small")
def test_a_lost_picture_and_a_newer_version_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path, workers=1)
    (tmp_path / "letters-01.jpg").unlink()
    draw(tmp_path, workers=1)
    assert (tmp_path / "letters-01.jpg").is_file()
    monkeypatch.setattr(gallery, "VERSION", gallery.VERSION + 1)
    seen: list[int] = []
    draw(tmp_path, lambda done, total: seen.append(done), workers=1)
    assert seen == [1, 2, 3, 4]


@pytest.mark.usefixtures("small")
def test_a_family_that_is_given_up_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path, workers=1)
    (tmp_path / "mine.jpg").write_bytes(b"not of the gallery")
    monkeypatch.setattr(families, "FAMILIES", {"letters": FAMILIES["letters"]})
    monkeypatch.setattr(gallery, "VERSION", gallery.VERSION + 1)
    draw(tmp_path, workers=1)
    assert {path.name for path in tmp_path.glob("*.jpg")} == {"letters-00.jpg", "letters-01.jpg", "mine.jpg"}


@pytest.mark.usefixtures("small")
@pytest.mark.skipif(os.name != "posix", reason="needs a path below a file")
def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GalleryError, match="cannot be drawn into"):
        draw(tmp_path / "file" / "gallery", workers=1)


@pytest.mark.slow
def test_no_picture_is_blank_and_no_two_are_alike() -> None:
    sums = []
    for family in FAMILIES:
        for index in range(families.EACH):
            picture, _ = draw_one(family, index)
            assert np.asarray(picture).std() > 3.0, f"{family} {index} is blank"
            sums.append(np.asarray(picture.resize((32, 32), Image.Resampling.BOX), np.float32).ravel())
    table = np.stack(sums)
    for at in range(1, len(table)):
        assert np.abs(table[:at] - table[at]).mean(1).min() > 0.5
