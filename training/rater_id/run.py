"""A whole training of a reader: from data sets to a folder that `vlm.reader.Reader` opens."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prefs.errors import ConfigError
from training.joint import check_out
from training.parts import Parts
from training.rater_id.corpus import Corpus, Part, corpus_of
from training.rater_id.data import DataSet
from training.rater_id.drawing import check
from training.rater_id.hardware import Hardware, hardware
from training.rater_id.logs import LogName, logger
from training.rater_id.recipe import Recipe
from training.rater_id.states import Reading
from training.rater_id.trainer import Diverged, Judged, Told, Trainer
from training.selection import Split

if TYPE_CHECKING:
    from vlm.backbones import Backbone
    from vlm.batch import Batcher
    from vlm.model import PreferenceVLM

FORMAT = "kallisti.reading/1"
REPORT = "report.json"


@dataclass(frozen=True)
class Wanted:
    """What is asked of a training.

    backbone: a name or folder (`vlm.backbones`). tune, size: what is tuned and how many taste coordinates,
    where the recipe says nothing. light: only what was tuned is written.
    """

    backbone: str
    recipe: Recipe
    tune: str = "full"
    size: int = 32
    split: Split = "eval"
    hold_out_questions: bool = False
    hold_out_sets: tuple[str, ...] = ()
    light: bool = False
    log: LogName = "none"


def train_reader(
    sets: Sequence[DataSet],
    out: Path,
    wanted: Wanted,
    resume: bool = False,
    told: Told | None = None,
    judged: Judged | None = None,
    told_reading: Reading | None = None,
) -> dict[str, Any]:
    """Trains a reader on data sets and writes it into the folder `out`; returns its report.

    Work that was cut off lies in `OUT.parts/` and goes on with `resume`, on one machine to the same bytes.

    Raises:
        ConfigError: settings that are not allowed, `out` holds other files, or parts of other work are there.
        DataError: a data set without anything to learn from. ModelError: no such backbone, or the training
        diverged. MissingPartError: a package is not installed. QuestionError: a question cannot be read.
    """
    out = out.resolve()
    check_out(out)
    corpus = corpus_of(sets, wanted.split, wanted.hold_out_questions, wanted.hold_out_sets)
    check(corpus.parts, wanted.recipe)
    machine = hardware(wanted.recipe.precision)
    backbone, model = build(corpus, sets, wanted)
    batchers, shortened = _batchers(model, backbone.tokenizer, corpus.parts)
    parts = Parts(out, about(sets, wanted, machine, backbone.fingerprint), resume)
    trainer = Trainer(model, batchers, corpus.parts, wanted.recipe, machine.device, machine.bf16)
    try:
        with logger(wanted.log, out.name, wanted.recipe.as_json()) as log:
            trainer.run(parts.folder / "fit", told, judged, log, told_reading)
    except Diverged:  # going on would end the same
        shutil.rmtree(parts.folder)
        raise
    found = report(corpus, wanted, machine, trainer, shortened)
    _save(trainer.model, backbone.tokenizer, out, wanted.light, found)
    shutil.rmtree(parts.folder)
    return found


def build(corpus: Corpus, sets: Sequence[DataSet], wanted: Wanted) -> tuple[Backbone, PreferenceVLM]:
    """The backbone and a model on it that nobody trained yet, the same for the same seed.

    Raises:
        ConfigError: pictures of several encoders, or a setting that is out of range. ModelError: no such
            backbone.
    """
    import torch

    from vlm.backbones import SUITED, load_backbone
    from vlm.saved import make

    recipe = wanted.recipe
    texts = [one for part in corpus.parts for column in part.learned for one in _texts(part, column)]
    encoder, width = pictures_of(sets)
    settings = {**SUITED.get(wanted.backbone, {})}
    settings |= {"dim": recipe.size or wanted.size, "tune": recipe.tune or wanted.tune}
    own = ("rank", "max_tokens", "signs", "dropout")
    optional = {name: getattr(recipe, name) for name in own}
    settings |= {name: value for name, value in optional.items() if value is not None}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        backbone = load_backbone(wanted.backbone, texts)
        return backbone, make(backbone, encoder=encoder, width=width, **settings)


def pictures_of(sets: Sequence[DataSet]) -> tuple[str, int]:
    """Name of the encoder of all pictures, and the length of their vectors; "" and 0 without pictures.

    Raises:
        ConfigError: two encoders.
    """
    found = {one.encoder: len(next(iter(one.pictures.values()))) for one in sets if one.pictures}
    if len(found) > 1:
        raise ConfigError(f"pictures of several encoders ({', '.join(sorted(found))}): index all with one")
    return next(iter(found.items()), ("", 0))


def about(sets: Sequence[DataSet], wanted: Wanted, machine: Hardware, fingerprint: str) -> dict[str, Any]:
    """What makes two trainings the same work, as JSON values; fingerprint: of the backbone's weights."""
    return {
        "format": FORMAT,
        "backbone": wanted.backbone,
        "fingerprint": fingerprint,
        "tune": wanted.tune,
        "size": wanted.size,
        "recipe": wanted.recipe.as_json(),
        "split": wanted.split,
        "hold_out_questions": wanted.hold_out_questions,
        "hold_out_sets": list(wanted.hold_out_sets),
        "light": wanted.light,
        "device": machine.device.type,
        "bf16": machine.bf16,
        "data": [one.name for one in sets],
        **{f"answers of {one.name}": _named(one) for one in sets},
    }


