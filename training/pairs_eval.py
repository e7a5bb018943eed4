"""How well interviews about pairs of pictures predict what few people prefer, one left out at a time.

The generic score is the model's prediction before the first question, from what others like.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefs.errors import DataError
from training.evaluate import LEAST_TARGETS, QUESTIONS
from training.few_eval import FEWEST, check_policies, evaluate_few, used_ks
from training.pairs import Content, majority, read_pairs, tastes_of
from training.pairs_interviews import PairInterviews
from training.policies import Told

DEFAULT = ("random", "static", "eig", "epig", "eig_alone", "choix")
NOTES = {
    "eig_alone": "starts without what others like; botorch does too",
    "choix": "asks nothing: the pictures' strengths from other raters' answers, targets included; undefined "
    "for pictures that nobody compared",
}


def evaluate_pairs(
    path: Path,
    data_dir: Path,
    policies: Sequence[str] = DEFAULT,
    questions: int = max(QUESTIONS),
    told: Told | None = None,
) -> dict[str, Any]:
    """The evaluation as JSON; told(stage, done, total) hears of progress.

    path: a folder of choices between pictures. data_dir: where the encoded pictures are kept.

    Raises:
        DataError: as `read_pairs`, or fewer than five target pairs for every rater; ConfigError: an
            unknown policy; MissingPartError: a library that a policy needs is not installed.
    """
    check_policies(policies, PairInterviews.policies)
    pairs = read_pairs(path)
    enough = (pairs.answers[:, pairs.targets] >= 0).sum(1) >= LEAST_TARGETS
    if enough.sum() < FEWEST:
        raise DataError(
            f"{path}: {int(enough.sum())} raters answered {LEAST_TARGETS} pairs of held out pictures: "
            f"at least {FEWEST} such raters are needed, add pairs"
        )
    pairs = pairs.of_raters(enough)
    content = Content(pairs, tastes_of(pairs, path, data_dir, told or (lambda stage, done, total: None)))
    return evaluate_content(content, policies, questions, told)


def evaluate_content(
    content: Content, policies: Sequence[str], questions: int, told: Told | None = None
) -> dict[str, Any]:
    """The evaluation of choices between pictures of known content, as JSON."""
    pairs = content.pairs
    used = used_ks(pairs.answers[:, pairs.candidates], questions)
    own = PairInterviews(content, [k for k, use in zip(QUESTIONS, used, strict=True) if use], told)
    settings = {
        "images": len(pairs.images),
        "skips": dict(pairs.skips),
        "repeats": pairs.repeats,
        "repeats_answered_alike": round(pairs.alike, 6) if pairs.repeats else None,
        "majority_of_others": round(majority(pairs), 6),
        "notes": {name: note for name, note in NOTES.items() if name in policies},
    }
    return evaluate_few(own, pairs.name, policies, used, settings)
