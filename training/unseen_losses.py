"""How well answers to questions that were only read are predicted, beside questions known by their answers.

Everybody's answers to the candidates are known, those to the targets are predicted, for held-out raters:

    text            the text alone: nothing of any person, popularity from the reader
    marginal        how often training raters chose each option, the same for everybody
    reader          every question read; popularity from training raters
    grafted         candidates known by number, targets placed among them by what was read
    by number       every question known by number: a choice model fitted to targets too

`training.grafting` places them; the candidates' own model is fitted without the targets. The share of the
personal gain that reading recovers is (marginal - reading) / (marginal - by number).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.bank import ItemBank
from prefs.batch import infer_many
from prefs.model import ChoiceModel, QuestionVectors, scores
from prefs.space import Floats
from training.baselines.regression import losses
from training.fit import Fit, Settings
from training.fitted import FittedBank
from training.grafting import Atoms, Trust, foretold, trusted
from training.metrics import interval, resamples
from training.predictive import predict
from training.rater_id.corpus import JUDGING
from training.rater_id.data import of_survey
from training.readbank import STYLES, Reads, calibrated, read_bank, shares_of
from training.splits import Part, are_targets, by_hash, fold, raters_in
from training.surveys import MISSING, Survey
from training.work import Work

STRENGTHS = (0.35, 0.5, 0.7, 1.0, 1.4)
JUDGES, TESTED = 200, 500  # raters, of validation and test
FEW = 5  # judged candidates below which a hash takes a fourth of the candidates instead
READINGS = ("reader", "grafted")


@dataclass(frozen=True)
class Study:
    """A survey whose targets were only read.

    ordered: (Q,) whether the options of a question are read as a scale. judged: (Q,) candidates that the
    reader did not learn from, by which what is open is chosen; seen: whether it did learn from them.
    """

    bank: ItemBank
    survey: Survey
    table: NDArray[np.intp]
    shares: Floats
    target: NDArray[np.bool_]
    ordered: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    seen: bool

    @classmethod
    def of(cls, bank: ItemBank, survey: Survey, judged: NDArray[np.bool_] | None = None) -> Study:
        """judged: (Q,) questions that the reader was judged by and did not learn from, None where unknown."""
        from vlm.passages import form_of

        ids = [question.question_id for question in survey.questions]
        target = are_targets(ids)
        ordered = np.array([form_of(question) == "scale" for question in survey.questions], dtype=bool)
        chosen = np.zeros(len(ids), bool) if judged is None else judged & ~target
        seen = int(chosen.sum()) < FEW
        if seen:
            chosen = np.array([fold(f"judged {one}", 4) == 0 for one in ids], dtype=bool) & ~target
        shares = shares_of(bank, survey, raters_in(survey.raters, "train"))
        return cls(bank, survey, survey.table().astype(np.intp), shares, target, ordered, chosen, seen)

    def rows(self, part: Part, most: int | None = None) -> NDArray[np.intp]:
        """Raters of a part who answered a target, the first `most` in order of the sha1 of their id."""
        answered = (self.table[:, self.target] >= 0).any(1)
        rows = np.flatnonzero(raters_in(self.survey.raters, part) & answered)
        return np.array(sorted(rows, key=lambda row: by_hash(self.survey.raters[row]))[:most], np.intp)

    def losses(
        self, fitted: FittedBank, rows: NDArray[np.intp], known: NDArray[np.bool_], wanted: NDArray[np.bool_]
    ) -> Floats:
        """(R,) log loss of the answers to the wanted questions (Q,), given those to the known ones."""
        model = fitted.alone()
        vectors = fitted.source(model.space).all()
        return losses(
            _predicted(model, vectors, self.table[rows], known, wanted), self.table[rows][:, wanted]
        )

    def judge(self, fitted: FittedBank) -> float:
        """Mean log loss of validation raters' answers to the judged candidates, given all others."""
        rows, known = self.rows("validation", JUDGES), ~self.target & ~self.judged
        return float(np.nanmean(self.losses(fitted, rows, known, self.judged)))


def judged_of(survey: Survey) -> NDArray[np.bool_]:
    """(Q,) questions in words by which the training of a reader is judged; it does not learn from them."""
    contents = of_survey(survey).contents
    return np.array(
        [any(fold(f"judged {key}", JUDGING) == 0 for _, key in shown) for shown in contents], dtype=bool
    )


def _predicted(
    model: ChoiceModel,
    vectors: QuestionVectors,
    answers: NDArray[np.intp],
    known: NDArray[np.bool_],
    wanted: NDArray[np.bool_],
) -> Floats:
    """(R, M, K) chances of the answers to the wanted questions."""
    told = infer_many(model.space, vectors[np.flatnonzero(known)], answers[:, known], around=model.lapse)
    return predict(told, vectors[np.flatnonzero(wanted)]).astype(np.float64)


def read_best(reader: Reads, study: Study, report: Mapping[str, Any]) -> tuple[FittedBank, dict[str, float]]:
    """The bank as read, its strength chosen on validation raters and judged questions; the losses tried.

    Without validation raters the strength is 1.
    """
    if not len(study.rows("validation")):
        return read_bank(reader, study.bank, study.survey, report=report), {}
    tried = {
        one: read_bank(reader, study.bank, study.survey, strength=one, report=report) for one in STRENGTHS
    }
    found = {one: study.judge(fitted) for one, fitted in tried.items()}
    return tried[min(found, key=lambda one: found[one])], {f"{one:g}": loss for one, loss in found.items()}


