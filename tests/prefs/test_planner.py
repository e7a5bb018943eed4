from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import world
from world import bank_pool, pair_pool

from prefs.acquisition import eig
from prefs.belief import Belief, prior
from prefs.errors import ConfigError
from prefs.log import Asked
from prefs.model import ChoiceModel, QuestionVectors
from prefs.planner import History, Nothing, Plan, Planner, content_shares
from prefs.pools import Past, Pool

MODEL = world.model()


def ask(
    planner: Planner, pools: Sequence[Pool], count: int, model: ChoiceModel = MODEL
) -> tuple[list[Asked], str | None]:
    """Asks under the prior, every question answered at once; returns the questions and why it ended."""
    asked: list[Asked] = []
    for number in range(count):
        shown = Counter(item for one in asked for item in one.question.items)
        past = Past({one.question.key for one in asked}, frozenset(), shown)
        history = History(asked, {one.token for one in asked}, past)
        plan = planner.plan(prior(model), pools, history, seed=5)
        if isinstance(plan, Nothing):
            return asked, plan.reason
        asked.append(
            Asked(f"t{number}", plan.question, plan.planner, plan.gain_bits, plan.repeat_of, number + 1)
        )
    return asked, None


@pytest.mark.parametrize("name", ["random", "eig", "epig", "eubo", "static"])
@pytest.mark.parametrize("which", ["pictures", "sentences", "both"])
def test_every_acquisition_asks_what_there_is(name: str, which: str) -> None:
    pools: dict[str, list[Pool]] = {"pictures": [pair_pool(MODEL)], "sentences": [bank_pool(MODEL)]}
    pools["both"] = [*pools["pictures"], *pools["sentences"]]
    planner = Planner(name, repeats=0.0)  # type: ignore[arg-type]
    asked, reason = ask(planner, pools[which], 8)
    assert reason is None
    assert len({one.question.question_id for one in asked}) == 8
    assert all(one.gain_bits is not None and one.gain_bits > 0 for one in asked)
    assert asked == ask(planner, pools[which], 8)[0]


def test_the_most_informative_of_pictures_and_sentences_is_asked() -> None:
    pools = [pair_pool(MODEL), bank_pool(MODEL)]
    plan = Planner(slack=99.0).plan(prior(MODEL), pools, History(), seed=1)
    assert isinstance(plan, Plan)
    every = world.gallery_of(MODEL)
    from prefs.gallerypools import all_pairs

    pairs = eig(prior(MODEL), every.shown(all_pairs(pair_pool(MODEL).rows), "pair", tie=True))
    sentences = eig(prior(MODEL), MODEL.sources["bank"].all())  # type: ignore[attr-defined]
    assert plan.gain_bits is not None
    assert plan.gain_bits * 0.6931 >= 0.99 * max(pairs.max(), sentences.max())


def test_everything_is_asked_once_and_then_it_says_so() -> None:
    model = world.model(pictures=4, sentences=3)
    asked, reason = ask(Planner(repeats=0.0), [pair_pool(model), bank_pool(model)], 50, model)
    assert len({one.question.question_id for one in asked}) == len(asked) == 6 + 3
    assert reason == "Every question of gallery, bank has been asked."


def test_worlds_with_nothing_to_ask_end_with_a_reason() -> None:
    for pictures in (0, 1):
        model = world.model(pictures=pictures)
        asked, reason = ask(Planner(), [pair_pool(model)], 5, model)
        assert asked == []
        assert "a gallery needs two pictures" in str(reason)
    assert "open a gallery or a bank" in str(ask(Planner(), [], 5)[1])


def test_repeats_come_late_swapped_and_once() -> None:
    asked, _ = ask(Planner(repeats=0.5, gap=6), [pair_pool(MODEL)], 40)
    position = {one.token: place for place, one in enumerate(asked)}
    repeats = [one for one in asked if one.repeat_of]
    assert len(repeats) >= 8
    assert len({one.repeat_of for one in repeats}) == len(repeats)
    for one in repeats:
        assert one.planner == "repeat"
        first = asked[position[str(one.repeat_of)]]
        assert position[one.token] - position[first.token] > 6
        assert first.repeat_of is None
        assert one.question == first.question.reordered((1, 0))


