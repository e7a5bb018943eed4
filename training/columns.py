"""Columns of parquet files as arrays, checked: what is wrong is told with its file and row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


def read_table(path: Path, columns: Sequence[str]) -> pa.Table:
    """The table in a parquet file, which has at least the given columns.

    Raises:
        DataError: it cannot be read, or lacks a column.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowException) as problem:
        first = (str(problem).splitlines() or ["unknown"])[0]
        raise DataError(f"{path} cannot be read as parquet ({first}): write it anew") from problem
    absent = [column for column in columns if column not in table.column_names]
    if absent:
        raise DataError(f"{path} lacks the column {absent[0]!r}: expected {', '.join(columns)}")
    return table


def encode(path: Path, table: pa.Table, column: str) -> tuple[list[str], NDArray[Any]]:
    """The different values of a column of ids, in order of appearance, and (N,) which one each row has.

    Raises:
        DataError: a value is missing or NaN, or neither text nor number.
    """
    absent = table.column(column).is_null(nan_is_null=True).to_numpy()
    refuse(path, absent, lambda _: f"{column} is missing: fill it in")
    found = texts(path, table, column).combine_chunks().dictionary_encode()
    return found.dictionary.to_pylist(), found.indices.to_numpy(zero_copy_only=False)


def texts(path: Path, table: pa.Table, column: str, listed: bool = False) -> pa.ChunkedArray:
    """A column as texts, or as lists of texts; numbers are written out.

    Raises:
        DataError: it holds something else.
    """
    import pyarrow as pa

    values = table.column(column)
    if pa.types.is_nested(values.type) == listed:
        try:
            return values.cast(pa.list_(pa.string()) if listed else pa.string())
        except pa.ArrowException:
            pass
    wanted = "lists of texts" if listed else "texts or numbers"
    raise DataError(f"{path}: {column} holds {values.type} values: expected {wanted}")


def numbers(path: Path, table: pa.Table, column: str, wanted: str = "numbers") -> NDArray[Any]:
    """(N,) the finite numbers of a column.

    Raises:
        DataError: a value that is missing, NaN or infinite, or no number.
    """
    values = table.column(column)
    absent = f"{column} is missing or NaN: leave the row out where there is no answer"
    refuse(path, values.is_null(nan_is_null=True).to_numpy(), lambda _: absent)
    found = values.to_numpy()
    if found.dtype.kind not in "iuf":
        raise DataError(f"{path}: {column} holds {values.type} values: expected {wanted}")
    refuse(path, ~np.isfinite(found), lambda row: f"{column} is {found[row]}: expected {wanted}")
    return np.asarray(found)


def integers(path: Path, table: pa.Table, column: str) -> NDArray[np.int64]:
    """(N,) the whole numbers of a column.

    Raises:
        DataError: a value that is missing, NaN or no whole number.
    """
    found = numbers(path, table, column, "whole numbers")
    with np.errstate(invalid="ignore"):  # of what is too large, which is not the same afterwards
        whole = found.astype(np.int64)
    refuse(path, whole != found, lambda row: f"{column} {found[row]} is no whole number")
    return np.asarray(whole)


def refuse(origin: Path | str, bad: NDArray[np.bool_], say: Callable[[int], str]) -> None:
    """Raises DataError about the first bad row, if there is one."""
    if bad.any():
        row = int(bad.argmax())
        more = int(bad.sum()) - 1
        raise DataError(f"{origin}, row {row}: {say(row)}" + (f" (and {more} more rows)" if more else ""))
