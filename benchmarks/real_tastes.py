"""What answers tell about the fine tastes of real people: choices between photographs or paintings.

    python -m benchmarks.real_tastes --data PRETTIER_PAIRS --data-dir /tmp/kallisti-real --out docs

Thirteen people chose "which is more beautiful?" in the same 1,211 pairs of two flowers, two houses or two
paintings. A third of the pictures, by hash, is held out: pairs of two such pictures are predicted (153),
pairs of two others can be asked (539), the rest is left out. "Zero" starts from a population without any
common taste, "generic" from what the other twelve people like, learned from their answers to the pairs that
can be asked. The wrong person's answers are those of the next of the thirteen.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulated_tastes import band
from indexing.pairs import gain
from prefs.belief import Belief, infer_vectors, probabilities
from prefs.files import write_bytes, write_json
from prefs.space import TasteSpace
from training.pairs import Content, majority, read_pairs, tastes_of

Array = NDArray[Any]

ANSWERS = (0, 5, 10, 20, 50, 100, 200)
DRAWS = 6  # random orders for each person
MEASURES = ("accuracy", "log loss", "sure")
START, POLICY = ("zero", "generic"), ("random", "eig")


class Study:
    """Interviews of the thirteen people after the fact: only pairs that they answered can be asked."""

    def __init__(self, content: Content) -> None:
        self.content, self.known = content, content.pairs
        self._vectors = content.vectors()
        self._difference = self._vectors.phi[:, 0] - self._vectors.phi[:, 1]

    def space(self, start: str, rater: int) -> TasteSpace:
        """The population before the rater's first answer."""
        return self.content.nobody if start == "zero" else self.content.without(rater)

    def beliefs(
        self, space: TasteSpace, rater: int, policy: str, rng: np.random.Generator
    ) -> Iterator[Belief]:
        """The belief after each number of ANSWERS."""
        said = self.known.answers[rater]
        left = rng.permutation(self.known.candidates[said[self.known.candidates] >= 0])
        belief, asked = Belief(space.mean, space.cov, 0.02, 0), np.zeros(0, np.intp)
        for count in range(max(ANSWERS) + 1):
            if policy == "eig" or count in ANSWERS:
                belief = infer_vectors(space, self._vectors[asked], said[asked], None)
            if count in ANSWERS:
                yield belief
            best = self._most_informative(belief, left) if policy == "eig" else 0
            asked, left = np.append(asked, left[best]), np.delete(left, best)

    def measures(self, belief: Belief, rater: int) -> Array:
        """MEASURES on the rater's target pairs: share right, nats, and the expected share right."""
        said = self.known.answers[rater, self.known.targets]
        given = np.flatnonzero(said >= 0)
        chance = probabilities(belief, self._vectors[self.known.targets[given]])
        mine = chance[np.arange(len(given)), said[given]]
        lean = self._difference[self.known.targets[given]] @ belief.mean * (1 - 2 * said[given])
        right = (lean > 0.0) + 0.5 * (lean == 0.0)
        return np.array([right.mean(), -np.log(mine).mean(), chance.max(1).mean()])

    def _most_informative(self, belief: Belief, left: Array) -> int:
        difference = self._difference[left]
        v = np.einsum("nd,de,ne->n", difference, belief.cov, difference, optimize=True)
        return int(gain(difference @ belief.mean, v).argmax())


def run(study: Study) -> dict[str, Array]:
    """(raters, ANSWERS, MEASURES) of each start and policy, and of the wrong person's answers."""
    raters = len(study.known.answers)
    shape = (raters, len(ANSWERS), len(MEASURES))
    found = {f"{start}, {policy}": np.zeros(shape) for start in START for policy in POLICY}
    wrong = found["zero, wrong person"] = np.zeros(shape)
    for rater in range(raters):
        for start in START:
            space = study.space(start, rater)
            for policy in POLICY:
                draws = DRAWS if policy == "random" else 1
                for draw in range(draws):
                    rng = np.random.default_rng([rater, draw])
                    for k, belief in enumerate(study.beliefs(space, rater, policy, rng)):
                        found[f"{start}, {policy}"][rater, k] += study.measures(belief, rater) / draws
                        if (start, policy) == ("zero", "random"):
                            other = (rater + 1) % raters
                            wrong[other, k] += study.measures(belief, other) / draws
    return found


