"""How a question is read: as one or more passages of text and pictures.

| form | questions | passages |
|---|---|---|
| scale | ratings, choices between two texts | one: the question, its first label, its last; or apart, three |
| options | choices between more than two | one an option: the question, the option |
| pictures | pairs, grids | one a picture: the question, the picture |
| thumbs | thumbs | one: the question with its picture |

What stands before the first break of a passage is the question, which may be shortened; the labels after
it are always kept. Passages are values: two questions that share one (a picture in many pairs) share what
was read of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prefs.errors import QuestionError
from prefs.markdown import Picture, Text, items_in, segments
from prefs.questions import Question

LONGEST = 20_000  # characters of a text

Form = Literal["scale", "options", "pictures", "thumbs"]


@dataclass(frozen=True, slots=True)
class Break:
    """Stands between the question and a label, and between two labels."""


Part = Text | Picture | Break


@dataclass(frozen=True, slots=True)
class Passage:
    """What the backbone reads at once, in order."""

    parts: tuple[Part, ...]

    @property
    def items(self) -> tuple[str, ...]:
        """Ids of the pictures in it, in order, repeats included."""
        return tuple(part.item for part in self.parts if isinstance(part, Picture))

    @property
    def key(self) -> str:
        """Names what is read: the alternative text of a picture is not."""
        return "".join(_key(part) for part in self.parts)


def form_of(question: Question) -> Form:
    """How a question is read."""
    if question.kind in ("pair", "grid"):
        return "pictures"
    if question.kind == "thumbs":
        return "thumbs"
    two_texts = len(question.options) == 2 and not any(
        items_in(option.markdown) for option in question.options
    )
    return "scale" if question.kind == "rating" or two_texts else "options"


def passages_of(question: Question, apart: bool = False) -> tuple[Form, tuple[Passage, ...]]:
    """The form of a question, and its passages: one, or one for each of its options without the tie.

    apart: the question of a scale, its first label and its last are three passages, not one.

    Raises:
        QuestionError: no text and no picture, or a text longer than 20,000 characters.
    """
    _check(question)
    form = form_of(question)
    asked = _parts(question.markdown)
    if form == "thumbs":
        return form, (Passage(asked),)
    labels = [_parts(option.markdown) for option in question.answers]
    if form == "scale" and apart:
        return form, (Passage(asked), Passage(labels[0]), Passage(labels[-1]))
    if form == "scale":
        return form, (Passage((*asked, Break(), *labels[0], Break(), *labels[-1])),)
    return form, tuple(Passage((*asked, Break(), *label)) for label in labels)


def _parts(markdown: str) -> tuple[Part, ...]:
    return tuple(segments(markdown.strip()))


def _key(part: Part) -> str:
    if isinstance(part, Break):
        return "\x1e"
    return f"\x1f{part.item}\x1f" if isinstance(part, Picture) else part.text


def _check(question: Question) -> None:
    name = f"question {question.question_id[:60]!r}"
    if len(question.answers) < 2:
        raise QuestionError(f"{name} has {len(question.answers)} options: at least two are needed")
    if not question.markdown.strip():
        raise QuestionError(f"{name} has no text: a question that is read needs one")
    for what, text in (("text", question.markdown), *(("option", one.markdown) for one in question.options)):
        if len(text) > LONGEST:
            raise QuestionError(
                f"{name} has {'a text' if what == 'text' else 'an option'} of {len(text):,} characters: "
                f"allowed are {LONGEST:,}, shorten it"
            )
