"""Who wants to be told when a dossier changes: the table of subscriptions, and how processes share its work.

A subscription is made only with consent, of which time and version of the text are kept. It holds the code (which is
needed to ask), the channel and the recipient's id there, and what was told last
(:class:`~actions.dossiers.changes.Seen`); nothing else of persons. When it ends its row is deleted.

A process that asks about subscriptions first claims them in one atomic statement, which also moves their next time on:
should the process die, they are due again when its lease is over. Whatever it then writes holds only while the claim
does, and a message goes into the outbox in the same transaction as the note that it was told. So a change is told once,
whichever processes run or die, and nobody who has unsubscribed meanwhile hears of it.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    Engine,
    Integer,
    SmallInteger,
    String,
    UniqueConstraint,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.changes import ENDED, Seen, words
from actions.dossiers.pace import Pace
from actions.dossiers.reading import vietnam_now
from actions.dossiers.registry import agency_part
from actions.replies import Reply
from knowledge.database import Base

MOST_EACH = 5
"""Subscriptions that one recipient may have."""
MOST_DAYS = 90
"""Days after which a subscription ends by itself."""

_CHANNEL, _RECIPIENT = 20, 200
_TOP = re.compile(r"[GH]\d{2}")


class Outbox(Protocol):
    """Where messages wait for their channel. All methods work within the caller's transaction."""

    def put(
        self,
        connection: Connection,
        *,
        channel: str,
        recipient: str,
        reply: Reply,
        dedupe_key: str,
        now: dt.datetime,
        by_day: bool = False,
    ) -> bool:
        """Keep a message, ``by_day`` not to be sent at night; False where this ``dedupe_key`` was put before."""
        ...

    def withdraw(self, connection: Connection, channel: str, recipient: str, prefix: str = "") -> int:
        """Take back what was not sent yet and has a ``dedupe_key`` with this prefix; returns how many."""
        ...

    def erase(self, connection: Connection, channel: str, recipient: str) -> int:
        """Remove all messages of a recipient, sent ones too; returns how many."""
        ...


class WatchRow(Base):
    """One subscription. Times are Vietnam's, naive. ``claim`` names the round that asks about it now."""

    __tablename__ = "watch"
    __table_args__ = (
        UniqueConstraint("channel", "recipient", "slot", name="watch_slot"),
        UniqueConstraint("channel", "recipient", "code", name="watch_code"),
    )
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    system: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(_CHANNEL))
    recipient: Mapped[str] = mapped_column(String(_RECIPIENT))
    slot: Mapped[int] = mapped_column(SmallInteger)
    seen: Mapped[dict[str, Any]] = mapped_column(JSON)
    told: Mapped[int] = mapped_column(Integer)
    failures: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
    claim: Mapped[str | None] = mapped_column(String(32))
    consent_at: Mapped[dt.datetime] = mapped_column(DateTime)
    consent_version: Mapped[str] = mapped_column(String(20))
    ends_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)


_TABLE = WatchRow.__table__


class Subscribed(StrEnum):
    """What became of a wish to be told."""

    YES = "yes"
    RENEWED = "renewed"  # there was one already; it runs anew from now
    FULL = "full"  # the recipient has as many as may be
    OVER = "over"  # nothing more will happen to this dossier


@dataclass(frozen=True)
class Watched:
    """A subscription as its owner may see it."""

    code: str = field(repr=False)
    since: dt.datetime
    ends_at: dt.datetime


@dataclass(frozen=True)
class Claimed:
    """A subscription that this process asks about now."""

    id: str
    claim: str
    system: str
    code: str = field(repr=False)
    channel: str
    recipient: str = field(repr=False)
    seen: Seen
    told: int
    failures: int


def consent_version() -> str:
    """The version of the consent text that is shown now."""
    return str(words()["consent"]["version"])


def consent_text(code: str, keeper: str) -> str:
    """What a person agrees to.

    Args:
        code: the dossier's code.
        keeper: who runs this installation, in words that citizens know.
    """
    return str(words()["consent"]["text"]).format(code=code, keeper=keeper, days=MOST_DAYS)