def report(found: Mapping[str, Array], agreement: float, out: Path) -> None:
    """Writes docs/real_tastes.md, .json and the plot."""
    from benchmarks.tasteplot import plot_real

    figures: dict[str, Any] = {"people": len(found["zero, eig"]), "answers": ANSWERS, "majority": agreement}
    lines: list[str] = []
    for place, measure in enumerate(MEASURES):
        lines += ["", f"**{HEADINGS[measure]}**", ""]
        lines += [f"| answers | {' | '.join(map(str, ANSWERS))} |", "|---" * (len(ANSWERS) + 1) + "|"]
        for name, measured in found.items():
            values = measured[..., place]
            low, high = band(values)
            mean = values.mean(0)
            curve = {"mean": mean.tolist(), "low": low.tolist(), "high": high.tolist()}
            figures.setdefault(name, {})[measure] = curve
            cells = (f"{m:.3f} ({a:.3f}-{b:.3f})" for m, a, b in zip(mean, low, high, strict=True))
            lines.append(f"| {name} | {' | '.join(cells)} |")
    about = (__doc__ or "").replace("    python", "```\npython").replace("--out docs\n", "--out docs\n```\n")
    majority = f"\n\nThe majority of the other twelve on the very same pairs is right in {agreement:.3f}.\n"
    picture = "\n![accuracy against number of answers](plots/real_tastes.png)\n"
    text = "# What answers tell about real people\n\n" + about + "\n".join(lines) + majority + picture + TELLS
    write_bytes(out / "real_tastes.md", text.encode())
    write_json(out / "real_tastes.json", figures)
    write_bytes(out / "plots" / "real_tastes.png", plot_real(figures))


HEADINGS = {
    "accuracy": "Target pairs predicted rightly (95 % intervals over people)",
    "log loss": "Log loss in nats (a coin: 0.693)",
    "sure": "Share that the belief itself expects to get right",
}
TELLS = """
## What twenty answers can and cannot tell

Within one kind of picture people's tastes are weak against their moods: twenty random answers predict
54 % of a person's choices between pictures that nobody has seen, two hundred 59 %, where a coin gets 50 %.
Well chosen questions are worth several times as many random ones: ten planned answers predict like fifty
to a hundred random ones. What other people like is worth as much as about a hundred random answers of the
person, and is all there is to go by before the first; it adds little once the person has given two
hundred. The wrong person's answers, which carry nothing but shared taste, stay at 51 to 53 %. Where tastes
differ coarsely, over a gallery of many kinds of pictures, twenty answers tell much more
(simulated_tastes.md).

The belief says so itself: after twenty answers it expects to be right in 57 % (random) or 58 % (planned).
Up to twenty answers it claims at most three points too much, at a hundred planned ones up to six, from
the start with other people's taste up to five; of the strong tastes of the simulated people it claims up to
eight points too little. A few answers cannot tell a strong taste from a weak one, and modesty was
preferred. The strengths of taste were chosen in view of these thirteen people, so their figures are
slightly favorable, and differences of two points are within chance.
"""


def main() -> None:
    """Runs the study and writes its report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with shards and responses")
    parser.add_argument("--data-dir", type=Path, required=True, help="where the vectors are kept")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    pairs = read_pairs(options.data)
    taste = tastes_of(pairs, options.data, options.data_dir, lambda stage, done, total: None)
    report(run(Study(Content(pairs, taste))), majority(pairs), options.out)


if __name__ == "__main__":
    main()
