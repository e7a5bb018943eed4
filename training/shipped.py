"""The reader that comes with Kallisti, and what it makes of questions that nobody has answered.

It is a head on SmolLM2 (`make install-text`), trained by `scripts/train_reader.py` on data sets whose terms
allow it. What it was trained on, and how well it did, stands in the report beside its weights.
"""

from __future__ import annotations

import logging
from pathlib import Path

from prefs.errors import ModelError
from prefs.files import read_manifest
from training.banks import unanswered_bank
from training.fitted import FittedBank
from training.readbank import read_bank, report_of

log = logging.getLogger(__name__)

FOLDER = Path(__file__).resolve().parent.parent / "vlm" / "weights" / "reader"


def shipped_version() -> str:
    """Names the weights, for what is kept of what they read. Raises ModelError: damaged or absent."""
    files = read_manifest(FOLDER, ModelError)["files"]
    return str(files["model.safetensors"]["sha256"])


def read_unanswered(path: Path) -> FittedBank:
    """The bank of a folder that holds questions alone, as the shipped reader reads it.

    Raises:
        DataError: the folder is damaged. MissingPartError: the language models are not installed.
        ModelError: the weights are damaged.
    """
    from vlm.reader import Reader

    bank, reader = unanswered_bank(path), Reader.open(FOLDER)
    found = read_bank(reader, bank, report=report_of(FOLDER))
    for what, count in reader.notices.items():
        log.warning("bank %s: %s: %d", bank.name, what, count)
    return found
