"""`kallisti train`: models of people from data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from prefs.errors import ConfigError, DataError
from ui.cli.interviewer import PlannedBanks, PlannedModels, train_asker
from ui.cli.options import AsJson, DatabaseUrl, DataDir, data_folder, note, progress_bar, say
from ui.cli.reading import (
    BackboneName,
    HoldOutQuestions,
    HoldOutSets,
    Light,
    Log,
    Preset,
    Reading,
    RecipeFile,
    Steps,
    train_vlm,
)

if TYPE_CHECKING:
    from prefs.bank import ItemBank
    from training.fitted import FittedBank
    from training.storedata import StoreData
    from training.surveys import Survey

    Sets = list[tuple[ItemBank, Survey]]


def train(
    data: Annotated[
        list[str],
        typer.Argument(
            help="Survey folders, folders of rated pictures, bfi, epi, and store: for the people here who "
            "agreed to it; models that read also take folders of compared pictures. Sets that share people "
            "or questions are fitted as one."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the model to.")],
    kind: Annotated[
        Literal["choice", "vlm", "interviewer"],
        typer.Option(
            help="What to train: choice knows questions by number; vlm reads them, so that it knows new "
            "ones; interviewer learns to ask, from transcripts of `kallisti plan` in place of data sets."
        ),
    ] = "choice",
    preset: Preset = None,
    backbone: BackboneName = None,
    split: Annotated[
        Literal["eval", "all"], typer.Option(help="eval leaves the test raters out; all is for use.")
    ] = "all",
    hold_out_questions: HoldOutQuestions = False,
    hold_out_set: HoldOutSets = None,
    steps: Steps = None,
    recipe: RecipeFile = None,
    light: Light = False,
    log: Log = "none",
    bank: PlannedBanks = None,
    model: PlannedModels = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was cut off.")] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Fit a model to the answers of one data set or of several at once.

    Example: kallisti train epi --out epi.model --split eval
    """
    reading = Reading(
        preset, backbone, steps, recipe, hold_out_questions, tuple(hold_out_set or ()), log, light
    )
    if kind != "interviewer" and (bank or model):
        raise ConfigError("--bank and --model are of interviewers: add --kind interviewer, or leave them out")
    if kind == "vlm":
        train_vlm(data, out, reading, split, resume, database_url, data_dir, as_json)
        return
    if kind == "interviewer":
        train_asker(data, out, reading, bank or (), model or (), split, resume, as_json)
        return
    _check_kind(reading)
    from training.joint import train as fit

    sets, said = _read(data, data_dir, database_url)
    with progress_bar(as_json) as progress:
        banks = fit(sets, out, split, progress, resume)
    found = _facts(sets, banks, said, out)
    say(found, as_json, _text(found))


def _check_kind(reading: Reading) -> None:
    """Raises ConfigError for what the choice model cannot do."""
    if reading.preset is not None:
        raise ConfigError(
            f"--preset {reading.preset} sizes a model that reads: the choice model takes its size from "
            "validation raters, leave --preset out"
        )
    if reading.hold_out_questions:
        raise ConfigError(
            "--hold-out-questions needs a model that reads: the choice model knows each question by its "
            "answers and cannot tell of one that it never saw, leave it out"
        )
    for name in reading.given():
        raise ConfigError(f"{name} is of models that read: add --kind vlm, or leave it out")


def _read(
    data: Sequence[str], data_dir: Path | None, database_url: str | None
) -> tuple[Sets, StoreData | None]:
    """The named data sets, those of banks with the answers in the store where `store:` is among them."""
    from training.banks import bank_of
    from training.storedata import STORE

    named = [name for name in data if name != STORE]
    for name in data:
        if data.count(name) > 1:
            raise ConfigError(f"{name!r} is named {data.count(name)} times: name each data set once")
    sets = [bank_of(name) for name in named]
    return with_store(sets, data_folder(data_dir), database_url) if STORE in data else (sets, None)


def with_store(sets: Sets, folder: Path, database_url: str | None) -> tuple[Sets, StoreData]:
    """The sets with the interviews of consenting people, and sets of theirs about other kept banks."""
    from prefs.store import Store
    from training.openbanks import banks_to_retrain
    from training.storedata import extended, read_store

    given = {bank.name: (bank, survey) for bank, survey in sets}
    kept, wrong = banks_to_retrain(folder)
    for line in wrong:
        note(f"left out: {line}")
    banks = {one.bank.name: one.bank for one in kept}
    banks |= {name: bank for name, (bank, _) in given.items()}
    with Store.open(database_url or folder / "kallisti.sqlite") as store:
        said = read_store(store, banks)
    found = [(bank, extended(bank, survey, said.said.get(bank.name, ()))) for bank, survey in sets]
    for name in [name for name in said.said if name not in given]:
        survey = extended(banks[name], None, said.said[name])
        found.append((replace(banks[name], questions=survey.questions), survey))
    if not found:
        why = "; ".join(f"{reason}: {count:,}" for reason, count in said.skips.items()) or "it is empty"
        raise DataError(
            f"store: holds no answer to learn from ({why}): name a data set, or ask people first, "
            "with `kallisti interview --share`"
        )
    return found, said


def _facts(sets: Sets, banks: Mapping[str, FittedBank], said: StoreData | None, out: Path) -> dict[str, Any]:
    """What was fitted to what, as JSON values."""
    found: dict[str, Any] = {"out": str(out), "sets": {}}
    for bank, survey in sets:
        one = banks[bank.name]
        found["sets"][bank.name] = {
            "questions": len(bank),
            "raters": one.report["raters"],
            "held_out_raters": len(survey.raters) - one.report["raters"],
            "answers": len(survey.answers),
            "block": one.block[0],
            "size": one.phi.shape[2] - 2,
            "skips": dict(survey.skips),
        }
    if said is not None:
        found["store"] = {
            "raters": said.raters,
            "interviews": said.interviews,
            "answers": said.answers,
            "skips": dict(said.skips),
        }
    return found


def _text(found: dict[str, Any]) -> str:
    """The same for people: a line for each set and for each thing that was counted."""
    lines = []
    for name, one in found["sets"].items():
        tied = f", in one block of tastes: {one['block']}" if one["block"] != name else ""
        out = f" ({one['held_out_raters']:,} held out)" if one["held_out_raters"] else ""
        lines.append(
            f"{name}: {one['questions']:,} questions in {one['size']} dimensions, "
            f"fitted to {one['raters']:,} people{out}, {one['answers']:,} answers{tied}"
        )
        lines += counted(one["skips"])
    if "store" in found:
        one = found["store"]
        lines.append(
            f"store: {one['answers']:,} answers in {one['interviews']:,} interviews of "
            f"{one['raters']:,} people who agreed to it"
        )
        lines += counted(one["skips"])
    return "\n".join([*lines, f"The model is in {found['out']}."])


def counted(skips: Mapping[str, int]) -> list[str]:
    """A line for each reason why something was left out or is of little use."""
    return [f"  {reason}: {count:,}" for reason, count in skips.items()]
