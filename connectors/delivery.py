"""Sending what is in the outbox: each channel at its own pace, each recipient in order, recipients in parallel.

When a message can arrive twice: a process dies (or loses the connection) after the channel took the message and before
that is written down. The message is then offered to the channel's ``arrived``, which may know; where the channel cannot
tell, it is sent again with the same ``dedupe_key``. No message is lost at any instant.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

import redis.asyncio as redis
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from actions.dossiers.reading import vietnam_now
from connectors.messages import Outgoing, SendError
from connectors.outbox import Outbox, Taken

logger = logging.getLogger(__name__)

SEND_S = 60.0
"""Seconds that a channel has for one message; less than the outbox's lease."""
USUAL_PACE_PER_S = 10.0

_AT_ONCE = 8
"""Messages that are sent at the same time through one channel."""
_POLL_S = 0.5
_FIRST_REST_S, _REST_GROWS, _LONGEST_REST_S = 5, 3, 3_600
"""Somebody waits for an answer, so the first rests are short; all together they outlast an hour and a half."""


class Sender(Protocol):
    """A way to one channel's recipients.

    It may also have ``pace_per_s`` (messages a second, over all processes where there is a Redis), ``pulled`` (it
    disturbs nobody, whatever the hour) and ``async def arrived(message) -> bool | None``: whether an earlier attempt
    arrived, None where the channel cannot tell.
    """

    async def send(self, message: Outgoing) -> None:
        """Hand a message to the channel.

        Raises:
            SendError: it did not take it.
        """
        ...


