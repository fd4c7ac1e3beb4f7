"""Telegram's tests: the emulator, and a desk that has the channel, the inbox and the outbox but no assistant."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from knowledge.database import connect
from knowledge.settings import Settings
from tests.connectors.telegram.desk import Desk
from tests.databases import emptied
from tests.emulators import telegram


@pytest.fixture
def sqlite(databases: Callable[[str], str]) -> Iterator[sa.Engine]:
    engine = connect(emptied(databases("sqlite")))
    yield engine
    engine.dispose()


@pytest.fixture
def emulator() -> telegram.Emulator:
    return telegram.Emulator()


@pytest.fixture
def api(emulator: telegram.Emulator) -> Iterator[str]:
    with telegram.running(emulator) as url:
        yield url


@pytest.fixture
def settings(tmp_path: Path, api: str) -> Settings:
    return Settings(home=tmp_path, telegram_token=telegram.TOKEN, telegram_api_url=api, telegram_timeout_s=2)


@pytest.fixture
async def desk(settings: Settings, sqlite: sa.Engine) -> AsyncIterator[Desk]:
    desk = Desk(settings, sqlite)
    yield desk
    await desk.channel.close()
