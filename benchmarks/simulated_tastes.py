"""How fast a taste is learned: simulated people on the drawn gallery, eig against random questions.

    python -m benchmarks.simulated_tastes --data-dir /tmp/kallisti-simulated --out docs

A simulated person cares about three of the attributes under which the pictures were drawn (family,
palette, warmth, lightness, chroma, complexity, symmetry, edges), never about the model's features. The
person answers by the logistic of the difference of utility, so that the same pair asked twice is
answered the same in about 88 % of cases. A third of the pictures is held out; the accuracy counts pairs
of held-out pictures of which the model names the one that the person really likes more. "Sure" is the
share of the person's answers about these pairs that the belief expects to predict, "answers" the share
that it then predicts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.pairs import PairSearch
from indexing.projection import STRENGTHS, fit
from prefs.acquisition import best
from prefs.belief import Belief, infer_vectors, probabilities
from prefs.files import write_bytes, write_json
from prefs.model import GallerySource, QuestionVectors
from prefs.space import TasteSpace, independent

Array = NDArray[Any]

ANSWERS = (0, 1, 2, 3, 5, 8, 10, 15, 20, 30, 40)
POLICIES = ("eig", "random")
MEASURES = ("accuracy", "sure", "answers")
# How likely an attribute is among the three that a person cares about.
CARES = {
    "family": 3.0,
    "warmth": 1.5,
    "lightness": 1.5,
    "palette": 1.0,
    "chroma": 1.0,
    "complexity": 1.0,
    "symmetry": 0.75,
    "edges": 0.75,
}
IMPORTANCE = (1.0, 0.6, 0.36)
SPREAD = 4.5  # standard deviation of a person's utilities over the gallery, in logits
HELD_OUT_PAIRS = 400
PROPOSALS = 128
LAPSE = 0.02


@dataclass(frozen=True)
class Pictures:
    """The gallery: taste (N, t), columns of each attribute (N, c), and which pictures are held out (N,)."""

    taste: Array
    attributes: Mapping[str, Array]
    held_out: NDArray[np.bool_]


def pictures(folder: Path) -> Pictures:
    """Draws and encodes the gallery in the folder, or reads what a first run left there."""
    from indexing.embedded import draw
    from indexing.encoders.embedded import Embedded

    draw(folder / "drawn")
    rows = json.loads((folder / "drawn" / "gallery.json").read_text(encoding="utf-8"))["pictures"]
    paths = [folder / "drawn" / row["file"] for row in rows]
    stamp = hashlib.sha256("".join(f"{p.name}{p.stat().st_size}" for p in paths).encode()).hexdigest()[:12]
    kept = folder / f"vectors-{stamp}.npy"
    if not kept.is_file():
        np.save(kept, encode(paths, folder))
    taste = fit(np.load(kept), Embedded.blocks).apply(np.load(kept))
    held_out = np.array([int(hashlib.sha1(p.name.encode()).hexdigest(), 16) % 3 == 0 for p in paths])
    return Pictures(taste, {name: columns([row[name] for row in rows]) for name in CARES}, held_out)


def encode(paths: Sequence[Path], folder: Path) -> Array:
    """Vectors of picture files by the embedded encoder, (N, F)."""
    from PIL import Image

    from indexing.encoders.embedded import Embedded

    encoder = Embedded(folder / "weights")
    batches = [paths[start : start + 32] for start in range(0, len(paths), 32)]
    return np.concatenate(
        [encoder.encode([Image.open(p).convert("RGB") for p in batch]) for batch in batches]
    )


def columns(values: Sequence[Any]) -> Array:
    """An attribute as columns: numbers as one standardised column, names as one column each."""
    if isinstance(values[0], int | float):
        numbers = np.array(values, float)[:, None]
        return np.asarray((numbers - numbers.mean()) / numbers.std())
    return np.array([[value == name for name in sorted(set(values))] for value in values], float)


def person(attributes: Mapping[str, Array], rng: np.random.Generator) -> Array:
    """Utilities (N,) in logits of one simulated person."""
    share = np.array([CARES[name] for name in attributes])
    utility = 0.0
    chosen = rng.choice(list(attributes), len(IMPORTANCE), replace=False, p=share / share.sum())
    for name, weight in zip(chosen, IMPORTANCE, strict=True):
        part = attributes[name] @ rng.normal(size=attributes[name].shape[1])
        utility = utility + weight * (part - part.mean()) / max(float(part.std()), 1e-9)
    return np.asarray(SPREAD * utility / np.std(utility))


class Session:
    """One person's interview on the pictures that are not held out."""

    def __init__(self, taste: Array, open_rows: Array, utility: Array, rng: np.random.Generator) -> None:
        count, size = taste.shape
        self.space: TasteSpace = independent(
            [("pictures", np.zeros(size), np.eye(size))], {"pictures": STRENGTHS}
        )
        names = tuple(str(row) for row in range(count))
        where = self.space.columns("pictures")
        self.source = GallerySource("drawn", names, taste, np.zeros(count), where, self.space.size)
        self.belief = Belief(self.space.mean, self.space.cov, LAPSE, 0)
        self._open, self._utility, self._rng = open_rows, utility, rng
        self._search = PairSearch(taste[open_rows].astype(np.float32), np.zeros(len(open_rows), np.float32))
        self._asked: list[Array] = []
        self._answers: list[int] = []

    def step(self, policy: str) -> None:
        """Asks one question and learns from the answer."""
        rows = self._candidates(policy)
        shown = rows[best(self.belief, self._vectors(rows))[0] if len(rows) > 1 else 0]
        chance = 1 / (1 + np.exp(self._utility[shown[1]] - self._utility[shown[0]]))
        self._asked.append(shown)
        self._answers.append(int(self._rng.random() >= chance))
        answers = np.array(self._answers)
        self.belief = infer_vectors(self.space, self._vectors(np.array(self._asked)), answers, LAPSE)

    def measures(self, pairs: Array, first: Array, said_first: Array) -> Array:
        """MEASURES over pairs (P, 2), of which the person likes the first more, or said so; both (P,)."""
        mean = self.belief.mean[self.source.columns]
        difference = (self.source.taste[pairs[:, 0]] - self.source.taste[pairs[:, 1]]) @ mean
        guess = difference + 1e-9 * self._rng.normal(size=len(pairs)) > 0  # a coin where nothing is known
        sure = probabilities(self.belief, self._vectors(pairs)).max(1)
        return np.array([(guess == first).mean(), sure.mean(), (guess == said_first).mean()])

    def _candidates(self, policy: str) -> Array:
        if policy == "random":
            return self._rng.choice(self._open, (1, 2), replace=False)
        where = self.source.columns
        belief = self.belief.mean[where], self.belief.cov[np.ix_(where, where)]
        rows = self._open[self._search.propose(*belief, PROPOSALS, self._rng)]
        asked = {frozenset(pair.tolist()) for pair in self._asked}
        return rows[[frozenset(pair.tolist()) not in asked for pair in rows]]

    def _vectors(self, rows: Array) -> QuestionVectors:
        return self.source.shown(rows, "pair", tie=False)


