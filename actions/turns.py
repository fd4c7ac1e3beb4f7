"""What happened in every turn: the status, never who asked.

The question's text is kept only where the catalogue failed the asker, with personal numbers
masked, so that officers can see what is missing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from pathlib import Path

from sqlalchemy import JSON, Connection, DateTime, Engine, Integer, String, Text, insert, null, update
from sqlalchemy.orm import Mapped, mapped_column

from actions.privacy import mask
from actions.secret_key import installation_key
from knowledge.catalogue import now
from knowledge.database import Base

_KEEP_QUESTION = {"no_such_procedure", "not_published", "clarification", "error"}


class Turn(Base):
    """One message and how it was answered."""

    __tablename__ = "turn"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
    channel: Mapped[str] = mapped_column(String(20))
    conversation: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(40))
    procedure_code: Mapped[str | None] = mapped_column(String(40))
    fields: Mapped[list[str]] = mapped_column(JSON)
    question: Mapped[str | None] = mapped_column(Text)
    ms: Mapped[int] = mapped_column(Integer)


class TurnLog:
    """Stores turns under a keyed hash of the conversation's id."""

    def __init__(self, engine: Engine, home: Path) -> None:
        self._engine = engine
        self._key = installation_key(home)

    def record(
        self,
        *,
        channel: str,
        conversation: str,
        status: str,
        procedure_code: str | None = None,
        fields: list[str] | None = None,
        question: str = "",
        ms: float = 0.0,
        connection: Connection | None = None,
    ) -> None:
        """Store one turn, within the caller's transaction where there is one.

        Args:
            channel: the channel's name.
            conversation: the conversation's id; only a keyed hash of it is kept.
            status: one of :data:`actions.replies.Status`.
            procedure_code: the procedure that the answer is about.
            fields: what was asked of it.
            question: the message without personal numbers; kept only where the catalogue failed the asker.
            ms: milliseconds that the answer took.
            connection: the caller's transaction.
        """
        kept = mask(question).text[:500] if status in _KEEP_QUESTION and question else None
        row = {
            "at": now(),
            "channel": channel,
            "conversation": self.pseudonym(conversation),
            "status": status,
            "procedure_code": procedure_code,
            "fields": fields or [],
            "question": kept,
            "ms": round(ms),
        }
        if connection is not None:
            connection.execute(insert(Turn.__table__), row)
            return
        with self._engine.begin() as own:
            own.execute(insert(Turn.__table__), row)

    def erase(self, connection: Connection, conversation: str) -> int:
        """Remove the words of a conversation's turns; their statuses stay. Returns how many there were."""
        theirs = update(Turn).where(Turn.conversation == self.pseudonym(conversation), Turn.question.is_not(None))
        return connection.execute(theirs.values(question=null())).rowcount

    def pseudonym(self, conversation: str) -> str:
        """A keyed hash: the same conversation gives the same value, which tells nothing without the key."""
        return hmac.new(self._key, conversation.encode(), hashlib.sha256).hexdigest()[:32]
