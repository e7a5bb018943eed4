"""Opens item banks by name: fitted once, then kept in the data folder, so that a start reads no survey.

`banks/KEY/` holds a bank fitted alone, KEY names the data that it was fitted to. `kallisti retrain` fits
the banks again, with what people answered since, into a folder below `retrained/`; the file
`retrained/current.json` names that folder and the banks in it, and is replaced in one step.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prefs.bank import ItemBank
from prefs.errors import ConfigError, DataError, ModelError
from prefs.fields import Fields
from prefs.files import read_manifest, sha256, write_json
from prefs.store.codec import question_from_json, question_to_json
from training.banks import UNANSWERED, bank_of, is_unanswered
from training.fitted import BANKS, FORMAT, RECIPE, FittedBank
from training.images import IMAGES
from training.pydata import INVENTORIES
from training.shipped import read_unanswered, shipped_version
from training.surveys import QUESTIONS, RESPONSES

Progress = Callable[[str, int, int], None]

KEPT = "questions.json"
RETRAINED, CURRENT, CURRENT_FORMAT = "retrained", "current.json", "kallisti.current/1"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptBank:
    """A bank that was opened before: key names its data, origin is what `--bank` was given."""

    key: str
    bank: ItemBank
    origin: str


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

    A kept fit that is damaged is made anew, with a warning. A folder of questions that nobody answered is
    read by the model that comes with Kallisti, which is said.

    Raises:
        DataError: no such bank, or a survey folder that is damaged.
        MissingPartError: the package that the named bank arrives with is not installed.
        ModelError: the fit gave values that are not finite.
    """
    key = _key(name)
    again = _retrained(data_dir, key)
    if again is not None:
        return again
    folder = data_dir / "banks" / key
    if folder.exists():
        try:
            return _kept(folder)
        except (ModelError, DataError) as problem:
            log.warning("bank %s is fitted again: %s", name, problem)
            shutil.rmtree(folder)
    if is_unanswered(name):
        progress(f"Reading the questions of {name}", 0, 1)
        read = _finite(read_unanswered(Path(name).expanduser()))
        keep(read, folder, str(Path(name).expanduser().resolve()))
        return read
    from training.selection import fit_bank

    bank, survey = bank_of(name)
    if any(question.items for question in bank.questions):
        raise DataError(f"bank {name!r} asks about pictures: open the folder as a gallery, with --gallery")
    stage = f"Learning from {len(survey.raters):,} people"
    fitted = _finite(
        fit_bank(bank, survey, report=lambda what, done, total: progress(f"{stage}: {what}", done, total))
    )
    keep(fitted, folder, name if name in INVENTORIES else str(Path(name).expanduser().resolve()))
    return fitted


def unanswered(banks: Mapping[str, FittedBank]) -> list[str]:
    """A line for the screen about each bank to which nobody's answers are known."""
    return [f"{name}: {one.bank.note}" for name, one in banks.items() if one.bank.note == UNANSWERED]


def keep(fitted: FittedBank, folder: Path, origin: str) -> None:
    """Writes a bank with its questions, so that it opens without its survey; origin: where that is."""
    bank = fitted.bank
    about = {"name": bank.name, "title": bank.title, "note": bank.note, "origin": origin}
    write_json(folder / KEPT, {**about, "questions": [question_to_json(one) for one in bank.questions]})
    fitted.save(folder)


def banks_to_retrain(data_dir: Path) -> tuple[list[KeptBank], list[str]]:
    """The banks that were opened before, by name, and a line about each that cannot be used now."""
    opened, wrong = _opened(data_dir)
    unanswered = [one for one in opened if one.origin and is_unanswered(one.origin)]
    wrong += [
        f"bank {one.bank.name!r} has no answers of its own: it is read by its text" for one in unanswered
    ]
    opened = [one for one in opened if one not in unanswered]
    fitted = [one for one in opened if _is_there(one) and _key(one.origin) == one.key]
    found: dict[str, KeptBank] = {}
    for one in fitted:
        name = one.bank.name
        if name in found:
            wrong.append(f"bank {name!r} at {one.origin}: another one, at {found[name].origin}, has its name")
        found.setdefault(name, one)
    again = {one.origin for one in fitted} | {""}  # opened since; the first versions kept no origin
    for one in opened:
        if one.origin and not _is_there(one):
            wrong.append(f"bank {one.bank.name!r}: its data at {one.origin} is gone, put it back")
        elif one.origin not in again or (not one.origin and one.bank.name not in found):
            wrong.append(
                f"bank {one.bank.name!r} was fitted to earlier data or by an earlier version: open it again"
            )
    return sorted(found.values(), key=lambda one: one.bank.name), list(dict.fromkeys(wrong))


