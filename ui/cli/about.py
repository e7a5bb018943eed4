"""`--about FILE`: what is known already, as JSON question -> answer or as free words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from prefs.errors import ConfigError, QuestionError


@dataclass(frozen=True)
class About:
    """What a file tells: answers by question id (the index or the text of an option), or a note."""

    answers: dict[str, int | str] = field(default_factory=dict)
    note: str = ""

    def __bool__(self) -> bool:
        return bool(self.answers or self.note)


def read_about(path: Path | None) -> About:
    """What the file tells; nothing without a file.

    A file whose name ends in .json, or whose text begins with a brace or a bracket, is to be JSON.

    Raises:
        ConfigError: the file cannot be read, is empty, or is JSON of another form.
    """
    if path is None:
        return About()
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as problem:
        raise ConfigError(f"--about {path} cannot be read as text: {problem}") from problem
    if path.suffix.lower() == ".json" or text.startswith(("{", "[")):
        return About(answers=_answers(path, text))
    return About(note=_note(path, text))


def _note(path: Path, text: str) -> str:
    from prefs.beforehand import check_note

    if not text:
        raise ConfigError(f"--about {path} is empty: write notes into it, or JSON question id -> answer")
    try:
        return check_note(text)
    except QuestionError as problem:
        raise ConfigError(f"--about {path}: {problem}") from problem


def _answers(path: Path, text: str) -> dict[str, int | str]:
    try:
        found = json.loads(text)
    except ValueError as problem:
        raise ConfigError(f"--about {path} cannot be read as JSON: {problem}") from problem
    if not isinstance(found, dict):
        raise ConfigError(
            f'--about {path} holds a {type(found).__name__}: expected {{"question id": answer}}'
        )
    for question, answer in found.items():
        if isinstance(answer, bool) or not isinstance(answer, int | str):
            raise ConfigError(
                f"--about {path}: answer {answer!r} to {question!r} is neither an option's index nor its text"
            )
    return found
