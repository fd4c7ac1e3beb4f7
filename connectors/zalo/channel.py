"""The Zalo channel: parts of replies out, through one application and its Official Account."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from actions.dossiers.reading import VIETNAM
from actions.replies import Reply
from connectors.messages import Outgoing, SendError
from connectors.zalo import refusals, render
from connectors.zalo.client import Said, ZaloAwayError, ZaloClient, ZaloRefusedError
from connectors.zalo.events import anonymous_parts
from connectors.zalo.health import Health
from connectors.zalo.notices import Notices
from connectors.zalo.sends import Sends
from connectors.zalo.signature import Signer
from connectors.zalo.tokens import TokenError, Tokens
from knowledge.settings import Settings

logger = logging.getLogger(__name__)

NAME = "zalo"
_TOKEN_REST_S = 300
_KEEP_FRESH_S = 600.0
_SKEW = dt.timedelta(seconds=5)
"""By how much Zalo's clock and ours may differ. The same text said twice within it would count as one."""
_PAGE, _PAGES = 10, 3

T = TypeVar("T")


class ZaloChannel:
    """A way to people on Zalo; see :class:`connectors.messages.Channel`.

    Args:
        client: calls Zalo.
        tokens: for the calls.
        sends: what is remembered of them.
        notices: fixed answers.
        health: counts for operators.
        signer: signs webhook calls.
        button_style: the form of buttons.
        pace_per_s: messages a second, all processes together.
    """

    name = NAME

    def __init__(  # noqa: PLR0917
        self,
        client: ZaloClient,
        tokens: Tokens,
        sends: Sends,
        notices: Notices,
        health: Health,
        signer: Signer,
        button_style: Literal["bare", "button"] = "bare",
        pace_per_s: float = 10.0,
    ) -> None:
        self.client, self.tokens, self.sends, self.notices = client, tokens, sends, notices
        self.health, self.signer = health, signer
        self.pace_per_s = pace_per_s
        self._button_style: Literal["bare", "button"] = button_style
        self._keeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Keep tokens fresh from now on."""
        self._keeping = asyncio.create_task(self.keep_fresh())

    async def close(self) -> None:
        """End in order: a token call under way is waited for."""
        if self._keeping:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self.tokens.close()
        await self.health.close()
        await self.client.close()

    async def keep_fresh(self) -> None:
        """Renew tokens in time even while nobody writes, and sweep; runs until it is cancelled."""
        while True:
            try:
                await self.tokens.get()
                await asyncio.to_thread(self.sends.sweep)
            except TokenError as error:
                logger.error("Zalo: %s", error.reason)
            except SQLAlchemyError as error:
                logger.error("Zalo's tables cannot be used: %s", type(error).__name__)
            await asyncio.sleep(_KEEP_FRESH_S)

    def erase(self, sender: str) -> int:
        """Remove what is remembered of somebody here; returns how many rows."""
        return self.sends.forget(sender)

    # -- the channel -------------------------------------------------------------------------

    def parts(self, reply: Reply) -> list[Reply]:
        """The reply cut into messages of 2,000 characters, its choices in the text."""
        return render.parts(reply)

    async def preparing(self, sender: str) -> None:
        """Nothing: the OA API cannot show that somebody is writing."""

    async def send(self, message: Outgoing) -> None:
        """Hand one part to Zalo.

        Raises:
            SendError: it was not taken, with the treatment of :data:`connectors.zalo.refusals.TABLE`.
        """
        await asyncio.to_thread(self.sends.begin, message.dedupe_key)
        try:
            taken = await self._send_either_way(message)
        except ZaloRefusedError as error:
            self.health.add(f"refused:{error.code}")
            if error.code in refusals.ACCESS_TOKEN:
                raise SendError(
                    f"Zalo {error.code}: does not accept a new access token either", _TOKEN_REST_S
                ) from None
            raise refusals.send_error(error.code, message.attempt) from None
        except ZaloAwayError as error:
            self.health.add("away")
            raise SendError(f"Zalo does not answer: {error.reason}") from None
        except TokenError as error:
            self.health.add("no-token")
            raise SendError(error.reason, error.retry_after_s) from None
        self.health.add(f"sent:{_quota_type(taken)}")
        await self._remember_choices(message)

    async def arrived(self, message: Outgoing) -> bool | None:
        """Whether a message reached its recipient though we got no answer.

        Returns:
            False too where Zalo was never called for it; None where that cannot be told.

        Raises:
            SendError: Zalo does not answer at all now.
        """
        begun = await asyncio.to_thread(self.sends.begun, message.dedupe_key)
        if begun is None:
            return False
        if anonymous_parts(message.recipient):
            return None
        since_ms = (begun - _SKEW).replace(tzinfo=VIETNAM).timestamp() * 1000
        try:
            return await self._was_said(message.recipient, message.reply.text, since_ms)
        except ZaloRefusedError:
            return None
        except (ZaloAwayError, TokenError):
            raise SendError("Zalo does not tell whether an earlier attempt arrived") from None

    async def _was_said(self, user: str, text: str, since_ms: float) -> bool:
        wanted = " ".join(text.split())
        for page in range(_PAGES):
            rows = await self._authorised(lambda token, at=page * _PAGE: self.client.history(token, user, at, _PAGE))
            if any(_is_it(row, wanted, since_ms) for row in rows):
                return True
            if len(rows) < _PAGE or rows[-1].at_ms < since_ms:
                break
        return False

    # -- calls -------------------------------------------------------------------------------

    async def _send_either_way(self, message: Outgoing) -> dict[str, Any]:
        """With buttons, and without them where Zalo does not take this form: the text stands on its own."""
        reply, user = message.reply, message.recipient
        visitor = anonymous_parts(user)
        if visitor:
            return await self._authorised(lambda token: self.client.send_anonymous(token, *visitor, reply.text))
        body = render.message(reply, self._button_style)
        try:
            return await self._authorised(lambda token: self.client.send(token, user, body))
        except ZaloRefusedError as error:
            if error.code not in refusals.BUTTONS or "attachment" not in body:
                raise
            self.health.add(f"refused:buttons:{error.code}")
            logger.warning("Zalo %d: does not take our buttons; see MOTCUA_ZALO_BUTTON_STYLE", error.code)
        return await self._authorised(lambda token: self.client.send(token, user, {"text": reply.text}))

    async def _authorised(self, call: Callable[[str], Awaitable[T]]) -> T:
        """Call with the access token; where Zalo does not accept it, renew it once and call once more."""
        token = await self.tokens.get()
        try:
            return await call(token)
        except ZaloRefusedError as error:
            if error.code not in refusals.ACCESS_TOKEN:
                raise
        return await call(await self.tokens.replacement(token))

    async def _remember_choices(self, message: Outgoing) -> None:
        options = message.reply.options
        listed = render.is_listed(message.reply.text, options)
        payloads = [option.payload for option in options] if listed else []
        try:
            await asyncio.to_thread(self.sends.offer, message.recipient, payloads)
        except SQLAlchemyError as error:  # the message is sent; failing now would send it again
            logger.error("Zalo's choices are not remembered: %s", type(error).__name__)


def _is_it(row: Said, text: str, since_ms: float) -> bool:
    return row.by_us and row.at_ms >= since_ms and " ".join(row.text.split()) == text


def _quota_type(taken: Any) -> str:
    """Which allowance a message was taken from; without one it is billed."""
    quota = taken.get("quota") if isinstance(taken, dict) else None
    kind = quota.get("quota_type") if isinstance(quota, dict) else None
    return kind if isinstance(kind, str) and kind.isascii() and kind.replace("_", "").isalnum() else "billed"


def connect(settings: Settings, engine: Engine, key: bytes) -> ZaloChannel | None:
    """The channel of an installation; None where Zalo is not set up.

    Args:
        settings: ``zalo_app_id`` and ``zalo_app_secret`` switch it on.
        engine: the installation's database, migrated.
        key: the installation's secret key.
    """
    if not settings.zalo_app_id or not settings.zalo_app_secret:
        return None
    secret = settings.zalo_app_secret.get_secret_value()
    client = ZaloClient(settings.zalo_app_id, secret, settings.zalo_api_url, settings.zalo_oauth_url)
    signing = settings.zalo_oa_secret.get_secret_value() if settings.zalo_oa_secret else secret
    return ZaloChannel(
        client,
        Tokens(engine, key, settings.zalo_app_id, client.refresh),
        Sends(engine),
        Notices(engine, key, NAME),
        Health(engine),
        Signer(settings.zalo_app_id, signing, settings.zalo_oa_id),
        settings.zalo_button_style,
        settings.zalo_pace_per_s,
    )