def system_part(code: str) -> str:
    """The province or ministry of a code (``H57``): in practice, whose system is asked."""
    segments = agency_part(code).split(".")
    return next((segment for segment in segments if _TOP.fullmatch(segment)), segments[0])


class Watches:
    """The table of subscriptions. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
        outbox: takes messages, in the same database.
        pace: how often systems are asked.
    """

    def __init__(self, engine: Engine, outbox: Outbox, pace: Pace | None = None) -> None:
        self._engine, self._outbox = engine, outbox
        self.pace = pace or Pace()

    # -- for the person ------------------------------------------------------------------------

    def subscribe(
        self,
        code: str,
        channel: str,
        recipient: str,
        state_seen: Seen,
        consent_at: dt.datetime,
        *,
        version: str | None = None,
    ) -> Subscribed:
        """Tell ``recipient`` of changes from now on.

        Args:
            code: a normalised code; the right to know it was proved just now.
            channel: the channel's short name.
            recipient: the recipient's id in the channel.
            state_seen: what was shown; changes are counted from there.
            consent_at: when the person said yes; Vietnam's time, naive.
            version: of the text that they said yes to, the present one by default.

        Raises:
            ValueError: an id is empty or too long to keep.
        """
        if not (0 < len(channel) <= _CHANNEL and 0 < len(recipient) <= _RECIPIENT):
            raise ValueError("the channel's or the recipient's id is empty or too long")
        if state_seen.state in ENDED:
            return Subscribed.OVER
        values = {
            "seen": state_seen.to_json(),
            "failures": 0,
            "next_at": self.pace.next_at(consent_at),
            "claim": None,  # a round that asks now has compared with something older
            "consent_at": consent_at,
            "consent_version": version or consent_version(),
            "ends_at": consent_at + dt.timedelta(days=MOST_DAYS),
        }
        who = {"channel": channel, "recipient": recipient}
        for _ in range(2 * MOST_EACH):  # each turn is lost only to another one's gain
            with self._engine.begin() as connection:
                ours = update(WatchRow).where(_of(channel, recipient), WatchRow.code == code)
                if connection.execute(ours.values(values)).rowcount:
                    return Subscribed.RENEWED
            with self._engine.connect() as connection:
                taken = set(connection.execute(select(WatchRow.slot).where(_of(channel, recipient))).scalars())
            free = next((slot for slot in range(MOST_EACH) if slot not in taken), None)
            if free is None:
                return Subscribed.FULL
            row = {"id": uuid.uuid4().hex, "code": code, "system": system_part(code), "slot": free, "told": 0}
            try:
                with self._engine.begin() as connection:
                    connection.execute(insert(WatchRow).values(row | who | values))
            except IntegrityError:  # somebody was quicker: the table allows each slot and each code once
                continue
            return Subscribed.YES
        return Subscribed.FULL

    def unsubscribe(self, channel: str, recipient: str, code: str | None = None) -> int:
        """End one subscription or all of a recipient; what waits in the outbox is not sent either.

        Returns:
            How many there were.
        """
        with self._engine.begin() as connection:
            which = _of(channel, recipient) if code is None else and_(_of(channel, recipient), WatchRow.code == code)
            ended = connection.execute(delete(WatchRow).where(which).returning(WatchRow.id)).scalars().all()
            for prefix in ["watch:"] if code is None else [f"watch:{one}:" for one in ended]:
                self._outbox.withdraw(connection, channel, recipient, prefix)
        return len(ended)

    def active(self, channel: str, recipient: str, now: dt.datetime | None = None) -> list[Watched]:
        """A recipient's subscriptions, the oldest first."""
        query = select(WatchRow.code, WatchRow.consent_at, WatchRow.ends_at)
        query = query.where(_of(channel, recipient), WatchRow.ends_at > (now or vietnam_now()))
        with self._engine.connect() as connection:
            return [Watched(*row) for row in connection.execute(query.order_by(WatchRow.consent_at, WatchRow.code))]

    def erase(self, channel: str, recipient: str) -> int:
        """Remove everything of a recipient, messages in the outbox too; returns the number of subscriptions."""
        with self._engine.begin() as connection:
            removed = connection.execute(delete(WatchRow).where(_of(channel, recipient))).rowcount
            self._outbox.erase(connection, channel, recipient)
        return removed

    # -- for the round -------------------------------------------------------------------------

    def expire(self, now: dt.datetime) -> int:
        """End what has run its days; returns how many."""
        with self._engine.begin() as connection:
            return connection.execute(delete(WatchRow).where(WatchRow.ends_at <= now)).rowcount

    def claim(self, now: dt.datetime) -> list[Claimed]:
        """Take what is due, the longest due first, for this process alone until the lease is over."""
        token = uuid.uuid4().hex
        due = WatchRow.next_at <= now
        turn = func.row_number().over(partition_by=WatchRow.system, order_by=(WatchRow.next_at, WatchRow.id))
        ranked = select(WatchRow.id, turn.label("turn")).where(due).subquery()
        free = (
            select(WatchRow.id)
            .where(WatchRow.id.in_(select(ranked.c.id).where(ranked.c.turn <= self.pace.per_system)), due)
            .order_by(WatchRow.next_at, WatchRow.id)
            .limit(self.pace.per_round)
            # PostgreSQL leaves rows alone that another process is claiming; SQLite knows one writer at a time.
            .with_for_update(skip_locked=True)
            .cte("free")  # evaluated once, which a plain subquery is not sure to be
        )
        statement = (
            update(WatchRow)
            .where(WatchRow.id.in_(select(free.c.id)))
            .values(claim=token, next_at=now + self.pace.lease)
            .returning(*_TABLE.c)
        )
        with self._engine.begin() as connection:
            rows = connection.execute(statement).mappings().all()
        return [_claimed(row) for row in rows]

    def told(self, one: Claimed, seen: Seen, reply: Reply, now: dt.datetime, next_at: dt.datetime | None) -> bool:
        """Put a message into the outbox and note that it was told, both or neither.

        ``next_at`` is when to ask again; None ends the subscription. False: it is no longer this process's to tell.
        """
        values = {"seen": seen.to_json(), "told": one.told + 1, "failures": 0}
        with self._engine.begin() as connection:
            if not self._settle(connection, one, next_at, values):
                return False
            self._outbox.put(
                connection,
                channel=one.channel,
                recipient=one.recipient,
                reply=reply,
                dedupe_key=f"watch:{one.id}:{one.told + 1}",
                now=now,
                by_day=True,
            )
        return True

    def unchanged(self, one: Claimed, seen: Seen, next_at: dt.datetime | None) -> bool:
        """Note that there was nothing to tell; see :meth:`told`."""
        with self._engine.begin() as connection:
            return self._settle(connection, one, next_at, {"seen": seen.to_json(), "failures": 0})

    def put_off(self, one: Claimed, failures: int, next_at: dt.datetime) -> bool:
        """Note that nothing could be learnt, for the ``failures``-th time in a row."""
        with self._engine.begin() as connection:
            return self._settle(connection, one, next_at, {"failures": failures})

    @staticmethod
    def _settle(connection: Connection, one: Claimed, next_at: dt.datetime | None, values: dict[str, Any]) -> bool:
        ours = and_(WatchRow.id == one.id, WatchRow.claim == one.claim)
        if next_at is None:
            return connection.execute(delete(WatchRow).where(ours)).rowcount == 1
        values = values | {"claim": None, "next_at": next_at}
        return connection.execute(update(WatchRow).where(ours).values(values)).rowcount == 1

    def count(self) -> int:
        """How many subscriptions there are."""
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(WatchRow)).scalar_one()


def by_system(claimed: Sequence[Claimed]) -> list[list[Claimed]]:
    """What is asked of each system, in turn."""
    groups: dict[str, list[Claimed]] = {}
    for one in claimed:
        groups.setdefault(one.system, []).append(one)
    return list(groups.values())


def _of(channel: str, recipient: str) -> Any:
    return and_(WatchRow.channel == channel, WatchRow.recipient == recipient)


def _claimed(row: Any) -> Claimed:
    return Claimed(
        id=row["id"],
        claim=row["claim"],
        system=row["system"],
        code=row["code"],
        channel=row["channel"],
        recipient=row["recipient"],
        seen=Seen.from_json(row["seen"]),
        told=row["told"],
        failures=row["failures"],
    )
