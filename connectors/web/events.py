"""What was said in a web conversation, told as it comes: as a stream of events, or to one who asks and waits.

Any process of the installation may have written it, so the transcript is looked at; one look serves all who listen here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import anyio
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import ServerSentEvent
from sse_starlette.sse import AppStatus

from actions.dossiers.reading import VIETNAM
from actions.replies import Reply
from connectors.transcripts import Entry, TranscriptRow, Transcripts, Who

logger = logging.getLogger(__name__)

HEARTBEAT_S = 15
"""Seconds between signs of life on a stream; proxies cut connections that are silent for long."""
_LOOK_S = 0.4
_WINDOW = 500
"""Entries back in which a look notices news; one that becomes visible even later is found at the next heartbeat."""
_AT_ONCE = 100
_TURN_S = 0.5


class Event(BaseModel):
    """One thing said: ``text`` of a citizen, with personal numbers masked, or a ``reply`` of bot or staff."""

    id: int
    who: Who
    at: AwareDatetime
    text: str | None = None
    reply: Reply | None = None

    @classmethod
    def of(cls, entry: Entry) -> Event:
        at = entry.at.replace(tzinfo=VIETNAM)
        text = None if entry.reply else entry.text
        return cls(id=entry.id, who=entry.who, at=at, text=text, reply=entry.reply)


class Bell:
    """Tells listeners that something was said in their conversation. Looks only while somebody listens.

    Args:
        engine: the installation's database, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._looking: asyncio.Task[None] | None = None

    @contextmanager
    def listening(self, conversation: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever there may be something new."""
        rung = asyncio.Event()
        self._listeners.setdefault(conversation, set()).add(rung)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield rung
        finally:
            self._listeners[conversation].discard(rung)
            if not self._listeners[conversation]:
                del self._listeners[conversation]

    async def _look(self) -> None:
        heard: dict[str, int] = {}
        while self._listeners:
            await asyncio.sleep(_LOOK_S)
            try:
                newest = await asyncio.to_thread(self._newest)
            except SQLAlchemyError as error:
                logger.error("the transcript cannot be read: %s", type(error).__name__)
                continue
            for conversation, last in newest.items():
                if heard.get(conversation) != last:
                    for rung in self._listeners.get(conversation, ()):
                        rung.set()
            heard = newest

    def _newest(self) -> dict[str, int]:
        last = select(func.max(TranscriptRow.id)).scalar_subquery()
        query = select(TranscriptRow.conversation, func.max(TranscriptRow.id)).where(TranscriptRow.id > last - _WINDOW)
        with self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query.group_by(TranscriptRow.conversation))}


async def stream(
    transcripts: Transcripts, bell: Bell, conversation: str, after: int, *, for_s: float, stopping: anyio.Event
) -> AsyncIterator[ServerSentEvent]:
    """Events from the entry after ``after`` on, each once and in order; ends after ``for_s`` seconds or when ``stopping``.

    The first event is ``ready``, without an id: where it does not arrive, something on the way holds streams back.
    """
    until = time.monotonic() + for_s

    def over() -> bool:
        return stopping.is_set() or time.monotonic() >= until

    yield ServerSentEvent(event="ready", data="{}", retry=2_000)
    with bell.listening(conversation) as rung:
        while not over():
            rung.clear()
            try:
                entries = await asyncio.to_thread(transcripts.after, conversation, after, _AT_ONCE)
            except SQLAlchemyError as error:  # the browser comes again
                logger.error("the transcript cannot be read: %s", type(error).__name__)
                return
            for entry in entries:
                after = entry.id
                yield ServerSentEvent(event="message", id=str(entry.id), data=Event.of(entry).model_dump_json())
            if len(entries) < _AT_ONCE:
                await _news(rung, over, HEARTBEAT_S)


async def poll(transcripts: Transcripts, bell: Bell, conversation: str, after: int, wait_s: float) -> list[Event]:
    """What came after the entry ``after``; waits up to ``wait_s`` seconds for it.

    Raises:
        SQLAlchemyError: the database is away.
    """
    until = time.monotonic() + wait_s

    def over() -> bool:  # a server that stops does not wait for who waits here
        return AppStatus.should_exit or time.monotonic() >= until

    with bell.listening(conversation) as rung:
        while True:
            rung.clear()
            entries = await asyncio.to_thread(transcripts.after, conversation, after, _AT_ONCE)
            if entries or over():
                return [Event.of(entry) for entry in entries]
            await _news(rung, over, wait_s)


async def _news(rung: asyncio.Event, over: Callable[[], bool], most_s: float) -> None:
    """Wait for the bell; in short turns, so that it is noticed when waiting is over."""
    until = time.monotonic() + most_s
    while not over() and time.monotonic() < until:
        try:
            await asyncio.wait_for(rung.wait(), _TURN_S)
        except TimeoutError:
            continue
        return
