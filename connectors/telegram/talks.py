"""What must be known of chats besides their messages: each talk's last message, and chats that are away or have moved."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import BigInteger, DateTime, Engine, String, Update, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.reading import vietnam_now
from connectors.telegram.addresses import Address
from knowledge.database import Base

KEEP_DAYS = 30


class TalkRow(Base):
    """The last message, or message with a pressed button, of one conversation."""

    __tablename__ = "telegram_talk"
    sender: Mapped[str] = mapped_column(String(64), primary_key=True)
    message_id: Mapped[int] = mapped_column(BigInteger)
    heard_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)


class ChatRow(Base):
    """A chat that nothing can be sent to, or a group that became a supergroup with another id."""

    __tablename__ = "telegram_chat"
    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    moved_to: Mapped[int | None] = mapped_column(BigInteger)
    unreachable_since: Mapped[dt.datetime | None] = mapped_column(DateTime, index=True)


@dataclass(frozen=True)
class Target:
    """Where to send; ``reply_to`` is the message that an answer in a group points to."""

    chat_id: int
    reply_to: int | None
    reachable: bool


class Talks:
    """The two tables. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def heard(self, address: Address, message_id: int, now: dt.datetime | None = None) -> None:
        """Note a message: it is the talk's last one unless a later one is known, and its chat is there."""
        row = self._insert(TalkRow).values(sender=address.sender, message_id=message_id, heard_at=now or vietnam_now())
        new = {"message_id": row.excluded.message_id, "heard_at": row.excluded.heard_at}
        later = row.excluded.message_id > TalkRow.message_id
        with self._engine.begin() as connection:
            connection.execute(row.on_conflict_do_update(index_elements=["sender"], set_=new, where=later))
            connection.execute(self._back(address.chat_id))

    def last_message(self, address: Address) -> int | None:
        """The talk's last message."""
        query = select(TalkRow.message_id).where(TalkRow.sender == address.sender)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar()

    def target(self, address: Address) -> Target:
        """Where an answer for this conversation goes."""
        chats = select(ChatRow.moved_to, ChatRow.unreachable_since)
        with self._engine.connect() as connection:
            chat_id = address.chat_id
            chat = connection.execute(chats.where(ChatRow.chat_id == chat_id)).first()
            if chat and chat.moved_to is not None:
                chat_id = chat.moved_to
                chat = connection.execute(chats.where(ChatRow.chat_id == chat_id)).first()
        moved = chat_id != address.chat_id  # its messages have other ids now
        reply_to = self.last_message(address) if address.in_group and not moved else None
        return Target(chat_id, reply_to, reachable=not (chat and chat.unreachable_since))

    def lost(self, chat_id: int, now: dt.datetime | None = None) -> None:
        """Note that nothing can be sent to a chat any more: the bot is blocked or was put out."""
        row = self._insert(ChatRow).values(chat_id=chat_id, unreachable_since=now or vietnam_now())
        with self._engine.begin() as connection:
            connection.execute(row.on_conflict_do_update(
                index_elements=["chat_id"], set_={"unreachable_since": row.excluded.unreachable_since}
            ))  # fmt: skip

    def back(self, chat_id: int) -> None:
        """Note that a chat can be written to again."""
        with self._engine.begin() as connection:
            connection.execute(self._back(chat_id))

    def moved(self, chat_id: int, new_chat_id: int) -> None:
        """Note that a group has another id from now on."""
        row = self._insert(ChatRow).values(chat_id=chat_id, moved_to=new_chat_id)
        with self._engine.begin() as connection:
            connection.execute(row.on_conflict_do_update(
                index_elements=["chat_id"], set_={"moved_to": row.excluded.moved_to}
            ))  # fmt: skip

    def sweep(self, now: dt.datetime | None = None) -> int:
        """Forget talks and unreachable chats after :data:`KEEP_DAYS`; where groups moved to is kept. Returns how many."""
        before = (now or vietnam_now()) - dt.timedelta(days=KEEP_DAYS)
        gone = and_(ChatRow.moved_to.is_(None), ChatRow.unreachable_since < before)
        with self._engine.begin() as connection:
            talks = connection.execute(delete(TalkRow).where(TalkRow.heard_at < before)).rowcount
            return talks + connection.execute(delete(ChatRow).where(gone)).rowcount

    def erase(self, sender: str) -> int:
        """Forget a conversation; returns how many rows it had."""
        with self._engine.begin() as connection:
            return connection.execute(delete(TalkRow).where(TalkRow.sender == sender)).rowcount

    @staticmethod
    def _back(chat_id: int) -> Update:
        away = and_(ChatRow.chat_id == chat_id, ChatRow.unreachable_since.is_not(None))
        return update(ChatRow).where(away).values(unreachable_since=None)
