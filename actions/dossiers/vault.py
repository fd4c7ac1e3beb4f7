"""What a conversation may hold for minutes and nobody may store: the digits that prove the right to know, what somebody
answers to a survey, and what is said to that.

They go past Rasa, whose tracker keeps what people write and what they are told: put here when the message comes in and
taken out, once, by who needs them. In this process's memory, or in Redis where several app processes share the work.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

from redis import asyncio as redis

from actions.dossiers.keys import Pseudonyms
from actions.sealing import Sealer

PROOF_S = 180
"""Seconds that a proof waits for its look-up."""
EXPECT_S = 900
"""Seconds after the question for digits in which a bare phone or identity number is taken as the answer to it."""
_MOST = 10_000


@dataclass(frozen=True)
class Kept:
    """The digits, and the network address that they came from, which the limits on tries count by."""

    digits: str = field(repr=False)
    address: str | None = field(default=None, repr=False)


class Vault(Protocol):
    """Keeps proofs for a moment, by conversation."""

    async def put(self, conversation: str, kept: Kept) -> None: ...

    async def take(self, conversation: str) -> Kept | None:
        """The proof, which is gone afterwards."""
        ...

    async def expect(self, conversation: str) -> None:
        """Remember that this conversation was asked for digits."""
        ...

    async def expects(self, conversation: str) -> bool: ...

    async def leave(self, what: str, conversation: str, text: str) -> None:
        """Leave something for the next step of the same turn; ``what`` it is, apart from proofs."""
        ...

    async def fetch(self, what: str, conversation: str) -> str | None:
        """What was left, which is gone afterwards."""
        ...

    async def close(self) -> None: ...


class MemoryVault:
    """For one app process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, Kept]] = OrderedDict()
        self._expected: OrderedDict[str, float] = OrderedDict()
        self._left: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    async def put(self, conversation: str, kept: Kept) -> None:
        self._kept[conversation] = (time.monotonic() + PROOF_S, kept)
        self._expected.pop(conversation, None)
        _shorten(self._kept)

    async def take(self, conversation: str) -> Kept | None:
        until, kept = self._kept.pop(conversation, (0.0, None))
        return kept if time.monotonic() < until else None

    async def expect(self, conversation: str) -> None:
        self._expected[conversation] = time.monotonic() + EXPECT_S
        _shorten(self._expected)

    async def expects(self, conversation: str) -> bool:
        return time.monotonic() < self._expected.get(conversation, 0.0)

    async def leave(self, what: str, conversation: str, text: str) -> None:
        self._left[what, conversation] = (time.monotonic() + PROOF_S, text)
        _shorten(self._left)

    async def fetch(self, what: str, conversation: str) -> str | None:
        until, text = self._left.pop((what, conversation), (0.0, ""))
        return text if time.monotonic() < until else None

    async def close(self) -> None:
        self._kept.clear()
        self._left.clear()


class RedisVault:
    """For several app processes; entries end by themselves and their keys tell nothing."""

    def __init__(self, url: str, key: bytes) -> None:
        self._redis = redis.from_url(url, decode_responses=True)
        self._names = Pseudonyms(key, "vault")
        self._sealer = Sealer(key, "vault-seal")

    async def put(self, conversation: str, kept: Kept) -> None:
        await self._redis.set(self._name("proof", conversation), json.dumps([kept.digits, kept.address]), ex=PROOF_S)
        await self._redis.delete(self._name("expect", conversation))

    async def take(self, conversation: str) -> Kept | None:
        found = await self._redis.getdel(self._name("proof", conversation))
        return Kept(*json.loads(found)) if found else None

    async def expect(self, conversation: str) -> None:
        await self._redis.set(self._name("expect", conversation), "1", ex=EXPECT_S)

    async def expects(self, conversation: str) -> bool:
        return bool(await self._redis.exists(self._name("expect", conversation)))

    async def leave(self, what: str, conversation: str, text: str) -> None:
        await self._redis.set(self._name(what, conversation), self._sealer.seal(text), ex=PROOF_S)

    async def fetch(self, what: str, conversation: str) -> str | None:
        found = await self._redis.getdel(self._name(what, conversation))
        return self._sealer.open(found) if found else None

    async def close(self) -> None:
        await self._redis.aclose()

    def _name(self, kind: str, conversation: str) -> str:
        return f"motcua:{kind}:{self._names.of(conversation)}"


def vault_for(redis_url: str | None, key: bytes) -> Vault:
    """In Redis where a URL is given, else in this process."""
    return RedisVault(redis_url, key) if redis_url else MemoryVault()


def _shorten(entries: OrderedDict) -> None:  # type: ignore[type-arg]
    while len(entries) > _MOST:
        entries.popitem(last=False)
