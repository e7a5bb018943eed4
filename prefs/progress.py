"""Progress as information: how well a taste is known, in figures that a person can use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prefs.belief import Belief, chances, logits
from prefs.model import QuestionVectors

NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Forecast:
    """Expected share of right predictions of unseen questions.

    prior: before any answer. now: with the belief as it is. achievable: if the taste were known
    exactly (people are not perfectly predictable). prior and now may cross after surprising
    answers; now <= achievable always.
    """

    prior: float
    now: float
    achievable: float

    @property
    def known(self) -> float:
        """How much of what can be known is known: 0 at the prior, 1 at the achievable."""
        room = self.achievable - self.prior
        return float(np.clip((self.now - self.prior) / room, 0.0, 1.0)) if room > 1e-9 else 0.0


@dataclass(frozen=True)
class Consistency:
    """How often a repeated question got the same answer, with a 95 % Wilson interval."""

    same: int
    repeated: int
    low: float
    high: float


@dataclass(frozen=True)
class Progress:
    """Where an interview stands.

    questions: answered or skipped. answers: those that the belief rests on, so without those about
    what is not open now, and with those known beforehand. removed: share of the
    uncertainty about answers that is gone, per source. left: estimated number of questions to
    the stopper's goal, None where there is no estimate. stopped: why the interview ended.
    """

    questions: int
    answers: int
    forecast: Forecast
    removed: Mapping[str, float]
    consistency: Consistency
    left: int | None
    stopped: str | None


def forecast(prior: Belief, belief: Belief, samples: Sequence[QuestionVectors]) -> Forecast:
    """Expected accuracy on sampled questions of each source, sources weighing the same."""
    filled = [sample for sample in samples if len(sample)]
    if not filled:
        return Forecast(0.0, 0.0, 0.0)
    before = [_accuracy(prior, sample)[0] for sample in filled]
    after = [_accuracy(belief, sample) for sample in filled]
    now, achievable = np.mean(after, axis=0)
    return Forecast(float(np.mean(before)), float(now), float(achievable))


def removed(prior: Belief, belief: Belief, sample: QuestionVectors) -> float:
    """Share of the variance between the options of the sampled questions that answers removed."""
    shown = np.isfinite(sample.g)[:, :, None]
    counts = np.maximum(sample.counts, 1)[:, None, None]
    centered = np.where(shown, sample.phi - sample.phi.sum(1, keepdims=True) / counts, 0.0)
    flat = centered.reshape(-1, sample.phi.shape[2])
    second = flat.T @ flat
    before = float((second * prior.cov).sum())
    return 1.0 - float((second * belief.cov).sum()) / before if before > 0.0 else 0.0


def consistency(same: int, repeated: int) -> Consistency:
    """Wilson's score interval (1927) of a share; (0, 1) where nothing was repeated."""
    if repeated == 0:
        return Consistency(0, 0, 0.0, 1.0)
    share, z2 = same / repeated, NORMAL_95**2
    center = (share + z2 / (2 * repeated)) / (1 + z2 / repeated)
    half = NORMAL_95 / (1 + z2 / repeated) * np.sqrt(share * (1 - share) / repeated + z2 / (4 * repeated**2))
    return Consistency(same, repeated, max(float(center - half), 0.0), min(float(center + half), 1.0))


def describe(progress: Progress) -> str:
    """Where an interview stands, in plain sentences."""
    found, said = progress.forecast, progress.consistency
    lines = [
        f"{progress.answers} answers. About {found.now:.0%} of your answers to unseen questions can be "
        f"predicted; {found.prior:.0%} without any answer, {found.achievable:.0%} if your taste were known "
        "exactly."
    ]
    if said.repeated:
        lines.append(f"Asked again, you answered the same {said.same} of {said.repeated} times.")
    if progress.left:
        lines.append(f"About {progress.left} questions are left.")
    return " ".join(lines)


def _accuracy(belief: Belief, vectors: QuestionVectors) -> tuple[float, float]:
    """Mean probability of the likeliest answer, with the taste integrated out and with it known."""
    chance = chances(logits(belief, vectors), belief.lapse, vectors.counts)
    return float(chance.mean(2).max(1).mean()), float(chance.max(1).mean())
