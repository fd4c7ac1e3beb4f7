"""The Bot API's client, and the secret by which we know Telegram's own calls."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import logging
import math
import warnings

from telegram import BotCommand
from telegram.error import BadRequest, InvalidToken, RetryAfter, TelegramError
from telegram.ext import AIORateLimiter, ExtBot
from telegram.request import HTTPXRequest

from actions.secret_key import installation_key
from connectors.telegram.payloads import COMMANDS
from connectors.telegram.updates import ALLOWED, Me
from knowledge.settings import Settings

logger = logging.getLogger(__name__)

MOST_PER_S = 30
"""Messages a second that Telegram takes from one bot."""

_CONNECTIONS = 16
_FIRST_REST_S, _LONGEST_REST_S = 1.0, 300.0


def make_bot(settings: Settings) -> ExtBot[AIORateLimiter] | None:
    """The client for the installation's bot, None where it has no token; nothing is sent yet."""
    if not settings.telegram_token:
        return None
    # These write addresses with the token in them, and what people wrote.
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # What is refused for being too fast comes back to the outbox; this writes a traceback of it.
    logging.getLogger("telegram.ext.AIORateLimiter").setLevel(logging.CRITICAL)
    api, seconds = settings.telegram_api_url.rstrip("/"), settings.telegram_timeout_s

    def request(connections: int) -> HTTPXRequest:
        return HTTPXRequest(
            connections, read_timeout=seconds, write_timeout=seconds, connect_timeout=seconds, pool_timeout=seconds
        )

    return ExtBot(
        settings.telegram_token.get_secret_value(),
        base_url=f"{api}/bot",
        base_file_url=f"{api}/file/bot",
        request=request(_CONNECTIONS),
        get_updates_request=request(1),
        # It knows the limit of all messages; those of one chat are kept in pace.py, because it would count a group's
        # limit in bursts that exceed it.
        rate_limiter=AIORateLimiter(MOST_PER_S, 1, group_max_rate=0),
    )


def webhook_secret(settings: Settings) -> str:
    """What Telegram must send with each update: the same in all processes, another one for another token."""
    token = settings.telegram_token.get_secret_value() if settings.telegram_token else ""
    return hmac.new(installation_key(settings.home), f"telegram webhook:{token}".encode(), hashlib.sha256).hexdigest()


async def set_up(bot: ExtBot[AIORateLimiter], webhook_url: str | None, secret: str) -> bool:
    """Show the commands in the bot's menu, and have Telegram call us where there is an address; until it is done.

    Returns:
        False where it never will be: Telegram does not know the token.
    """
    rest_s = _FIRST_REST_S
    while True:
        try:
            await bot.initialize()
            await bot.set_my_commands([BotCommand(name, words) for name, words in COMMANDS.items()])
            if webhook_url:
                await bot.set_webhook(webhook_url, secret_token=secret, allowed_updates=ALLOWED)
            logger.info("Telegram is set up")
            return True
        except InvalidToken:
            logger.error("Telegram does not know the token in MOTCUA_TELEGRAM_TOKEN; the channel stays silent")
            return False
        except RetryAfter as error:
            rest_s = max(rest_s, seconds_of(error))
        except BadRequest:
            logger.error("Telegram refuses the address in MOTCUA_TELEGRAM_WEBHOOK_URL; trying again later")
            rest_s = _LONGEST_REST_S
        except TelegramError as error:
            logger.warning("Telegram is away (%s); trying again in %.0f s", type(error).__name__, rest_s)
        await asyncio.sleep(rest_s)
        rest_s = min(rest_s * 2, _LONGEST_REST_S)


async def who_am_i(bot: ExtBot[AIORateLimiter]) -> Me:
    """The bot's own id and name, asked for once.

    Raises:
        TelegramError: Telegram is away, or does not know the token.
    """
    await bot.initialize()
    return Me(bot.id, bot.username)


def seconds_of(error: RetryAfter) -> int:
    """How long to wait, in whole seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a number today, a time span one day
        wait = error.retry_after
    return math.ceil(wait.total_seconds() if isinstance(wait, dt.timedelta) else wait)
