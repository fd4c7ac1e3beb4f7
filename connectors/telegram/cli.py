"""``motcua telegram``: trying the bot at a desk, without a public address. It speaks Vietnamese, as people at desks do."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import NoReturn

import typer
from rich.console import Console
from telegram.error import TelegramError
from telegram.ext import AIORateLimiter, ExtBot

from connectors.running import NotRunningError, running
from connectors.telegram.bot import make_bot, webhook_secret
from connectors.telegram.polling import Poller, PollingError
from knowledge.settings import Settings

app = typer.Typer(
    invoke_without_command=True, help="Nhận tin của bot Telegram tại bàn làm việc, không cần địa chỉ web công khai."
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.callback()
def telegram(context: typer.Context) -> None:
    """Nhận tin của bot Telegram và chuyển cho motcua trả lời, cho tới khi bấm Ctrl-C.

    Dùng để thử tại bàn làm việc. Khi vận hành thật, nên đặt MOTCUA_TELEGRAM_WEBHOOK_URL và chạy `motcua serve`.
    """
    settings: Settings = context.obj or Settings()
    bot = make_bot(settings)
    if bot is None:
        _fail("chưa có mã của bot; hãy tạo bot với @BotFather rồi đặt MOTCUA_TELEGRAM_TOKEN", 2)
    if settings.telegram_webhook_url:
        _fail("MOTCUA_TELEGRAM_WEBHOOK_URL đang được đặt nên Telegram tự gửi tin tới; hãy bỏ nó để thử tại bàn", 2)
    try:
        with running(settings, _say) as url:
            asyncio.run(_poll(bot, url, webhook_secret(settings)))
    except NotRunningError as error:
        _fail(str(error), 1)
    except PollingError as error:
        _fail(str(error), 1)
    except KeyboardInterrupt:
        _say("Đã dừng.")


async def _poll(bot: ExtBot[AIORateLimiter], url: str, secret: str) -> None:
    try:
        await Poller(bot, url, secret, _say).run()
    finally:
        with suppress(TelegramError, RuntimeError):
            await bot.shutdown()


def _say(line: str) -> None:
    out.print(line, markup=False)


def _fail(message: str, code: int) -> NoReturn:
    err.print(f"motcua: {message}", markup=False)
    raise typer.Exit(code)
