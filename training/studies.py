"""A survey whose targets were only read: what is known, what is predicted, and what may choose a way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.bank import ItemBank
from prefs.batch import Beliefs, infer_many
from prefs.space import Floats
from training.baselines.regression import losses
from training.fitted import FittedBank
from training.predictive import predict
from training.rater_id.corpus import JUDGING
from training.rater_id.data import of_survey
from training.readbank import Reads, read_bank, shares_of
from training.splits import Part, are_targets, by_hash, fold, raters_in
from training.surveys import MISSING, Survey

STRENGTHS = (0.35, 0.5, 0.7, 1.0, 1.4)
JUDGES = 200  # validation raters
FEW = 5  # judged candidates below which a hash takes a fourth of the candidates instead


@dataclass(frozen=True)
class Study:
    """A survey and how its questions are used.

    table: (R, Q) answers, -1 missing. shares: (Q, K) of the options among training raters. ordered: (Q,)
    whether the options of a question are read as a scale. judged: (Q,) candidates that the reader did not
    learn from, by which what is open is chosen; seen: whether it did learn from them.
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

    @property
    def others(self) -> NDArray[np.bool_]:
        """(Q,) candidates that are not judged."""
        return ~self.target & ~self.judged

    def rows(self, part: Part, most: int | None = None) -> NDArray[np.intp]:
        """Raters of a part who answered a target, the first `most` in order of the sha1 of their id."""
        answered = (self.table[:, self.target] >= 0).any(1)
        rows = np.flatnonzero(raters_in(self.survey.raters, part) & answered)
        return np.array(sorted(rows, key=lambda row: by_hash(self.survey.raters[row]))[:most], np.intp)

    @property
    def judges(self) -> NDArray[np.intp]:
        """Rows of the validation raters by whom what is open is chosen; each answered a judged question."""
        rows = self.rows("validation", JUDGES)
        return rows[(self.table[np.ix_(rows, np.flatnonzero(self.judged))] >= 0).any(1)]

    def beliefs(self, fitted: FittedBank, rows: NDArray[np.intp], known: NDArray[np.bool_]) -> Beliefs:
        """About some raters, given their answers to the known questions (Q,)."""
        model = fitted.alone()
        vectors = fitted.source(model.space).all()
        answers = self.table[np.ix_(rows, np.flatnonzero(known))]
        return infer_many(model.space, vectors[np.flatnonzero(known)], answers, around=model.lapse)

    def nobody(self, fitted: FittedBank) -> Beliefs:
        """About somebody of whom nothing is known."""
        model = fitted.alone()
        vectors = fitted.source(model.space).all()
        return infer_many(model.space, vectors[:1], np.full((1, 1), MISSING), around=model.lapse)

    def losses(
        self, p: NDArray[np.floating[Any]], rows: NDArray[np.intp], wanted: NDArray[np.bool_]
    ) -> Floats:
        """(R,) log loss of the answers of some raters to the wanted questions (Q,); p: (R or 1, M, K)."""
        said = self.table[np.ix_(rows, np.flatnonzero(wanted))]
        return losses(np.broadcast_to(p, (len(rows), *p.shape[1:])).astype(np.float64), said)


def predicted(fitted: FittedBank, beliefs: Beliefs, wanted: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(R, M, K) chances of the answers to the wanted questions (Q,) of a bank."""
    model = fitted.alone()
    return predict(beliefs, fitted.source(model.space).all()[np.flatnonzero(wanted)])


def judged_of(survey: Survey) -> NDArray[np.bool_]:
    """(Q,) questions in words by which the training of a reader is judged; it does not learn from them."""
    contents = of_survey(survey).contents
    return np.array(
        [any(fold(f"judged {key}", JUDGING) == 0 for _, key in shown) for shown in contents], dtype=bool
    )


def read_best(reader: Reads, study: Study, report: Mapping[str, Any]) -> tuple[FittedBank, dict[str, float]]:
    """The bank as read, the strength of tastes chosen on validation raters and judged questions.

    Questions that the reader did not learn from have a strength of their own: what it tells of them is
    less certain. Of a set that it learned nothing from, all questions are such. Also returned: the loss
    tried with each, by "learned unseen". Without validation raters who answered a judged question every
    strength is 1.
    """
    rows, name = study.judges, study.bank.name
    whole = name in report.get("hold_out_sets", ()) or name not in report.get("data", (name,))
    if not len(rows):
        return read_bank(reader, study.bank, study.survey, report=report), {}
    banks = {one: read_bank(reader, study.bank, study.survey, strength=one) for one in STRENGTHS}
    found = dict[tuple[float, float], float]()
    for learned, fitted in banks.items():
        beliefs = study.beliefs(fitted, rows, study.others)
        for unseen in (learned,) if study.seen or whole else STRENGTHS:
            p = predicted(banks[unseen], beliefs, study.judged)
            found[learned, unseen] = float(np.nanmean(study.losses(p, rows, study.judged)))
    learned, unseen = min(found, key=lambda both: found[both])
    fresh = study.judged & (not study.seen)
    if report.get("hold_out_questions"):
        fresh = fresh | study.target
    if whole:
        fresh = np.ones_like(fresh)
    strength = np.where(fresh, unseen, learned)
    best = read_bank(reader, study.bank, study.survey, strength=strength, report=report)
    return best, {f"{one:g} {other:g}": loss for (one, other), loss in found.items()}
