"""Several surveys at once: what they share ties them together, and what nothing ties stays apart.

Surveys that share raters (the same id) or questions (the same text and the same options) are tied, and so
is what is tied to them. Everything that hangs together is fitted as one survey, in one block of tastes:
a question that several surveys ask has one set of parameters, and a rater who answered in several is one
person, for whom a question asked in two surveys was asked on two occasions. Groups that nothing ties
have blocks of their own, independent a priori.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.bank import ItemBank
from prefs.errors import ConfigError
from prefs.files import MANIFEST
from prefs.questions import Question
from training.fit import Vectors
from training.fitted import RECIPE, FittedBank, save_fitted, scale_directions
from training.parts import Parts, folder_of
from training.pydata import scales_of
from training.selection import CHOOSING, FITTING, Report, Split, fit_survey
from training.splits import raters_in
from training.surveys import Survey, assemble, numbered
from training.work import Work

FORMAT = "kallisti.training/1"
Identity = tuple[str, tuple[str, ...], int]


@dataclass(frozen=True)
class Group:
    """Surveys that hang together, and all their answers as one survey.

    columns: for each survey (Q,) where its questions stand in the union.
    """

    surveys: tuple[Survey, ...]
    union: Survey
    columns: tuple[NDArray[np.intp], ...]

    @property
    def name(self) -> str:
        """Names the group's block of tastes."""
        return self.union.name


def groups(surveys: Sequence[Survey]) -> list[Group]:
    """The surveys by what ties them together, in the order of the first of each group.

    Raises:
        ConfigError: two surveys have one name.
    """
    for name, count in Counter(survey.name for survey in surveys).items():
        if count > 1:
            raise ConfigError(f"{count} data sets are called {name!r}: name each once, or rename a folder")
    leaders = list(range(len(surveys)))

    def leader(number: int) -> int:
        while leaders[number] != number:
            number = leaders[number]
        return number

    first: dict[Identity | str, int] = {}
    for number, survey in enumerate(surveys):
        shares: list[Identity | str] = [*survey.raters, *_identities(survey.questions)]
        for shared in shares:
            one, other = leader(first.setdefault(shared, number)), leader(number)
            leaders[max(one, other)] = min(one, other)
    found: dict[int, list[Survey]] = {}
    for number, survey in enumerate(surveys):
        found.setdefault(leader(number), []).append(survey)
    return [_joined(tuple(members)) for members in found.values()]


def fit_sets(
    sets: Sequence[tuple[ItemBank, Survey]],
    split: Split = "all",
    report: Report | None = None,
    work: Work | None = None,
) -> dict[str, FittedBank]:
    """The bank of each data set by its name, fitted to the answers of its whole group.

    report(stage, done, total) hears of progress. work: where it is kept, to go on after a cut.

    Raises:
        ConfigError: two data sets have one name. ModelError: a fit diverged, or what was kept is damaged.
    """
    kept = work or Work()
    found: dict[str, FittedBank] = {}
    banks = {survey.name: bank for bank, survey in sets}
    parts = groups([survey for _, survey in sets])
    for number, group in enumerate(parts):
        tell = _telling(report, number, len(parts))
        inside = kept.under(f"group-{number:03d}")
        vectors, summary = fit_survey(group.union, split, tell, inside, len(group.surveys))
        for survey, columns in zip(group.surveys, group.columns, strict=True):
            found[survey.name] = _bank(banks[survey.name], survey, group, vectors, columns, summary)
    return {bank.name: found[bank.name] for bank, _ in sets}


def train(
    sets: Sequence[tuple[ItemBank, Survey]],
    out: Path,
    split: Split = "all",
    report: Report | None = None,
    resume: bool = False,
) -> dict[str, FittedBank]:
    """Fits the data sets and writes their banks into the folder `out`; returns them by name.

    Work that was cut off lies in `OUT.parts/` beside it and goes on with `resume`, to the same bits.

    Raises:
        ConfigError: as `fit_sets`; `out` is a file or holds other files; parts of other work are there, or
            parts at all where `resume` is not wanted. ModelError: as `fit_sets`.
    """
    out = out.resolve()  # `.` has no name for parts to be beside
    check_out(out)
    groups([survey for _, survey in sets])
    parts = Parts(out, about(sets, split), resume)
    banks = fit_sets(sets, split, report, Work(parts.folder / "fits"))
    save_fitted(banks, out)
    shutil.rmtree(parts.folder)
    return banks


