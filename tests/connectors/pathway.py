"""What tests of a message's way share: a Rasa and a channel that are scripted, and everything else real."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from actions.dossiers.talk import DossierTalk
from actions.dossiers.vault import MemoryVault
from actions.dossiers.watching import Watches
from actions.replies import Reply
from actions.turns import TurnLog
from connectors.conversation import Conversations
from connectors.limits import Limits, MemoryStore
from connectors.messages import Incoming, Outgoing, split
from connectors.messaging import Messaging
from connectors.outbox import Outbox
from knowledge.settings import Settings

KEY = b"a key for tests, of 32 bytes ...!"


class Rasa:
    """The far end of a turn: answers at once, or as told."""

    def __init__(self, say: Callable[[str, str], list[Reply]] | None = None, takes_s: float = 0.0) -> None:
        self.say = say or (lambda _sender, text: [Reply(text=f"đáp {text}", status="answered")])
        self.takes_s = takes_s
        self.heard: list[tuple[str, str]] = []
        self.running: set[str] = set()
        self.at_once = 0
        self.forgotten: list[str] = []

    async def send(self, sender: str, text: str, channel: str = "web") -> list[Reply]:
        assert sender not in self.running, "two turns of one conversation at once"
        self.running.add(sender)
        self.at_once = max(self.at_once, len(self.running))
        try:
            await asyncio.sleep(self.takes_s)
            self.heard.append((sender, text))
            return self.say(sender, text)
        finally:
            self.running.discard(sender)

    async def forget(self, sender: str) -> None:
        self.forgotten.append(sender)


class FarEnd:
    """A channel that takes everything, in parts of 40 characters."""

    pace_per_s = 2_000.0

    def __init__(self, name: str = "zalo") -> None:
        self.name = name
        self.taken: list[Outgoing] = []
        self.prepared: list[str] = []
        self.error: Exception | None = None

    def parts(self, reply: Reply) -> list[Reply]:
        return [reply.model_copy(update={"text": text}) for text in split(reply.text, 40)]

    async def send(self, message: Outgoing) -> None:
        if self.error:
            raise self.error
        self.taken.append(message)

    async def preparing(self, sender: str) -> None:
        self.prepared.append(sender)

    def texts(self, recipient: str) -> list[str]:
        return [message.reply.text for message in self.taken if message.recipient == recipient]


def settings_of(home: Path, **changes: Any) -> Settings:
    return Settings(home=home, rasa_concurrency=4, rate_limit_per_minute=10_000, hotline="1022", **changes)


def messaging(
    engine: sa.Engine, home: Path, rasa: Rasa, *channels: FarEnd, limits: bool = False, **changes: Any
) -> Messaging:
    """Everything of a message's way over this database; nothing runs yet."""
    settings = settings_of(home, **changes)
    outbox, turns = Outbox(engine), TurnLog(engine, home)
    watches = Watches(engine, outbox)
    dossiers = DossierTalk(None, None, MemoryVault(), watches, None, settings)  # type: ignore[arg-type]
    counted = Limits(MemoryStore(), KEY, settings)
    parts = Messaging.build(
        settings,
        KEY,
        engine=engine,
        limits=counted,
        outbox=outbox,
        turns=turns,
        watches=watches,
        conversations=Conversations(rasa, None, dossiers, outbox, turns),  # type: ignore[arg-type]
    )
    if not limits:
        parts.inbox._limits = None
    parts.channels.update({channel.name: channel for channel in channels})
    return parts


def incoming(sender: str, key: str, text: str | None = None, channel: str = "zalo") -> Incoming:
    return Incoming(channel, sender, key, text if text is not None else f"câu {key}")


async def until(done: Callable[[], bool], timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not await asyncio.to_thread(done):
            await asyncio.sleep(0.02)


async def run_until(parts: Messaging, done: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Let everything work until something is so."""
    parts.start()
    try:
        await until(done, timeout_s)
    finally:
        await parts.close()


def settled(parts: Messaging) -> bool:
    """Nothing waits in inbox or outbox."""
    return parts.inbox.counts()["waiting"] == 0 and parts.outbox.counts()["waiting"] == 0


def rows(engine: sa.Engine, table: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.text(f"select * from {table}")).mappings()]


def in_office(hours: bool = True) -> dt.datetime:
    """A Tuesday in or outside office hours."""
    return dt.datetime(2026, 11, 24, 9 if hours else 20)
