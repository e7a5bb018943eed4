"""The next question out of 10,000 about pictures and sentences, against the plain way.

The plain way takes the entropies of all answers at 128 draws of the taste by one matrix product.
Exactness is the eig of the chosen question over that of the best one, both with many draws, at worst
over beliefs from the population to a person who is nearly known.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.report import Report, main, medians
from prefs.acquisition import best, eig
from prefs.batch import softmax
from prefs.belief import Belief, infer_vectors
from prefs.draws import normals
from prefs.model import AGREE, EXTREME, BankSource, GallerySource, QuestionVectors, scores
from prefs.space import Floats, TasteSpace, independent

QUESTIONS, OPTIONS, PICTURES = 10_000, 5, 2_000
TASTE, TRAITS = 6, 5
ANSWERED = (0, 5, 20, 100)
DRAWS, FINE_DRAWS = 128, 1024


def world(questions: int, rng: np.random.Generator) -> tuple[TasteSpace, QuestionVectors]:
    """A space of 16 coordinates, and pairs, grids of four and sentences with five labels in it."""
    space = independent(
        [("pictures", np.zeros(TASTE), np.eye(TASTE)), ("sentences", np.zeros(TRAITS), np.eye(TRAITS))]
    )
    gallery = GallerySource(
        "pictures",
        tuple(str(i) for i in range(PICTURES)),
        rng.normal(size=(PICTURES, TASTE)) / np.sqrt(TASTE / 2),
        rng.normal(size=PICTURES) / 2,
        space.columns("pictures"),
        space.size,
    )
    third = questions // 3
    rows = rng.permuted(np.tile(np.arange(PICTURES), (third, 1)), axis=1)
    shown = [gallery.shown(rows[:, :2], "pair", True), gallery.shown(rows[:, 2 : OPTIONS + 1], "grid", True)]
    return space, joined([*shown, sentences(space, questions - 2 * third, rng)], OPTIONS)


def sentences(space: TasteSpace, count: int, rng: np.random.Generator) -> QuestionVectors:
    """Vectors of sentences that people agree with on five labels, each loading mostly on one trait."""
    score, extreme = scores(OPTIONS)
    loading = 0.3 * rng.normal(size=(count, TRAITS))
    loading[np.arange(count), rng.integers(0, TRAITS, count)] += rng.uniform(0.5, 2.0, count)
    phi = np.concatenate(
        [score[None, :, None] * loading[:, None], np.tile(np.stack([score, extreme], -1), (count, 1, 1))], 2
    )
    g = score * rng.normal(size=(count, 1)) - extreme
    columns = np.concatenate([space.columns("sentences"), [AGREE, EXTREME]])
    return BankSource("sentences", tuple(map(str, range(count))), phi, g, columns, space.size).all()


def joined(parts: list[QuestionVectors], options: int) -> QuestionVectors:
    """All questions in one, padded to the same number of options."""
    missing = [options - part.g.shape[1] for part in parts]
    phi = [np.pad(p.phi, ((0, 0), (0, m), (0, 0))) for p, m in zip(parts, missing, strict=True)]
    g = [np.pad(p.g, ((0, 0), (0, m)), constant_values=-np.inf) for p, m in zip(parts, missing, strict=True)]
    return QuestionVectors(np.concatenate(phi), np.concatenate(g))


def beliefs(space: TasteSpace, vectors: QuestionVectors, rng: np.random.Generator) -> Iterator[Belief]:
    """Beliefs about one simulated person after more and more answers."""
    taste = rng.multivariate_normal(space.mean, space.cov)
    asked = vectors[rng.permutation(len(vectors))[: max(ANSWERED)]]
    chance = softmax(asked.phi @ taste + asked.g)
    answers = (chance.cumsum(1) > rng.random((len(asked), 1))).argmax(1)
    for count in ANSWERED:
        yield infer_vectors(space, asked[:count], answers[:count], None)


def plain(belief: Belief, vectors: QuestionVectors) -> Floats:
    """(N,) eig of all questions at the same draws, by one matrix product."""
    tastes = belief.mean + normals(len(belief.mean), DRAWS) @ belief.chol.T
    logits = (vectors.phi.reshape(-1, tastes.shape[1]) @ tastes.T).reshape(*vectors.g.shape, DRAWS)
    floor = np.isfinite(vectors.g) * (belief.lapse / vectors.counts)[:, None]
    chance = (1 - belief.lapse) * softmax(logits + vectors.g[..., None], axis=1) + floor[..., None]
    return np.asarray(entropy(chance.mean(2)) - entropy(chance).mean(1))


def entropy(chance: Floats) -> Floats:
    """Entropy in nats along the second axis."""
    return np.asarray(-(chance * np.log(np.maximum(chance, 1e-300))).sum(1))


def measure() -> Report:
    """The next question out of 10,000, one thread."""
    rng = np.random.default_rng(0)
    space, vectors = world(QUESTIONS, rng)
    known = list(beliefs(space, vectors, rng))
    exact = []
    for belief in known:
        gains = eig(belief, vectors, FINE_DRAWS)
        exact.append(float(gains[best(belief, vectors)[0]] / gains.max()))
    seconds, reference = medians([lambda: best(known[2], vectors), lambda: plain(known[2], vectors)], 15)
    size = {"questions": len(vectors), "options": OPTIONS, "coordinates": space.size}
    return Report("next_question", size, seconds, reference, min(exact))


if __name__ == "__main__":
    main(measure)
