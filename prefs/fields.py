"""Reads JSON from outside field by field, so that an error names the place, the value and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

from prefs.errors import DataError

SHOWN = 60  # characters of a wrong value in a message


class Fields:
    """A JSON object and where it stands, such as `me.json: interviews[0].entries[3]`.

    Every method returns the field as its type; the `maybe_` ones None where it is null or absent.

    Raises:
        DataError: not an object; a field is missing or of another type.
    """

    def __init__(self, data: Any, where: str) -> None:
        self.where = where
        if not isinstance(data, dict):
            raise DataError(f"{where}: {_shown(data)}, expected an object with fields")
        self._data = data

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._data.get(name) is not None

    def text(self, name: str) -> str:
        """A string."""
        return str(self._required(name, "text", str))

    def maybe_text(self, name: str) -> str | None:
        """A string or null."""
        return None if self._data.get(name) is None else self.text(name)

    def truth(self, name: str) -> bool:
        """True or false."""
        return bool(self._required(name, "true or false", bool))

    def whole(self, name: str) -> int:
        """A whole number."""
        return int(self._required(name, "a whole number", int))

    def maybe_whole(self, name: str) -> int | None:
        """A whole number or null."""
        return None if self._data.get(name) is None else self.whole(name)

    def maybe_number(self, name: str) -> float | None:
        """A finite number or null."""
        if self._data.get(name) is None:
            return None
        value = float(self._required(name, "a number or null", int, float))
        if not math.isfinite(value):
            self._refuse(name, "a finite number or null")
        return value

    def moment(self, name: str) -> datetime:
        """A moment in ISO 8601 with its time zone, in UTC."""
        try:
            value = datetime.fromisoformat(self.text(name))
        except ValueError:
            self._refuse(name, "a moment like 2026-01-31T12:00:00+00:00")
        if value.tzinfo is None:
            self._refuse(name, "a moment with a time zone")
        return value.astimezone(UTC)

    def object(self, name: str) -> dict[str, Any]:
        """An object, as it is."""
        return dict(self._required(name, "an object", dict))

    def fields(self, name: str) -> Fields:
        """An object, to be read field by field."""
        return Fields(self._required(name, "an object", dict), f"{self.where}.{name}")

    def rows(self, name: str) -> Iterator[Fields]:
        """A list of objects."""
        for place, row in enumerate(self._required(name, "a list", list)):
            yield Fields(row, f"{self.where}.{name}[{place}]")

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        found = self._required(name, "a list of texts", list)
        return (
            tuple(found)
            if all(isinstance(one, str) for one in found)
            else self._refuse(name, "a list of texts")
        )

    def _required(self, name: str, allowed: str, *types: type) -> Any:
        value = self._data.get(name)
        # bool is an int to Python, but not to JSON
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            self._refuse(name, allowed)
        return value

    def _refuse(self, name: str, allowed: str) -> NoReturn:
        found = _shown(self._data[name]) if name in self._data else "missing"
        raise DataError(f"{self.where}.{name}: {found}, expected {allowed}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
