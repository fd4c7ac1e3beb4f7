"""What was said in a conversation, for some days: for staff who take it over, and for channels that read it from here.

Citizens' texts are kept masked. Ids rise in the order in which entries become visible within a conversation, so whoever
asks for what comes after an id misses nothing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import JSON, Connection, DateTime, Engine, Index, Integer, String, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, aliased, mapped_column

from actions.dossiers.reading import vietnam_now
from actions.replies import Reply
from connectors.messages import Outgoing, conversation_id
from knowledge.database import Base

Who = Literal["citizen", "bot", "staff"]

PRIVATE = Reply(text="(trả lời về khảo sát hoặc phản ánh, giữ kín)", status="feedback_recorded")
"""Stands for what the bot said to an answer to a survey or a petition, because thanks tell the rating."""
PRIVATE_HOURS = 24
"""How long the words themselves are kept for a channel that reads them from here; staff never see them."""

_OPTIONS_SEEN = 5
"""Entries back in which an option that is tapped now is looked for."""


class TranscriptRow(Base):
    """One thing said. ``payload`` is a :class:`~actions.replies.Reply`, or ``{"text"}`` of a citizen, masked."""

    __tablename__ = "transcript"
    __table_args__ = (Index("transcript_conversation", "conversation", "id"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    conversation: Mapped[str] = mapped_column(String(240))
    who: Mapped[str] = mapped_column(String(10))
    member: Mapped[str | None] = mapped_column(String(120))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
    inbox_id: Mapped[int | None] = mapped_column(Integer, index=True)
    dedupe_key: Mapped[str | None] = mapped_column(String(120), unique=True)


@dataclass(frozen=True)
class Entry:
    """One thing said. ``reply`` where bot or staff said it; ``member`` is the account of staff."""

    id: int
    who: Who
    at: dt.datetime
    text: str = field(repr=False)
    reply: Reply | None = field(default=None, repr=False)
    member: str | None = None


class Transcripts:
    """The table of what was said. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._postgres = engine.dialect.name == "postgresql"
        insert = (postgresql.insert if self._postgres else sqlite.insert)(TranscriptRow.__table__)
        self._append = insert.on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(TranscriptRow.id)

    def append(
        self,
        connection: Connection,
        conversation: str,
        who: Who,
        said: Reply | str,
        *,
        member: str | None = None,
        inbox_id: int | None = None,
        dedupe_key: str | None = None,
        at: dt.datetime | None = None,
    ) -> int | None:
        """Write down within the caller's transaction what was said.

        Args:
            connection: the caller's.
            conversation: ``channel:sender``.
            who: who said it.
            said: a reply, or a citizen's text, masked.
            member: the account's name, where staff said it.
            inbox_id: the message in the inbox that it is, or answers.
            dedupe_key: the same key is written down once.
            at: Vietnam's time, naive.

        Returns:
            The entry's id, None where this ``dedupe_key`` was there before.
        """
        if self._postgres:  # else a lower id could become visible after a higher one was read
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(conversation, 8))))
        values = {
            "conversation": conversation,
            "who": who,
            "member": member,
            "payload": said.model_dump(mode="json") if isinstance(said, Reply) else {"text": said},
            "at": at or vietnam_now(),
            "inbox_id": inbox_id,
            "dedupe_key": dedupe_key,
        }
        return connection.execute(self._append, values).scalar_one_or_none()

    def after(self, conversation: str, id: int, limit: int = 100) -> list[Entry]:
        """What came after the entry ``id`` (0: from the beginning), the oldest first."""
        query = select(TranscriptRow.__table__).where(TranscriptRow.conversation == conversation, TranscriptRow.id > id)
        return self._entries(query.order_by(TranscriptRow.id).limit(limit))

    def recent(self, conversation: str, limit: int = 50) -> list[Entry]:
        """The last entries, the oldest of them first."""
        query = select(TranscriptRow.__table__).where(TranscriptRow.conversation == conversation)
        return self._entries(query.order_by(TranscriptRow.id.desc()).limit(limit))[::-1]

    def for_staff(self, conversation: str, *, after: int = 0, limit: int = 50) -> list[Entry]:
        """What came after an entry, else the last ones, as staff may see it: without what was said to opinions."""
        entries = self.after(conversation, after, limit) if after else self.recent(conversation, limit)
        return [
            replace(entry, text=PRIVATE.text, reply=PRIVATE) if is_private(entry.reply) else entry for entry in entries
        ]

    def replies_to(self, inbox_id: int) -> list[Reply]:
        """What the bot answered to one message of the inbox."""
        query = select(TranscriptRow.__table__).where(TranscriptRow.inbox_id == inbox_id, TranscriptRow.who == "bot")
        return [entry.reply for entry in self._entries(query.order_by(TranscriptRow.id)) if entry.reply]

    def question_of(self, id: int) -> str | None:
        """The citizen's message, masked, that the entry ``id`` answers; None where it was a tapped option or is unknown."""
        answer, asked = aliased(TranscriptRow), TranscriptRow
        query = select(asked.payload).join(answer, answer.inbox_id == asked.inbox_id)
        with self._engine.connect() as connection:
            payload = connection.execute(query.where(answer.id == id, asked.who == "citizen")).scalar()
        text = payload["text"] if payload else ""
        return None if text.startswith(("/", "[")) else text or None

    def label_of(self, conversation: str, payload: str) -> str | None:
        """What an option that was offered just now says to people, found by its payload."""
        for entry in reversed(self.recent(conversation, _OPTIONS_SEEN)):
            for option in entry.reply.options if entry.reply else ():
                if option.payload == payload:
                    return option.label
        return None

    def erase(self, connection: Connection, conversation: str) -> int:
        """Remove a conversation; returns the number of entries."""
        return connection.execute(delete(TranscriptRow).where(TranscriptRow.conversation == conversation)).rowcount

    def sweep(self, days: int, now: dt.datetime | None = None) -> int:
        """Remove what is older than ``days``; returns how many entries."""
        before = (now or vietnam_now()) - dt.timedelta(days=days)
        with self._engine.begin() as connection:
            return connection.execute(delete(TranscriptRow).where(TranscriptRow.at < before)).rowcount

    def forget_private(self, now: dt.datetime | None = None) -> int:
        """Remove the words said to opinions after :data:`PRIVATE_HOURS`; returns of how many entries."""
        before = (now or vietnam_now()) - dt.timedelta(hours=PRIVATE_HOURS)
        payload = TranscriptRow.payload
        told = (payload["status"].as_string() == PRIVATE.status, payload["text"].as_string() != PRIVATE.text)
        hide = update(TranscriptRow).where(TranscriptRow.at < before, *told).values(payload=PRIVATE.model_dump(mode="json"))
        with self._engine.begin() as connection:
            return connection.execute(hide).rowcount

    def _entries(self, query: Any) -> list[Entry]:
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]


