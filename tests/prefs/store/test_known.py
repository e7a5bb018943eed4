"""What people tell beforehand, kept: once, in order, exported, imported, erased, and in older databases."""

from __future__ import annotations

import copy
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from answering import NOON, answer, started

from prefs.beforehand import Statement, answers_of, note_of
from prefs.errors import DataError, QuestionError
from prefs.questions import Option, Question
from prefs.store import Store, schema
from prefs.store.engine import WRITE, connect, use_write_ahead_log

RAIN = Question("rain", "choice", "Do you like <b>rain</b>?", (Option("Yes"), Option("日本")), "bank")
LIKES = Statement("e1", RAIN, 1, None, NOON)
NOTE = Statement("e2", None, None, "An Ölberg.\nTwo lines.", NOON)
AWAY = Statement("e3", RAIN, None, None, NOON + timedelta(days=1))


def test_told_once_in_order_and_to_nobody_else(store: Store) -> None:
    assert store.told("me") == []
    for one in (LIKES, NOTE, LIKES):
        store.tell("me", one)
    assert store.told("me") == [LIKES, NOTE]
    assert store.told("you") == []
    assert store.interviews("me") == []
    with pytest.raises(QuestionError, match="'e1' was used for something else"):
        store.tell("me", replace(LIKES, answer=0))
    store.tell("you", replace(LIKES, answer=0))  # ids are the rater's own
    store.tell("me", AWAY)
    assert answers_of(store.told("me")) == []
    store.tell("me", replace(LIKES, entry_id="e4"))
    assert answers_of(store.told("me")) == [(RAIN, 1)], "a clock that was set back misorders nothing"


def test_export_erase_import_is_the_same(store: Store) -> None:
    for one in (LIKES, NOTE):
        store.tell("me", one)
    answer(store, started(store), 0)
    before = json.loads(json.dumps(store.export("me")))
    assert [one["entry_id"] for one in before["known"]] == ["e1", "e2"]
    assert store.erase("me")["told beforehand"] == 2
    assert store.told("me") == []
    assert store.import_(before)["told beforehand"] == 2
    assert store.export("me") == before
    assert "told beforehand" not in store.import_(before)
    assert store.import_(before, "twin")["told beforehand"] == 2
    assert store.told("twin") == store.told("me")


def test_an_older_export_does_not_speak_over_a_newer_word(store: Store) -> None:
    store.tell("me", NOTE)
    older = store.export("me")
    store.erase("me")
    store.tell("me", Statement("e9", None, None, "Newer.", NOON + timedelta(days=1)))
    store.import_(older)
    assert note_of(store.told("me")) == "Newer."


def test_an_export_from_before_there_was_any_of_this(store: Store) -> None:
    started(store)
    data = store.export("me")
    del data["known"]
    store.erase("me")
    assert store.import_(data)["interviews"] == 1
    assert store.told("me") == []


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("answer", 2, r"export\.known\[0\].*allowed are 0 to 1"),
        ("answer", 0, "used for something else"),
        ("note", "x", "either a question or a note"),
        ("question", {}, r"export\.known\[0\]\.question\.options: missing"),
        ("at", "now", "expected a moment"),
    ],
)
def test_a_wrong_or_contradicting_export_is_refused_whole(
    store: Store, name: str, value: object, line: str
) -> None:
    for one in (LIKES, NOTE):
        store.tell("me", one)
    before = store.export("me")
    data = copy.deepcopy(before)
    data["known"][0][name] = value
    with pytest.raises(DataError, match=line):
        store.import_(data)
    assert store.export("me") == before


def test_many_tell_at_once(store: Store) -> None:
    names = [f"t{number}" for number in range(16)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: store.tell("me", replace(NOTE, entry_id=name)), names))
    assert sorted(one.entry_id for one in store.told("me")) == sorted(names)


def test_erasing_leaves_no_byte_of_it(file: Path) -> None:
    with Store.open(file) as store:
        store.tell("me", replace(NOTE, note="zx81-unmistakable"))
        store.erase("me")
        assert not any(b"zx81-unmistakable" in path.read_bytes() for path in file.parent.rglob("*"))


def test_a_database_of_the_version_before_is_brought_up_to_date(file: Path) -> None:
    file.parent.mkdir()
    engine = connect(file)
    use_write_ahead_log(engine)
    with engine.connect().execution_options(**WRITE) as connection, connection.begin():
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql("INSERT INTO raters VALUES ('me', NULL, 0, '2026-01-31 12:00:00')")
    engine.dispose()
    with Store.open(file) as store:
        assert store.check()["version"] == schema.VERSION
        assert [one["rater_id"] for one in store.raters()] == ["me"]
        store.tell("me", LIKES)
        assert store.told("me") == [LIKES]
