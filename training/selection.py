"""Chooses the size and freedom of a fit on raters that it has not seen, and fits banks.

A fit is judged by the log loss of a validation rater's answers to target questions, given ten answers
to other questions and given all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from prefs.bank import ItemBank
from prefs.batch import infer_many
from prefs.engines import single_threaded
from prefs.errors import ConfigError
from training.fit import Fit, Settings, Vectors
from training.fitted import FittedBank, scale_directions
from training.metrics import calibration
from training.predictive import predict
from training.pydata import scales_of
from training.splits import are_targets, raters_in
from training.surveys import MISSING, Survey
from training.work import Work

log = logging.getLogger(__name__)

SIZES, MORE = (4, 8, 12, 16, 24), (32,)  # MORE: where several data sets share a block
NOMINAL = (0.2, 0.0, 0.5)
EACH = 3  # questions that a coordinate needs
WORTH = 0.0003  # nats per answer by which a larger or freer model must be better
FEW = 20  # validation raters below which nothing is chosen
JUDGES, CELLS = 300, 8_000_000  # for each data set: validation raters; answers x options of a trial fit
TRIAL_STEPS = 150
CHOOSING, FITTING = "choosing the model", "fitting the questions"
Split = Literal["eval", "all"]
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Judged:
    """Validation of a fit: log loss (nats) after 10 answers and after all, calibration error after all."""

    ten: float
    full: float
    ece: float

    @property
    def loss(self) -> float:
        """What is minimized."""
        return (self.ten + self.full) / 2


def fit_bank(
    bank: ItemBank,
    survey: Survey,
    split: Split = "all",
    report: Report | None = None,
    work: Work | None = None,
) -> FittedBank:
    """Fits the bank's questions to the survey's people; report(stage, done, total) hears of progress.

    split: "eval" fits on training raters only; "all" chooses on validation raters, then fits on all.
    """
    vectors, summary = fit_survey(survey, split, report, work)
    scales = scale_directions(bank, vectors.phi, vectors.g, scales_of(survey))
    return FittedBank(bank, vectors.phi, vectors.g, scales, summary)


def fit_survey(
    survey: Survey,
    split: Split = "all",
    report: Report | None = None,
    work: Work | None = None,
    sets: int = 1,
) -> tuple[Vectors, dict[str, Any]]:
    """Vectors of the survey's questions, and how they were chosen as JSON values.

    work: where trials and the state of the fit are kept, to go on after a cut. sets: how many data sets
    the survey is made of; in a trial each has as many raters as it would have alone.

    Raises:
        ConfigError: split is "eval" and no rater is a training rater.
    """
    tell, kept = report or _silent, work or Work()
    train, validation = parts_of(survey)
    if split == "eval" and not len(train.raters):
        raise ConfigError(
            f"--split eval: none of the {len(survey.raters)} raters of {survey.name!r} is a training rater, "
            "add raters or use --split all"
        )
    trials: list[dict[str, Any]] = []
    if not can_choose(train, validation):
        log.warning(
            "bank %s: %d validation raters, too few to choose by", survey.name, len(validation.raters)
        )
        settings = Settings(size=SIZES[0])
    else:
        settings, trials = choose(as_bank(survey), train, validation, tell, kept, sets)
    fit = Fit(survey if split == "all" else train, settings)
    kept.run(fit, "fit", lambda done, total: tell(FITTING, done, total))
    return fit.vectors(), {
        "split": split,
        "raters": fit.raters,
        "answers": len(survey.answers),
        "settings": asdict(settings),
        "trials": trials,
        "skips": dict(survey.skips),
    }


def parts_of(survey: Survey) -> tuple[Survey, Survey]:
    """The survey's training and validation raters."""
    train = survey.of_raters(raters_in(survey.raters, "train"))
    return train, survey.of_raters(raters_in(survey.raters, "validation"))


def can_choose(train: Survey, validation: Survey) -> bool:
    """Whether there are enough people to choose by."""
    return len(validation.raters) >= FEW and len(train.raters) > 0


