"""A real Chromium, and the app served to it from a thread."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    """A port of this computer that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started() -> Iterator[Any]:
    """A Chromium that is closed in the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@contextmanager
def serving(workspace: Any, **settings: Any) -> Iterator[str]:
    """The address of the app on a free port of this computer; settings are those of its service."""
    import uvicorn

    from ui.server import create_app
    from ui.service import InterviewService

    port = free_port()
    made: list[Any] = []

    async def run() -> None:
        app = create_app(workspace, service=InterviewService(workspace, **settings))
        made.append(app)
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
        made.append(server)
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    while len(made) < 2 or not made[1].started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    made[1].should_exit = True
    thread.join()
    made[0].state.service.close()
