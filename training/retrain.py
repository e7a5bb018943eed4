"""The live loop: banks that are kept in the data folder are fitted again with what people answered since.

Each interview of a consenting person is one more rater beside those of the bank's own data. The new fit
is written beside the old one and becomes the one that is opened in a single step, so that a server that
runs or a crash at any moment finds the old model or the new one, whole. The log of answers is only read.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prefs.bank import ItemBank
from prefs.errors import ConfigError, DataError, MissingPartError, ModelError
from prefs.files import read_manifest, write_manifest
from prefs.store import Store
from training.banks import bank_of
from training.fit import Settings
from training.fitted import BANKS, SEVERAL, FittedBank
from training.joint import Group, about, fit_sets, groups
from training.openbanks import RETRAINED, KeptBank, banks_to_retrain, current, keep, set_current
from training.selection import Judged, Report, as_bank, can_choose, parts_of, trial
from training.storedata import StoreData, extended, read_store
from training.surveys import Survey
from training.work import Work

WORK = "work-"  # folders of a fit that was cut off
Sets = Sequence[tuple[ItemBank, Survey]]


def retrain(data_dir: Path, store: Store, report: Report | None = None) -> dict[str, Any]:
    """Fits the kept banks again with the interviews in the store; returns what was learned, as JSON values.

    What was cut off goes on where it stopped. `before` and `after` are log losses (nats) on answers of
    validation raters, who were held out of both: without and with the interviews of the training raters.

    Raises:
        ConfigError: no bank is kept, or none of them can be read. ModelError: the fit diverged.
    """
    kept, left = banks_to_retrain(data_dir)
    said = read_store(store, {one.bank.name: one.bank for one in kept})
    sets, left = _sets(kept, said, left)
    if not sets:
        why = f" ({'; '.join(left)})" if left else ""
        raise ConfigError(
            f"{data_dir} keeps no bank to fit again{why}: open one with `kallisti interview --bank epi`"
        )
    root = data_dir / RETRAINED
    work = root / f"{WORK}{_named(sets)}"
    banks = fit_sets(sets, "all", report, Work(work))
    judged = _judged(sets, said, banks, Work(work))
    folder = _written(root, banks, {one.bank.name: one.origin for one in kept})
    before = _current_folder(data_dir)
    set_current(data_dir, folder, {one.key: one.bank.name for one in kept if one.bank.name in banks})
    _tidy(root, {folder, before})
    return {
        "model": folder,
        "raters": said.raters,
        "interviews": said.interviews,
        "answers": said.answers,
        "banks": {name: {**_facts(one, said), **judged[name]} for name, one in banks.items()},
        "skips": dict(said.skips),
        "left": left,
    }


def _sets(
    kept: Sequence[KeptBank], said: StoreData, left: Sequence[str]
) -> tuple[list[tuple[ItemBank, Survey]], list[str]]:
    """The data of each kept bank with its interviews, and a line about each that cannot be read."""
    found, lines = [], list(left)
    for one in kept:
        try:
            bank, survey = bank_of(one.origin)
        except (DataError, MissingPartError) as problem:
            lines.append(str(problem))
            continue
        found.append((bank, extended(bank, survey, said.said.get(bank.name, ()))))
    return found, lines


def _named(sets: Sets) -> str:
    """Names the work: the same sets and answers give the same name."""
    return hashlib.sha256(repr(about(sets, "all")).encode()).hexdigest()[:16]


def _judged(
    sets: Sets, said: StoreData, banks: Mapping[str, FittedBank], work: Work
) -> dict[str, dict[str, Any]]:
    """Validation log loss of every bank's group, without the interviews and with them."""
    interviews = {interview for each in said.said.values() for interview, _, _, _ in each}
    found: dict[str, dict[str, Any]] = {}
    for number, group in enumerate(groups([survey for _, survey in sets])):
        losses = _losses(group, banks[group.surveys[0].name], interviews, work.under(f"group-{number:03d}"))
        found |= {survey.name: losses for survey in group.surveys}
    return found


def _losses(group: Group, fitted: FittedBank, interviews: set[str], work: Work) -> dict[str, Any]:
    """before and after of one group; None where there are too few people to judge by."""
    train, validation = parts_of(group.union)
    settings = Settings(**fitted.report["settings"])
    mine = np.array([rater not in interviews for rater in train.raters], dtype=bool)
    chosen = [
        Judged(row["ten"], row["full"], row["ece"]).loss
        for row in fitted.report["trials"]
        if (row["size"], row["nominal"]) == (settings.size, settings.nominal)
    ]
    after = chosen[0] if chosen else None
    before = after
    if not mine.all() and can_choose(train.of_raters(mine), validation):
        old = train.of_raters(mine)
        bank, sets = as_bank(group.union), len(group.surveys)
        before = trial(bank, old, validation, settings, work, "before", sets).loss
    return {"before": before, "after": after, "validation_raters": len(validation.raters)}


def _written(root: Path, banks: Mapping[str, FittedBank], origins: Mapping[str, str]) -> str:
    """Writes the banks into a new folder below the root, and returns its name."""
    content = hashlib.sha256("\n".join(one.version for one in banks.values()).encode())
    name = content.hexdigest()[:16]
    folder = root / name
    if not _is_whole(folder, banks):
        for bank, one in banks.items():
            keep(one, folder / BANKS / bank, origins[bank])
        blocks = {bank: one.block[0] for bank, one in banks.items()}
        write_manifest(folder, {"format": SEVERAL, "banks": blocks})
    return name


def _is_whole(folder: Path, banks: Iterable[str]) -> bool:
    """Whether these banks were written into the folder and are not damaged since."""
    try:
        for part in (folder, *(folder / BANKS / bank for bank in banks)):
            read_manifest(part, ModelError)
    except ModelError:
        return False
    return True


def _current_folder(data_dir: Path) -> str:
    """The folder that is opened now, "" where there is none or none can be told."""
    try:
        return current(data_dir)[0]
    except ModelError:
        return ""


def _tidy(root: Path, wanted: set[str]) -> None:
    """Removes finished work and fits older than the one that a server may just be opening."""
    for path in root.iterdir():
        if path.is_dir() and path.name not in wanted:
            shutil.rmtree(path, ignore_errors=True)


def _facts(fitted: FittedBank, said: StoreData) -> dict[str, Any]:
    """What one bank was fitted to."""
    mine = said.said.get(fitted.bank.name, ())
    return {
        "raters": fitted.report["raters"],
        "answers": fitted.report["answers"],
        "interviews": len({interview for interview, _, _, _ in mine}),
        "answers_of_interviews": len(mine),
        "block": fitted.block[0],
        "size": fitted.phi.shape[2] - 2,
        "skips": dict(fitted.report["skips"]),
    }
