"""A language model in place of the planner: it reads the interview so far and what is known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prefs.acquisition import eig
from prefs.bank import ItemBank
from prefs.belief import Belief
from prefs.planner import BITS, History, Nothing, Plan
from prefs.pools import Pool
from prefs.transcripts import turn_of
from vlm.interviewer import Interviewer

NAME = "interviewer"


@dataclass(frozen=True)
class ReadingPlanner:
    """Asks the questions of one bank as the interviewer would, without comparing their information.

    about: what is known beforehand, as `prefs.beforehand.as_text` writes it. The interviewer reads this
    and the answers to the bank, in the order of asking; answers to other sources it does not read.
    """

    interviewer: Interviewer
    bank: ItemBank
    about: str = ""

    def plan(self, belief: Belief, pools: Sequence[Pool], history: History, seed: int) -> Plan | Nothing:
        """The interviewer's question with the information (bits) expected of it, or why there is none."""
        pool = next((one for one in pools if one.name == self.bank.name), None)
        if pool is None:
            return Nothing(f"Nothing of {self.bank.name} was chosen to be asked about.")
        offer = pool.candidates(belief, history.past, np.random.default_rng(seed), "information")
        rows = {offer.key(row): row for row in range(len(offer))}
        dialogue = [turn_of(*one) for one in history.answers if one[0].question.source == self.bank.name]
        found = self.interviewer.pick(dialogue, self.bank, self.about, among=rows.keys())
        if found is None:
            return Nothing(f"Every question of {self.bank.name} has been asked.")
        row = rows[self.bank.questions[found.row].question_id]
        gain = float(eig(belief, offer.vectors[row : row + 1])[0])
        return Plan(offer.build(row), NAME, gain * BITS)
