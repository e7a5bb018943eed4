"""`kallisti train --kind vlm`: a model that reads questions, from data sets of any kind."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from prefs.errors import ConfigError
from ui.cli.options import Progress, data_folder, note, progress_bar, say

if TYPE_CHECKING:
    from training.rater_id.data import DataSet
    from training.rater_id.exam import Figures
    from training.rater_id.run import Wanted

PresetName = Literal["tiny", "small", "base"]
Preset = Annotated[
    PresetName | None,
    typer.Option(
        "--preset", help="Size of a model that reads: tiny, small (the default) or base.", show_default=False
    ),
]
BackboneName = Annotated[
    str | None,
    typer.Option(
        "--backbone",
        help="The language model of a model that reads: tiny, minilm, smollm2, a folder with safetensors, or "
        "a name of the hub.  [default: the preset's]",
        show_default=False,
    ),
]
Steps = Annotated[
    int | None, typer.Option("--steps", help="How long a model that reads is trained.", show_default=False)
]
RecipeFile = Annotated[
    Path | None,
    typer.Option(
        "--recipe",
        help="JSON file of settings for the training of a model that reads, such as its rates and the "
        "weights of its losses.",
        show_default=False,
    ),
]
HoldOutQuestions = Annotated[
    bool,
    typer.Option(
        "--hold-out-questions",
        help="Leave the target questions out, and whatever says the same (models that read).",
    ),
]
HoldOutSets = Annotated[
    list[str] | None,
    typer.Option(
        "--hold-out-set",
        help="Name of a data set to leave out whole, with whatever says the same; repeatable (models that "
        "read).",
        show_default=False,
    ),
]
Log = Annotated[
    Literal["none", "trackio"],
    typer.Option("--log", help="Where the figures of each step go, beside the report (models that read)."),
]
Light = Annotated[
    bool,
    typer.Option(
        "--light", help="Write only what was tuned; the rest is taken from the backbone's own files."
    ),
]
LEARNING, READING = "Learning to read", "Reading every question"
SMALL: PresetName = "small"
TUNED = {"tiny": "full", "minilm": "full", "smollm2": "heads"}  # what of a backbone; of others LoRA


@dataclass(frozen=True)
class Reading:
    """Options of `kallisti train` that only models that read have; None or False where they are not given."""

    preset: PresetName | None = None
    backbone: str | None = None
    steps: int | None = None
    recipe: Path | None = None
    hold_out_questions: bool = False
    hold_out_sets: tuple[str, ...] = ()
    log: Literal["none", "trackio"] = "none"
    light: bool = False

    def given(self) -> list[str]:
        """The options that are given, but for the preset and the target questions, as they are written."""
        options = {
            "--backbone": self.backbone is not None,
            "--steps": self.steps is not None,
            "--recipe": self.recipe is not None,
            "--hold-out-set": bool(self.hold_out_sets),
            "--log": self.log != "none",
            "--light": self.light,
        }
        return [name for name, there in options.items() if there]


def train_vlm(
    data: Sequence[str],
    out: Path,
    options: Reading,
    split: Literal["eval", "all"],
    resume: bool,
    database_url: str | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Trains a reader and tells what it was trained on and how it was judged."""
    from training.rater_id.run import train_reader

    wanted = _wanted(options, split)
    started = time.monotonic()
    with progress_bar(as_json) as progress:
        sets = _sets(data, data_folder(data_dir), database_url, progress)

        def told(done: int, total: int, loss: float) -> None:
            progress(LEARNING, done, total, f"loss {loss:.3f}")

        def judged(step: int, figures: Figures) -> None:
            if not as_json:
                note(f"step {step:,}: {_figures(figures.as_json())}")

        def told_reading(done: int, total: int) -> None:
            progress(READING, done, total)

        found = train_reader(sets, out, wanted, resume, told, judged, told_reading)
    seconds = round(time.monotonic() - started, 1)
    say({"out": str(out), "seconds": seconds, **found}, as_json, _text(found, out))


def _wanted(options: Reading, split: Literal["eval", "all"]) -> Wanted:
    """What is asked of the training; the recipe's file first, then what stands on the command line."""
    from training.rater_id.recipe import Recipe
    from training.rater_id.run import Wanted
    from vlm.backbones import preset

    recipe = Recipe() if options.recipe is None else Recipe.read(options.recipe)
    if options.steps is not None:
        recipe = replace(recipe, steps=options.steps)
    chosen = preset(options.preset or SMALL)
    backbone, tune = options.backbone or chosen.backbone, chosen.tune
    if options.backbone and not options.preset:
        tune = TUNED.get(options.backbone, "lora")
    _check_light(options.light, backbone)
    return Wanted(
        backbone,
        recipe,
        tune,
        chosen.dim,
        split,
        options.hold_out_questions,
        options.hold_out_sets,
        options.light,
        options.log,
    )


def _check_light(light: bool, backbone: str) -> None:
    if light and backbone == "tiny":
        raise ConfigError("--light: the backbone tiny has no files of its own, leave --light out")


def _sets(data: Sequence[str], folder: Path, database_url: str | None, progress: Progress) -> list[DataSet]:
    """The named data sets, with the answers in the store where `store:` is among them."""
    from training.banks import bank_of
    from training.images import is_paired, is_rated
    from training.picturevectors import picture_vectors
    from training.rater_id.data import of_survey, read_set
    from training.storedata import STORE
    from ui.cli.learning import with_store

    named = [name for name in data if name != STORE]
    if STORE not in data:
        return [read_set(name, lambda path: picture_vectors(path, folder, progress)) for name in named]
    pictured = [name for name in named if is_rated(Path(name)) or is_paired(Path(name))]
    surveys, said = with_store(
        [bank_of(name) for name in named if name not in pictured], folder, database_url
    )
    note(f"store: {said.answers:,} answers of {said.raters:,} people who agreed to it")
    found = [of_survey(survey) for _, survey in surveys]
    return found + [read_set(name, lambda path: picture_vectors(path, folder, progress)) for name in pictured]


def _text(found: Mapping[str, Any], out: Path) -> str:
    """What was trained, for people: a line for each part and each thing that was counted."""
    from ui.cli.learning import counted

    lines = []
    for name, part in found["parts"].items():
        lines.append(
            f"{name}: {part['questions']:,} questions and {part['raters']:,} people learned from, "
            f"{part['validation_questions']:,} and {part['validation_raters']:,} judged by"
        )
    for name, skips in found["skips"].items():
        if skips:
            lines += [f"{name}, of what is there:", *counted(skips)]
    lines += counted(found["shortened"])
    best = [one for one in found["validation"] if one["step"] == found["kept_step"]]
    told = f", {_figures(best[0])}" if best else ""
    lines.append(f"Kept: step {found['kept_step']:,} of {found['steps']:,} (by {found['kept_by']}){told}")
    lines.append(f"Trained on {found['hardware']} in {found['precision']}. The reader is in {out}.")
    return "\n".join(lines)


def _figures(figures: Mapping[str, Any]) -> str:
    """The figures of a validation that there are, in words."""
    words = {
        "answers": "log loss {:.3f}",
        "gain": "of which knowing the person gains {:.3f}",
        "marginals": "shares told by the text {:.3f}",
        "identity": "identity {:.3f}",
        "correlation": "r of unseen questions {:.2f}",
    }
    told = [text.format(figures[name]) for name, text in words.items() if figures[name] is not None]
    return ", ".join(told) or "nothing judges"
