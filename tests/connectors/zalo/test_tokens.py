"""The tokens: renewed once whoever asks, kept before they are used, and a loss is said loudly."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import signal
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from actions.secret_key import installation_key
from connectors.zalo import tokens as module
from connectors.zalo.channel import ZaloChannel
from connectors.zalo.client import TokenPair
from connectors.zalo.tokens import State, Stored, TokenError, TokenRow, Tokens
from knowledge.settings import ROOT, Settings
from tests.emulators import zalo as emulators
from tests.emulators.zalo import Zalo

TOKEN = "/v4/oa/access_token"


def stored(channel: ZaloChannel) -> Stored:
    found = channel.tokens.stored()
    assert found is not None
    return found


def shift(engine: sa.Engine, **hours: float) -> None:
    """Move moments of the row into the past."""
    with engine.begin() as connection:
        row = connection.execute(sa.select(TokenRow.__table__)).mappings().one()
        values = {name: row[name] and row[name] - dt.timedelta(hours=number) for name, number in hours.items()}
        connection.execute(sa.update(TokenRow).values(values))


def twin(engine: sa.Engine, settings: Settings, channel: ZaloChannel) -> Tokens:
    """Another process's view."""
    return Tokens(engine, installation_key(settings.home), emulators.APP_ID, channel.client.refresh)


async def test_a_token_is_used_until_a_fifth_of_its_life_is_left(
    channel: ZaloChannel, engine: sa.Engine, zalo: Zalo
) -> None:
    first = await channel.tokens.get()
    shift(engine, obtained_at=19.9, access_ends_at=19.9)
    assert await channel.tokens.get() == first and zalo.calls[TOKEN] == 0
    shift(engine, obtained_at=0.2, access_ends_at=0.2)
    assert await channel.tokens.get() == first  # nobody waits for the new one
    await channel.tokens.close()
    assert await channel.tokens.get() != first and zalo.calls[TOKEN] == 1
    assert stored(channel).version == 2


async def test_who_comes_when_it_is_over_waits_for_the_new_one(
    channel: ZaloChannel, engine: sa.Engine, zalo: Zalo
) -> None:
    shift(engine, obtained_at=26, access_ends_at=26)
    got = await asyncio.gather(*(channel.tokens.get() for _ in range(20)))
    assert len(set(got)) == 1 and zalo.calls[TOKEN] == 1


async def test_they_are_kept_fresh_while_nobody_writes(channel: ZaloChannel, engine: sa.Engine, zalo: Zalo) -> None:
    shift(engine, obtained_at=21, access_ends_at=21)
    keeper = asyncio.create_task(channel.keep_fresh())
    async with asyncio.timeout(5):
        while stored(channel).version == 1:
            await asyncio.sleep(0.02)
    keeper.cancel()
    assert zalo.calls[TOKEN] == 1


async def test_two_processes_renew_once(
    channel: ZaloChannel, engine: sa.Engine, settings: Settings, zalo: Zalo
) -> None:
    other, old = twin(engine, settings, channel), stored(channel).access
    got = await asyncio.gather(*(tokens.replacement(old) for tokens in (channel.tokens, other, channel.tokens, other)))
    assert len(set(got)) == 1 and got[0] != old
    assert zalo.calls[TOKEN] == 1
    assert stored(channel).state is State.GOOD


async def test_the_new_pair_is_committed_before_it_is_used(
    channel: ZaloChannel, engine: sa.Engine, settings: Settings
) -> None:
    got = await channel.tokens.replacement(stored(channel).access)
    read_by_other = twin(engine, settings, channel).stored()
    assert read_by_other is not None and read_by_other.access == got


async def test_an_answer_that_is_lost_is_said_loudly(
    channel: ZaloChannel, engine: sa.Engine, zalo: Zalo, caplog: pytest.LogCaptureFixture
) -> None:
    shift(engine, obtained_at=21, access_ends_at=21)
    zalo.break_it("lost", at=TOKEN)
    with pytest.raises(TokenError):
        await channel.tokens.renew_now()
    assert stored(channel).state is State.UNSURE
    shift(engine, rest_until=1)
    with pytest.raises(TokenError):
        await channel.tokens.renew_now()
    lost = stored(channel)
    assert lost.state is State.LOST and "-14014" in (lost.reason or "")
    assert any(record.levelno == logging.ERROR and "LOST" in record.message for record in caplog.records)
    assert await channel.tokens.get() == lost.access  # still holds for some hours
    assert zalo.calls[TOKEN] == 2  # and nobody hammers on the door
    shift(engine, access_ends_at=6)
    with pytest.raises(TokenError):
        await channel.tokens.get()


async def test_consent_makes_it_good_again(channel: ZaloChannel, engine: sa.Engine, zalo: Zalo) -> None:
    zalo._refresh.clear()
    with pytest.raises(TokenError):
        await channel.tokens.renew_now()
    pair = zalo.pair()
    channel.tokens.put(TokenPair(pair["access_token"], pair["refresh_token"], 90_000))
    assert (stored(channel).state, stored(channel).reason) == (State.GOOD, None)
    assert await channel.tokens.get() == pair["access_token"]
    await channel.tokens.renew_now()


