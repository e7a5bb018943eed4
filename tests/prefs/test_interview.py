from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import world
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from world import Clerk, Person, bank_pool, counted, pair_pool

from prefs.bank import ItemBank
from prefs.belief import infer, prior, probabilities
from prefs.errors import QuestionError
from prefs.interview import Interview
from prefs.log import Asked, Entry, effective
from prefs.model import ChoiceModel
from prefs.planner import Planner
from prefs.pools import BankPool, Past
from prefs.progress import describe
from prefs.questions import Answer, pair
from prefs.stopper import AfterCount

MODEL = world.model(pictures=14, sentences=6)
POOLS = (pair_pool(MODEL), bank_pool(MODEL))
OFTEN = Planner(repeats=0.2)


def answered(interview: Interview, count: int, clerk: Clerk, person: Person | None = None) -> Interview:
    for _ in range(count):
        asked = interview.next()
        assert asked is not None
        said = person.answer(asked.question) if person else 0
        interview.apply(clerk("answer", asked.token, said))
    return interview


def rebuilt(old: Interview, entries: list[Entry], **rest: object) -> Interview:
    return world.interview(MODEL, OFTEN, pools=POOLS, asked=dict(old.asked), entries=entries, **rest)


class Anything(RuleBasedStateMachine):
    """Ask, answer, skip, undo, edit, flag and resume in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.clerk = Clerk()
        self.entries: list[Entry] = []
        self.tokens = counted()
        self.interview = self.fresh({}, [])

    def fresh(self, asked: dict[str, Asked], entries: list[Entry]) -> Interview:
        return Interview(MODEL, POOLS, OFTEN, None, asked, entries, tokens=self.tokens)

    def record(self, entry: Entry) -> None:
        self.interview.apply(entry)
        self.interview.apply(entry)
        self.entries.append(entry)

    @rule(choice=st.integers(0, 5))
    def answer(self, choice: int) -> None:
        asked = self.interview.next()
        if asked is not None:
            said = choice if choice < len(asked.question.options) else None
            self.record(self.clerk("answer", asked.token, said))

    @rule()
    def plan_ahead_and_answer(self) -> None:
        asked = self.interview.next()
        if asked is not None:
            ahead = self.interview.ahead(asked)
            self.record(self.clerk("answer", asked.token, 0))
            assert self.interview.next() == ahead.get(0)

    @rule(place=st.integers(0, 99), pictures=st.booleans(), choice=st.integers(0, 4), seen=st.booleans())
    def choose_and_answer(self, place: int, pictures: bool, choice: int, seen: bool) -> None:
        past, rng = self.interview.past, np.random.default_rng(place)
        open_ = POOLS[0].unasked(5, past, rng) if pictures else POOLS[1].unasked(past)
        waiting = self.interview.pending
        if open_:
            asked = self.interview.choose(open_[place % len(open_)], seen=seen)
            said = choice if choice < len(asked.question.options) else None
            self.record(self.clerk("answer", asked.token, said))
            assert self.interview.pending == waiting, "the question that waits goes on waiting"

    @precondition(lambda self: self.interview.answers)
    @rule()
    def undo(self) -> None:
        before = len(self.interview.answers)
        self.record(self.clerk("undo"))
        assert len(self.interview.answers) == before - 1

    @precondition(lambda self: self.interview.answers)
    @rule(place=st.integers(0, 99), skip=st.booleans())
    def edit(self, place: int, skip: bool) -> None:
        asked, _ = self.interview.answers[place % len(self.interview.answers)]
        self.record(self.clerk("edit", asked.token, None if skip else 1))

    @rule(row=st.integers(0, 13))
    def flag(self, row: int) -> None:
        self.record(self.clerk("flag", item=f"p{row:03}"))

    @rule()
    def resume(self) -> None:
        waiting = self.interview.pending
        again = self.fresh(dict(self.interview.asked), list(self.entries))
        assert again.pending == waiting
        np.testing.assert_allclose(again.belief.mean, self.interview.belief.mean, rtol=0, atol=1e-12)
        planned, anew = self.interview.next(), again.next()
        assert (planned and planned.question) == (anew and anew.question)
        self.interview = again

    @invariant()
    def belief_is_the_replay_of_what_stands(self) -> None:
        stands = effective(self.interview.asked, self.entries)
        replayed = infer(MODEL, [(asked.question, answer) for asked, answer in stands])
        np.testing.assert_array_equal(self.interview.belief.mean, replayed.mean)
        np.testing.assert_array_equal(self.interview.belief.cov, replayed.cov)

    @invariant()
    def nothing_is_asked_twice_but_repeats(self) -> None:
        stands = {asked.token for asked, _ in self.interview.answers}
        first = [
            a.question.question_id
            for a in self.interview.asked.values()
            if a.repeat_of is None and (not a.by_person or a.token in stands)
        ]
        assert len(first) == len(set(first))
        assert all(a.repeat_of in self.interview.asked for a in self.interview.asked.values() if a.repeat_of)

    @invariant()
    def flagged_pictures_never_wait(self) -> None:
        flags = {entry.item for entry in self.entries if entry.action == "flag"}
        assert all(flags.isdisjoint(asked.question.items) for asked in self.interview.pending)


Anything.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAnything = Anything.TestCase


def test_what_the_person_chose_leaves_no_trace_when_taken_back() -> None:
    clerk = Clerk()
    interview = answered(world.interview(MODEL), 3, clerk)
    plain = answered(world.interview(MODEL), 3, Clerk())
    question = world.bank_of(MODEL)["s4"]
    chosen = interview.choose(question)
    assert interview.past.questions == plain.past.questions, "chosen is not asked"
    interview.apply(clerk("answer", chosen.token, 2))
    assert (question, 2) in interview.responses
    assert interview.given[-1] == (chosen, 2)
    with pytest.raises(QuestionError, match="asked already"):
        interview.choose(question)
    interview.apply(clerk("undo", chosen.token))
    assert not interview.pending
    np.testing.assert_array_equal(interview.belief.mean, plain.belief.mean)
    then, expected = interview.next(), plain.next()
    assert then is not None
    assert expected is not None
    assert (then.question, then.planner, then.gain_bits) == (
        expected.question,
        expected.planner,
        expected.gain_bits,
    )
    again = interview.choose(question, seen=True)
    assert (again.planner, again.by_person, then.by_person) == ("person, prediction seen", True, False)


def test_banks_that_use_the_same_ids_do_not_hide_each_others_questions() -> None:
    first = world.bank_pool(MODEL)
    source = replace(MODEL.sources["bank"], name="twin")  # type: ignore[type-var]
    twin = ItemBank("twin", tuple(replace(one, source="twin") for one in first.unasked(Past())))
    model = ChoiceModel(MODEL.space, {**MODEL.sources, "twin": source}, "twins")
    interview = world.interview(model, Planner(repeats=0.0), pools=(first, BankPool(twin, source)))
    asked = answered(interview, 12, Clerk()).asked.values()
    assert Counter(one.question.source for one in asked) == {"bank": 6, "twin": 6}
    assert interview.next() is None
    assert interview.stopped == "Every question of bank, twin has been asked."


def test_a_question_that_nobody_has_cannot_be_chosen() -> None:
    interview = world.interview(MODEL)
    with pytest.raises(QuestionError, match="not open"):
        interview.choose(pair("x", "y", "elsewhere"))
    assert not interview.asked


def test_what_was_undone_is_asked_again_first() -> None:
    clerk = Clerk()
    interview = answered(world.interview(MODEL), 3, clerk)
    shown = interview.next()
    last = list(interview.asked.values())[2]
    interview.apply(clerk("undo"))
    assert interview.next() == last
    interview.apply(clerk("answer", last.token, 1))
    assert interview.next() == shown


def test_branches_are_what_would_be_asked() -> None:
    clerk = Clerk()
    interview = answered(world.interview(MODEL), 4, clerk)
    asked = interview.next()
    assert asked is not None
    ahead = interview.ahead(asked)
    assert list(ahead) == [*range(len(asked.question.options)), None]
    assert list(interview.asked.values())[-1] == asked
    for answer, planned in ahead.items():
        assert interview.after(clerk("answer", asked.token, answer)).next().question == planned.question  # type: ignore[union-attr]
    interview.apply(clerk("answer", asked.token, 1))
    assert interview.next() == ahead[1]


def test_planning_ahead_ends_where_nobody_needs_it() -> None:
    interview = world.interview(MODEL)
    asked = interview.next()
    assert asked is not None
    turns = iter([False, False, True])
    assert list(interview.ahead(asked, lambda: next(turns))) == [0, 1]
    assert list(interview.ahead(asked)) == [*range(len(asked.question.options)), None]


def test_refused_entries_change_nothing() -> None:
    clerk = Clerk()
    interview = answered(world.interview(MODEL), 2, clerk)
    before = interview.answers
    token = before[0][0].token
    for entry in (clerk("answer", "never", 0), clerk("edit", token, 9)):
        with pytest.raises(QuestionError):
            interview.apply(entry)
    interview.apply(clerk("undo", token))
    with pytest.raises(QuestionError, match="no answer that stands"):
        interview.apply(clerk("edit", token, 0))
    assert interview.answers == before[1:]


def test_a_flagged_sentence_is_not_shown_again() -> None:
    clerk = Clerk()
    interview = world.interview(MODEL, pools=(bank_pool(MODEL),))
    asked = interview.next()
    assert asked is not None
    interview.apply(clerk("flag", asked.token))
    assert interview.next() != asked


def test_known_answers_inform_and_are_not_asked() -> None:
    bank = world.bank_of(MODEL)
    known: list[tuple] = [(question, 3) for question in bank.questions[:5]]
    closed = (pair("x", "y", "elsewhere"), 0)
    interview = world.interview(MODEL, pools=(bank_pool(MODEL),), known=[*known, closed])
    assert interview.unread == 1
    np.testing.assert_array_equal(interview.belief.mean, infer(MODEL, known).mean)
    asked = interview.next()
    assert asked is not None
    assert asked.question.question_id == "s5"
    assert interview.progress().questions == 0
    assert interview.progress().answers == 5, "what is known counts, what is not open does not"


def test_what_waits_about_other_topics_is_left_for_later() -> None:
    clerk = Clerk()
    source = world.gallery_of(MODEL)
    topics = {item: "even" if row % 2 == 0 else "odd" for row, item in enumerate(source.items)}
    both = world.interview(MODEL, pools=(pair_pool(MODEL, topics=topics),))
    first = both.next()
    while first and {topics[item] for item in first.question.items} != {"even", "odd"}:
        both.apply(clerk("answer", first.token, 0))
        first = both.next()
    assert first is not None
    odd = pair_pool(MODEL, topics=topics, chosen=["odd"])
    narrow = Interview(MODEL, (odd,), Planner(), None, both.asked, tokens=counted("n"))
    shown = narrow.next()
    assert shown is not None
    assert {topics[item] for item in shown.question.items} == {"odd"}


def test_progress_in_plain_words() -> None:
    clerk = Clerk()
    planner = Planner(repeats=0.6, gap=1)
    interview = world.interview(MODEL, planner, pools=(pair_pool(MODEL),), stopper=AfterCount(9))
    text = describe(answered(interview, 6, clerk).progress())
    assert text.startswith("6 answers. About ")
    assert "Asked again, you answered the same" in text
    assert text.endswith("About 3 questions are left.")


def test_pictures_hidden_earlier_are_not_shown() -> None:
    model = world.model(pictures=6)
    interview = world.interview(model, pools=(pair_pool(model),), hidden=["p000", "p001", "p002"])
    answered(interview, 3, Clerk())
    assert {item for one in interview.asked.values() for item in one.question.items} == {
        "p003",
        "p004",
        "p005",
    }
    assert interview.next() is None


def test_a_stopper_ends_with_its_reason_and_undo_reopens() -> None:
    clerk = Clerk()
    interview = answered(world.interview(MODEL, stopper=AfterCount(3)), 3, clerk)
    assert interview.next() is None
    assert interview.stopped == "3 questions are answered, as agreed."
    assert interview.progress().left == 0
    interview.apply(clerk("undo"))
    assert interview.stopped is None
    assert interview.next() == list(interview.asked.values())[2]


def test_a_world_that_is_used_up_says_so() -> None:
    model = world.model(pictures=2)
    clerk = Clerk()
    interview = world.interview(model, pools=(pair_pool(model),))
    asked = interview.next()
    assert asked is not None
    assert interview.ahead(asked) == {}
    interview.apply(clerk("answer", asked.token, 0))
    assert interview.next() is None
    assert interview.stopped == "Every question of gallery has been asked."


def test_progress_tells_what_is_known() -> None:
    model = world.model(pictures=40, sentences=20)
    clerk, person = Clerk(), Person(model, 3)
    interview = world.interview(
        model, Planner(repeats=0.25, gap=4), pools=(pair_pool(model), bank_pool(model))
    )
    start = interview.progress()
    assert start.forecast.now == pytest.approx(start.forecast.prior)
    assert start.forecast.known == 0.0
    assert start.consistency.repeated == 0
    answered(interview, 30, clerk, person)
    now = interview.progress()
    assert now.questions == now.answers == 30
    assert now.forecast.prior < now.forecast.now <= now.forecast.achievable
    assert 0.3 < now.forecast.known <= 1.0
    assert set(now.removed) == {"gallery", "bank"}
    assert all(0.2 < share < 1.0 for share in now.removed.values())
    assert now.consistency.repeated == sum(one.repeat_of is not None for one, _ in interview.answers) > 2
    assert now.consistency.low <= now.consistency.same / now.consistency.repeated <= now.consistency.high


def test_consistency_compares_what_was_chosen_not_the_side() -> None:
    clerk = Clerk()
    interview = world.interview(MODEL, Planner(repeats=0.6, gap=1), pools=(pair_pool(MODEL),))
    chosen: dict[str, str] = {}
    for _ in range(12):
        asked = interview.next()
        assert asked is not None
        question = asked.question
        wanted = chosen.setdefault(question.question_id, question.options[0].markdown)
        said = [option.markdown for option in question.options].index(wanted)
        interview.apply(clerk("answer", asked.token, said))
    found = interview.progress().consistency
    assert found.same == found.repeated > 2


def accuracy(acquisition: str, seed: int, questions: int) -> float:
    """Share of held-out pairs on which the likelier picture is the one of higher true utility."""
    model = world.model(pictures=80, sentences=0, seed=seed)
    person = Person(model, seed)
    interview = world.interview(model, Planner(acquisition), pools=(pair_pool(model),), seed=seed)  # type: ignore[arg-type]
    answered(interview, questions, Clerk(), person)
    held_out = pair_pool(model).sample(400, Past(), np.random.default_rng(seed))
    told = probabilities(interview.belief, held_out)
    truth = held_out.phi @ person.z + held_out.g
    return float((told.argmax(1) == truth.argmax(1)).mean())


def test_twenty_informative_answers_predict_held_out_pairs() -> None:
    people = range(8)
    start, drawn, chosen = (
        np.mean([accuracy(name, seed, count) for seed in people])
        for name, count in (("eig", 0), ("random", 20), ("eig", 20))
    )
    assert chosen > start + 0.3
    assert chosen > drawn + 0.05


def test_the_prior_is_the_belief_before_any_answer() -> None:
    interview = world.interview(MODEL)
    np.testing.assert_array_equal(interview.belief.mean, prior(MODEL).mean)
    answer: Answer = None
    asked = interview.next()
    assert asked is not None
    interview.apply(Clerk()("answer", asked.token, answer))
    np.testing.assert_array_equal(interview.belief.cov, prior(MODEL).cov)
