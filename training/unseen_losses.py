"""How well answers to questions that were only read are predicted, beside questions known by their answers.

Everybody's answers to the candidates are known, those to the targets are predicted, for held-out raters:

    text            the text alone: nothing of any person, popularity from the reader
    marginal        how often training raters chose each option, the same for everybody
    styles          nothing read: candidates known by number tell how a person uses a scale
    reader          every question read; popularity from training raters, as in all that follows
    grafted         candidates known by number, targets placed among them by what was read
    both            the mean of the chances that the last two give
    by number       every question known by number: a choice model fitted to targets too

`training.grafting` places them; the candidates' own model is fitted without the targets. The share of the
personal gain that reading recovers is (marginal - reading) / (marginal - by number).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.model import scores
from prefs.space import Floats
from training.fit import Fit, Settings
from training.fitted import FittedBank
from training.grafting import Atoms, Case, Trust, foretold, trusted
from training.metrics import interval, resamples
from training.readbank import STYLES, Reads, calibrated, read_bank
from training.splits import raters_in
from training.studies import Study, predicted, read_best
from training.surveys import Survey
from training.work import Work

TESTED = 500  # test raters
READINGS = ("reader", "grafted", "both")


@dataclass(frozen=True)
class Sown:
    """A study with what it is predicted by.

    by_number: a model fitted to training raters, targets among its questions. read: as a reader sees it,
    by which strengths. own: the model of the candidates alone.
    """

    study: Study
    by_number: FittedBank
    read: FittedBank
    strengths: Mapping[str, float]
    own: FittedBank

    @property
    def case(self) -> Case:
        """The candidates, of which the judged are to be placed among the others."""
        study = self.study
        read, own = (Atoms.of(one.phi, study.survey.counts, study.ordered) for one in (self.read, self.own))
        inside, judged = read.among(~study.target), read.among(study.judged)
        return Case(read.vectors[inside], own.vectors[inside], judged[inside])


def compare(
    reader: Reads,
    sets: Sequence[tuple[Study, FittedBank]],
    report: Mapping[str, Any],
    work: Work | None = None,
) -> list[dict[str, Any]]:
    """Log loss of the target answers of up to 500 test raters, and what was recovered, for each set.

    sets: each with a model by number. report: of the reader. work: where fits of candidates alone are kept,
    to go on after a cut. How questions are placed is chosen for all sets together, and which reading is
    reported as the method for each, on validation raters and judged questions.
    """
    kept, sown = work or Work(), list[Sown]()
    for study, by_number in sets:
        settings = Settings(**by_number.report.get("settings", {}))
        read, strengths = read_best(reader, study, report)
        own = candidates_alone(study, settings, kept.under(study.bank.name))
        sown.append(Sown(study, by_number, read, strengths, own))
    trust, explained = trusted([one.case for one in sown])
    return [
        {**_compared(one, reader, trust), "trust": {**asdict(trust), "explained": explained}} for one in sown
    ]


def _compared(sown: Sown, reader: Reads, trust: Trust) -> dict[str, Any]:
    study = sown.study
    rows = study.rows("test", TESTED)
    found = _test_losses(sown, reader, trust, rows)
    validation, judges = dict[str, float](), study.judges
    if len(judges):
        for name, p in _readings(sown, trust, judges, study.others, study.judged).items():
            validation[name] = float(np.nanmean(study.losses(p, judges, study.judged)))
    weights = resamples(len(rows))
    personal = ("styles", *READINGS)
    return {
        "set": study.bank.name,
        "raters": len(rows),
        "targets": int(study.target.sum()),
        "candidates": int((~study.target).sum()),
        "judged_questions": int(study.judged.sum()),
        "judged_were_learned_from": study.seen,
        "losses": {name: interval(values, weights) for name, values in found.items()},
        "recovered": {name: recovered(found, name) for name in personal},
        "gain": {
            name: interval(found["marginal"] - found[name], weights) for name in (*personal, "by number")
        },
        "beyond_styles": {name: interval(found["styles"] - found[name], weights) for name in READINGS},
        "method": min(READINGS, key=lambda name: validation.get(name, 0.0)),
        "validation": validation,
        "strengths": dict(sown.strengths),
        "by_number": sown.by_number.version,
    }


def _test_losses(sown: Sown, reader: Reads, trust: Trust, rows: NDArray[np.intp]) -> dict[str, Floats]:
    """(R,) log loss of the target answers of some raters, by condition."""
    study, wanted, known = sown.study, sown.study.target, ~sown.study.target
    text = read_bank(reader, study.bank)
    plain = graft(sown, wanted, replace(trust, strength=0.0))
    p: dict[str, NDArray[np.floating[Any]]] = {
        "text": predicted(text, study.nobody(text), wanted),
        "marginal": study.shares[wanted][None],
        "styles": predicted(plain, study.beliefs(plain, rows, known), wanted),
        **_readings(sown, trust, rows, known, wanted),
        "by number": predicted(sown.by_number, study.beliefs(sown.by_number, rows, known), wanted),
    }
    return {name: study.losses(one, rows, wanted) for name, one in p.items()}


def _readings(
    sown: Sown, trust: Trust, rows: NDArray[np.intp], known: NDArray[np.bool_], wanted: NDArray[np.bool_]
) -> dict[str, NDArray[np.floating[Any]]]:
    """(R, M, K) chances of the answers to questions that were only read, by each of READINGS."""
    study, placed = sown.study, graft(sown, wanted, trust)
    read = predicted(sown.read, study.beliefs(sown.read, rows, known), wanted)
    grafted = predicted(placed, study.beliefs(placed, rows, known), wanted)
    return dict(zip(READINGS, (read, grafted, (read + grafted) / 2), strict=True))


def candidates_alone(study: Study, settings: Settings, work: Work) -> FittedBank:
    """The choice model of the candidates, fitted to the answers of training raters to these alone.

    Its bank has all questions; the vectors of the targets are 0.
    """
    train = study.survey.of_raters(raters_in(study.survey.raters, "train"))
    fit = Fit(restricted(train, ~study.target), settings)
    work.run(fit, "candidates")
    found = fit.vectors()
    options = study.shares.shape[1]
    phi = np.zeros((len(study.target), options, found.phi.shape[2]))
    g = np.where(np.arange(options) < study.survey.counts[:, None], 0.0, -np.inf)
    inside, most = np.flatnonzero(~study.target), found.g.shape[1]
    phi[inside, :most], g[inside, :most] = found.phi, found.g
    return FittedBank(study.bank, phi, g, {}, {"split": "eval"}, f"{study.bank.name} candidates")


def restricted(survey: Survey, keep: NDArray[np.bool_]) -> Survey:
    """The answers to some questions (Q,), of the raters who gave any."""
    kept = keep[survey.columns]
    lengths = np.bincount(survey.rows[kept], minlength=len(survey.raters))
    left = replace(
        survey,
        questions=tuple(one for one, keeps in zip(survey.questions, keep, strict=True) if keeps),
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        columns=(np.cumsum(keep) - 1)[survey.columns[kept]].astype(np.int32),
        answers=survey.answers[kept],
        occasions=survey.occasions[kept],
    )
    return left.of_raters(lengths > 0)


def graft(sown: Sown, new: NDArray[np.bool_], trust: Trust) -> FittedBank:
    """The candidates' own model with the new questions (Q,) placed in it by what was read.

    Popularity is that of training raters. Candidates that are not new keep their vectors.
    """
    study, own = sown.study, sown.own
    counts, options = study.survey.counts, own.phi.shape[1]
    read_atoms, own_atoms = (Atoms.of(one.phi, counts, study.ordered) for one in (sown.read, own))
    fresh, there = read_atoms.among(new), read_atoms.among(~study.target & ~new)
    vectors = np.zeros_like(own_atoms.vectors)
    vectors[fresh] = foretold(
        read_atoms.vectors[fresh], read_atoms.vectors[there], own_atoms.vectors[there], trust
    )
    phi, g = own.phi.copy(), own.g.copy()
    phi[new, :, STYLES:] = read_atoms.phi(vectors, counts, options)[new]
    phi[new, :, :STYLES] = _styles(study, own, new)
    g[new] = calibrated(phi[new], g[new], study.shares[new])
    return replace(own, phi=phi, g=g)


def _styles(study: Study, own: FittedBank, new: NDArray[np.bool_]) -> Floats:
    """(N, K, 2) agree and extreme of new questions: those that the ratings of the own model share."""
    rating = np.array([question.kind == "rating" for question in study.survey.questions], dtype=bool)
    places = np.zeros((*own.g.shape, STYLES))
    for row in np.flatnonzero(rating):
        count = int(study.survey.counts[row])
        places[row, :count] = np.stack(scores(count), axis=1)
    there = rating & ~study.target & ~new
    squares = np.maximum(np.square(places[there]).sum((0, 1)), 1e-12)
    return np.asarray(places[new] * (places[there] * own.phi[there, :, :STYLES]).sum((0, 1)) / squares)


def recovered(found: Mapping[str, Floats], name: str) -> list[float]:
    """[share, low, high] of the personal gain: of mean losses (R,), over resamples of raters."""
    weights = np.concatenate([np.ones((1, len(found[name]))), resamples(len(found[name]))])
    given = np.isfinite(found[name]) & np.isfinite(found["by number"])
    own, read, number = (weights[:, given] @ found[one][given] for one in ("marginal", name, "by number"))
    share = (own - read) / (own - number)
    low, high = np.quantile(share[1:], (0.025, 0.975))
    return [float(share[0]), float(low), float(high)]
