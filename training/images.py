"""Folders of pictures that many people rated, read as surveys: every picture is a question.

A folder holds `images.parquet` (image_id, optional title) and `responses.parquet` (rater_id, image_id,
rating, scale_min, scale_max, optional question, and occasion, presentation or trial). Other ratings of
the folder, `responses_NAME.parquet`, are named by their path; they are of the pictures in
`items_NAME.parquet` where that file is there. A question's id is the picture's, its options are the
steps of the scale. A long scale is cut into eleven equal parts.

A rating is an ordered answer here, and what it tells depends on the answer. Of a Gaussian rating it would
not: the best fixed order of questions would then be the best of all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import DataError
from prefs.questions import Option, Question, picture
from training.columns import encode, integers, numbers, read_table, refuse
from training.surveys import MISSING, RESPONSES, Survey, assemble, numbered

if TYPE_CHECKING:
    import pyarrow as pa

IMAGES = "images.parquet"
RATING_COLUMNS = ("rater_id", "image_id", "rating", "scale_min", "scale_max")
PAIR_COLUMNS = ("rater_id", "left_image_id", "right_image_id", "choice")
TIMES = ("occasion", "presentation", "trial")  # columns that tell repeats apart, the first that is there
MOST, PARTS = 11, 11  # options that a scale may have, and parts of a longer one


@dataclass(frozen=True)
class Scale:
    """A scale from low to high with N labels; `step` is the width of what one label stands for."""

    low: float
    step: float
    labels: tuple[str, ...]
    whole: bool

    @classmethod
    def of(cls, low: float, high: float, ratings: NDArray[Any]) -> Scale:
        """Every whole step is a label where there are at most eleven and all ratings (N,) lie on one."""
        count = high - low + 1
        if count <= MOST and count % 1 == 0 and not ((ratings - low) % 1).any():
            return cls(low, 1.0, tuple(f"{low + step:g}" for step in range(int(count))), True)
        step = (high - low) / PARTS
        edges = [f"{low + step * part:.3g}" for part in range(PARTS + 1)]
        labels = tuple(f"{one} to {other}" for one, other in pairwise(edges))
        return cls(low, step, labels, False)

    def answers(self, ratings: NDArray[Any]) -> NDArray[np.int64]:
        """(N,) index of the label of each rating (N,)."""
        found = np.floor((ratings - self.low) / self.step + 1e-9).astype(np.int64)
        return np.minimum(found, len(self.labels) - 1)


def is_rated(path: Path) -> bool:
    """Whether a path holds ratings of pictures: an image folder, or a table of responses in one."""
    return RATING_COLUMNS[2] in _columns(path)


def is_paired(path: Path) -> bool:
    """Whether a path holds choices between two pictures: an image folder, or a table of responses in one."""
    return PAIR_COLUMNS[1] in _columns(path)


def _columns(path: Path) -> list[str]:
    """The columns of the responses of an image folder, none where it is something else."""
    import pyarrow as pa
    from pyarrow import parquet

    table = responses_of(path)
    if not (table.is_file() and (table.parent / IMAGES).is_file()):
        return []
    try:
        return list(parquet.read_schema(table).names)
    except (OSError, pa.ArrowException) as problem:
        first = (str(problem).splitlines() or ["unknown"])[0]
        raise DataError(f"{table} cannot be read as parquet ({first}): write it anew") from problem


def responses_of(path: Path) -> Path:
    """The table of responses that a folder or file means."""
    return path / RESPONSES if path.is_dir() else path


def read_ratings(path: Path) -> Survey:
    """Reads and checks ratings of pictures: a folder, or a table of responses in it.

    The survey is named after the folder, with the NAME of `responses_NAME.parquet` added. What was cut
    into parts is counted in its skips.

    Raises:
        DataError: a file or column that is missing, an id twice, a value that is missing or NaN,
            different scales, a rating outside of the scale, an unknown picture, the same response
            twice. Names the file, the row (from 0) and the value.
    """
    table_path = responses_of(path)
    extra = table_path.stem.removeprefix(Path(RESPONSES).stem).strip("_")
    name = "-".join(filter(None, (table_path.resolve().parent.name, extra)))
    table = read_table(table_path, RATING_COLUMNS)
    raters, rows = encode(table_path, table, "rater_id")
    shown, codes = encode(table_path, table, "image_id")
    ratings, scale = _rated(table_path, table)
    questions = _questions(_items(table_path, extra), name, _aspect(table), scale)
    known = {question.question_id: column for column, question in enumerate(questions)}
    columns = np.array([known.get(image, MISSING) for image in shown], dtype=np.int32)[codes]
    items = _items(table_path, extra).name
    refuse(table_path, columns < 0, lambda row: f"image {shown[codes[row]]!r} is not in {items}")
    times = _times(table_path, table)
    answers = scale.answers(ratings)
    survey = assemble(name, questions, raters, rows, columns, answers, times, str(table_path))
    cut = 0 if scale.whole else len(answers)
    reason = f"rating put into one of {PARTS} equal parts of its scale (kept)"
    return replace(numbered(survey), skips=survey.skips + Counter({reason: cut}))


def _items(table: Path, extra: str) -> Path:
    """The table of the pictures that were rated."""
    own = table.parent / f"items_{extra}.parquet"
    return own if extra and own.is_file() else table.parent / IMAGES


def _rated(path: Path, table: pa.Table) -> tuple[NDArray[Any], Scale]:
    """(N,) ratings and the scale that all of them are on."""
    low, high, ratings = (numbers(path, table, column) for column in ("scale_min", "scale_max", "rating"))
    if not len(ratings):
        raise DataError(f"{path} holds no response: at least one is needed")
    least, most = float(low[0]), float(high[0])
    if not least < most:
        raise DataError(f"{path}, row 0: a scale from {least:g} to {most:g}: scale_max must be larger")
    refuse(
        path,
        (low != least) | (high != most),
        lambda row: (
            f"a scale from {low[row]:g} to {high[row]:g}, but row 0 has one from {least:g} to {most:g}: "
            "put ratings on other scales into other folders"
        ),
    )
    refuse(
        path,
        (ratings < least) | (ratings > most),
        lambda row: f"rating {ratings[row]:g} is not on the scale: allowed are {least:g} to {most:g}",
    )
    return ratings, Scale.of(least, most, ratings)


def _aspect(table: pa.Table) -> str:
    """What was rated, where all rows name the same."""
    if "question" not in table.column_names:
        return ""
    found = table.column("question").unique().to_pylist()
    return str(found[0]) if len(found) == 1 and found[0] else ""


def _times(path: Path, table: pa.Table) -> NDArray[np.int64]:
    """(N,) when each response was given: by the first of TIMES that is a column, else by its row."""
    column = next((column for column in TIMES if column in table.column_names), None)
    return np.arange(table.num_rows) if column is None else integers(path, table, column)


def _questions(path: Path, name: str, aspect: str, scale: Scale) -> list[Question]:
    """A question for every picture; one whose file is not there is asked by its title."""
    table = read_table(path, ("image_id",))
    ids = [str(one) for one in table.column("image_id").to_pylist()]
    rows = np.arange(len(ids))
    seen: dict[str, int] = {}
    first = np.array([seen.setdefault(image, row) for row, image in enumerate(ids)])
    refuse(
        path, first != rows, lambda row: f"image {ids[row]!r} stands at row {first[row]} already: rename one"
    )
    titles = _column(table, "title", "")
    there = _column(table, "has_image", True)
    asked = f"How do you rate the {aspect} of this picture?" if aspect else "How do you rate this picture?"
    options = tuple(Option(label) for label in scale.labels)
    found = []
    for row, (image, title, seen_) in enumerate(zip(ids, titles, there, strict=True)):
        shown = picture(image, str(title or "")) if seen_ else f'"{title}"'
        question = Question(image, "rating", f"{asked} {shown}", options, name, "taste")
        if seen_ and question.items != (image,):
            raise DataError(f"{path}, row {row}: image id {image!r}: allowed are letters, digits and . _ ~ -")
        found.append(question)
    return found


def _column(table: pa.Table, name: str, otherwise: Any) -> list[Any]:
    """The values of a column, or the same value for each row where there is none."""
    if name in table.column_names:
        return list(table.column(name).to_pylist())
    return [otherwise] * table.num_rows
