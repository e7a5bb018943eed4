"""The choice model: every option of every question as a taste vector phi and a popularity g.

    P(a | q, z) = (1 - eps) softmax_a(phi(q, a) . z + g(q, a)) + eps / K

z is the rater's taste vector, eps the lapse rate (answers given without looking), K the number of
options. Source: McFadden (1974), conditional logit; Reckase (2009), multidimensional item
response theory; Masters (1982), partial credit; Davidson (1970), ties.

A model is a taste space plus one *source* per gallery or bank, which turns its questions into
vectors. Sources return vectors in the full space, so that pictures and sentences are comparable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from prefs.errors import ModelError, QuestionError
from prefs.questions import Kind, Question
from prefs.space import STYLE, Floats, TasteSpace

LIKE, AGREE, EXTREME, SIDE, TIE = range(len(STYLE))


@dataclass(frozen=True)
class QuestionVectors:
    """Vectors of N questions with at most K options in a space of d coordinates.

    phi: (N, K, d) taste vectors, 0 where a question has fewer options.
    g: (N, K) popularity in logits, -inf where a question has fewer options.
    """

    phi: Floats
    g: Floats

    def __len__(self) -> int:
        return int(self.g.shape[0])

    def __getitem__(self, rows: NDArray[np.intp] | slice) -> QuestionVectors:
        return QuestionVectors(self.phi[rows], self.g[rows])

    @property
    def counts(self) -> NDArray[np.intp]:
        """(N,) number of options of each question."""
        return np.asarray(np.isfinite(self.g).sum(1))


class Source(Protocol):
    """Turns the questions of one gallery or bank into vectors."""

    @property
    def name(self) -> str:
        """What questions name as their source."""
        ...

    def vectors(self, question: Question) -> tuple[Floats, Floats]:
        """phi (K, d) and g (K,) of a question's options in the order in which they are shown."""
        ...


@dataclass(frozen=True)
class GallerySource:
    """Pictures as options. All pictures of an installation can live in one such source.

    items: N item ids. taste: (N, t) taste-space vectors of the pictures. appeal: (N,) generic
    appeal in logits. columns: (t,) where the taste block stands in the full space of `size`
    coordinates. scales: discrimination of each kind. log_nu: popularity of a tie (Davidson).
    thumbs_offset: logit of liking a picture of appeal 0. thresholds: (K,) popularity of the
    labels of a rating with K labels, by K.
    """

    name: str
    items: tuple[str, ...]
    taste: Floats
    appeal: Floats
    columns: NDArray[np.intp]
    size: int
    scales: Mapping[Kind, float] = field(default_factory=dict)
    log_nu: float = -1.0
    thumbs_offset: float = 0.0
    thresholds: Mapping[int, Floats] = field(default_factory=dict)
    rows: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        count = len(self.items)
        if self.taste.shape != (count, len(self.columns)) or self.appeal.shape != (count,):
            raise ModelError(
                f"gallery {self.name!r}: {count} pictures, "
                f"taste {self.taste.shape}, appeal {self.appeal.shape}"
            )
        if not (np.isfinite(self.taste).all() and np.isfinite(self.appeal).all()):
            raise ModelError(f"gallery {self.name!r} holds vectors that are not finite: index it again")
        object.__setattr__(self, "rows", {item: row for row, item in enumerate(self.items)})

    def row(self, item: str) -> int:
        """Row of a picture; raises QuestionError for an id that is not in the gallery."""
        try:
            return self.rows[item]
        except KeyError:
            raise QuestionError(f"picture {item!r} is not in gallery {self.name!r}: index it again") from None

    def vectors(self, question: Question) -> tuple[Floats, Floats]:
        """phi (K, d) and g (K,) of a pair, grid, thumbs or rating of pictures."""
        if question.kind in ("pair", "grid"):
            rows = np.array([[self.row(option.item or "") for option in question.answers]])
            found = self.shown(rows, question.kind, question.tie is not None)
        elif question.kind == "thumbs":
            found = self.thumbs(np.array([self.row(question.items[0])]))
        elif question.kind == "rating":
            found = self.ratings(np.array([self.row(question.items[0])]), len(question.options))
        else:
            raise QuestionError(f"question {question.question_id!r}: a gallery cannot ask a {question.kind}")
        return found.phi[0], found.g[0]

    def shown(self, rows: NDArray[np.intp], kind: Kind, tie: bool) -> QuestionVectors:
        """Vectors of N pairs or grids; rows: (N, K) pictures in the order in which they are shown.

        With a tie there is one option more: the mean of the others' phi, and g = log nu + mean.
        """
        count, options = rows.shape
        scale = self.scales.get(kind, 1.0)
        phi = np.zeros((count, options + tie, self.size))
        phi[:, :options, self.columns] = scale * self.taste[rows]
        g = np.empty((count, options + tie))
        g[:, :options] = scale * self.appeal[rows]
        if kind == "pair":
            phi[:, :options, SIDE] = (0.5, -0.5)
        if tie:
            phi[:, options] = phi[:, :options].mean(1)
            phi[:, options, TIE] = 1.0
            g[:, options] = self.log_nu + g[:, :options].mean(1)
        return QuestionVectors(phi, g)

    def thumbs(self, rows: NDArray[np.intp]) -> QuestionVectors:
        """Vectors of N like/dislike questions (like is option 0); rows: (N,) pictures."""
        scale = self.scales.get("thumbs", 1.0)
        phi = np.zeros((len(rows), 2, self.size))
        phi[:, 0, self.columns] = scale * self.taste[rows]
        phi[:, 0, LIKE] = 1.0
        g = np.zeros((len(rows), 2))
        g[:, 0] = scale * self.appeal[rows] + self.thumbs_offset
        return QuestionVectors(phi, g)

    def ratings(self, rows: NDArray[np.intp], labels: int) -> QuestionVectors:
        """Vectors of N ratings of pictures with the given number of ordered labels."""
        scale = self.scales.get("rating", 1.0)
        score, extreme = scores(labels)
        phi = np.zeros((len(rows), labels, self.size))
        phi[:, :, self.columns] = scale * score[None, :, None] * self.taste[rows][:, None]
        phi[:, :, AGREE] = score
        phi[:, :, EXTREME] = extreme
        g = scale * score * self.appeal[rows][:, None] + self.thresholds.get(labels, np.zeros(labels))
        return QuestionVectors(phi, g)


