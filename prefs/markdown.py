"""Reads and writes the Markdown of questions: text with pictures `![alt](item:ID)`.

Only `item:` targets are pictures. Any other image or link (http, file, data, javascript) and any
HTML is plain text: it is shown as written and never fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

ITEM_ID = r"[A-Za-z0-9][A-Za-z0-9._~-]{0,199}"
_PICTURE = re.compile(rf"!\[(?P<alt>[^\[\]\n]*)\]\(item:(?P<item>{ITEM_ID})\)")


@dataclass(frozen=True, slots=True)
class Text:
    """A run of text, to be shown exactly as it is (escaped for the medium)."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a gallery by its item id, with its alternative text."""

    item: str
    alt: str


def segments(markdown: str) -> Iterator[Text | Picture]:
    """Yields the text runs and pictures of a question, in order; joined they are the input."""
    position = 0
    for match in _PICTURE.finditer(markdown):
        if match.start() > position:
            yield Text(markdown[position : match.start()])
        yield Picture(match["item"], match["alt"])
        position = match.end()
    if position < len(markdown):
        yield Text(markdown[position:])


def items_in(markdown: str) -> tuple[str, ...]:
    """Item ids of the pictures in a Markdown text, in order, repeats included."""
    return tuple(match["item"] for match in _PICTURE.finditer(markdown))


def sole_item(markdown: str) -> str | None:
    """The item id if the whole text is exactly one picture, else None."""
    match = _PICTURE.fullmatch(markdown.strip())
    return match["item"] if match else None


def plain(markdown: str) -> str:
    """The text for places that show no pictures: a picture becomes its alternative text."""
    parts = (part.text if isinstance(part, Text) else part.alt or part.item for part in segments(markdown))
    return "".join(parts)
