"""Bad input ends as one clear line on standard error and exit code 2; what was there stays."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import sys
from pathlib import Path

import pytest
import tiny
from commanding import Done, Run, answered


@pytest.fixture(autouse=True)
def _encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.use(monkeypatch)


def refused(found: Done, *parts: str) -> None:
    """One line that holds the parts, exit code 2, nothing on standard output."""
    lines = [line for line in found.err.splitlines() if line.startswith("kallisti: ")]
    assert found.code == 2
    assert found.out == ""
    assert len(lines) == 1, found.err
    assert "Traceback" not in found.err
    for part in parts:
        assert part in lines[0]


def test_a_gallery_without_pictures(run: Run, tmp_path: Path) -> None:
    (tmp_path / "art").mkdir()
    refused(run("interview", "--gallery", tmp_path / "art"), "no usable picture", "at least two")


def test_a_gallery_of_one_picture(run: Run, tmp_path: Path) -> None:
    folder = tiny.gallery(tmp_path / "art", 1)
    refused(run("index", folder, "--out", tmp_path / "index"), "only one usable picture", "at least two")
    assert not (tmp_path / "index" / "current").exists()


def test_a_gallery_that_is_not_there_or_not_a_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    refused(run("interview", "--gallery", tmp_path / "nowhere"), "does not exist", "name a folder")
    refused(run("interview", "--gallery", tmp_path / "file"), "is a file", "name the folder")
    refused(run("rank", "http://example.org", "--out", tmp_path / "x.csv"), "is an address")


def test_a_gallery_without_permission(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.gallery(tmp_path / "art")
    scan = os.scandir

    def denied(path: str) -> object:  # what the system says to whoever is not root
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)
    refused(run("interview", "--gallery", folder), "no permission to read it")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything: run as another user")
def test_a_gallery_that_the_system_closes(run: Run, tmp_path: Path) -> None:
    folder = tiny.gallery(tmp_path / "art")
    folder.chmod(0)
    try:
        refused(run("interview", "--gallery", folder), "no permission to read it")
    finally:
        folder.chmod(0o700)


def test_a_bank_that_is_unknown_or_has_one_option(run: Run, tmp_path: Path) -> None:
    refused(run("interview", "--bank", "nothing"), "'nothing' is neither bfi nor epi nor a folder")
    one = tiny.survey(tmp_path / "moods", options=1)
    refused(run("interview", "--bank", one), "'q0' has 1 options", "at least two")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("I like red.", "cannot be read as JSON"),
        ("[1]", "holds a list"),
        ('{"q0": 1.5}', "neither an option's index nor its text"),
        ('{"q99": 0}', "question 'q99' is in none of the open banks (moods)"),
        ('{"q0": "Maybe"}', "allowed are ['Yes', 'No']"),
    ],
)
def test_known_answers_that_mean_nothing(run: Run, tmp_path: Path, content: str, part: str) -> None:
    (tmp_path / "about.json").write_text(content)
    found = run("interview", "--bank", tiny.survey(tmp_path / "moods"), "--about", tmp_path / "about.json")
    assert found.code == 2
    assert part in found.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "is empty"),
        (b"x" * 20_001, "20,001 characters: allowed are 20,000"),
        (b"\xff\xfe", "cannot be read as text"),
        (b'{"q0": "Yes"', "cannot be read as JSON"),
    ],
)
def test_notes_that_cannot_be_taken(run: Run, tmp_path: Path, content: bytes, part: str) -> None:
    (tmp_path / "about.txt").write_bytes(content)
    bank = tiny.survey(tmp_path / "moods")
    refused(run("interview", "--bank", bank, "--about", tmp_path / "about.txt"), "about.txt", part)


def test_what_is_done_with_a_note_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "about.txt").write_text("I grew up by the sea.")
    about = ("--about", tmp_path / "about.txt")
    moods = tiny.survey(tmp_path / "moods")
    found = run("interview", "--bank", moods, *about, "--questions", 1, input="1\n")
    assert (found.code, "only an interviewer (--interviewer) reads it" in found.err) == (0, True)
    found = run("predict", moods, *about)
    assert (found.code, "it is not read" in found.err) == (0, True)
    refused(run("serve", "--host", "0.0.0.0", "--bank", moods, *about), "about one person")


def test_a_database_of_a_newer_version_is_left_as_it_is(run: Run, tmp_path: Path, data: Path) -> None:
    answered(run, tiny.gallery(tmp_path / "art"), 3)
    path = data / "kallisti.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE kallisti_version SET version_num = '9999'")
    database.close()
    before = path.read_bytes()
    for command in (["raters"], ["export"], ["erase", "--yes"], ["interview", "--gallery", tmp_path / "art"]):
        refused(run(*command), "9999", "newer")
    assert path.read_bytes() == before


def test_a_database_that_is_none(run: Run, data: Path) -> None:
    data.mkdir()
    (data / "kallisti.sqlite").write_bytes(b"not a database, by far" * 50)
    refused(run("raters"), "kallisti.sqlite", "not a database")
    refused(run("raters", "--database-url", "mysql://localhost/x"), "allowed are sqlite:///FILE")


def test_a_port_in_use_is_told_before_anything_is_prepared(run: Run, tmp_path: Path, data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = run("serve", "--port", port, "--gallery", tiny.gallery(tmp_path / "art"))
    refused(found, f"port {port}", "choose another with --port")
    assert not data.exists()


def test_what_is_known_of_one_person_is_not_served_to_many(run: Run, tmp_path: Path) -> None:
    (tmp_path / "about.json").write_text('{"q0": "Yes"}')
    about = ("--bank", tiny.survey(tmp_path / "moods"), "--about", tmp_path / "about.json")
    refused(run("serve", "--host", "0.0.0.0", *about), "about one person", "leave one of them out")


def test_a_data_folder_that_is_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    where = ("--data-dir", tmp_path / "file")
    refused(
        run("interview", "--gallery", tiny.gallery(tmp_path / "art"), *where), "name a folder with --data-dir"
    )
    refused(run("raters", *where), "choose another --data-dir")
    assert (tmp_path / "file").read_text() == "no folder"


@pytest.mark.parametrize("name", ["nonsense", "open_clip:", "open_clip:ViT-B-32"])
def test_an_encoder_that_is_unknown(
    run: Run, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sys.modules["indexing.encoders.resolve"].resolve
    monkeypatch.setattr("indexing.encoders.resolve", real)
    words = ("--out", tmp_path / "index", "--encoder", name)
    refused(run("index", tiny.gallery(tmp_path / "art"), *words), repr(name), "allowed are auto")


def test_a_file_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    folder = tiny.gallery(tmp_path / "art")
    answered(run, folder, 3)
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "folder.csv").mkdir()
    for out in (tmp_path / "file" / "x.csv", tmp_path / "folder.csv"):
        refused(run("rank", folder, "--out", out), str(out), "cannot be written")
    refused(run("rank", folder, "--out", tmp_path / "x.doc"), "end in .csv or .html")
    refused(run("export", "--out", tmp_path / "file" / "me.json"), "cannot be written")
    refused(run("index", folder, "--out", tmp_path / "file"), "cannot be written")


def test_a_person_who_is_unknown_or_has_answered_nothing(run: Run, tmp_path: Path) -> None:
    folder = tiny.gallery(tmp_path / "art")
    refused(run("rank", folder, "--out", tmp_path / "x.csv", "--rater", "eve"), "'eve' has answered nothing")
    for command in (["export"], ["export", "--transcripts"], ["erase", "--yes"]):
        refused(run(*command, "--rater", "eve"), "nobody is called 'eve'")


@pytest.mark.parametrize("content", ["", "[" * 100_000, "{}", '{"format": "other"}', json.dumps([1])])
def test_an_import_that_is_none(run: Run, tmp_path: Path, content: str) -> None:
    (tmp_path / "me.json").write_text(content)
    found = run("import", tmp_path / "me.json")
    refused(found)
    assert run("raters", "--json").json == []


@pytest.mark.parametrize(
    ("words", "within", "line"),
    [
        (
            ("train", "epi", "--out", "m"),
            "training.banks.bank_of",
            "what was done is kept, add --resume to go on",
        ),
        (
            ("plan", "epi", "--model", "m", "--out", "p.jsonl"),
            "training.banks.bank_of",
            "what was done is kept, add --resume to go on",
        ),
        (("index", "art", "--out", "i"), "indexing.gallery.Gallery.open", "the same command goes on"),
        (("retrain",), "training.retrain.retrain", "the same command goes on"),
        (
            ("evaluate", "epi", "--model", "m", "--json", "e.json"),
            "training.banks.bank_of",
            "nothing was written",
        ),
        (("serve",), "training.workspace.Workspace.open", "every answer given so far is kept"),
        (("rank", "art", "--out", "r.csv"), "training.workspace.Workspace.open", "stopped"),
    ],
)
def test_an_interrupt_says_what_is_kept(
    run: Run, tmp_path: Path, words: tuple[str, ...], within: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*rest: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(within, interrupted)
    found = run(*words)
    assert found.code == 130
    assert found.err.splitlines()[-1].startswith("kallisti: stopped")
    assert found.err.splitlines()[-1].endswith(line)
    assert ("--resume" in found.err) == ("--resume" in run(words[0], "--help").out), "only where there is one"


def test_options_that_are_none(run: Run) -> None:
    refused(run("interview", "--questions", 0), "--questions")
    refused(run("interview", "--acquisition", "best"), "--acquisition")
    refused(run("rank"), "gallery")
    refused(run("paint"), "paint")
