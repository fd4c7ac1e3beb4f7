"""What is remembered of messages sent to Zalo: when sending began, and the numbered choices that somebody has before them.

Neither holds a text. Times are Vietnam's, naive.
"""

from __future__ import annotations

import datetime as dt
import re

from sqlalchemy import JSON, DateTime, Engine, String, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.reading import vietnam_now
from knowledge.database import Base

_KEEP = dt.timedelta(days=7)
_NUMBER = re.compile(r"(?:(?:chọn|chon|số|so)\s+){0,2}([1-9])\s*[.)]?", re.IGNORECASE)


class AttemptRow(Base):
    """When the first attempt to send a message began."""

    __tablename__ = "zalo_attempt"
    dedupe_key: Mapped[str] = mapped_column(String(120), primary_key=True)
    begun_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)


class ChoiceRow(Base):
    """What the numbers 1, 2 … stand for in the last message that somebody got."""

    __tablename__ = "zalo_choice"
    recipient: Mapped[str] = mapped_column(String(200), primary_key=True)
    payloads: Mapped[list[str]] = mapped_column(JSON)
    offered_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)


class Sends:
    """Both tables. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def begin(self, dedupe_key: str) -> None:
        """Note that a message is being sent, before Zalo is called; the first time counts."""
        statement = self._insert(AttemptRow).values(dedupe_key=dedupe_key, begun_at=vietnam_now())
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_nothing(index_elements=["dedupe_key"]))

    def begun(self, dedupe_key: str) -> dt.datetime | None:
        """When sending began; None where Zalo was never called for this message."""
        query = select(AttemptRow.begun_at).where(AttemptRow.dedupe_key == dedupe_key)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def offer(self, recipient: str, payloads: list[str]) -> None:
        """Remember the choices of a message that was just sent; an empty list forgets those before."""
        if not payloads:
            self.forget(recipient)
            return
        statement = self._insert(ChoiceRow).values(recipient=recipient, payloads=payloads, offered_at=vietnam_now())
        new = statement.excluded
        changed = {"payloads": new.payloads, "offered_at": new.offered_at}
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["recipient"], set_=changed))

    def chosen(self, sender: str, text: str) -> str:
        """The payload that a bare number stands for; any other text as it is."""
        match = _NUMBER.fullmatch(text.strip())
        if not match:
            return text
        payloads = self._payloads(sender)
        position = int(match.group(1)) - 1
        return payloads[position] if position < len(payloads) else text

    def forget(self, recipient: str) -> int:
        """Remove somebody's choices; returns how many rows."""
        if not self._payloads(recipient):  # reading first: most have none, and writing costs
            return 0
        with self._engine.begin() as connection:
            return connection.execute(delete(ChoiceRow).where(ChoiceRow.recipient == recipient)).rowcount

    def sweep(self) -> None:
        """Remove what is older than a week."""
        before = vietnam_now() - _KEEP
        with self._engine.begin() as connection:
            connection.execute(delete(AttemptRow).where(AttemptRow.begun_at < before))
            connection.execute(delete(ChoiceRow).where(ChoiceRow.offered_at < before))

    def _payloads(self, recipient: str) -> list[str]:
        query = select(ChoiceRow.payloads).where(ChoiceRow.recipient == recipient)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none() or []
