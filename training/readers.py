"""A data set as a trained reader knows it: its questions read, what is open chosen on validation raters."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefs.bank import ItemBank
from prefs.errors import ConfigError
from training.fitted import FittedBank
from training.picturevectors import picture_vectors
from training.readbank import read_bank, report_of
from training.studies import Study, judged_of, read_best
from training.surveys import Survey

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from vlm.reader import Reader


def read_data(folder: Path, data: str, bank: ItemBank, survey: Survey, data_dir: Path) -> FittedBank:
    """The bank of a data set with the vectors that the reader in a folder gives its questions.

    data: name or path of the data set. Popularity is that of training raters, and the strength of tastes
    is chosen on validation raters and questions that the reader did not learn from; of pictures, which
    are encoded for it and kept in `data_dir`, the strength is as it was learned. What had to be shortened
    to be read is logged.

    Raises:
        ConfigError: the reader learned from test raters, or reads no pictures and the questions are of
            some. ModelError: a damaged folder. DataError, GalleryError: pictures that cannot be read.
    """
    from vlm.reader import Reader

    report = report_of(folder)
    if report.get("split") != "eval":
        raise ConfigError(f"reader {folder} has seen the test raters: train one with --kind vlm --split eval")
    reader = Reader.open(folder)
    if any(question.items for question in bank.questions):
        pictures = _pictures(reader, folder, data, data_dir)
        found = read_bank(reader, bank, survey, pictures=pictures, report=report)
    else:
        found = read_best(reader, Study.of(bank, survey, judged_of(survey)), report)[0]
    for what, count in reader.notices.items():
        log.warning("reader %s, %s: %s: %d", folder, bank.name, what, count)
    return found


def _pictures(reader: Reader, folder: Path, data: str, data_dir: Path) -> Mapping[str, Any]:
    """The vectors of the pictures of a data set, by the encoder that the reader knows."""
    if not reader.model.config.width:
        raise ConfigError(
            f"reader {folder} reads no pictures: train one on sets of pictures, {data} asks of some"
        )
    return picture_vectors(Path(data), data_dir)
