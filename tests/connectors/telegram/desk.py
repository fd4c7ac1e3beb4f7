"""What stands around the channel in these tests: the route, the real inbox and outbox, and who reads and answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from actions.dossiers.reading import vietnam_now
from actions.replies import Reply
from connectors import errors
from connectors.delivery import deliver
from connectors.inbox import Inbox
from connectors.messages import Incoming
from connectors.outbox import Outbox
from connectors.telegram.bot import webhook_secret
from connectors.telegram.channel import connect
from connectors.telegram.routes import router
from knowledge.settings import Settings

PATH = "/api/v1/webhooks/telegram"
KEY = b"a key for tests, of 32 bytes ...!"


class Desk:
    """One process of an installation, without the assistant."""

    def __init__(self, settings: Settings, engine: sa.Engine) -> None:
        channel = connect(settings, engine)
        assert channel
        self.channel, self.engine, self.secret = channel, engine, webhook_secret(settings)
        self.inbox, self.outbox, self.woken = Inbox(engine, KEY), Outbox(engine), 0
        self.app = FastAPI()
        errors.install(self.app)
        self.app.include_router(router, prefix="/api/v1")
        self.app.state.channels, self.app.state.inbox, self.app.state.path = {"telegram": channel}, self.inbox, self

    def wake(self) -> None:
        self.woken += 1

    async def post(self, update: Any, secret: str | None = None) -> httpx.Response:
        """An update, or any body as bytes, as Telegram posts it."""
        headers = {b"X-Telegram-Bot-Api-Secret-Token": (self.secret if secret is None else secret).encode()}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as http:
            if isinstance(update, bytes):
                return await http.post(PATH, content=update, headers=headers | {b"content-type": b"application/json"})
            return await http.post(PATH, json=update, headers=headers)

    def heard(self) -> list[Incoming]:
        """What waits in the inbox; it is taken out."""
        found: list[Incoming] = []
        while claimed := self.inbox.claim():
            found.append(self.inbox.read(claimed))
            with self.engine.begin() as connection:
                self.inbox.settle(connection, claimed)
        return found

    def texts(self) -> list[str]:
        return [incoming.text for incoming in self.heard()]

    async def answer(self, recipient: str, reply: Reply) -> dict[str, int]:
        """Put a reply into the outbox as the path does, and send all that waits."""
        with self.engine.begin() as connection:
            for number, part in enumerate(self.channel.parts(reply)):
                self.outbox.put(
                    connection, channel="telegram", recipient=recipient, reply=part,
                    dedupe_key=f"in:{time.monotonic_ns()}:{number}", now=vietnam_now(),
                )  # fmt: skip
        return await self.send()

    async def send(self) -> dict[str, int]:
        return dict(await deliver(self.outbox, {"telegram": self.channel}))

    async def settled(self) -> None:
        """Until what is said in the background is said."""
        while tasks := [task for task in self.channel._tasks if not task.done()]:
            await asyncio.wait(tasks, timeout=5)


async def until(true: Callable[[], Any], timeout_s: float = 8.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(timeout_s):
        while not true():
            await asyncio.sleep(0.02)
