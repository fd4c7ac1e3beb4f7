"""Fetching updates instead of being called, for a desk without a public address.

Each update is handed to the running app as Telegram itself would hand it over, and counts as fetched only when the app
has taken it: none is lost when either side ends.
"""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Callable
from typing import Any

import httpx
from telegram.error import Conflict, EndPointNotFound, InvalidToken, RetryAfter, TelegramError
from telegram.ext import AIORateLimiter, ExtBot

from connectors.telegram.bot import seconds_of, who_am_i
from connectors.telegram.updates import ALLOWED

logger = logging.getLogger(__name__)

_LONG_POLL_S = 25
_REST_S = (1, 2, 5, 10, 30)


class PollingError(RuntimeError):
    """Fetching cannot go on; the message says why, for the person at the desk."""


class Poller:
    """Fetches updates and hands them over until cancelled.

    Args:
        bot: the Bot API's client.
        app_url: the running app.
        secret: what the app knows Telegram's calls by.
        say: prints a line for the person at the desk.
        long_poll_s: seconds that Telegram holds a request while there is nothing.
    """

    def __init__(
        self,
        bot: ExtBot[AIORateLimiter],
        app_url: str,
        secret: str,
        say: Callable[[str], None],
        long_poll_s: int = _LONG_POLL_S,
    ) -> None:
        self._bot, self._say, self._long_poll_s = bot, say, long_poll_s
        self._webhook = f"{app_url}/api/v1/webhooks/telegram"
        self._headers = {"X-Telegram-Bot-Api-Secret-Token": secret}

    async def run(self) -> None:
        """Never ends by itself.

        Raises:
            PollingError: the token is wrong, somebody else fetches too, or the app does not take what is handed over.
        """
        async with httpx.AsyncClient(timeout=30.0) as app:
            await self._until_there(self._begin)
            offset = 0
            while True:
                for document in await self._until_there(lambda offset=offset: self._fetch(offset)):
                    await self._hand_over(app, document)
                    offset = document["update_id"] + 1

    async def _begin(self) -> None:
        me = await who_am_i(self._bot)
        await self._bot.delete_webhook()
        self._say(
            f"Đang nhận tin của bot @{me.username}. Mở https://t.me/{me.username} để nhắn thử. Bấm Ctrl-C để dừng."
        )

    async def _fetch(self, offset: int) -> list[dict[str, Any]]:
        asked = {"offset": offset, "timeout": self._long_poll_s, "allowed_updates": ALLOWED}
        with warnings.catch_warnings():
            # get_updates() would log whole messages when one of them cannot be read, and never get past it.
            warnings.simplefilter("ignore")
            found: Any = await self._bot.do_api_request(
                "getUpdates", api_kwargs=asked, read_timeout=self._long_poll_s + 10
            )
        return list(found)

    async def _until_there(self, call: Callable[[], Any]) -> Any:
        tries = 0
        while True:
            try:
                found = await call()
                if tries:
                    self._say("Đã kết nối lại với Telegram.")
                return found
            except Conflict:
                raise PollingError(
                    "bot này đang được nhận tin ở máy hoặc cửa sổ khác; hãy dừng bên kia trước"
                ) from None
            except (InvalidToken, EndPointNotFound):  # the second where the token was taken back meanwhile
                raise PollingError("Telegram không nhận mã của bot; hãy xem lại MOTCUA_TELEGRAM_TOKEN") from None
            except RetryAfter as error:
                await asyncio.sleep(seconds_of(error))
            except TelegramError as error:
                logger.info("Telegram is away (%s)", type(error).__name__)
                if not tries:
                    self._say("Chưa liên lạc được với Telegram, đang thử lại …")
                await asyncio.sleep(_REST_S[min(tries, len(_REST_S) - 1)])
                tries += 1

    async def _hand_over(self, app: httpx.AsyncClient, document: dict[str, Any]) -> None:
        tries = 0
        while True:
            try:
                status = (await app.post(self._webhook, json=document, headers=self._headers)).status_code
            except httpx.HTTPError:
                status = 503
            if status == 403:
                raise PollingError("motcua đang chạy với mã bot khác; hãy khởi động lại motcua")
            if status == 404:
                raise PollingError("motcua đang chạy mà chưa có MOTCUA_TELEGRAM_TOKEN; hãy khởi động lại motcua")
            if status < 500 and status != 429:
                return  # taken, or nothing that could ever be
            if not tries:
                self._say("motcua chưa nhận được tin, đang thử lại …")
            await asyncio.sleep(_REST_S[min(tries, len(_REST_S) - 1)])
            tries += 1
