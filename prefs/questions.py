"""Questions, options and responses: the nouns that every other module speaks in.

A question is Markdown with options, and pictures stand in it as `![alt](item:ID)`. What a
person says is an *answer*: the index of one of the question's options in the order in which
they were shown, or `None` for a skip ("can't say"), which carries no likelihood. A tie is an
option of its own (role "tie"), always the last one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from prefs.errors import QuestionError
from prefs.markdown import items_in, sole_item

Kind = Literal["pair", "grid", "thumbs", "rating", "choice"]
Role = Literal["answer", "tie"]
Answer = int | None

KINDS: tuple[Kind, ...] = get_args(Kind)
GRID_SIZES = range(3, 17)
PRETTIER = "Which do you think is prettier?"
TIE = "Both the same"


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that can be answered: Markdown, which is a single picture in pairs and grids."""

    markdown: str
    role: Role = "answer"

    @property
    def item(self) -> str | None:
        """The id of the picture that this option is, or None for a text."""
        return sole_item(self.markdown)


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its options in the order in which they are (to be) shown.

    question_id names the question whatever the order of its options: both orders of a pair
    share it. source is the gallery or bank that the question comes from.

    Raises:
        QuestionError: no id, fewer than two options, or options that do not fit the kind.
    """

    question_id: str
    kind: Kind
    markdown: str
    options: tuple[Option, ...]
    source: str
    domain: str = "taste"
    topic: str = ""

    def __post_init__(self) -> None:
        _check(self)

    @property
    def key(self) -> tuple[str, str]:
        """Names the question among those of all sources: two banks may use the same ids."""
        return self.source, self.question_id

    @property
    def items(self) -> tuple[str, ...]:
        """Ids of all pictures in the question, in the order of their appearance."""
        found = list(items_in(self.markdown))
        for option in self.options:
            found.extend(items_in(option.markdown))
        return tuple(dict.fromkeys(found))

    @property
    def answers(self) -> tuple[Option, ...]:
        """The options without the tie."""
        return tuple(option for option in self.options if option.role == "answer")

    @property
    def tie(self) -> int | None:
        """Index of the tie option, or None where a tie cannot be answered."""
        return len(self.options) - 1 if self.options[-1].role == "tie" else None

    def check_answer(self, answer: Answer) -> Answer:
        """Returns the answer; raises QuestionError unless it is None or an option's index."""
        if answer is not None and not 0 <= answer < len(self.options):
            raise QuestionError(
                f"answer {answer} to question {self.question_id!r}: "
                f"allowed are 0 to {len(self.options) - 1}, or none for a skip"
            )
        return answer

    def reordered(self, order: tuple[int, ...]) -> Question:
        """The same question with its answer options in another order; a tie stays last."""
        if sorted(order) != list(range(len(self.answers))):
            raise QuestionError(
                f"order {order} of question {self.question_id!r}: "
                f"expected each of 0 to {len(self.answers) - 1} once"
            )
        tie = self.options[len(self.answers) :]
        return replace(self, options=tuple(self.options[i] for i in order) + tie)


@dataclass(frozen=True, slots=True)
class Response:
    """What one rater answered to one question (options as they were shown)."""

    rater_id: str
    question: Question
    answer: Answer


def picture(item: str, alt: str = "") -> str:
    """Markdown of a picture by its item id."""
    clean = alt.replace("\\", "").replace("[", "(").replace("]", ")").replace("\n", " ")
    return f"![{clean}](item:{item})"


def pair(
    left: str,
    right: str,
    source: str,
    *,
    alts: tuple[str, str] = ("", ""),
    tie: bool = True,
    topic: str = "",
) -> Question:
    """The question which of two pictures is prettier, shown in the given order."""
    options = (Option(picture(left, alts[0])), Option(picture(right, alts[1])))
    first, second = sorted((left, right))
    return Question(
        question_id=f"pair:{first}:{second}",
        kind="pair",
        markdown=PRETTIER,
        options=(*options, Option(TIE, "tie")) if tie else options,
        source=source,
        topic=topic,
    )


def _check(question: Question) -> None:
    name = repr(question.question_id)
    if not question.question_id:
        raise QuestionError("a question has no id: give it one that no other question has")
    if question.kind not in KINDS:
        raise QuestionError(f"question {name}: kind {question.kind!r} is none of {', '.join(KINDS)}")
    count = len(question.answers)
    if count < 2:
        raise QuestionError(f"question {name} has {count} options: at least two are needed")
    if any(option.role == "tie" for option in question.options[:-1]):
        raise QuestionError(f"question {name}: the tie must be the last option")
    pictures = [option.item for option in question.answers]
    if question.kind in ("pair", "grid"):
        allowed = range(2, 3) if question.kind == "pair" else GRID_SIZES
        if count not in allowed or None in pictures or len(set(pictures)) != count:
            raise QuestionError(
                f"question {name}: a {question.kind} shows {allowed[0]} to {allowed[-1]} "
                f"different pictures, found {len(set(pictures) - {None})} among {count} options"
            )
    elif question.tie is not None:
        raise QuestionError(f"question {name}: a {question.kind} has no tie")
    if question.kind == "thumbs" and (count != 2 or len(items_in(question.markdown)) != 1):
        raise QuestionError(f"question {name}: thumbs are two options under exactly one picture")
