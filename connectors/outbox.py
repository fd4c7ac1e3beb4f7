"""The outbox: messages on their way to people, kept until a channel has taken them.

Several processes may send at once (:mod:`connectors.delivery`): a message is claimed in one atomic statement, for as
long as a lease lasts, and not before all earlier ones of the same recipient are sent or given up. A process that dies
while sending leaves its message to be sent again; whether the first one arrived, only the channel can tell, by the
message's ``dedupe_key``. What cannot be delivered becomes a dead letter with its reason.

Times are Vietnam's, naive. A text is removed when it is sent; rows that are done are swept after some days.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

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
    bindparam,
    case,
    delete,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, aliased, mapped_column

from actions.dossiers.pace import is_daytime
from actions.dossiers.reading import vietnam_now
from actions.replies import Reply
from connectors.messages import Outgoing
from knowledge.database import Base

MOST_ATTEMPTS = 8
LEASE_S = 300
"""Seconds that a sender has for a message; more than any channel may take."""
KEEP_DAYS = 30
"""Days that rows which are done are kept."""

_AT_ONCE = 5
_REASON = 120
_GAVE_UP = "no success in all attempts"


class OutboxRow(Base):
    """One message; ``payload`` is a :class:`~actions.replies.Reply`, NULL once it is sent.

    ``unanswered`` counts the calls to the channel of which it is not known whether the message was taken: one while
    it is being sent, and one for each time that a process died then or no answer came.
    """

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
    unanswered: Mapped[int] = mapped_column(Integer, default=0, server_default="0")


_WAITING = and_(OutboxRow.sent_at.is_(None), OutboxRow.dead_reason.is_(None))
Index("outbox_waiting", OutboxRow.id, sqlite_where=_WAITING, postgresql_where=_WAITING)
Index(
    "outbox_in_order",
    OutboxRow.channel,
    OutboxRow.recipient,
    OutboxRow.id,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)


@dataclass(frozen=True)
class Taken(Outgoing):
    """A message that this process sends now; ``unsure``: an earlier attempt may have arrived."""

    unsure: bool = False


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
        insert = (postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert)(OutboxRow.__table__)
        self._put = insert.on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(OutboxRow.id)

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
        return connection.execute(self._put, values).first() is not None

    def withdraw(self, connection: Connection, channel: str, recipient: str, prefix: str = "") -> int:
        """Take back what was not sent yet and has a ``dedupe_key`` with this prefix; returns how many."""
        theirs = OutboxRow.dedupe_key.startswith(prefix, autoescape=True)
        return connection.execute(delete(OutboxRow).where(_of(channel, recipient), _WAITING, theirs)).rowcount

    def erase(self, connection: Connection, channel: str, recipient: str) -> int:
        """Remove all messages of a recipient, sent ones too; returns how many."""
        return connection.execute(delete(OutboxRow).where(_of(channel, recipient))).rowcount

    # -- sending -------------------------------------------------------------------------------

    def due(self, channel: str, now: dt.datetime | None = None, *, at_any_hour: bool = False) -> bool:
        """Whether :meth:`take` would find something for this channel."""
        now = now or vietnam_now()
        with self._engine.connect() as connection:
            query = _due(1, (channel,), disturbs=not at_any_hour and not is_daytime(now))
            return connection.execute(query, {"now": now}).first() is not None

    def take(
        self,
        limit: int,
        now: dt.datetime | None = None,
        channels: Collection[str] | None = None,
        *,
        at_any_hour: bool = False,
    ) -> list[Taken]:
        """Claim messages that may be sent now, the oldest first, for this process alone until the lease is over.

        Of one recipient only the first that waits can be claimed, and nothing while that is being sent.

        Args:
            limit: messages at most.
            now: Vietnam's time, naive.
            channels: only these, all where None.
            at_any_hour: messages for the day, too, because these channels disturb nobody.
        """
        now = now or vietnam_now()
        named = None if channels is None else tuple(channels)
        claim = _claim(limit, named, disturbs=not at_any_hour and not is_daytime(now))
        with self._engine.begin() as connection:
            until = now + dt.timedelta(seconds=LEASE_S)
            rows = connection.execute(claim, {"now": now, "until": until}).mappings().all()
            # Tried so often that even the process that sent it died each time.
            hopeless = [row["id"] for row in rows if row["attempts"] > MOST_ATTEMPTS]
            if hopeless:
                given_up = {"dead_reason": _GAVE_UP, "attempts": MOST_ATTEMPTS}
                connection.execute(update(OutboxRow).where(OutboxRow.id.in_(hopeless)).values(given_up))
        return [_taken(row) for row in sorted(rows, key=lambda row: row["id"]) if row["id"] not in hopeless]

    def collect(self, channel: str, recipient: str, now: dt.datetime | None = None) -> list[Reply]:
        """What waits for a recipient who is there just now, at any hour; it counts as sent."""
        now = now or vietnam_now()
        theirs = (_of(channel, recipient), _WAITING, OutboxRow.not_before <= now)
        with self._engine.connect() as connection:  # reading first: most have nothing waiting, and writing costs
            if connection.execute(select(OutboxRow.id).where(*theirs).limit(1)).first() is None:
                return []
        oldest = select(OutboxRow.id).where(*theirs).order_by(OutboxRow.id).limit(_AT_ONCE)
        claim = update(OutboxRow).where(OutboxRow.id.in_(_alone(oldest)))
        claim = claim.values(not_before=now + dt.timedelta(seconds=LEASE_S)).returning(*OutboxRow.__table__.c)
        with self._engine.begin() as connection:
            rows = sorted(connection.execute(claim).mappings().all(), key=lambda row: row["id"])
        for row in rows:
            self.sent(row["id"], now)
        return [_taken(row).reply for row in rows]

    def sent(self, id: int, now: dt.datetime | None = None) -> None:
        """Note that a channel has taken a message; its text is removed."""
        done = {"sent_at": now or vietnam_now(), "payload": null()}
        self._change(OutboxRow.id == id, done)

    def failed(
        self,
        id: int,
        reason: str,
        retry_at: dt.datetime | None,
        *,
        refused: bool = True,
        attempt: int | None = None,
    ) -> None:
        """Note that sending failed.

        Args:
            id: the message's.
            reason: for operators, without anything of the message or the recipient.
            retry_at: when to try again, unless that was the last attempt; None makes it a dead letter at once.
            refused: whether the channel said so; False where the message may have arrived after all.
            attempt: which attempt failed; nothing is noted where another one has begun since.
        """
        reason = reason[:_REASON] or "unknown"
        which = OutboxRow.id == id if attempt is None else and_(OutboxRow.id == id, OutboxRow.attempts == attempt)
        values: dict[str, Any] = {"unanswered": OutboxRow.unanswered - 1} if refused else {}
        if retry_at is None:
            self._change(which, values | {"dead_reason": reason})
            return
        last = OutboxRow.attempts >= MOST_ATTEMPTS
        values |= {"not_before": retry_at, "dead_reason": case((last, reason), else_=null())}
        self._change(which, values)

    def _change(self, which: Any, values: dict[str, Any]) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(OutboxRow).where(which, _WAITING).values(values))

    # -- keeping house -------------------------------------------------------------------------

    def retry(self, ids: Collection[int], now: dt.datetime | None = None) -> int:
        """Let dead letters be tried again from the first attempt on; returns how many there were."""
        anew = {"dead_reason": null(), "attempts": 0, "not_before": now or vietnam_now()}
        dead = and_(OutboxRow.id.in_(ids), OutboxRow.dead_reason.is_not(None), OutboxRow.payload.is_not(None))
        with self._engine.begin() as connection:
            return connection.execute(update(OutboxRow).where(dead).values(anew)).rowcount

    def drop(self, ids: Collection[int]) -> int:
        """Remove messages that are not sent; returns how many there were."""
        with self._engine.begin() as connection:
            unsent = and_(OutboxRow.id.in_(ids), OutboxRow.sent_at.is_(None))
            return connection.execute(delete(OutboxRow).where(unsent)).rowcount

    def dead(self, limit: int = 100) -> list[DeadLetter]:
        """Dead letters, the newest first."""
        table = OutboxRow
        query = select(table.id, table.channel, table.created_at, table.attempts, table.dead_reason)
        query = query.where(table.dead_reason.is_not(None)).order_by(table.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [DeadLetter(*row) for row in connection.execute(query)]

    def counts(self) -> dict[str, int]:
        """How many messages are ``waiting``, ``sent`` and ``dead``."""
        total = {"waiting": 0, "sent": 0, "dead": 0}
        for states in self.counts_by_channel().values():
            for state, number in states.items():
                total[state] += number
        return total

    def counts_by_channel(self) -> dict[str, dict[str, int]]:
        """The same, channel by channel."""
        is_sent, is_dead = OutboxRow.sent_at.is_not(None), OutboxRow.dead_reason.is_not(None)
        state = case((is_sent, "sent"), (is_dead, "dead"), else_="waiting").label("state")
        query = select(OutboxRow.channel, state, func.count()).group_by(OutboxRow.channel, "state")
        found: dict[str, dict[str, int]] = {}
        with self._engine.connect() as connection:
            for channel, name, number in connection.execute(query.order_by(OutboxRow.channel)):
                found.setdefault(channel, {"waiting": 0, "sent": 0, "dead": 0})[name] = number
        return found

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


@functools.cache  # building the statement costs more than running it
def _due(limit: int, channels: tuple[str, ...] | None, *, disturbs: bool) -> Any:
    """Ids of the oldest messages that may be sent ``:now``: nothing before what came earlier.

    ``disturbs``: it is night; nothing that is for the day.
    """
    earlier = aliased(OutboxRow)
    theirs = [
        earlier.channel == OutboxRow.channel,
        earlier.recipient == OutboxRow.recipient,
        earlier.sent_at.is_(None),
        earlier.dead_reason.is_(None),
    ]
    due = [_WAITING, OutboxRow.not_before <= bindparam("now", type_=DateTime)]
    if channels is not None:
        due.append(OutboxRow.channel.in_(channels))
    if disturbs:  # what waits for the morning holds nothing up, unless it is being sent just now
        due.append(OutboxRow.by_day.is_(False))
        theirs.append(or_(earlier.by_day.is_(False), earlier.unanswered > 0))
    # Not "none is earlier": PostgreSQL would make a join of that, which compares all that waits with each other.
    first = select(func.min(earlier.id)).where(*theirs).correlate(OutboxRow).scalar_subquery()
    return select(OutboxRow.id).where(*due, OutboxRow.id == first).order_by(OutboxRow.id).limit(limit)


@functools.cache
def _claim(limit: int, channels: tuple[str, ...] | None, *, disturbs: bool) -> Any:
    statement = update(OutboxRow.__table__).where(OutboxRow.id.in_(_alone(_due(limit, channels, disturbs=disturbs))))
    return statement.values(
        attempts=OutboxRow.attempts + 1,
        unanswered=OutboxRow.unanswered + 1,
        not_before=bindparam("until", type_=DateTime),
    ).returning(*OutboxRow.__table__.c)


def _alone(rows: Any) -> Any:
    """The same rows, without those that somebody else is claiming."""
    # PostgreSQL leaves rows alone that another process is claiming; SQLite knows one writer at a time. The CTE is
    # evaluated once, which a plain subquery is not sure to be.
    return select(rows.with_for_update(skip_locked=True).cte().c.id)


def _of(channel: str, recipient: str) -> Any:
    return and_(OutboxRow.channel == channel, OutboxRow.recipient == recipient)


def _taken(row: Any) -> Taken:
    return Taken(
        id=row["id"],
        channel=row["channel"],
        recipient=row["recipient"],
        reply=Reply.model_validate(row["payload"]),
        dedupe_key=row["dedupe_key"],
        attempt=row["attempts"],
        unsure=row["unanswered"] > 1,
    )