@dataclass(frozen=True)
class BankSource:
    """Fitted questions of an item bank.

    questions: Q question ids. phi: (Q, K, c) vectors and g: (Q, K) popularity, -inf where a
    question has fewer options, in the order of the bank. columns: (c,) where the c coordinates
    (often the style coordinates "agree" and "extreme" among them) stand in the full space.
    """

    name: str
    questions: tuple[str, ...]
    phi: Floats
    g: Floats
    columns: NDArray[np.intp]
    size: int
    rows: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        count = len(self.questions)
        if self.phi.shape[:2] != self.g.shape or self.phi.shape[::2] != (count, len(self.columns)):
            raise ModelError(f"bank {self.name!r}: {count} questions, phi {self.phi.shape}, g {self.g.shape}")
        if not np.isfinite(self.phi).all() or np.isnan(self.g).any():
            raise ModelError(f"bank {self.name!r} holds vectors that are not finite: fit it again")
        object.__setattr__(self, "rows", {name: row for row, name in enumerate(self.questions)})

    def vectors(self, question: Question) -> tuple[Floats, Floats]:
        """phi (K, d) and g (K,) of a question of the bank."""
        row = self.rows.get(question.question_id)
        if row is None:
            raise QuestionError(
                f"question {question.question_id!r} is not in bank {self.name!r}: fit the bank again"
            )
        count = int(np.isfinite(self.g[row]).sum())
        if count != len(question.options):
            raise QuestionError(
                f"question {question.question_id!r} has {len(question.options)} options, "
                f"its model {count}: fit the bank again"
            )
        phi = np.zeros((count, self.size))
        phi[:, self.columns] = self.phi[row, :count]
        return phi, self.g[row, :count]

    def all(self) -> QuestionVectors:
        """Vectors of all questions of the bank, in its order."""
        phi = np.zeros((*self.g.shape, self.size))
        phi[:, :, self.columns] = self.phi
        return QuestionVectors(phi, self.g)


@dataclass(frozen=True)
class ChoiceModel:
    """A taste space, the sources that ask in it, and the lapse rate raters start from.

    version names the parameters: two models with the same version give the same beliefs.
    """

    space: TasteSpace
    sources: Mapping[str, Source]
    version: str
    lapse: float = 0.02

    def vectors(self, question: Question) -> tuple[Floats, Floats]:
        """phi (K, d) and g (K,) of a question; raises QuestionError for an unknown source."""
        source = self.sources.get(question.source)
        if source is None:
            raise QuestionError(
                f"question {question.question_id!r} comes from {question.source!r}, "
                f"which is not open: open are {', '.join(self.sources) or 'none'}"
            )
        return source.vectors(question)

    def stack(self, questions: Sequence[Question]) -> QuestionVectors:
        """Vectors of several questions, padded to the longest."""
        found = [self.vectors(question) for question in questions]
        width = max((len(g) for _, g in found), default=0)
        phi = np.zeros((len(found), width, self.space.size))
        popularity = np.full((len(found), width), -np.inf)
        for row, (vectors, g) in enumerate(found):
            phi[row, : len(g)] = vectors
            popularity[row, : len(g)] = g
        return QuestionVectors(phi, popularity)


def scores(labels: int) -> tuple[Floats, Floats]:
    """Scores of ordered labels, (K,): linear from -1 to 1, and its square around its mean."""
    if labels < 2:
        raise QuestionError(f"a rating with {labels} labels: at least two are needed")
    linear = np.linspace(-1.0, 1.0, labels)
    return linear, np.square(linear) - np.square(linear).mean()
