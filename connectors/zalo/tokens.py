"""The Official Account's tokens: one pair, in the database, encrypted; renewed by one process at a time.

A refresh token works once: whoever renews gets a new pair and the old refresh token is dead. So one process claims the
row for as long as a call may take, and the new pair is committed before anybody uses it. What can still go wrong is an
answer that never arrives (a lost connection, a process killed within the call): then the pair is gone, Zalo refuses the
old token, and a person has to give consent again. That is said loudly (state ``lost``); until the old access token
ends, messages still go out with it, and the old refresh token is tried again now and then.

Times are Vietnam's, naive.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Engine, Integer, String, Text, and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.reading import vietnam_now
from actions.sealing import SealBrokenError, Sealer
from connectors.zalo.client import TOKEN_CALL_S, TokenPair, ZaloAwayError, ZaloRefusedError
from knowledge.database import Base

logger = logging.getLogger(__name__)

LEASE_S = TOKEN_CALL_S + 15
"""Seconds for which one process alone may renew; longer than its call can take."""
_REST_S, _LONG_REST_S = 30, 600
_LOOKS, _LOOK_S = 100, 0.1
_PASSING = frozenset({-32, -200})
"""Refusals that say nothing about the refresh token."""
_SPARE = 0.2
"""Share of an access token's life that is left when it is renewed: 5 of 25 hours."""
REFRESH_LIFE = dt.timedelta(days=90)


class State(StrEnum):
    """What is known of the refresh token."""

    GOOD = "good"
    UNSURE = "unsure"  # a call to renew got no answer: it may be used up
    LOST = "lost"  # Zalo does not take it: consent is needed again


class TokenRow(Base):
    """The tokens of one application; ``version`` counts pairs, ``rest_until`` is when anybody may renew again."""

    __tablename__ = "zalo_token"
    app_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    access: Mapped[str] = mapped_column(Text)
    refresh: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    obtained_at: Mapped[dt.datetime] = mapped_column(DateTime)
    access_ends_at: Mapped[dt.datetime] = mapped_column(DateTime)
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(120))
    rest_until: Mapped[dt.datetime | None] = mapped_column(DateTime)


class TokenError(Exception):
    """There is no usable access token. ``retry_after_s``: when there may be one."""

    def __init__(self, reason: str, retry_after_s: int) -> None:
        super().__init__(reason)
        self.reason, self.retry_after_s = reason, retry_after_s


