"""Limits on tries: on the database and on Redis, within one process and over several real ones."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from actions.dossiers.dossier import Dossier, Found, NotFoundOrMismatch, NotThisSystem, RateLimited, State, Unavailable
from actions.dossiers.reading import vietnam_now
from actions.dossiers.tries import (
    DAY,
    HOUR,
    Claim,
    DatabaseStore,
    DossierTry,
    Full,
    Limit,
    Limits,
    RedisStore,
    Store,
    StoreAwayError,
    Taken,
    Tries,
    network,
    store_for,
)
from knowledge.database import connect
from knowledge.settings import ROOT
from tests.actions.dossiers.conftest import KEY
from tests.databases import KINDS, emptied
from tests.conftest import unavailable

REDIS = os.environ.get("MOTCUA_TEST_REDIS", "redis://127.0.0.1:6379/0")
CODE = "H57.17.26-261110-0001"
WRONG = NotFoundOrMismatch()
RIGHT = Found(Dossier(CODE, State.PROCESSING, "Đang xử lý", "thử", vietnam_now()))
WIDE = Limits(*[(Limit(10_000),)] * 5)


def redis_prefix() -> str:
    """A prefix of its own for one test; skips where no Redis answers."""
    import redis

    try:
        redis.Redis.from_url(REDIS, socket_connect_timeout=1).ping()
    except redis.RedisError:
        unavailable("no Redis answers on 127.0.0.1:6379")
    return f"motcua-test-{uuid.uuid4().hex}:{{tries}}:"


@pytest.fixture
def prefix() -> Iterator[str]:
    import redis

    prefix = redis_prefix()
    yield prefix
    client = redis.Redis.from_url(REDIS)
    for key in client.scan_iter(prefix + "*"):
        client.delete(key)


@pytest.fixture(params=[*KINDS, "redis"])
def store(request: pytest.FixtureRequest, databases: Callable[[str], str]) -> Iterator[Store]:
    if request.param == "redis":
        yield RedisStore(REDIS, request.getfixturevalue("prefix"))
        return
    engine = connect(emptied(databases(request.param)))
    yield DatabaseStore(engine)
    engine.dispose()


def answering(result: Any) -> Callable[[], Any]:
    async def look_up() -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    return look_up


def guard(tries: Tries, result: Any, code: str = CODE, **who: Any) -> Any:
    return asyncio.run(tries.guard(answering(result), code=code, **who))


# -- the policy ---------------------------------------------------------------------------------


def test_wrong_tries_on_one_code_end_at_the_limit_whoever_tries(store: Store) -> None:
    tries = Tries(store, KEY, replace(WIDE, wrong_per_code=(Limit(3),)))
    for number in range(3):
        assert guard(tries, WRONG, conversation=f"c{number}", address=f"10.0.0.{number}") == WRONG
    refused = guard(tries, RIGHT, conversation="c9", address="10.0.0.9")
    assert isinstance(refused, RateLimited)
    assert HOUR - 60 < refused.retry_after_s <= HOUR
    assert guard(tries, RIGHT, code="H57.17.26-261110-0002") == RIGHT


@pytest.mark.parametrize("who", ["conversation", "address"])
def test_wrong_tries_of_one_asker_end_at_the_limit_on_any_code(store: Store, who: str) -> None:
    tries = Tries(store, KEY, replace(WIDE, **{f"wrong_per_{who}": (Limit(3),)}))
    results = [guard(tries, WRONG, code=f"H57.17.26-261110-000{n}", **{who: "10.0.0.1"}) for n in range(5)]
    assert [isinstance(result, RateLimited) for result in results] == [False] * 3 + [True] * 2
    assert guard(tries, WRONG, **{who: "10.0.0.2"}) == WRONG


@pytest.mark.parametrize("result", [RIGHT, NotThisSystem(), Unavailable("x"), RateLimited(5)])
def test_what_is_no_wrong_try_does_not_count_as_one(store: Store, result: Any) -> None:
    tries = Tries(store, KEY, replace(WIDE, wrong_per_code=(Limit(2),)))
    for _ in range(6):
        assert guard(tries, result, conversation="c", address="10.0.0.1") == result
    assert guard(tries, WRONG) == guard(tries, WRONG) == WRONG
    assert isinstance(guard(tries, WRONG), RateLimited)


def test_right_look_ups_have_a_limit_of_their_own(store: Store) -> None:
    tries = Tries(store, KEY, replace(WIDE, all_per_conversation=(Limit(4),)))
    results = [guard(tries, RIGHT, conversation="c") for _ in range(6)]
    assert [result == RIGHT for result in results] == [True] * 4 + [False] * 2


def test_a_look_up_that_breaks_or_is_hung_up_counts_as_wrong(store: Store) -> None:
    tries = Tries(store, KEY, replace(WIDE, wrong_per_code=(Limit(2),)))
    with pytest.raises(RuntimeError):
        guard(tries, RuntimeError())

    async def hang_up() -> None:
        task = asyncio.create_task(tries.guard(lambda: asyncio.sleep(60), code=CODE))  # type: ignore[arg-type]
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(hang_up())
    assert isinstance(guard(tries, RIGHT), RateLimited)


def test_a_refused_try_uses_nothing_up(store: Store) -> None:
    tries = Tries(store, KEY, replace(WIDE, wrong_per_code=(Limit(1),), wrong_per_address=(Limit(3),)))
    for _ in range(5):
        guard(tries, WRONG, address="10.0.0.1")
    other = [guard(tries, WRONG, code=f"H57.17.26-261110-001{n}", address="10.0.0.1") for n in range(3)]
    assert [result == WRONG for result in other] == [True, True, False]


def test_the_hour_and_the_day_are_both_bounded(store: Store) -> None:
    tries = Tries(store, KEY, replace(WIDE, wrong_per_code=(Limit(9), Limit(2, DAY))))
    assert guard(tries, WRONG) == guard(tries, WRONG) == WRONG
    refused = guard(tries, WRONG)
    assert isinstance(refused, RateLimited)
    assert refused.retry_after_s > HOUR


def test_the_standard_limits_are_those_of_the_brief(store: Store) -> None:
    tries = Tries(store, KEY)
    results = [guard(tries, WRONG, conversation="c", address="10.0.0.1") for _ in range(6)]
    assert [result == WRONG for result in results] == [True] * 5 + [False]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("testclient", "testclient", True),
    ],
)
def test_one_asker_by_address(one: str, other: str, same: bool) -> None:
    assert (network(one) == network(other)) is same


# -- the stores ---------------------------------------------------------------------------------


def test_a_window_ends(engine: sa.Engine) -> None:
    now = [1_000_000.0]
    store = DatabaseStore(engine, clock=lambda: now[0])
    claim = Claim("k" * 64, Limit(2, 60))
    first = store.take([claim])
    assert isinstance(first, list)
    now[0] += 30
    store.take([claim])
    assert store.take([claim]) == Full(30)
    now[0] += 30
    second = store.take([claim])
    assert isinstance(second, list)
    store.give_back(first)  # of a window that is over: nothing may be won by it
    store.take([claim])
    assert store.take([claim]) == Full(60)


def test_a_window_ends_in_redis(prefix: str) -> None:
    import redis

    store = RedisStore(REDIS, prefix)
    claim = Claim("k", Limit(1, 3600))
    taken = store.take([claim])
    assert isinstance(taken, list)
    assert isinstance(store.take([claim]), Full)
    client = redis.Redis.from_url(REDIS)
    assert 0 < client.ttl(prefix + "k") <= 3600
    client.delete(prefix + "k")  # as Redis does at the end
    assert isinstance(store.take([claim]), list)
    store.give_back([Taken("k", taken[0].expires_at - 1)])  # of an earlier window
    assert isinstance(store.take([claim]), Full)


def test_windows_that_are_over_are_forgotten(engine: sa.Engine) -> None:
    now = [1_000_000.0]
    DatabaseStore(engine, clock=lambda: now[0]).take([Claim("old", Limit(1, 60)), Claim("new", Limit(1, 600))])
    now[0] += 120
    DatabaseStore(engine, clock=lambda: now[0]).take([Claim("other", Limit(1, 60))])
    with engine.connect() as connection:
        assert set(connection.execute(sa.select(DossierTry.key)).scalars()) == {"new", "other"}


def test_neither_store_holds_what_was_asked(engine: sa.Engine, prefix: str) -> None:
    import redis

    asker = {"conversation": "conversation-of-someone", "address": "203.0.113.77"}
    for store in (DatabaseStore(engine), RedisStore(REDIS, prefix)):
        guard(Tries(store, KEY), WRONG, **asker)
    with engine.connect() as connection:
        held = str(connection.execute(sa.select(DossierTry.__table__)).all())
    client = redis.Redis.from_url(REDIS, decode_responses=True)
    held += str([(key, client.hgetall(key)) for key in client.scan_iter(prefix + "*")])
    assert "expires_at" in held
    for secret in (CODE, *asker.values()):
        assert secret not in held


def test_without_counting_nobody_may_guess(sqlite_registry: Any, caplog: pytest.LogCaptureFixture) -> None:
    with sqlite_registry.engine.begin() as connection:
        connection.execute(sa.text("drop table dossier_try"))
    stores = (DatabaseStore(sqlite_registry.engine), RedisStore("redis://127.0.0.1:9/0", timeout_s=0.5))
    for store in stores:
        assert isinstance(guard(Tries(store, KEY), RIGHT), Unavailable)
    assert "tries cannot be counted" in caplog.text
    assert CODE not in caplog.text


def test_a_right_answer_is_given_even_if_the_try_cannot_be_given_back() -> None:
    class Forgetful:
        def take(self, claims: Any) -> Any:
            return [Taken(claim.key, 1) for claim in claims]

        def give_back(self, taken: Any) -> None:
            raise StoreAwayError("gone")

    assert guard(Tries(Forgetful(), KEY), RIGHT) == RIGHT


def test_redis_where_there_is_one(engine: sa.Engine) -> None:
    assert isinstance(store_for(engine, REDIS), RedisStore)
    assert isinstance(store_for(engine, None), DatabaseStore)


# -- several processes --------------------------------------------------------------------------

_PROCESS = """
import asyncio, json, sys
from actions.dossiers.dossier import NotFoundOrMismatch
from actions.dossiers.tries import DatabaseStore, Limit, Limits, RedisStore, Tries
from knowledge.database import connect

