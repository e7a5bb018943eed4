from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import tiny
from pyarrow import parquet

from prefs.belief import infer
from prefs.errors import ConfigError
from prefs.log import Entry
from prefs.store import Store
from training import openbanks, work
from training.openbanks import current
from training.retrain import retrain
from training.workspace import DATABASE, Workspace


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short fits, and trials of one size."""
    tiny.quick_fits(monkeypatch, 30)


def moods(folder: Path, name: str = "moods", raters: int = 60) -> Path:
    """A survey whose questions and raters are like no other's."""
    found = tiny.survey(folder / name, raters)
    for file, column, change in (
        ("questions.parquet", "question_id", lambda question: f"{name}:{question}"),
        ("responses.parquet", "question_id", lambda question: f"{name}:{question}"),
        ("questions.parquet", "text", lambda text: f"{name}: {text}"),
        ("responses.parquet", "rater_id", lambda rater: f"{name} {rater}"),
    ):
        table = parquet.read_table(found / file)
        values = pa.array([change(value) for value in table.column(column).to_pylist()])
        parquet.write_table(table.set_column(table.column_names.index(column), column, values), found / file)
    return found


def answer(workspace: Workspace, rater: str, count: int, consent: bool = True) -> None:
    """An interview of so many answers."""
    interview = workspace.start(rater, {})
    workspace.store.consent(rater, consent)
    live = workspace.interview(rater)
    for _ in range(count):
        asked = live.next()
        assert asked is not None
        workspace.store.ask(rater, interview, asked)
        option = int(asked.question.question_id[-1]) % 2
        entry = Entry(uuid.uuid4().hex, asked.token, "answer", option, None, 900, datetime.now(UTC))
        workspace.store.record(rater, interview, entry)
        live.apply(entry)


def again(data: Path) -> dict:
    with Store.open(data / DATABASE) as store:
        return retrain(data, store)


