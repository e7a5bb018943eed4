"""The policy head: what the planner would expect of every question of a bank, learned instead of computed.

A dialogue is known by the belief N(mean, cov) that its answers lead to, a question by the vectors of its
options. With p the chances of the answers at the mean, every question is described by a few numbers in
which belief and question meet as inner products,

    spread = tr(cov F),  F = sum_a p_a phi_a phi_a' - (sum_a p_a phi_a)(sum_a p_a phi_a)',

F the Fisher information of the answer at the mean (Lindley 1956: half the spread is the information of a
vague answer), and a small network turns them into the expected gain. They do not depend on the basis of
the taste space, nor on its size, so one head scores the questions of any bank or gallery that a choice
model knows, fitted by number or read from its text, also one that it was not trained on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.batch import check_vectors
from prefs.belief import Belief
from prefs.errors import ModelError
from prefs.files import read_manifest, write_bytes, write_json, write_manifest
from prefs.model import QuestionVectors
from prefs.space import Floats

Singles = NDArray[np.float32]

FORMAT = "kallisti.head/1"
TENSORS, ABOUT = "head.safetensors", "head.json"
FEATURES = (
    "entropy",  # of the answer at the mean
    "spread",
    "log_spread",
    "spread_before",  # of the population at the same mean
    "log_spread_before",
    "remaining",  # log of spread / spread of the population
    "likeliest",  # chance of the likeliest answer
    "options",  # log of their number
    "widest",  # largest variance of an option's logit against the expected one
    "answers",  # log of 1 + number of answers so far
    "known",  # nats by which the belief is smaller than the population
)
BLOCK = 1024  # questions described at once, so that their numbers stay in the cache
TINY = 1e-6


@dataclass(frozen=True)
class PolicyHead:
    """A network of two hidden layers over the features of a question.

    layers: weights (in, out) and biases (out,) in order. middle, scale: (F,) of the features. about: how
    it was trained, as JSON values.
    """

    layers: tuple[tuple[Singles, Singles], ...]
    middle: Singles
    scale: Singles
    about: Mapping[str, Any]

    def gains(self, belief: Belief, vectors: QuestionVectors, population: Floats) -> Floats:
        """(N,) expected gain of each question in nats, 0 or more; population: (d, d) covariance of raters."""
        return self.of_state(State.of(belief, population), vectors)

    def of_state(self, state: State, vectors: QuestionVectors) -> Floats:
        """(N,) expected gain of each question in nats, 0 or more."""
        found = np.empty(len(vectors))
        for start in range(0, len(vectors), BLOCK):
            part = vectors[start : start + BLOCK]
            found[start : start + BLOCK] = self.of_features(features(state, part))
        return found

    def of_features(self, described: Singles) -> Singles:
        """(...) expected gain in nats of what the features (..., F) describe."""
        values = (described - self.middle) / self.scale
        for number, (weight, bias) in enumerate(self.layers):
            values = values @ weight + bias
            if number + 1 < len(self.layers):
                np.maximum(values, 0.0, out=values)
        return np.asarray(np.logaddexp(values[..., 0], 0.0))

    def save(self, folder: Path) -> None:
        """Writes the head into a folder, its manifest last."""
        from safetensors.numpy import save

        tensors = {"middle": self.middle, "scale": self.scale}
        for number, (weight, bias) in enumerate(self.layers):
            tensors |= {f"weight {number}": weight, f"bias {number}": bias}
        write_bytes(folder / TENSORS, save({key: np.ascontiguousarray(one) for key, one in tensors.items()}))
        write_json(folder / ABOUT, {"features": list(FEATURES), "layers": len(self.layers), **self.about})
        write_manifest(folder, {"format": FORMAT})

    @classmethod
    def load(cls, folder: Path) -> PolicyHead:
        """Reads what `save` wrote.

        Raises:
            ModelError: damaged, of another format, of other features, or not finite.
        """
        from safetensors.numpy import load_file

        manifest = read_manifest(folder, ModelError)
        if manifest.get("format") != FORMAT:
            raise ModelError(f"{folder} holds {manifest.get('format')!r}, expected {FORMAT!r}: train a head")
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if tuple(about["features"]) != FEATURES:
            raise ModelError(f"{folder} is a head of other features: train it again")
        tensors = load_file(folder / TENSORS)
        if not all(np.isfinite(one).all() for one in tensors.values()):
            raise ModelError(f"{folder} holds weights that are not finite: train it again")
        layers = tuple(
            (tensors[f"weight {number}"], tensors[f"bias {number}"]) for number in range(about["layers"])
        )
        trained = {name: value for name, value in about.items() if name not in ("features", "layers")}
        return cls(layers, tensors["middle"], tensors["scale"], trained)


@dataclass(frozen=True)
class State:
    """Where an interview is: mean (d,), roots of the covariance now and at first (d, d), two numbers."""

    mean: Singles
    now: Singles
    before: Singles
    answers: float
    known: float

    @classmethod
    def of(cls, belief: Belief, population: Floats) -> State:
        """The state of a belief; population: (d, d) covariance of the raters."""
        before = np.linalg.cholesky(population)
        now = np.linalg.cholesky(belief.cov)
        known = float(np.log(np.diag(before)).sum() - np.log(np.diag(now)).sum())
        return cls(
            _single(belief.mean), _single(now), _single(before), float(np.log1p(belief.answers)), known
        )


def features(state: State, vectors: QuestionVectors) -> Singles:
    """(N, F) what the head sees of each question."""
    check_vectors(vectors, len(state.mean))
    phi, g = _single(vectors.phi), np.maximum(_single(vectors.g), -1e9)
    logits = phi @ state.mean + g
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    centered = phi - (p[:, None] @ phi)  # (N, K, d), relative to the expected option
    now = _variances(centered, state.now)
    spread = (p * now).sum(1)
    first = (p * _variances(centered, state.before)).sum(1)
    count = np.log(vectors.counts).astype(np.float32)
    entropy = -(p * np.log(np.maximum(p, 1e-30))).sum(1)
    widest = np.sqrt((now * (p > TINY)).max(1))
    described = (
        entropy,
        spread,
        np.log(spread + TINY),
        first,
        np.log(first + TINY),
        np.log((spread + TINY) / (first + TINY)),
        p.max(1),
        count,
        widest,
        np.full_like(count, state.answers),
        np.full_like(count, state.known),
    )
    return np.stack(described, axis=1)


def _variances(phi: Singles, root: Singles) -> Singles:
    """(N, K) variances of the logits of options phi (N, K, d) under a covariance by its root (d, d)."""
    return np.asarray(np.square(phi @ root).sum(2))


def _single(values: NDArray[Any]) -> Singles:
    return np.ascontiguousarray(values, dtype=np.float32)
