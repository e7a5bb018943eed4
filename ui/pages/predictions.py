"""Predictions: what the person is expected to say to what was not asked, and how that came true.

What was foretold of an answer never changes, so that it is worked out once.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from prefs.errors import NotFoundError
from prefs.gallerypools import PairPool
from prefs.log import foretellable
from prefs.pools import BankPool, content
from prefs.predictions import Forecast, forecasts, foretold, score
from ui import views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefs.interview import Interview
    from prefs.log import Asked
    from prefs.questions import Answer, Question
    from training.workspace import Workspace
    from ui.views import Json

PAIRS = 24  # pairs of pictures that are offered at once
LATEST = 60  # answered predictions that are listed
REMEMBERED = 20_000  # forecasts of answered questions that are kept in memory, of all people

_remembered: dict[bytes, Forecast] = {}
_remembering = threading.Lock()  # requests are answered by many threads


def predictions(workspace: Workspace, interview: Interview, shown: bool) -> Json:
    """What can be foretold: `offers`, their options in `scales`, which offers refer to by index.

    people: whether there is a bank, and so people in general to compare with.
    shown: whether the expected distributions are wanted; otherwise only how sure they are.
    """
    questions = offered(interview)
    topics = _topics(workspace, questions)
    found = forecasts(interview.model, interview.responses, questions)
    scales: dict[tuple[tuple[str, str], ...], int] = {}
    offers = []
    for question, one in zip(questions, found, strict=True):
        options = tuple((option.role, option.markdown) for option in question.options)
        offer: Json = {
            "id": question.question_id,
            "source": question.source,
            "topic": topics[question.source, question.domain, question.topic],
            "kind": question.kind,
            "prompt": views.parts(question.markdown),
            "scale": scales.setdefault(options, len(scales)),
            "sure": round(one.certainty, 4),
            "gain": round(one.gain_bits, 4),
        }
        offers.append({**offer, **_distribution(one)} if shown else offer)
    return {
        "answers": sum(answer is not None for _, answer in interview.responses),
        "known": len(interview.known),
        "people": bool(workspace.banks),
        "offers": offers,
        "scales": [[{"role": role, "parts": views.parts(text)} for role, text in one] for one in scales],
    }


def outcomes(workspace: Workspace, interview: Interview) -> Json:
    """How predictions came true: the latest answered ones, newest first, and the score of all."""
    found = _told(interview)
    return {
        "told": [_card(interview, *one) for one in reversed(found[-LATEST:])],
        "score": _score(interview, found),
    }


def told(interview: Interview, token: str) -> Json:
    """An answer beside what was expected, `told`, and the score with it.

    Raises:
        NotFoundError: there is no answer to a question of this token that the person chose.
    """
    found = _told(interview)
    mine = next((one for one in found if one[0].token == token), None)
    if mine is None:
        raise NotFoundError("this answer was taken back: open the page again")
    return {"told": _card(interview, *mine), "score": _score(interview, found)}


def offered(interview: Interview) -> list[Question]:
    """Questions of the chosen topics that were not asked: all sentences, and some pairs of pictures.

    After every 24 answers given here other pairs come.
    """
    before = sum(asked.by_person for asked, _ in interview.answers)
    found: list[Question] = []
    for pool in interview.pools:
        if isinstance(pool, BankPool):
            found += pool.unasked(interview.past)
        elif isinstance(pool, PairPool):
            found += pool.unasked(PAIRS, interview.past, np.random.default_rng(before // PAIRS))
    return found


def find(interview: Interview, source: str, question_id: str) -> Question:
    """The question that was offered under this id; raises NotFoundError where it cannot be."""
    for pool in interview.pools:
        if pool.name == source and isinstance(pool, BankPool | PairPool):
            question = pool.find(question_id)
            if question is not None:
                return question
    raise NotFoundError(
        f"question {question_id[:140]!r} is not among those that are open: open the page again"
    )


def _told(interview: Interview) -> list[tuple[Asked, Forecast]]:
    """What the person chose to answer, in the order of answering, each foretold from what was said before."""
    given = interview.given
    before = interview.responses[: len(interview.responses) - len(given)]
    responses = [*before, *((asked.question, answer) for asked, answer in given)]
    keys = _keys(interview.model.version, responses)
    chosen = [(row, asked) for row, (asked, _) in enumerate(given, len(before)) if asked.by_person]
    with _remembering:
        found = {row: _remembered[keys[row]] for row, _ in chosen if keys[row] in _remembered}
    missing = [row for row, _ in chosen if row not in found]
    found |= dict(zip(missing, foretold(interview.model, responses, missing), strict=True))
    with _remembering:
        _remembered.update((keys[row], found[row]) for row in missing)
        for key in list(_remembered)[: max(0, len(_remembered) - REMEMBERED)]:
            del _remembered[key]
    return [(asked, found[row]) for row, asked in chosen]


def _keys(version: str, responses: Sequence[tuple[Question, Answer]]) -> list[bytes]:
    """Names all that a forecast is made of: the model, what was said before, question and answer."""
    content, keys = hashlib.sha256(version.encode()), []
    for question, answer in responses:
        shown = "\n".join(option.markdown for option in question.options)
        content.update(f"\n{question.source}\n{question.question_id}\n{shown}\n{answer}".encode())
        keys.append(content.digest())
    return keys


def _score(interview: Interview, told: list[tuple[Asked, Forecast]]) -> Json:
    """How the predictions came true that were not seen before the answer."""
    counts = foretellable(interview.asked, interview.entries)
    return asdict(score([one for asked, one in told if asked.token in counts]))


def _card(interview: Interview, asked: Asked, one: Forecast) -> Json:
    counts = foretellable(interview.asked, interview.entries)
    return {
        **views.answered(asked, one.said),
        **_distribution(one),
        "id": asked.question.question_id,
        "expected": one.answer,
        "sure": one.certainty,
        "right": one.right,
        "counts": asked.token in counts,
    }


def _distribution(one: Forecast) -> Json:
    return {
        "chances": [round(float(p), 4) for p in one.chances],
        "people": [round(float(p), 4) for p in one.population],
    }


def _topics(workspace: Workspace, questions: Sequence[Question]) -> dict[tuple[str, str, str], str]:
    """What questions are about, for the screen, by source, domain and topic.

    A content that several banks share is told apart by the bank's title; pictures are one topic.
    """
    kinds = dict.fromkeys((one.source, one.domain, one.topic) for one in questions)
    sources: dict[str, set[str]] = {}
    for source, domain, topic in kinds:
        sources.setdefault(content(domain, topic), set()).add(source)
    found = {}
    for source, domain, topic in kinds:
        fitted = workspace.banks.get(source)
        shared = len(sources[content(domain, topic)]) > 1
        name = views.label(content(domain, topic))
        found[source, domain, topic] = (
            "pictures" if fitted is None else (fitted.bank.title or source) if shared else name
        )
    return found
