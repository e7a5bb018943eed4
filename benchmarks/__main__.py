"""All benchmarks of `make bench`, one after another; each alone: `python -m benchmarks.NAME --json FILE`."""

from __future__ import annotations

import subprocess
import sys

NAMES = ("next_question", "pairs", "planning", "session")


def main() -> int:
    """Runs each benchmark in a process of its own; returns the number that failed."""
    return sum(subprocess.call([sys.executable, "-m", f"benchmarks.{name}"]) != 0 for name in NAMES)


if __name__ == "__main__":
    sys.exit(main())
