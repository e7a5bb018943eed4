"""Expert iteration: interviews with a model make the data from which the next model is made.

Round 0 knows a few people by all their answers. Each round learns a model and a way to interview from what
is known, interviews a batch of raters held back until then, and adds each interview as a new rater: the
questions that were chosen while they were worth their price, and a few checks drawn at random among
the targets, without which the model could learn nothing more about what it is to predict. The number of
questions to a target loss, which round 0 sets, tells whether that helps; interviews of the same raters with
as many questions at random tell whether it is the questions or only that there is more data.

Validation raters choose and are measured in every round; test raters are looked at once, in the end.

OUT holds `rounds.jsonl` (a line for each round), `test.json`, and a folder for each round and arm with the
interviews (transcripts), the model and the way to interview. Each file is written whole and is what a
run without a cut would have written, seconds aside.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.bank import ItemBank
from prefs.errors import ConfigError, ModelError
from prefs.files import MANIFEST, write_bytes, write_json
from prefs.transcripts import Transcript, read_transcripts, write_transcripts
from training.evaluate import LEAST_TARGETS, Evaluation
from training.fitted import FittedBank
from training.interviewing import Curve, Interviews, Way, at_random, curve, interview, learn
from training.joint import named
from training.people import People, transcribed
from training.policies import Cohort, Told, random_order
from training.rounds import PLANNED, RANDOM, Arm, recorded, tested, verdict
from training.selection import FEW, fit_bank
from training.splits import Part, are_targets, raters_in
from training.surveys import Survey
from training.work import Work

FORMAT = "kallisti.iteration/1"
VALIDATION: Part = "validation"
TEST: Part = "test"
ABOUT, ROUNDS, TESTED = "iteration.json", "rounds.jsonl", "test.json"
MODEL, WAY, INTERVIEWS, SECONDS, WORK = "model", "way.json", "interviews.jsonl", "seconds.json", "work"
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Settings:
    """rounds: of interviews, after round 0. price: bits that a question must be worth. questions: most in an
    interview. raters: interviewed in a round, None for all of those held back, shared out. seeds: share of
    the training raters who are known from the start. checks: targets asked at random in the end of
    an interview. level: the number of questions with which round 0 reaches the target loss.

    Raises:
        ConfigError: a price, a share or a seed that is not allowed.
    """

    rounds: int
    price: float = 0.0
    questions: int = 20
    raters: int | None = None
    seeds: float = 0.1
    checks: int = 5
    level: int = 15
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.price < np.inf:
            raise ConfigError(f"--price {self.price}: allowed are 0 bits and more, no endless number")
        if not 0.0 <= self.seeds <= 1.0:
            raise ConfigError(f"--seeds {self.seeds}: allowed is a share between 0 and 1")
        if self.seed < 0:
            raise ConfigError(f"--seed {self.seed}: allowed is 0 or more")


class Iteration:
    """The rounds of one survey in a folder, made or read where they are made already.

    Raises:
        ConfigError: settings that do not fit the survey, other work in the folder, or work that was cut
            off where `resume` is not wanted. DataError: as `training.evaluate.Evaluation`.
    """

    def __init__(
        self,
        bank: ItemBank,
        survey: Survey,
        settings: Settings,
        out: Path,
        resume: bool = False,
        told: Told | None = None,
    ) -> None:
        self.bank, self.survey, self.out = bank, survey, out
        self.told: Told = told or (lambda stage, done, total: None)
        self.people = People.of(survey, settings.seeds, settings.seed)
        self.settings = settings = _fitting(settings, self.people)
        self.batch = settings.raters or 0
        self.table: Rows = survey.table().astype(np.intp)
        self.measured = {part: self._measured(part) for part in (VALIDATION, TEST)}
        about = {"format": FORMAT, "survey": survey.name, "data": named(survey), **asdict(settings)}
        _claim(out, about, resume)

    def folder(self, number: int, kind: str) -> Path:
        """Where a round's arm lies; round 0 is the same for both."""
        return self.out / (f"round-{number:03d}" if number == 0 else f"round-{number:03d}-{kind}")

    def run(self) -> dict[str, Any]:
        """All rounds, then the test raters; returns the whole as JSON values.

        Raises:
            ModelError: a fit diverged, or what was kept is damaged.
        """
        start = self.arm(0, PLANNED)
        target = float(start.curve.losses.mean(0)[self.settings.level])
        records = [recorded(0, {PLANNED: start}, start.curve, target, self.settings.price)]
        self._tell(records)
        arms = {PLANNED: start, RANDOM: start}
        for number in range(1, self.settings.rounds + 1):
            self._interviews(number, arms[PLANNED])
            arms = {kind: self.arm(number, kind) for kind in (PLANNED, RANDOM)}
            records.append(recorded(number, arms, start.curve, target, self.settings.price))
            self._tell(records)
        test = self.test()
        return {
            "dataset": self.survey.name,
            "settings": asdict(self.settings),
            "rounds": records,
            "test": test,
            "verdict": verdict(test),
        }

    def arm(self, number: int, kind: str) -> Arm:
        """The model of a round from the interviews of one kind, learned now or before."""
        folder, clock = self.folder(number, kind), time.monotonic()
        met = self._met(number, kind)
        known = self.people.known(met)
        model = self._model(known, folder, f"round {number}, {kind}")
        own = Evaluation(known, model, self.told, least=0)
        if not (folder / WAY).is_file():
            cohort = self._cohort(own, self.measured[VALIDATION])
            way, found = learn(own, cohort, self.settings.questions)
            write_json(folder / SECONDS, round(time.monotonic() - clock, 1))
            write_json(folder / WAY, {**way.values(), **found.values()})
        kept, seconds = _read(folder / WAY), _read(folder / SECONDS)
        new = self.batch if number else 0
        return Arm(own, model, Way.read(kept), Curve.read(kept), met, new, seconds)

    def _model(self, known: Survey, folder: Path, stage: str) -> FittedBank:
        if not (folder / MODEL / MANIFEST).is_file():
            shutil.rmtree(folder / MODEL, ignore_errors=True)

            def tell(what: str, done: int, total: int) -> None:
                self.told(f"{stage}: {what}", done, total)

            fit_bank(self.bank, known, "eval", tell, Work(folder / WORK)).save(folder / MODEL)
        shutil.rmtree(folder / WORK, ignore_errors=True)
        return FittedBank.load(folder / MODEL, self.bank)

    def _met(self, number: int, kind: str) -> list[Transcript]:
        """The interviews of one kind up to a round."""
        paths = (self.folder(earlier, kind) / INTERVIEWS for earlier in range(1, number + 1))
        return [one for path in paths for one in read_transcripts(path)]

    def _interviews(self, number: int, arm: Arm) -> None:
        """Interviews the batch of a round by the way of the round before, and at random as a control."""
        paths = {kind: self.folder(number, kind) / INTERVIEWS for kind in (PLANNED, RANDOM)}
        if all(path.is_file() for path in paths.values()):
            return
        settings, rows = self.settings, self.people.batch(number, self.batch)
        self.told(f"round {number}: interviews", 0, len(rows))
        cohort = self._cohort(arm.own, rows)
        planned = interview(cohort, arm.way.order, arm.way.near, settings.questions, settings.price)
        seed = settings.seed * 1000 + number
        met = {PLANNED: planned, RANDOM: at_random(cohort, planned.lengths, seed)}
        checks = random_order(replace(cohort, answers=cohort.wanted), max(settings.checks, 1), seed)
        for kind, one in met.items():
            self._write(paths[kind], number, kind, rows, one, checks[:, : settings.checks], arm.own)

    def _write(
        self, path: Path, number: int, kind: str, rows: Rows, met: Interviews, checks: Rows, own: Evaluation
    ) -> None:
        asked = np.where(met.asked >= 0, own.candidate[met.asked], -1)
        checks = np.where(checks >= 0, own.target[checks], -1)
        write_transcripts(
            path, transcribed(self.people, number, kind, rows, asked, met.gains, checks, met.stopped)
        )

    def _cohort(self, own: Evaluation, rows: Rows) -> Cohort:
        """Raters of the whole survey, met with what an evaluation knows."""
        answers, wanted = (self.table[np.ix_(rows, columns)] for columns in (own.candidate, own.target))
        return replace(own.cohort(np.arange(0)), answers=answers, wanted=wanted)

    def _measured(self, part: Part) -> Rows:
        """Rows of the raters of a part who answered five targets and as many candidates as are asked."""
        is_target = are_targets(question.question_id for question in self.survey.questions)
        wanted, answered = ((self.table[:, some] >= 0).sum(1) for some in (is_target, ~is_target))
        chosen = raters_in(self.survey.raters, part) & (wanted >= LEAST_TARGETS)
        found = np.flatnonzero(chosen & (answered >= self.settings.questions))
        if len(found) < FEW:
            raise ConfigError(
                f"{len(found)} {part} raters of {self.survey.name!r} answered {LEAST_TARGETS} targets and "
                f"{self.settings.questions} other questions: at least {FEW} are needed, ask fewer --questions"
            )
        return found

    def _tell(self, records: list[dict[str, Any]]) -> None:
        lines = (json.dumps(one, ensure_ascii=False, allow_nan=False) + "\n" for one in records)
        write_bytes(self.out / ROUNDS, "".join(lines).encode())

    def test(self) -> dict[str, Any]:
        """The same of test raters, of all rounds at once; made when all rounds are, and only once."""
        path = self.out / TESTED
        if path.is_file():
            return dict(_read(path))
        curves: dict[tuple[int, str], Curve] = {}
        for number in range(self.settings.rounds + 1):
            for kind in (PLANNED, RANDOM) if number else (PLANNED,):
                self.told("test raters", len(curves), 2 * self.settings.rounds + 1)
                arm = self.arm(number, kind)
                cohort = self._cohort(arm.own, self.measured[TEST])
                curves[number, kind] = curve(cohort, arm.way, self.settings.questions)
        found = tested(curves, self.settings.level)
        write_json(path, found)
        return found


