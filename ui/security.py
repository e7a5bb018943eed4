"""The border of the web app: who may ask, how much may be sent, and the headers of every reply.

Two facts decide who is asking: the signed cookie, and that the request comes from our own page.
Gradio's own session hash is chosen by the client and is never trusted.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_LIMIT, IMPORT_LIMIT = 64 << 10, 64 << 20
IMPORT_PATH = "/api/import"

# Gradio's page starts from inline scripts and compiles its templates, hence the two exceptions.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
# Of Gradio's routes only those that its page needs to start; no uploads, files, proxies or calls.
_GRADIO_NEEDED = re.compile(r"/gradio_api/(startup-events|heartbeat/[\w-]+|info|app_id)/?")


def is_loopback(host: str) -> bool:
    """Whether a host name or address can be reached from this computer only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def allowed_hosts(host: str) -> list[str]:
    """Names under which the app may be called; on a loopback address no others (DNS rebinding)."""
    return ["localhost", "127.0.0.1", "[::1]", "::1", host] if is_loopback(host) else ["*"]


def same_origin(headers: Headers) -> bool:
    """Whether a browser says that the request comes from our own page."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin", "")
    return origin.split("://", 1)[-1] == headers.get("host") if "://" in origin else False


class TooLarge(Exception):
    """A request body is longer than allowed."""


class Guard:
    """Refuses foreign, oversized and needless requests; sets the headers of every reply."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection; websockets are not used and not accepted."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        send = _with_headers(scope, send)
        refusal = self._refusal(scope)
        if refusal:
            await refusal(scope, receive, send)
            return
        limit = IMPORT_LIMIT if scope["path"] == IMPORT_PATH else BODY_LIMIT
        try:
            await self.app(scope, _limited(receive, limit), send)
        except TooLarge:
            await _say(413, f"the request is longer than {limit} bytes")(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers, path = Headers(scope=scope), scope["path"]
        if path.startswith("/gradio_api/") and not _GRADIO_NEEDED.fullmatch(path):
            return _say(404, "there is nothing here")
        if scope["method"] not in SAFE_METHODS and not same_origin(headers):
            return _say(403, "this request does not come from the app's own page")
        limit = IMPORT_LIMIT if path == IMPORT_PATH else BODY_LIMIT
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > limit:
            return _say(413, f"the request is longer than {limit} bytes")
        return None


class Guests:
    """Gives every new visitor of the page a rater of his own: 128 random bits in the signed cookie."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection, inside the session middleware."""
        if scope["type"] == "http" and scope["path"] == "/":
            session: dict[str, Any] = scope["session"]
            session.setdefault("rater", secrets.token_hex(16))
        await self.app(scope, receive, send)


def _say(status: int, line: str) -> JSONResponse:
    return JSONResponse({"detail": line}, status)


def _limited(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def read() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge
        return message

    return read


def _with_headers(scope: Scope, send: Send) -> Send:
    data = scope["path"].startswith(("/api/", "/image/"))

    async def write(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers["content-security-policy"] = DATA_POLICY if data else PAGE_POLICY
            if scope["path"].startswith("/api/"):
                headers["cache-control"] = "no-store"
            if scope.get("scheme") == "https":
                cookies = [f"{cookie}; secure" for cookie in headers.getlist("set-cookie")]
                del headers["set-cookie"]
                for cookie in cookies:
                    headers.append("set-cookie", cookie)
        await send(message)

    return write
