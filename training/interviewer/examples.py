"""Planned interviews as examples for a language model: token ids, and which of them it learns to write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prefs.errors import ConfigError, DataError
from prefs.transcripts import Transcript, read_transcripts
from training.splits import raters_in
from vlm.interviewer_text import Encoded, chat, check_length, encode, known_text

SHORTEST = 2  # turns


def read_interviews(paths: Sequence[Path], split: str) -> tuple[list[Transcript], dict[str, int]]:
    """The interviews of some files, and what was left out, counted by reason.

    split: "eval" leaves the test raters out.

    Raises:
        DataError: a file that cannot be read, or no interview is left. QuestionError: a question,
            or an option of it, of over 20,000 characters. ConfigError: plans in hindsight, whose questions
            tell the answers.
    """
    found = [one for path in paths for one in read_transcripts(path)]
    leaking = next((one for one in found if one.planner.startswith("hindsight")), None)
    if leaking is not None:
        raise ConfigError(
            f"the interview of {leaking.rater_id!r} was planned in hindsight, so that its questions tell the "
            "answers: plan with --planner expected"
        )
    for one in found:
        for turn in one.turns:
            check_length(turn.question_id, turn.markdown, turn.options)
    skips = {}
    short = [one for one in found if len(one.turns) < SHORTEST]
    found = [one for one in found if len(one.turns) >= SHORTEST]
    skips[f"interviews of fewer than {SHORTEST} questions"] = len(short)
    if split == "eval":
        held = raters_in((one.rater_id for one in found), "test")
        skips["interviews of test raters"] = int(held.sum())
        found = [one for one, out in zip(found, held, strict=True) if not out]
    if not found:
        raise DataError(f"no interview to learn from in {', '.join(map(str, paths))}: plan some first")
    return found, {reason: count for reason, count in skips.items() if count}


@dataclass(frozen=True)
class Examples:
    """Endless examples in a fixed order, each a pure function of its number.

    known: share of examples whose first turns are told as known beforehand, up to `most` of them. seed: of
    the order and of that choice.
    """

    transcripts: Sequence[Transcript]
    tokenizer: Any
    known: float = 0.2
    most: int = 8
    longest: int = 1024
    seed: int = 0

    def example(self, number: int) -> Encoded:
        """The example of a number, at most `longest` tokens."""
        around, place = divmod(number, len(self.transcripts))
        turns = self._transcript(number).turns
        rng = np.random.default_rng([self.seed, around, place])
        told = 0
        if rng.random() < self.known:
            told = int(rng.integers(1, min(self.most, len(turns) - 1) + 1))
        found = encode(self.tokenizer, chat(turns[told:], known_text(turns[:told])))
        if not any(found.asked[: self.longest]):  # what is known would fill it: nothing would be learned
            found = encode(self.tokenizer, chat(turns))
        return Encoded(found.ids[: self.longest], found.asked[: self.longest])

    def shortened(self, numbers: range) -> int:
        """How many of the interviews of some examples have more tokens than are learned from."""
        wholes = (encode(self.tokenizer, chat(self._transcript(number).turns)).ids for number in numbers)
        return sum(len(ids) > self.longest for ids in wholes)

    def _transcript(self, number: int) -> Transcript:
        around, place = divmod(number, len(self.transcripts))
        order = np.random.default_rng([self.seed, around]).permutation(len(self.transcripts))
        return self.transcripts[int(order[place])]

    def columns(self, numbers: range) -> dict[str, list[list[int]]]:
        """`input_ids` and `labels` of some examples; -100 where nothing is learned."""
        found = [self.example(number) for number in numbers]
        return {
            "input_ids": [list(one.ids) for one in found],
            "labels": [
                [token if asked else -100 for token, asked in zip(one.ids, one.asked, strict=True)]
                for one in found
            ],
        }
