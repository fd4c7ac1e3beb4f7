"""Limits on look-ups: per dossier code, per conversation and per network address, shared by all processes.

A try is counted as wrong *before* the look-up, in one atomic step, and given back when it turns out not to have been
one. So no number of tries at the same time, from any number of processes, gets past a limit, and hanging up in the
middle wins nothing. Right look-ups have a wider limit of their own.

The counts live in Redis where there is one, else in the database. Keys are keyed hashes: neither store holds a code,
a conversation or an address. A window begins with its first try.

The kept library ``limits`` was looked at for Redis and left: it cannot give a try back, nor take several limits in
one step, which is what the above rests on.
"""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Integer,
    String,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.dossier import NotFoundOrMismatch, RateLimited, Result, Unavailable
from actions.dossiers.keys import Pseudonyms
from knowledge.database import Base

logger = logging.getLogger(__name__)

HOUR, DAY = 3_600, 86_400


class StoreAwayError(RuntimeError):
    """The place that counts tries does not answer."""


@dataclass(frozen=True)
class Limit:
    """At most ``most`` within ``window_s`` seconds of the first."""

    most: int
    window_s: int = HOUR


@dataclass(frozen=True)
class Limits:
    """How often one may try; each is a list, so that an hour and a day can both be bounded."""

    wrong_per_code: Sequence[Limit] = (Limit(5), Limit(20, DAY))
    wrong_per_conversation: Sequence[Limit] = (Limit(10),)
    wrong_per_address: Sequence[Limit] = (Limit(30),)
    all_per_conversation: Sequence[Limit] = (Limit(60),)
    all_per_address: Sequence[Limit] = (Limit(600),)


@dataclass(frozen=True)
class Claim:
    """One count to take: ``key`` names it, ``limit`` bounds it."""

    key: str
    limit: Limit


@dataclass(frozen=True)
class Taken:
    """A count that was taken, in the window that ends at ``expires_at`` (seconds since 1970)."""

    key: str
    expires_at: int


@dataclass(frozen=True)
class Full:
    """A limit is reached; nothing was counted. ``retry_after_s`` until its window ends."""

    retry_after_s: int


class Store(Protocol):
    """Counts, shared by processes. Both methods are atomic and raise :class:`StoreAwayError`."""

    def take(self, claims: Sequence[Claim]) -> list[Taken] | Full:
        """Count one on every claim, or nothing at all where one of them is full."""
        ...

    def give_back(self, taken: Sequence[Taken]) -> None:
        """Undo, as far as the windows still run."""
        ...


class Tries:
    """Guards look-ups.

    Args:
        store: where tries are counted.
        key: the installation's secret key.
        limits: how often one may try.
    """

    def __init__(self, store: Store, key: bytes, limits: Limits | None = None) -> None:
        self._store, self._pseudonyms, self._limits = store, Pseudonyms(key, "dossier-tries"), limits or Limits()

    async def guard(
        self,
        look_up: Callable[[], Awaitable[Result]],
        *,
        code: str,
        conversation: str | None = None,
        address: str | None = None,
    ) -> Result:
        """Look up if that is still allowed.

        Args:
            look_up: does it; an exception of it counts as a wrong try.
            code: the normalised code that is asked for, known or not.
            conversation: the conversation's id, where there is one.
            address: the asker's network address, where there is one; IPv6 counts by its /64 network.

        Returns:
            What ``look_up`` returns, :class:`RateLimited`, or :class:`Unavailable` where tries cannot be counted:
            without limits nobody may guess.
        """
        wrong, every = self._claims(code, conversation, address)
        try:
            taken = await asyncio.to_thread(self._store.take, [*wrong, *every])
        except StoreAwayError as error:
            logger.error("tries cannot be counted: %s", error)
            return Unavailable("tries cannot be counted")
        if isinstance(taken, Full):
            return RateLimited(taken.retry_after_s)
        result = await look_up()
        if not isinstance(result, NotFoundOrMismatch):
            keys = {claim.key for claim in wrong}
            await asyncio.to_thread(self._give_back, [one for one in taken if one.key in keys])
        return result

    def _give_back(self, taken: Sequence[Taken]) -> None:
        try:
            self._store.give_back(taken)
        except StoreAwayError as error:
            logger.error("a right look-up stays counted as a wrong try: %s", error)

    def _claims(self, code: str, conversation: str | None, address: str | None) -> tuple[list[Claim], list[Claim]]:
        subjects = {"code": code, "conversation": conversation, "address": network(address) if address else None}
        wrong: list[Claim] = []
        every: list[Claim] = []
        for field in dataclasses.fields(self._limits):
            what, subject = field.name.split("_per_")
            if value := subjects[subject]:
                for limit in getattr(self._limits, field.name):
                    name = self._pseudonyms.of(what, subject, str(limit.window_s), value)
                    (wrong if what == "wrong" else every).append(Claim(name, limit))
        return wrong, every


def network(address: str) -> str:
    """What counts as one asker: an IPv4 address, an IPv6 /64 network; anything else as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 6:
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


# -- in the database ----------------------------------------------------------------------------


class DossierTry(Base):
    """A count up to ``most``; ``key`` is a keyed hash, ``expires_at`` the window's end in seconds since 1970."""

    __tablename__ = "dossier_try"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    most: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)