def origins(data_dir: Path) -> dict[str, str]:
    """Where the banks that were opened before can be opened now, by name, though their data changed."""
    kept = [one for one in _opened(data_dir)[0] if _is_there(one)]
    kept.sort(key=_is_current)  # where two have a name, one that is fitted
    return {one.bank.name: one.origin for one in kept}


def _opened(data_dir: Path) -> tuple[list[KeptBank], list[str]]:
    """Every bank in the data folder, and a line about each that cannot be read."""
    found, wrong = [], []
    for folder in sorted((data_dir / "banks").glob("*/")):
        try:
            bank, origin = _questions(folder)
        except (ModelError, DataError) as problem:
            wrong.append(str(problem))
        else:
            found.append(KeptBank(folder.name, bank, origin))
    return found, wrong


def _is_there(one: KeptBank) -> bool:
    path = Path(one.origin)
    answered = one.origin != "" and (path / RESPONSES).is_file()
    return one.origin in INVENTORIES or path.is_file() or answered or is_unanswered(one.origin or "-")


def _is_current(one: KeptBank) -> bool:
    """Whether a bank was fitted, or read, to what is there now by this version."""
    try:
        return _key(one.origin) == one.key
    except ModelError:  # the reader that comes along is damaged, which concerns who opens this bank
        return False


def set_current(data_dir: Path, folder: str, banks: Mapping[str, str]) -> None:
    """Makes a folder below `retrained/` the one that banks are opened from; banks: name by key."""
    write_json(
        data_dir / RETRAINED / CURRENT, {"format": CURRENT_FORMAT, "folder": folder, "banks": dict(banks)}
    )


def current(data_dir: Path) -> tuple[str, dict[str, str]]:
    """The folder below `retrained/` that banks are opened from, and the bank of each key; empty if none.

    Raises:
        ModelError: the file that says so is damaged.
    """
    path = data_dir / RETRAINED / CURRENT
    if not path.exists():
        return "", {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != CURRENT_FORMAT:
            raise ValueError(f"format {found['format']!r}, expected {CURRENT_FORMAT!r}")
        return str(found["folder"]), {str(key): str(name) for key, name in found["banks"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ModelError(f"{path} cannot be read ({problem}): run kallisti retrain") from problem


def _retrained(data_dir: Path, key: str) -> FittedBank | None:
    """The bank of a key as `kallisti retrain` fitted it, None where it has not.

    Where it is damaged, or was fitted to earlier data or by an earlier version, that is said.
    """
    try:
        folder, banks = current(data_dir)
        if key in banks:
            return _kept(data_dir / RETRAINED / folder / BANKS / banks[key])
        label = key.rpartition("-")[0]
        if label in (other.rpartition("-")[0] for other in banks):
            log.warning("bank %s lacks what people here answered since: run kallisti retrain", label)
        return None
    except (ModelError, DataError) as problem:
        log.warning("the bank's first fit is opened, not what was learned since: %s", problem)
        return None


def _key(name: str) -> str:
    """Names the recipe and what it is applied to: the survey's files, or the version of its package."""
    content = hashlib.sha256(f"{RECIPE}\n{FORMAT}\n".encode())
    if name in INVENTORIES:
        content.update(f"{name}\n{_version('pydataset')}".encode())
        return f"{name}-{content.hexdigest()[:16]}"
    path = Path(name).expanduser()
    for file in (path,) if path.is_file() else (path / name for name in (QUESTIONS, RESPONSES, IMAGES)):
        content.update(sha256(file).encode() if file.is_file() else b"absent")
    if is_unanswered(name):
        content.update(shipped_version().encode())
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
    return _finite(FittedBank.load(folder, _questions(folder)[0]))


def _questions(folder: Path) -> tuple[ItemBank, str]:
    """The questions of a kept bank and its origin, empty where an earlier version did not keep it."""
    path = folder / KEPT
    try:
        about = Fields(json.loads(path.read_text(encoding="utf-8")), str(path))
    except (OSError, ValueError) as problem:
        raise ModelError(f"{path} cannot be read ({problem}): fit the bank again") from problem
    questions = tuple(question_from_json(row) for row in about.rows("questions"))
    bank = ItemBank(about.text("name"), questions, about.text("title"), about.text("note"))
    return bank, about.maybe_text("origin") or ""


def _finite(fitted: FittedBank) -> FittedBank:
    """The bank itself; raises ModelError where a parameter is NaN or, but for padding, infinite."""
    if not np.isfinite(fitted.phi).all() or np.isnan(fitted.g).any() or np.isposinf(fitted.g).any():
        raise ModelError(f"bank {fitted.bank.name!r} was fitted to values that are not finite: fit it again")
    return fitted
