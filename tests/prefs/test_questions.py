from __future__ import annotations

import pytest

from prefs.errors import QuestionError
from prefs.questions import TIE, Option, Question, pair, picture


def likert(count: int = 5, **changes: object) -> Question:
    options = tuple(Option(str(label)) for label in range(count))
    fields = {
        "question_id": "q",
        "kind": "rating",
        "markdown": "I am shy.",
        "options": options,
        "source": "bank",
    }
    return Question(**(fields | changes))  # type: ignore[arg-type]


def test_both_orders_of_a_pair_share_their_id() -> None:
    left, right = pair("b", "a", "g"), pair("a", "b", "g")
    assert left.question_id == right.question_id == "pair:a:b"
    assert [option.item for option in left.answers] == ["b", "a"]
    assert left.reordered((1, 0)) == right


def test_a_tie_stays_last_when_the_order_changes() -> None:
    question = pair("a", "b", "g").reordered((1, 0))
    assert question.tie == 2
    assert question.options[-1] == Option(TIE, "tie")
    assert pair("a", "b", "g", tie=False).tie is None


def test_items_come_in_order_of_appearance_once() -> None:
    options = (Option("yes"), Option("no"))
    question = Question("thumbs:a", "thumbs", f"Do you like {picture('a')}?", options, "g")
    assert question.items == ("a",)
    assert pair("b", "a", "g").items == ("b", "a")


@pytest.mark.parametrize("answer", [None, 0, 4])
def test_answers_within_the_options_pass(answer: int | None) -> None:
    assert likert().check_answer(answer) == answer


@pytest.mark.parametrize("answer", [-1, 5])
def test_other_answers_are_refused_with_what_is_allowed(answer: int) -> None:
    with pytest.raises(QuestionError, match=f"answer {answer} .* 0 to 4"):
        likert().check_answer(answer)


def grid_options(*items: str) -> tuple[Option, ...]:
    return tuple(Option(picture(item)) for item in items)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question_id": ""}, "no id"),
        ({"options": (Option("yes"),)}, "1 options: at least two"),
        ({"options": ()}, "0 options: at least two"),
        ({"kind": "essay"}, "'essay' is none of"),
        ({"options": (Option("a"), Option("t", "tie"), Option("b"))}, "tie must be the last"),
        ({"options": (Option("a"), Option("b"), Option("t", "tie"))}, "a rating has no tie"),
        ({"kind": "pair"}, "a pair shows 2 to 2 different pictures"),
        ({"kind": "pair", "options": grid_options("a", "a")}, "found 1 among 2"),
        ({"kind": "grid", "options": grid_options("a", "b")}, "a grid shows 3 to 16"),
        ({"kind": "thumbs", "options": (Option("y"), Option("n"))}, "exactly one picture"),
    ],
)
def test_what_is_no_question_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        likert(**changes)


def test_an_order_must_name_each_option_once() -> None:
    with pytest.raises(QuestionError, match="each of 0 to 1 once"):
        pair("a", "b", "g").reordered((0, 0))
