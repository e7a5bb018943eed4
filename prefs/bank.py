"""Item banks: named sets of questions to ask from, such as a personality inventory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from prefs.errors import DataError
from prefs.questions import Question


@dataclass(frozen=True)
class ItemBank:
    """Questions that can be asked, in the order of the bank, found by their id.

    name: names the bank in every question's `source`. title: for the screen. note: where the
    items come from and their licence. That a question has at least two options is checked by
    Question itself.

    Raises:
        DataError: no question, an id twice, or a question of another source.
    """

    name: str
    questions: tuple[Question, ...]
    title: str = ""
    note: str = ""
    rows: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.questions:
            raise DataError(f"bank {self.name!r} has no questions: at least one is needed")
        rows: dict[str, int] = {}
        for row, question in enumerate(self.questions):
            first = rows.setdefault(question.question_id, row)
            if first != row:
                raise DataError(
                    f"bank {self.name!r}: question id {question.question_id!r} stands at rows "
                    f"{first} and {row}: ids are unique, rename one"
                )
            if question.source != self.name:
                raise DataError(
                    f"bank {self.name!r}: question {question.question_id!r} names the source "
                    f"{question.source!r}: expected {self.name!r}"
                )
        object.__setattr__(self, "rows", rows)

    def __len__(self) -> int:
        return len(self.questions)

    def __contains__(self, question_id: object) -> bool:
        return question_id in self.rows

    def __getitem__(self, question_id: str) -> Question:
        """The question with this id; raises DataError where the bank has none."""
        row = self.rows.get(question_id)
        if row is None:
            raise DataError(f"bank {self.name!r} has no question {question_id!r} among its {len(self)}")
        return self.questions[row]

    @property
    def domains(self) -> tuple[str, ...]:
        """Domains of the questions, each once, in the order of the bank."""
        return tuple(dict.fromkeys(question.domain for question in self.questions))
