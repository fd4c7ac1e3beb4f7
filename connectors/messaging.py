"""The parts of a message's way, put together: what an app process starts, and ends in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine

from actions.dossiers.watching import Watches
from actions.office_hours import OfficeWeek
from actions.turns import TurnLog
from connectors.channel_switch import ChannelSwitch
from connectors.conversation import Conversations
from connectors.delivery import Delivery, Pacer
from connectors.handoff import Handoffs
from connectors.inbox import Inbox
from connectors.limits import Limits
from connectors.messages import Channel, sender_of
from connectors.outbox import Outbox
from connectors.path import Path
from connectors.transcripts import PulledChannel, Transcripts
from knowledge.settings import Settings

logger = logging.getLogger(__name__)

_HOUSE_S = 600.0
_END_S = 20.0
"""Seconds that running turns and sends have when the process ends; what is not done then is taken up by the next."""


@dataclass
class Messaging:
    """The running parts. Channels are registered in ``channels`` before :meth:`start`."""

    engine: Engine
    settings: Settings
    inbox: Inbox
    outbox: Outbox
    transcripts: Transcripts
    handoffs: Handoffs
    switch: ChannelSwitch
    limits: Limits
    turns: TurnLog
    watches: Watches
    conversations: Conversations
    channels: dict[str, Channel]
    path: Path
    delivery: Delivery
    pacer: Pacer
    erasers: list[Callable[[Connection, str], int]] = field(default_factory=list)
    """Of other parts that keep something of a conversation: each removes its rows within a transaction, and counts them."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    def build(
        cls,
        settings: Settings,
        key: bytes,
        *,
        limits: Limits,
        outbox: Outbox,
        turns: TurnLog,
        watches: Watches,
        conversations: Conversations,
        engine: Engine,
    ) -> Messaging:
        """Put the parts together.

        Raises:
            ValueError: the setting ``office_hours`` cannot be read.
        """
        if settings.office_hours:
            OfficeWeek.parse(settings.office_hours)
        transcripts = Transcripts(engine)
        channels: dict[str, Channel] = {"web": PulledChannel("web", engine, transcripts)}
        inbox, switch = Inbox(engine, key, limits), ChannelSwitch(engine)
        handoffs = Handoffs(engine, key, outbox, transcripts, channels)
        pacer = Pacer(settings.redis_url)
        delivery = Delivery(outbox, channels, pacer)
        path = Path(
            engine,
            inbox,
            conversations,
            outbox=outbox,
            transcripts=transcripts,
            handoffs=handoffs,
            switch=switch,
            channels=channels,
            settings=settings,
            wake_delivery=delivery.wake,
        )
        return cls(
            engine, settings, inbox, outbox, transcripts, handoffs, switch, limits,
            turns, watches, conversations, channels, path, delivery, pacer,
        )  # fmt: skip

    def start(self) -> None:
        """Begin to work; the channels are known by now, and those that have a ``start()`` are started."""
        for channel in self.channels.values():
            if start := getattr(channel, "start", None):
                start()
        for part in (self.path.run(), self.delivery.run(), self._keep_house()):
            self._tasks.append(asyncio.create_task(part))

    async def close(self) -> None:
        """End: running turns are answered, what is being sent is sent, as far as that is done soon."""
        self.path.stop()
        self.delivery.stop()
        *working, house = self._tasks or [asyncio.create_task(asyncio.sleep(0))]
        house.cancel()
        if working:
            await asyncio.wait(working, timeout=_END_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for channel in self.channels.values():
            if close := getattr(channel, "close", None):
                await close()
        await self.pacer.close()

    async def erase(self, conversation: str) -> None:
        """Remove everything that is kept of a conversation, here and in Rasa; what is on its way is not sent.

        Args:
            conversation: ``channel:sender``.
        """
        removed = await asyncio.to_thread(self._erase_rows, conversation)
        channel, sender = conversation.partition(":")[0], sender_of(conversation)
        if erase := getattr(self.channels.get(channel), "erase", None):  # what the channel itself keeps of somebody
            removed += await asyncio.to_thread(erase, sender)
        await self.conversations.forget(conversation)
        logger.info("a conversation was erased: %d rows", removed)

    def _erase_rows(self, conversation: str) -> int:
        channel, sender = conversation.partition(":")[0], sender_of(conversation)
        with self.engine.begin() as connection:
            # The inbox first: a turn that is being written down ends before, one that runs finds its message gone.
            removed = self.inbox.erase(connection, conversation)
            removed += self.transcripts.erase(connection, conversation)
            removed += self.outbox.erase(connection, channel, sender)
            removed += self.handoffs.erase(connection, conversation)
            removed += sum(erase(connection, conversation) for erase in self.erasers)
            self.turns.erase(connection, conversation)
        return removed + self.watches.erase(channel, sender)

    async def _keep_house(self) -> None:
        """Remove what has been kept long enough, now and then."""
        sweeps: list[Callable[[], int]] = [
            self.inbox.sweep,
            self.outbox.sweep,
            self.handoffs.sweep,
            lambda: self.transcripts.sweep(self.settings.transcript_days),
            self.transcripts.forget_private,
        ]
        while True:
            for sweep in sweeps:
                try:
                    await asyncio.to_thread(sweep)
                except Exception as error:
                    logger.error("sweeping failed: %s", type(error).__name__)
            await asyncio.sleep(_HOUSE_S)
