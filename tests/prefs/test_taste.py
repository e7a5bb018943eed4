from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import world
from scipy.stats import norm
from world import Clerk, Person

from prefs.belief import Belief, infer, prior
from prefs.model import GallerySource
from prefs.questions import Answer, Question, pair
from prefs.taste import card, favorites, map_of, percentiles, predictions, rank, utility

MODEL = world.model(pictures=50, sentences=8)
SOURCE = world.gallery_of(MODEL)


def learned(count: int = 25, seed: int = 2) -> tuple[Person, Belief, list[tuple[Question, Answer]]]:
    person, clerk = Person(MODEL, seed), Clerk()
    interview = world.interview(MODEL)
    for _ in range(count):
        asked = interview.next()
        assert asked is not None
        interview.apply(clerk("answer", asked.token, person.answer(asked.question)))
    return person, interview.belief, interview.responses


def test_pictures_are_ranked_by_expected_utility() -> None:
    person, belief, _ = learned(40)
    ranking = rank(belief, SOURCE)
    assert sorted(ranking.items) == sorted(SOURCE.items)
    assert (np.diff(ranking.mean) <= 0).all()
    assert ranking.items == tuple(SOURCE.items[row] for row in ranking.rows)
    truth = SOURCE.appeal + SOURCE.taste @ person.z[SOURCE.columns]
    assert np.corrcoef(ranking.mean, truth[ranking.rows])[0, 1] > 0.85


def test_utilities_are_those_of_the_gaussian() -> None:
    _, belief, _ = learned()
    rows = np.array([3, 7])
    mean, sd = utility(belief, SOURCE, rows)
    tastes = np.random.default_rng(0).multivariate_normal(belief.mean, belief.cov, 200_000)
    drawn = SOURCE.appeal[rows] + tastes[:, SOURCE.columns] @ SOURCE.taste[rows].T
    np.testing.assert_allclose(mean, drawn.mean(0), atol=0.02)
    np.testing.assert_allclose(sd, drawn.std(0), atol=0.02)


def test_certainty_against_many_draws() -> None:
    _, belief, _ = learned()
    ranking = rank(belief, SOURCE)
    tastes = np.random.default_rng(0).multivariate_normal(belief.mean, belief.cov, 20_000)
    drawn = (SOURCE.appeal + tastes[:, SOURCE.columns] @ SOURCE.taste.T)[:, ranking.rows]
    above = (drawn >= np.median(drawn, axis=1, keepdims=True)).mean(0)
    top = (drawn >= np.quantile(drawn, 0.9, axis=1, keepdims=True)).mean(0)
    np.testing.assert_allclose(ranking.above_median, above, atol=0.04)
    np.testing.assert_allclose(ranking.top, top, atol=0.04)
    assert ranking.above_median[0] > 0.9 > 0.1 > ranking.above_median[-1]


def test_a_certain_taste_is_certain_and_some_rows_can_be_ranked() -> None:
    belief = replace(prior(MODEL), mean=np.ones(MODEL.space.size), cov=1e-12 * np.eye(MODEL.space.size))
    ranking = rank(belief, SOURCE, np.arange(10, 30))
    assert set(ranking.rows) == set(range(10, 30))
    np.testing.assert_array_equal(ranking.above_median, [1.0] * 10 + [0.0] * 10)
    np.testing.assert_array_equal(ranking.top, [1.0] * 2 + [0.0] * 18)


def test_favorites_are_unseen_and_different() -> None:
    _, belief, _ = learned()
    ranking = rank(belief, SOURCE)
    features = SOURCE.taste.copy()
    features[ranking.rows[1]] = 1.001 * features[ranking.rows[0]]
    seen = {ranking.items[2]}
    assert favorites(ranking, features, 3, seen=seen)[:2] == [0, 3]
    assert favorites(ranking, features, 2, seen=seen, least=True)[0] == 49
    assert len(favorites(ranking, SOURCE.taste, 99)) > 30
    assert favorites(ranking, features, 5, seen=SOURCE.items) == []


def test_the_map_has_utility_on_x_and_what_is_left_on_y() -> None:
    _, belief, _ = learned()
    rows = np.arange(50)
    places = map_of(belief, SOURCE, rows)
    assert places.shape == (50, 2)
    np.testing.assert_allclose(places.mean(0), 0.0, atol=1e-9)
    np.testing.assert_allclose(places.std(0), 1.0)
    assert np.corrcoef(places[:, 0], utility(belief, SOURCE, rows)[0])[0, 1] == pytest.approx(1.0)
    assert abs(float(places[:, 0] @ places[:, 1])) < 1e-6


def test_a_map_of_one_picture_or_of_equal_ones_is_finite() -> None:
    source = replace(SOURCE, taste=np.ones_like(SOURCE.taste), appeal=np.zeros(50))
    assert isinstance(source, GallerySource)
    for rows in (np.array([0]), np.arange(50)):
        np.testing.assert_allclose(map_of(prior(MODEL), source, rows), 0.0, atol=1e-6)


def test_no_pictures_make_an_empty_ranking_and_map() -> None:
    none = np.empty(0, dtype=np.intp)
    ranking = rank(prior(MODEL), SOURCE, none)
    assert ranking.items == ()
    assert len(ranking.mean) == len(ranking.top) == 0
    assert favorites(ranking, SOURCE.taste, 3) == []
    assert map_of(prior(MODEL), SOURCE, none).shape == (0, 2)


def test_percentiles_are_those_of_the_population() -> None:
    direction = np.zeros(MODEL.space.size)
    direction[MODEL.space.columns("bank")[0]] = 2.0
    (middle,) = percentiles(prior(MODEL), MODEL, {"warmth": direction})
    assert middle.name == "warmth"
    assert (middle.percentile, middle.low, middle.high) == pytest.approx((50.0, 2.5, 97.5))
    mean = direction / 2.0 * 1.5
    sure = Belief(mean, 1e-8 * np.eye(MODEL.space.size), 0.02, 9)
    (place,) = percentiles(sure, MODEL, {"warmth": direction})
    assert place.percentile == pytest.approx(100 * norm.cdf(1.5))
    assert place.high - place.low < 0.1


def test_predictions_of_unasked_questions() -> None:
    person, belief, _ = learned(40)
    questions = [world.bank_of(MODEL)["s1"], pair("p001", "p002", "gallery")]
    found = predictions(belief, MODEL, questions)
    assert [entry.question for entry in found] == questions
    for entry in found:
        assert len(entry.probabilities) == len(entry.question.options)
        assert entry.probabilities.sum() == pytest.approx(1.0, abs=1e-6)
        assert entry.certainty == entry.probabilities[entry.answer] == entry.probabilities.max()
    assert predictions(belief, MODEL, []) == []
    assert person.z.shape == belief.mean.shape


def test_the_card_holds_the_belief_as_json() -> None:
    _, belief, responses = learned(12)
    skipped = [*responses, (world.bank_of(MODEL)["s1"], None)]
    read = json.loads(json.dumps(card(belief, MODEL, "embedded", skipped), allow_nan=False))
    assert read["format"] == "kallisti.taste/1"
    assert read["blocks"][0] == {"name": "style", "size": 5}
    np.testing.assert_array_equal(read["mean"], belief.mean)
    np.testing.assert_array_equal(read["cov"], belief.cov)
    assert read["counts"]["answers"] == 12 == sum(read["counts"]["by_source"].values())
    assert read["counts"]["skips"] == 1
    np.testing.assert_array_equal(infer(MODEL, skipped).mean, belief.mean)
