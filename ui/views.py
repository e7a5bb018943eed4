"""What the browser gets: questions, answers and progress as plain JSON.

Markdown is taken apart here into text and pictures, so that the browser never parses it. Before
an answer nothing is told but what is to be seen: no topic, no score, no planner, no file name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefs.interview import Interview
from prefs.log import Asked
from prefs.markdown import Picture, segments
from prefs.progress import Progress
from prefs.questions import Answer, Question

Json = dict[str, Any]
LAST = 10


def parts(markdown: str) -> list[Json]:
    """Text runs `{"text"}` and pictures `{"item", "alt"}` of a Markdown text, in order."""
    return [
        {"item": part.item, "alt": part.alt} if isinstance(part, Picture) else {"text": part.text}
        for part in segments(markdown)
    ]


def question(asked: Asked) -> Json:
    """A question as it is to be shown."""
    return {"token": asked.token, "number": asked.number, **shown(asked.question)}


def shown(question: Question) -> Json:
    """What is to be seen of a question."""
    return {
        "kind": question.kind,
        "prompt": parts(question.markdown),
        "options": [{"role": option.role, "parts": parts(option.markdown)} for option in question.options],
    }


def answered(asked: Asked, answer: Answer) -> Json:
    """An answer that stands, with its question."""
    return {"number": asked.number, "question": question(asked), "answer": answer}


def standing(interview: Interview, current: Asked | None) -> Json:
    """Where an interview is: the question to show or why it stopped, and the last answers."""
    answers = interview.answers
    return {
        "question": question(current) if current else None,
        "stopped": None if current else interview.stopped,
        "last": [answered(*one) for one in answers[-LAST:]],
        "answers": sum(answer is not None for _, answer in answers),
        "known": len(interview.known),
    }


def progress(found: Progress, notes: Sequence[str]) -> Json:
    """How well the taste is known, in figures."""
    return {
        "known": found.forecast.known,
        "prior": found.forecast.prior,
        "now": found.forecast.now,
        "achievable": found.forecast.achievable,
        "left": found.left,
        "same": found.consistency.same,
        "repeated": found.consistency.repeated,
        "notes": [note for note in notes if note],
    }


def topics(contents: Sequence[str], chosen: set[str] | None) -> list[Json]:
    """What can be asked about, by content name ("taste/flow fields"), and whether it is chosen."""
    return [
        {"id": name, "label": label(name), "chosen": chosen is None or name in chosen} for name in contents
    ]


def label(content: str) -> str:
    """A content as a person reads it: its topic, or its domain where it has none."""
    return content.rsplit("/", 1)[-1]