async def wrong():
    await asyncio.sleep(0.005)
    return NotFoundOrMismatch()

async def main(where, prefix, number):
    store = RedisStore(where, prefix) if prefix else DatabaseStore(connect(where))
    wide = (Limit(10_000),)
    tries = Tries(store, bytes.fromhex(sys.argv[4]), Limits((Limit(7),), wide, wide, wide, wide))
    print("ready", flush=True)
    sys.stdin.readline()
    asked = [tries.guard(wrong, code="H57.17.26-261110-0001", address=f"10.0.0.{n}") for n in range(number)]
    kinds = [type(result).__name__ for result in await asyncio.gather(*asked)]
    print(json.dumps({kind: kinds.count(kind) for kind in set(kinds)}))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def _tries_of_processes(where: str, prefix: str, processes: int = 2, each: int = 30) -> dict[str, int]:
    """Outcomes of wrong tries that several processes make at the same time."""
    command = [sys.executable, "-c", _PROCESS, where, prefix, str(each), KEY.hex()]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    started = [subprocess.Popen(command, **pipes) for _ in range(processes)]  # type: ignore[call-overload]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    total: dict[str, int] = {}
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        output, _ = process.communicate(timeout=60)
        for kind, count in json.loads(output).items():
            total[kind] = total.get(kind, 0) + count
    return total


def test_two_processes_on_one_database_share_the_limit(database_url: str, engine: sa.Engine) -> None:
    assert _tries_of_processes(database_url, "") == {"NotFoundOrMismatch": 7, "RateLimited": 53}


def test_two_processes_on_redis_share_the_limit(prefix: str) -> None:
    assert _tries_of_processes(REDIS, prefix) == {"NotFoundOrMismatch": 7, "RateLimited": 53}
