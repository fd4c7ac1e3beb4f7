"""The channel: replies out to Telegram, and the life of its connection."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from telegram import InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters
from telegram.constants import ChatAction, ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.ext import AIORateLimiter, ExtBot

from actions.replies import Reply
from connectors.messages import Outgoing, SendError
from connectors.telegram import bot as bots
from connectors.telegram import render
from connectors.telegram.addresses import Address
from connectors.telegram.buttons import PRESSED, Buttons
from connectors.telegram.intake import CHANNEL
from connectors.telegram.pace import Pace
from connectors.telegram.talks import Talks, Target
from connectors.telegram.updates import Me, Press
from knowledge.settings import Settings

logger = logging.getLogger(__name__)

_SWEEP_S = 6 * 3_600.0
_GONE = ("chat not found", "user is deactivated", "peer_id_invalid", "group chat was deactivated")
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


def connect(settings: Settings, engine: Engine) -> TelegramChannel | None:
    """The channel of an installation, None where no bot is set up; nothing is sent before :meth:`TelegramChannel.start`."""
    bot = bots.make_bot(settings)
    if bot is None:
        return None
    return TelegramChannel(bot, engine, bots.webhook_secret(settings), settings.telegram_webhook_url)


class TelegramChannel:
    """Telegram as a :class:`connectors.messages.Channel`, and the answers to pressed buttons.

    Args:
        bot: the Bot API's client.
        engine: the installation's database, migrated.
        secret: what Telegram sends with each update.
        webhook_url: the address that Telegram is to call; None where updates are fetched.
    """

    name = CHANNEL
    pace_per_s = 25.0
    """Below Telegram's limit, so that there is room for typing signs and buttons."""

    def __init__(self, bot: ExtBot[AIORateLimiter], engine: Engine, secret: str, webhook_url: str | None) -> None:
        self.engine = engine
        self._bot, self._secret, self._webhook_url = bot, secret, webhook_url
        self._talks, self._buttons, self._pace = Talks(engine), Buttons(engine), Pace()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- its life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Set the bot up and keep house in the background; returns at once, whether Telegram answers or not."""
        self._in_background(self._set_up())
        self._in_background(self._keep_house())

    async def close(self) -> None:
        """Stop everything in the background and close connections."""
        for task in (tasks := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(TelegramError, RuntimeError):
            await self._bot.shutdown()

    async def _set_up(self) -> None:
        await bots.set_up(self._bot, self._webhook_url, self._secret)

    async def _keep_house(self) -> None:
        while True:
            with suppress(SQLAlchemyError):
                await asyncio.to_thread(self.sweep)
            await asyncio.sleep(_SWEEP_S)

    def sweep(self) -> int:
        """Remove what is no longer needed; returns how many rows."""
        return self._buttons.sweep() + self._talks.sweep()

    def erase(self, sender: str) -> int:
        """Forget everything of a conversation that this channel keeps; returns how many rows."""
        return self._buttons.erase(sender) + self._talks.erase(sender)

    # -- updates -------------------------------------------------------------------------------

    def is_signed(self, secret: str) -> bool:
        """Whether a call has the secret that only Telegram knows; takes as long for any wrong one."""
        return hmac.compare_digest(secret.encode("utf-8", "replace"), self._secret.encode())

    async def me(self) -> Me:
        """The bot itself.

        Raises:
            TelegramError: Telegram is away, or does not know the token.
        """
        return await bots.who_am_i(self._bot)

    def toast(self, press: Press, text: str | None) -> None:
        """End a pressed button's spinner, with a word where there is one to say."""
        self._in_background(_quietly(lambda: self._bot.answer_callback_query(press.query_id, text)))

    def show_choice(self, press: Press) -> None:
        """Put the chosen button in place of all, so that none is pressed again by mistake."""
        address = press.address
        if address is None:
            return
        shown = render.pressed_keyboard(press.label, PRESSED) if press.label else None
        edit = self._bot.edit_message_reply_markup
        self._in_background(_quietly(lambda: edit(address.chat_id, press.message_id, reply_markup=shown)))

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- replies -------------------------------------------------------------------------------

    def parts(self, reply: Reply) -> list[Reply]:
        """The reply cut into messages of at most 4096 UTF-16 code units; options stay on the last."""
        return render.parts(reply)

    async def preparing(self, sender: str) -> None:
        """Show “đang nhập…” for some seconds."""
        with suppress(ValueError):
            chat_id = Address.of(sender).chat_id
            await _quietly(lambda: self._bot.send_chat_action(chat_id, ChatAction.TYPING))

    async def send(self, message: Outgoing) -> None:
        """Send one part.

        A call that times out may have arrived all the same, which Telegram has no way to tell: the part is then sent
        again.

        Raises:
            SendError: Telegram did not take it.
        """
        try:
            address = Address.of(message.recipient)
        except ValueError:
            raise SendError("no recipient of Telegram", None) from None
        target = await asyncio.to_thread(self._talks.target, address)
        if not target.reachable:
            raise SendError("blocked or put out by the recipient", None)
        if not await self._pace.wait(target.chat_id):
            raise SendError("too much for one chat at once", 15)
        options = message.reply.options
        data = await asyncio.to_thread(self._buttons.data, address, [option.payload for option in options])
        keyboard = render.keyboard(options, data, message.reply.text)
        await self._send(target, message.reply, keyboard)

    async def _send(self, target: Target, reply: Reply, keyboard: InlineKeyboardMarkup | None) -> None:
        try:
            await self._send_once(target, reply, keyboard)
        except ChatMigrated as error:
            await asyncio.to_thread(self._talks.moved, target.chat_id, error.new_chat_id)
            await self._send(Target(error.new_chat_id, None, reachable=True), reply, keyboard)
        except Forbidden:
            await asyncio.to_thread(self._talks.lost, target.chat_id)
            raise SendError("blocked or put out by the recipient", None) from None
        except BadRequest as error:
            if _is_gone(error):
                await asyncio.to_thread(self._talks.lost, target.chat_id)
            raise _told(error) from None
        except TelegramError as error:
            raise _told(error) from None

    async def _send_once(self, target: Target, reply: Reply, keyboard: InlineKeyboardMarkup | None) -> None:
        try:
            await self._call(target, render.markup(reply), ParseMode.HTML, keyboard)
        except BadRequest as error:
            if "parse entities" not in error.message.lower():
                raise
            logger.error("Telegram cannot read our markup; sent as plain text")
            await self._call(target, reply.text, None, keyboard)

    async def _call(
        self, target: Target, text: str, parse_mode: ParseMode | None, keyboard: InlineKeyboardMarkup | None
    ) -> None:
        to = target.reply_to and ReplyParameters(target.reply_to, allow_sending_without_reply=True)
        await self._bot.send_message(
            target.chat_id,
            text,
            parse_mode=parse_mode,
            reply_markup=keyboard,
            reply_parameters=to or None,
            link_preview_options=_NO_PREVIEW,
        )


def _told(error: TelegramError) -> SendError:
    """The error for the outbox, in words of our own: Telegram's may quote the message."""
    match error:
        case RetryAfter():
            return SendError("too fast (429)", bots.seconds_of(error))
        case BadRequest():  # before what it is a kind of, a network's error
            return SendError("the recipient is gone" if _is_gone(error) else "refused (400)", None)
        case InvalidToken():
            return SendError("Telegram does not know the token")
        case TimedOut():
            return SendError("no answer in time")
        case _:
            return SendError(f"Telegram is away ({type(error).__name__})")


def _is_gone(error: BadRequest) -> bool:
    return any(words in error.message.lower() for words in _GONE)


async def _quietly(call: Callable[[], Awaitable[object]]) -> None:
    """Do what may fail without harm."""
    try:
        await call()
    except TelegramError as error:
        logger.info("Telegram did not take a small thing (%s)", type(error).__name__)
