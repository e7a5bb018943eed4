"""How a question is read, and what cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prefs.errors import QuestionError
from prefs.markdown import Picture, Text
from prefs.questions import Option
from tests.vlm.small import QUESTIONS, asked
from vlm.passages import LONGEST, Break, passages_of

FORMS = ("scale", "options", "scale", "pictures", "pictures", "thumbs", "scale")
COUNTS = (1, 3, 1, 2, 2, 1, 1)


def test_every_kind_has_its_form() -> None:
    read = [passages_of(question) for question in QUESTIONS]
    assert tuple(form for form, _ in read) == FORMS
    assert tuple(len(passages) for _, passages in read) == COUNTS


def test_a_scale_is_the_question_with_its_first_and_last_label() -> None:
    _, (passage,) = passages_of(QUESTIONS[0])
    assert passage.parts == (
        Text("I am the life of the party."),
        Break(),
        Text("Not at all"),
        Break(),
        Text("Very much"),
    )


def test_options_are_read_one_by_one_and_so_are_pictures_without_the_tie() -> None:
    _, passages = passages_of(QUESTIONS[1])
    assert [passage.parts[-1] for passage in passages] == [Text("apple"), Text("pear"), Text("melon")]
    _, passages = passages_of(QUESTIONS[3])
    assert [passage.parts[-1] for passage in passages] == [Picture("x", ""), Picture("y", "")]
    assert passages[1].key == passages_of(QUESTIONS[4])[1][0].key


def test_a_choice_between_two_texts_that_show_pictures_is_read_by_option() -> None:
    form, passages = passages_of(asked("h", "choice", "Which?", "this: ![](item:x)", "none"))
    assert (form, len(passages)) == ("options", 2)


def test_the_key_tells_passages_apart_and_forgets_alternative_texts() -> None:
    keys = {passage.key for question in QUESTIONS for passage in passages_of(question)[1]}
    assert len(keys) == sum(COUNTS) - 1  # picture y stands in two pairs
    one, other = (asked("i", "thumbs", f"![{alt}](item:x)", "Yes", "No") for alt in ("a dog", ""))
    assert passages_of(one)[1][0].key == passages_of(other)[1][0].key
    words, picture = (
        asked("j", "rating", "x", "a", "b", "c"),
        asked("j", "rating", "![](item:x)", "a", "b", "c"),
    )
    assert passages_of(words)[1][0].key != passages_of(picture)[1][0].key


def test_any_other_target_is_text() -> None:
    _, (passage,) = passages_of(asked("k", "choice", "![](http://x.org/a.png)", "Yes", "No"))
    assert not passage.items


@pytest.mark.parametrize("text", ["x" * (LONGEST + 1), "x" * 100_000])
def test_a_text_that_is_too_long_is_refused(text: str) -> None:
    with pytest.raises(QuestionError, match=r"a text of 10?[0-9],?0?0[01],?\d* characters|a text of") as told:
        passages_of(replace(QUESTIONS[0], markdown=text))
    assert f"{len(text):,} characters: allowed are 20,000" in str(told.value)
    with pytest.raises(QuestionError, match="an option of"):
        passages_of(replace(QUESTIONS[2], options=(Option(text), Option("No"))))


def test_a_question_without_text_is_refused() -> None:
    with pytest.raises(QuestionError, match="'a' has no text"):
        passages_of(replace(QUESTIONS[0], markdown=" \n"))


def test_a_question_without_options_is_refused() -> None:
    with pytest.raises(QuestionError, match="has 0 options: at least two are needed"):
        asked("l", "choice", "Which?")
