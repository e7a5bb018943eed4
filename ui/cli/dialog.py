"""The dialog of `kallisti interview`: shows a question, reads a key, records it, goes on."""

from __future__ import annotations

import os
import shutil
import textwrap
import time
import uuid
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TextIO

from indexing.skips import printable
from prefs.log import Entry, standing
from prefs.markdown import plain
from prefs.stopper import AfterCount

if TYPE_CHECKING:
    from prefs.log import Action, Asked
    from prefs.planner import Acquisition, Chooses, Scores
    from prefs.questions import Answer
    from training.workspace import Workspace

KEYS = (
    "Type the number of your answer. Enter skips, u takes the last answer back, r shows the question "
    "again, q stops. Every answer is saved at once."
)
LEAST_LINES = 8  # of a picture; a lower terminal scrolls


class Dialog:
    """A rater's interview in the terminal; what was answered is durable before the next question.

    It goes on from all that the rater answered before, and ends after so many more questions.
    planner: chooses the questions in its own way. out: where questions are shown; answers are read from
    standard input.
    """

    def __init__(
        self,
        workspace: Workspace,
        rater: str,
        acquisition: Acquisition,
        questions: int,
        out: TextIO,
        scores: Scores | None = None,
        planner: Chooses | None = None,
    ) -> None:
        self._workspace, self._rater, self._out = workspace, rater, out
        asking = partial(workspace.interview, rater, acquisition=acquisition, scores=scores, planner=planner)
        before = len(asking().answers)
        self._first, self._questions = before, questions
        self.live = asking(stopper=AfterCount(before + questions))
        self._session = workspace.store.latest(rater) or workspace.start(
            rater, {"acquisition": "interviewer" if planner else acquisition, "planned": questions}
        )

    def run(self) -> None:
        """Asks until the interview is over, the person stops, or the input ends."""
        self._say(textwrap.fill(KEYS, self._columns) + "\n")
        while (asked := self._next()) is not None:
            self._show(asked)
            shown = time.monotonic()
            said = self._read(asked)
            if said == "q":
                return
            if said == "u":
                self._take_back()
            else:
                answer = int(said) - 1 if said else None
                self._record("answer", asked.token, answer, int(1000 * (time.monotonic() - shown)))
            self._say()
        done = len(self.live.answers) - self._first >= self._questions
        self._say("That was the last question." if done else self.live.stopped or "")

    def _next(self) -> Asked | None:
        """The question to show, stored before it is shown."""
        known = set(self.live.asked)
        asked = self.live.next()
        if asked is not None and asked.token not in known:
            self._workspace.store.ask(self._rater, self._session, asked)
        return asked

    def _record(self, action: Action, token: str, answer: Answer = None, took: int | None = None) -> None:
        """Stores an entry beside its question, which may be of an earlier interview, then applies it."""
        entry = Entry(uuid.uuid4().hex, token, action, answer, None, took, datetime.now(UTC))
        store = self._workspace.store
        store.record(self._rater, store.interview_of(self._rater, token), entry)
        self.live.apply(entry)

    def _take_back(self) -> None:
        token = next(reversed(standing(self.live.entries)), None)
        if token is None:
            self._say("There is no answer to take back.")
            return
        self._record("undo", token)
        self._say(f"Taken back: {_line(self.live.asked[token].question.markdown)}")

    def _read(self, asked: Asked) -> str:
        """What the person wants: the number of an option, "" to skip, "u" or "q"."""
        count = len(asked.question.options)
        while True:
            print("> ", end="", file=self._out, flush=True)
            try:
                said = input().strip().lower()
            except EOFError:
                self._say()
                return "q"
            if said in ("", "u", "q") or (said.isascii() and said.isdigit() and 1 <= int(said) <= count):
                return said
            if said == "r":
                self._show(asked)
            else:
                self._say(f"  {printable(said)[:40]!r}: allowed are 1 to {count}, Enter, u, r and q")

    def _show(self, asked: Asked) -> None:
        question, done = asked.question, len(self.live.answers) - self._first
        self._say(
            textwrap.fill(f"{done + 1} of {self._questions}. {_line(question.markdown)}", self._columns)
        )
        if question.items and self._out.isatty() and "NO_COLOR" not in os.environ:
            from ui.cli.ansi import side_by_side

            lines = shutil.get_terminal_size().lines - len(question.options) - 4
            pictures = [self._workspace.image(item, 256)[0] for item in question.items]
            self._say(side_by_side(pictures, self._columns, max(LEAST_LINES, lines)))
        for number, option in enumerate(question.options, start=1):
            shown = self._workspace.alt(option.item) if option.item else plain(option.markdown)
            self._say(f"  {number:>2}  {printable(shown)}")

    @property
    def _columns(self) -> int:
        return max(20, shutil.get_terminal_size().columns - 1)

    def _say(self, text: str = "") -> None:
        print(text, file=self._out)


def _line(markdown: str) -> str:
    """Markdown as one harmless line: a survey's text cannot move the cursor."""
    return printable(" ".join(plain(markdown).split()))
