"""Transcripts: lines of JSON that read back as written, and chats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefs.errors import DataError
from prefs.log import Asked
from prefs.questions import pair
from prefs.transcripts import Transcript, Turn, parse_transcript, read_transcripts, turn_of, write_transcripts

PRETTIER = turn_of(
    Asked("t", pair("9f2c", "77ab", "wall", alts=("a valley", "red blocks")), "eig", 0.9, None, 0), 1
)
ONE = Transcript("me", "wall", "eig", (PRETTIER,), "enough")

texts = st.text(max_size=20)
turns = st.lists(texts, min_size=1, max_size=5).flatmap(
    lambda options: st.builds(
        Turn,
        texts,
        texts,
        st.just(tuple(options)),
        st.one_of(st.none(), st.integers(0, len(options) - 1)),
        st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    )
)
transcripts = st.builds(
    Transcript, texts, texts, texts, st.lists(turns, max_size=3).map(tuple), st.one_of(st.none(), texts)
)


@given(transcripts)
def test_a_transcript_is_one_line_that_reads_back_the_same(transcript: Transcript) -> None:
    line = transcript.to_json()
    assert "\n" not in line
    assert parse_transcript(line) == transcript


def test_a_file_reads_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "plans.jsonl"
    assert write_transcripts(path, [ONE, ONE]) == 2
    assert list(read_transcripts(path)) == [ONE, ONE]


def test_the_fields_of_the_contract() -> None:
    data = json.loads(ONE.to_json())
    assert list(data) == ["rater_id", "dataset", "planner", "turns", "stopped"]
    assert list(data["turns"][0]) == ["question_id", "markdown", "options", "answer", "gain_bits", "log_p_id"]
    assert data["turns"][0]["options"][0] == "![a valley](item:9f2c)"


def test_as_a_chat_the_assistant_shows_pictures_and_the_user_answers() -> None:
    skipped = Turn("q", "I like parties.", ("Yes", "No"), None)
    chat = Transcript("me", "wall", "eig", (PRETTIER, skipped)).messages()
    assert [message["role"] for message in chat] == ["assistant", "user"] * 2
    assert "1. ![a valley](item:9f2c)\n2. ![red blocks](item:77ab)\n3. Both the same" in chat[0]["content"]
    assert chat[1]["content"] == "2. red blocks"
    assert chat[3]["content"] == "I can't say."


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"rater_id": 7}, r"line 2\.rater_id: 7, expected text"),
        ({"turns": {}}, r"line 2\.turns: \{\}, expected a list"),
        ({"turns": [1]}, r"line 2\.turns\[0\]: 1, expected an object"),
        ({"turns": [{"question_id": "q", "markdown": "?", "options": ["a", 1]}]}, r"turns\[0\]\.options"),
        (
            {"turns": [{"question_id": "q", "markdown": "?", "options": ["a"], "answer": 1}]},
            "allowed are 0 to 0",
        ),
        (
            {"turns": [{"question_id": "q", "markdown": "?", "options": ["a"], "answer": True}]},
            "a whole number",
        ),
        (
            {"turns": [{"question_id": "q", "markdown": "?", "options": ["a"], "gain_bits": float("nan")}]},
            "a finite number",
        ),
    ],
)
def test_a_wrong_line_is_named_with_its_field(tmp_path: Path, change: dict, line: str) -> None:
    path = tmp_path / "plans.jsonl"
    path.write_text(ONE.to_json() + "\n" + json.dumps({**json.loads(ONE.to_json()), **change}) + "\n")
    with pytest.raises(DataError, match=line):
        list(read_transcripts(path))


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"nonsense"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plans.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match="line 1"):
        list(read_transcripts(path))


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.jsonl cannot be read: No such file"):
        list(read_transcripts(tmp_path / "absent.jsonl"))


def test_a_turn_tells_where_the_person_chose_the_question() -> None:
    turns = [
        turn_of(Asked("t", pair("a", "b", "wall"), planner, None, None, 1), 0)
        for planner in ("eig", "person")
    ]
    line = Transcript("me", "wall", "eig", tuple(turns)).to_json()
    assert [turn.get("planner") for turn in json.loads(line)["turns"]] == [None, "person"]
    assert line.count('"planner"') == 2, "one of the interview, one of the turn that is not the planner's"
    assert parse_transcript(line).turns == tuple(turns)
