"""How much is taken from one conversation, one network address and one channel, and how large a request may be.

What is over a limit gets one polite answer a minute; the rest is dropped and counted. The limits keep one sender from
taking the assistant away from all others; they are no lock, so where they cannot be counted everything is taken.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import Engine
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actions.dossiers.keys import Pseudonyms
from actions.dossiers.tries import Claim, DatabaseStore, Full, Limit, RedisStore, Store, StoreAwayError, Taken, network
from connectors.errors import error_response
from connectors.messages import conversation_id
from knowledge.settings import Settings

logger = logging.getLogger(__name__)

_MINUTE = 60
_MOST_COUNTS = 20_000


class Admission(StrEnum):
    """What becomes of a message."""

    YES = "yes"
    TELL = "tell"  # too fast: say so, and nothing else
    DROP = "drop"  # too fast, and that was said within this minute


class Limits:
    """Counts messages.

    Args:
        store: where they are counted.
        key: the installation's secret key; names are counted under keyed hashes.
        settings: how many a minute.
    """

    def __init__(self, store: Store, key: bytes, settings: Settings) -> None:
        self._store, self._names = store, Pseudonyms(key, "limits")
        self._per_conversation = settings.rate_limit_per_minute
        self._per_address = settings.rate_limit_per_address
        self._per_channel = settings.rate_limit_per_channel
        self.counts: Counter[str] = Counter()
        """What was told and dropped by this process, by channel, such as ``zalo:drop``."""

    def admit(self, channel: str, sender: str, address: str | None = None) -> Admission:
        """Count one message. Blocks for a moment: call it in a thread.

        Args:
            channel: the channel's name.
            sender: who sends it, in the channel's words.
            address: the network address that it comes from, where the channel knows one.
        """
        conversation = conversation_id(channel, sender)
        claims = [
            self._claim("conversation", conversation, self._per_conversation),
            self._claim("channel", channel, self._per_channel),
        ]
        if address:
            claims.append(self._claim("address", network(address), self._per_address))
        try:
            if not isinstance(self._store.take(claims), Full):
                return Admission.YES
            told = self._store.take([self._claim("told", conversation, 1)])
        except StoreAwayError as error:
            logger.error("messages cannot be counted: %s", error)
            return Admission.YES
        admission = Admission.DROP if isinstance(told, Full) else Admission.TELL
        self.counts[f"{channel}:{admission}"] += 1
        return admission

    def allow(self, channel: str, sender: str, address: str | None = None) -> bool:
        """Count one request that does not go through the inbox, which counts by itself; False: it is too much."""
        return self.admit(channel, sender, address) is Admission.YES

    def _claim(self, what: str, name: str, most: int) -> Claim:
        return Claim(self._names.of(what, name), Limit(most, _MINUTE))


class MemoryStore:
    """Counts in this process, for an installation of one."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, claims: Sequence[Claim]) -> list[Taken] | Full:
        now = time.monotonic()
        with self._lock:
            found = [self._running(claim, now) for claim in claims]
            full = [ends for claim, (count, ends) in zip(claims, found, strict=True) if count >= claim.limit.most]
            if full:
                return Full(max(1, int(max(full) - now)))
            for claim, (count, ends) in zip(claims, found, strict=True):
                self._counts.pop(claim.key, None)
                self._counts[claim.key] = (count + 1, ends)  # the newest is last
            while len(self._counts) > _MOST_COUNTS:
                self._counts.popitem(last=False)
            return [Taken(claim.key, int(ends)) for claim, (_, ends) in zip(claims, found, strict=True)]

    def give_back(self, taken: Sequence[Taken]) -> None:
        with self._lock:
            for one in taken:
                count, ends = self._counts.get(one.key, (0, 0.0))
                if count and int(ends) == one.expires_at:
                    self._counts[one.key] = (count - 1, ends)

    def _running(self, claim: Claim, now: float) -> tuple[int, float]:
        count, ends = self._counts.get(claim.key, (0, 0.0))
        return (count, ends) if now < ends else (0, now + claim.limit.window_s)


def limits_for(engine: Engine, key: bytes, settings: Settings) -> Limits:
    """Counted in Redis where there is one, else in PostgreSQL; in this process where the database is a file."""
    store: Store
    if settings.redis_url:
        store = RedisStore(settings.redis_url, prefix="motcua:{limits}:")
    else:
        store = DatabaseStore(engine) if engine.dialect.name == "postgresql" else MemoryStore()
    return Limits(store, key, settings)


# -- the size of requests -----------------------------------------------------------------------

_BODY_S = 20.0
"""Seconds that a client has to send its request."""


class BodyLimit:
    """ASGI middleware: refuses requests that are larger than their route needs, or that never end.

    The body is read here whole, whatever its headers say, and handed on; so a body sent in chunks is measured, too.

    Args:
        app: what is guarded.
        usual: bytes that a body may have.
        by_prefix: other bounds, by the beginning of the path.
    """

    def __init__(self, app: ASGIApp, usual: int, by_prefix: dict[str, int]) -> None:
        self._app, self._usual, self._by_prefix = app, usual, by_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        most = next((n for prefix, n in self._by_prefix.items() if scope["path"].startswith(prefix)), self._usual)
        if _declared(scope) > most:
            await error_response(413)(scope, receive, send)
            return
        try:
            body = await asyncio.wait_for(_read(receive, most), _BODY_S)
        except TimeoutError:
            await error_response(408)(scope, receive, send)
            return
        if body is None:
            await error_response(413)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


def _declared(scope: Scope) -> int:
    value = dict(scope["headers"]).get(b"content-length", b"")
    return int(value) if value.isdigit() and len(value) < 20 else 0


async def _read(receive: Receive, most: int) -> list[Message] | None:
    """The request's messages, None where its body is larger than ``most`` bytes."""
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request":
            return messages
        size += len(message.get("body", b""))
        if size > most:
            return None
        if not message.get("more_body"):
            return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def again() -> Message:
        message = next(waiting, None)
        return message if message is not None else await receive()

    return again
