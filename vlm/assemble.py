"""From what was read of passages to the vectors of questions (`prefs.model`), differentiably.

s_a are the scores -1 to 1 of K ordered labels, B_j the orthogonal polynomials of degree 2, 3 and 4 on
them; v, appeal and c are what the heads read, `scale` the learned discrimination of the kind:

    scale     phi = scale s_a v                          g = scale s_a appeal + sum_j c_j B_j(s_a)
    apart     the same, with v and appeal times the direction of the scale, tanh(side(last) - side(first))
    options   phi = scale v_a, centred over the options  g = scale appeal_a
    pictures  phi = scale v_a                            g = scale appeal_a
    thumbs    phi = (scale v, 0)                         g = (scale appeal, 0)

A tie has the mean of the options' phi and log nu + the mean of their g (Davidson 1970). Ratings also move
with the two style coordinates of `prefs.space`: strength times s_a (agree) and s_a^2 - mean (extreme).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prefs.model import scores
from prefs.questions import KINDS, Question
from prefs.space import Floats
from vlm.passages import Form, Passage

if TYPE_CHECKING:
    import torch

    from vlm.heads import Read
    from vlm.model import PreferenceVLM

DEGREES = (2, 3, 4)


@dataclass(frozen=True)
class Layout:
    """Which passage belongs to which of at most K options of Q questions, and how it enters.

    rows: (Q, K) passage of each option. weight: (Q, K) by which taste and appeal enter: a score, 1, or 0.
    bends: (Q, K, 3) by which the threshold shapes enter. style: (Q, K, 2) agree and extreme. kinds: (Q,)
    index into KINDS. centred: (Q,) whether phi has mean 0 over the options. answers: (Q, K) options that
    are there, and tie: (Q, K) the tie, which is not among them. ends: (Q, 2) passages of the first and the
    last label of a scale whose labels are read apart, -1 without.
    """

    rows: NDArray[np.int64]
    weight: Floats
    bends: Floats
    style: Floats
    kinds: NDArray[np.int64]
    centred: NDArray[np.bool_]
    answers: NDArray[np.bool_]
    tie: NDArray[np.bool_]
    ends: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        questions: Sequence[Question],
        read: Sequence[tuple[Form, Sequence[Passage]]],
        row: Mapping[str, int],
    ) -> Layout:
        """The layout of questions of which forms and passages are known; row: of each passage by its key."""
        count = len(questions)
        most = max((len(question.options) for question in questions), default=2)
        found = cls(
            np.zeros((count, most), np.int64),
            np.zeros((count, most)),
            np.zeros((count, most, len(DEGREES))),
            np.zeros((count, most, 2)),
            np.array([KINDS.index(question.kind) for question in questions], np.int64),
            np.array([form == "options" for form, _ in read], np.bool_),
            np.zeros((count, most), np.bool_),
            np.zeros((count, most), np.bool_),
            np.full((count, 2), -1, np.int64),
        )
        for place, (question, (form, passages)) in enumerate(zip(questions, read, strict=True)):
            found._fill(place, question, form, [row[passage.key] for passage in passages])
        return found

    def _fill(self, place: int, question: Question, form: Form, rows: Sequence[int]) -> None:
        count = len(question.answers)
        self.answers[place, :count] = True
        if question.tie is not None:
            self.tie[place, question.tie] = True
        if form == "scale" and len(rows) > 1:
            rows, self.ends[place] = rows[:1], rows[1:]
        self.rows[place, :count] = rows  # one passage serves all options, or each has its own
        if form == "scale":
            linear, extreme = scores(count)
            self.weight[place, :count] = linear
            self.bends[place, :count] = shapes(count)
            if question.kind == "rating":
                self.style[place, :count, 0], self.style[place, :count, 1] = linear, extreme
        elif form == "thumbs":
            self.weight[place, 0] = 1.0
        else:
            self.weight[place, :count] = 1.0


@lru_cache(maxsize=64)
def shapes(labels: int) -> Floats:
    """(K, 3) orthogonal polynomials of degree 2, 3 and 4 on the scores of K labels, mean square 1.

    Each is orthogonal to all lower degrees (Gram 1883), positive at the last label, and 0 where K labels
    do not have it.
    """
    powers = np.vander(scores(labels)[0], max(DEGREES) + 1, increasing=True)
    axes, _ = np.linalg.qr(powers[:, :labels])
    found = np.zeros((labels, len(DEGREES)))
    for column, degree in enumerate(DEGREES):
        if degree < labels:
            found[:, column] = axes[:, degree] * np.sign(axes[-1, degree]) * np.sqrt(labels)
    found.flags.writeable = False
    return found


def assemble(layout: Layout, read: Read, model: PreferenceVLM) -> tuple[torch.Tensor, torch.Tensor]:
    """phi (Q, K, 2 + d) by agree, extreme and taste, and g (Q, K), -inf where there is no option."""
    import torch

    def given(values: NDArray[np.generic]) -> torch.Tensor:
        found = torch.from_numpy(np.ascontiguousarray(values)).to(read.taste.device)
        return found.to(read.taste.dtype) if found.is_floating_point() else found

    rows, answers, tie = given(layout.rows), given(layout.answers), given(layout.tie)
    weight = given(layout.weight) * model.log_scale.exp()[given(layout.kinds)][:, None]
    weight = weight * _directions(given(layout.ends), read)[:, None]
    share = answers.to(read.taste.dtype) / answers.sum(1, keepdim=True)
    taste = weight[..., None] * read.taste[rows]
    mean = (share[..., None] * taste).sum(1, keepdim=True)
    centred = given(layout.centred)[:, None, None] & answers[..., None]
    taste = torch.where(tie[..., None], mean, taste - centred * mean)
    g = weight * read.appeal[rows] + (read.bends[rows] * given(layout.bends)).sum(-1)
    g = torch.where(tie, model.log_nu + (share * g).sum(1, keepdim=True), g)
    phi = torch.cat([given(layout.style) * model.strength, taste], dim=-1)
    return phi, g.masked_fill(~(answers | tie), -torch.inf)


def _directions(ends: torch.Tensor, read: Read) -> torch.Tensor:
    """(Q,) where a scale points: a number between -1 and 1, 1 where the labels were not read apart."""
    import torch

    first, last = read.side[ends[:, 0].clamp(min=0)], read.side[ends[:, 1].clamp(min=0)]
    return torch.where(ends[:, 0] < 0, torch.ones_like(first), torch.tanh(last - first))