def report(
    corpus: Corpus, wanted: Wanted, machine: Hardware, trainer: Trainer, shortened: Counter[str]
) -> dict[str, Any]:
    """What was trained on what and how it was judged, as JSON values; nothing in it tells the time."""
    kept = trainer.done.best or trainer.done.step
    return {
        "kind": "vlm",
        "hardware": machine.name,
        "precision": "bf16" if machine.bf16 else "float32",
        "backbone": wanted.backbone,
        "tune": trainer.model.config.tune,
        "size": trainer.model.config.dim,
        "parameters_tuned": sum(one.numel() for one in trainer.parameters.values()),
        "recipe": wanted.recipe.as_json(),
        "data": list(corpus.names),
        "split": corpus.split,
        "hold_out_questions": corpus.targets_held_out,
        "hold_out_sets": list(corpus.sets_held_out),
        "raters": corpus.raters,
        "validation_raters": sum(int(part.judges.sum()) for part in corpus.parts),
        "questions": corpus.questions,
        "validation_questions": sum(int(part.judged.sum()) for part in corpus.parts),
        "answers": sum(int(part.given[np.ix_(part.learners, part.learned)].sum()) for part in corpus.parts),
        "parts": {part.name: _counts(part) for part in corpus.parts},
        "skips": {name: dict(skips) for name, skips in corpus.skips.items()},
        "shortened": dict(shortened),
        "steps": trainer.done.step,
        "kept_step": kept,
        "kept_by": wanted.recipe.keep if trainer.done.best else "last",
        "validation": trainer.done.curve,
    }


def _counts(part: Part) -> dict[str, int]:
    return {
        "raters": len(part.learners),
        "validation_raters": int(part.judges.sum()),
        "questions": len(part.learned),
        "validation_questions": int(part.judged.sum()),
    }


def _batchers(
    model: PreferenceVLM, tokenizer: Any, parts: Sequence[Part]
) -> tuple[list[Batcher], Counter[str]]:
    """A batcher for each part, and what had to be shortened of all their questions."""
    from vlm.batch import Batcher

    found, shortened = [], Counter[str]()
    for part in parts:
        batcher = Batcher(tokenizer, model.config, part.pictures)  # type: ignore[arg-type]  # it is ours
        batcher.write(batcher.plan(part.questions)[0])
        shortened += batcher.notices
        found.append(batcher)
    return found, shortened


def _save(model: PreferenceVLM, tokenizer: Any, out: Path, light: bool, found: dict[str, Any]) -> None:
    """Writes the reader; what its manifest tells is enough to know what it may be tested on."""
    from vlm.saved import save_reader

    told = {name: found[name] for name in ("split", "hold_out_questions", "hold_out_sets", "data")}
    save_reader(model, tokenizer, out, light=light, about={"training": told}, reports={REPORT: found})


def _texts(part: Part, column: int) -> list[str]:
    question = part.questions[column]
    return [question.markdown, *(option.markdown for option in question.options)]


def _named(one: DataSet) -> str:
    """A hash of who answered what to which questions and pictures: 16 hexadecimal digits."""
    content = hashlib.sha256("\n".join(one.raters).encode())
    for question in one.questions:
        said = (question.question_id, question.kind, question.markdown)
        content.update(repr((*said, *(option.markdown for option in question.options))).encode())
    content.update(np.ascontiguousarray(one.answers).tobytes())
    for item in sorted(one.pictures):
        content.update(item.encode() + np.ascontiguousarray(one.pictures[item]).tobytes())
    return content.hexdigest()[:16]
