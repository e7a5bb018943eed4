"""Groups of raters, as a column of a survey folder tells them: households, votes, one person's sittings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prefs.errors import DataError
from training.columns import encode, read_table, refuse
from training.hypotheses import Rows
from training.surveys import RESPONSE_COLUMNS, RESPONSES, Survey

if TYPE_CHECKING:
    import pyarrow as pa

RATERS = "raters.parquet"  # an optional file of a survey folder: rater_id and what else is known


@dataclass(frozen=True)
class Groups:
    """Which group each rater is of.

    column: what the groups are called. names: of the G groups. of: (R,) group of each rater.
    """

    column: str
    names: tuple[str, ...]
    of: Rows

    @property
    def text(self) -> str:
        """Number and name, for people."""
        return f"{len(self.names)} groups by {self.column}"


def rater_values(folder: Path, column: str) -> dict[str, str | None]:
    """What a column says about each rater, as text; None where it says nothing.

    It is a column of `raters.parquet` where that has it, else of `responses.parquet`, whose rows of one
    rater then say the same or nothing.

    Raises:
        DataError: neither file has the column, or it says two things about a rater.
    """
    known = list[str]()
    for file in (RATERS, RESPONSES):
        if (folder / file).is_file():
            table = read_table(folder / file, ("rater_id",))
            if column in table.column_names:
                return _values(folder / file, table, column)
            known += [name for name in table.column_names if name not in (*known, *RESPONSE_COLUMNS)]
    there = f"{RATERS} and {RESPONSES} have {', '.join(known)}; name one of these, or " if known else ""
    raise DataError(
        f"{folder} says nothing about {column!r}: {there}write {RATERS} with rater_id and {column}"
    )


def _values(path: Path, table: pa.Table, column: str) -> dict[str, str | None]:
    raters, rows = encode(path, table, "rater_id")
    values = table.column(column)
    said = ~values.is_null(nan_is_null=True).to_numpy()
    try:
        texts = values.cast("string").combine_chunks().dictionary_encode()
    except (NotImplementedError, ValueError) as problem:  # pyarrow's own errors are of these
        raise DataError(
            f"{path}: {column} holds {values.type} values: expected one name or number for each rater"
        ) from problem
    names = np.array([*texts.dictionary.to_pylist(), None], dtype=object)
    codes = texts.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
    found = np.full(len(raters), len(names) - 1)
    found[rows[said]] = codes[said]
    refuse(
        path,
        said & (found[rows] != codes),
        lambda row: (
            f"rater {raters[rows[row]]!r} has {column} {names[codes[row]]!r} here and "
            f"{names[found[rows[row]]]!r} elsewhere: a column of groups says one thing of a rater"
        ),
    )
    return dict(zip(raters, names[found].tolist(), strict=True))


def grouped(survey: Survey, values: Mapping[str, str | None], column: str) -> tuple[Survey, Groups]:
    """The survey without raters of no group, counted in its skips, and the groups of the others.

    values: what the column says about each rater, None or absent where nothing.

    Raises:
        DataError: fewer than two groups.
    """
    said = [values.get(rater) for rater in survey.raters]
    known = np.array([value is not None for value in said], dtype=bool)
    names = sorted({value for value in said if value is not None})
    if len(names) < 2:
        raise DataError(
            f"survey {survey.name!r} has {len(names)} group by {column!r}"
            f"{f' ({names[0]!r})' if names else ''}: at least two are needed, name another column"
        )
    if not known.all():
        skips = survey.skips + Counter({f"rater without {column!r}": int((~known).sum())})
        survey = replace(survey.of_raters(known), skips=skips)
    places = {name: place for place, name in enumerate(names)}
    of = np.array([places[value] for value in said if value is not None], dtype=np.intp)
    return survey, Groups(column, tuple(names), of)
