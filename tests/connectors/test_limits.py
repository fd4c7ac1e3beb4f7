"""How much is taken, by every way of counting; and requests that are too large, however they are sent."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from actions.dossiers.tries import Claim, DatabaseStore, Full, Limit, RedisStore, Store, StoreAwayError, Taken
from connectors import errors
from connectors import limits as limits_module
from connectors.limits import Admission, BodyLimit, Limits, MemoryStore, limits_for
from knowledge.database import connect
from knowledge.settings import Settings
from tests.conftest import unavailable
from tests.connectors.pathway import KEY
from tests.databases import KINDS, emptied

REDIS = os.environ.get("MOTCUA_TEST_REDIS", "redis://127.0.0.1:6379/0")
FEW = {"rate_limit_per_minute": 3, "rate_limit_per_address": 5, "rate_limit_per_channel": 8}


def few(**changes: Any) -> Settings:
    return Settings(**(FEW | changes))


@pytest.fixture(params=["memory", "redis", *KINDS])
def store(request: pytest.FixtureRequest, databases: Callable[[str], str]) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
    elif request.param != "redis":
        engine = connect(emptied(databases(request.param)))
        yield DatabaseStore(engine)
        engine.dispose()
    else:
        client = redis.Redis.from_url(REDIS)
        prefix = f"motcua:test:{uuid.uuid4().hex}:"
        try:
            client.ping()
        except redis.RedisError:
            unavailable("no Redis answers on 127.0.0.1:6379")
        yield RedisStore(REDIS, prefix=prefix)
        for key in client.scan_iter(f"{prefix}*"):
            client.delete(key)


def test_a_conversation_is_told_once_and_then_dropped(store: Store) -> None:
    limits = Limits(store, KEY, few())
    seen = [limits.admit("zalo", "an") for _ in range(6)]
    assert seen == [Admission.YES] * 3 + [Admission.TELL, Admission.DROP, Admission.DROP]
    assert limits.admit("zalo", "binh") is Admission.YES
    assert limits.allow("telegram", "an")


def test_an_address_and_a_channel_are_counted_too(store: Store) -> None:
    limits = Limits(store, KEY, few(rate_limit_per_channel=7))
    by_address = [limits.admit("web", f"s{n}", "203.0.113.7") for n in range(7)]
    assert by_address == [Admission.YES] * 5 + [Admission.TELL] * 2
    assert limits.admit("web", "other", "203.0.113.8") is Admission.YES
    assert limits.admit("web", "another", "203.0.113.9") is Admission.YES
    assert limits.admit("web", "last", "203.0.113.10") is Admission.TELL, "the channel is full"
    assert limits.admit("zalo", "last") is Admission.YES


def test_names_are_counted_under_hashes(engine: sa.Engine) -> None:
    Limits(DatabaseStore(engine), KEY, few()).admit("zalo", "an-rieng", "203.0.113.7")
    with engine.connect() as connection:
        found = str(connection.execute(sa.text("select * from dossier_try")).all())
    assert "an-rieng" not in found
    assert "203.0.113.7" not in found


def test_where_nothing_can_be_counted_everything_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    class Away:
        def take(self, claims: Any) -> Any:
            raise StoreAwayError("ConnectionError")

        def give_back(self, taken: Any) -> None: ...

    assert Limits(Away(), KEY, few()).admit("zalo", "an-rieng") is Admission.YES
    assert "cannot be counted" in caplog.text
    assert "an-rieng" not in caplog.text


def test_windows_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(limits_module.time, "monotonic", lambda: now[0])
    store, claim = MemoryStore(), Claim("k", Limit(1, 60))
    (taken,) = store.take([claim])  # type: ignore[misc]
    assert store.take([claim, Claim("other", Limit(1, 60))]) == Full(60)
    assert isinstance(store.take([Claim("other", Limit(1, 60))]), list), "nothing is counted where one is full"
    store.give_back([taken])
    assert store.take([claim]) == [Taken("k", 60)]
    now[0] = 60.0
    assert isinstance(store.take([claim]), list)


def test_where_they_are_counted(engine: sa.Engine) -> None:
    kinds = {"sqlite": MemoryStore, "postgresql": DatabaseStore}
    assert type(limits_for(engine, KEY, few())._store) is kinds[engine.dialect.name]
    assert type(limits_for(engine, KEY, few(redis_url=REDIS))._store) is RedisStore


# -- the size of requests -----------------------------------------------------------------------


@pytest.fixture
def http() -> TestClient:
    app = FastAPI()
    errors.install(app)
    app.add_middleware(BodyLimit, usual=100, by_prefix={"/large": 1_000})

    @app.post("/small")
    @app.post("/large")
    async def count(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    return TestClient(app)


@pytest.mark.parametrize(("path", "most"), [("/small", 100), ("/large", 1_000)])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_over_the_limit_get_413(path: str, most: int, chunked: bool, http: TestClient) -> None:
    def post(size: int) -> Any:
        body: Any = (b"x" for _ in range(size)) if chunked else b"x" * size
        return http.post(path, content=body)

    assert post(most).json() == {"bytes": most}
    too_large = post(most + 1)
    assert too_large.status_code == 413
    assert too_large.json()["error"]["code"] == "too_large"
    assert post(0).json() == {"bytes": 0}


def test_a_wrong_length_header_helps_nobody(http: TestClient) -> None:
    for length in ("5", "-1", "x", "9" * 30):
        assert http.post("/small", content=b"x" * 200, headers={"content-length": length}).status_code == 413


async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_module, "_BODY_S", 0.05)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(*_: Any) -> None:
        raise AssertionError("the app never sees it")

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    await BodyLimit(app, 1_000, {})(scope, receive, send)
    assert sent[0]["status"] == 408


async def test_who_hangs_up_is_left_to_the_app() -> None:
    messages = [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}]
    seen = []

    async def receive() -> Any:
        return messages.pop(0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend([await receive(), await receive()])

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    await BodyLimit(app, 1_000, {})(scope, receive, receive)
    assert [message["type"] for message in seen] == ["http.request", "http.disconnect"]
