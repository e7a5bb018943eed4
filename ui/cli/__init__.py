"""The command line: `kallisti --help`."""

from __future__ import annotations

import logging
import sys

BAD, INTERRUPTED = 2, 130
ANSWERS, RESUME = "every answer given so far is kept", "what was done is kept, add --resume to go on"
AGAIN = "what was done is kept, the same command goes on"
STOPPED = {  # by command, what becomes of the work after an interrupt
    "interview": ANSWERS,
    "serve": ANSWERS,
    "train": RESUME,
    "plan": RESUME,
    "iterate": RESUME,
    "index": AGAIN,
    "retrain": AGAIN,
    "evaluate": "nothing was written",
}


def main() -> None:
    """Runs the command line; what goes wrong on purpose ends as one line and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # terminals without UTF-8
    logging.basicConfig(level=logging.WARNING, format="kallisti: %(message)s")
    sys.exit(_run())


def _run() -> int:
    """The exit code."""
    from typer import Abort, TyperException

    from prefs.errors import KallistiError
    from ui.cli.commands import app

    try:
        code = int(app(standalone_mode=False) or 0)
    except KallistiError as problem:
        return _told(str(problem), BAD)
    except TyperException as problem:
        text = " ".join(problem.format_message().split())
        return _told(f"{text} See --help.", problem.exit_code) if text else problem.exit_code
    except Abort:
        return _told("stopped: nothing was answered", BAD)
    except OSError as problem:  # a full disk, a file that is taken away: the system's own words say it best
        return _told(f"{problem.strerror or problem}: {problem.filename or 'check the disk'}", BAD)
    if code == INTERRUPTED:
        kept = STOPPED.get(next(iter(sys.argv[1:]), ""))
        _told(f"stopped; {kept}" if kept else "stopped", code)
    return code


def _told(line: str, code: int) -> int:
    print(f"kallisti: {line}", file=sys.stderr)
    return code