def iterate(
    bank: ItemBank,
    survey: Survey,
    settings: Settings,
    out: Path,
    resume: bool = False,
    told: Told | None = None,
) -> dict[str, Any]:
    """Runs all rounds in the folder `out` and returns them as JSON.

    told(stage, done, total) hears of progress.

    Raises:
        ConfigError, DataError, ModelError: as `Iteration`.
    """
    return Iteration(bank, survey, settings, out, resume, told).run()


def _fitting(settings: Settings, people: People) -> Settings:
    """The settings with the size of a batch, checked.

    Raises:
        ConfigError: a value that is not allowed.
    """
    held = len(people.held)
    if settings.rounds < 1:
        raise ConfigError(f"--rounds {settings.rounds}: at least 1 is needed")
    if not 1 <= settings.level <= settings.questions:
        raise ConfigError(
            f"the target loss is that of round 0 after {settings.level} questions, but only "
            f"{settings.questions} are asked: give a --level of 1 to {settings.questions}"
        )
    raters = held // settings.rounds if settings.raters is None else settings.raters
    if raters < 1 or raters * settings.rounds > held:
        raise ConfigError(
            f"{settings.rounds} rounds with {raters:,} raters: {held:,} training raters of "
            f"{people.survey.name!r} are held back, ask for fewer rounds or raters"
        )
    return replace(settings, raters=raters)


def _claim(out: Path, about: Mapping[str, Any], resume: bool) -> None:
    """Makes the folder one of this work.

    Raises:
        ConfigError: it holds something else, or work that was begun where `resume` is not wanted.
    """
    path = out / ABOUT
    if not path.is_file():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ConfigError(f"--out {out} holds other files: name a new folder")
        write_json(path, about)
        return
    if not resume:
        raise ConfigError(f"{out} holds rounds that were begun: add --resume, or name another folder")
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ConfigError(f"{path} cannot be read ({problem}): remove {out}") from problem
    for name, value in about.items():
        if not isinstance(there, dict) or there.get(name) != value:
            raise ConfigError(
                f"{out} holds rounds of other work, {name} is not {value!r}: "
                "ask for the same, or name another folder"
            )


def _read(path: Path) -> Any:
    """A JSON file of the folder; raises ModelError where it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ModelError(
            f"{path} cannot be read ({problem}): remove it, and what was learned is made anew"
        ) from problem