class LogSender:
    """Sends nothing: it stands in for a channel that is not built yet, counts and logs what would be sent."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    async def send(self, message: Outgoing) -> None:
        self.counts[message.channel] += 1
        logger.info("would send to channel %s", message.channel)


async def deliver(
    outbox: Outbox, senders: Mapping[str, Sender], limit: int = 50, now: dt.datetime | None = None
) -> Counter[str]:
    """Send what waits for these channels now, once.

    Args:
        outbox: where it waits.
        senders: by the channel's name.
        limit: messages at most.
        now: Vietnam's time, naive.

    Returns:
        How many were ``sent`` and ``failed``.
    """
    now = now or vietnam_now()
    counts: Counter[str] = Counter()
    while counts.total() < limit:
        taken = outbox.take(limit - counts.total(), now, senders.keys())
        if not taken:
            break
        for message in taken:  # the next of a recipient can be taken once the one before is sent
            counts["sent" if await attempt(outbox, senders[message.channel], message, now) else "failed"] += 1
    return counts


async def attempt(outbox: Outbox, sender: Sender, message: Taken, now: dt.datetime | None = None) -> bool:
    """Send one message that was taken, and write down what became of it; True where it has arrived."""
    error = await _error_of(sender, message)
    now = now or vietnam_now()
    if error is None:
        await asyncio.to_thread(outbox.sent, message.id, now)
        return True
    await asyncio.to_thread(
        outbox.failed,
        message.id,
        error.reason,
        _retry_at(now, message.attempt, error.retry_after_s),
        # "Try again after …" and "never" are the channel's own words; anything else may be a lost answer.
        refused=error.retry_after_s != 0,
        attempt=message.attempt,
    )
    return False


async def _error_of(sender: Sender, message: Taken) -> SendError | None:
    """Send, unless it is known that an earlier attempt arrived; what went wrong."""
    try:
        async with asyncio.timeout(SEND_S):
            arrived = getattr(sender, "arrived", None)
            if message.unsure and arrived and await arrived(message):
                return None
            await sender.send(message)
    except SendError as error:
        return error
    except Exception as error:  # one message must not hold up the others; the error's text may quote it
        logger.error("channel %s: unexpected %s", message.channel, type(error).__name__)
        return SendError(f"unexpected {type(error).__name__}")
    return None


def _retry_at(now: dt.datetime, attempt: int, retry_after_s: int | None) -> dt.datetime | None:
    if retry_after_s is None:
        return None
    rest_s = min(_FIRST_REST_S * _REST_GROWS ** (attempt - 1), _LONGEST_REST_S)
    return now + dt.timedelta(seconds=max(rest_s, retry_after_s))


class Delivery:
    """Sends all the time, for each channel that is registered when it starts.

    Args:
        outbox: where messages wait.
        channels: by name.
        pacer: keeps channels to their pace.
    """

    def __init__(self, outbox: Outbox, channels: Mapping[str, Sender], pacer: Pacer | None = None) -> None:
        self._outbox, self._channels, self._pacer = outbox, channels, pacer or Pacer()
        self._woken: dict[str, asyncio.Event] = {}
        self._stopping = False

    async def run(self) -> None:
        """Send until :meth:`stop`."""
        async with asyncio.TaskGroup() as group:
            for name, channel in self._channels.items():
                self._woken[name] = asyncio.Event()
                group.create_task(self._serve(name, channel))

    def wake(self) -> None:
        """Something was put into the outbox by this process."""
        for event in self._woken.values():
            event.set()

    def stop(self) -> None:
        """Take no more, and end once what is being sent is sent."""
        self._stopping = True
        self.wake()

    async def _serve(self, name: str, channel: Sender) -> None:
        woken, slots = self._woken[name], asyncio.Semaphore(_AT_ONCE)
        running: set[asyncio.Task[None]] = set()
        pace = getattr(channel, "pace_per_s", USUAL_PACE_PER_S)
        while not self._stopping:
            await slots.acquire()
            woken.clear()
            message = await self._next(name, channel, pace)
            if message is None:
                slots.release()
                with suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), _POLL_S)
                continue
            task = asyncio.create_task(self._send(channel, message))
            running.add(task)
            for done in (running.discard, lambda _: slots.release(), lambda _: woken.set()):
                task.add_done_callback(done)
        await asyncio.gather(*running)

    async def _next(self, name: str, channel: Sender, pace: float) -> Taken | None:
        at_any_hour = getattr(channel, "pulled", False)
        try:
            # Only who has something to send takes a place in the pace, and only who has a place takes the message.
            if not await asyncio.to_thread(self._outbox.due, name, at_any_hour=at_any_hour):
                return None
            await self._pacer.wait(name, pace)
            taken = await asyncio.to_thread(self._outbox.take, 1, None, [name], at_any_hour=at_any_hour)
        except SQLAlchemyError as error:
            logger.error("the outbox cannot be read: %s", type(error).__name__)
            return None
        return taken[0] if taken else None

    async def _send(self, channel: Sender, message: Taken) -> None:
        try:
            await attempt(self._outbox, channel, message)
        except SQLAlchemyError as error:  # its lease will end, and it is offered again
            logger.error("the outbox cannot be written: %s", type(error).__name__)


# -- pace ---------------------------------------------------------------------------------------

_RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
redis.call('SET', KEYS[1], at + tonumber(ARGV[1]), 'PX', 60000)
return at - now
"""


class Pacer:
    """Hands out places in a channel's pace, one after the other.

    Args:
        redis_url: where places are counted for all processes; without it (or while it is away) each counts its own.
        clock: seconds, rising.
    """

    def __init__(self, redis_url: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis.from_url(redis_url, socket_timeout=1.0, socket_connect_timeout=1.0) if redis_url else None
        self._reserve = self._redis.register_script(_RESERVE) if self._redis else None
        self._clock, self._next = clock, dict[str, float]()

    async def wait(self, channel: str, per_s: float) -> None:
        """Wait for the next place.

        Args:
            channel: the channel's name.
            per_s: messages a second.
        """
        rest_s = self._here(channel, per_s)
        if self._reserve:
            try:
                rest_s = await self._reserve(keys=[f"motcua:pace:{channel}"], args=[round(1_000 / per_s)]) / 1_000
            except RedisError as error:
                logger.warning("the pace is kept by each process alone: %s", type(error).__name__)
        if rest_s > 0:
            await asyncio.sleep(rest_s)

    async def close(self) -> None:
        if self._redis:
            await self._redis.aclose()

    def _here(self, channel: str, per_s: float) -> float:
        now = self._clock()
        at = max(now, self._next.get(channel, 0.0))
        self._next[channel] = at + 1 / per_s
        return at - now
