"""What a question says apart from its lead-in: for reading it in other words, and for finding it again.

"How accurately does this describe you: "Am often bored."" and "I am often bored" say the same, and a
question that is held out may not be learned from under another lead-in.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from prefs.questions import Question

SHARED = 3  # questions of a set that begin alike, up to a colon, make it a lead-in
QUOTED = re.compile(r'^[^"“”]*(?::|\bthat)\s*["“]([^"“”]+)["”]\W*$')
LEAD = re.compile(r"^([^:\"“]{2,80}):\s+(?=\S)")
SELF = re.compile(r"^(?:i am|i|am)\s+(?=\S)")


def lead_ins(questions: Sequence[Question]) -> frozenset[str]:
    """What three or more of the questions begin with, up to a colon."""
    found = Counter(match[1] for question in questions if (match := LEAD.match(question.markdown)))
    return frozenset(lead for lead, count in found.items() if count >= SHARED)


def core(text: str, leads: frozenset[str]) -> str:
    """The text without its lead-in: what is quoted at its end, or what follows a lead-in.

    A colon or "that" stands before such a quotation; a quoted word inside of a sentence stays in it.
    """
    quoted = QUOTED.match(text)
    if quoted and normalised(quoted[1]):
        return quoted[1].strip()
    match = LEAD.match(text)
    return text[match.end() :].strip() if match and match[1] in leads else text


def normalised(text: str) -> str:
    """Letters and digits in lower case, single spaces, no accents, and no "I", "I am" or "am" in front."""
    plain = unicodedata.normalize("NFKD", text).casefold().replace("'", "").replace("’", "")
    words = "".join(one if one.isalnum() else " " for one in plain if not unicodedata.combining(one)).split()
    return SELF.sub("", " ".join(words))


def stripped(question: Question, leads: frozenset[str]) -> Question:
    """The question without its lead-in; as it is where it shows pictures."""
    return question if question.items else replace(question, markdown=core(question.markdown, leads))
