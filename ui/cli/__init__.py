"""The command line: `kallisti --help`."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line; what goes wrong on purpose ends as one line and exit code 2."""
    from prefs.errors import KallistiError
    from ui.cli.commands import app

    try:
        app()
    except KallistiError as problem:
        print(f"kallisti: {problem}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("kallisti: stopped; every answer given so far is kept", file=sys.stderr)
        sys.exit(130)
