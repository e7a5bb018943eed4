"""`kallisti train --kind interviewer`: a language model and a policy head that ask, from planned ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from prefs.errors import ConfigError
from ui.cli.options import progress_bar, say
from ui.cli.reading import Reading

if TYPE_CHECKING:
    from training.interviewer import head, lm
    from training.interviewer.head import Subject

PlannedBanks = Annotated[
    list[str] | None,
    typer.Option(
        "--bank",
        help="The survey whose raters were planned, so that the policy head of an interviewer learns what "
        "each question would have told; repeatable.",
        show_default=False,
    ),
]
PlannedModels = Annotated[
    list[Path] | None,
    typer.Option(
        "--model",
        help="Folder of the choice model of these surveys (interviewers); one for all, or one for each "
        "--bank in their order.",
        show_default=False,
    ),
]
NOTHING = "none"  # the backbone of an interviewer without a language model
PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {"backbone": "tiny", "tune": "full", "rate": 3e-3, "batch": 8},
    "small": {"backbone": "smollm2"},
    "base": {"backbone": "Qwen/Qwen3-0.6B", "steps": 1000, "batch": 16, "rate": 3e-4},
}


def train_asker(
    data: Sequence[str],
    out: Path,
    options: Reading,
    banks: Sequence[str],
    models: Sequence[Path],
    split: Literal["eval", "all"],
    resume: bool,
    as_json: bool,
) -> None:
    """Trains an interviewer on files of transcripts and tells what it learned from."""
    from training.interviewer.run import train_interviewer

    _check(data, options, banks, models)
    language, head = _settings(options, bool(banks))
    each = [*models] * len(banks) if len(models) == 1 else models
    subjects = [_subject(name, model) for name, model in zip(banks, each, strict=True)]
    with progress_bar(as_json) as progress:
        report = train_interviewer(
            [Path(name) for name in data], out, language, head, subjects, split, resume, progress
        )
    say({"out": str(out), **report}, as_json, _text(report, out))


def _check(data: Sequence[str], options: Reading, banks: Sequence[str], models: Sequence[Path]) -> None:
    """Raises ConfigError for what is no transcript, or for options of other kinds of models."""
    for name in data:
        if not Path(name).is_file():
            raise ConfigError(
                f"{name!r} is no file: an interviewer learns from transcripts, which `kallisti plan "
                "--strangers` writes"
            )
    if bool(banks) != bool(models) or len(models) not in (0, 1, len(banks)):
        raise ConfigError(
            f"{len(banks)} --bank and {len(models)} --model: they go together, one model for all surveys or "
            "one for each"
        )
    if options.hold_out_questions or options.hold_out_sets or options.light or options.log != "none":
        raise ConfigError(
            "--hold-out-questions, --hold-out-set, --light and --log are of models that read: leave them out"
        )


def _settings(options: Reading, banks: bool) -> tuple[lm.Settings | None, head.Settings | None]:
    """How both are trained: the preset, then the recipe's file, then what stands on the command line."""
    from training.interviewer import head, lm

    given = _recipe(options.recipe)
    language = _made(lm.Settings, PRESETS[options.preset or "small"] | given.get("language", {}), options)
    if options.backbone is not None:
        language = replace(language, backbone=options.backbone)
    if options.steps is not None:
        language = replace(language, steps=options.steps)
    policy = _made(head.Settings, given.get("head", {}), options) if banks else None
    return (None if options.backbone == NOTHING else language), policy


def _made(kind: Any, values: dict[str, Any], options: Reading) -> Any:
    try:
        return kind(**values)
    except TypeError as problem:
        raise ConfigError(f"--recipe {options.recipe}: {problem}") from problem


def _recipe(path: Path | None) -> dict[str, dict[str, Any]]:
    """Settings of both parts by name, {"language": {...}, "head": {...}}; empty without a file.

    Raises:
        ConfigError: the file cannot be read, or holds something else.
    """
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ConfigError(f"--recipe {path} cannot be read as JSON: {problem}") from problem
    parts = ("language", "head")
    if not isinstance(found, dict) or not all(
        name in parts and isinstance(one, dict) for name, one in found.items()
    ):
        raise ConfigError(f'--recipe {path}: expected {{"language": {{...}}, "head": {{...}}}}')
    return found


def _subject(name: str, model: Path) -> Subject:
    from training.banks import bank_of
    from training.fitted import load_fitted
    from training.interviewer.head import Subject

    bank, survey = bank_of(name)
    return Subject(survey, load_fitted(model, bank))


def _text(report: dict[str, Any], out: Path) -> str:
    """The report for people."""
    from ui.cli.learning import counted

    lines = [
        f"Learned from {report['questions']:,} questions in {report['interviews']:,} interviews "
        f"about {', '.join(report['datasets'])}, on {report['hardware']}."
    ]
    lines += counted(report["skips"])
    language, head = report["language"], report["head"]
    if language:
        losses = language["losses"]
        lines.append(
            f"The language model ({language['backbone']}, {language['steps']:,} steps of "
            f"{language['batch']}) went from {losses[0]:.2f} to {losses[-1]:.2f} nats a token."
        )
    if head:
        shares = ", ".join(f"{100 * share:.0f} % ({name})" for name, share in head["gain_share"].items())
        lines.append(
            "The policy head asks what gains, of the planner's gain in the same interviews, "
            f"{shares}; those are interviews that it did not learn from."
        )
    elif language:
        lines.append("Without --bank and --model there is no policy head.")
    return "\n".join([*lines, f"The interviewer is in {out}."])
