"""My taste: favorites among unseen pictures, a map, what was decisive, and how well it predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from prefs import taste as known
from prefs.markdown import plain
from prefs.model import GallerySource
from prefs.review import decisive, review
from ui import views

if TYPE_CHECKING:
    from prefs.belief import Belief
    from prefs.interview import Interview
    from training.workspace import Workspace
    from ui.views import Json

FAVORITES, ON_MAP, DECISIVE, PREDICTED = 8, 90, 4, 6
ENOUGH = 3  # answers before which a picture of the taste would be mere appeal


def taste(workspace: Workspace, interview: Interview) -> Json:
    """Everything that the page shows; parts that do not apply are null or empty."""
    progress = interview.progress()
    found: Json = {
        "answers": progress.answers,
        "enough": progress.answers >= ENOUGH,
        "progress": views.progress(progress, ()),
    }
    if not found["enough"]:
        return found
    belief = interview.belief
    source = next((s for s in interview.model.sources.values() if isinstance(s, GallerySource)), None)
    seen = {item for asked in interview.asked.values() for item in asked.question.items}
    judged = any(question.items for question, answer in interview.responses if answer is not None)
    found["pictures"] = _pictures(workspace, belief, source, seen) if source and judged else None
    found["decisive"] = _decisive(interview)
    found["predicted"] = _predicted(workspace, interview)
    found["scales"] = _scales(workspace, interview)
    found["expected"] = _expected(workspace, interview)
    return found


def _pictures(workspace: Workspace, belief: Belief, source: GallerySource, seen: set[str]) -> Json:
    ranking = known.rank(belief, source)

    def hung(position: int) -> Json:
        item = ranking.items[position]
        return {"item": item, "alt": workspace.alt(item), "above": float(ranking.above_median[position])}

    def chosen(least: bool) -> list[Json]:
        places = known.favorites(ranking, source.taste, FAVORITES, seen=seen, least=least)
        return [hung(position) for position in places]

    spread = np.unique(np.linspace(0, len(ranking.items) - 1, ON_MAP).astype(np.intp))
    places = known.map_of(belief, source, ranking.rows[spread])
    low, high = places.min(0), places.max(0)
    places = (places - low) / np.maximum(high - low, 1e-9)
    return {
        "favorites": chosen(False),
        "least": chosen(True),
        "map": [
            {**hung(int(position)), "x": float(x), "y": float(y)}
            for position, (x, y) in zip(spread, places, strict=True)
        ],
        "total": len(ranking.items),
    }


def _decisive(interview: Interview) -> list[Json]:
    """The answers that formed the taste most, with the bits that each contributed."""
    shown = {id(asked.question): (asked, answer) for asked, answer in interview.answers}
    responses = interview.responses
    found = [(responses[row][0], bits) for row, bits in decisive(interview.model, responses)]
    told = [(*shown[id(question)], bits) for question, bits in found if id(question) in shown][:DECISIVE]
    return [{**views.answered(asked, answer), "bits": bits} for asked, answer, bits in told]


def _predicted(workspace: Workspace, interview: Interview) -> Json:
    """How each answer would have been foretold from those before it."""
    found = review(interview.model, interview.responses)
    return {
        "count": len(found.right),
        "right": int(found.right.sum()),
        "generic": int(found.generic_right.sum()) if workspace.banks else None,
        "by_chance": float((found.uniform).sum()),
        "run": [bool(right) for right in found.right[-40:]],
    }


def _scales(workspace: Workspace, interview: Interview) -> list[Json]:
    """Percentiles of the person among the people that each bank was fitted on."""
    found: list[Json] = []
    for fitted in workspace.banks.values():
        directions = fitted.directions(interview.model.space)
        for one in known.percentiles(interview.belief, interview.model, directions):
            found.append(
                {
                    "bank": fitted.bank.title or fitted.bank.name,
                    "name": one.name,
                    "percentile": one.percentile,
                    "low": one.low,
                    "high": one.high,
                }
            )
    return found


def _expected(workspace: Workspace, interview: Interview) -> list[Json]:
    """The surest predictions of sentences that were not asked."""
    asked = {one.question.key for one in interview.asked.values()}
    asked |= {question.key for question, _ in interview.known}
    open_: list[Any] = [
        question
        for fitted in workspace.banks.values()
        for question in fitted.bank.questions
        if question.key not in asked
    ]
    found = known.predictions(interview.belief, interview.model, open_)
    found.sort(key=lambda one: -one.certainty)
    return [
        {
            "text": plain(one.question.markdown),
            "answer": plain(one.question.options[one.answer].markdown),
            "certainty": one.certainty,
        }
        for one in found[:PREDICTED]
    ]
