"""Plans in hindsight for a corpus of 4,000 people, 135 questions and 20 steps, against the plain double loop.

Exactness is the share of plans that are identical to those of the loop. Answers are those of the real
set `spi` where it is there, else simulated ones of its size. Planning with the answers unseen is
reported beside. What is known of the people, their tastes, is not part of the work.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.report import Report, main
from prefs.model import QuestionVectors, scores
from prefs.space import Floats
from training.greedy import Expected, Hindsight, Limits, greedy
from training.hypotheses import Crowd, Rows, Suspects, entropies

RATERS, QUESTIONS, OPTIONS, STEPS = 4000, 135, 6, 20
COORDINATES = 10
BLOCK, BLOCKS, PLAIN, PLAIN_EXPECTED = 512, 4, 160, 12
DATA = Path(os.environ.get("KALLISTI_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
UNENDING = Limits(STEPS, -np.inf)


def simulated(rng: np.random.Generator) -> tuple[QuestionVectors, Floats, Rows]:
    """Ratings on six labels by people of ten traits: vectors, tastes (R, d) and answers (R, Q)."""
    score, _ = scores(OPTIONS)
    loading = 0.3 * rng.normal(size=(QUESTIONS, COORDINATES))
    loading[np.arange(QUESTIONS), rng.integers(0, COORDINATES, QUESTIONS)] += rng.uniform(0.5, 2, QUESTIONS)
    g = rng.normal(0, 0.5, (QUESTIONS, OPTIONS))
    vectors = QuestionVectors(score[None, :, None] * loading[:, None], g)
    tastes = rng.normal(size=(RATERS, COORDINATES))
    logits = np.einsum("qkd,rd->rqk", vectors.phi, tastes, optimize=True) + g
    # known tastes are nearer to the middle than the ones that answered
    return vectors, 0.9 * tastes, (logits + rng.gumbel(size=logits.shape)).argmax(2)


def real(folder: Path) -> tuple[QuestionVectors, Floats, Rows]:
    """Vectors, tastes and answers of a survey folder by a small model fitted to it."""
    from training.banks import bank_of
    from training.fit import Fit, Settings
    from training.fitted import FittedBank
    from training.hypotheses import known_tastes

    bank, survey = bank_of(str(folder))
    fit = Fit(survey, Settings(size=8, steps=100))
    fit.run()
    found = fit.vectors()
    fitted = FittedBank(bank, found.phi, found.g, {}, {})
    model = fitted.alone()
    vectors = fitted.source(model.space).all()
    return vectors, known_tastes(survey, model, vectors, lambda done, total: None), survey.table().astype(int)


class Corpus:
    """People whose interviews are planned."""

    def __init__(self, vectors: QuestionVectors, tastes: Floats, answers: Rows) -> None:
        self.crowd = Crowd.of(tastes, vectors, np.arange(len(tastes)))
        self.answers = answers
        self.ends = np.append(self.crowd.first[1:], len(self.crowd.chance))

    def plans(self, planner: type[Hindsight] | type[Expected], rows: Rows) -> Rows:
        """(B, T) questions of the plans of some people."""
        answers, suspects = self.answers[rows], Suspects.everybody(self.crowd, rows)
        state = planner(suspects, np.maximum(answers, 0) + self.crowd.first)
        start = np.full(len(rows), -np.log(len(self.crowd.rows)))
        return greedy(state, answers >= 0, start, UNENDING).questions

    def plain(self, logs: Floats, row: int) -> list[int]:
        """One plan in hindsight by the plain loop; logs: (C, H) log chances."""
        left = np.flatnonzero(self.answers[row] >= 0).tolist()
        known, asked = np.zeros(logs.shape[1]), list[int]()
        for _ in range(min(STEPS, len(left))):
            said = known + logs[self.crowd.first[left] + self.answers[row, left]]
            asked.append(left.pop(int((said[:, row] - log_sums(said)).argmax())))
            known += logs[self.crowd.first[asked[-1]] + self.answers[row, asked[-1]]]
        return asked

    def plain_expected(self, logs: Floats, row: int) -> list[int]:
        """One plan with the answers unseen by the plain loop."""
        left = np.flatnonzero(self.answers[row] >= 0).tolist()
        known, asked, chance = np.zeros(logs.shape[1]), list[int](), np.exp(logs)
        mean = entropies(chance, self.crowd.first)
        for _ in range(min(STEPS, len(left))):
            weights = np.exp(known - log_sums(known))
            gains = entropies(chance @ weights, self.crowd.first) - mean @ weights
            asked.append(left.pop(int(gains[left].argmax())))
            known += logs[self.crowd.first[asked[-1]] + self.answers[row, asked[-1]]]
        return asked


def log_sums(logs: Floats) -> Floats:
    """Log of the sums of exponentials along the last axis."""
    peak = logs.max(-1, keepdims=True)
    return np.asarray(peak[..., 0] + np.log(np.exp(logs - peak).sum(-1)))


def same(found: Rows, plain: Sequence[list[int]]) -> float:
    """Share of plans that are identical."""
    pairs = zip(found.tolist(), plain, strict=False)
    return float(np.mean([[q for q in one if q >= 0] == other for one, other in pairs]))


def seconds(corpus: Corpus, planner: type[Hindsight] | type[Expected]) -> tuple[float, Rows]:
    """Seconds per person, and the plans; the median of blocks, so that a busy machine matters less."""
    times, found = [], []
    for number in range(BLOCKS):
        rows = np.arange(number * BLOCK, (number + 1) * BLOCK)
        start = time.perf_counter()
        found.append(corpus.plans(planner, rows))
        times.append((time.perf_counter() - start) / BLOCK)
    return float(np.median(times)), np.concatenate(found)


def measure() -> Report:
    """Plans per second, one thread; seconds are of the whole corpus."""
    folder = DATA / "surveys" / "spi"
    parts = real(folder) if folder.is_dir() else simulated(np.random.default_rng(0))
    corpus = Corpus(*parts)
    logs = np.log(corpus.crowd.chance.astype(np.float64))
    hindsight, plans = seconds(corpus, Hindsight)
    expected, unseen = seconds(corpus, Expected)
    start = time.perf_counter()
    plain = [corpus.plain(logs, row) for row in range(PLAIN)]
    reference = (time.perf_counter() - start) / PLAIN
    start = time.perf_counter()
    plain_expected = [corpus.plain_expected(logs, row) for row in range(PLAIN_EXPECTED)]
    raters = len(corpus.answers)
    more = {
        "raters_per_second": 1 / hindsight,
        "expected_raters_per_second": 1 / expected,
        "expected_ratio": (time.perf_counter() - start) / PLAIN_EXPECTED / expected,
        "expected_exactness": same(unseen, plain_expected),
    }
    size = {"raters": raters, "questions": corpus.answers.shape[1], "steps": STEPS}
    return Report("planning", size, raters * hindsight, raters * reference, same(plans, plain), more)


if __name__ == "__main__":
    main(measure)
