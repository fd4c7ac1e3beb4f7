"""The way of a message: from the inbox through a turn to transcript and outbox.

Messages of one conversation are answered in order, conversations in parallel. The answer is written down in one
transaction: the message is done, the transcript has it, the replies are in the outbox. A process that dies before that
leaves the message to another one, which answers it anew; after it, nobody answers it again. So every message is
answered, and none twice; what a turn does beside answering (Rasa's memory of the talk, a subscription) may be done again.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from actions.dossiers.reading import vietnam_now
from actions.feedback.survey import ANSWER_PAYLOAD
from actions.handoff import is_office_open
from actions.replies import Reply
from actions.sealing import SealBrokenError
from connectors.channel_switch import ChannelSwitch, Stop
from connectors.conversation import FAILED, OPINION_MARK, TOO_FAST, Answered, Conversations, shown_of
from connectors.handoff import Handoffs
from connectors.inbox import LEASE_S, MOST_ATTEMPTS, Claimed, Inbox
from connectors.messages import Channel, Incoming, sender_of
from connectors.outbox import Outbox
from connectors.transcripts import PRIVATE, Transcripts, is_private
from knowledge.settings import Settings

logger = logging.getLogger(__name__)

TURN_S = 90.0
"""Seconds that a turn may take, everything included."""

_POLL_S = 0.5
_PREPARING_S = 5.0
_FIRST_REST_S = 2
_NOTICE_S = 3_600
"""Seconds after which people on a stopped channel are told again."""

_CONTACT_KEPT = Reply(
    text="Tôi đã ghi lại để cán bộ liên hệ với anh/chị trong giờ làm việc. Anh/chị cần hỏi thêm gì cứ nhắn ạ.",
    status="handoff",
)


@dataclass(frozen=True)
class _Outcome:
    """What is written down about a message: ``answered`` where it was a turn; ``once`` names replies that come once."""

    replies: Sequence[Reply] = field(default=(), repr=False)
    shown: str = field(default="", repr=False)
    answered: Answered | None = None
    dead_reason: str | None = None
    once: str | None = None


class Path:
    """Works on the inbox.

    Args:
        engine: the database that inbox, outbox and transcripts share.
        inbox: where messages come from.
        conversations: answers them.
        outbox: where replies go.
        transcripts: where both are written down.
        handoffs: which conversations a person has.
        switch: which channels are stopped.
        channels: by name; they cut replies into parts.
        settings: for concurrency, office and hotline.
        wake_delivery: called when replies are in the outbox.
    """

    def __init__(
        self,
        engine: Engine,
        inbox: Inbox,
        conversations: Conversations,
        *,
        outbox: Outbox,
        transcripts: Transcripts,
        handoffs: Handoffs,
        switch: ChannelSwitch,
        channels: Mapping[str, Channel],
        settings: Settings,
        wake_delivery: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine, self._inbox, self._conversations = engine, inbox, conversations
        self._outbox, self._transcripts, self._handoffs = outbox, transcripts, handoffs
        self._switch, self._channels, self._settings = switch, channels, settings
        self._wake_delivery = wake_delivery
        self.pick_up: Callable[[Incoming], Reply | None] = lambda _: None
        """Answers messages that are for something else than the bot, such as the digits that the hotline read out."""
        self.hold: Callable[[Connection, str, str, Reply], Reply] = lambda _connection, _conversation, _shown, reply: reply
        """What to say now in a reply's place; the reply itself may be kept, within the transaction, for somebody to approve."""
        self._slots = asyncio.Semaphore(settings.rasa_concurrency)
        self._woken, self._stopping = asyncio.Event(), False
        self._finished: dict[int, asyncio.Event] = {}
        """Who waits here for the answer to a message, by its id in the inbox."""

    async def run(self) -> None:
        """Work until :meth:`stop`."""
        running: set[asyncio.Task[None]] = set()
        while not self._stopping:
            await self._slots.acquire()
            self._woken.clear()
            claimed = await self._claim()
            if claimed is None:
                self._slots.release()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), _POLL_S)
                continue
            task = asyncio.create_task(self._work(claimed))
            running.add(task)
            task.add_done_callback(running.discard)
            task.add_done_callback(lambda _: self._slots.release())
            task.add_done_callback(lambda _: self.wake())  # the conversation's next message may be claimed now
        await asyncio.gather(*running, return_exceptions=True)

    def wake(self) -> None:
        """Something was put into the inbox by this process; what others put is seen within half a second."""
        self._woken.set()

    def stop(self) -> None:
        """Take no more, and end once the running turns are answered."""
        self._stopping = True
        self.wake()

    async def answered(self, incoming: Incoming, timeout_s: float) -> list[Reply]:
        """Wait for the bot's replies to a message that was put into the inbox, by whatever process it is answered.

        Args:
            incoming: as it was put; also one that was put before.
            timeout_s: how long to wait, seconds.

        Returns:
            The replies. Empty where the time is over, or where a person has the conversation and the bot is silent.
            For a message that was dropped because too many came: that it was too fast.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        kept = await asyncio.to_thread(self._inbox.find, incoming)
        if kept is None:
            return [TOO_FAST]
        finished = self._finished.setdefault(kept.id, asyncio.Event())
        try:
            while not kept.done:
                rest_s = deadline - asyncio.get_running_loop().time()
                if rest_s <= 0:
                    return []
                with suppress(TimeoutError):
                    await asyncio.wait_for(finished.wait(), min(rest_s, _POLL_S))
                finished.clear()
                kept = await asyncio.to_thread(self._inbox.find, incoming)
                if kept is None:
                    return []
        finally:
            self._finished.pop(kept.id if kept else 0, None)
        return await asyncio.to_thread(self._transcripts.replies_to, kept.id)

    # -- one message ---------------------------------------------------------------------------

    async def _claim(self) -> Claimed | None:
        try:
            return await asyncio.to_thread(self._inbox.claim)
        except SQLAlchemyError as error:
            logger.error("the inbox cannot be read: %s", type(error).__name__)
            return None

    async def _work(self, claimed: Claimed) -> None:
        renewing = asyncio.create_task(self._renew(claimed))
        try:
            async with asyncio.timeout(TURN_S):
                incoming = self._inbox.read(claimed)
                outcome = await self._outcome(claimed, incoming)
                await asyncio.to_thread(self._finish, claimed, incoming, outcome)
        except Exception as error:  # texts of errors may quote the message
            logger.error("a message was not answered in attempt %d: %s", claimed.attempt, type(error).__name__)
            await self._failed(claimed, error)
        finally:
            renewing.cancel()
            if waiting := self._finished.get(claimed.id):
                waiting.set()
            self._wake_delivery()

    async def _renew(self, claimed: Claimed) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            with suppress(SQLAlchemyError):
                await asyncio.to_thread(self._inbox.renew, claimed)

    async def _outcome(self, claimed: Claimed, incoming: Incoming) -> _Outcome:
        if settled := await self._without_bot(claimed, incoming):
            return settled
        if await asyncio.to_thread(self._handoffs.take_contact, claimed.conversation, incoming.text):
            return _Outcome([_CONTACT_KEPT], shown_of(incoming.text))
        if picked := await asyncio.to_thread(self.pick_up, incoming):
            return _Outcome([picked], shown_of(incoming.text))
        preparing = asyncio.create_task(self._prepare(claimed.channel, incoming.sender))
        answered = await self._conversations.answer(incoming)
        preparing.cancel()
        shown = await self._shown(incoming) if answered.shown.startswith("/") else answered.shown
        return _Outcome(answered.replies, shown, answered)

    async def _without_bot(self, claimed: Claimed, incoming: Incoming) -> _Outcome | None:
        """What becomes of a message that the bot is not to answer, None where it is."""
        if claimed.attempt > MOST_ATTEMPTS:  # every process that worked on it died
            return _Outcome([FAILED], shown_of(incoming.text), dead_reason="no answer in all attempts")
        if claimed.limited:
            return _Outcome([TOO_FAST], shown_of(incoming.text))
        if stop := await asyncio.to_thread(self._switch.stopped, claimed.channel):
            return self._while_stopped(claimed, incoming, stop)
        if await asyncio.to_thread(self._handoffs.holder, claimed.conversation):
            return _Outcome(shown=await self._shown(incoming))
        return None

    async def _prepare(self, name: str, sender: str) -> None:
        """Show that an answer is being prepared; the answer does not wait for it."""
        if channel := self._channels.get(name):
            with suppress(Exception):
                await asyncio.wait_for(channel.preparing(sender), _PREPARING_S)

    async def _shown(self, incoming: Incoming) -> str:
        """The message as staff reads it: a tapped option by its label."""
        shown = shown_of(incoming.text)
        if not shown.startswith("/"):
            return shown
        if shown.startswith(ANSWER_PAYLOAD):
            return OPINION_MARK
        label = await asyncio.to_thread(self._transcripts.label_of, incoming.conversation, shown)
        return label or shown

    def _while_stopped(self, claimed: Claimed, incoming: Incoming, stop: Stop) -> _Outcome:
        hour = int((vietnam_now() - stop.since).total_seconds() // _NOTICE_S)
        who = hashlib.sha256(claimed.conversation.encode(errors="surrogatepass")).hexdigest()[:32]
        once = f"stop:{stop.since:%y%m%d%H%M%S}:{hour}:{who}"
        if getattr(self._channels.get(claimed.channel), "pulled", False):  # a page on which nothing happens looks broken
            return _Outcome([self._notice(stop)], shown_of(incoming.text))
        return _Outcome([self._notice(stop)], shown_of(incoming.text), once=once)

    def _notice(self, stop: Stop) -> Reply:
        person = f"gọi {self._settings.hotline}" if self._settings.hotline else f"hỏi {self._settings.office}"
        usual = f"Trợ lý trên kênh này đang tạm nghỉ nên chưa trả lời được. Anh/chị nhắn lại sau, hoặc {person} ạ."
        return Reply(text=stop.notice or usual, status="handoff")

    def _finish(self, claimed: Claimed, incoming: Incoming, outcome: _Outcome) -> bool:
        """Write everything down, or nothing where the message is no longer ours to answer."""
        now = vietnam_now()
        with self._engine.begin() as connection:
            if not self._inbox.settle(connection, claimed, outcome.dead_reason, now):
                logger.warning("a message was taken over by another process, or erased")
                return False
            self._transcripts.append(
                connection, claimed.conversation, "citizen", outcome.shown, inbox_id=claimed.id, at=claimed.received_at
            )
            if outcome.answered:
                held = [self.hold(connection, claimed.conversation, outcome.shown, reply) for reply in outcome.replies]
                outcome = replace(outcome, replies=held)
            parts = [self._parts(claimed.channel, reply) for reply in outcome.replies]
            self._say(connection, claimed, outcome, parts, now)
            if outcome.answered:
                self._conversations.record(incoming, outcome.answered, connection)
                self._want_person(connection, claimed, outcome.answered.replies, now)
        return True

    def _say(
        self,
        connection: Connection,
        claimed: Claimed,
        outcome: _Outcome,
        parts: Sequence[Sequence[Reply]],
        now: dt.datetime,
    ) -> None:
        pulled = getattr(self._channels.get(claimed.channel), "pulled", False)
        number = 0
        for reply, pieces in zip(outcome.replies, parts, strict=True):
            said = PRIVATE if is_private(reply) and not pulled else reply
            entry = self._transcripts.append(
                connection, claimed.conversation, "bot", said, inbox_id=claimed.id, dedupe_key=outcome.once, at=now
            )
            if entry is None or pulled:  # said before, or read from the transcript
                continue
            for piece in pieces:
                self._outbox.put(
                    connection,
                    channel=claimed.channel,
                    recipient=sender_of(claimed.conversation),
                    reply=piece,
                    dedupe_key=f"in:{claimed.id}:{number}",
                    now=now,
                )
                number += 1

    def _parts(self, name: str, reply: Reply) -> list[Reply]:
        channel = self._channels.get(name)
        return channel.parts(reply) if channel else [reply]

    def _want_person(
        self, connection: Connection, claimed: Claimed, replies: Sequence[Reply], now: dt.datetime
    ) -> None:
        if any(reply.status == "handoff" for reply in replies):
            self._handoffs.request(
                claimed.conversation,
                claimed.channel,
                "asked for a person",
                contact_wanted=not is_office_open(self._settings, now),
                connection=connection,
                now=now,
            )

    async def _failed(self, claimed: Claimed, error: Exception) -> None:
        """Try again later, or give up and apologise, once."""
        try:
            broken = isinstance(error, SealBrokenError)
            if broken or claimed.attempt >= MOST_ATTEMPTS:
                reason = "sealed with another key" if broken else f"unexpected {type(error).__name__}"
                await asyncio.to_thread(self._give_up, claimed, reason)
            else:
                rest_s = _FIRST_REST_S * 4 ** (claimed.attempt - 1)
                until = vietnam_now() + dt.timedelta(seconds=rest_s)
                await asyncio.to_thread(self._inbox.put_off, claimed, until)
        except Exception as again:  # the lease will end, and it is claimed again
            logger.error("a failure cannot be written down: %s", type(again).__name__)

    def _give_up(self, claimed: Claimed, reason: str) -> None:
        now = vietnam_now()
        with self._engine.begin() as connection:
            if self._inbox.settle(connection, claimed, reason, now):
                outcome = _Outcome([FAILED])
                self._say(connection, claimed, outcome, [[FAILED]], now)
