"""Fixtures of the web app's tests: a small world, its app, and visitors of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeWorkspace, Visit
from fastapi import FastAPI
from starlette.testclient import TestClient

from prefs.store import Store
from ui.service import InterviewService

OWN_PAGE = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def make_workspace(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    stores: list[Store] = []

    def make(**settings: Any) -> Any:
        store = Store.open(tmp_path / f"answers{len(stores)}.sqlite")
        stores.append(store)
        return FakeWorkspace(tmp_path, store, **settings)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def service(make_workspace: Callable[..., Any]) -> Iterator[InterviewService]:
    found = InterviewService(make_workspace())
    yield found
    found.close()


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """Makes visitors, each a guest of his own, of one hosted app."""
    yield from _visits(tmp_path_factory.mktemp("hosted"), "0.0.0.0", "http://kallisti.example")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """Makes visitors, all the local person, of an app on a loopback address."""
    yield from _visits(tmp_path_factory.mktemp("local"), "127.0.0.1", "http://127.0.0.1")


def _visits(folder: Path, host: str, base: str) -> Iterator[Visit]:
    from ui.server import create_app

    store = Store.open(folder / "answers.sqlite")
    workspace = FakeWorkspace(folder, store, kinds=("pair", "bank"))

    async def build() -> FastAPI:  # Gradio makes event loops that it never closes where none runs
        return create_app(workspace, host)

    app = asyncio.run(build())

    def visit() -> TestClient:
        client = TestClient(app, base_url=base, headers=OWN_PAGE, raise_server_exceptions=False)
        client.get("/")
        return client

    yield visit
    app.state.service.close()
    store.close()
