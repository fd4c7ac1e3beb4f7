"""Conversations that a person is wanted for, and who has them.

waiting → claimed → closed. While a conversation waits the bot goes on answering; while somebody has claimed it, or the
channel's own staff answers it (paused), the bot is silent and messages only go to the transcript. Nothing is written
about a closed one but that it was (:class:`HandoffEventRow`), without the conversation's id.

Times are Vietnam's, naive.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, DateTime, Engine, Integer, String, Text, and_, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.reading import vietnam_now
from actions.replies import Reply
from actions.sealing import Sealer
from connectors.messages import Channel, sender_of
from connectors.outbox import Outbox
from connectors.transcripts import Transcripts
from knowledge.database import Base

IDLE_HOURS = 8
"""Hours after which a claimed conversation that nobody touches goes back to the queue, so that the bot answers again."""
KEEP_DAYS = 7
"""Days that a request waits before it is given up."""
CONTACT_HOURS = 24
"""Hours in which the next message may hold the telephone number that was asked for."""

_PHONE = re.compile(r"(?<!\d)(?:\+?84|0)(?:[\s.\-]?\d){8,10}(?!\d)")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MOST_CONTACT = 500


class State(StrEnum):
    """Where a conversation stands."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    PAUSED = "paused"  # the channel's own staff answers it


class HandoffRow(Base):
    """A conversation that is not the bot's alone. ``contact`` is sealed."""

    __tablename__ = "handoff"
    conversation: Mapped[str] = mapped_column(String(240), primary_key=True)
    channel: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(200))
    since: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
    claimed_by: Mapped[str | None] = mapped_column(String(120))
    touched_at: Mapped[dt.datetime] = mapped_column(DateTime)
    paused_until: Mapped[dt.datetime | None] = mapped_column(DateTime)
    contact: Mapped[str | None] = mapped_column(Text)
    contact_wanted_until: Mapped[dt.datetime | None] = mapped_column(DateTime)


class HandoffEventRow(Base):
    """For reports: what happened, not to whom. ``waited_s``: seconds since the request."""

    __tablename__ = "handoff_event"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
    channel: Mapped[str] = mapped_column(String(20))
    what: Mapped[str] = mapped_column(String(10))
    member: Mapped[str | None] = mapped_column(String(120))
    waited_s: Mapped[int] = mapped_column(Integer)


@dataclass(frozen=True)
class Holder:
    """Who has a conversation, so that the bot is silent; ``member`` is None where it is the channel's own staff."""

    member: str | None
    until: dt.datetime | None = None


@dataclass(frozen=True)
class Request:
    """A conversation as staff sees it in the queue."""

    conversation: str = field(repr=False)
    channel: str
    state: State
    reason: str
    since: dt.datetime
    claimed_by: str | None
    has_contact: bool


