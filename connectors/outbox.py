"""The outbox: messages on their way to people, kept until a channel has taken them.

Several processes may send at once: a message is claimed in one atomic statement, for as long as a lease lasts. A
process that dies while sending leaves its message to be sent again; whether the first one arrived, only the channel
can tell, by the message's ``dedupe_key``. What cannot be delivered becomes a dead letter with its reason.

Times are Vietnam's, naive. A text is removed when it is sent; rows that are done are swept after some days.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    DateTime,
    Engine,
    Index,
    Integer,
    String,
    and_,
    case,
    delete,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.pace import is_daytime
from actions.dossiers.reading import vietnam_now
from actions.replies import Reply
from knowledge.database import Base

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 8
LEASE_S = 300
"""Seconds that a sender has for a message; more than any channel may take."""
KEEP_DAYS = 30
"""Days that rows which are done are kept."""

_AT_ONCE = 5
_FIRST_REST_S, _LONGEST_REST_S = 30, 3_600
_REASON = 120
_GAVE_UP = "no success in all attempts"


class OutboxRow(Base):
    """One message; ``payload`` is a :class:`~actions.replies.Reply`, NULL once it is sent."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_recipient", "channel", "recipient"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    channel: Mapped[str] = mapped_column(String(20))
    recipient: Mapped[str] = mapped_column(String(200))
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    dedupe_key: Mapped[str] = mapped_column(String(120), unique=True)
    by_day: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
    not_before: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
    attempts: Mapped[int] = mapped_column(Integer)
    sent_at: Mapped[dt.datetime | None] = mapped_column(DateTime)
    dead_reason: Mapped[str | None] = mapped_column(String(_REASON))


_WAITING = and_(OutboxRow.sent_at.is_(None), OutboxRow.dead_reason.is_(None))


@dataclass(frozen=True)
class Outgoing:
    """A message to send now, for the ``attempt``-th time."""

    id: int
    channel: str
    recipient: str = field(repr=False)
    reply: Reply = field(repr=False)
    dedupe_key: str
    attempt: int


@dataclass(frozen=True)
class DeadLetter:
    """A message that nobody tries to send any more, without its text and recipient."""

    id: int
    channel: str
    created_at: dt.datetime
    attempts: int
    reason: str


