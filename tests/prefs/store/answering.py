"""Somebody who answers: questions, entries, and a store with a started interview."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from prefs.log import Action, Asked, Entry
from prefs.questions import Answer, pair
from prefs.store import Recorded, Store

NOON = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def question(number: int, prefix: str = "t") -> Asked:
    shown = pair(f"left{number}", f"right{number}", "wall", alts=("an Ölberg", "日本"), topic="hills")
    return Asked(f"{prefix}{number}", shown, "eig", 0.5 + number / 7, None, number)


def entry(
    name: str,
    action: Action = "answer",
    token: str | None = None,
    answer: Answer = None,
    item: str | None = None,
    response_ms: int | None = 812,
) -> Entry:
    return Entry(name, token, action, answer, item, response_ms, NOON)


def started(store: Store, rater_id: str = "me") -> str:
    """An interview whose first question is asked."""
    interview_id = store.start(rater_id, {"planner": "eig", "about": {"age": "grown"}}, "v1")
    store.ask(rater_id, interview_id, question(0))
    return interview_id


def answer(store: Store, interview_id: str, number: int, rater_id: str = "me") -> Recorded:
    """Answers question `number` and stores the one after it."""
    one = entry(f"e{number}", "answer", f"t{number}", number % 3)
    return store.record(rater_id, interview_id, one, question(number + 1))


def write_all(store: Store, prefix: str, writers: int, answers: int) -> list[float]:
    """Each writer answers as a rater of his own; returns the seconds of every answer."""

    def write(number: int) -> list[float]:
        rater = f"{prefix}{number}"
        interview, took = started(store, rater), []
        for place in range(answers):
            start = time.perf_counter()
            answer(store, interview, place, rater)
            took.append(time.perf_counter() - start)
        return took

    with ThreadPoolExecutor(writers) as threads:
        return [seconds for took in threads.map(write, range(writers)) for seconds in took]