@dataclass(frozen=True)
class Stored:
    """The pair as it is stored."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    version: int
    obtained_at: dt.datetime
    access_ends_at: dt.datetime
    state: State
    reason: str | None
    rest_until: dt.datetime | None

    def holds(self, now: dt.datetime) -> bool:
        """Whether the access token has not ended."""
        return now < self.access_ends_at

    def is_due(self, now: dt.datetime) -> bool:
        """Whether it is time to renew."""
        return now >= self.access_ends_at - (self.access_ends_at - self.obtained_at) * _SPARE

    def rests(self, now: dt.datetime) -> bool:
        """Whether somebody is renewing, or failed to a moment ago."""
        return self.rest_until is not None and now < self.rest_until


class Tokens:
    """The tokens of one application.

    Args:
        engine: the installation's database, migrated.
        key: the installation's secret key.
        app_id: the application's id.
        renew: fetches the next pair for a refresh token; raises :class:`ZaloRefusedError` or :class:`ZaloAwayError`.
    """

    def __init__(self, engine: Engine, key: bytes, app_id: str, renew: Callable[[str], Awaitable[TokenPair]]) -> None:
        self._engine, self._app_id, self._renew = engine, app_id, renew
        self._sealer = Sealer(key, "zalo-token")
        self._flight: asyncio.Task[Stored] | None = None
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    async def close(self) -> None:
        """Wait for a call under way: its answer must not be missed."""
        if self._flight is not None:
            with suppress(TokenError):
                await asyncio.shield(self._flight)

    # -- for who sends -----------------------------------------------------------------------

    async def get(self) -> str:
        """An access token that holds now; before its time is over it is renewed, without anybody waiting.

        Raises:
            TokenError: there is none.
        """
        stored = await self._required()
        now = vietnam_now()
        if not stored.holds(now):
            return (await self._renewed(stored)).access
        if stored.is_due(now):
            self._begin(stored)
        return stored.access

    async def replacement(self, refused: str) -> str:
        """An access token in place of one that Zalo does not accept.

        Raises:
            TokenError: there is none.
        """
        stored = await self._required()
        return stored.access if stored.access != refused else (await self._renewed(stored)).access

    # -- for who looks after it --------------------------------------------------------------

    def put(self, pair: TokenPair) -> None:
        """Keep a pair that was imported or consented to, in place of whatever was there."""
        values = {"app_id": self._app_id, "version": 1, **self._fresh(pair)}
        statement = self._insert(TokenRow).values(values)
        changed = {name: statement.excluded[name] for name in values if name not in ("app_id", "version")}
        changed["version"] = TokenRow.version + 1
        self._write(statement.on_conflict_do_update(index_elements=["app_id"], set_=changed))

    def stored(self) -> Stored | None:
        """The pair; None where none was ever kept.

        Raises:
            TokenError: it cannot be read with this installation's key.
        """
        with self._engine.connect() as connection:
            query = select(*TokenRow.__table__.c).where(TokenRow.app_id == self._app_id)
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        try:
            access, refresh = (self._sealer.open(row[name]) for name in ("access", "refresh"))
        except SealBrokenError:
            raise TokenError(
                "Zalo's tokens are not readable with this installation's key: import them again", 1_800
            ) from None
        return Stored(
            access=access,
            refresh=refresh,
            version=row["version"],
            obtained_at=row["obtained_at"],
            access_ends_at=row["access_ends_at"],
            state=State(row["state"]),
            reason=row["reason"],
            rest_until=row["rest_until"],
        )

    async def renew_now(self) -> Stored:
        """Renew before it is due.

        Raises:
            TokenError: that failed.
        """
        return await self._renewed(await self._required())

    # -- renewing ----------------------------------------------------------------------------

    async def _required(self) -> Stored:
        stored = await asyncio.to_thread(self.stored)
        if stored is None:
            raise TokenError("there are no Zalo tokens: motcua zalo token import", 600)
        return stored

    async def _renewed(self, stored: Stored) -> Stored:
        return await asyncio.shield(self._begin(stored))  # who gives up must not break off the call

    def _begin(self, stored: Stored) -> asyncio.Task[Stored]:
        """Fetch the next pair, once for all who want it in this process."""
        if self._flight is None:
            self._flight = asyncio.create_task(self._renew_or_wait(stored))
            self._flight.add_done_callback(self._landed)
        return self._flight

    def _landed(self, flight: asyncio.Task[Stored]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # looked at, so that asyncio does not report it when nobody waits any more

    async def _renew_or_wait(self, stored: Stored) -> Stored:
        if stored.rests(vietnam_now()) or not await asyncio.to_thread(self._claim, stored.version):
            return await self._others(stored)
        try:
            pair = await self._renew(stored.refresh)
        except ZaloRefusedError as error:
            raise await asyncio.to_thread(self._refused, stored, error.code) from None
        except ZaloAwayError as error:
            raise await asyncio.to_thread(self._away, stored, error) from None
        await asyncio.to_thread(self._keep, stored.version, pair)
        return await self._required()

    async def _others(self, stored: Stored) -> Stored:
        """What the process that is renewing gets, if that is soon."""
        for _ in range(_LOOKS):
            current = await self._required()
            if current.version != stored.version:
                return current
            if current.state is State.LOST:
                raise TokenError(current.reason or "Zalo's refresh token is lost", _LONG_REST_S)
            await asyncio.sleep(_LOOK_S)
        raise TokenError("Zalo's tokens are being renewed, or that failed a moment ago", _REST_S)

    def _refused(self, stored: Stored, code: int) -> TokenError:
        reason = f"Zalo refused to renew the tokens ({code})"
        if code in _PASSING:
            self._failed(stored, stored.state, reason, _REST_S)
            return TokenError(reason, _REST_S)
        if self._failed(stored, State.LOST, reason, _LONG_REST_S):
            end = f"{stored.access_ends_at:%Y-%m-%d %H:%M}"
            logger.error(
                "%s: they are LOST, consent is needed again (motcua zalo consent); sending ends at %s", reason, end
            )
        return TokenError(reason, _LONG_REST_S)

    def _away(self, stored: Stored, error: ZaloAwayError) -> TokenError:
        unsure = error.called and stored.state is State.GOOD
        self._failed(stored, State.UNSURE if unsure else stored.state, error.reason, _REST_S)
        logger.warning("Zalo's tokens are not renewed: %s", error.reason)
        return TokenError(error.reason, _REST_S)

    def _claim(self, version: int) -> bool:
        """Whether this process, and no other one, may renew now."""
        now = vietnam_now()
        free = and_(self._is(version), or_(TokenRow.rest_until.is_(None), TokenRow.rest_until <= now))
        return self._write(update(TokenRow).where(free).values(rest_until=now + dt.timedelta(seconds=LEASE_S)))

    def _keep(self, version: int, pair: TokenPair) -> None:
        """Commit a new pair, even where the lease is over meanwhile: it is the only one that works."""
        if not self._write(update(TokenRow).where(self._is(version)).values(version=version + 1, **self._fresh(pair))):
            logger.warning("Zalo's tokens were replaced while they were renewed")

    def _failed(self, stored: Stored, state: State, reason: str, rest_s: int) -> bool:
        """Note it, unless the pair was replaced meanwhile; whether it was noted."""
        rest = vietnam_now() + dt.timedelta(seconds=rest_s)
        values = {"state": str(state), "reason": reason[:120], "rest_until": rest}
        return self._write(update(TokenRow).where(self._is(stored.version)).values(values))

    def _fresh(self, pair: TokenPair) -> dict[str, Any]:
        now = vietnam_now()
        return {
            "access": self._sealer.seal(pair.access),
            "refresh": self._sealer.seal(pair.refresh),
            "obtained_at": now,
            "access_ends_at": now + dt.timedelta(seconds=pair.life_s),
            "state": str(State.GOOD),
            "reason": None,
            "rest_until": None,
        }

    def _is(self, version: int) -> Any:
        return and_(TokenRow.app_id == self._app_id, TokenRow.version == version)

    def _write(self, statement: Any) -> bool:
        """Run and commit a statement, down to the disk; whether it changed a row."""
        with self._engine.connect() as connection:
            lite = connection.dialect.name == "sqlite"
            if lite:  # otherwise a power cut could take back the last commit, and with it the only pair that works
                connection.exec_driver_sql("PRAGMA synchronous=FULL")
            try:
                changed = connection.execute(statement).rowcount == 1
                connection.commit()
            finally:
                if lite:
                    connection.rollback()
                    connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
        return changed
