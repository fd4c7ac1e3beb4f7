"""A Zalo emulator, a channel connected to it, and an app that takes its webhook calls."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from actions.replies import Reply
from actions.secret_key import installation_key
from connectors import errors
from connectors.channel_switch import ChannelSwitch
from connectors.handoff import Handoffs
from connectors.inbox import Inbox
from connectors.messages import Incoming, Outgoing
from connectors.outbox import Outbox
from connectors.transcripts import Transcripts
from connectors.zalo import channel as channels
from connectors.zalo.channel import ZaloChannel
from connectors.zalo.client import TokenPair
from connectors.zalo.routes import operator, router, site_router
from knowledge.settings import Settings
from tests.emulators import zalo as emulators
from tests.emulators.zalo import CITIZEN, Zalo


@pytest.fixture
def zalo() -> Zalo:
    return Zalo()


@pytest.fixture
def far_end(zalo: Zalo) -> Iterator[str]:
    """The running emulator's address."""
    with emulators.running(zalo) as url:
        yield url


def settings_for(url: str, home: Path, **changes: Any) -> Settings:
    values = {
        "home": home, "zalo_app_id": emulators.APP_ID, "zalo_app_secret": emulators.APP_SECRET,
        "zalo_oa_secret": emulators.OA_SECRET, "zalo_api_url": url, "zalo_oauth_url": url,
    }  # fmt: skip
    return Settings(**(values | changes))


@pytest.fixture
def settings(far_end: str, tmp_path: Path) -> Settings:
    return settings_for(far_end, tmp_path)


@pytest.fixture
async def channel(settings: Settings, engine: sa.Engine, zalo: Zalo) -> AsyncIterator[ZaloChannel]:
    """With tokens; one citizen has written a moment ago."""
    channel = channels.connect(settings, engine, installation_key(settings.home))
    assert channel is not None
    channel.tokens.put(pair_of(zalo))
    zalo.age(CITIZEN, 0)
    yield channel
    await channel.close()


def pair_of(zalo: Zalo) -> TokenPair:
    pair = zalo.pair()
    return TokenPair(pair["access_token"], pair["refresh_token"], int(pair["expires_in"]))


def outgoing(
    text: str = "Chào anh/chị.", *, attempt: int = 1, to: str = CITIZEN, key: str = "k", **parts: Any
) -> Outgoing:
    return Outgoing(1, "zalo", to, Reply(text=text, status="answered", **parts), key, attempt)


class Site:
    """An app with the Zalo routes over real parts; only what erases and wakes is a stand-in."""

    def __init__(self, settings: Settings, engine: sa.Engine) -> None:
        self.settings, self.engine = settings, engine
        self.key = installation_key(settings.home)
        self.inbox, self.outbox = Inbox(engine, self.key), Outbox(engine)
        self.erased: list[str] = []
        self.woken = 0
        self.allowed = True
        self.app = FastAPI()
        errors.install(self.app)
        self.app.include_router(router, prefix="/api/v1")
        self.app.include_router(site_router)
        self.app.dependency_overrides[operator] = lambda: None  # somebody is signed in
        self.channel = channels.connect(settings, engine, self.key)
        self.switch = ChannelSwitch(engine)
        self.handoffs = Handoffs(engine, self.key, self.outbox, Transcripts(engine), {})
        state = self.app.state
        state.settings, state.channels = settings, {"zalo": self.channel} if self.channel else {}
        state.inbox, state.handoffs, state.switch = self.inbox, self.handoffs, self.switch
        state.limits = SimpleNamespace(allow=lambda channel, sender, address=None: self.allowed)
        state.erase, state.path = self.erase, SimpleNamespace(wake=self.wake)

    async def erase(self, conversation: str) -> None:
        self.erased.append(conversation)

    def wake(self) -> None:
        self.woken += 1

    def asked(self) -> list[Incoming]:
        """What is in the inbox, in order; it counts as answered."""
        found = []
        while claimed := self.inbox.claim():
            found.append(self.inbox.read(claimed))
            with self.engine.begin() as connection:
                self.inbox.settle(connection, claimed)
        return found

    def texts(self) -> list[str]:
        return [incoming.text for incoming in self.asked()]

    def told(self) -> list[str]:
        """The texts in the outbox, in order."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.text("select payload from outbox order by id")).scalars()
            return [row["text"] if isinstance(row, dict) else Reply.model_validate_json(row).text for row in rows]

    def counts(self) -> dict[str, int]:
        assert self.channel is not None
        self.channel.health.write()
        return {name: count.count for name, count in self.channel.health.read().items()}


@pytest.fixture
def site(settings: Settings, engine: sa.Engine) -> Site:
    return Site(settings, engine)


@pytest.fixture
def served(site: Site, zalo: Zalo) -> Iterator[str]:
    """The app's address; the emulator's webhook is set to it."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(site.app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert zalo.subscribe(f"{url}/api/v1/webhooks/zalo")
    yield url
    server.should_exit = server.force_exit = True
    thread.join(5)
    listener.close()
