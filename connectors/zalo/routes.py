"""Zalo's webhook, the way back from its consent page, and the proof that this site is ours.

The app's state holds what these need: ``channels`` (with a :class:`connectors.zalo.channel.ZaloChannel` under
``zalo`` where it is set up), ``inbox``, ``path``, ``handoffs``, ``switch``,
``limits``, ``erase`` and ``settings``.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import html
import logging
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from actions.secret_key import installation_key
from connectors.errors import ApiError, ErrorResponse
from connectors.staff.access import ACCESS_ERRORS, Role, signed_in
from connectors.zalo import health
from connectors.zalo.channel import NAME, ZaloChannel
from connectors.zalo.client import TokenPair, ZaloAwayError, ZaloRefusedError
from connectors.zalo.consent import States
from connectors.zalo.events import Event, MalformedEventError, decode, read, timestamp
from connectors.zalo.signature import Signer
from connectors.zalo.webhook import Receiver
from knowledge.settings import Settings

logger = logging.getLogger(__name__)

router = APIRouter(tags=["zalo"])
"""Under ``/api/v1``."""
site_router = APIRouter(tags=["zalo"])
"""Under ``/``."""

MAX_BYTES = 1024 * 1024
_ANSWER_S = 1.7
"""Seconds after which Zalo is told to come again; it waits for 2."""
_FUTURE_MS = 300_000

_NOT_SET_UP = "Kênh Zalo chưa được thiết lập ở đây."
_BAD_SIGNATURE = "Chữ ký của bản tin không đúng hoặc bản tin đã quá cũ."
_LATER = "Chưa ghi nhận được bản tin, xin gửi lại sau."


def _channel(request: Request) -> ZaloChannel:
    channel = getattr(request.app.state, "channels", {}).get(NAME)
    if channel is None:
        raise ApiError(404, "channel_not_set_up", _NOT_SET_UP)
    return channel


# -- the webhook --------------------------------------------------------------------------------


class Received(BaseModel):
    """The call was received; whatever was in it is taken care of."""

    received: bool = True


class HealthCount(BaseModel):
    """How often something happened, and when last (Vietnam's time)."""

    count: int
    last_at: dt.datetime


class WebhookHealth(BaseModel):
    """How webhook calls arrive. ``last_variant``: how the last good one was signed."""

    last_variant: str | None
    counts: dict[str, HealthCount]


_ERRORS: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorResponse, "description": "The signature is wrong, or the call is too old."},
    404: {"model": ErrorResponse, "description": "Zalo is not set up here."},
    413: {"model": ErrorResponse, "description": "The body is too large."},
    503: {"model": ErrorResponse, "description": "The call could not be kept in time; it is to be repeated."},
}
_BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}


@router.post("/webhooks/zalo", responses=_ERRORS, openapi_extra={"requestBody": _BODY})
async def receive(
    request: Request,
    signature: Annotated[
        str | None, Header(alias="X-ZEvent-Signature", description="mac= and 64 hexadecimal digits.")
    ] = None,
    moment: Annotated[str | None, Header(alias="X-ZEvent-Timestamp", description="Milliseconds since 1970.")] = None,
) -> Received:
    """Take an event of the Official Account.

    It is answered when its effect is on disk, within two seconds. An unsigned ``{}`` is Zalo's test of the address.
    Events that are not known are counted and ignored.
    """
    channel = _channel(request)
    work = asyncio.create_task(_receive(request, channel, signature, moment))
    done, _ = await asyncio.wait({work}, timeout=_ANSWER_S)
    if not done:
        # Zalo is told to come again, and what is being written is not broken off: it is a duplicate then.
        work.add_done_callback(_look_at)
        raise ApiError(503, "later", _LATER)
    try:
        return work.result()
    except ApiError:
        raise
    except Exception as error:  # the error's text may quote the message
        logger.error("Zalo's event cannot be kept: %s", type(error).__name__)
        raise ApiError(503, "later", _LATER) from None


async def _receive(request: Request, channel: ZaloChannel, signature: str | None, moment: str | None) -> Received:
    body = await _body(request)
    if body.strip() == b"{}" and signature is None:
        channel.health.add(health.PROBE)
        return Received()
    raw = _decoded(body)
    settings: Settings = request.app.state.settings
    found = _finding(channel.signer, settings.zalo_replay_window_s, body, raw, signature, moment)
    channel.health.add(found)
    if not found.startswith(health.GOOD) and settings.zalo_signature == "reject":
        raise ApiError(403, "bad_signature", _BAD_SIGNATURE)
    event = _read(raw)
    if event is None:  # refusing it would only make Zalo repeat it, and end the subscription at last
        channel.health.add(health.MALFORMED)
        logger.warning("an event of Zalo has another shape than its documentation says")
        return Received()
    await _receiver(request, channel).take(event)
    return Received()


