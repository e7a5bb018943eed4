"""Opens item banks by name: fitted once, then kept in the data folder, so that a start reads no survey."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from prefs.bank import ItemBank
from prefs.errors import ConfigError, DataError, ModelError
from prefs.fields import Fields
from prefs.files import read_manifest, sha256, write_json
from prefs.store.codec import question_from_json, question_to_json
from training.banks import bank_of
from training.fitted import FORMAT, FittedBank
from training.pydata import INVENTORIES
from training.surveys import QUESTIONS, RESPONSES

Progress = Callable[[str, int, int], None]

RECIPE = "1"  # names what the fit makes: raise it when that changes
KEPT = "questions.json"

log = logging.getLogger(__name__)


def open_banks(names: Sequence[str], data_dir: Path, progress: Progress) -> dict[str, FittedBank]:
    """The banks by their own names, in the order given; raises what `open_bank` raises.

    Raises:
        ConfigError: two folders that have the same name.
    """
    found: dict[str, FittedBank] = {}
    for name in dict.fromkeys(names):
        one = open_bank(name, data_dir, progress)
        if one.bank.name in found:
            raise ConfigError(f"bank {name!r}: another bank is called {one.bank.name!r} too, rename a folder")
        found[one.bank.name] = one
    return found


def open_bank(name: str, data_dir: Path, progress: Progress) -> FittedBank:
    """The bank that `--bank NAME|DIR` means, fitted now if it is not kept in the data folder.

    A kept fit that is damaged is made anew, with a warning.

    Raises:
        DataError: no such bank, or a survey folder that is damaged.
        MissingPartError: the package that the named bank arrives with is not installed.
        ModelError: the fit gave values that are not finite.
    """
    folder = data_dir / "banks" / _key(name)
    if folder.exists():
        try:
            return _kept(folder)
        except (ModelError, DataError) as problem:
            log.warning("bank %s is fitted again: %s", name, problem)
            shutil.rmtree(folder)
    from training.selection import fit_bank

    bank, survey = bank_of(name)
    stage = f"Learning from {len(survey.raters):,} people"
    fitted = _finite(
        fit_bank(bank, survey, report=lambda what, done, total: progress(f"{stage}: {what}", done, total))
    )
    about = {"name": bank.name, "title": bank.title, "note": bank.note}
    write_json(folder / KEPT, {**about, "questions": [question_to_json(one) for one in bank.questions]})
    fitted.save(folder)
    return fitted


def _key(name: str) -> str:
    """Names the recipe and what it is applied to: the survey's files, or the version of its package."""
    content = hashlib.sha256(f"{RECIPE}\n{FORMAT}\n".encode())
    if name in INVENTORIES:
        content.update(f"{name}\n{_version('pydataset')}".encode())
        return f"{name}-{content.hexdigest()[:16]}"
    path = Path(name).expanduser()
    for file in (path / QUESTIONS, path / RESPONSES):
        content.update(sha256(file).encode() if file.is_file() else b"absent")
    label = "".join(letter if letter.isalnum() else "_" for letter in path.resolve().name)
    content.update(path.resolve().name.encode())
    return f"{label[:40]}-{content.hexdigest()[:16]}"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _kept(folder: Path) -> FittedBank:
    """The bank that is kept in a folder; raises ModelError or DataError where it is damaged."""
    read_manifest(folder, ModelError)
    path = folder / KEPT
    try:
        about = Fields(json.loads(path.read_text(encoding="utf-8")), str(path))
    except (OSError, ValueError) as problem:
        raise ModelError(f"{path} cannot be read ({problem}): fit the bank again") from problem
    questions = tuple(question_from_json(row) for row in about.rows("questions"))
    bank = ItemBank(about.text("name"), questions, about.text("title"), about.text("note"))
    return _finite(FittedBank.load(folder, bank))


def _finite(fitted: FittedBank) -> FittedBank:
    """The bank itself; raises ModelError where a parameter is NaN or, but for padding, infinite."""
    if not np.isfinite(fitted.phi).all() or np.isnan(fitted.g).any() or np.isposinf(fitted.g).any():
        raise ModelError(f"bank {fitted.bank.name!r} was fitted to values that are not finite: fit it again")
    return fitted
