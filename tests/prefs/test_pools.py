from __future__ import annotations

import numpy as np
import pytest
import world
from world import bank_pool, gallery_of, pair_pool, propose

from prefs.belief import prior
from prefs.errors import ConfigError, ModelError
from prefs.gallerypools import GridPool, RatingPool, ThumbsPool
from prefs.model import ChoiceModel
from prefs.pools import Aim, Candidates, Past, Pool

SMALL, LARGE = 12, 90
POOLS = ["pair", "grid", "thumbs", "rating", "bank"]


def pool_of(name: str, model: ChoiceModel) -> Pool:
    if name == "bank":
        return bank_pool(model)
    if name == "pair":
        return pair_pool(model)
    if name == "grid":
        return GridPool(gallery_of(model), propose, size=5)
    return (ThumbsPool if name == "thumbs" else RatingPool)(gallery_of(model))


def offer(pool: Pool, model: ChoiceModel, past: Past | None = None, aim: Aim = "information") -> Candidates:
    return pool.candidates(prior(model), past or Past(), np.random.default_rng(3), aim)


@pytest.mark.parametrize("pictures", [SMALL, LARGE])
@pytest.mark.parametrize("name", POOLS)
def test_vectors_and_names_are_those_of_the_question_built(name: str, pictures: int) -> None:
    model = world.model(pictures)
    found = offer(pool_of(name, model), model)
    assert len(found) > 0
    for row in range(0, len(found), max(len(found) // 7, 1)):
        question = found.build(row)
        phi, g = model.vectors(question)
        shown = np.isfinite(found.vectors.g[row])
        np.testing.assert_allclose(found.vectors.phi[row][shown], phi)
        np.testing.assert_allclose(found.vectors.g[row][shown], g)
        assert found.key(row) == question.question_id


@pytest.mark.parametrize("pictures", [SMALL, LARGE])
@pytest.mark.parametrize("aim", ["information", "random", "utility"])
@pytest.mark.parametrize("name", ["pair", "grid", "thumbs", "rating"])
def test_flagged_pictures_and_asked_questions_stay_out(name: str, aim: Aim, pictures: int) -> None:
    model = world.model(pictures)
    pool = pool_of(name, model)
    first = offer(pool, model, aim=aim)
    asked = {first.build(row).key for row in range(0, len(first), 2)}
    flagged = {"p000", "p003"}
    found = offer(pool, model, Past(asked, flagged), aim)
    assert len(found) > 0
    questions = [found.build(row) for row in range(len(found))]
    assert asked.isdisjoint(question.key for question in questions)
    assert all(flagged.isdisjoint(question.items) for question in questions)


@pytest.mark.parametrize("pictures", [SMALL, LARGE])
def test_pictures_shown_too_often_wait_until_no_others_are_left(pictures: int) -> None:
    model = world.model(pictures)
    pool = pair_pool(model)
    tired = {f"p{row:03}": 4 for row in range(pictures - 3)}
    found = offer(pool, model, Past(shown=tired))
    assert {item for row in range(len(found)) for item in found.build(row).items} == {
        f"p{row:03}" for row in range(pictures - 3, pictures)
    }
    worn = dict.fromkeys(gallery_of(model).items, 9)
    assert len(offer(pool, model, Past(shown=worn))) > 0


def test_every_pair_of_a_small_gallery_is_offered_once_and_then_none() -> None:
    model = world.model(5)
    pool = pair_pool(model)
    found = offer(pool, model)
    names = {found.build(row).key for row in range(len(found))}
    assert len(found) == len(names) == 10
    assert len(offer(pool, model, Past(names))) == 0


@pytest.mark.parametrize("pictures", [0, 1])
def test_a_gallery_without_a_pair_offers_none(pictures: int) -> None:
    model = world.model(pictures)
    for name in ("pair", "grid"):
        assert len(offer(pool_of(name, model), model)) == 0
    assert len(pair_pool(model).sample(5, Past(), np.random.default_rng(0))) == 0


def test_sides_are_random() -> None:
    model = world.model(LARGE)
    found = offer(pair_pool(model), model)
    left_first = np.mean([items[0] < items[1] for items in (found.build(r).items for r in range(len(found)))])
    assert 0.4 < left_first < 0.6


def test_a_grid_is_more_informative_than_a_random_one() -> None:
    from prefs.acquisition import eig

    model = world.model(LARGE)
    pool = pool_of("grid", model)
    grown, drawn = (
        eig(prior(model), offer(pool, model, aim=aim).vectors) for aim in ("information", "random")
    )
    assert grown.max() > 1.1 * drawn.max()
    with pytest.raises(ConfigError, match="allowed are 4 to 9"):
        GridPool(gallery_of(model), propose, size=10)


def test_chosen_topics_are_the_only_ones_asked() -> None:
    model = world.model(SMALL)
    topics = {item: "even" if row % 2 == 0 else "odd" for row, item in enumerate(gallery_of(model).items)}
    pool = pair_pool(model, topics=topics, chosen=["taste/odd"])
    found = offer(pool, model)
    questions = [found.build(row) for row in range(len(found))]
    assert {topics[item] for question in questions for item in question.items} == {"odd"}
    assert {question.topic for question in questions} == {"odd"}
    assert pool.contents == ("taste/odd",)
    assert pool.about(questions[0]) == ("taste/odd", "taste/odd")


def test_no_sentence_is_the_fairest_and_a_bank_ends() -> None:
    model = world.model()
    pool = bank_pool(model)
    assert len(offer(pool, model, aim="utility")) == 0
    names = {("bank", f"s{row}") for row in range(11)}
    assert [offer(pool, model, Past(names)).key(0)] == ["s11"]
    assert len(pool.sample(5, Past(names), np.random.default_rng(0))) == 1
    assert len(pool.sample(5, Past({*names, ("bank", "s11")}), np.random.default_rng(0))) == 5


def test_a_bank_that_its_model_does_not_know_is_refused() -> None:
    small, large = world.model(sentences=3), world.model(sentences=4)
    from prefs.pools import BankPool

    with pytest.raises(ModelError, match="does not know question 's3'"):
        BankPool(world.bank_of(large), small.sources["bank"])  # type: ignore[arg-type]


def test_pairs_that_a_person_can_choose_are_found_again_by_their_id() -> None:
    model = world.model(pictures=12)
    pool = pair_pool(model, topics={f"p{row:03}": "hills" for row in range(12)}, chosen=("hills",))
    past = Past(questions={(pool.name, "pair:p000:p001")}, flagged={"p002"})
    found = pool.unasked(20, past, np.random.default_rng(3))
    assert found == pool.unasked(20, past, np.random.default_rng(3))
    assert len({one.question_id for one in found}) == 20
    assert all(pool.find(one.question_id) == one for one in found)
    assert all("p002" not in one.items and one.key not in past.questions for one in found)
    on_the_left = [one.options[0].item == min(one.items) for one in found]
    assert 3 < sum(on_the_left) < 17, "sides are as good as random"


@pytest.mark.parametrize(
    "name", ["pair:p001:p000", "pair:p000", "pair:p000:p000", "pair:p000:x", "grid:p000:p001", "s1", ""]
)
def test_a_pair_that_is_not_there_is_not_found(name: str) -> None:
    assert pair_pool(world.model(pictures=4)).find(name) is None


def test_a_sentence_is_found_by_its_id_and_listed_until_asked() -> None:
    pool = bank_pool(world.model(sentences=3))
    assert [one.question_id for one in pool.unasked(Past(questions={("bank", "s1"), ("other", "s2")}))] == [
        "s0",
        "s2",
    ]
    found = pool.find("s1")
    assert found is not None
    assert found.question_id == "s1"
    assert pool.find("s9") is None
