"""Fetching updates at a desk: handed over as Telegram would, none lost, every trouble explained in one line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.telegram import cli
from connectors.telegram.bot import make_bot, webhook_secret
from connectors.telegram.polling import Poller, PollingError
from knowledge.settings import Settings
from tests.connectors.telegram.desk import Desk, until
from tests.emulators.telegram import TOKEN, USERNAME, Emulator, Fault
from tests.serving import serving

LAN = 42


@contextlib.asynccontextmanager
async def polling(settings: Settings, url: str, said: list[str]) -> AsyncIterator[asyncio.Task[None]]:
    bot = make_bot(settings)
    assert bot
    task = asyncio.create_task(Poller(bot, url, webhook_secret(settings), said.append, long_poll_s=1).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await bot.shutdown()


async def test_what_is_fetched_reaches_the_running_app_once(desk: Desk, settings: Settings, emulator: Emulator) -> None:
    emulator._do_setwebhook({"url": "https://elsewhere.example"})  # it is taken away: both at once cannot be
    said: list[str] = []
    emulator.say(LAN, "gửi trước khi mở máy")
    with serving(desk.app) as url:
        async with polling(settings, url, said):
            await until(lambda: emulator.calls["getUpdates"] >= 2)
            emulator.say(LAN, "khai sinh <👶> & “giấy tờ”")
            emulator.say(LAN, photo=[{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}])
            await until(lambda: not emulator.pending)
    assert desk.texts() == ["gửi trước khi mở máy", "khai sinh <👶> & “giấy tờ”"]
    assert desk.woken == 3
    assert f"https://t.me/{USERNAME}" in said[0]


async def test_an_update_waits_until_the_app_has_taken_it(desk: Desk, settings: Settings, emulator: Emulator) -> None:
    emulator.say(LAN, "khai sinh")
    said: list[str] = []
    inbox, desk.app.state.inbox = desk.app.state.inbox, _Away()
    with serving(desk.app) as url:
        async with polling(settings, url, said):
            await until(lambda: any("chưa nhận được tin" in line for line in said))
            assert emulator.pending
            desk.app.state.inbox = inbox
            await until(lambda: not emulator.pending)
    assert desk.texts() == ["khai sinh"]


async def test_telegram_away_for_a_while(desk: Desk, settings: Settings, emulator: Emulator) -> None:
    emulator.break_it(Fault.AWAY, "getMe")
    emulator.break_it(Fault.SERVER_ERROR, "getUpdates")
    emulator.break_it(Fault.TOO_FAST, "getUpdates", retry_after_s=1)
    emulator.say(LAN, "khai sinh")
    said: list[str] = []
    with serving(desk.app) as url:
        async with polling(settings, url, said):
            await until(lambda: not emulator.pending)
    assert desk.texts() == ["khai sinh"]
    assert said.count("Chưa liên lạc được với Telegram, đang thử lại …") == 2
    assert said.count("Đã kết nối lại với Telegram.") == 2


async def test_an_update_that_nobody_can_read_does_not_hold_up_others(
    desk: Desk, settings: Settings, emulator: Emulator
) -> None:
    emulator.pending.append({"update_id": 50, "message": {"text": "x"}})
    emulator.say(LAN, "khai sinh")
    with serving(desk.app) as url:
        async with polling(settings, url, []):
            await until(lambda: not emulator.pending)
    assert desk.texts() == ["khai sinh"]


async def test_two_desks_at_once(desk: Desk, settings: Settings) -> None:
    with serving(desk.app) as url:
        async with polling(settings, url, []) as first:
            await asyncio.sleep(0.3)
            async with polling(settings, url, []):
                with pytest.raises(PollingError, match="máy hoặc cửa sổ khác"):
                    await asyncio.wait_for(first, 8)


async def test_a_wrong_token(settings: Settings) -> None:
    wrong = settings.model_validate(settings.model_dump() | {"telegram_token": "7:" + "x" * 30})
    async with polling(wrong, "http://127.0.0.1:9", []) as task:
        with pytest.raises(PollingError, match="MOTCUA_TELEGRAM_TOKEN"):
            await asyncio.wait_for(task, 8)


@pytest.mark.parametrize(
    ("break_it", "words"), [("secret", "mã bot khác"), ("channel", "chưa có MOTCUA_TELEGRAM_TOKEN")]
)
async def test_an_app_that_runs_with_other_settings(
    desk: Desk, settings: Settings, emulator: Emulator, break_it: str, words: str
) -> None:
    if break_it == "secret":
        desk.channel._secret = "another"
    else:
        desk.app.state.channels = {}
    emulator.say(LAN, "khai sinh")
    with serving(desk.app) as url:
        async with polling(settings, url, []) as task:
            with pytest.raises(PollingError, match=words):
                await asyncio.wait_for(task, 8)
    assert emulator.pending


# -- the command ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"telegram_token": None}, "@BotFather"),
        ({"telegram_token": TOKEN, "telegram_webhook_url": "https://x.example"}, "MOTCUA_TELEGRAM_WEBHOOK_URL"),
    ],
)
def test_the_command_explains_what_is_missing(tmp_path: Path, settings: dict[str, str | None], words: str) -> None:
    done = CliRunner().invoke(cli.app, obj=Settings(home=tmp_path, **settings))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1 and words in done.stderr


def test_the_command_ends_with_one_line_when_fetching_cannot_go_on(
    settings: Settings, desk: Desk, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def served(_settings, _say):
        with serving(desk.app) as url:
            yield url

    monkeypatch.setattr(cli, "running", served)
    wrong = settings.model_validate(settings.model_dump() | {"telegram_token": "7:" + "x" * 30})
    done = CliRunner().invoke(cli.app, obj=wrong)
    assert (done.exit_code, len(done.stderr.strip().splitlines())) == (1, 1)
    assert "MOTCUA_TELEGRAM_TOKEN" in done.stderr and "x" * 30 not in done.output


class _Away:
    """An inbox whose database does not answer."""

    def put(self, _incoming: object) -> bool:
        from sqlalchemy.exc import OperationalError

        raise OperationalError("insert", {}, Exception("away"))