def test_the_share_of_repeats_is_as_told() -> None:
    model = world.model(pictures=60)
    asked, _ = ask(Planner("random", repeats=0.2), [pair_pool(model)], 200, model)
    assert 25 <= sum(one.repeat_of is not None for one in asked) <= 55
    none, _ = ask(Planner("random", repeats=0.0), [pair_pool(model)], 40, model)
    assert all(one.repeat_of is None for one in none)


def contents(asked: Sequence[Asked], pools: Sequence[Pool]) -> Counter[str]:
    abouts = (pool.about(one.question)[:1] for one in asked for pool in pools)
    return Counter(itertools.chain.from_iterable(abouts))


def test_contents_stay_within_the_slack_of_their_shares() -> None:
    pools = [pair_pool(MODEL), bank_pool(MODEL)]
    for shares in (None, {"taste": 2.0, "personality": 1.0, "morality": 1.0}):
        planner = Planner(shares=shares, slack=1.0, repeats=0.0)
        asked, _ = ask(planner, pools, 12)
        target = content_shares([pool.contents for pool in pools], shares)
        found = contents(asked, pools)
        assert all(abs(found[name] - 12 * share) <= 1.5 for name, share in target.items())


def test_contents_that_nobody_chose_are_not_asked() -> None:
    pools = [pair_pool(MODEL), bank_pool(MODEL)]
    asked, _ = ask(Planner(shares={"morality": 1.0}, repeats=0.0), pools, 5)
    assert set(contents(asked, pools)) == {"morality"}


def test_shares_of_domains_spread_over_their_contents() -> None:
    pools = [("taste/a", "taste/b"), ("morality",)]
    assert content_shares(pools, None) == {"taste/a": 0.25, "taste/b": 0.25, "morality": 0.5}
    assert content_shares(pools, {"taste/b": 3.0, "morality": 1.0}) == {
        "taste/a": 0.0,
        "taste/b": 0.75,
        "morality": 0.25,
    }
    assert content_shares(pools, {"unknown": 1.0}) == content_shares(pools, None)


def test_a_fixed_order_is_followed_and_eig_goes_on_after_it() -> None:
    planner = Planner("static", order=("s7", "gone", "s2"), repeats=0.0)
    asked, _ = ask(planner, [pair_pool(MODEL), bank_pool(MODEL)], 4)
    assert [one.question.question_id for one in asked[:2]] == ["s7", "s2"]
    assert [one.planner for one in asked] == ["static", "static", "eig", "eig"]


def test_a_plan_that_ran_out_of_time_says_so(caplog: pytest.LogCaptureFixture) -> None:
    ticks = itertools.count()
    pools = [pair_pool(MODEL), bank_pool(MODEL)]
    for limit, compared in ((0.5, 0), (1.5, 1)):
        slow = Planner(limit_s=limit, clock=lambda: float(next(ticks)))
        with caplog.at_level(logging.WARNING):
            plan = slow.plan(prior(MODEL), pools, History(), seed=1)
        assert isinstance(plan, Plan)
        assert plan.planner == "eig (cut short)"
        assert f"{compared} of 2 pools compared" in caplog.text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"acquisition": "best"}, "'best': allowed are random, eig, epig, eubo, static"),
        ({"repeats": 1.0}, "0 to below 1"),
        ({"shares": {"taste": 0.0}}, "each above 0"),
        ({"shares": {}}, "at least one"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Planner(**settings)  # type: ignore[arg-type]


def test_policy_asks_what_its_scores_say() -> None:
    def scores(belief: Belief, vectors: QuestionVectors) -> np.ndarray:
        return eig(belief, vectors)

    def least(belief: Belief, vectors: QuestionVectors) -> np.ndarray:
        return -eig(belief, vectors)

    pools = [bank_pool(MODEL)]
    asked, _ = ask(Planner("policy", repeats=0.0, slack=99.0, scores=scores), pools, 4)
    best, _ = ask(Planner("eig", repeats=0.0, slack=99.0), pools, 4)
    worst, _ = ask(Planner("policy", repeats=0.0, slack=99.0, scores=least), pools, 4)
    assert [one.question for one in asked] == [one.question for one in best]
    assert {one.planner for one in asked} == {"policy"}
    assert sum(one.gain_bits or 0 for one in worst) < sum(one.gain_bits or 0 for one in best)


def test_policy_goes_with_scores() -> None:
    with pytest.raises(ConfigError, match="give both or neither"):
        Planner("policy")
    with pytest.raises(ConfigError, match="give both or neither"):
        Planner("eig", scores=eig)
