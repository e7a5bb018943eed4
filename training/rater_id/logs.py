"""Where the figures of a training are logged, beside its report: nowhere, or to trackio on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any, Literal

from vlm.parts import part

LogName = Literal["none", "trackio"]
Logged = Callable[[int, Mapping[str, float]], None]
PROJECT = "kallisti"


@contextmanager
def logger(name: LogName, run: str, settings: Mapping[str, Any]) -> Iterator[Logged | None]:
    """Call what is yielded with (step, figures by name); it is None where nothing is logged.

    run: the name under which the figures stand. settings: kept with them.

    Raises:
        MissingPartError: trackio is not installed.
    """
    if name == "none":
        yield None
        return
    trackio = part("trackio")
    with redirect_stdout(sys.stderr):  # it greets people, and standard output is for results
        trackio.init(
            project=PROJECT,
            name=run,
            config=dict(settings),
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
    try:
        yield lambda step, figures: trackio.log(dict(figures), step=step)
    finally:
        with redirect_stdout(sys.stderr):
            trackio.finish()