class Outbox:
    """The table of messages. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    # -- putting in, within somebody's transaction (see actions.dossiers.watching.Outbox) ------

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
        values = {
            "channel": channel,
            "recipient": recipient,
            "payload": reply.model_dump(mode="json"),
            "dedupe_key": dedupe_key,
            "by_day": by_day,
            "created_at": now,
            "not_before": now,
            "attempts": 0,
        }
        statement = self._insert(OutboxRow).values(values).on_conflict_do_nothing(index_elements=["dedupe_key"])
        return connection.execute(statement.returning(OutboxRow.id)).first() is not None

    def withdraw(self, connection: Connection, channel: str, recipient: str, prefix: str = "") -> int:
        """Take back what was not sent yet and has a ``dedupe_key`` with this prefix; returns how many."""
        theirs = OutboxRow.dedupe_key.startswith(prefix, autoescape=True)
        return connection.execute(delete(OutboxRow).where(_of(channel, recipient), _WAITING, theirs)).rowcount

    def erase(self, connection: Connection, channel: str, recipient: str) -> int:
        """Remove all messages of a recipient, sent ones too; returns how many."""
        return connection.execute(delete(OutboxRow).where(_of(channel, recipient))).rowcount

    # -- sending -------------------------------------------------------------------------------

    def take(
        self, limit: int, now: dt.datetime | None = None, channels: Collection[str] | None = None
    ) -> list[Outgoing]:
        """Claim messages that may be sent now, the oldest first, for this process alone until the lease is over.

        ``channels``: only these, all where None.
        """
        now = now or vietnam_now()
        due = [_WAITING, OutboxRow.not_before <= now]
        if channels is not None:
            due.append(OutboxRow.channel.in_(channels))
        if not is_daytime(now):
            due.append(OutboxRow.by_day.is_(False))
        free = _free(limit, *due, OutboxRow.attempts < MOST_ATTEMPTS)
        claim = update(OutboxRow).where(OutboxRow.id.in_(free)).returning(*OutboxRow.__table__.c)
        claim = claim.values(attempts=OutboxRow.attempts + 1, not_before=now + dt.timedelta(seconds=LEASE_S))
        # Tried so often that even the process that sent it died each time.
        hopeless = _free(limit, *due, OutboxRow.attempts >= MOST_ATTEMPTS)
        given_up = update(OutboxRow).where(OutboxRow.id.in_(hopeless)).values(dead_reason=_GAVE_UP)
        with self._engine.begin() as connection:
            connection.execute(given_up)
            rows = connection.execute(claim).mappings().all()
        return [_outgoing(row) for row in sorted(rows, key=lambda row: row["id"])]

    def collect(self, channel: str, recipient: str, now: dt.datetime | None = None) -> list[Reply]:
        """What waits for a recipient who is there just now, at any hour; it counts as sent."""
        now = now or vietnam_now()
        theirs = (_of(channel, recipient), _WAITING, OutboxRow.not_before <= now)
        with self._engine.connect() as connection:  # reading first: most have nothing waiting, and writing costs
            if connection.execute(select(OutboxRow.id).where(*theirs).limit(1)).first() is None:
                return []
        claim = update(OutboxRow).where(OutboxRow.id.in_(_free(_AT_ONCE, *theirs)))
        claim = claim.values(not_before=now + dt.timedelta(seconds=LEASE_S)).returning(*OutboxRow.__table__.c)
        with self._engine.begin() as connection:
            rows = sorted(connection.execute(claim).mappings().all(), key=lambda row: row["id"])
        for row in rows:
            self.sent(row["id"], now)
        return [_outgoing(row).reply for row in rows]

    def sent(self, id: int, now: dt.datetime | None = None) -> None:
        """Note that a channel has taken a message; its text is removed."""
        done = {"sent_at": now or vietnam_now(), "payload": null()}
        self._change(OutboxRow.id == id, done)

    def failed(self, id: int, reason: str, retry_at: dt.datetime | None) -> None:
        """Note that sending failed.

        Args:
            id: the message's.
            reason: for operators, without anything of the message or the recipient.
            retry_at: when to try again, unless that was the last attempt; None makes it a dead letter at once.
        """
        reason = reason[:_REASON] or "unknown"
        if retry_at is None:
            self._change(OutboxRow.id == id, {"dead_reason": reason})
            return
        last = OutboxRow.attempts >= MOST_ATTEMPTS
        self._change(OutboxRow.id == id, {"not_before": retry_at, "dead_reason": case((last, reason), else_=null())})

    def _change(self, which: Any, values: dict[str, Any]) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(OutboxRow).where(which, _WAITING).values(values))

    # -- keeping house -------------------------------------------------------------------------

    def dead(self, limit: int = 100) -> list[DeadLetter]:
        """Dead letters, the newest first."""
        table = OutboxRow
        query = select(table.id, table.channel, table.created_at, table.attempts, table.dead_reason)
        query = query.where(table.dead_reason.is_not(None)).order_by(table.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [DeadLetter(*row) for row in connection.execute(query)]

    def counts(self) -> dict[str, int]:
        """How many messages are ``waiting``, ``sent`` and ``dead``."""
        is_sent, is_dead = OutboxRow.sent_at.is_not(None), OutboxRow.dead_reason.is_not(None)
        kind = case((is_sent, "sent"), (is_dead, "dead"), else_="waiting").label("kind")
        query = select(kind, func.count()).group_by("kind")
        with self._engine.connect() as connection:
            found = {name: number for name, number in connection.execute(query)}
        return {"waiting": 0, "sent": 0, "dead": 0} | found

    def channels(self) -> list[str]:
        """Channels that messages wait for."""
        with self._engine.connect() as connection:
            return list(connection.execute(select(OutboxRow.channel).where(_WAITING).distinct()).scalars())

    def sweep(self, now: dt.datetime | None = None) -> int:
        """Remove what has been done for :data:`KEEP_DAYS`; returns how many."""
        before = (now or vietnam_now()) - dt.timedelta(days=KEEP_DAYS)
        old = or_(OutboxRow.sent_at < before, and_(OutboxRow.dead_reason.is_not(None), OutboxRow.created_at < before))
        with self._engine.begin() as connection:
            return connection.execute(delete(OutboxRow).where(old)).rowcount


# -- senders ------------------------------------------------------------------------------------


class SendError(Exception):
    """A channel did not take a message. ``reason`` is for operators and holds nothing of message or recipient.

    ``retry_after_s``: seconds after which it may be tried again; None where that is no use, 0 to leave it to us.
    """

    def __init__(self, reason: str, retry_after_s: int | None = 0) -> None:
        super().__init__(reason)
        self.reason, self.retry_after_s = reason, retry_after_s


class Sender(Protocol):
    """A way to one channel's recipients."""

    async def send(self, message: Outgoing) -> None:
        """Hand a message to the channel.

        Raises:
            SendError: it did not take it.
        """
        ...


