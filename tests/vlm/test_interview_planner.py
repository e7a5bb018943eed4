"""A language model in place of the planner: what it may ask, what it reads, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from prefs.acquisition import eig
from prefs.bank import ItemBank
from prefs.interview import Interview
from prefs.log import Entry
from prefs.model import BankSource, ChoiceModel, scores
from prefs.planner import BITS, Plan
from prefs.pools import BankPool
from prefs.questions import Option, Question
from prefs.space import independent
from prefs.stopper import AfterCount
from vlm.interview_planner import ReadingPlanner
from vlm.interviewer_trie import Found

LABELS = tuple(map(Option, ("No", "Rather no", "Yes")))
BANK = ItemBank(
    "bank",
    tuple(
        Question(f"q{row}", "rating", f"Thing {row}?", LABELS, "bank", "early" if row < 2 else "late")
        for row in range(4)
    ),
)
SPACE = independent([("bank", np.zeros(1), np.eye(1))])
PHI = np.arange(1, 5)[:, None, None] * scores(3)[0][None, :, None]
SOURCE = BankSource(
    "bank",
    tuple(one.question_id for one in BANK.questions),
    PHI,
    np.zeros((4, 3)),
    SPACE.columns("bank"),
    SPACE.size,
)
MODEL = ChoiceModel(SPACE, {"bank": SOURCE}, "v")


@dataclass
class LastFirst:
    """An interviewer that asks the last of the bank's questions that it may, and remembers what it read."""

    read: list[Any] = field(default_factory=list)

    def pick(self, dialogue: Any, bank: ItemBank, about: str, *, among: Any) -> Found | None:
        self.read.append(([(one.question_id, one.answer) for one in dialogue], about))
        rows = [row for row, one in enumerate(bank.questions) if one.question_id in among]
        return Found(rows[-1], -1.0, True) if rows else None


def live(asker: Any, chosen: list[str] | None = None, **settings: Any) -> Interview:
    return Interview(
        MODEL, [BankPool(BANK, SOURCE, chosen)], ReadingPlanner(asker, BANK, "A nurse."), **settings
    )


def say(interview: Interview, token: str, answer: int | None) -> None:
    interview.apply(Entry(f"to-{token}", token, "answer", answer, None, None, datetime.now(UTC)))


def test_it_asks_what_is_left_and_reads_what_stands() -> None:
    asker = LastFirst()
    interview = live(asker, known=[(BANK["q2"], 0)])
    asked = []
    for answer in (2, None, 0):
        one = interview.next()
        assert one is not None
        asked.append(one.question.question_id)
        assert one.planner == "interviewer"
        row = SOURCE.rows[one.question.question_id]
        expected = BITS * float(eig(interview.belief, SOURCE.all()[[row]])[0])
        assert one.gain_bits == pytest.approx(expected)
        say(interview, one.token, answer)
    assert asked == ["q3", "q1", "q0"], "what is known is not asked"
    assert asker.read[:3] == [
        ([], "A nurse."),
        ([("q3", 2)], "A nurse."),
        ([("q3", 2), ("q1", None)], "A nurse."),
    ]
    assert interview.next() is None
    assert interview.stopped == "Every question of bank has been asked."


def test_it_keeps_to_the_topics_and_to_the_stopper() -> None:
    interview = live(LastFirst(), ["early"], stopper=AfterCount(1))
    one = interview.next()
    assert one is not None
    assert one.question.question_id == "q1"
    say(interview, one.token, 0)
    assert interview.next() is None
    plan = ReadingPlanner(LastFirst(), BANK).plan(interview.belief, [], interview._history(), 0)  # type: ignore[arg-type]
    assert not isinstance(plan, Plan)
    assert plan.reason == "Nothing of bank was chosen to be asked about."
