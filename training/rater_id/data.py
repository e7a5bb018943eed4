"""Data sets of any kind in one form: questions, who answered what, and what each question shows or says."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import ConfigError, DataError
from prefs.markdown import sole_item
from prefs.questions import Question, pair, picture
from training.banks import bank_of
from training.images import is_paired, is_rated
from training.pairs import Pairs, read_pairs
from training.picturevectors import PictureVectors
from training.rater_id.wording import core, lead_ins, normalised
from training.surveys import Skips, Survey

Vectors = Mapping[str, NDArray[np.floating[Any]]]
Picturing = Callable[[Path], PictureVectors]  # of the pictures of an image folder
Content = tuple[str, str]


@dataclass(frozen=True)
class DataSet:
    """Answers of R raters to Q questions.

    answers: (R, Q) index of the option that a rater chose the first time, -1 for none. contents: for each
    question what it shows or says, each as the id by whose hash it may be held out and a key that is the
    same wherever the same is shown or said. leads: lead-ins of the questions. pictures: (width,) vector of
    each picture that is shown, by its id, which `encoder` made. skips: what was left out, by reason.
    """

    name: str
    questions: tuple[Question, ...]
    raters: tuple[str, ...]
    answers: NDArray[np.int16]
    contents: tuple[tuple[Content, ...], ...]
    leads: frozenset[str] = frozenset()
    pictures: Vectors = field(default_factory=dict)
    encoder: str = ""
    skips: Skips = field(default_factory=Counter)


def read_set(name: str, picturing: Picturing) -> DataSet:
    """The data set that a name or path means: an inventory, a survey folder, rated or compared pictures.

    Raises:
        DataError: neither, or damaged. GalleryError: a picture is missing or cannot be read.
        MissingPartError: a package is not installed.
    """
    path = Path(name)
    if is_paired(path):
        pictures = picturing(path)
        return of_pairs(read_pairs(path), pictures, pictures.encoder)
    _, survey = bank_of(name)
    if not is_rated(path):
        return of_survey(survey)
    pictures = picturing(path)
    return of_survey(survey, pictures, pictures.encoder)


def of_survey(survey: Survey, pictures: Vectors | None = None, encoder: str = "") -> DataSet:
    """A survey, or ratings of pictures, as a data set; only the first answer to a question counts."""
    leads = lead_ins(survey.questions)
    shown = _shown(survey.questions, pictures or {})
    contents = tuple(_contents(question, leads, shown) for question in survey.questions)
    skips = survey.skips + Counter({"repeated answer (left out)": int((~survey.first_times).sum())})
    return DataSet(
        survey.name, survey.questions, survey.raters, survey.table(), contents, leads, shown, encoder, skips
    )


def of_pairs(pairs: Pairs, pictures: Vectors, encoder: str = "") -> DataSet:
    """Choices between two pictures as a data set; only the first answer to a pair counts.

    Raises:
        DataError: an image id that cannot stand in a question, or a picture without a vector.
    """
    first: dict[frozenset[int], int] = {}
    for column, both in enumerate(pairs.pairs.tolist()):
        first.setdefault(frozenset(both), column)
    kept = np.array(sorted(first.values()), dtype=np.intp)
    ids = pairs.images
    for image in ids:
        if sole_item(picture(image)) != image:
            raise DataError(
                f"{pairs.name!r} has an image id {image!r}: rename it with letters, digits and . _ ~ -"
            )
    questions = tuple(
        pair(ids[left], ids[right], pairs.name, tie=False) for left, right in pairs.pairs[kept].tolist()
    )
    answers = pairs.answers[:, kept].astype(np.int16)
    shown = _shown(questions, pictures)
    contents = tuple(_contents(question, frozenset(), shown) for question in questions)
    # What `read_pairs` says of targets is of an interview; here every pair counts that is not held out.
    skips = Counter({reason: count for reason, count in pairs.skips.items() if "target" not in reason})
    skips["repeated answer (left out)"] = int((pairs.answers >= 0).sum() - (answers >= 0).sum())
    return DataSet(
        pairs.name, questions, pairs.raters, answers, contents, frozenset(), shown, encoder, +skips
    )


def check_names(sets: Sequence[DataSet]) -> None:
    """Raises ConfigError where two data sets have one name."""
    for name, count in Counter(one.name for one in sets).items():
        if count > 1:
            raise ConfigError(f"{count} data sets are called {name!r}: name each once, or rename a folder")


def _contents(question: Question, leads: frozenset[str], pictures: Vectors) -> tuple[Content, ...]:
    """The pictures of a question, or its text without the lead-in."""
    if question.items:
        return tuple((item, _key(pictures[item])) for item in question.items)
    said = normalised(core(question.markdown, leads)) or normalised(question.markdown) or question.markdown
    return ((question.question_id, said),)


def _key(vector: NDArray[Any]) -> str:
    """The same for the same picture, whatever it is called."""
    return "picture " + hashlib.sha256(np.ascontiguousarray(vector).tobytes()).hexdigest()


def _shown(questions: Sequence[Question], pictures: Vectors) -> Vectors:
    """The vectors of the pictures that the questions show."""
    found = {}
    for question in questions:
        for item in question.items:
            if item not in pictures:
                raise DataError(
                    f"question {question.question_id!r} shows picture {item!r}, which {question.source!r} "
                    "holds no file of: add the file, or leave the data set out"
                )
            found[item] = pictures[item]
    return found
