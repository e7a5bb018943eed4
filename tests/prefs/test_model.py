from __future__ import annotations

import numpy as np
import pytest

from prefs.errors import ModelError, QuestionError
from prefs.model import (
    AGREE,
    EXTREME,
    LIKE,
    SIDE,
    TIE,
    BankSource,
    ChoiceModel,
    GallerySource,
    QuestionVectors,
    scores,
)
from prefs.questions import Option, Question, pair, picture
from prefs.space import independent

SPACE = independent([("pictures", np.zeros(2), np.eye(2)), ("bank", np.zeros(1), np.eye(1))])
COLUMNS = SPACE.columns("pictures")


def gallery() -> GallerySource:
    return GallerySource(
        "g",
        ("a", "b", "c"),
        np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]),
        np.array([0.5, -0.5, 0.0]),
        COLUMNS,
        SPACE.size,
        {"pair": 2.0, "thumbs": 3.0},
        log_nu=-1.0,
        thumbs_offset=0.25,
        thresholds={3: np.array([0.0, 0.7, 0.0])},
    )


def bank() -> BankSource:
    g = np.array([[0.0, 1.0, -np.inf], [0.0, 0.5, 0.2]])
    phi = np.array([[0.0, 1.0, 0.0], [3.0, 4.0, 5.0]])[..., None]
    return BankSource("b", ("q1", "q2"), phi, g, SPACE.columns("bank"), SPACE.size)


def model() -> ChoiceModel:
    return ChoiceModel(SPACE, {"g": gallery(), "b": bank()}, "v")


def choice(name: str, labels: int) -> Question:
    return Question(name, "choice", "What?", tuple(Option(str(i)) for i in range(labels)), "b")


def test_a_pair_scales_its_pictures_and_knows_the_side_and_the_tie() -> None:
    phi, g = model().vectors(pair("b", "a", "g"))
    expected = np.zeros((3, SPACE.size))
    expected[0, COLUMNS], expected[1, COLUMNS], expected[2, COLUMNS] = (0, 4), (2, 0), (1, 2)
    expected[:, SIDE] = (0.5, -0.5, 0.0)
    expected[2, TIE] = 1.0
    np.testing.assert_array_equal(phi, expected)
    np.testing.assert_allclose(g, [-1.0, 1.0, -1.0])


def test_turning_a_pair_round_turns_everything_but_the_side() -> None:
    one, other = (model().vectors(pair(*items, "g", tie=False)) for items in (("a", "c"), ("c", "a")))
    np.testing.assert_array_equal(one[0][:, COLUMNS], other[0][::-1, COLUMNS])
    np.testing.assert_array_equal(one[1], other[1][::-1])
    np.testing.assert_array_equal(one[0][:, SIDE], other[0][:, SIDE])


def test_a_grid_has_no_side_and_scale_one_by_default() -> None:
    options = tuple(Option(picture(item)) for item in "abc")
    phi, g = model().vectors(Question("grid", "grid", "Which?", options, "g"))
    np.testing.assert_array_equal(phi[:, COLUMNS], gallery().taste)
    np.testing.assert_array_equal(g, gallery().appeal)
    assert not phi[:, : COLUMNS[0]].any()


def test_thumbs_and_ratings() -> None:
    thumbs = Question("t", "thumbs", picture("a"), (Option("like"), Option("dislike")), "g")
    phi, g = model().vectors(thumbs)
    assert phi[0, LIKE] == 1.0
    assert not phi[1].any()
    np.testing.assert_allclose(g, [3 * 0.5 + 0.25, 0.0])
    labels = tuple(Option(label) for label in ("bad", "fair", "good"))
    phi, g = model().vectors(Question("r", "rating", picture("b"), labels, "g"))
    np.testing.assert_allclose(phi[:, COLUMNS], [[0, -2], [0, 0], [0, 2]])
    np.testing.assert_allclose(phi[:, AGREE], [-1, 0, 1])
    np.testing.assert_allclose(phi[:, EXTREME], [1 / 3, -2 / 3, 1 / 3])
    np.testing.assert_allclose(g, [0.5, 0.7, -0.5])


def test_a_bank_gives_its_questions_and_stacks_pad() -> None:
    questions = [choice("q1", 2), choice("q2", 3), pair("a", "b", "g")]
    stacked = model().stack(questions)
    np.testing.assert_array_equal(stacked.counts, [2, 3, 3])
    np.testing.assert_array_equal(stacked.phi[0, :, -1], [0, 1, 0])
    np.testing.assert_array_equal(stacked.phi[1, :, -1], [3, 4, 5])
    assert stacked.g[0, 2] == -np.inf
    together = bank().all()
    np.testing.assert_array_equal(together.phi, stacked.phi[:2])
    assert len(stacked[np.array([2, 0])]) == 2
    assert len(model().stack([])) == 0


def test_unknown_things_are_named() -> None:
    for question, word in (
        (pair("a", "z", "g"), "'z'"),
        (pair("a", "b", "elsewhere"), "elsewhere"),
        (choice("q9", 2), "q9"),
        (choice("q1", 3), "its model 2"),
    ):
        with pytest.raises(QuestionError, match=word):
            model().vectors(question)
    with pytest.raises(QuestionError, match="at least two"):
        scores(1)


def test_sources_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ModelError, match="2 pictures"):
        GallerySource("g", ("a", "b"), np.zeros((3, 2)), np.zeros(3), COLUMNS, SPACE.size)
    with pytest.raises(ModelError, match="not finite"):
        GallerySource("g", ("a",), np.full((1, 2), np.nan), np.zeros(1), COLUMNS, SPACE.size)
    with pytest.raises(ModelError, match="not finite"):
        BankSource(
            "b", ("q",), np.zeros((1, 2, 1)), np.full((1, 2), np.nan), SPACE.columns("bank"), SPACE.size
        )
    with pytest.raises(ModelError, match="1 questions"):
        BankSource("b", ("q",), np.zeros((2, 2, 1)), np.zeros((2, 2)), SPACE.columns("bank"), SPACE.size)


def test_slices_of_vectors_keep_phi_and_g_together() -> None:
    vectors = QuestionVectors(np.arange(12.0).reshape(3, 2, 2), np.arange(6.0).reshape(3, 2))
    assert vectors[1:].phi[0, 0, 0] == 4.0
    assert vectors[1:].g[0, 0] == 2.0
