"""The web server: our routes, Gradio's page and the border around both, in one ASGI app."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefs.errors import ConfigError, InputError, KallistiError, NotDurableError, NotFoundError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from training.workspace import Workspace
    from ui.service import InterviewService

log = logging.getLogger(__name__)

ASSETS = Path(__file__).parent / "assets"
MEDIA = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
COOKIE_AGE_S = 365 * 24 * 3600


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens on the address: whoever connects waits until `serve` answers.

    Raises:
        ConfigError: in one line, why the address cannot be listened on.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as problem:
        raise ConfigError(f"host {host!r} is not an address of this computer: try 127.0.0.1") from problem
    found = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere this would share a port that is in use
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen()
    except OSError as problem:
        found.close()
        if isinstance(problem, PermissionError):
            raise ConfigError(f"port {port} is not allowed: choose one above 1023 with --port") from problem
        raise ConfigError(
            f"cannot listen on {host} port {port} ({problem.strerror}): choose another with --port"
        ) from problem
    return found


def create_app(
    workspace: Workspace, host: str = "127.0.0.1", service: InterviewService | None = None
) -> FastAPI:
    """The whole web app. On a loopback host it serves the local person, elsewhere guests."""
    from fastapi import FastAPI
    from starlette.middleware.sessions import SessionMiddleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from ui.api import routes
    from ui.app import mount
    from ui.security import Guard, Guests, allowed_hosts, is_loopback
    from ui.service import InterviewService

    hosted = not is_loopback(host)
    app = FastAPI(title="Kallisti", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.hosted = hosted
    app.state.service = service or InterviewService(workspace)
    app.include_router(routes(app.state.service, hosted))
    app.add_api_route("/ui/{name}", asset, response_model=None)
    _answer_errors(app)
    mount(app)
    if hosted:
        app.add_middleware(Guests)
    app.add_middleware(
        SessionMiddleware,
        secret_key=workspace.store.secret(),
        session_cookie="kallisti",
        max_age=COOKIE_AGE_S,
        same_site="lax",
    )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(host), www_redirect=False)
    app.add_middleware(Guard)
    return app


def asset(name: str) -> Response:
    """A script, style sheet or drawing of the page; always asked for anew, so that updates show."""
    from starlette.responses import FileResponse, JSONResponse, Response

    from ui.theme import variables

    headers = {"cache-control": "no-cache"}
    if name == "theme.css":
        return Response(variables(), media_type="text/css", headers=headers)
    path = ASSETS / name
    if path.parent != ASSETS or path.suffix not in MEDIA or not path.is_file():
        return JSONResponse({"detail": "there is nothing here"}, 404)
    return FileResponse(path, media_type=MEDIA[path.suffix], headers=headers)


def serve(
    workspace: Workspace, host: str, listener: socket.socket, ready: Callable[[str], Any] | None = None
) -> None:
    """Serves on a listening socket until interrupted; calls ready with the address once the page opens."""
    import uvicorn

    class Server(uvicorn.Server):
        """A server that says when it listens."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if ready and self.started:
                shown = f"[{host}]" if ":" in host else host
                ready(f"http://{shown}:{listener.getsockname()[1]}/")

    app = create_app(workspace, host)
    try:
        Server(uvicorn.Config(app, log_level="warning", server_header=False)).run([listener])
    finally:
        app.state.service.close()


def _answer_errors(app: FastAPI) -> None:
    """Every error of ours becomes its one line; what was not recorded may be sent again."""
    from fastapi.exceptions import RequestValidationError
    from starlette.responses import JSONResponse

    from ui.service import AnsweredError, NotStartedError

    def line(status: int) -> Callable[[Request, Exception], Response]:
        return lambda request, problem: JSONResponse({"detail": str(problem)}, status)

    def malformed(request: Request, problem: Exception) -> Response:
        return JSONResponse({"detail": "the request is not what this address takes"}, 422)

    def failed(request: Request, problem: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=problem)
        return JSONResponse({"detail": "the server failed; nothing was recorded"}, 500)

    app.add_exception_handler(InputError, line(400))
    app.add_exception_handler(NotFoundError, line(404))
    app.add_exception_handler(AnsweredError, line(409))
    app.add_exception_handler(NotStartedError, line(409))
    app.add_exception_handler(NotDurableError, line(503))
    app.add_exception_handler(KallistiError, failed)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(Exception, failed)
