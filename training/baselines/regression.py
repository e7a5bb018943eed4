"""A multinomial regression for every target question, on all other answers: scikit-learn's, as it is.

The ceiling for a model of people that is given everything: each target has its own weights, fitted to
nothing else. The strength of the penalty and how answers are put into numbers are chosen on
validation raters, the same for all targets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from prefs.errors import MissingPartError
from prefs.space import Floats

Encoding = Literal["scores", "options", "both"]
Table = NDArray[np.intp]
Told = Callable[[int, int], None]

ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
STRENGTHS = (
    0.0005,
    0.001,
    0.002,
    0.004,
    0.008,
    0.016,
    0.032,
    0.064,
)  # C of scikit-learn, on inputs of unit variance
CHOOSING = 16  # targets by which the settings are chosen
MARGINAL, PSEUDO = 0.01, 0.5  # share of the marginal in every prediction; its answers added to each option
SELDOM = 0.005  # inputs that fewer raters have, or lack, are left out
ITERATIONS, TOLERANCE = 1000, 1e-3


@dataclass(frozen=True)
class Settings:
    """encoding: a number per answer, an indicator per option, or both. strength: C of scikit-learn."""

    encoding: Encoding
    strength: float


@dataclass(frozen=True)
class Inputs:
    """How answers (R, N) become inputs (R, F) of zero mean and unit variance among training raters."""

    encoding: Encoding
    counts: NDArray[np.intp]
    kept: NDArray[np.bool_]
    mean: Floats
    sd: Floats

    @classmethod
    def of(cls, answers: Table, counts: NDArray[np.intp], encoding: Encoding) -> Inputs:
        """From training answers (R, N), -1 missing, to questions of `counts` (N,) options."""
        raw = _raw(answers, counts, encoding)
        known = np.isfinite(raw)
        mean = np.where(known, raw, 0).sum(0) / np.maximum(known.sum(0), 1)
        sd = np.sqrt((np.where(known, raw - mean, 0) ** 2).sum(0) / np.maximum(known.sum(0), 1))
        return cls(encoding, counts, sd > np.sqrt(SELDOM * (1 - SELDOM)), mean, sd)

    def __call__(self, answers: Table) -> Floats:
        """(R, F) inputs; a missing score is the mean."""
        raw = _raw(answers, self.counts, self.encoding)[:, self.kept]
        return np.asarray(np.nan_to_num((raw - self.mean[self.kept]) / self.sd[self.kept], nan=0.0))


def _raw(answers: Table, counts: NDArray[np.intp], encoding: Encoding) -> Floats:
    """(R, F) numbers before they are standardized: NaN where a score is missing; missing = 1."""
    missing = (answers < 0).astype(np.float64)
    columns = [missing]
    if encoding != "options":
        columns.append(np.where(answers < 0, np.nan, answers))
    if encoding != "scores":
        columns += [answers[:, n, None] == np.arange(count) for n, count in enumerate(counts)]
    return np.concatenate(columns, axis=1, dtype=np.float64)


def marginals(wanted: Table, options: int, counts: NDArray[np.intp]) -> Floats:
    """(M, K) shares of the options among answers (R, M) to targets of `counts` (M,), half an answer added."""
    found = np.stack([(wanted == option).sum(0) for option in range(options)], axis=1) + PSEUDO
    found = np.where(np.arange(options) < counts[:, None], found, 0.0)
    return np.asarray(found / found.sum(1, keepdims=True))


def predictions(
    train: Table,
    test: Table,
    candidates: NDArray[np.intp],
    targets: NDArray[np.intp],
    counts: NDArray[np.intp],
    settings: Settings,
    told: Told | None = None,
) -> Floats:
    """(T, M, K) probabilities of the answers of test raters to targets, given all candidates.

    train (R, Q), test (T, Q): answers, -1 missing. counts: (Q,) options. One regression for each
    target, fitted to the training raters who answered it. 1 % of each prediction is the marginal, so
    that an answer which nobody in training gave has a probability.

    Raises:
        MissingPartError: scikit-learn is not installed.
    """
    inputs = Inputs.of(train[:, candidates], counts[candidates], settings.encoding)
    known, asked = inputs(train[:, candidates]), inputs(test[:, candidates])
    shares = marginals(train[:, targets], int(counts.max()), counts[targets])
    found = np.repeat(MARGINAL * shares[None], len(test), axis=0)
    for place, target in enumerate(targets):
        given = train[:, target] >= 0
        classes, p = _regression(known[given], train[given, target], asked, settings.strength)
        found[:, place, classes] += (1 - MARGINAL) * p
        if told:
            told(place + 1, len(targets))
    return found


def _regression(x: Floats, y: Table, asked: Floats, strength: float) -> tuple[Table, Floats]:
    """The classes that occur in y (R,), and their probabilities (T, classes) at the inputs asked."""
    classes = np.unique(y)
    if len(classes) < 2:
        return classes, np.ones((len(asked), len(classes)))
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as problem:
        raise MissingPartError(
            "scikit-learn is not installed: install it with `pip install 'kallisti[compare]'`"
        ) from problem
    model = LogisticRegression(C=strength, max_iter=ITERATIONS, tol=TOLERANCE)
    model.fit(x, y)
    return classes, np.asarray(model.predict_proba(asked))


def losses(p: Floats, wanted: Table) -> Floats:
    """(R,) mean log loss in nats of predictions (R, M, K) of answers (R, M), NaN without an answer."""
    given = wanted >= 0
    chosen = np.take_along_axis(p, np.maximum(wanted, 0)[..., None], 2)[..., 0]
    total = -np.where(given, np.log(np.where(given, chosen, 1.0)), 0.0).sum(1)
    count = given.sum(1)
    return np.asarray(np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0))


def choose(
    train: Table,
    validation: Table,
    candidates: NDArray[np.intp],
    targets: NDArray[np.intp],
    counts: NDArray[np.intp],
    seed: int = 0,
) -> tuple[Settings, dict[str, float]]:
    """The settings of least mean log loss on validation raters (V, Q), and the loss of each.

    Up to 16 targets are drawn to choose by. The strength grows from the least until it no longer pays.
    """
    drawn = np.random.default_rng(seed).permutation(targets)[:CHOOSING]
    tried: dict[Settings, float] = {}
    for encoding, strength in product(ENCODINGS, STRENGTHS):
        own = [loss for settings, loss in tried.items() if settings.encoding == encoding]
        if len(own) > 1 and own[-1] > own[-2]:
            continue
        settings = Settings(encoding, strength)
        p = predictions(train, validation, candidates, drawn, counts, settings)
        tried[settings] = float(np.nanmean(losses(p, validation[:, drawn])))
    best = min(tried, key=lambda settings: tried[settings])
    return best, {f"{one.encoding} {one.strength:g}": loss for one, loss in tried.items()}


def regression_loss(
    train: Table,
    validation: Table,
    test: Table,
    candidates: NDArray[np.intp],
    targets: NDArray[np.intp],
    counts: NDArray[np.intp],
    seed: int = 0,
) -> Floats:
    """(T,) mean log loss of each test rater's target answers, in nats, settings chosen on validation raters.

    Arguments as of `predictions` and `choose`.
    """
    settings, _ = choose(train, validation, candidates, targets, counts, seed)
    return losses(predictions(train, test, candidates, targets, counts, settings), test[:, targets])
