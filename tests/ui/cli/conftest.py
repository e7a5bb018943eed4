from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from commanding import Done, Run


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, own_data_dir: Path) -> Run:
    """Calls `run("rank", folder, "--out", file, input="")` and returns how it ended."""
    import ui.cli

    monkeypatch.setenv("COLUMNS", "120")

    def call(*words: object, input: str = "") -> Done:
        monkeypatch.setattr(sys, "argv", ["kallisti", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(input))
        capfd.readouterr()
        code = ui.cli._run()
        found = capfd.readouterr()
        return Done(code, found.out, found.err)

    return call


@pytest.fixture
def data(own_data_dir: Path) -> Path:
    """The data folder of the commands."""
    return own_data_dir