def candidates_alone(study: Study, settings: Settings, work: Work) -> FittedBank:
    """The choice model of the candidates, fitted to the answers of training raters to these alone.

    Its bank has all questions; the vectors of the targets are 0.
    """
    train = study.survey.of_raters(raters_in(study.survey.raters, "train"))
    part = restricted(train, ~study.target)
    fit = Fit(part, settings)
    work.run(fit, "candidates")
    found = fit.vectors()
    options = study.shares.shape[1]
    phi = np.zeros((len(study.target), options, found.phi.shape[2]))
    phi[~study.target, : found.phi.shape[1]] = found.phi
    g = np.where(np.arange(options) < study.survey.counts[:, None], 0.0, -np.inf)
    inside = np.flatnonzero(~study.target)
    g[inside, : found.g.shape[1]] = found.g
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


def graft(
    study: Study, read: FittedBank, own: FittedBank, new: NDArray[np.bool_], trust: Trust
) -> FittedBank:
    """The candidates' own model with the new questions (Q,) placed in it by what was read.

    Popularity is that of training raters. Candidates that are neither new nor targets keep their vectors.
    """
    read_atoms, own_atoms = (Atoms.of(one.phi, study.survey.counts, study.ordered) for one in (read, own))
    fresh, there = read_atoms.among(new), read_atoms.among(~study.target & ~new)
    vectors = np.zeros_like(own_atoms.vectors)
    vectors[fresh] = foretold(
        read_atoms.vectors[fresh], read_atoms.vectors[there], own_atoms.vectors[there], trust
    )
    options = own.phi.shape[1]
    phi, g = own.phi.copy(), own.g.copy()
    phi[new, :, STYLES:] = read_atoms.phi(vectors, study.survey.counts, options)[new]
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


def graft_best(study: Study, read: FittedBank, own: FittedBank) -> tuple[Trust, float]:
    """How to place questions, chosen on the judged candidates; the share of their squares it explains."""
    read_atoms, own_atoms = (Atoms.of(one.phi, study.survey.counts, study.ordered) for one in (read, own))
    candidates, judged = read_atoms.among(~study.target), read_atoms.among(study.judged)
    return trusted(read_atoms.vectors[candidates], own_atoms.vectors[candidates], judged[candidates])


def compare(
    reader: Reads,
    study: Study,
    by_number: FittedBank,
    report: Mapping[str, Any],
    work: Work | None = None,
) -> dict[str, Any]:
    """Log loss of the target answers of up to 500 test raters under each condition, and what was recovered.

    by_number: a model fitted to training raters, targets among its questions. report: of the reader.
    work: where the fit of the candidates alone is kept, to go on after a cut.
    """
    rows, known = study.rows("test", TESTED), ~study.target
    read, tried = read_best(reader, study, report)
    text = read_bank(reader, study.bank, report=report)
    settings = Settings(**by_number.report["settings"]) if "settings" in by_number.report else Settings()
    own = candidates_alone(study, settings, work or Work())
    trust, explained = graft_best(study, read, own)
    placed = graft(study, read, own, study.target, trust)
    judged = {
        "reader": study.judge(read),
        "grafted": study.judge(graft(study, read, own, study.judged, trust)),
    }
    said = study.table[rows][:, study.target]
    shares = np.broadcast_to(study.shares[study.target], (len(rows), *study.shares[study.target].shape))
    found = {
        "text": _without_answers(study, text, rows),
        "marginal": losses(shares, said),
        "reader": study.losses(read, rows, known, study.target),
        "grafted": study.losses(placed, rows, known, study.target),
        "by number": study.losses(by_number, rows, known, study.target),
    }
    method = min(judged, key=lambda name: judged[name])
    return {
        "set": study.bank.name,
        "raters": len(rows),
        "targets": int(study.target.sum()),
        "candidates": int(known.sum()),
        "judged_questions": int(study.judged.sum()),
        "judged_were_learned_from": study.seen,
        "losses": {name: interval(values, resamples(len(rows))) for name, values in found.items()},
        "recovered": {name: recovered(found, name) for name in READINGS},
        "gain": {
            name: interval(found["marginal"] - found[name], resamples(len(rows)))
            for name in (*READINGS, "by number")
        },
        "method": method,
        "validation": judged,
        "strengths": tried,
        "trust": {**trust.__dict__, "explained": explained},
        "by_number": by_number.version,
    }


def _without_answers(study: Study, fitted: FittedBank, rows: NDArray[np.intp]) -> Floats:
    """(R,) log loss of target answers when nothing is known of anybody."""
    model = fitted.alone()
    vectors = fitted.source(model.space).all()
    nobody = np.full((1, len(study.target)), MISSING)
    p = _predicted(model, vectors, nobody, ~study.target, study.target)
    said = study.table[rows][:, study.target]
    return losses(np.broadcast_to(p, (len(rows), *p.shape[1:])), said)


def recovered(found: Mapping[str, Floats], name: str) -> list[float]:
    """[share, low, high] of the personal gain: of mean losses (R,), over resamples of raters."""
    weights = np.concatenate([np.ones((1, len(found[name]))), resamples(len(found[name]))])
    given = np.isfinite(found[name]) & np.isfinite(found["by number"])
    own, read, number = (weights[:, given] @ found[one][given] for one in ("marginal", name, "by number"))
    share = (own - read) / (own - number)
    low, high = np.quantile(share[1:], (0.025, 0.975))
    return [float(share[0]), float(low), float(high)]