def test_interviews_become_raters_and_beliefs_follow_the_new_model(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", str(moods(tmp_path))
    old = Workspace.open(data, banks=[folder])
    for number in range(4):
        answer(old, f"guest {number}", 5)
    answer(old, "private", 5, consent=False)
    log = old.store.export("guest 0")
    belief = old.interview("guest 0").belief
    old.close()

    found = again(data)
    assert (found["raters"], found["interviews"], found["answers"]) == (4, 4, 20)
    assert found["skips"] == {"rater who did not agree to it": 1}
    assert found["banks"]["moods"] | {"interviews": 4, "answers_of_interviews": 20} == found["banks"]["moods"]
    assert found["banks"]["moods"]["raters"] == 64
    assert found["left"] == []

    new = Workspace.open(data, banks=[folder])
    assert new.model.version != old.model.version
    assert new.banks["moods"].report["raters"] == 64
    assert new.store.export("guest 0") == log, "the log is only read"
    live = new.interview("guest 0")
    said = [(asked.question, choice) for asked, choice in live.answers]
    fresh = infer(new.model, said)
    assert (live.belief.mean == fresh.mean).all()
    assert (live.belief.cov == fresh.cov).all()
    assert live.belief.answers == belief.answers == 5
    assert (live.belief.mean != belief.mean).any()
    new.close()


def test_an_interview_about_two_banks_ties_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folders = [str(moods(tmp_path)), str(moods(tmp_path, "fears"))]
    old = Workspace.open(data, banks=folders)
    assert [name for name, _ in old.model.space.blocks] == ["style", "moods", "fears"]
    answer(old, "me", 12)
    old.close()
    assert len(again(data)["banks"]) == 2
    new = Workspace.open(data, banks=folders)
    assert [name for name, _ in new.model.space.blocks] == ["style", "fears+moods"]
    assert new.interview("me").belief.answers == 12
    new.close()
    one = Workspace.open(data, banks=folders[:1])
    assert [name for name, _ in one.model.space.blocks] == ["style", "fears+moods"]
    one.close()


def test_again_without_new_answers_is_the_same_model(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", str(moods(tmp_path))
    Workspace.open(data, banks=[folder]).close()
    first, kept = again(data), {}
    for path in (data / "retrained").rglob("*"):
        if path.is_file():
            kept[path] = path.stat().st_mtime_ns
    second = again(data)
    assert second == first
    rewritten = [path.name for path, time in kept.items() if path.stat().st_mtime_ns != time]
    assert rewritten == ["current.json"]


def test_the_model_before_stays_for_whoever_is_opening_it_and_older_ones_go(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", str(moods(tmp_path))
    models = []
    for number in range(3):
        workspace = Workspace.open(data, banks=[folder])
        answer(workspace, f"guest {number}", 4)
        workspace.close()
        models.append(again(data)["model"])
    assert len(set(models)) == 3
    assert {path.name for path in (data / "retrained").iterdir()} == {*models[1:], "current.json"}


def test_before_and_after_are_told_where_there_are_enough_people(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", str(moods(tmp_path, raters=260))
    workspace = Workspace.open(data, banks=[folder])
    for number in range(12):
        answer(workspace, f"guest {number}", 6)
    workspace.close()
    found = again(data)["banks"]["moods"]
    assert found["validation_raters"] >= 20
    assert 0 < found["after"] < 1
    assert found["before"] != found["after"]
    assert found["before"] == pytest.approx(found["after"], abs=0.1)


def test_a_bank_whose_data_is_gone_stays_as_it_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    kept, gone = moods(tmp_path), moods(tmp_path, "fears")
    Workspace.open(data, banks=[str(kept), str(gone)]).close()
    shutil.rmtree(gone)
    found = again(data)
    assert list(found["banks"]) == ["moods"]
    assert found["left"] == [f"bank 'fears': its data at {gone} is gone, put it back"]
    shutil.rmtree(kept)
    with pytest.raises(
        ConfigError, match=r"keeps no bank to fit again \(bank 'fears': its .*interview --bank"
    ):
        again(data)


def test_a_damaged_model_is_passed_over_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data, folder = tmp_path / "data", str(moods(tmp_path))
    first = openbanks.open_bank(folder, data, lambda stage, done, total: None)
    with Store.open(data / DATABASE) as store:
        found = retrain(data, store)
    path = data / "retrained" / found["model"] / "banks" / "moods" / "bank.safetensors"
    path.write_bytes(path.read_bytes()[:-3] + b"bad")
    for damage in (lambda: None, lambda: (data / "retrained" / "current.json").write_text("{")):
        damage()
        caplog.clear()
        opened = openbanks.open_bank(folder, data, lambda stage, done, total: None)
        assert "first fit is opened, not what was learned since" in caplog.text
        assert opened.version == first.version
    assert again(data)["model"] == found["model"], "the same, made whole"
    caplog.clear()
    openbanks.open_bank(folder, data, lambda stage, done, total: None)
    assert "first fit" not in caplog.text


# A program that dies at the nth step of a fit, file that is about to take its place, or removal of a folder.
KILLED = """
import functools, os, shutil, signal, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from prefs.store import Store
from training import retrain, selection, work
from training.fit import Fit, Settings
selection.Settings = functools.partial(Settings, steps=30)
selection.SIZES = (2,)
data, (owner, name), after = Path(sys.argv[1]), sys.argv[2].split("."), int(sys.argv[3])
owner = {{"Fit": Fit, "os": os, "shutil": shutil}}[owner]
if owner is Fit:
    work.CHECKPOINT_S = 0.0
seen, call = 0, getattr(owner, name)
def dying(*rest, **more):
    global seen
    seen += 1
    if seen == after:
        os.kill(os.getpid(), signal.SIGKILL)
    return call(*rest, **more)
with Store.open(data / "kallisti.sqlite") as store:
    setattr(owner, name, dying)
    retrain.retrain(data, store)
"""


@pytest.mark.parametrize(
    ("where", "after", "swapped"),
    [
        ("Fit._step", 17, False),
        ("os.replace", 3, False),  # a file of the new model
        ("os.replace", 6, False),  # its manifest
        ("os.replace", 7, False),  # the file that says which model is opened
        ("shutil.rmtree", 1, True),
    ],
)
def test_killed_anywhere_a_whole_model_stays(tmp_path: Path, where: str, after: int, swapped: bool) -> None:
    data, folder = tmp_path / "data", str(moods(tmp_path))
    workspace = Workspace.open(data, banks=[folder])
    answer(workspace, "me", 4)
    old, log = workspace.model.version, workspace.store.export("me")
    workspace.close()
    code = KILLED.format(root=str(Path(work.__file__).parents[1]))
    found = subprocess.run([sys.executable, "-c", code, str(data), where, str(after)], env={**os.environ})
    assert found.returncode == -signal.SIGKILL
    assert bool(current(data)[0]) == swapped
    workspace = Workspace.open(data, banks=[folder])
    assert (workspace.model.version == old) != swapped
    assert workspace.store.export("me") == log
    workspace.close()
    resumed = again(data)
    shutil.rmtree(data / "retrained")
    assert again(data) == resumed, "what was cut off ends as what was not"
