"""Export, import and erase: everything goes out, comes back the same, and goes for good."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from answering import answer, entry, question, started

from prefs.errors import DataError, NotFoundError
from prefs.log import effective
from prefs.store import Store
from prefs.transcripts import parse_transcript


def lived_in(store: Store, rater_id: str = "me") -> str:
    """An interview with every kind of entry in it."""
    interview = started(store, rater_id)
    for number in range(4):
        answer(store, interview, number, rater_id)
    for one in (
        entry("skip", "answer", "t4"),
        entry("edit", "edit", "t1", 2),
        entry("undo", "undo", response_ms=None),
        entry("flag", "flag", item="left2"),
    ):
        store.record(rater_id, interview, one)
    store.stop(rater_id, interview, "enough")
    store.consent(rater_id, True)
    return interview


def test_export_erase_import_is_the_same(store: Store) -> None:
    interview = lived_in(store)
    started(store)
    before, log = json.loads(json.dumps(store.export("me"))), store.log("me", interview)
    assert store.erase("me") == {"entries": 8, "questions": 6, "interviews": 2, "raters": 1}
    assert store.log_of_rater("me") == ({}, [])
    assert store.import_(before) == {"interviews": 2, "questions": 6, "entries": 8}
    assert store.export("me") == before
    assert store.log("me", interview) == log


def test_import_twice_or_of_a_part_adds_only_what_is_new(store: Store) -> None:
    lived_in(store)
    whole = store.export("me")
    assert store.import_(whole) == {"interviews": 0, "questions": 0, "entries": 0}
    part = copy.deepcopy(whole)
    del part["interviews"][0]["entries"][2:]
    store.erase("me")
    store.import_(part)
    assert store.import_(whole)["entries"] == 6
    assert store.export("me") == whole


def test_import_for_another_rater_is_a_copy_of_its_own(store: Store) -> None:
    mine = lived_in(store)
    data = store.export("me")
    assert store.import_(data, "twin")["entries"] == 8
    assert store.import_(data, "twin") == {"interviews": 0, "questions": 0, "entries": 0}
    (theirs,) = store.interviews("twin")
    assert theirs["interview_id"] != mine
    assert effective(*store.log_of_rater("twin")) == effective(*store.log_of_rater("me"))


def test_an_interview_of_somebody_else_cannot_be_imported_over(store: Store) -> None:
    lived_in(store)
    stolen = store.export("me")
    stolen["rater"]["rater_id"] = "eve"
    with pytest.raises(DataError, match="has no interview"):
        store.import_(stolen)
    assert [rater["rater_id"] for rater in store.raters()] == ["me"]


def changed(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The export with one field, such as interviews.0.settings, replaced."""
    data = copy.deepcopy(data)
    at: Any = data
    *way, last = path.split(".")
    for step in way:
        at = at[int(step)] if step.isdigit() else at[step]
    at[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("format", "somebody else's/1", "expected 'kallisti.answers/1'"),
        ("rater", None, r"export\.rater: None, expected an object"),
        ("rater.rater_id", "a\nb", "visible characters"),
        ("rater.consent", "yes", "expected true or false"),
        ("interviews.0.started_at", "yesterday", "expected a moment like"),
        ("interviews.0.settings", [], "expected an object"),
        ("interviews.0.asked.1.token", "a b", "token 'a b'"),
        ("interviews.0.asked.1.question.kind", "poem", "none of pair"),
        ("interviews.0.asked.1.question.options.0.role", "boss", "allowed roles"),
        ("interviews.0.asked.1.gain_bits", float("inf"), "a finite number"),
        ("interviews.0.entries.0.answer", 9, r"interviews\[0\].*allowed are 0 to 2"),
        ("interviews.0.entries.0.at", "2026-01-31T12:00:00", "with a time zone"),
        ("interviews.0.entries.0.action", "bless", "allowed are answer"),
        ("interviews.0.entries.0.action", "edit", "no answer that stands"),
        ("interviews.0.entries.0.next_token", "nowhere", "not among the questions"),
    ],
)
def test_a_wrong_export_is_refused_whole(file: Path, path: str, value: Any, line: str) -> None:
    with Store.open(file) as store:
        lived_in(store)
        data = changed(store.export("me"), path, value)
        store.erase("me")
        with pytest.raises(DataError, match=line):
            store.import_(data)
        assert store.raters() == []


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("interviews.0.asked.1.question.markdown", "Which is uglier?", "was given to another question"),
        ("interviews.0.entries.0.answer", 1, "stored with another content"),
    ],
)
def test_an_export_that_contradicts_the_store_is_refused_whole(
    file: Path, path: str, value: Any, line: str
) -> None:
    with Store.open(file) as store:
        lived_in(store)
        before = store.export("me")
        with pytest.raises(DataError, match=line):
            store.import_(changed(before, path, value))
        assert store.export("me") == before


def test_transcripts_hold_the_answers_that_stand(store: Store) -> None:
    lived_in(store)
    (line,) = store.transcripts("me")
    found = parse_transcript(line)
    assert (found.rater_id, found.dataset, found.planner, found.stopped) == ("me", "wall", "eig", "enough")
    assert [turn.answer for turn in found.turns] == [0, 2, 2, 0]
    assert found.turns[0].gain_bits == question(0).gain_bits


def test_erase_leaves_no_byte_of_the_person_in_the_folder(file: Path) -> None:
    name = "zx81-unmistakable"
    with Store.open(file) as store:
        lived_in(store, "me")
        lived_in(store, name)
        store.rename(name, "Unmistakable Person")
        interview = store.latest(name) or store.interviews(name)[0]["interview_id"]
        needles = [name.encode(), b"Unmistakable", interview.encode()]
        assert any(needle in path.read_bytes() for path in file.parent.iterdir() for needle in needles)
        mine = store.export("me")
        assert store.erase(name)["raters"] == 1
        for path in file.parent.rglob("*"):
            assert not any(needle in path.read_bytes() for needle in needles), path
        assert store.export("me") == mine
        with pytest.raises(NotFoundError):
            store.export(name)
        assert store.erase(name) == {"entries": 0, "questions": 0, "interviews": 0, "raters": 0}
