"""What the planner expects of every question in the middle of an interview, to learn from and to compare.

The gain of a question is the expected rise of log p(rater ID), the answer unseen: the information of the
answer about which of a crowd of raters is answering, as `kallisti plan --planner expected` sums it
(`training.greedy.Expected`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from prefs.belief import Belief
from prefs.space import Floats
from prefs.transcripts import Transcript
from training.hypotheses import Crowd, Rows, Singles, entropies
from training.identify import LAPSE
from training.surveys import MISSING
from vlm.asking_head import State

ROWS = 64  # interviews weighed at once
FLOOR = 1e-4  # share of the population's covariance that is always left
NOTHING = 1e-7  # weight that moves no moment
IMPOSSIBLE = -1e30  # log weight of a hypothesis that is left out


class Weighing:
    """R interviews in the middle, and how likely each of a crowd's hypotheses is in each of them."""

    def __init__(self, crowd: Crowd, count: int, leave_out: Rows | None = None) -> None:
        """count: R. leave_out: (R,) a rater of the corpus whose hypothesis is not weighed, by interview."""
        self.crowd = crowd
        self.logs = np.zeros((count, len(crowd.rows)), np.float32)
        if leave_out is not None:
            places = crowd.places(leave_out)
            rows = np.flatnonzero(places >= 0)
            self.logs[rows, places[rows]] = IMPOSSIBLE
        self._noise = crowd.entropy.T.astype(np.float32)

    def weights(self) -> Singles:
        """(R, H) probabilities of the hypotheses given the answers so far."""
        found = np.exp(self.logs - self.logs.max(1, keepdims=True))
        return np.asarray(found / found.sum(1, keepdims=True))

    def gains(self) -> Floats:
        """(R, Q) expected gain of each question in nats."""
        found = np.empty((len(self.logs), len(self.crowd.first)))
        weights = self.weights()
        for start in range(0, len(found), ROWS):
            own = weights[start : start + ROWS]
            mixed = entropies((own @ self.crowd.chance.T).T, self.crowd.first).T
            found[start : start + ROWS] = mixed - own @ self._noise
        return np.maximum(found, 0.0)

    def hear(self, questions: Rows, answers: Rows) -> None:
        """Goes on with answers (R,) to questions (R,); -1 in either says nothing."""
        given = (questions >= 0) & (answers >= 0)
        option = self.crowd.first[np.maximum(questions, 0)] + np.maximum(answers, 0)
        self.logs += np.where(given[:, None], np.log(self.crowd.chance[option]), 0)


class Moments:
    """Where interviews are, seen by a policy head: mean and covariance of the tastes of who may be answering.

    After some answers few of a crowd are left, and what tells these apart is not what would tell a
    population of all tastes apart, so the head is shown the moments of the crowd as it is weighed, in
    place of a belief about somebody unknown.
    """

    def __init__(self, tastes: Floats) -> None:
        """tastes: (H, d) of the crowd, in the order of its hypotheses."""
        self.tastes = tastes
        self.population = np.cov(tastes.T) + FLOOR * np.eye(tastes.shape[1])

    def states(self, weighing: Weighing, answers: Rows) -> list[State]:
        """A state for each of R interviews; answers: (R,) how many there are so far."""
        return [
            State.of(Belief(*self._of(row), LAPSE, int(count)), self.population)
            for row, count in zip(weighing.weights(), answers, strict=True)
        ]

    def _of(self, weights: Singles) -> tuple[Floats, Floats]:
        """Mean (d,) and covariance (d, d) under weights (H,)."""
        kept = np.flatnonzero(weights > NOTHING)
        shares = weights[kept].astype(np.float64)
        shares /= shares.sum()
        mean = shares @ self.tastes[kept]
        apart = self.tastes[kept] - mean
        return mean, apart.T @ (apart * shares[:, None]) + FLOOR * self.population


def sequences(transcripts: Sequence[Transcript], rows: dict[str, int]) -> tuple[Rows, Rows]:
    """Questions (R, T) of interviews as rows of a bank, and the answers (R, T); -1 after the end.

    rows: of the bank's questions by id. Turns about other questions are left out.
    """
    turns = [[one for one in transcript.turns if one.question_id in rows] for transcript in transcripts]
    longest = max((len(one) for one in turns), default=0)
    asked, said = (np.full((len(turns), longest), MISSING, dtype=np.intp) for _ in range(2))
    for row, own in enumerate(turns):
        asked[row, : len(own)] = [rows[one.question_id] for one in own]
        said[row, : len(own)] = [MISSING if one.answer is None else one.answer for one in own]
    return asked, said


def states(crowd: Crowd, asked: Rows, said: Rows) -> Iterator[tuple[int, Floats]]:
    """(k, gains (R, Q) in nats) before question k + 1 of R interviews, for every k."""
    weighing = Weighing(crowd, len(asked))
    for k in range(asked.shape[1]):
        yield k, weighing.gains()
        weighing.hear(asked[:, k], said[:, k])
