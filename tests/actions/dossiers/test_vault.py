"""What waits for a moment: taken out once, in memory and in Redis, where keys and contents tell nothing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from redis import asyncio as redis

from actions.dossiers.vault import Kept, MemoryVault, RedisVault, Vault
from tests.actions.dossiers.conftest import KEY
from tests.conftest import unavailable

REDIS = os.environ.get("MOTCUA_TEST_REDIS", "redis://127.0.0.1:6379/15")


@pytest.fixture(params=["memory", "redis"])
async def vault(request: pytest.FixtureRequest) -> AsyncIterator[Vault]:
    made: Vault = MemoryVault() if request.param == "memory" else RedisVault(REDIS, os.urandom(32))
    try:
        await made.expects("nobody")
    except redis.RedisError:
        unavailable("no Redis answers on 127.0.0.1:6379")
    yield made
    await made.close()


async def test_a_proof_is_taken_once(vault: Vault) -> None:
    await vault.put("a", Kept("1234", "10.0.0.1"))
    assert await vault.take("b") is None
    assert [await vault.take("a"), await vault.take("a")] == [Kept("1234", "10.0.0.1"), None]


async def test_digits_are_expected_until_they_come(vault: Vault) -> None:
    await vault.expect("a")
    assert await vault.expects("a")
    await vault.put("a", Kept("1234"))
    assert not await vault.expects("a")


async def test_what_is_left_is_fetched_once_by_kind_and_conversation(vault: Vault) -> None:
    await vault.leave("given", "a", "một")
    await vault.leave("given", "a", "hai")
    await vault.leave("reply", "a", "ba")
    assert await vault.fetch("given", "b") is None
    assert [await vault.fetch("given", "a"), await vault.fetch("given", "a")] == ["hai", None]
    assert await vault.fetch("reply", "a") == "ba"
    assert await vault.take("a") is None


async def test_redis_alone_tells_neither_who_nor_what() -> None:
    vault, raw = RedisVault(REDIS, KEY), redis.from_url(REDIS, decode_responses=True)
    try:
        await vault.leave("given", "zalo:2468", "lời riêng")
        keys = [key async for key in raw.scan_iter("motcua:given:*")]
        everything = "".join([*keys, *[await raw.get(key) or "" for key in keys]])
    except redis.RedisError:
        unavailable("no Redis answers on 127.0.0.1:6379")
    assert keys
    assert not any(piece in everything for piece in ("2468", "lời riêng"))
    assert await vault.fetch("given", "zalo:2468") == "lời riêng"
    await vault.close()
    await raw.aclose()
