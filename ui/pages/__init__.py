"""What the pages beside the interview show, as JSON; `ui/assets` has a script of the same name for each."""

from ui.pages.data import data
from ui.pages.history import history
from ui.pages.known import candidates, known
from ui.pages.predictions import outcomes, predictions, told
from ui.pages.taste import taste

__all__ = ["candidates", "data", "history", "known", "outcomes", "predictions", "taste", "told"]
