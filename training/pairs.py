"""Folders of choices between two pictures: who preferred which, what is held out, and the pictures as tastes.

A folder holds `images.parquet` (image_id), `responses.parquet` (rater_id, left_image_id,
right_image_id, choice: 0 left, 1 right, null for a tie), the pictures in shards, and optionally
`raters.parquet` (rater_id, low_effort). A third of the pictures, by a hash of their ids, is held out:
pairs of two such pictures are targets, pairs of two others can be asked, the rest is left out, so that
no picture is on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefs.batch import infer_many
from prefs.errors import DataError
from prefs.model import GallerySource, QuestionVectors
from prefs.space import TasteSpace, independent
from training.columns import encode, numbers, read_table, refuse
from training.images import IMAGES, PAIR_COLUMNS, responses_of
from training.picturevectors import picture_vectors
from training.splits import are_targets
from training.surveys import MISSING, Skips

if TYPE_CHECKING:
    import pyarrow as pa

SOURCE = "pictures"
RATERS = "raters.parquet"
FEWEST = 3  # raters without whom nothing can be chosen inside the others
Rows = NDArray[np.intp]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Pairs:
    """Choices of R raters between P pairs of N images.

    pairs: (P, 2) rows of images, left and right as first shown; one that raters answered several times
    stands there as often. answers: (R, P) 0 for the left one, 1 for the right one, -1 for none. targets,
    candidates: rows of the pairs that are predicted and of those that can be asked. repeats: number of
    answers to pairs that the rater had answered before; alike: share of these that agree with the first
    time, NaN without any. skips: what was left out, by reason.
    """

    name: str
    raters: tuple[str, ...]
    images: tuple[str, ...]
    pairs: Rows
    answers: Rows
    targets: Rows
    candidates: Rows
    repeats: int = 0
    alike: float = float("nan")
    skips: Skips = field(default_factory=Counter)

    def of_raters(self, chosen: NDArray[np.bool_]) -> Pairs:
        """The choices of some raters; chosen: (R,)."""
        raters = tuple(rater for rater, keep in zip(self.raters, chosen, strict=True) if keep)
        left_out = Counter({"rater with too few target pairs (left out)": int((~chosen).sum())})
        return replace(self, raters=raters, answers=self.answers[chosen], skips=self.skips + left_out)


def read_pairs(path: Path) -> Pairs:
    """Reads and checks a folder of choices, or a table of responses in it.

    Raters whom `raters.parquet` calls `low_effort` are left out, and so are ties; both are counted.

    Raises:
        DataError: a file or column that is missing, a value that is missing or no choice, an unknown
            image, a picture against itself, fewer than three raters, or no target or candidate pair.
            Names the file, the row (from 0) and the value.
    """
    table_path = responses_of(path)
    folder = table_path.parent
    table = read_table(table_path, PAIR_COLUMNS)
    images = [
        str(image) for image in read_table(folder / IMAGES, ("image_id",)).column("image_id").to_pylist()
    ]
    raters, rows = encode(table_path, table, "rater_id")
    left, right = (_images(table_path, table, column, images) for column in PAIR_COLUMNS[1:3])
    refuse(table_path, left == right, lambda row: f"image {images[left[row]]!r} stands against itself")
    tied = table.column("choice").is_null().to_numpy()
    choice = _choices(table_path, table, tied)
    skips: Skips = Counter({"tie (left out)": int(tied.sum())})
    careless = _careless(folder / RATERS)
    careful = np.array([rater not in careless for rater in raters], dtype=bool)
    skips["rater of low effort (left out)"] = int((~careful).sum())
    kept = careful[rows] & ~tied
    pairs, answers, repeats, alike = _assembled(
        len(raters), rows[kept], left[kept], right[kept], choice[kept]
    )
    held = are_targets(images)[pairs].sum(1)
    skips["pair of a target and a candidate picture (left out)"] = int((held == 1).sum())
    own = Pairs(
        folder.resolve().name,
        tuple(rater for rater, keep in zip(raters, careful, strict=True) if keep),
        tuple(images),
        pairs,
        answers[careful],
        np.flatnonzero(held == 2),
        np.flatnonzero(held == 0),
        repeats,
        alike,
        +skips,
    )
    _check(own, table_path)
    return own


def _check(own: Pairs, path: Path) -> None:
    if len(own.raters) < FEWEST:
        raise DataError(f"{path} has {len(own.raters)} raters: at least {FEWEST} are needed")
    if not (len(own.targets) and len(own.candidates)):
        raise DataError(
            f"{path} has {len(own.targets)} pairs of held out pictures and {len(own.candidates)} pairs of "
            "others: both are needed, add pairs"
        )


def _images(path: Path, table: pa.Table, column: str, images: list[str]) -> Rows:
    """(N,) rows of the images in a column of ids."""
    known = {image: row for row, image in enumerate(images)}
    shown, codes = encode(path, table, column)
    rows: Rows = np.array([known.get(image, MISSING) for image in shown], dtype=np.intp)[codes]
    refuse(path, rows < 0, lambda row: f"image {shown[codes[row]]!r} is not in {IMAGES}")
    return rows


def _choices(path: Path, table: pa.Table, tied: NDArray[np.bool_]) -> Rows:
    """(N,) 0 or 1, where there is no tie 0."""
    filled = table.set_column(
        table.column_names.index("choice"), "choice", table.column("choice").fill_null(0)
    )
    found = numbers(path, filled, "choice", "0, 1 or null")
    refuse(path, ~np.isin(found, (0, 1)), lambda row: f"choice {found[row]}: allowed are 0, 1 and null")
    return np.where(tied, 0, found).astype(np.intp)


def _careless(path: Path) -> set[str]:
    """Raters whom the data set itself calls of low effort."""
    if not path.is_file():
        return set()
    table = read_table(path, ("rater_id",))
    if "low_effort" not in table.column_names:
        return set()
    rows = zip(table.column("rater_id").to_pylist(), table.column("low_effort").to_pylist(), strict=True)
    return {str(rater) for rater, low in rows if low}


def _assembled(
    raters: int, rows: Rows, left: Rows, right: Rows, choice: Rows
) -> tuple[Rows, Rows, int, float]:
    """Pairs (P, 2), answers (raters, P), the number of repeats and the share of them answered alike."""
    columns: dict[tuple[int, int, int], int] = {}
    shown: dict[tuple[int, int], tuple[int, int]] = {}
    said: dict[tuple[int, int, int], list[int]] = {}
    answers: dict[tuple[int, int], int] = {}
    for rater, one, other, chosen in zip(
        *(part.tolist() for part in (rows, left, right, choice)), strict=True
    ):
        pair = (min(one, other), max(one, other))
        turned = shown.setdefault(pair, (one, other)) != (one, other)
        earlier = said.setdefault((rater, *pair), [])
        column = columns.setdefault((*pair, len(earlier)), len(columns))
        earlier.append(1 - chosen if turned else chosen)
        answers[rater, column] = earlier[-1]
    table = np.full((raters, len(columns)), MISSING, dtype=np.intp)
    for (rater, column), answer in answers.items():
        table[rater, column] = answer
    alike = [later == first for first, *repeats in said.values() for later in repeats]
    pairs = np.array([shown[one, other] for one, other, _ in columns], dtype=np.intp).reshape(-1, 2)
    return pairs, table, len(alike), float(np.mean(alike)) if alike else float("nan")


def tastes_of(pairs: Pairs, path: Path, data_dir: Path, progress: Progress) -> NDArray[np.float32]:
    """(N, t) taste vectors of the images, which are encoded once and kept in the data folder.

    Raises:
        GalleryError: a picture is missing or cannot be read. MissingPartError: no encoder is installed.
    """
    from indexing.projection import fit

    known = picture_vectors(path, data_dir, progress)
    vectors = known.of(pairs.images)
    return fit(vectors, known.blocks).apply(vectors)


@dataclass(frozen=True)
class Content:
    """Pairs as questions of the choice model, by what the pictures show.

    taste: (N, t) of the images.
    """

    pairs: Pairs
    taste: NDArray[np.floating[Any]]

    @property
    def nobody(self) -> TasteSpace:
        """The population without any common taste."""
        from indexing.projection import STRENGTHS

        size = self.taste.shape[1]
        return independent([(SOURCE, np.zeros(size), np.eye(size))], {SOURCE: STRENGTHS})

    @property
    def source(self) -> GallerySource:
        """The images as options."""
        space, count = self.nobody, len(self.taste)
        taste = self.taste.astype(np.float64)
        return GallerySource(
            SOURCE, self.pairs.images, taste, np.zeros(count), space.columns(SOURCE), space.size
        )

    def vectors(self) -> QuestionVectors:
        """Vectors of all P pairs, in the order in which they were shown."""
        return self.source.shown(self.pairs.pairs, "pair", tie=False)

    def without(self, rater: int) -> TasteSpace:
        """The population as the other raters' answers to candidates tell it: what they like is its mean."""
        asked = self.pairs.candidates
        others = np.delete(self.pairs.answers, rater, axis=0)[:, asked]
        who, place = np.nonzero(others >= 0)
        known = infer_many(self.nobody, self.vectors()[asked[place]], others[who, place][None])
        return TasteSpace(self.nobody.blocks, known.mean[0], self.nobody.cov, self.nobody.strengths)


def majority(pairs: Pairs) -> float:
    """How often the majority of the other raters, on the very same target pairs, is right; a draw is half."""
    answers = pairs.answers[:, pairs.targets]
    others = (answers == 1).sum(0) - (answers == 1), (answers == 0).sum(0) - (answers == 0)
    right = np.where(others[0] == others[1], 0.5, (others[0] > others[1]) == (answers == 1))
    return float(right[answers >= 0].mean())
