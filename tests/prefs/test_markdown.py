from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefs.markdown import Picture, Text, items_in, plain, segments, sole_item
from prefs.questions import picture

FOREIGN = [
    "![x](https://example.org/a.png)",
    "![x](http://example.org/a.png)",
    "![x](file:///etc/passwd)",
    "![x](data:image/png;base64,AAAA)",
    "![x](javascript:alert(1))",
    "![x](item:../../secret)",
    "![x](item:)",
    "![x](ITEM:a)",
    "![x]( item:a)",
    '![x](item:a "title")',
    "[x](item:a)",
    "<img src=item:a>",
]


def joined(markdown: str) -> str:
    return "".join(
        part.text if isinstance(part, Text) else f"![{part.alt}](item:{part.item})"
        for part in segments(markdown)
    )


def test_a_question_with_two_pictures() -> None:
    text = "Which is prettier, ![a misty valley](item:9f2c) or ![red blocks](item:77ab)?"
    assert list(segments(text)) == [
        Text("Which is prettier, "),
        Picture("9f2c", "a misty valley"),
        Text(" or "),
        Picture("77ab", "red blocks"),
        Text("?"),
    ]
    assert items_in(text) == ("9f2c", "77ab")
    assert plain(text) == "Which is prettier, a misty valley or red blocks?"


@pytest.mark.parametrize("text", FOREIGN)
def test_other_targets_are_text(text: str) -> None:
    assert items_in(text) == ()
    assert list(segments(text)) == [Text(text)]


@given(st.text(alphabet="![](item:ab)\n c<>", max_size=60))
def test_segments_joined_are_the_input(text: str) -> None:
    assert joined(text) == text


@given(st.text(max_size=40))
def test_a_picture_is_read_back_whatever_its_alternative_text(alt: str) -> None:
    assert sole_item(picture("a.b-c_1", alt)) == "a.b-c_1"


def test_the_sole_item_is_the_whole_text() -> None:
    assert sole_item(" ![](item:a) ") == "a"
    assert sole_item("![](item:a) or ![](item:b)") is None
    assert sole_item("a") is None
    assert plain("![](item:a)") == "a"
