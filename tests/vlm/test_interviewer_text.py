from __future__ import annotations

import pytest

from prefs.questions import Option, Question
from prefs.transcripts import SKIP, Turn
from vlm.interviewer_files import load_causal
from vlm.interviewer_text import about_text, answer_text, chat, encode, known_text, question_text, tokens

LABELS = ("No", "Rather no", "Yes")
TURNS = (
    Turn("a", "Do you sing?", LABELS, 2),
    Turn("b", "Do you dance?", LABELS, None),
    Turn("c", "Which one, ![red](item:p1) or ![blue](item:p2)?", ("![red](item:p1)", "![blue](item:p2)"), 1),
)


def test_options_are_written_where_they_change() -> None:
    assert question_text("Do you sing?", LABELS, ()) == "Do you sing?\n- No\n- Rather no\n- Yes"
    assert question_text("Do you dance?", LABELS, LABELS) == "Do you dance?"
    assert question_text("Do you dance?", LABELS, LABELS[:2]).endswith("\n- Yes")


def test_answers_are_words_and_pictures_their_names() -> None:
    assert answer_text(LABELS, 0) == "No"
    assert answer_text(LABELS, None) == SKIP
    assert answer_text(TURNS[2].options, 1) == "blue"


def test_a_chat_tells_what_is_known_then_asks_and_answers_in_turn() -> None:
    messages = chat(TURNS, "She sings.")
    assert [one["role"] for one in messages] == ["system", *["assistant", "user"] * 3]
    assert messages[0]["content"] == "She sings."
    assert messages[3]["content"] == "Do you dance?"  # the same options as before
    assert messages[5]["content"].endswith("\n- ![red](item:p1)\n- ![blue](item:p2)")
    assert messages[6]["content"] == "blue"


def test_tokens_are_those_of_the_chat_template_and_the_assistants_are_marked() -> None:
    _, tokenizer = load_causal("tiny", [one.markdown for one in TURNS])
    found = encode(tokenizer, chat(TURNS, "known"))
    wanted = tokenizer.apply_chat_template(
        chat(TURNS, "known"), return_dict=True, return_assistant_tokens_mask=True
    )
    assert list(found.ids) == wanted["input_ids"]
    assert [int(one) for one in found.asked] == wanted["assistant_masks"]
    assert tokenizer.decode(found.ids).count(tokenizer.eos_token) == 7


def test_special_tokens_in_a_text_are_text() -> None:
    _, tokenizer = load_causal("tiny", ["plain"])
    found = tokens(tokenizer, f"an {tokenizer.eos_token} inside")
    assert found.count(tokenizer.eos_token_id) == 1
    assert tokenizer.decode(found[:-1]) == f"an {tokenizer.eos_token} inside"


def test_what_is_known_is_a_line_each() -> None:
    question = Question("a", "choice", "Do you sing?", tuple(map(Option, LABELS)), "bank")
    assert known_text(TURNS[:2]) == f"Do you sing? Yes\nDo you dance? {SKIP}"
    assert about_text({"a": 2, "x": "often"}, {"a": question}) == "Do you sing? Yes\nx often"
    assert about_text({"a": "No"}, {"a": question}) == "Do you sing? No"
    assert about_text("  notes \n", {}) == "notes"


@pytest.mark.parametrize("length", [3_999, 100_000])
def test_long_notes_are_cut(length: int) -> None:
    assert len(about_text("x" * length, {})) == min(length, 4_000)
