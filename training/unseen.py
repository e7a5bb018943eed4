"""Whether vectors that were read know how the answers to questions hang together.

The correlation of the answers to two questions, foretold by a choice model over its population, beside the
correlation among people, over pairs of questions that enough people answered both of. How well two halves of
the people agree tells what a perfect forecast could reach. Scores of answers are the places of the options in
their order. Source of the comparison: Hommel and Arslan (2025), the SurveyBot3000; of the correction of
halves: Spearman (1910) and Brown (1910).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.draws import normals
from prefs.model import AGREE, EXTREME
from prefs.space import STYLE_SD, Floats

JOINT = 200  # people who answered both questions of a pair
FEW = 10  # pairs below which a set has no correlation of its own
DRAWS, HELD = 2048, 1 << 22
RESAMPLES = 1000
MOMENTS = 6


def implied(phi: Floats, g: Floats) -> Floats:
    """(Q, Q) correlations of the answers that a choice model foretells of people of N(0, I).

    phi: (Q, K, 2 + d) by agree, extreme and taste; g: (Q, K), -inf on padding. People answer
    independently given their taste, so the covariance is that of expected scores; the variance is that
    of answers. 0 for a question whose answer never varies.
    """
    noise = normals(phi.shape[2], max(DRAWS, 4 * phi.shape[2])).copy()
    noise[:, :2] *= STYLE_SD[AGREE], STYLE_SD[EXTREME]
    place = np.arange(g.shape[1])
    means, within = np.empty((len(g), len(noise))), np.empty(len(g))
    size = max(1, HELD // (g.shape[1] * len(noise)))
    for start in range(0, len(g), size):
        part = slice(start, start + size)
        logits = phi[part] @ noise.T + np.where(np.isfinite(g[part]), g[part], -1e9)[..., None]
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        means[part] = place @ p
        within[part] = (np.square(place) @ p - np.square(means[part])).mean(1)
    means -= means.mean(1, keepdims=True)
    cov = means @ means.T / len(noise)
    sd = np.sqrt(np.maximum(within + np.diag(cov), 1e-12))
    return np.asarray(cov / np.outer(sd, sd))


def correlations(table: NDArray[np.integer[Any]]) -> tuple[Floats, NDArray[np.intp]]:
    """(Q, Q) Pearson correlations of answers (R, Q) over those who answered both, NaN where one of them
    does not vary, and the number of these people; answers of -1 are missing."""
    given = (table >= 0).astype(np.float64)
    said = np.where(table >= 0, table, 0).astype(np.float64)
    number = given.T @ given
    sums, squares = said.T @ given, np.square(said).T @ given
    with np.errstate(all="ignore"):
        cov = said.T @ said - sums * sums.T / number
        spread = squares - np.square(sums) / number
        spread[spread < 1e-9 * squares] = np.nan
        found = cov / np.sqrt(spread * spread.T)
    return found, number.astype(np.intp)


@dataclass(frozen=True)
class Pairs:
    """Pairs of the questions of a set: real (Q, Q) correlations, and usable (Q, Q) which of them count.

    halves: two (Q, Q) correlations, each among one half of the people.
    """

    real: Floats
    usable: NDArray[np.bool_]
    halves: tuple[Floats, Floats]

    @classmethod
    def of(cls, table: NDArray[np.integer[Any]], joint: int = JOINT, seed: int = 0) -> Pairs:
        """Of the answers (R, Q) of people, -1 missing; usable: both answered by at least `joint`."""
        real, number = correlations(table)
        order = np.random.default_rng(seed).permutation(len(table))
        one, other = (correlations(table[order[half::2]])[0] for half in (0, 1))
        usable = (number >= joint) & np.isfinite(real) & np.isfinite(one) & np.isfinite(other)
        np.fill_diagonal(usable, False)
        return cls(real, usable, (one, other))

    def __len__(self) -> int:
        """Number of pairs that count."""
        return int(self.usable.sum()) // 2


def moments(one: Floats, other: Floats, usable: NDArray[np.bool_], weights: Floats) -> Floats:
    """(B, 6) weighted sums over pairs: 1, x, y, xx, yy, xy; x and y (Q, Q), weights (B, Q) of questions.

    A pair weighs the product of its two questions' weights. Sums add up over sets.
    """
    x, y = np.where(usable, one, 0.0), np.where(usable, other, 0.0)
    terms = (usable.astype(np.float64), x, y, x * x, y * y, x * y)
    return np.stack([((weights @ term) * weights).sum(1) / 2 for term in terms], axis=1)


def correlated(sums: Floats) -> Floats:
    """(...,) correlation of x and y from sums (..., 6) of `moments`, NaN where one does not vary."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    with np.errstate(all="ignore"):
        return np.asarray((xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n)))


def doubled(r: Floats) -> Floats:
    """The agreement of two whole groups where that of two halves is r (Spearman and Brown)."""
    return np.asarray(2 * r / (1 + r))


def resampled(questions: int, seed: int, count: int = RESAMPLES) -> Floats:
    """(1 + count, Q) weights of questions: all once, then as often as bootstrap resamples draw each."""
    rng = np.random.default_rng([seed, questions])
    drawn = rng.multinomial(questions, np.full(questions, 1 / questions), count)
    return np.concatenate([np.ones((1, questions)), drawn])


@dataclass(frozen=True)
class Agreement:
    """How well forecasts agree with people in several sets.

    sums: (S, 1 + B, 6) of each set, the first of all its questions and then of resamples.
    """

    sums: Floats

    @classmethod
    def of(cls, forecasts: Sequence[Floats], pairs: Sequence[Pairs], absolute: bool = False) -> Agreement:
        """Of forecasts (Q, Q) of each set; absolute: of the strengths alone, whatever the signs."""
        found = []
        for number, (forecast, known) in enumerate(zip(forecasts, pairs, strict=True)):
            x, y = (np.abs(forecast), np.abs(known.real)) if absolute else (forecast, known.real)
            found.append(moments(x, y, known.usable, resampled(len(known.real), number)))
        return cls(np.array(found))

    @classmethod
    def halves(cls, pairs: Sequence[Pairs]) -> Agreement:
        """Of one half of the people with the other."""
        weights = [resampled(len(known.real), number) for number, known in enumerate(pairs)]
        return cls(
            np.array(
                [moments(*known.halves, known.usable, w) for known, w in zip(pairs, weights, strict=True)]
            )
        )

    def each(self) -> list[list[float] | None]:
        """[r, low, high] of each set over resamples of its questions, None for one with few pairs."""
        return [band(correlated(sums)) if sums[0, 0] >= FEW else None for sums in self.sums]

    def pooled(self) -> list[float] | None:
        """[r, low, high] over the pairs of all sets."""
        return band(correlated(self.sums.sum(0))) if len(self.sums) and self.sums[:, 0, 0].sum() else None

    def mean(self) -> list[float] | None:
        """[r, low, high], the mean over sets with enough pairs."""
        enough = self.sums[self.sums[:, 0, 0] >= FEW] if len(self.sums) else self.sums
        return band(correlated(enough).mean(0)) if len(enough) else None


def band(values: Floats) -> list[float] | None:
    """[value, low, high] of a value and its resamples (1 + B,), 95 %; None where it is not defined."""
    if not np.isfinite(values[0]):
        return None
    low, high = np.nanquantile(values[1:], (0.025, 0.975))
    return [float(values[0]), float(low), float(high)]
