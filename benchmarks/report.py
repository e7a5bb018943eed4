"""What all benchmarks share: timing against a reference in the same run, and one form of report."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from prefs.files import write_json


@dataclass(frozen=True)
class Report:
    """What one benchmark measured; seconds are of one run of the work, None where it has no meaning.

    more: figures of this benchmark alone.
    """

    name: str
    size: Mapping[str, int]
    seconds: float
    reference_seconds: float | None
    exactness: float | None
    more: Mapping[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """How many times faster than the reference."""
        return None if self.reference_seconds is None else self.reference_seconds / self.seconds

    def as_json(self) -> dict[str, object]:
        """The report as JSON values."""
        fields = asdict(self)
        more = fields.pop("more")
        return {**fields, "ratio": self.ratio, **more}


def medians(works: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Median wall-clock seconds of each work; they take turns, so that a busy machine hits all alike."""
    for work in works:
        work()
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, times in zip(works, taken, strict=True):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in taken]


def main(measure: Callable[[], Report]) -> None:
    """Command line of a benchmark: measures, prints one line and writes the report where asked."""
    parser = argparse.ArgumentParser(description=measure.__doc__)
    parser.add_argument("--json", type=Path, help="file for the report")
    args = parser.parse_args()
    report = measure()
    if args.json:
        write_json(args.json, report.as_json())
    print(line(report))


def line(report: Report) -> str:
    """The report as one line for people."""
    parts = [f"{report.name}: {1e3 * report.seconds:.1f} ms"]
    if report.reference_seconds is not None and report.ratio is not None:
        parts.append(f"reference {1e3 * report.reference_seconds:.1f} ms ({report.ratio:.1f} times faster)")
    if report.exactness is not None:
        parts.append(f"exactness {report.exactness:.4f}")
    parts += [f"{key} {value:.4g}" for key, value in report.more.items()]
    return ", ".join([*parts, *(f"{key} {value}" for key, value in report.size.items())])
