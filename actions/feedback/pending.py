"""Which question of ours waits in which conversation: sealed, under a keyed hash, for at most a day.

It outlives restarts and is the same for all app processes. What it says (answers, whose petition) can be read by nobody
who has only the database.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from sqlalchemy import DateTime, Engine, String, Text, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.keys import Pseudonyms
from actions.sealing import SealBrokenError, Sealer
from knowledge.database import Base

KEEP = dt.timedelta(days=1)


class PendingRow(Base):
    """One conversation's waiting question, or a note that something was asked today."""

    __tablename__ = "survey_talk"
    conversation: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    until: Mapped[dt.datetime] = mapped_column(DateTime, index=True)


class Pending:
    """Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`. Times are Vietnam's, naive.

    Args:
        engine: the installation's database, migrated.
        key: the installation's secret key.
    """

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        self._names = Pseudonyms(key, "survey-talk")
        self._sealer = Sealer(key, "survey-talk-seal")

    def get(self, conversation: str, now: dt.datetime) -> dict[str, Any] | None:
        """What was put last, unless its time is over or it was sealed with another key."""
        mine = PendingRow.conversation == self._names.of("survey", conversation)
        with self._engine.connect() as connection:
            sealed = connection.execute(select(PendingRow.state).where(mine, PendingRow.until > now)).scalar()
        try:
            return json.loads(self._sealer.open(sealed)) if sealed else None
        except SealBrokenError:
            return None

    def put(self, conversation: str, state: dict[str, Any], until: dt.datetime) -> None:
        """Keep it in place of what was there."""
        sealed = self._sealer.seal(json.dumps(state))
        row = {"conversation": self._names.of("survey", conversation), "state": sealed, "until": until}
        put = self._insert(PendingRow).values(row)
        with self._engine.begin() as connection:
            connection.execute(put.on_conflict_do_update(index_elements=["conversation"], set_=row))

    def first_today(self, conversation: str, what: str, now: dt.datetime) -> bool:
        """Note ``what`` for the rest of the day; False where it was noted before."""
        tomorrow = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time())
        row = {"conversation": self._names.of(what, str(now.date()), conversation), "state": "", "until": tomorrow}
        put = self._insert(PendingRow).values(row).on_conflict_do_nothing().returning(PendingRow.conversation)
        with self._engine.begin() as connection:
            return connection.execute(put).first() is not None

    def drop(self, conversation: str) -> bool:
        """Forget what waits in a conversation; returns whether something did."""
        mine = PendingRow.conversation == self._names.of("survey", conversation)
        with self._engine.begin() as connection:
            return connection.execute(delete(PendingRow).where(mine)).rowcount == 1

    def sweep(self, now: dt.datetime) -> int:
        """Remove what is over; returns how many rows."""
        with self._engine.begin() as connection:
            return connection.execute(delete(PendingRow).where(PendingRow.until <= now)).rowcount
