"""How an interview is written for a language model: messages that each end with the tokenizer's end token.

The first message is what is known beforehand, often nothing. Then the assistant asks and the user answers
in turn. A question is its Markdown; its options follow only where they differ from those of the question
before, and an answer is the text of the option, so that twenty turns of an inventory take about 400 tokens.
`TEMPLATE` writes the same from chat messages, for tools that train on chats.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefs.errors import QuestionError
from prefs.markdown import plain
from prefs.questions import Answer, Question
from prefs.transcripts import SKIP, Turn
from vlm.passages import LONGEST

log = logging.getLogger(__name__)

Message = dict[str, str]

TEMPLATE = (
    "{% for message in messages %}{% if message.role == 'assistant' %}"
    "{% generation %}{{ message.content + eos_token }}{% endgeneration %}"
    "{% else %}{{ message.content + eos_token }}{% endif %}{% endfor %}"
)
NOTED = 4_000  # characters of knowledge that are read


@dataclass(frozen=True)
class Encoded:
    """Messages as N token ids, and which of these the assistant wrote."""

    ids: tuple[int, ...]
    asked: tuple[bool, ...]


def check_length(question_id: str, markdown: str, options: Iterable[str]) -> None:
    """Raises QuestionError for a question, or an option of it, of over 20,000 characters."""
    for what, text in (("", markdown), *((" in an option", one) for one in options)):
        if len(text) > LONGEST:
            raise QuestionError(
                f"question {question_id[:60]!r} has {len(text):,} characters{what}: allowed are "
                f"{LONGEST:,}, shorten it"
            )


def question_text(markdown: str, options: Sequence[str], before: Sequence[str]) -> str:
    """What the assistant writes to ask; before: the options of the question before, none at first."""
    if tuple(options) == tuple(before):
        return markdown
    return markdown + "".join(f"\n- {option}" for option in options)


def answer_text(options: Sequence[str], answer: Answer) -> str:
    """What the user writes: the chosen option, pictures as their alternative text."""
    return SKIP if answer is None else plain(options[answer])


def known_text(turns: Iterable[Turn]) -> str:
    """Answers that are known beforehand, a line each."""
    return "\n".join(f"{plain(one.markdown)} {answer_text(one.options, one.answer)}" for one in turns)


def about_text(about: str | Mapping[str, int | str], questions: Mapping[str, Question]) -> str:
    """What is known beforehand as one text: notes as they are, or answers by question id.

    Answers to questions that are not among the given ones are written by their id. The first 4,000
    characters are read; that more are left out is told.
    """
    if isinstance(about, str):
        return _first(about.strip())
    lines = []
    for name, answer in about.items():
        question = questions.get(name)
        if question is None:
            lines.append(f"{name} {answer}")
            continue
        said = plain(question.options[answer].markdown) if isinstance(answer, int) else answer
        lines.append(f"{plain(question.markdown)} {said}")
    return _first("\n".join(lines))


def _first(text: str) -> str:
    if len(text) > NOTED:
        log.warning(
            "of what is known, %d characters after the first %d are not read", len(text) - NOTED, NOTED
        )
    return text[:NOTED]


def chat(turns: Sequence[Turn], about: str = "") -> list[Message]:
    """An interview as messages, what is known beforehand first."""
    messages: list[Message] = [{"role": "system", "content": about}]
    before: tuple[str, ...] = ()
    for one in turns:
        messages.append({"role": "assistant", "content": question_text(one.markdown, one.options, before)})
        messages.append({"role": "user", "content": answer_text(one.options, one.answer)})
        before = one.options
    return messages


def encode(tokenizer: Any, messages: Sequence[Message]) -> Encoded:
    """Messages as tokens, each with the end token after it."""
    ids, asked = list[int](), list[bool]()
    for message in messages:
        own = tokens(tokenizer, message["content"])
        ids += own
        asked += [message["role"] == "assistant"] * len(own)
    return Encoded(tuple(ids), tuple(asked))


def tokens(tokenizer: Any, text: str) -> list[int]:
    """The tokens of one message, its end token last; special tokens in the text are plain text."""
    found = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"] if text else []
    return [*found, tokenizer.eos_token_id]
