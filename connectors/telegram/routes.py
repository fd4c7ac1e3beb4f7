"""``POST /api/v1/webhooks/telegram``: updates from Telegram's servers, or from ``motcua telegram``.

The app's state holds what this needs: ``channels`` (the running channels by name), ``inbox`` and ``path``, which is
woken when there is something to do.
"""

from __future__ import annotations

import json
import logging
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from telegram import Update
from telegram.error import TelegramError

from connectors.errors import ApiError, ErrorResponse
from connectors.telegram.channel import TelegramChannel
from connectors.telegram.intake import CHANNEL, Intake
from connectors.telegram.updates import Heard, in_group, read

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/webhooks", tags=["webhooks"])

MAX_BYTES = 1024 * 1024

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorResponse, "description": "The body is no JSON."},
    403: {"model": ErrorResponse, "description": "The secret is missing or wrong."},
    404: {"model": ErrorResponse, "description": "No Telegram bot is set up here."},
    413: {"model": ErrorResponse, "description": "The body is too large."},
    422: {"model": ErrorResponse, "description": "The body is no update."},
    503: {"model": ErrorResponse, "description": "It cannot be kept just now; Telegram will send it again."},
}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "description": "An Update of the Bot API.",
                "properties": {"update_id": {"type": "integer"}},
                "required": ["update_id"],
            }
        }
    },
}


class Taken(BaseModel):
    """``ignored``: nothing in it is for us."""

    status: Literal["taken", "ignored"]


@router.post("/telegram", responses=_ERRORS, openapi_extra={"requestBody": _BODY})
async def receive(
    request: Request,
    secret: Annotated[
        str | None,
        Header(alias="X-Telegram-Bot-Api-Secret-Token", description="The secret that was given to setWebhook."),
    ] = None,
) -> Taken:
    """Take an update in. It is kept before this answers; the same one twice is answered once."""
    state = request.app.state
    channel = getattr(state, "channels", {}).get(CHANNEL)
    if not isinstance(channel, TelegramChannel):
        raise ApiError(404, "channel_not_set_up", "Nơi này chưa kết nối Telegram.")
    if not channel.is_signed(secret or ""):
        raise ApiError(403, "bad_secret", "Mã bí mật không đúng.")
    document = _document(await _body(request))
    try:
        heard = await _heard(document, channel)
        taken = await Intake(channel.engine, state.inbox, channel).take(heard, document["update_id"])
    except (SQLAlchemyError, TelegramError) as error:
        logger.error("a Telegram update is not taken (%s)", type(error).__name__)
        raise ApiError(503, "unavailable", "Chưa nhận được, xin gửi lại sau.") from None
    if taken:
        state.path.wake()
    return Taken(status="taken" if taken else "ignored")


async def _heard(document: dict[str, Any], channel: TelegramChannel) -> Heard | None:
    """What an update means. One that cannot be read is none to us: refused, it would hold up all that come after it."""
    try:
        update = Update.de_json(document)
        grouped = in_group(update)
    except Exception as error:
        return _unreadable(error)
    me = await channel.me() if grouped else None
    try:
        return read(update, me)
    except Exception as error:
        return _unreadable(error)


def _unreadable(error: Exception) -> None:
    logger.warning("a Telegram update cannot be read (%s)", type(error).__name__)


async def _body(request: Request) -> bytes:
    """The raw body, up to the limit; a larger one is refused while it comes in."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise ApiError(413, "too_large", "Nội dung gửi lên quá lớn.")
    return bytes(body)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, "bad_request", "Nội dung gửi lên không phải là JSON.") from None
    number = document.get("update_id") if isinstance(document, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**63:
        raise ApiError(422, "invalid_input", "Nội dung gửi lên không phải là bản tin của Telegram.")
    return document
