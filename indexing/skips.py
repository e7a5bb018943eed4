"""What was left out, counted by reason and named, so that nothing disappears silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

NAMED = 3


class Skips:
    """Files that are not used: how many for each reason, with the first names of each.

    total is the number of files that were looked at, skipped ones included.
    """

    def __init__(self, total: int = 0, skipped: Iterable[tuple[str, str]] = ()) -> None:
        self.total = total
        self.reasons: Counter[str] = Counter()
        self._names: dict[str, list[str]] = {}
        for reason, name in skipped:
            self.add(reason, name)

    def add(self, reason: str, name: str) -> None:
        """Counts one file; only the first names of a reason are kept."""
        self.reasons[reason] += 1
        names = self._names.setdefault(reason, [])
        if len(names) < NAMED:
            names.append(printable(name)[-80:])

    def copy(self) -> Skips:
        """The same counts and names, to add to."""
        other = Skips(self.total)
        other.reasons = self.reasons.copy()
        other._names = {reason: list(names) for reason, names in self._names.items()}
        return other

    @property
    def share(self) -> float:
        """Skipped files as a share of all files, 0 to 1."""
        return self.reasons.total() / self.total if self.total else 0.0

    def report(self) -> str:
        """One line for people, "2 of 1,151 files skipped: 2 animated (a.png, b.webp)"; "" for none."""
        if not self.reasons:
            return ""
        parts = []
        for reason, count in sorted(self.reasons.items(), key=lambda found: (-found[1], found[0])):
            more = ", ..." if count > NAMED else ""
            parts.append(f"{count:,} {reason} ({', '.join(self._names[reason])}{more})")
        return f"{self.reasons.total():,} of {self.total:,} files skipped: {', '.join(parts)}"


def printable(name: str) -> str:
    """A name as one harmless line: control characters and invalid code units become "?"."""
    return "".join(character if character.isprintable() else "?" for character in name)
