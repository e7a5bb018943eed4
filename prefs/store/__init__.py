"""The answer database: who answered what when, append-only, durable when a call returns."""

from prefs.store.exchange import EXPORT_FORMAT
from prefs.store.facts import InterviewFacts, RaterFacts
from prefs.store.store import Recorded, Store

__all__ = ["EXPORT_FORMAT", "InterviewFacts", "RaterFacts", "Recorded", "Store"]