@pytest.mark.parametrize("fault", ["http-500", "html", "refused-connection", -32, "http-429"])
async def test_trouble_that_passes(channel: ZaloChannel, engine: sa.Engine, zalo: Zalo, fault: str) -> None:
    zalo.break_it(fault, at=TOKEN)  # type: ignore[arg-type]
    with pytest.raises(TokenError):
        await channel.tokens.renew_now()
    assert stored(channel).state is not State.LOST
    if fault == "http-429":
        await asyncio.sleep(1.1)
    shift(engine, rest_until=1)
    renewed = await channel.tokens.renew_now()
    assert renewed.state is State.GOOD and renewed.version == 2


async def test_who_gives_up_waiting_does_not_break_the_call_off(channel: ZaloChannel, zalo: Zalo) -> None:
    zalo.slow_s = 0.3
    zalo.break_it("slow", at=TOKEN)
    impatient = asyncio.create_task(channel.tokens.replacement(stored(channel).access))
    await asyncio.sleep(0.1)
    impatient.cancel()
    await channel.tokens.close()
    assert stored(channel).version == 2 and stored(channel).refresh in zalo.valid_refresh_tokens()


async def test_a_lease_that_was_too_short_loses_nothing(
    channel: ZaloChannel, engine: sa.Engine, settings: Settings, zalo: Zalo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow one gets the pair; the one who takes over meanwhile is refused. What counts is the pair."""
    monkeypatch.setattr(module, "LEASE_S", -1.0)
    zalo.slow_s = 0.4
    zalo.break_it("slow", at=TOKEN)
    slow = asyncio.create_task(channel.tokens.renew_now())
    await asyncio.sleep(0.2)
    with pytest.raises(TokenError):
        await twin(engine, settings, channel).renew_now()
    assert (await slow).state is State.GOOD
    assert stored(channel).refresh in zalo.valid_refresh_tokens()


async def test_another_key_reads_nothing(channel: ZaloChannel, engine: sa.Engine) -> None:
    with pytest.raises(TokenError, match="import them again"):
        Tokens(engine, b"another key", emulators.APP_ID, channel.client.refresh).stored()


async def test_the_database_shows_no_token(channel: ZaloChannel, engine: sa.Engine) -> None:
    pair = stored(channel)
    with engine.connect() as connection:
        row = str(connection.execute(sa.select(TokenRow.__table__)).all())
    assert pair.access not in row and pair.refresh not in row


# -- processes that are killed ------------------------------------------------------------------


def start(settings: Settings, url: str, where: str, start_at: float = 0.0) -> subprocess.Popen[str]:
    arguments = [url, str(settings.home), settings.zalo_api_url, where, str(start_at)]
    command = [sys.executable, "-m", "tests.connectors.zalo.rotating", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("where", "state", "version"),
    [("claimed", State.GOOD, 2), ("answered", State.LOST, 1), ("committed", State.GOOD, 2)],
)
async def test_kill_at_each_point(  # noqa: PLR0917
    channel: ZaloChannel, engine: sa.Engine, settings: Settings, zalo: Zalo, database_url: str,
    monkeypatch: pytest.MonkeyPatch, where: str, state: State, version: int,
) -> None:  # fmt: skip
    """Only between Zalo's answer and our commit a pair can be lost; then that is known, and said."""
    monkeypatch.setattr(module, "_LOOKS", 3)
    old = stored(channel).access
    killed = start(settings, database_url, where)
    assert await asyncio.to_thread(killed.wait, 60) == -signal.SIGKILL
    if where != "committed":
        assert stored(channel).version == 1
        with pytest.raises(TokenError):  # the dead one's lease still runs: nobody else calls
            await channel.tokens.renew_now()
        shift(engine, rest_until=1)
    try:
        await channel.tokens.replacement(old)
    except TokenError:
        assert state is State.LOST
    assert (stored(channel).state, stored(channel).version) == (state, version)
    assert (stored(channel).refresh in zalo.valid_refresh_tokens()) == (state is State.GOOD)
    assert zalo.calls[TOKEN] <= 2


async def test_two_processes_at_once(channel: ZaloChannel, settings: Settings, zalo: Zalo, database_url: str) -> None:
    start_at = time.time() + 4
    both = [start(settings, database_url, "nowhere", start_at) for _ in range(2)]
    ends = [await asyncio.to_thread(process.communicate, None, 60) for process in both]
    assert [process.returncode for process in both] == [0, 0], [end[1] for end in ends]
    current = stored(channel)
    assert zalo.calls[TOKEN] == current.version - 1
    assert current.refresh in zalo.valid_refresh_tokens() and current.state is State.GOOD
    assert current.access in {end[0].strip() for end in ends}
