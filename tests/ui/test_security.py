"""The border: headers on every reply, own origin, own host, small bodies, closed doors of Gradio."""

from __future__ import annotations

import socket

import pytest
from fakes import Visit
from starlette.datastructures import Headers

from prefs.errors import ConfigError
from ui.security import allowed_hosts, is_loopback, same_origin
from ui.server import listening

ANY = (
    "/",
    "/api/next",
    "/api/none",
    "/image/item000/256",
    "/image/none/256",
    "/ui/chooser.js",
    "/healthz",
    "/config",
    "/gradio_api/upload",
    "/theme.css",
    "/nothing",
)


@pytest.mark.parametrize("path", ANY)
def test_every_reply_has_the_headers(hosted: Visit, path: str) -> None:
    headers = hosted().get(path).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


def test_foreign_pages_cannot_act(hosted: Visit) -> None:
    client = hosted()
    body = {"topics": ["taste/dawn"]}
    for site in ("cross-site", "same-site", "none"):
        reply = client.post("/api/start", json=body, headers={"sec-fetch-site": site})
        assert reply.status_code == 403
    assert client.get("/api/next").json() == {"start": True}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"origin": "http://here:7860", "host": "here:7860"}, True),
        ({"origin": "http://there", "host": "here:7860"}, False),
        ({"origin": "null", "host": "here:7860"}, False),
        ({"host": "here:7860"}, False),
        ({"sec-fetch-site": "same-origin"}, True),
    ],
)
def test_same_origin(headers: dict[str, str], expected: bool) -> None:
    assert same_origin(Headers(headers)) is expected


def test_a_local_app_answers_to_its_own_names_only(local: Visit) -> None:
    client = local()
    assert client.get("/api/next", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/api/next", headers={"host": "localhost:7860"}).status_code == 200
    assert client.get("/api/next", headers={"host": "[::1]:7860"}).status_code == 200
    assert allowed_hosts("0.0.0.0") == ["*"]


def test_long_bodies_are_refused_also_without_a_length(hosted: Visit) -> None:
    client = hosted()
    assert client.post("/api/start", content=b"x" * 70_000).status_code == 413
    parts = (b"x" * 10_000 for _ in range(10))
    assert client.post("/api/start", content=parts).status_code in (400, 413)


@pytest.mark.parametrize(
    "path", ["upload", "queue/join", "run/predict", "file=/etc/passwd", "proxy=http://x", "call/x"]
)
def test_gradio_offers_no_doors(hosted: Visit, path: str) -> None:
    client = hosted()
    assert client.get(f"/gradio_api/{path}").status_code == 404
    assert client.post(f"/gradio_api/{path}", json={}).status_code == 404


def test_the_page_names_no_other_host(hosted: Visit) -> None:
    config = hosted().get("/config").json()
    assert config["analytics_enabled"] is False
    assert config["run_history"] is False
    assert config["dependencies"] == []
    assert hosted().get("/docs").status_code == 404


def test_loopback() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]")] == [
        True
    ] * 5
    assert [is_loopback(host) for host in ("0.0.0.0", "192.168.1.4", "kallisti.example", "")] == [False] * 4


def test_an_address_that_cannot_be_used_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}.*--port"):
            listening("127.0.0.1", port)
    with listening("127.0.0.1", port) as held:  # a prepared address is held from then on
        assert held.getsockname()[1] == port
        with pytest.raises(ConfigError, match=f"port {port}.*--port"):
            listening("127.0.0.1", port)
    with pytest.raises(ConfigError, match="not an address"):
        listening("no such host", 7860)
    with pytest.raises(ConfigError, match=r"--port|address"):
        listening("203.0.113.7", 7860)