def curves(shown: Pictures, people: int, policy: str) -> Array:
    """MEASURES of each person after each number of ANSWERS, (people, len(ANSWERS), len(MEASURES))."""
    found = np.zeros((people, len(ANSWERS), len(MEASURES)))
    held, open_rows = np.flatnonzero(shown.held_out), np.flatnonzero(~shown.held_out)
    for one in range(people):
        rng = np.random.default_rng([1, one])
        utility = person(shown.attributes, rng)
        pairs = np.stack([rng.choice(held, 2, replace=False) for _ in range(HELD_OUT_PAIRS)])
        difference = utility[pairs[:, 0]] - utility[pairs[:, 1]]
        said = np.random.default_rng([2, one]).random(len(pairs)) < 1 / (1 + np.exp(-difference))
        session = Session(shown.taste, open_rows, utility, rng)
        for answers in range(max(ANSWERS) + 1):
            if answers in ANSWERS:
                found[one, ANSWERS.index(answers)] = session.measures(pairs, difference > 0, said)
            if answers < max(ANSWERS):
                session.step(policy)
    return found


def band(found: Array) -> tuple[Array, Array]:
    """95 % bootstrap interval over people of the mean curve, two arrays of len(ANSWERS)."""
    rng = np.random.default_rng(0)
    means = np.array([found[rng.integers(len(found), size=len(found))].mean(0) for _ in range(2000)])
    low, high = np.quantile(means, (0.025, 0.975), axis=0)
    return low, high


def main() -> None:
    """Writes docs/plots/simulated_tastes.png, docs/simulated_tastes.md and .json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="where the drawn gallery is kept")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--people", type=int, default=50)
    options = parser.parse_args()
    shown = pictures(options.data_dir)
    found = {policy: curves(shown, options.people, policy) for policy in POLICIES}
    report(found, len(shown.taste), options.out)


def report(found: Mapping[str, Array], count: int, out: Path) -> None:
    """Writes the table, the figures and the plot."""
    from benchmarks.tasteplot import plot

    figures: dict[str, Any] = {"people": len(found["eig"]), "pictures": count, "answers": ANSWERS}
    lines = [f"| answers | {' | '.join(map(str, ANSWERS))} |", "|---" * (len(ANSWERS) + 1) + "|"]
    for place, measure in enumerate(MEASURES):
        for policy, measured in found.items():
            low, high = band(measured[..., place])
            mean = measured[..., place].mean(0)
            curve = {"mean": mean.tolist(), "low": low.tolist(), "high": high.tolist()}
            figures.setdefault(policy, {})[measure] = curve
            cells = (f"{m:.2f} ({a:.2f}-{b:.2f})" for m, a, b in zip(mean, low, high, strict=True))
            lines.append(f"| {measure}, {policy} | {' | '.join(cells)} |")
    about = (__doc__ or "").replace("    python", "```\npython").replace("--out docs\n", "--out docs\n```\n")
    title = "# How fast a taste is learned\n\n"
    picture = "\n\n![accuracy against number of answers](plots/simulated_tastes.png)\n"
    write_bytes(out / "simulated_tastes.md", (title + about + "\n" + "\n".join(lines) + picture).encode())
    write_json(out / "simulated_tastes.json", figures)
    write_bytes(out / "plots" / "simulated_tastes.png", plot(figures))


if __name__ == "__main__":
    main()
