"""Questions that the person chose: kept with their answer or not at all, and replayed exactly."""

from __future__ import annotations

import copy
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import world
from hypothesis import given, settings
from hypothesis import strategies as st
from world import Clerk, bank_pool, pair_pool

from prefs.interview import Interview
from prefs.planner import Planner
from prefs.store import Store
from prefs.transcripts import parse_transcript

MODEL = world.model(pictures=12, sentences=6)
POOLS = (pair_pool(MODEL), bank_pool(MODEL))

steps = st.one_of(
    st.tuples(st.just("planned"), st.integers(0, 2), st.just(False)),
    st.tuples(st.just("chosen"), st.one_of(st.none(), st.integers(0, 3)), st.booleans()),
    st.tuples(st.just("undo"), st.none(), st.just(False)),
)


@given(st.lists(steps, min_size=2, max_size=12))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_what_is_exported_and_imported_is_the_same_interview(lived: list) -> None:
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "a.sqlite") as store:
        live, clerk = Interview(MODEL, POOLS, Planner(repeats=0.2)), Clerk()
        sitting = store.start("me", {})
        for action, answer, seen in lived:
            live_step(store, sitting, live, clerk, action, answer, seen)
        with Store.open(Path(folder) / "b.sqlite") as other:
            other.import_(store.export("me"))
            assert other.export("me") == store.export("me")
            assert other.log("me", sitting) == (dict(live.asked), list(live.entries))
            again = Interview(MODEL, POOLS, Planner(repeats=0.2), None, *other.log("me", sitting))
            np.testing.assert_array_equal(again.belief.mean, live.belief.mean)
            np.testing.assert_array_equal(again.belief.cov, live.belief.cov)
            (line,) = other.transcripts("me")
        turns = parse_transcript(line).turns
        assert [turn.planner for turn in turns] == [
            one.planner if one.by_person else None for one, _ in live.answers
        ]
        planned, anew = live.next(), again.next()
        assert (planned and planned.question) == (anew and anew.question)


def live_step(
    store: Store, sitting: str, live: Interview, clerk: Clerk, action: str, answer: int | None, seen: bool
) -> None:
    """Does one thing in the interview and in the store, as the web app does."""
    if action == "planned":
        asked = live.next()
        if asked is not None:
            store.ask("me", sitting, asked)
            said = clerk("answer", asked.token, answer)
            live.apply(said)
            store.record("me", sitting, said)
    elif action == "chosen":
        open_ = POOLS[1].unasked(live.past)
        if open_:
            chosen = live.choose(open_[0], seen=seen)
            said = clerk("answer", chosen.token, answer)
            live.apply(said)
            store.record("me", sitting, said, chosen=chosen)
    elif live.answers:
        token = live.given[-1][0].token
        back = clerk("undo", token)
        live.apply(back)
        store.record("me", sitting, back)


def test_a_copy_that_another_thread_looks_ahead_with_does_not_change() -> None:
    live = Interview(MODEL, POOLS, Planner())
    waiting = live.next()
    snapshot = copy.copy(live)
    live.choose(POOLS[1].unasked(live.past)[0])
    assert waiting is not None
    live.apply(Clerk()("answer", waiting.token, 0))
    assert live.next() is not None
    assert list(snapshot.asked) == [waiting.token]
