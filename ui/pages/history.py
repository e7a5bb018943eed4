"""History: every answer, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ui import views

if TYPE_CHECKING:
    from prefs.interview import Interview
    from training.workspace import Workspace


def history(workspace: Workspace, interview: Interview) -> views.Json:
    """All answers that stand, newest first, and what was known before; unread: about what is not open."""
    answers = [views.answered(asked, answer) for asked, answer in reversed(interview.answers)]
    known = [{"question": views.shown(question), "answer": answer} for question, answer in interview.known]
    return {"answers": answers, "known": known, "unread": interview.unread}