class Handoffs:
    """The table of such conversations. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
        key: the installation's secret key.
        outbox: takes what staff writes.
        transcripts: where it is written down.
        channels: by name; they cut texts into parts.
    """

    def __init__(
        self,
        engine: Engine,
        key: bytes,
        outbox: Outbox,
        transcripts: Transcripts,
        channels: Mapping[str, Channel],
    ) -> None:
        self._engine, self._outbox, self._transcripts, self._channels = engine, outbox, transcripts, channels
        self._sealer = Sealer(key, "handoff")
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    # -- for the bot ---------------------------------------------------------------------------

    def request(
        self,
        conversation: str,
        channel: str,
        reason: str,
        *,
        contact_wanted: bool = False,
        connection: Connection | None = None,
        now: dt.datetime | None = None,
    ) -> bool:
        """Put a conversation into the queue.

        Args:
            conversation: ``channel:sender``.
            channel: the channel's name.
            reason: for staff; nothing of what the person wrote.
            contact_wanted: whether the person was asked for a telephone number.
            connection: the caller's transaction, if it is to be a part of one.
            now: Vietnam's time, naive.

        Returns:
            False where it is there already.
        """
        if connection is None:
            with self._engine.begin() as own:
                return self.request(
                    conversation, channel, reason, contact_wanted=contact_wanted, connection=own, now=now
                )
        now = now or vietnam_now()
        wanted = {"contact_wanted_until": now + dt.timedelta(hours=CONTACT_HOURS) if contact_wanted else None}
        values = {"conversation": conversation, "channel": channel, "state": State.WAITING, "reason": reason[:200]}
        statement = self._insert(HandoffRow).values(values | wanted | {"since": now, "touched_at": now})
        statement = statement.on_conflict_do_nothing(index_elements=["conversation"])
        if connection.execute(statement.returning(HandoffRow.conversation)).first() is not None:
            self._note(connection, "requested", channel, None, since=now, now=now)
            return True
        again = update(HandoffRow).where(_is(conversation), HandoffRow.state != State.CLAIMED)
        over = and_(HandoffRow.state == State.PAUSED, HandoffRow.paused_until <= now)
        state = case((over, State.WAITING.value), else_=HandoffRow.state)
        connection.execute(again.values({"state": state, "touched_at": now} | (wanted if contact_wanted else {})))
        return False

    def holder(self, conversation: str, now: dt.datetime | None = None) -> Holder | None:
        """Who answers a conversation in the bot's place, if anybody."""
        row = self._row(conversation)
        if row is None or row.state == State.WAITING:
            return None
        if row.state == State.CLAIMED:
            return Holder(row.claimed_by)
        return Holder(None, row.paused_until) if row.paused_until > (now or vietnam_now()) else None

    def take_contact(self, conversation: str, text: str, now: dt.datetime | None = None) -> bool:
        """Keep, sealed, the telephone number or address that was asked for, if this message holds one.

        The question is answered by the next message, whatever it holds.
        """
        now = now or vietnam_now()
        row = self._row(conversation)
        if row is None or row.contact_wanted_until is None:
            return False
        given = row.contact_wanted_until > now and bool(_PHONE.search(text) or _EMAIL.search(text))
        values: dict[str, Any] = {"contact_wanted_until": None, "touched_at": now}
        if given:
            values["contact"] = self._sealer.seal(text[:_MOST_CONTACT])
        with self._engine.begin() as connection:
            connection.execute(update(HandoffRow).where(_is(conversation)).values(values))
        return given

    def pause(self, conversation: str, until: dt.datetime, now: dt.datetime | None = None) -> None:
        """The channel's own staff answers until then; what one of ours has claimed stays claimed."""
        now = now or vietnam_now()
        channel = conversation.partition(":")[0]
        values = {"state": State.PAUSED, "paused_until": until, "touched_at": now}
        fresh = {
            "conversation": conversation,
            "channel": channel,
            "reason": "staff answers in the channel",
            "since": now,
        }
        statement = self._insert(HandoffRow).values(fresh | values)
        statement = statement.on_conflict_do_update(
            index_elements=["conversation"], set_=values, where=HandoffRow.state != State.CLAIMED
        )
        with self._engine.begin() as connection:
            connection.execute(statement)
            self._note(connection, "paused", channel, None, since=now, now=now)

    # -- for staff -----------------------------------------------------------------------------

    def queue(self) -> list[Request]:
        """What waits and what is claimed, the longest waiting first."""
        query = select(HandoffRow.__table__).where(HandoffRow.state != State.PAUSED).order_by(HandoffRow.since)
        with self._engine.connect() as connection:
            return [_request(row) for row in connection.execute(query)]

    def claim(self, conversation: str, member: str, now: dt.datetime | None = None) -> bool:
        """Take a waiting conversation; of two who try one gets it, and who has it keeps it."""
        now = now or vietnam_now()
        free = or_(HandoffRow.state != State.CLAIMED, HandoffRow.claimed_by == member)
        values = {"state": State.CLAIMED, "claimed_by": member, "touched_at": now, "paused_until": None}
        return self._move(conversation, free, values, what="claimed", member=member, now=now)

    def release(self, conversation: str, member: str | None = None, now: dt.datetime | None = None) -> bool:
        """Give a conversation back to the queue and to the bot.

        Args:
            conversation: ``channel:sender``.
            member: only where this member has it; None: whoever has it.
            now: Vietnam's time, naive.
        """
        now = now or vietnam_now()
        values = {"state": State.WAITING, "claimed_by": None, "touched_at": now}
        return self._move(conversation, _held_by(member), values, what="released", member=member, now=now)

    def close(self, conversation: str, member: str | None = None, now: dt.datetime | None = None) -> bool:
        """Nobody is wanted any more: the request and its contact are removed.

        ``member``: not where another member has it; None: in any case.
        """
        now = now or vietnam_now()
        free = or_(HandoffRow.state != State.CLAIMED, _held_by(member))
        gone = delete(HandoffRow).where(_is(conversation), free).returning(HandoffRow.channel, HandoffRow.since)
        with self._engine.begin() as connection:
            row = connection.execute(gone).first()
            if row:
                self._note(connection, "closed", row.channel, member, since=row.since, now=now)
        return row is not None

    def reply_as_staff(self, conversation: str, text: str, member: str, now: dt.datetime | None = None) -> bool:
        """Send what a member of staff writes; False where that member does not have the conversation.

        Raises:
            ValueError: there is no text.
        """
        if not text.strip():
            raise ValueError("there is nothing to send")
        now = now or vietnam_now()
        reply = Reply(text=text.strip(), status="handoff")
        channel_name = conversation.partition(":")[0]
        channel = self._channels.get(channel_name)
        parts = channel.parts(reply) if channel else [reply]
        ours = and_(_is(conversation), HandoffRow.state == State.CLAIMED, HandoffRow.claimed_by == member)
        with self._engine.begin() as connection:
            if not connection.execute(update(HandoffRow).where(ours).values(touched_at=now)).rowcount:
                return False
            entry = self._transcripts.append(connection, conversation, "staff", reply, member=member, at=now)
            if not getattr(channel, "pulled", False):
                for number, part in enumerate(parts):
                    self._outbox.put(
                        connection,
                        channel=channel_name,
                        recipient=sender_of(conversation),
                        reply=part,
                        dedupe_key=f"staff:{entry}:{number}",
                        now=now,
                    )
        return True

    def contact(self, conversation: str) -> str | None:
        """The contact that the person left, for staff's eyes.

        Raises:
            actions.sealing.SealBrokenError: it was kept under another installation key.
        """
        row = self._row(conversation)
        return self._sealer.open(row.contact) if row is not None and row.contact else None

    # -- keeping house -------------------------------------------------------------------------

    def erase(self, connection: Connection, conversation: str) -> int:
        """Remove a conversation's request; returns how many there were."""
        return connection.execute(delete(HandoffRow).where(_is(conversation))).rowcount

    def sweep(self, now: dt.datetime | None = None) -> int:
        """Give back what is claimed and not touched for :data:`IDLE_HOURS`; remove what is over.

        Returns:
            How many were removed.
        """
        now = now or vietnam_now()
        idle = and_(HandoffRow.state == State.CLAIMED, HandoffRow.touched_at < now - dt.timedelta(hours=IDLE_HOURS))
        over = or_(
            and_(HandoffRow.state == State.PAUSED, HandoffRow.paused_until <= now),
            and_(HandoffRow.state == State.WAITING, HandoffRow.touched_at < now - dt.timedelta(days=KEEP_DAYS)),
        )
        with self._engine.begin() as connection:
            connection.execute(
                update(HandoffRow).where(idle).values(state=State.WAITING, claimed_by=None, touched_at=now)
            )
            return connection.execute(delete(HandoffRow).where(over)).rowcount

    def _row(self, conversation: str) -> Any:
        with self._engine.connect() as connection:
            return connection.execute(select(HandoffRow.__table__).where(_is(conversation))).first()

    def _move(
        self,
        conversation: str,
        which: Any,
        values: dict[str, Any],
        *,
        what: str,
        member: str | None,
        now: dt.datetime,
    ) -> bool:
        moved = update(HandoffRow).where(_is(conversation), which).values(values)
        with self._engine.begin() as connection:
            row = connection.execute(moved.returning(HandoffRow.channel, HandoffRow.since)).first()
            if row:
                self._note(connection, what, row.channel, member, since=row.since, now=now)
        return row is not None

    @staticmethod
    def _note(
        connection: Connection, what: str, channel: str, member: str | None, *, since: dt.datetime, now: dt.datetime
    ) -> None:
        waited_s = max(0, round((now - since).total_seconds()))
        row = {"at": now, "channel": channel, "what": what, "member": member, "waited_s": waited_s}
        connection.execute(HandoffEventRow.__table__.insert().values(row))


def _is(conversation: str) -> Any:
    return HandoffRow.conversation == conversation


def _held_by(member: str | None) -> Any:
    claimed = HandoffRow.state == State.CLAIMED
    return claimed if member is None else and_(claimed, HandoffRow.claimed_by == member)


def _request(row: Any) -> Request:
    return Request(
        conversation=row.conversation,
        channel=row.channel,
        state=State(row.state),
        reason=row.reason,
        since=row.since,
        claimed_by=row.claimed_by,
        has_contact=row.contact is not None,
    )
