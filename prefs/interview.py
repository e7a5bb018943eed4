"""The interview: the live loop of asking, answering, undoing and editing.

An interview is a pure function of (model, pools, planner, stopper, seed, log). Rebuilt from a
stored log it has the same belief and asks the same next question. Nothing here is recorded: the
caller stores each entry and each question that `next` returns.
"""

from __future__ import annotations

import copy
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from prefs import progress as figures
from prefs.belief import Belief, infer, prior
from prefs.errors import QuestionError
from prefs.log import PERSON, PERSON_SEEN, Asked, Entry, effective, flagged, standing
from prefs.model import ChoiceModel, QuestionVectors
from prefs.planner import Chooses, History, Nothing
from prefs.pools import Past, Pool
from prefs.progress import Progress
from prefs.questions import Answer, Question
from prefs.stopper import Standing, Stopper

SAMPLE = 200  # questions of each source on which progress is measured
IMAGINED = datetime(1970, 1, 1, tzinfo=UTC)


def new_token() -> str:
    """A random 128-bit token that nobody can guess."""
    return secrets.token_hex(16)


class Interview:
    """One rater's interview over several pools with one belief.

    asked, entries: the log so far, in order, as the store returns it. known: answers given
    beforehand (about the person, or in earlier interviews); they inform the belief and are not
    asked again. hidden: pictures flagged earlier. tokens: makes the token of each new question.
    """

    _belief: Belief | None
    _nothing: str | None

    def __init__(
        self,
        model: ChoiceModel,
        pools: Sequence[Pool],
        planner: Chooses,
        stopper: Stopper | None = None,
        asked: Mapping[str, Asked] | Iterable[Asked] = (),
        entries: Sequence[Entry] = (),
        *,
        seed: int = 0,
        known: Sequence[tuple[Question, Answer]] = (),
        hidden: Collection[str] = (),
        tokens: Callable[[], str] = new_token,
    ) -> None:
        self.model = model
        self.pools = tuple(pools)
        self.known = tuple((question, question.check_answer(answer)) for question, answer in known)
        self._planner, self._stopper, self._seed, self._tokens = planner, stopper, seed, tokens
        listed = asked.values() if isinstance(asked, Mapping) else asked
        self._asked = {one.token: one for one in listed}
        self._planned: dict[object, Asked] = {}
        self._readable: dict[object, bool] = {}
        self._hidden = frozenset(hidden)
        self._settle(tuple(entries))

    # -- what is known ---------------------------------------------------------------------------

    @property
    def asked(self) -> Mapping[str, Asked]:
        """Every question asked, by token, in the order of asking."""
        return self._asked

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The log so far: everything that the person did, in order."""
        return self._entries

    @property
    def answers(self) -> list[tuple[Asked, Answer]]:
        """The answers as they stand after undo and edit, skips included, in the order of asking."""
        return list(self._effective)

    @property
    def responses(self) -> list[tuple[Question, Answer]]:
        """What the belief is made of: known answers, then the interview's, as far as the model reads them."""
        pairs = [*self.known, *((one.question, answer) for one, answer in self._effective)]
        return [(question, answer) for question, answer in pairs if self._reads(question)]

    @property
    def given(self) -> list[tuple[Asked, Answer]]:
        """The answers that stand and that the model reads, in the order in which they were given."""
        stands = ((self._asked[token], answer) for token, answer in standing(self._entries).items())
        return [(one, answer) for one, answer in stands if self._reads(one.question)]

    @property
    def unread(self) -> int:
        """Answers about pictures or banks that are not open now: kept in the log, not in the belief."""
        return len(self.known) + len(self._effective) - len(self.responses)

    @property
    def belief(self) -> Belief:
        """The belief about the rater's taste, replayed from the log."""
        if self._belief is None:
            self._belief = infer(self.model, self.responses)
        return self._belief

    @property
    def pending(self) -> list[Asked]:
        """Questions that wait for an answer (the shown one, and undone ones), in the order of asking.

        Flagged ones, those that the person chose, and those that no open pool asks about, do not wait.
        """
        return [
            one
            for token, one in self._asked.items()
            if token not in self._done
            and token not in self._withdrawn
            and not one.by_person
            and self._flagged.isdisjoint(one.question.items)
            and any(pool.about(one.question) for pool in self.pools)
            and self._reads(one.question)
        ]

    @property
    def past(self) -> Past:
        """What is not to be asked (again): known, asked and flagged before."""
        questions = [question for question, _ in self.known]
        questions += [one.question for one in self._put()]
        shown = Counter(item for question in questions for item in question.items)
        return Past({question.key for question in questions}, self._flagged, shown)

    @property
    def stopped(self) -> str | None:
        """Why the interview is over, in plain words, or None while a question waits or can be planned."""
        if self.pending:
            return None
        reason = self._stopper.reason(self._standing()) if self._stopper else None
        return reason or self._nothing

    # -- the loop --------------------------------------------------------------------------------

    def next(self) -> Asked | None:
        """The question to show: one that waits, else a new one; None when stopped (see `stopped`)."""
        pending = self.pending
        if pending:
            return pending[0]
        if self.stopped:
            return None
        asked = self._planned.get(self._state()) or self._plan()
        self._planned.clear()
        if asked is not None:
            self._add(asked)
        return asked

    def apply(self, entry: Entry) -> None:
        """Takes an answer, undo, edit or flag; the same entry twice changes nothing.

        Raises:
            QuestionError: the log refuses it (see `prefs.log.effective`); nothing has changed then.
        """
        if any(entry.entry_id == old.entry_id for old in self._entries):
            return
        self._settle((*self._entries, entry))

    def choose(self, question: Question, *, seen: bool = False) -> Asked:
        """A question that the person chose instead of the planner, to be answered by `apply`.

        Without an answer it leaves no trace in the interview: it does not wait, and can be asked by
        the planner. seen: whether its prediction was in sight, which the log keeps.

        Raises:
            QuestionError: it was asked before, or the model does not read it.
        """
        if question.key in self.past.questions:
            raise QuestionError(
                f"question {question.question_id!r} was asked already: change its answer in the history"
            )
        self.model.vectors(question)
        asked = Asked(self._tokens(), question, PERSON_SEEN if seen else PERSON, None, None, self._number())
        self._add(asked)
        return asked

    def after(self, entry: Entry) -> Interview:
        """The interview as it would be after an entry; this one stays as it is."""
        later = copy.copy(self)
        later._asked, later._planned = dict(self._asked), {}
        later.apply(entry)
        return later

    def ahead(self, asked: Asked, unneeded: Callable[[], bool] = lambda: False) -> dict[Answer, Asked]:
        """What is asked next after each possible answer to a question, skip (None) included.

        Answers that end the interview are left out. A later `next` returns these same questions.
        unneeded: asked before each answer is planned for; once true, the rest is left out.
        """
        found: dict[Answer, Asked] = {}
        for answer in (*range(len(asked.question.options)), None):
            if unneeded():
                break
            branch = self.after(Entry(f"ahead:{answer}", asked.token, "answer", answer, None, None, IMAGINED))
            state = branch._state()
            planned = branch.next()
            if planned is not None:
                found[answer] = planned
                if planned.token not in self._asked:
                    self._planned[state] = planned
        return found

    # -- figures ---------------------------------------------------------------------------------

    def progress(self) -> Progress:
        """How well the taste is known now."""
        start, standing, samples = prior(self.model), self._standing(), self._samples()
        return Progress(
            questions=standing.questions,
            answers=self.belief.answers,
            forecast=figures.forecast(start, self.belief, list(samples.values())),
            removed={name: figures.removed(start, self.belief, s) for name, s in samples.items()},
            consistency=self._consistency(),
            left=self._stopper.left(standing) if self._stopper else None,
            stopped=self.stopped,
        )

    def _consistency(self) -> figures.Consistency:
        said = {
            one.token: one.question.options[answer].markdown
            for one, answer in self._effective
            if answer is not None
        }
        twice = [
            said[one.repeat_of] == said[one.token]
            for one, _ in self._effective
            if one.repeat_of in said and one.token in said
        ]
        return figures.consistency(sum(twice), len(twice))

    # -- inside ----------------------------------------------------------------------------------

    def _settle(self, entries: tuple[Entry, ...]) -> None:
        """Derives the state from the log; raises before anything changes."""
        answers = effective(self._asked, entries)
        self._entries = entries
        self._effective = answers
        self._flagged = self._hidden | flagged(entries)
        self._withdrawn = {one.token for one in entries if one.action == "flag" and one.item is None}
        self._done = {one.token for one, _ in answers}
        self._belief = None
        self._nothing = None

    def _state(self) -> object:
        """Everything that the next question depends on, as a key."""
        answers = tuple((one.token, answer) for one, answer in self._effective)
        return answers, len(self._asked), self._flagged, frozenset(self._withdrawn)

    def _plan(self) -> Asked | None:
        plan = self._planner.plan(self.belief, self.pools, self._history(), self._seed)
        if isinstance(plan, Nothing):
            self._nothing = plan.reason
            return None
        return Asked(
            self._tokens(), plan.question, plan.planner, plan.gain_bits, plan.repeat_of, self._number()
        )

    def _add(self, asked: Asked) -> None:
        """Adds a question; copies that another thread looks ahead with keep theirs."""
        self._asked = {**self._asked, asked.token: asked}

    def _number(self) -> int:
        """The place of the next question."""
        return max((one.number for one in self._asked.values()), default=0) + 1

    def _history(self) -> History:
        answered = {one.token for one, answer in self._effective if answer is not None}
        return History(tuple(self._put()), answered, self.past, tuple(self._effective))

    def _put(self) -> list[Asked]:
        """What was asked, without what the person chose and has not answered, or took back."""
        return [one for token, one in self._asked.items() if not one.by_person or token in self._done]

    def _standing(self) -> Standing:
        gains = [one.gain_bits for one in self._asked.values() if one.gain_bits is not None]
        return Standing(len(self._effective), gains, self._forecast)

    def _forecast(self) -> figures.Forecast:
        return figures.forecast(prior(self.model), self.belief, list(self._samples().values()))

    def _samples(self) -> dict[str, QuestionVectors]:
        """Unseen questions of each source, the same ones as long as the same were asked."""
        rng, past = np.random.default_rng([self._seed, SAMPLE]), self.past
        return {pool.name: pool.sample(SAMPLE, past, rng) for pool in self.pools}

    def _reads(self, question: Question) -> bool:
        """Whether the model has vectors for the question."""
        asked = question.key, len(question.options)  # a bank that changed may have it with others
        if asked not in self._readable:
            try:
                self.model.vectors(question)
            except QuestionError:
                self._readable[asked] = False
            else:
                self._readable[asked] = True
        return self._readable[asked]
