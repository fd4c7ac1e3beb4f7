"""The inbox: messages of citizens from the moment that we say "received" until they are answered.

A channel's delivery is kept once (by its ``dedupe_key``), sealed with the installation's key, and its text is removed
when it is answered; that it was there is remembered for :data:`KEEP_DAYS`, because channels deliver again after hours.

Several processes may work at once. A message is claimed in one statement, for as long as a lease lasts; only the oldest
open message of a conversation can be claimed, and the database itself holds (a unique index over claimed rows) that of
one conversation no two are being worked on. A process that dies leaves its message to be claimed again.

Times are Vietnam's, naive.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import logging
import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    DateTime,
    Engine,
    Index,
    Integer,
    String,
    Text,
    and_,
    bindparam,
    delete,
    func,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, aliased, mapped_column

from actions.dossiers.keys import Pseudonyms
from actions.dossiers.reading import vietnam_now
from actions.sealing import Sealer
from connectors.limits import Admission, Limits
from connectors.messages import Incoming, sender_of
from knowledge.database import Base

logger = logging.getLogger(__name__)

LEASE_S = 60
"""Seconds that a worker has for a message before it must renew its claim."""
MOST_ATTEMPTS = 4
"""Attempts after which a message is given up."""
KEEP_DAYS = 8
"""Days that the key of an answered message is remembered; channels ask for 7."""
MOST_TEXT = 20_000
"""Characters of a message that are kept; what is understood of it is far less."""

_REASON = 120
_CONVERSATION = 240


class InboxRow(Base):
    """One message. ``dedupe_key`` is a keyed hash; ``payload`` is sealed, and NULL once the message is answered.

    ``claim`` names who works on it, until ``not_before``; without a claim it may be taken from then on.
    """

    __tablename__ = "inbox"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    channel: Mapped[str] = mapped_column(String(20))
    conversation: Mapped[str] = mapped_column(String(_CONVERSATION))
    dedupe_key: Mapped[str] = mapped_column(String(64), unique=True)
    payload: Mapped[str | None] = mapped_column(Text)
    limited: Mapped[bool] = mapped_column(Boolean)
    received_at: Mapped[dt.datetime] = mapped_column(DateTime)
    not_before: Mapped[dt.datetime] = mapped_column(DateTime)
    claim: Mapped[str | None] = mapped_column(String(32))
    attempts: Mapped[int] = mapped_column(Integer)
    done_at: Mapped[dt.datetime | None] = mapped_column(DateTime)
    dead_reason: Mapped[str | None] = mapped_column(String(_REASON))


def _partial(name: str, where: Any, *columns: Any, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


_OPEN = InboxRow.done_at.is_(None)
_partial("inbox_waiting", _OPEN, InboxRow.id)
_partial("inbox_open", _OPEN, InboxRow.conversation, InboxRow.id)
_partial("inbox_done", InboxRow.done_at.is_not(None), InboxRow.done_at)
_partial("inbox_one_at_a_time", InboxRow.claim.is_not(None), InboxRow.conversation, unique=True)


@dataclass(frozen=True)
class Claimed:
    """A message that this process works on; ``limited``: it came too fast, and only that is to be said."""

    id: int
    claim: str
    channel: str
    conversation: str = field(repr=False)
    key: str
    sealed: str = field(repr=False)
    attempt: int
    limited: bool
    received_at: dt.datetime


@dataclass(frozen=True)
class Kept:
    """Where a message stands."""

    id: int
    done: bool


class Inbox:
    """The table of messages. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
        key: the installation's secret key.
        limits: how much is taken; None takes everything.
    """

    def __init__(self, engine: Engine, key: bytes, limits: Limits | None = None) -> None:
        self._engine, self._limits = engine, limits
        self._keys, self._sealer = Pseudonyms(key, "inbox"), Sealer(key, "inbox")
        insert = (postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert)(InboxRow.__table__)
        self._put = insert.on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(InboxRow.id)

    def put(self, incoming: Incoming, now: dt.datetime | None = None) -> bool:
        """Keep a message; once this returns it is not lost.

        Returns:
            False where it was delivered before, or came so fast that it is dropped without a word.

        Raises:
            ValueError: the channel's or the sender's id is empty or too long to keep.
        """
        if not incoming.sender or not 0 < len(incoming.channel) <= 20 or len(incoming.conversation) > _CONVERSATION:
            raise ValueError("the channel's or the sender's id is empty or too long")
        admitted = Admission.YES
        if self._limits:
            admitted = self._limits.admit(incoming.channel, incoming.sender, incoming.address)
        if admitted is Admission.DROP:
            return False
        now = now or vietnam_now()
        values = {
            "channel": incoming.channel,
            "conversation": incoming.conversation,
            "dedupe_key": self._key_of(incoming),
            "payload": self._sealer.seal(json.dumps([incoming.text[:MOST_TEXT], incoming.address])),
            "limited": admitted is Admission.TELL,
            "received_at": now,
            "not_before": now,
            "attempts": 0,
        }
        with self._engine.begin() as connection:
            return connection.execute(self._put, values).first() is not None

    def find(self, incoming: Incoming) -> Kept | None:
        """Where a message stands that was put, None where it was not."""
        query = select(InboxRow.id, InboxRow.done_at).where(InboxRow.dedupe_key == self._key_of(incoming))
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return Kept(row.id, row.done_at is not None) if row else None

    # -- working -------------------------------------------------------------------------------

    def claim(self, now: dt.datetime | None = None) -> Claimed | None:
        """Take the oldest message that may be worked on, for this process alone until the lease is over."""
        now = now or vietnam_now()
        with self._engine.connect() as connection:  # reading first: mostly nothing waits, and writing costs
            if connection.execute(_claimable(), {"now": now}).first() is None:
                return None
        values = {"now": now, "until": now + dt.timedelta(seconds=LEASE_S), "claim": uuid.uuid4().hex}
        try:
            with self._engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    # Do not wait for the disk: a claim that is forgotten should the machine fail is made again.
                    connection.execute(text("set local synchronous_commit to off"))
                row = connection.execute(_claim(), values).mappings().first()
        except IntegrityError:
            # Two messages of one conversation became visible in another order than their ids, and another process has
            # the other one. That one first.
            return None
        return _claimed(row) if row else None

    def read(self, claimed: Claimed) -> Incoming:
        """The message itself.

        Raises:
            SealBrokenError: it was put under another installation key.
        """
        text, address = json.loads(self._sealer.open(claimed.sealed))
        return Incoming(claimed.channel, sender_of(claimed.conversation), claimed.key, text, address)

    def renew(self, claimed: Claimed, now: dt.datetime | None = None) -> bool:
        """Go on for another lease; False where the claim is lost."""
        until = (now or vietnam_now()) + dt.timedelta(seconds=LEASE_S)
        with self._engine.begin() as connection:
            return connection.execute(update(InboxRow).where(_held(claimed)).values(not_before=until)).rowcount == 1

    def put_off(self, claimed: Claimed, until: dt.datetime) -> bool:
        """Give a claim back, to be taken again from ``until`` on."""
        values = {"not_before": until, "claim": None}
        with self._engine.begin() as connection:
            return connection.execute(update(InboxRow).where(_held(claimed)).values(values)).rowcount == 1

    def settle(
        self, connection: Connection, claimed: Claimed, dead_reason: str | None = None, now: dt.datetime | None = None
    ) -> bool:
        """Note within the caller's transaction that a message is answered, or given up for a reason.

        Returns:
            False where it is no longer this process's to answer; then the caller must write nothing.
        """
        values = {"done_at": now or vietnam_now(), "payload": null(), "claim": None, "dead_reason": dead_reason}
        return connection.execute(update(InboxRow).where(_held(claimed)).values(values)).rowcount == 1

    # -- keeping house -------------------------------------------------------------------------

    def erase(self, connection: Connection, conversation: str) -> int:
        """Remove a conversation's messages; only their hashed keys stay, so that a late delivery stays a duplicate.

        Returns:
            How many there were.
        """
        gone = {
            "conversation": "",
            "payload": null(),
            "claim": None,
            "done_at": vietnam_now(),
            "not_before": vietnam_now(),
        }
        return connection.execute(update(InboxRow).where(InboxRow.conversation == conversation).values(gone)).rowcount

    def counts(self) -> dict[str, int]:
        """How many messages are ``waiting``, ``done`` and ``dead``."""
        dead, done = InboxRow.dead_reason.is_not(None), InboxRow.done_at.is_not(None)
        query = select(dead, done, func.count()).group_by(dead, done)
        found = {"waiting": 0, "done": 0, "dead": 0}
        with self._engine.connect() as connection:
            for is_dead, is_done, number in connection.execute(query):
                found["dead" if is_dead else "done" if is_done else "waiting"] += number
        return found

    def sweep(self, now: dt.datetime | None = None) -> int:
        """Forget what has been done for :data:`KEEP_DAYS`; returns how many."""
        before = (now or vietnam_now()) - dt.timedelta(days=KEEP_DAYS)
        with self._engine.begin() as connection:
            return connection.execute(delete(InboxRow).where(InboxRow.done_at < before)).rowcount

    def _key_of(self, incoming: Incoming) -> str:
        return self._keys.of(incoming.channel, incoming.dedupe_key)


@functools.cache  # building the statement costs more than running it
def _claimable() -> Any:
    """Id of the oldest open message that may be claimed ``:now``.

    That is a message whose lease is over, or the first open one of a conversation that nobody works on.
    """
    other = aliased(InboxRow)
    before_it = and_(
        other.conversation == InboxRow.conversation,
        other.done_at.is_(None),
        or_(other.id < InboxRow.id, other.claim.is_not(None)),
    )
    free = or_(InboxRow.claim.is_not(None), ~select(other.id).where(before_it).exists())
    open_ = (InboxRow.done_at.is_(None), InboxRow.not_before <= bindparam("now", type_=DateTime))
    return select(InboxRow.id).where(*open_, free).order_by(InboxRow.id).limit(1)


@functools.cache
def _claim() -> Any:
    # PostgreSQL leaves rows alone that another process is claiming; SQLite knows one writer at a time. The CTE is
    # evaluated once, which a plain subquery is not sure to be.
    chosen = select(_claimable().with_for_update(skip_locked=True).cte().c.id)
    return (
        update(InboxRow.__table__)
        .where(InboxRow.id.in_(chosen))
        .values(
            claim=bindparam("claim", type_=String),
            attempts=InboxRow.attempts + 1,
            not_before=bindparam("until", type_=DateTime),
        )
        .returning(*InboxRow.__table__.c)
    )


def _held(claimed: Claimed) -> Any:
    return and_(InboxRow.id == claimed.id, InboxRow.claim == claimed.claim, InboxRow.done_at.is_(None))


def _claimed(row: Any) -> Claimed:
    return Claimed(
        id=row["id"],
        claim=row["claim"],
        channel=row["channel"],
        conversation=row["conversation"],
        key=row["dedupe_key"],
        sealed=row["payload"],
        attempt=row["attempts"],
        limited=row["limited"],
        received_at=row["received_at"],
    )
