"""Plans in hindsight for a corpus of 4,000 people, 135 questions and 20 steps, against the plain double loop.

Exactness is the share of plans that are identical to those of the loop. Answers are those of the real
set `spi` where it is there, else simulated ones of its size. Planning with the answers unseen is
reported beside. What is known of the people, their tastes, is not part of the work.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import Report, main
from prefs.model import QuestionVectors, scores
from prefs.space import Floats
from training.greedy import Expected, Hindsight, Limits, greedy
from training.hypotheses import Crowd, Rows, Suspects, entropies

RATERS, QUESTIONS, OPTIONS, STEPS = 4000, 135, 6, 20
COORDINATES = 10
BLOCK, BLOCKS, PLAIN = 512, 4, 50
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
    everybody = slice(0, len(survey.raters))
    return vectors, known_tastes(survey, model, vectors, everybody), survey.table().astype(int)


class Corpus:
    """People whose interviews are planned."""

    def __init__(self, vectors: QuestionVectors, tastes: Floats, answers: Rows) -> None:
        self.crowd = Crowd.of(tastes, vectors, np.arange(len(tastes)))
        self.answers = answers
        self.chance = self.crowd.chance.astype(np.float64)
        self.logs = np.log(self.chance)

    def plans(self, planner: type[Hindsight] | type[Expected], rows: Rows) -> list[Rows]:
        """The questions of the plans of some people, (T,) each."""
        answers, suspects = self.answers[rows], Suspects.everybody(self.crowd, rows)
        state = planner(suspects, np.maximum(answers, 0) + self.crowd.first)
        start = np.full(len(rows), -np.log(len(self.crowd.rows)))
        return list(greedy(state, answers >= 0, start, UNENDING).questions)

    def plain(self, row: int) -> list[int]:
        """One plan in hindsight by the plain loop."""
        left = np.flatnonzero(self.answers[row] >= 0).tolist()
        known, asked = np.zeros(len(self.crowd.rows)), list[int]()
        for _ in range(min(STEPS, len(left))):
            said = known + self.logs[self.crowd.first[left] + self.answers[row, left]]
            asked.append(left.pop(int((said[:, row] - log_sums(said)).argmax())))
            known += self.logs[self.crowd.first[asked[-1]] + self.answers[row, asked[-1]]]
        return asked

    def plain_expected(self, row: int) -> list[int]:
        """One plan with the answers unseen by the plain loop."""
        left = np.flatnonzero(self.answers[row] >= 0).tolist()
        known, asked = np.zeros(len(self.crowd.rows)), list[int]()
        for _ in range(min(STEPS, len(left))):
            weights = np.exp(known - log_sums(known))
            gains = entropies(self.chance @ weights, self.crowd.first) - self.crowd.entropy @ weights
            asked.append(left.pop(int(gains[left].argmax())))
            known += self.logs[self.crowd.first[asked[-1]] + self.answers[row, asked[-1]]]
        return asked


def log_sums(logs: Floats) -> Floats:
    """Log of the sums of exponentials along the last axis."""
    peak = logs.max(-1, keepdims=True)
    return np.asarray(peak[..., 0] + np.log(np.exp(logs - peak).sum(-1)))


def same(found: Sequence[Rows], plain: Sequence[list[int]]) -> float:
    """Share of plans that are identical."""
    pairs = zip(found, plain, strict=False)
    return float(np.mean([one[one >= 0].tolist() == other for one, other in pairs]))


def timed(work: Callable[[Rows], Sequence[Any]], raters: int, blocks: int) -> tuple[float, list[Any]]:
    """Processor seconds per person, the median of blocks, and the plans of all of them."""
    times, found = [], list[Any]()
    for number in range(blocks):
        rows = np.arange(number * raters, (number + 1) * raters)
        start = time.process_time()
        found.extend(work(rows))
        times.append((time.process_time() - start) / raters)
    return float(np.median(times)), found


def measure() -> Report:
    """Plans per second of one core; seconds are processor time for the whole corpus."""
    folder = DATA / "surveys" / "spi"
    corpus = Corpus(*(real(folder) if folder.is_dir() else simulated(np.random.default_rng(0))))
    hindsight, plans = timed(lambda rows: corpus.plans(Hindsight, rows), BLOCK, BLOCKS)
    plain, wanted = timed(lambda rows: [corpus.plain(row) for row in rows], PLAIN, BLOCKS)
    expected, unseen = timed(lambda rows: corpus.plans(Expected, rows), BLOCK, BLOCKS)
    plain_expected, wanted_unseen = timed(
        lambda rows: [corpus.plain_expected(row) for row in rows], PLAIN, BLOCKS
    )
    raters, questions = corpus.answers.shape
    more = {
        "raters_per_second": 1 / hindsight,
        "expected_raters_per_second": 1 / expected,
        "expected_seconds": raters * expected,
        "expected_reference_seconds": raters * plain_expected,
        "expected_ratio": plain_expected / expected,
        "expected_exactness": same(unseen, wanted_unseen),
    }
    size = {"raters": raters, "questions": questions, "steps": STEPS}
    return Report("planning", size, raters * hindsight, raters * plain, same(plans, wanted), more)


if __name__ == "__main__":
    main(measure)
