"""Questions that were only read, placed among questions that people answered.

A choice model of the answered questions knows them better than any text does. A new question's vector in its
space is foretold from how like them the reader finds it: by a Gaussian process over what was read, or by
projecting its likeness to each of them on their vectors. Likeness is odd in the vectors that were read, so a
question that says the opposite gets the opposite vector. How far what is read can be trusted is chosen on
questions that the reader did not learn from.

Source: Rasmussen and Williams (2006), section 2.2; a product of kernels is a kernel (section 4.2.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from prefs.model import scores
from prefs.space import Floats

STYLES = 2
CUBED = (0.0, 0.5, 1.0)
RIDGES = (0.03, 0.3, 3.0)
METHODS = ("process", "projection")
STRONGEST = 1.5  # factor that foretold vectors may be given


@dataclass(frozen=True)
class Trust:
    """How vectors are foretold: by one of METHODS; cubed: share of the cubed cosine in the likeness;
    ridge: noise relative to the mean variance; strength: factor of the result."""

    method: str = "process"
    cubed: float = 0.0
    ridge: float = 0.3
    strength: float = 1.0


@dataclass(frozen=True)
class Atoms:
    """Vectors that make the options of questions: one of a question whose options are in order, else one an
    option.

    vectors: (N, d). question: (N,) row of the question; option: (N,) which option, -1 for all of them.
    """

    vectors: Floats
    question: NDArray[np.intp]
    option: NDArray[np.intp]

    @classmethod
    def of(cls, phi: Floats, counts: NDArray[np.intp], ordered: NDArray[np.bool_]) -> Atoms:
        """Of phi (Q, K, 2 + d), whose styles are left aside; counts: (Q,) options; ordered: (Q,)."""
        vectors, question, option = list[Floats](), list[int](), list[int]()
        for row, (one, count, scaled) in enumerate(zip(phi[..., STYLES:], counts, ordered, strict=True)):
            if scaled:
                score = scores(int(count))[0]
                found = [score @ one[:count] / (score @ score)]
            else:
                found = list(one[:count] - one[:count].mean(0))
            vectors += found
            question += [row] * len(found)
            option += [-1] if scaled else range(len(found))
        return cls(np.array(vectors), np.array(question, np.intp), np.array(option, np.intp))

    def among(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N,) which atoms are of the chosen questions (Q,)."""
        return np.asarray(rows[self.question])

    def phi(self, vectors: Floats, counts: NDArray[np.intp], options: int) -> Floats:
        """(Q, K, n) taste vectors that other vectors (N, n) of the same atoms make, 0 on padding."""
        found = np.zeros((len(counts), options, vectors.shape[1]))
        for vector, row, option in zip(vectors, self.question, self.option, strict=True):
            if option < 0:
                found[row, : counts[row]] = np.outer(scores(int(counts[row]))[0], vector)
            else:
                found[row, option] = vector
        return found


@dataclass(frozen=True)
class Case:
    """Atoms of a set whose vectors are known: read (N, d), vectors (N, n), judged (N,) which are foretold."""

    read: Floats
    vectors: Floats
    judged: NDArray[np.bool_]

    def told(self, trust: Trust) -> tuple[float, float]:
        """Sums of foretold times true and of foretold squared over that of true squared, of the judged."""
        goal, others = self.vectors[self.judged], ~self.judged
        found = foretold(self.read[self.judged], self.read[others], self.vectors[others], trust)
        total = max(float(np.square(goal).sum()), 1e-12)
        return float((found * goal).sum()) / total, float(np.square(found).sum()) / total


def likeness(one: Floats, other: Floats, cubed: float) -> Floats:
    """(N, M) |x| |y| ((1 - cubed) cos + cubed cos^3) of vectors (N, d) and (M, d): odd in both."""
    sizes = np.outer(np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1))
    cosine = np.divide(one @ other.T, sizes, out=np.zeros_like(sizes), where=sizes > 0)
    return np.asarray(sizes * ((1 - cubed) * cosine + cubed * cosine**3))


def foretold(read: Floats, known: Floats, vectors: Floats, trust: Trust) -> Floats:
    """(M, n) vectors of new atoms; read (M, d) of these, known (N, d) and vectors (N, n) of others."""
    inner = likeness(known, known, trust.cubed)
    across = likeness(read, known, trust.cubed)
    if trust.method == "process":
        noise = trust.ridge * np.trace(inner) / len(inner)
        return np.asarray(
            trust.strength * across @ np.linalg.solve(inner + noise * np.eye(len(inner)), vectors)
        )
    gram = vectors.T @ vectors
    noise = trust.ridge * np.trace(gram) / len(gram)
    scale = _slope(inner, vectors @ vectors.T)
    back = np.linalg.solve(gram + noise * np.eye(len(gram)), vectors.T)
    return np.asarray(trust.strength * scale * across @ back.T)


def _slope(x: Floats, y: Floats) -> float:
    """The factor that brings x (N, N) nearest to y, off the diagonal."""
    apart = ~np.eye(len(x), dtype=bool)
    return float((x[apart] * y[apart]).sum() / max(np.square(x[apart]).sum(), 1e-12))


def trusted(cases: Sequence[Case]) -> tuple[Trust, float]:
    """What foretells the judged atoms of several sets best from the others, and the share that it explains.

    Of the squares of the vectors, each set's taken to add up to 1. The population is N(0, I), so the squared
    error of a vector is the variance of the error of a logit. The strength is the best factor, between 0
    and STRONGEST. Of few questions the best way is found by chance, so all sets choose one together.
    """
    best, most = Trust(strength=0.0), 0.0
    for method, cubed, ridge in product(METHODS, CUBED, RIDGES):
        trust = Trust(method, cubed, ridge)
        fit, square = (
            sum(values) / len(cases) for values in zip(*(one.told(trust) for one in cases), strict=True)
        )
        factor = min(max(fit / max(square, 1e-12), 0.0), STRONGEST)
        explained = 2 * factor * fit - factor**2 * square
        if explained > most:
            best, most = Trust(method, cubed, ridge, factor), explained
    return best, most
