from __future__ import annotations

import pytest

from prefs.bank import ItemBank
from prefs.errors import DataError, QuestionError
from prefs.questions import Option, Question

YES_NO = (Option("Yes"), Option("No"))


def item(name: str, domain: str = "personality", source: str = "bank") -> Question:
    return Question(name, "choice", f"Statement {name}", YES_NO, source, domain)


def test_questions_are_found_by_id() -> None:
    bank = ItemBank("bank", (item("a"), item("b", "morality"), item("c")), title="A bank")
    assert bank["b"].domain == "morality"
    assert "c" in bank
    assert "d" not in bank
    assert len(bank) == 3
    assert bank.domains == ("personality", "morality")
    with pytest.raises(DataError, match="no question 'd' among its 3"):
        bank["d"]


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        ((), "has no questions"),
        ((item("a"), item("b"), item("a")), "'a' stands at rows 0 and 2"),
        ((item("a", source="other"),), "names the source 'other'"),
    ],
)
def test_unusable_banks_are_refused_in_one_line(questions: tuple[Question, ...], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        ItemBank("bank", questions)
    assert "\n" not in str(caught.value)


def test_a_bank_with_one_option_is_refused() -> None:
    with pytest.raises(QuestionError, match="has 1 options: at least two are needed"):
        ItemBank("bank", (Question("a", "choice", "?", YES_NO[:1], "bank"),))
