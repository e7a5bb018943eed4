"""A learned way to interview: which questions in which order, when to stop, how warm predictions are.

A question's expected gain is the information that its answer carries about the answers to all targets, each
by itself, in bits; an interview ends when no question is worth its price. The questions come from the
fixed order or, near it, by that gain (`training.choosing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.batch import Beliefs
from prefs.model import QuestionVectors
from prefs.space import Floats
from prefs.static import static_order
from training.choosing import JUDGES, nearness
from training.evaluate import QUESTIONS, Evaluation
from training.metrics import sure_temperature, tempered
from training.policies import Asked, Cohort, Near, epig, random_order, taken
from training.predictive import predict
from training.splits import raters_in
from training.surveys import MISSING

PRICE, MOST, NOTHING = "price", "questions", "nothing left"  # why an interview ends


@dataclass(frozen=True)
class Way:
    """order: all candidates in the fixed order. near: how far choice may go from it. warmth: by k."""

    order: tuple[int, ...]
    near: Near
    warmth: tuple[float, ...]

    def values(self) -> dict[str, Any]:
        """The way as JSON values."""
        return {"order": list(self.order), "near": asdict(self.near), "warmth": list(self.warmth)}

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Way:
        """What `values` gave."""
        return cls(tuple(values["order"]), Near(**values["near"]), tuple(values["warmth"]))


@dataclass(frozen=True)
class Interviews:
    """asked: (R, T) candidates, -1 where there are no more. gains: (R, T) bits expected, NaN there.

    stopped: (R,) why each ended.
    """

    asked: Asked
    gains: Floats
    stopped: tuple[str, ...]

    @property
    def lengths(self) -> NDArray[np.intp]:
        """(R,) questions asked."""
        return np.asarray((self.asked >= 0).sum(1))


def interview(
    cohort: Cohort, order: tuple[int, ...], near: Near, steps: int, price: float = -np.inf
) -> Interviews:
    """Interviews of a cohort, with up to so many questions, each worth its price in bits."""
    scores, (raters, count) = epig(cohort), cohort.answers.shape
    asked, gains = np.full((raters, steps), MISSING), np.full((raters, steps), np.nan)
    rows, going, stopped = np.arange(raters), np.ones(raters, dtype=bool), np.full(raters, MOST, dtype=object)
    bits = len(cohort.targets) / np.log(2)
    for step in range(steps):
        allowed = (cohort.answers >= 0) & ~taken(asked[:, :step], count) & going[:, None]
        stopped[going & ~allowed.any(1)] = NOTHING
        allowed = near.of(order, allowed, step)
        worth = np.where(allowed, scores(cohort.beliefs(asked, step), allowed) * bits, -np.inf)
        best = worth.argmax(1)
        gain = worth[rows, best]
        stopped[allowed.any(1) & (gain < price)] = PRICE
        going = allowed.any(1) & (gain >= price)
        asked[going, step], gains[going, step] = best[going], gain[going]
        if not going.any():
            break
    return Interviews(asked, gains, tuple(stopped.tolist()))


def at_random(cohort: Cohort, lengths: NDArray[np.intp], seed: int) -> Interviews:
    """Interviews of the given lengths (R,) with questions drawn at random."""
    steps = max(int(lengths.max(initial=0)), 1)
    asked = random_order(cohort, steps, seed)
    asked = np.where(np.arange(asked.shape[1]) < lengths[:, None], asked, MISSING)
    return Interviews(asked, np.full(asked.shape, np.nan), ("as long as the planned one",) * len(asked))


@dataclass(frozen=True)
class Curve:
    """Log loss (R, T + 1) in nats of each rater's target answers after 0 to T questions.

    gains: (R, T) bits that were expected of the questions.
    """

    losses: Floats
    gains: Floats

    def values(self) -> dict[str, Any]:
        """The curve as JSON values."""
        gains = self.gains.astype(object)
        gains[np.isnan(self.gains)] = None
        return {"losses": self.losses.tolist(), "gains": gains.tolist()}

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Curve:
        """What `values` gave."""
        return cls(*(np.array(values[name], dtype=np.float64) for name in ("losses", "gains")))

    def at_price(self, price: float) -> tuple[float, float]:
        """Questions until none is worth its price, and the log loss then, on average over raters."""
        enough = np.nan_to_num(self.gains, nan=-np.inf) < price
        lengths = np.where(enough.any(1), enough.argmax(1), enough.shape[1])
        return float(lengths.mean()), float(self.losses[np.arange(len(lengths)), lengths].mean())


def learn(own: Evaluation, cohort: Cohort, steps: int) -> tuple[Way, Curve]:
    """The way that the training raters of an evaluation teach, chosen and measured on a cohort.

    cohort: validation raters of `own`, all of whom answered `steps` candidates.
    """
    order = completed_order(own, steps)
    ks = [k for k in QUESTIONS if k <= steps]
    judges = replace(cohort, answers=cohort.answers[:JUDGES], wanted=cohort.wanted[:JUDGES])
    own.told("near the order", 0, 1)
    free = interview(judges, order, Near(len(order)), steps).asked
    near, _ = nearness(own, judges, {"static": order}, ks, free)
    met = interview(cohort, order, near, steps)
    predicted = [predict(cohort.beliefs(met.asked, k), cohort.targets) for k in range(steps + 1)]
    warmth = tuple(_warmth(cohort, p) for p in predicted)
    losses = [_losses(cohort, p, one) for p, one in zip(predicted, warmth, strict=True)]
    return Way(order, near, warmth), Curve(np.stack(losses, 1), met.gains)


def completed_order(own: Evaluation, steps: int) -> tuple[int, ...]:
    """All candidates in the fixed order that training raters teach, greedy for the steps and a few more.

    Which questions a rater was asked depends on the answers given before. The likelihood takes no harm of
    that (missing at random, Rubin 1976), but an average over those who happen to have been asked would; so
    the order is made with everybody's missing answers drawn from what the model expects of that rater.
    """
    train = raters_in(own.survey.raters, "train")
    own.told("static order", 0, 1)
    every = own.beliefs
    beliefs = Beliefs(every.mean[train], every.cov[train], every.lapse[train], every.answers[train])
    answers = completed(own.vectors, beliefs, own.table[train], np.random.default_rng(0))
    count = min(len(own.candidate), steps + steps // 2)
    order = static_order(
        own.vectors, answers, beliefs, own.candidate.tolist(), own.target.tolist(), count=count
    )
    places = {int(column): place for place, column in enumerate(own.candidate)}
    return tuple(places[column] for column in order)


def completed(
    vectors: QuestionVectors, beliefs: Beliefs, answers: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Answers (R, Q) with those that are missing, -1, drawn from each rater's belief.

    One taste is drawn for all missing answers of a rater.
    """
    found = answers.copy()
    roots = np.linalg.cholesky(beliefs.cov)
    noise = rng.standard_normal(beliefs.mean.shape)
    tastes = beliefs.mean + np.einsum("rij,rj->ri", roots, noise)
    for column, (phi, g) in enumerate(zip(vectors.phi, vectors.g, strict=True)):
        rows = np.flatnonzero(answers[:, column] < 0)
        real = np.isfinite(g)
        said = (tastes[rows] @ phi[real].T + g[real] + rng.gumbel(size=(len(rows), real.sum()))).argmax(1)
        careless = rng.random(len(rows)) < beliefs.lapse[rows]
        found[rows, column] = np.where(careless, rng.integers(real.sum(), size=len(rows)), said)
    return found


def curve(cohort: Cohort, way: Way, steps: int) -> Curve:
    """How well a way that was learned before does with other people."""
    met = interview(cohort, way.order, way.near, steps)
    losses = [
        _losses(cohort, predict(cohort.beliefs(met.asked, k), cohort.targets), way.warmth[k])
        for k in range(steps + 1)
    ]
    return Curve(np.stack(losses, 1), met.gains)


def _warmth(cohort: Cohort, p: NDArray[np.float32]) -> float:
    """The temperature of predictions (R, M, K) after one number of questions."""
    rows, columns = np.nonzero(cohort.wanted >= 0)
    return sure_temperature(p[rows, columns], cohort.wanted[rows, columns], rows)


def _losses(cohort: Cohort, p: NDArray[np.float32], warmth: float) -> Floats:
    """(R,) mean log loss of each rater's target answers; p: (R, M, K)."""
    rows, columns = np.nonzero(cohort.wanted >= 0)
    chosen = tempered(p, warmth)[rows, columns, cohort.wanted[rows, columns]]
    sums = np.bincount(rows, -np.log(np.maximum(chosen, 1e-12)), len(p))
    return np.asarray(sums / (cohort.wanted >= 0).sum(1))
