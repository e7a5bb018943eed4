"""Opens item banks by name: fitted once, then kept in the data folder, so that a start only reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from prefs.errors import ModelError
from training.fitted import FittedBank

Progress = Callable[[str, int, int], None]


def open_bank(name: str, data_dir: Path, progress: Progress) -> FittedBank:
    """The bank that `--bank NAME|DIR` means, fitted now if it is not kept in the data folder.

    Raises:
        DataError: no such bank, or a survey folder that is damaged.
        MissingPartError: the package that the named bank arrives with is not installed.
    """
    from training.banks import bank_of

    bank, survey = bank_of(name)
    folder = data_dir / "banks" / hashlib.sha256(survey.identity.encode()).hexdigest()[:16]
    try:
        return FittedBank.load(folder, bank)
    except ModelError:  # not there yet, or of an older make: it can always be fitted again
        from training.fitting import fit_bank

        fitted = fit_bank(bank, survey, progress)
        fitted.save(folder)
        return fitted