async def _body(request: Request) -> bytes:
    """The raw body, byte for byte; a larger one is refused while it comes in."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise ApiError(413, "too_large", "Bản tin quá lớn.")
    return bytes(body)


def _decoded(body: bytes) -> dict[str, Any] | None:
    try:
        return decode(body)
    except MalformedEventError:
        return None


def _read(raw: dict[str, Any] | None) -> Event | None:
    try:
        return read(raw) if raw is not None else None
    except MalformedEventError:
        return None


def _finding(  # noqa: PLR0917
    signer: Signer, window_s: int, body: bytes, raw: dict[str, Any] | None, signature: str | None, moment: str | None
) -> str:
    """The count that a call goes to: by which variant it is signed, or that it is not, or not lately."""
    body_time = timestamp(raw) if raw is not None else None
    variant = signer.variant(body, signature, moment, body_time)
    if variant is None:
        return health.BAD
    return health.GOOD + variant if _is_fresh(body_time or moment, window_s) else health.STALE


def _is_fresh(moment: str | None, window_s: int) -> bool:
    age_ms = time.time() * 1000 - int(moment or 0)
    return -_FUTURE_MS <= age_ms <= window_s * 1000


def _receiver(request: Request, channel: ZaloChannel) -> Receiver:
    state = request.app.state
    return Receiver(
        channel=channel,
        inbox=state.inbox,
        handoffs=state.handoffs,
        switch=state.switch,
        limits=state.limits,
        erase=state.erase,
        wake=state.path.wake,
        staff_pause=dt.timedelta(minutes=state.settings.zalo_staff_pause_min),
    )


def _look_at(work: asyncio.Task[Received]) -> None:
    """Say what became of a call whose answer was not waited for."""
    if not work.cancelled() and (error := work.exception()) and not isinstance(error, ApiError):
        logger.error("Zalo's event was not kept in time: %s", type(error).__name__)


operator = signed_in(Role.SUPERVISOR, Role.OFFICER)


@router.get("/webhooks/zalo/health", responses={**ACCESS_ERRORS, 404: _ERRORS[404]}, dependencies=[Depends(operator)])
async def webhook_health(request: Request) -> WebhookHealth:
    """How webhook calls arrive and messages leave, in counts; a few seconds old."""
    counts = await asyncio.to_thread(_channel(request).health.read)
    shown = {name: HealthCount(count=count.count, last_at=count.last_at) for name, count in counts.items()}
    return WebhookHealth(last_variant=health.last_variant(counts), counts=shown)


# -- consent ------------------------------------------------------------------------------------


def _error(description: str) -> dict[str, Any]:
    """An error of a route that answers with a page: the error itself is JSON as everywhere."""
    schema = {"$ref": f"#/components/schemas/{ErrorResponse.__name__}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


_CONSENT_ERRORS: dict[int | str, dict[str, Any]] = {
    403: _error("It is not our consent link, or another account's."),
    404: _error("Zalo is not set up here."),
    503: _error("Zalo gave no tokens for this code."),
}
_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
_NOT_OURS = "Liên kết cấp quyền không đúng hoặc đã quá hạn. Xin tạo liên kết mới."
_CONNECTED = "Đã kết nối Official Account. Anh/chị có thể đóng trang này."


@router.get("/zalo/oauth/callback", responses=_PAGE | _CONSENT_ERRORS, response_model=None)
async def consented(
    request: Request,
    code: Annotated[str, Query(min_length=1, max_length=2_000)],
    oa_id: Annotated[str, Query(max_length=40)] = "",
    state: Annotated[str, Query(max_length=500)] = "",
) -> HTMLResponse:
    """The account's administrator comes back from Zalo's consent page, with a code for the first tokens."""
    channel = _channel(request)
    settings: Settings = request.app.state.settings
    ours = States(installation_key(settings.home)).is_ours(state) if state else bool(settings.zalo_oa_id)
    if not ours or not settings.zalo_code_verifier or (settings.zalo_oa_id or oa_id) != oa_id:
        raise ApiError(403, "not_our_consent", _NOT_OURS)
    try:
        pair = await channel.client.exchange(code, settings.zalo_code_verifier.get_secret_value())
        await _require_account(channel, pair, settings.zalo_oa_id)
    except (ZaloRefusedError, ZaloAwayError) as error:
        logger.error("Zalo's consent brought no tokens: %s", error)
        raise ApiError(503, "no_tokens", "Zalo chưa cấp quyền. Xin thử lại với liên kết mới.") from None
    await asyncio.to_thread(channel.tokens.put, pair)
    logger.info("Zalo's tokens are kept")
    return _page(_CONNECTED)


async def _require_account(channel: ZaloChannel, pair: TokenPair, oa_id: str | None) -> None:
    """Only tokens for the account that is set up are kept, whatever the address says."""
    if oa_id and await channel.client.account_id(pair.access) != oa_id:
        raise ApiError(403, "not_our_consent", _NOT_OURS)


# -- whose site this is -------------------------------------------------------------------------


def verification_tag(settings: Settings) -> str:
    """The meta tag by which Zalo verifies the site, for the head of its first page; empty where no code is set."""
    code = settings.zalo_site_verifier
    return f'<meta name="zalo-platform-site-verification" content="{html.escape(code)}" />' if code else ""


@site_router.get(
    "/zalo_verifier{code}.html", responses=_PAGE | {404: _error("It is another code.")}, response_model=None
)
async def verifier_file(request: Request, code: str) -> HTMLResponse:
    """The file by which Zalo verifies the site."""
    settings: Settings = request.app.state.settings
    if not settings.zalo_site_verifier or code != settings.zalo_site_verifier:
        raise ApiError(404, "not_found", "Không có nội dung này.")
    return _page("Zalo", verification_tag(settings))


def _page(text: str, head: str = "") -> HTMLResponse:
    head = f'<meta charset="utf-8">{head}<title>Zalo</title>'
    page = f'<!doctype html>\n<html lang="vi"><head>{head}</head><body><p>{text}</p></body></html>\n'
    return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store"})
