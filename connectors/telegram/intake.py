"""From an update to the inbox: what is noted, what is kept for the talk, what is said at once.

Everything that must not be lost is in the database before :func:`take` returns. What only helps the eye (a button's
spinner that ends, the chosen button shown) is said in the background and may be lost.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from sqlalchemy import Engine

from actions.dossiers.reading import vietnam_now
from actions.replies import Reply
from connectors.messages import Incoming
from connectors.outbox import Outbox
from connectors.telegram.buttons import PRESSED, Buttons
from connectors.telegram.talks import Talks
from connectors.telegram.updates import Heard, Membership, Moved, Notice, Press, Question

CHANNEL = "telegram"

_OLD_BUTTON = "Nút này đã cũ. Anh/chị nhắn lại câu hỏi giúp ạ."
_OTHERS_BUTTON = "Nút này dành cho người đã hỏi. Anh/chị nhắn câu hỏi của mình giúp ạ."
_CHOSEN_ALREADY = "Anh/chị đã chọn rồi ạ."


class Inbox(Protocol):
    """Where messages wait for their turn (:class:`connectors.inbox.Inbox`)."""

    def put(self, incoming: Incoming) -> bool:
        """Keep a message; False where this one was put before."""
        ...


class Answers(Protocol):
    """What is said to who pressed a button, in the background."""

    def toast(self, press: Press, text: str | None) -> None:
        """End the button's spinner, with a word where there is one to say."""
        ...

    def show_choice(self, press: Press) -> None:
        """Put the chosen button in place of all."""
        ...


class Intake:
    """Takes updates in. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
        inbox: where messages for the talk go.
        answers: says what pressing a button has done.
    """

    def __init__(self, engine: Engine, inbox: Inbox, answers: Answers) -> None:
        self._engine, self._inbox, self._answers = engine, inbox, answers
        self._talks, self._buttons, self._outbox = Talks(engine), Buttons(engine), Outbox(engine)

    async def take(self, heard: Heard | None, update_id: int) -> bool:
        """Take in what an update means; True where it brought something to answer or to say."""
        match heard:
            case Question():
                return await asyncio.to_thread(self._question, heard, update_id)
            case Press():
                return await self._press(heard)
            case Membership(chat_id, reachable):
                await asyncio.to_thread(self._talks.back if reachable else self._talks.lost, chat_id)
            case Moved(chat_id, new_chat_id):
                await asyncio.to_thread(self._talks.moved, chat_id, new_chat_id)
        return False

    def _question(self, asked: Question, update_id: int) -> bool:
        if asked.edited and self._talks.last_message(asked.address) != asked.message_id:
            return False  # the talk has gone on since
        self._talks.heard(asked.address, asked.message_id)
        noticed = asked.notice is not None and self._say(asked, asked.notice)
        if not asked.text.strip():
            return noticed
        kept = Incoming(CHANNEL, asked.address.sender, f"update:{update_id}", asked.text)
        return self._inbox.put(kept) or noticed

    def _say(self, asked: Question, notice: Notice) -> bool:
        """Put a notice into the outbox, each kind once a minute: an album of pictures is many messages."""
        now = vietnam_now()
        with self._engine.begin() as connection:
            return self._outbox.put(
                connection,
                channel=CHANNEL,
                recipient=asked.address.sender,
                reply=Reply(text=notice.text, status="clarification"),
                dedupe_key=f"telegram:{notice.kind}:{asked.address.sender}:{now:%Y%m%d%H%M}",
                now=now,
            )

    async def _press(self, press: Press) -> bool:
        if press.data == PRESSED:
            self._answers.toast(press, _CHOSEN_ALREADY)
            return False
        address = press.address
        button = address and await asyncio.to_thread(self._buttons.find, press.data, address)
        if not address or not button:
            self._answers.toast(press, _OLD_BUTTON)
            return False
        if button.sender != address.sender:
            self._answers.toast(press, _OTHERS_BUTTON)
            return False
        await asyncio.to_thread(self._talks.heard, address, press.message_id)
        # One message's buttons count once, however often and fast they are pressed.
        key = f"press:{address.chat_id}:{press.message_id}"
        kept = await asyncio.to_thread(self._inbox.put, Incoming(CHANNEL, address.sender, key, button.payload))
        self._answers.toast(press, None if kept else _CHOSEN_ALREADY)
        if kept:
            self._answers.show_choice(press)
        return kept
