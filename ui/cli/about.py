"""`--about FILE`: what is known already, as JSON question -> answer."""

from __future__ import annotations

import json
from pathlib import Path

from prefs.errors import ConfigError


def read_about(path: Path | None) -> dict[str, int | str]:
    """Question ids with the index or the text of the answer; empty without a file.

    Raises:
        ConfigError: the file cannot be read or is not such a JSON object.
    """
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
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
