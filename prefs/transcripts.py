"""Transcripts: interviews as lines of JSON, and as chats.

One interview is one line: `rater_id, dataset, planner, turns: [{question_id, markdown, options,
answer, gain_bits, log_p_id}], stopped`. As a chat the assistant asks and the user answers, in the
messages format that language models are trained on; pictures stay Markdown images.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefs.errors import DataError
from prefs.fields import Fields
from prefs.files import replacing
from prefs.log import Asked
from prefs.markdown import plain
from prefs.questions import Answer

SKIP = "I can't say."


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with its options (Markdown, as shown) and what was answered.

    answer: index into options, or None for a skip. gain_bits: information that was expected of
    the question. log_p_id: log probability (nats) of the true rater after the answer. planner: who
    chose the question where it was the person and not the planner of the interview.
    """

    question_id: str
    markdown: str
    options: tuple[str, ...]
    answer: Answer
    gain_bits: float | None = None
    log_p_id: float | None = None
    planner: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """One interview. dataset: where the questions come from. stopped: why it ended."""

    rater_id: str
    dataset: str
    planner: str
    turns: tuple[Turn, ...]
    stopped: str | None = None

    def to_json(self) -> str:
        """The transcript as one line of JSON."""
        turns = [_values(turn) for turn in self.turns]
        for turn in turns:
            if turn["planner"] is None:
                del turn["planner"]
        return json.dumps({**_values(self), "turns": turns}, ensure_ascii=False, allow_nan=False)

    def messages(self) -> list[dict[str, str]]:
        """The transcript as a chat: {"role": "assistant" or "user", "content": Markdown}, ..."""
        chat = []
        for turn in self.turns:
            options = "\n".join(f"{number}. {option}" for number, option in enumerate(turn.options, 1))
            said = SKIP if turn.answer is None else f"{turn.answer + 1}. {plain(turn.options[turn.answer])}"
            chat.append({"role": "assistant", "content": f"{turn.markdown}\n\n{options}"})
            chat.append({"role": "user", "content": said})
        return chat


def _values(one: Turn | Transcript) -> dict[str, Any]:
    """Fields by name; `asdict` copies all values, which takes longer than planning the interview."""
    return {name: getattr(one, name) for name in one.__slots__}


def turn_of(asked: Asked, answer: Answer) -> Turn:
    """The turn of an answered question."""
    question = asked.question
    options = tuple(option.markdown for option in question.options)
    planner = asked.planner if asked.by_person else None
    return Turn(question.question_id, question.markdown, options, answer, asked.gain_bits, planner=planner)


def write_transcripts(path: Path, transcripts: Iterable[Transcript]) -> int:
    """Writes transcripts as JSON Lines, the whole file or none of it; returns how many."""
    count = 0
    with replacing(path) as stream:
        for transcript in transcripts:
            stream.write(transcript.to_json().encode() + b"\n")
            count += 1
    return count


def read_transcripts(path: Path) -> Iterator[Transcript]:
    """Reads transcripts one by one.

    Raises:
        DataError: the file cannot be read, or a line is no transcript (names line and field).
    """
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield parse_transcript(line, f"{path} line {number}")
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror}") from problem


def parse_transcript(line: str | bytes, where: str = "transcript") -> Transcript:
    """One line of JSON as a transcript; raises DataError with the place and the field."""
    try:
        data: Any = json.loads(line)
    except ValueError as problem:
        raise DataError(f"{where}: not JSON ({problem})") from problem
    fields = Fields(data, where)
    return Transcript(
        rater_id=fields.text("rater_id"),
        dataset=fields.text("dataset"),
        planner=fields.text("planner"),
        turns=tuple(_turn(row) for row in fields.rows("turns")),
        stopped=fields.maybe_text("stopped"),
    )


def _turn(row: Fields) -> Turn:
    options, answer = row.texts("options"), row.maybe_whole("answer")
    if answer is not None and not 0 <= answer < len(options):
        raise DataError(
            f"{row.where}.answer: {answer}, allowed are 0 to {len(options) - 1}, or null for a skip"
        )
    return Turn(
        question_id=row.text("question_id"),
        markdown=row.text("markdown"),
        options=options,
        answer=answer,
        gain_bits=row.maybe_number("gain_bits"),
        log_p_id=row.maybe_number("log_p_id"),
        planner=row.maybe_text("planner"),
    )