def choose(
    bank: ItemBank,
    train: Survey,
    validation: Survey,
    tell: Report,
    work: Work | None = None,
    sets: int = 1,
) -> tuple[Settings, list[dict[str, Any]]]:
    """The settings that predict validation raters best, and every trial.

    The size grows while that pays; then the freedom of the options is varied.
    """
    rows: list[dict[str, Any]] = []
    allowed = max(len(train.questions) // EACH, SIZES[0])
    sizes = [size for size in (SIZES if sets == 1 else SIZES + MORE) if size <= allowed]
    total = len(sizes) + len(NOMINAL) - 1

    def tried(settings: Settings) -> Judged:
        tell(CHOOSING, len(rows), total)
        found = trial(bank, train, validation, settings, work, sets=sets)
        rows.append({"size": settings.size, "nominal": settings.nominal, **asdict(found)})
        return found

    best = Settings(size=SIZES[0], nominal=NOMINAL[0])
    least = tried(best)
    for size in sizes[1:]:
        found = tried(replace(best, size=size))
        if found.loss > least.loss - WORTH:
            break
        best, least = replace(best, size=size), found
    for nominal in NOMINAL[1:] if int(train.counts.max()) > 2 else ():
        found = tried(replace(best, nominal=nominal))
        if found.loss < least.loss - WORTH / 2:
            best, least = replace(best, nominal=nominal), found
    tell(CHOOSING, total, total)
    return best, rows


def trial(
    bank: ItemBank,
    train: Survey,
    validation: Survey,
    settings: Settings,
    work: Work | None = None,
    name: str = "trial",
    sets: int = 1,
) -> Judged:
    """Judges a short fit to so many training raters, spread over all, as make a trial quick."""
    kept, named = work or Work(), f"{name}-{settings.size}-{settings.nominal}"

    def judged() -> dict[str, Any]:
        each = len(train.answers) / len(train.raters) * int(train.counts.max())
        fit = Fit(_some(train, max(int(sets * CELLS / each), 200)), replace(settings, steps=TRIAL_STEPS))
        kept.run(fit, named)
        with single_threaded():
            return asdict(judge(bank, fit.vectors(), _some(validation, sets * JUDGES)))

    return Judged(**kept.known(named, judged))


def _some(survey: Survey, count: int) -> Survey:
    """So many raters, evenly spread: their order often means something, such as where they came from."""
    total = len(survey.raters)
    if total <= count:
        return survey
    chosen = np.zeros(total, dtype=bool)
    chosen[np.arange(count) * total // count] = True
    return survey.of_raters(chosen)


def as_bank(survey: Survey) -> ItemBank:
    """The questions of a survey, which may be of several sets, as one bank."""
    return ItemBank(survey.name, tuple(replace(one, source=survey.name) for one in survey.questions))


def _silent(stage: str, done: int, total: int) -> None:
    pass


def judge(bank: ItemBank, vectors: Vectors, validation: Survey) -> Judged:
    """How well fitted questions predict raters that the fit has not seen."""
    fitted = FittedBank(bank, vectors.phi, vectors.g, {}, {})
    model = fitted.alone()
    all_vectors = fitted.source(model.space).all()
    is_target = are_targets(bank.rows)
    if is_target.all() or not is_target.any():
        is_target = np.arange(len(is_target)) % 3 == 0
    targets, candidates = np.flatnonzero(is_target), np.flatnonzero(~is_target)
    table = validation.table().astype(np.intp)
    said, wanted = table[:, candidates], table[:, targets]
    if not (wanted >= 0).any():
        log.warning("bank %s: no validation rater answered a target, nothing to choose by", bank.name)
        return Judged(0.0, 0.0, 0.0)
    order = np.random.default_rng(0).random(said.shape)
    order[said < 0] = 2.0
    ten = np.where(order.argsort(1).argsort(1) < 10, said, MISSING)
    losses = []
    for known in (ten, said):
        beliefs = infer_many(model.space, all_vectors[candidates], known, model.lapse)
        p = predict(beliefs, all_vectors[targets])
        rows, columns = np.nonzero(wanted >= 0)
        losses.append(float(-np.log(p[rows, columns, wanted[rows, columns]]).mean()))
    top, said_top = p.max(2)[rows, columns], p.argmax(2)[rows, columns] == wanted[rows, columns]
    return Judged(losses[0], losses[1], float(calibration(top, said_top, rows, len(table)).error()))
