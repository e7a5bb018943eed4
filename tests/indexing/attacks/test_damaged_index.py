"""An index that is damaged, replaced or half made is refused before anything reads its vectors."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import faiss
import numpy as np
import pytest
from pictures import Grays, drawn, encoded, folder

from indexing.gallery import Gallery
from indexing.index import Index, point_to
from indexing.prepare import prepare
from prefs.errors import IndexingError

HERE = Path(__file__).resolve()


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    files = {f"{seed}.png": encoded(drawn(seed), "PNG") for seed in range(120)}
    return Gallery.open(folder(tmp_path_factory.mktemp("wall"), files))


@pytest.fixture
def out(gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole index; opening a damaged copy of it must come to neither numpy nor faiss."""
    prepare(gallery, tmp_path / "out", Grays())

    def unreached(*_: object, **__: object) -> None:
        pytest.fail("read without a check")

    monkeypatch.setattr(faiss, "read_index", unreached)
    monkeypatch.setattr(np, "load", unreached)
    return tmp_path / "out"


def refused(folder: Path) -> bool:
    start = time.process_time()
    with pytest.raises(IndexingError) as error:
        Index.open(folder, "grays")
    assert "\n" not in str(error.value)
    return time.process_time() - start < 1


def parts(out: Path) -> list[Path]:
    return [out / "current", *(path for path in sorted(out.glob("index-*/*")))]


def test_truncation_is_refused(out: Path) -> None:
    rng = random.Random(0)
    for number in range(100):
        path = parts(out)[number % len(parts(out))]
        whole = path.read_bytes()
        path.write_bytes(whole[: rng.randrange(len(whole) - 1)])
        assert refused(out)
        path.write_bytes(whole)


def test_flipped_bits_are_refused(out: Path) -> None:
    rng = random.Random(1)
    for number in range(1000):
        path = parts(out)[number % len(parts(out))]
        whole = path.read_bytes()
        data = bytearray(whole)
        data[rng.randrange(len(data) - 1)] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        assert refused(out)
        path.write_bytes(whole)


def test_missing_files_and_foreign_pointers_are_refused(out: Path) -> None:
    build = next(out.glob("index-*"))
    for path in parts(out):
        path.rename(path.with_suffix(".away"))
        assert refused(out)
        path.with_suffix(".away").rename(path)
    pointer = (out / "current").read_text()
    for name in ("", "..", "/etc", f"../out/{build.name}", "index-zzzz", "\xff", "index-" + "0" * 16):
        (out / "current").write_text(pointer.replace(build.name, name))
        assert refused(out)


def test_a_newer_format_is_refused(out: Path) -> None:
    manifest = next(out.glob("index-*")) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    point_to(manifest.parent)
    with pytest.raises(IndexingError, match="has format 2, this program knows 1: update"):
        Index.open(out)


PREPARE = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from pictures import Grays
from indexing import prepare
from indexing.gallery import Gallery

class Slow(Grays):
    def encode(self, pictures):
        time.sleep(0.01)
        return super().encode(pictures)

prepare.PART, prepare.BATCH, prepare.FEW_BYTES = 8, 4, int(sys.argv[4])
print("ready", flush=True)
prepare.prepare(Gallery.open(sys.argv[2]), Path(sys.argv[3]), Slow("new"), workers=2)
"""


def begun(gallery: Gallery, out: Path, processes: bool) -> subprocess.Popen[str]:
    arguments = [str(HERE.parents[1]), str(gallery.root), str(out), "0" if processes else "1000000000"]
    run = subprocess.Popen([sys.executable, "-c", PREPARE, *arguments], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    run.stdout.readline()
    return run


def test_killed_preparations_leave_the_old_index_and_go_on(gallery: Gallery, tmp_path: Path) -> None:
    out = tmp_path / "out"
    old = prepare(gallery, out, Grays("old"))
    rng = random.Random(2)
    for _ in range(4):
        run = begun(gallery, out, processes=False)
        wanted = len(finished(out)) + rng.randrange(1, 4)
        while len(finished(out)) < wanted and run.poll() is None:
            time.sleep(0.001)
        run.send_signal(signal.SIGKILL)
        run.communicate()
        served = Index.open(out, "old")
        np.testing.assert_array_equal(served.vectors, old.vectors)
    with begun(gallery, out, processes=False) as run:
        assert run.wait(60) == 0
    assert_same(Index.open(out, "new"), prepare(gallery, tmp_path / "fresh", Grays("new")))
    assert sorted(path.name for path in out.iterdir()) == ["current", Index.open(out).build.name]


def finished(out: Path) -> list[Path]:
    return list(out.glob("parts-*/*.npz"))


def assert_same(one: Index, other: Index) -> None:
    for file in one.build.iterdir():
        assert (other.build / file.name).read_bytes() == file.read_bytes()


CRASH = """
import os, shutil, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from pictures import Grays
from indexing import prepare
from indexing.gallery import Gallery
from indexing.index import Index

prepare.PART, prepare.BATCH = 32, 16
gallery, start, out = Gallery.open(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
whole = Index.open(start, "old").vectors.tobytes()
sync = os.fsync
for fatal in range(1000):
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(start, out)
    child = os.fork()
    if child == 0:
        left = fatal
        def fsync(handle):
            global left
            if left == 0:
                os._exit(9)
            left -= 1
            sync(handle)
        os.fsync = fsync
        prepare.prepare(gallery, out, Grays("new"), workers=1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), code
    assert Index.open(out).vectors.tobytes() == whole
    if code == 0:
        print(fatal)
        break
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each crash is a forked process")
def test_a_crash_at_any_write_leaves_a_whole_index(gallery: Gallery, tmp_path: Path) -> None:
    prepare(gallery, tmp_path / "start", Grays("old"))
    places = [HERE.parents[1], gallery.root, tmp_path / "start", tmp_path / "out"]
    code = [sys.executable, "-c", CRASH, *map(str, places)]
    run = subprocess.run(code, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 12, "every part, file, manifest and pointer was a place to crash at"
    assert_same(Index.open(tmp_path / "out", "new"), prepare(gallery, tmp_path / "fresh", Grays("new")))


@pytest.mark.skipif(not Path("/proc").exists(), reason="children are listed in /proc")
def test_decoders_end_with_a_killed_preparation(gallery: Gallery, tmp_path: Path) -> None:
    run = begun(gallery, tmp_path / "out", processes=True)
    children: list[str] = []
    while len(children) < 2 and run.poll() is None:
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(Path(f"/proc/{child}").exists() for child in children):
        time.sleep(0.05)
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
