"""The web channel served on the loopback address, and callers of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from knowledge.settings import Settings
from tests.connectors.web.site import served, web_app

PORTAL = "https://xatanlap.example.vn"


class Visitor:
    """A browser's tab: a session, its token, and calls with it."""

    def __init__(self, base: str) -> None:
        self.http = httpx.Client(base_url=f"{base}/api/v1/web", timeout=40)
        self.opened = self.http.post("/sessions").json()
        self.session: str = self.opened["session"]
        self.signed = {"Authorization": f"Bearer {self.opened['token']}"}

    def say(self, text: str, *, wait: bool = False, **more: object) -> httpx.Response:
        body = {"text": text, "wait": wait, **more}
        return self.http.post("/messages", json=body, headers=self.signed)

    def poll(self, after: int = 0) -> list[dict]:  # type: ignore[type-arg]
        params = {"wait": "poll", "last_event_id": after}
        return self.http.get("/events", params=params, headers=self.signed).json()["events"]

    def history(self) -> list[dict]:  # type: ignore[type-arg]
        return self.http.get("/history", headers=self.signed).json()["events"]

    def lines(self, after: int = 0) -> Iterator[str]:
        """The lines of the stream, until the caller has enough."""
        headers = self.signed | {"Last-Event-ID": str(after)}
        with self.http.stream("GET", "/events", headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            yield from response.iter_lines()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    home = tmp_path_factory.mktemp("web")
    return web_app(Settings(home=home, hotline="1022", office="Xã Tân Lập", web_origins=[PORTAL]))


@pytest.fixture(scope="module")
def base(app: FastAPI) -> Iterator[str]:
    with served(app) as url:
        yield url


@pytest.fixture
def visitor(base: str) -> Visitor:
    return Visitor(base)


@pytest.fixture
def on_database(tmp_path: Path, database_url: str) -> Iterator[Callable[[], str]]:
    """Starts app processes of one installation over SQLite and over PostgreSQL; each call gives the base URL of another."""
    with ExitStack() as running:
        yield lambda: running.enter_context(served(web_app(Settings(home=tmp_path, database_url=database_url))))