class LogSender:
    """Sends nothing: it stands in for a channel that is not built yet, counts and logs what would be sent."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    async def send(self, message: Outgoing) -> None:
        self.counts[message.channel] += 1
        logger.info("would send to channel %s", message.channel)


async def deliver(
    outbox: Outbox, senders: Mapping[str, Sender], limit: int = 50, now: dt.datetime | None = None
) -> Counter[str]:
    """Send what waits for these channels, once.

    Args:
        outbox: where it waits.
        senders: by the channel's name.
        limit: messages at most.
        now: Vietnam's time, naive.

    Returns:
        How many were ``sent`` and ``failed``.
    """
    now = now or vietnam_now()
    counts: Counter[str] = Counter()
    for message in outbox.take(limit, now, senders.keys()):
        try:
            await senders[message.channel].send(message)
        except SendError as error:
            outbox.failed(message.id, error.reason, _retry_at(now, message.attempt, error.retry_after_s))
        except Exception as error:  # one message must not hold up the others; the error's text may quote it
            logger.error("channel %s: unexpected %s", message.channel, type(error).__name__)
            outbox.failed(message.id, f"unexpected {type(error).__name__}", _retry_at(now, message.attempt, 0))
        else:
            outbox.sent(message.id, now)
            counts["sent"] += 1
            continue
        counts["failed"] += 1
    return counts


def _retry_at(now: dt.datetime, attempt: int, retry_after_s: int | None) -> dt.datetime | None:
    if retry_after_s is None:
        return None
    rest_s = min(_FIRST_REST_S * 2 ** (attempt - 1), _LONGEST_REST_S)
    return now + dt.timedelta(seconds=max(rest_s, retry_after_s))


def _free(limit: int, *which: Any) -> Any:
    """Ids of the oldest such messages that nobody else is claiming."""
    rows = select(OutboxRow.id).where(*which).order_by(OutboxRow.id).limit(limit)
    # PostgreSQL leaves rows alone that another process is claiming; SQLite knows one writer at a time. The CTE is
    # evaluated once, which a plain subquery is not sure to be.
    return select(rows.with_for_update(skip_locked=True).cte().c.id)


def _of(channel: str, recipient: str) -> Any:
    return and_(OutboxRow.channel == channel, OutboxRow.recipient == recipient)


def _outgoing(row: Any) -> Outgoing:
    return Outgoing(
        id=row["id"],
        channel=row["channel"],
        recipient=row["recipient"],
        reply=Reply.model_validate(row["payload"]),
        dedupe_key=row["dedupe_key"],
        attempt=row["attempts"],
    )
