"""What `kallisti interview` says at its end: progress, percentiles, expected answers."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from indexing.skips import printable
from prefs import taste
from prefs.markdown import plain
from prefs.progress import describe
from prefs.raters import LOCAL_RATER

if TYPE_CHECKING:
    from prefs.interview import Interview
    from training.workspace import Workspace

SHOWN = 8  # expected answers
BAR = 20  # characters of a percentile's bar


def facts(workspace: Workspace, live: Interview, rater: str) -> dict[str, Any]:
    """What the answers say, as JSON; `expected` are the surest answers to questions not asked."""
    progress = live.progress()
    found = {
        "rater": rater,
        "answers": progress.answers,
        "unread": live.unread,
        "summary": describe(progress),
        "accuracy": {
            "prior": progress.forecast.prior,
            "now": progress.forecast.now,
            "achievable": progress.forecast.achievable,
        },
        "banks": [_of_bank(live, fitted) for fitted in workspace.banks.values()],
    }
    if workspace.galleries and progress.answers:
        folder = next(iter(workspace.galleries.values())).gallery.root
        whose = "" if rater == LOCAL_RATER else f" --rater {shlex.quote(rater)}"
        found["next"] = f"kallisti rank {shlex.quote(str(folder))}{whose} --out order.html"
    return found


def _of_bank(live: Interview, fitted: Any) -> dict[str, Any]:
    directions = fitted.directions(live.model.space)
    done = {one.question.key for one, _ in live.answers} | {question.key for question, _ in live.known}
    rest = [question for question in fitted.bank.questions if question.key not in done]
    guesses = sorted(taste.predictions(live.belief, live.model, rest), key=lambda one: -one.certainty)
    return {
        "bank": fitted.bank.name,
        "title": fitted.bank.title,
        "people": fitted.report["raters"],
        "percentiles": [
            {"scale": one.name, "percentile": one.percentile, "low": one.low, "high": one.high}
            for one in taste.percentiles(live.belief, live.model, directions)
        ],
        "expected": [
            {
                "question_id": guess.question.question_id,
                "question": plain(guess.question.markdown),
                "answer": plain(guess.question.options[guess.answer].markdown),
                "certainty": guess.certainty,
            }
            for guess in guesses[:SHOWN]
        ],
    }


def text(found: dict[str, Any]) -> str:
    """The facts in plain words and figures."""
    lines = ["", found["summary"]]
    if found["unread"]:
        lines.append(
            f"{found['unread']} of them are about pictures or banks that are not open now: they wait."
        )
    for bank in found["banks"] if found["answers"] else ():
        if bank["percentiles"]:
            lines += ["", f"{printable(bank['title'])}: where you stand among {bank['people']:,} people"]
        lines += [_percentile(one) for one in bank["percentiles"]]
        if bank["expected"]:
            lines += ["", f"{printable(bank['title'])}: what you would probably answer to what was not asked"]
        for guess in bank["expected"]:
            said = f"{printable(guess['answer'])}: {printable(guess['question'])}"
            lines.append(f"  {guess['certainty']:4.0%}  {said}")
    if "next" in found:
        lines += ["", f"Your pictures in order: {found['next']}"]
    return "\n".join(lines)


def _percentile(one: dict[str, Any]) -> str:
    """A percentile as a dot on a line, its 95 % interval drawn strongly."""
    low, place, high = (round(one[name] / 100 * BAR) for name in ("low", "percentile", "high"))
    marks = ["━" if low <= at <= high else "·" for at in range(BAR + 1)]
    marks[place] = "●"
    interval = f"{one['percentile']:3.0f}  (95 %: {one['low']:.0f} to {one['high']:.0f})"
    return f"  {one['scale']:<20} {''.join(marks)}  {interval}"