def check_out(out: Path) -> None:
    """Raises ConfigError for a folder that a manifest of the whole would not be true of for long."""
    if not out.name or (out.exists() and not out.is_dir()):
        raise ConfigError(
            f"--out {out} is {'a file' if out.name else 'the root'}: name a folder for the model"
        )
    ours = (out / MANIFEST).is_file() or folder_of(out).is_dir()
    if out.is_dir() and not ours and (found := sorted(path.name for path in out.iterdir())):
        raise ConfigError(
            f"--out {out} holds other files ({', '.join(found[:3])}): name a new folder or a model to replace"
        )


def about(sets: Sequence[tuple[ItemBank, Survey]], split: Split) -> dict[str, Any]:
    """What makes two trainings the same work."""
    answers = {f"answers of {survey.name}": named(survey) for _, survey in sets}
    return {
        "format": FORMAT,
        "recipe": RECIPE,
        "data": [survey.name for _, survey in sets],
        "split": split,
        **answers,
    }


def named(survey: Survey) -> str:
    """A hash of who answered what: 16 hexadecimal digits."""
    content = hashlib.sha256("\n".join(survey.raters).encode())
    for question in survey.questions:
        content.update(repr((question.question_id, _said(question))).encode())
    for values in (survey.starts, survey.columns, survey.answers, survey.occasions):
        content.update(np.ascontiguousarray(values).tobytes())
    return content.hexdigest()[:16]


def _identities(questions: Iterable[Question]) -> list[Identity]:
    """What makes a question the same in another survey; the same one twice in a survey is two."""
    found, seen = [], Counter[tuple[str, tuple[str, ...]]]()
    for question in questions:
        said = _said(question)
        found.append((*said, seen[said]))
        seen[said] += 1
    return found


def _said(question: Question) -> tuple[str, tuple[str, ...]]:
    return question.markdown, tuple(option.markdown for option in question.options)


def _joined(surveys: tuple[Survey, ...]) -> Group:
    """All answers of the surveys as one, in the order of the surveys."""
    if len(surveys) == 1:
        return Group(surveys, surveys[0], (np.arange(len(surveys[0].questions)),))
    name = "+".join(survey.name for survey in surveys)
    places: dict[Identity, int] = {}
    raters: dict[str, int] = {}
    questions: list[Question] = []
    columns, rows, occasions, later = [], [], [], 0
    for survey in surveys:
        for identity, question in zip(_identities(survey.questions), survey.questions, strict=True):
            place = places.setdefault(identity, len(questions))
            if place == len(questions):
                questions.append(replace(question, question_id=f"{survey.name}/{question.question_id}"))
            elif question.kind == "rating":
                questions[place] = replace(questions[place], kind="rating")
        columns.append(np.array([places[one] for one in _identities(survey.questions)], dtype=np.intp))
        people = np.array([raters.setdefault(rater, len(raters)) for rater in survey.raters], dtype=np.intp)
        rows.append(people[survey.rows])
        occasions.append(numbered(survey).occasions + later)
        later = int(occasions[-1].max()) + 1
    union = assemble(
        name,
        questions,
        list(raters),
        np.concatenate(rows),
        np.concatenate([places_[one.columns] for places_, one in zip(columns, surveys, strict=True)]),
        np.concatenate([survey.answers for survey in surveys]),
        np.concatenate(occasions),
        origin=name,
    )
    return Group(surveys, union, tuple(columns))


def _bank(
    bank: ItemBank,
    survey: Survey,
    group: Group,
    vectors: Vectors,
    columns: NDArray[np.intp],
    summary: dict[str, Any],
) -> FittedBank:
    """One survey's bank out of the vectors of its group."""
    if len(group.surveys) > 1:
        split = summary["split"]
        fitted = survey.raters if split == "all" else raters_in(survey.raters, "train").nonzero()[0]
        summary = {
            **summary,
            "raters": len(fitted),
            "answers": len(survey.answers),
            "skips": dict(survey.skips),
            "together": {"names": [one.name for one in group.surveys], "raters": summary["raters"]},
        }
    most = int(survey.counts.max())
    phi, g = vectors.phi[columns, :most], vectors.g[columns, :most]
    scales = scale_directions(bank, phi, g, scales_of(survey))
    return FittedBank(bank, phi, g, scales, summary, group.name)


def _telling(report: Report | None, number: int, total: int) -> Report:
    """Progress of one group as a part of the progress of all, in the same two stages."""

    def tell(stage: str, done: int, count: int) -> None:
        if report is None:
            return
        if total == 1:
            report(stage, done, count)
        elif stage == FITTING:
            report(f"{FITTING} of {total} groups", number * count + done, total * count)
        elif done == 0 or done == count:
            report(f"{CHOOSING} of {total} groups", number + (done == count), total)

    return tell
