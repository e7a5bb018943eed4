"""Fixtures of all tests: nothing touches the network, the user's data folder or more than one thread."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.update(
    HF_HUB_OFFLINE="1",
    GRADIO_ANALYTICS_ENABLED="0",
    OMP_NUM_THREADS="1",
    TQDM_DISABLE="1",
)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def own_data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a data folder of its own, so that the user's is never touched."""
    folder = tmp_path / "data-dir"
    monkeypatch.setenv("KALLISTI_DATA_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real survey and image sets; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("KALLISTI_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "surveys").is_dir():
        pytest.skip(f"real data is not at {folder}: set KALLISTI_TEST_DATA")
    return folder
