"""What a verified webhook event leads to: a message in the inbox, a fixed answer, a pause of the bot, an erasure.

Everything is on disk before Zalo is told that its call was received, and everything may come twice: Zalo repeats calls
that were not answered in time.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from actions.dossiers.reading import vietnam_now
from connectors.messages import Incoming, conversation_id
from connectors.zalo import render
from connectors.zalo.channel import NAME, ZaloChannel
from connectors.zalo.events import Event, Followed, Ignored, InfoShared, Media, NoText, StaffWrote, Text, Withdrawn

_WORDS = {
    Media.IMAGE: "ảnh", Media.STICKER: "nhãn dán", Media.LOCATION: "vị trí", Media.AUDIO: "tin nhắn thoại",
    Media.BUSINESS_CARD: "danh thiếp", Media.OTHER: "tệp",
}  # fmt: skip
"""What staff reads in the transcript; the thing itself is in Zalo's OA Manager."""


class Inbox(Protocol):
    def put(self, incoming: Incoming) -> bool: ...


class Handoffs(Protocol):
    def pause(self, conversation: str, until: dt.datetime) -> Any: ...

    def holder(self, conversation: str) -> Any: ...


class Switch(Protocol):
    def stopped(self, channel: str) -> Any: ...


class Limits(Protocol):
    def allow(self, channel: str, sender: str, address: str | None = None) -> bool: ...


@dataclass(frozen=True)
class Receiver:
    """Carries events out.

    Args:
        channel: the Zalo channel.
        inbox: takes messages for the assistant.
        handoffs: knows which conversations a person has.
        switch: knows whether the channel is stopped.
        limits: counts what does not go through the inbox.
        erase: removes all that is stored of a conversation.
        wake: tells the worker that there is something to do.
        staff_pause: how long the bot is silent after an officer wrote.
    """

    channel: ZaloChannel
    inbox: Inbox
    handoffs: Handoffs
    switch: Switch
    limits: Limits
    erase: Callable[[str], Any]
    wake: Callable[[], Any]
    staff_pause: dt.timedelta

    async def take(self, event: Event) -> None:
        """Carry an event out; when this returns its effect is on disk.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: it is not; it may be tried again.
        """
        match event:
            case Text():
                await asyncio.to_thread(self._ask, event)
                self.wake()
            case NoText() | Followed() | InfoShared():
                await asyncio.to_thread(self._tell, event)
                self.wake()
            case StaffWrote(recipient):
                until = vietnam_now() + self.staff_pause
                await _done(self.handoffs.pause, conversation_id(NAME, recipient), until)
            case Withdrawn(sender):
                await asyncio.to_thread(self.channel.erase, sender)
                await _done(self.erase, conversation_id(NAME, sender))
            case Ignored(name):
                self.channel.health.add(f"event:{name}")

    def _ask(self, event: Text) -> None:
        text = render.typed(event.text)
        chosen = text if text != event.text else self.channel.sends.chosen(event.sender, text)
        self.inbox.put(Incoming(NAME, event.sender, event.key, chosen))

    def _tell(self, event: NoText | Followed | InfoShared) -> None:
        """Give the fixed answer.

        Where a person has the conversation, or the channel is stopped, the bot is silent; what came goes the way of
        messages, so that it stands in the transcript and gets the notice of a stopped channel.
        """
        if self.handoffs.holder(conversation_id(NAME, event.sender)) or self.switch.stopped(NAME):
            if isinstance(event, NoText):
                self.inbox.put(Incoming(NAME, event.sender, event.key, f"[{_WORDS[event.media]}]"))
        elif self.limits.allow(NAME, event.sender):
            self.channel.notices.answer(event)


async def _done(what: Callable[..., Any], *arguments: Any) -> None:
    """Call something that may be a coroutine function, or block."""
    if inspect.iscoroutinefunction(what):
        await what(*arguments)
    else:
        result = await asyncio.to_thread(what, *arguments)
        if inspect.isawaitable(result):
            await result