def is_private(reply: Reply | None) -> bool:
    """Whether this was said to an answer to a survey or a petition."""
    return reply is not None and reply.status == PRIVATE.status


class PulledChannel:
    """A channel whose people fetch what is for them from the transcript: writing it down delivers it."""

    pulled = True
    pace_per_s = 1_000.0

    def __init__(self, name: str, engine: Engine, transcripts: Transcripts) -> None:
        self.name = name
        self._engine, self._transcripts = engine, transcripts

    def parts(self, reply: Reply) -> list[Reply]:
        return [reply]

    async def send(self, message: Outgoing) -> None:
        """Write a message down that comes by the outbox, such as news of a dossier; the same one once."""
        await asyncio.to_thread(self._write, message)

    def _write(self, message: Outgoing) -> None:
        conversation = conversation_id(message.channel, message.recipient)
        with self._engine.begin() as connection:
            self._transcripts.append(connection, conversation, "bot", message.reply, dedupe_key=message.dedupe_key)

    async def preparing(self, sender: str) -> None:
        """The page shows it by itself."""


def _entry(row: Any) -> Entry:
    reply = Reply.model_validate(row["payload"]) if "status" in row["payload"] else None
    return Entry(row["id"], row["who"], row["at"], row["payload"]["text"], reply, row["member"])
