"""What pictures show foretells a taste: pictures that nobody has been asked about, for people never seen.

    python -m benchmarks.content --data PRETTIER_PAIRS LONDON_FACES OASIS_BEAUTY \\
        --data-dir /tmp/kallisti-content --json content.json --table

Each folder holds choices between two pictures or ratings of pictures. A third of the pictures, by hash,
is held out. Of choices, one rater is left out at a time and everything is learned from the others; of
ratings, the raters whom a hash puts into the test part are met by what the others teach. The controls
are what everybody likes (0 answers) and the wrong person's answers; random orders are averaged over
several draws, and the errors are standard errors over raters. `--json` keeps every figure.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prefs.errors import DataError, KallistiError
from prefs.files import write_json
from training import content_pairs, content_ratings
from training.content_kernels import picture_kernels
from training.content_pairs import PairStudy, summary
from training.content_ratings import RatingStudy
from training.images import is_paired, is_rated, read_ratings
from training.pairs import majority, read_pairs
from training.picturevectors import picture_vectors
from training.policies import Told


def of_pairs(path: Path, data_dir: Path, told: Told | None = None) -> dict[str, Any]:
    """The figures of a folder of choices: mean and standard error of each row at each number of answers."""
    pairs = read_pairs(path)
    vectors = picture_vectors(path, data_dir)
    study = PairStudy(pairs, picture_kernels(vectors.of(pairs.images), vectors.blocks))
    found = study.run(told)
    ks = list(study.ks)
    figures: dict[str, Any] = {
        "measures": list(content_pairs.MEASURES),
        "k": ks,
        "raters": len(pairs.raters),
        "candidates": len(pairs.candidates),
        "targets": len(pairs.targets),
        "majority_of_others": round(majority(pairs), 5),
        "skips": dict(pairs.skips),
        "rows": summary(found),
        "weights": study.weights,
    }
    if {100, 200} <= set(ks):
        few = found["chosen for the target pictures"][:, ks.index(100), 0]
        figures["100_chosen_minus_200_random"] = _paired(few - found["random"][:, ks.index(200), 0])
    return figures


def of_ratings(path: Path, data_dir: Path, told: Told | None = None) -> dict[str, Any]:
    """The figures of a folder of ratings."""
    survey = read_ratings(path)
    vectors = picture_vectors(path, data_dir)
    images = [question.question_id for question in survey.questions]
    study = RatingStudy(survey, picture_kernels(vectors.of(images), vectors.blocks))
    found = study.run(told)
    return {
        "measures": list(content_ratings.MEASURES),
        "k": list(study.ks),
        "raters": len(study.tested),
        "candidates": int((~study.is_target).sum()),
        "targets": int(study.is_target.sum()),
        "skips": dict(survey.skips),
        "undefined": int(np.isnan(found["content only"][:, 0, 0]).sum()),
        "rows": summary(found, content_ratings.MEASURES),
    }


def _paired(differences: Any) -> dict[str, float] | None:
    """Mean and standard error of a difference within raters; None without any."""
    known = differences[~np.isnan(differences)]
    if len(known) < 2:
        return None
    error = float(known.std(ddof=1) / np.sqrt(len(known)))
    return {"mean": round(float(known.mean()), 5), "se": round(error, 5)}


def table(name: str, figures: Mapping[str, Any]) -> str:
    """The figures of one set as Markdown, a table for each measure."""
    about = f"{figures['raters']} raters, {figures['targets']} targets, {figures['candidates']} candidates"
    if "majority_of_others" in figures:
        about += f"; the majority of the others on the same pairs: {figures['majority_of_others']:.3f}"
    lines = [f"## {name}", "", about + "."]
    for measure in figures["measures"]:
        heads = "".join(f" {k} |" for k in figures["k"])
        lines += ["", f"| {measure.replace('_', ' ')} after |{heads}", "|---" * (1 + len(figures["k"])) + "|"]
        for row, measured in figures["rows"].items():
            means, errors = measured[measure]["mean"], measured[measure]["se"]
            cells = (
                "-" if mean is None else f"{mean:.3f} ± {error:.3f}"
                for mean, error in zip(means, errors, strict=True)
            )
            lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def measured(path: Path, data_dir: Path, told: Told | None = None) -> dict[str, Any]:
    """The figures of an image folder of either kind; raises DataError where it is neither."""
    if is_paired(path):
        return of_pairs(path, data_dir, told)
    if is_rated(path):
        return of_ratings(path, data_dir, told)
    raise DataError(f"{path} holds neither choices between pictures nor ratings: give an image folder")


def _told(stage: str, done: int, total: int) -> None:
    print(f"\r{stage} {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures every folder and writes the figures; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="image folders with answers")
    parser.add_argument("--data-dir", type=Path, required=True, help="where the vectors are kept")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--table", action="store_true", help="print the figures as Markdown")
    options = parser.parse_args(arguments)
    figures: dict[str, Any] = {}
    try:
        for path in options.data:
            figures[path.name] = measured(path, options.data_dir, _told)
            if options.table:
                print(table(path.name, figures[path.name]))
        if options.json:
            write_json(options.json, figures)
    except KallistiError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
