"""The stop switch: a channel whose messages the bot does not answer for a while, and what people are told meanwhile.

What is written to a stopped channel is kept in the transcript and not answered. Processes look at the table every
few seconds, so a switch takes effect everywhere without a restart.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

from sqlalchemy import DateTime, Engine, String, Text, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.reading import vietnam_now
from knowledge.database import Base

LOOK_S = 2.0
"""Seconds for which a process believes what it saw in the table."""


class ChannelStopRow(Base):
    """A stopped channel. ``since`` is Vietnam's time, naive; ``notice`` NULL means the usual words."""

    __tablename__ = "channel_stop"
    channel: Mapped[str] = mapped_column(String(20), primary_key=True)
    since: Mapped[dt.datetime] = mapped_column(DateTime)
    stopped_by: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(String(500))
    notice: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True)
class Stop:
    """Why and since when a channel is stopped, and what people are told (None: the usual words)."""

    channel: str
    since: dt.datetime
    by: str
    reason: str
    notice: str | None


class ChannelSwitch:
    """Stops and starts channels. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        self._seen: tuple[float, dict[str, Stop]] | None = None

    def stop(
        self, channel: str, reason: str, by: str, notice: str | None = None, now: dt.datetime | None = None
    ) -> Stop:
        """Stop a channel, or give a stopped one another reason and notice.

        Args:
            channel: its name.
            reason: for the other members of staff.
            by: who stops it.
            notice: what people are told; None: the usual words.
            now: Vietnam's time, naive.

        Raises:
            ValueError: there is no reason, or a text or the name is too long.
        """
        reason, channel = reason.strip(), channel.strip()
        if not reason or len(reason) > 500:
            raise ValueError("a reason of at most 500 characters is needed")
        if not 0 < len(channel) <= 20:
            raise ValueError("a channel's name has 1 to 20 characters")
        if notice is not None and not 0 < len(notice.strip()) <= 1_000:
            raise ValueError("a notice has 1 to 1000 characters")
        said = {"stopped_by": by[:120], "reason": reason, "notice": notice.strip() if notice else None}
        values = {"channel": channel, "since": now or vietnam_now()} | said
        statement = self._insert(ChannelStopRow).values(values)
        statement = statement.on_conflict_do_update(index_elements=["channel"], set_=said)
        with self._engine.begin() as connection:
            connection.execute(statement)
        self._seen = None
        return self.stops()[channel]

    def start(self, channel: str) -> bool:
        """Let a channel run again; False where it was not stopped."""
        with self._engine.begin() as connection:
            started = connection.execute(delete(ChannelStopRow).where(ChannelStopRow.channel == channel)).rowcount
        self._seen = None
        return started == 1

    def stopped(self, channel: str) -> Stop | None:
        """Whether a channel is stopped, as of at most :data:`LOOK_S` seconds ago."""
        seen = self._seen
        if seen is None or time.monotonic() - seen[0] > LOOK_S:
            seen = self._seen = (time.monotonic(), self.stops())
        return seen[1].get(channel)

    def stops(self) -> dict[str, Stop]:
        """All stopped channels, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(ChannelStopRow.__table__).order_by(ChannelStopRow.channel))
            return {row.channel: Stop(*row) for row in rows}
