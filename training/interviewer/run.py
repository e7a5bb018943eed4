"""`kallisti train --kind interviewer`: the language model and the policy head, into one folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefs.errors import ConfigError, DataError, KallistiError
from prefs.files import sha256
from training.interviewer import head as heads
from training.interviewer import lm
from training.interviewer.examples import read_interviews
from training.interviewer.head import Subject, train_head
from training.interviewer.lm import train_language_model
from training.parts import ABOUT, Parts
from training.rater_id.hardware import hardware
from training.splits import raters_in
from vlm.asking_head import PolicyHead
from vlm.interviewer_files import check_place, save_interviewer

Told = Callable[[str, int, int], None]
FORMAT = "kallisti.interviewer-training/1"


def train_interviewer(
    paths: Sequence[Path],
    out: Path,
    language: lm.Settings | None = None,
    head: heads.Settings | None = None,
    subjects: Sequence[Subject] = (),
    split: str = "all",
    resume: bool = False,
    told: Told | None = None,
) -> dict[str, Any]:
    """Trains on transcripts, writes the folder that `vlm.interviewer.Interviewer` opens, returns the report.

    language, head: how they are trained, None for without. subjects: surveys and models of the transcripts,
    which the head learns from. What was cut off lies in `OUT.parts/` and goes on with `resume`.

    Raises:
        ConfigError: neither of both is wanted, a head without subjects, plans in hindsight, a folder that
            holds something else, or parts of other work. DataError: transcripts that cannot be read, or
            none that are of use. ModelError: as the backbone's; a loss that is not finite.
    """
    if language is None and head is None:
        raise ConfigError("neither a language model nor a policy head is to be trained: name a backbone")
    if head is not None and not subjects:
        raise ConfigError("a policy head learns from a survey and a model of it: name --bank and --model")
    out = out.resolve()
    check_place(out)
    interviews, skips = read_interviews(paths, split)
    subjects = [_without_test(one) if split == "eval" else one for one in subjects]
    about = {
        "format": FORMAT,
        "transcripts": [sha256(path) for path in paths],
        "language": asdict(language) if language else None,
        "head": asdict(head) if head else None,
        "models": [one.fitted.version for one in subjects],
        "split": split,
    }
    parts = Parts(out, about, resume)
    report: dict[str, Any] = {
        "split": split,
        "interviews": len(interviews),
        "questions": sum(len(one.turns) for one in interviews),
        "datasets": sorted({one.dataset for one in interviews}),
        "skips": skips,
        "hardware": hardware().name,
        "language": None,
        "head": None,
    }
    policy, written = None, None
    try:
        if head is not None:
            policy = _head(interviews, subjects, head, parts.folder / "head", told)
            report["head"] = dict(policy.about)
        if language is not None:
            trained = train_language_model(interviews, language, parts.folder / "language.state", told)
            report["language"] = {**asdict(language), "losses": [round(loss, 4) for loss in trained.losses]}
            if trained.shortened:
                skips[f"interviews of which {language.longest:,} tokens were read"] = trained.shortened
            written = trained.model, trained.tokenizer
    except KallistiError:
        _forget(parts)
        raise
    save_interviewer(out, report, written, policy)
    shutil.rmtree(parts.folder)
    return report


def _forget(parts: Parts) -> None:
    """Removes the parts' folder where nothing was learned yet that could go on."""
    if [path.name for path in parts.folder.iterdir()] == [ABOUT]:
        shutil.rmtree(parts.folder)


def _head(
    interviews: Sequence[Any],
    subjects: Sequence[Subject],
    settings: heads.Settings,
    folder: Path,
    told: Told | None,
) -> PolicyHead:
    """The head that was kept, or a new one, kept."""
    if (folder / "manifest.json").is_file():
        return PolicyHead.load(folder)
    found = train_head(interviews, subjects, settings, told)
    found.save(folder)
    return found


def _without_test(subject: Subject) -> Subject:
    """The subject without its test raters.

    Raises:
        DataError: nobody is left. ConfigError: a model that has seen the test raters.
    """
    if subject.fitted.report.get("split") != "eval":
        raise ConfigError(
            f"the model of {subject.survey.name!r} has seen the test raters: fit one with "
            "`train --split eval`, or train the interviewer with --split all"
        )
    kept = ~raters_in(subject.survey.raters, "test")
    if not kept.any():
        raise DataError(f"survey {subject.survey.name!r} has no raters but test raters")
    return Subject(subject.survey.of_raters(kept), subject.fitted)