class DatabaseStore:
    """Counts in the installation's database, for processes that share it."""

    _SWEEP_S = 600.0

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine, self._clock, self._swept = engine, clock, 0.0
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def take(self, claims: Sequence[Claim]) -> list[Taken] | Full:
        now = int(self._clock())
        try:
            self._sweep(now)
            with self._engine.connect() as connection:
                self._in_haste(connection)
                rows = connection.execute(self._counted(claims, now)).all()
                if len(rows) == len(claims):
                    connection.commit()
                    return [Taken(key, expires_at) for key, expires_at in rows]
                full = {claim.key for claim in claims} - {key for key, _ in rows}
                query = select(func.max(DossierTry.expires_at)).where(DossierTry.key.in_(full))
                until = connection.execute(query).scalar_one() or now
                connection.rollback()
        except SQLAlchemyError as error:
            raise StoreAwayError(type(error).__name__) from None
        return Full(max(1, until - now))

    def _counted(self, claims: Sequence[Claim], now: int):  # type: ignore[no-untyped-def]
        """One statement for all: begin a window, go on in it, or leave it alone and unnamed where it is full."""
        # Always in the same order, so that two processes do not wait for each other.
        ordered = sorted(claims, key=lambda claim: claim.key)
        statement = self._insert(DossierTry).values(
            [
                {"key": claim.key, "count": 1, "most": claim.limit.most, "expires_at": now + claim.limit.window_s}
                for claim in ordered
            ]
        )
        new, over = statement.excluded, DossierTry.expires_at <= now
        return statement.on_conflict_do_update(
            index_elements=["key"],
            set_={
                "count": case((over, 1), else_=DossierTry.count + 1),
                "most": new.most,
                "expires_at": case((over, new.expires_at), else_=DossierTry.expires_at),
            },
            where=or_(over, DossierTry.count < new.most),
        ).returning(DossierTry.key, DossierTry.expires_at)

    def give_back(self, taken: Sequence[Taken]) -> None:
        if not taken:
            return
        same = or_(*(and_(DossierTry.key == one.key, DossierTry.expires_at == one.expires_at) for one in taken))
        rows = select(DossierTry.key).where(same).order_by(DossierTry.key).with_for_update()
        statement = update(DossierTry).where(DossierTry.key.in_(rows), DossierTry.count > 0)
        try:
            with self._engine.begin() as connection:
                self._in_haste(connection)
                connection.execute(statement.values(count=DossierTry.count - 1))
        except SQLAlchemyError as error:
            raise StoreAwayError(type(error).__name__) from None

    def _in_haste(self, connection: Connection) -> None:
        """Do not wait for the disk: should the machine fail, the tries of the last moment may be forgotten."""
        if self._engine.dialect.name == "postgresql":
            connection.execute(text("set local synchronous_commit to off"))

    def _sweep(self, now: int) -> None:
        """Forget windows that are over, now and then."""
        if time.monotonic() - self._swept < self._SWEEP_S and self._swept:
            return
        self._swept = time.monotonic()
        # Rows that another process is counting on are left to the next time.
        over = select(DossierTry.key).where(DossierTry.expires_at <= now).with_for_update(skip_locked=True)
        with self._engine.begin() as connection:
            connection.execute(delete(DossierTry).where(DossierTry.key.in_(over)))


# -- in Redis -----------------------------------------------------------------------------------

_TAKE = """
local now = tonumber(redis.call('TIME')[1])
for i, key in ipairs(KEYS) do
  local count = tonumber(redis.call('HGET', key, 'count') or '0')
  if count >= tonumber(ARGV[2 * i - 1]) then
    return {0, tonumber(redis.call('HGET', key, 'expires_at')) - now}
  end
end
local taken = {1}
for i, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 0 then
    local expires_at = now + tonumber(ARGV[2 * i])
    redis.call('HSET', key, 'count', 0, 'expires_at', expires_at)
    redis.call('EXPIREAT', key, expires_at)
  end
  redis.call('HINCRBY', key, 'count', 1)
  taken[i + 1] = tonumber(redis.call('HGET', key, 'expires_at'))
end
return taken
"""
_GIVE_BACK = """
for i, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'expires_at') == ARGV[i] and tonumber(redis.call('HGET', key, 'count')) > 0 then
    redis.call('HINCRBY', key, 'count', -1)
  end
end
"""


class RedisStore:
    """Counts in Redis, by its clock.

    Args:
        url: ``redis://host:port/db``.
        timeout_s: how long to wait for it.
    """

    def __init__(self, url: str, prefix: str = "motcua:{tries}:", timeout_s: float = 2.0) -> None:
        import redis

        self._errors = redis.RedisError
        self._prefix = prefix
        client = redis.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
        self._take, self._give_back = client.register_script(_TAKE), client.register_script(_GIVE_BACK)

    def take(self, claims: Sequence[Claim]) -> list[Taken] | Full:
        bounds = [number for claim in claims for number in (claim.limit.most, claim.limit.window_s)]
        try:
            went, *values = self._take(keys=[self._prefix + claim.key for claim in claims], args=bounds)
        except self._errors as error:
            raise StoreAwayError(type(error).__name__) from None
        if not went:
            return Full(max(1, int(values[0])))
        return [Taken(claim.key, int(value)) for claim, value in zip(claims, values, strict=True)]

    def give_back(self, taken: Sequence[Taken]) -> None:
        if not taken:
            return
        try:
            self._give_back(keys=[self._prefix + one.key for one in taken], args=[one.expires_at for one in taken])
        except self._errors as error:
            raise StoreAwayError(type(error).__name__) from None


def store_for(engine: Engine, redis_url: str | None) -> Store:
    """Redis where a URL is given, else the database."""
    return RedisStore(redis_url) if redis_url else DatabaseStore(engine)
