"""``/api/v1/web/…``: the conversation of a website's visitor, for the widget, the chat page and anybody's own client.

A message goes the way of all channels (inbox, path, transcript). Its answer is given back at once (``wait``), or comes as an
event; either way the transcript is what was said, and events have its ids.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import anyio
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import EventSourceResponse

from actions.dossiers.reading import vietnam_now
from actions.handoff import handoff_reply, is_office_open
from actions.replies import Reply, ReplyOption
from connectors.errors import ApiError, ErrorResponse
from connectors.inbox import Inbox, Kept
from connectors.messages import Incoming, conversation_id
from connectors.web.events import HEARTBEAT_S, Bell, Event, poll, stream
from connectors.web.headers import is_cross_origin
from connectors.web.sessions import Session, Sessions, TokenError, TokenExpiredError
from knowledge.settings import Settings

router = APIRouter(prefix="/web", tags=["web"])

CHANNEL = "web"
POLL_S = 25.0
"""Seconds that a long poll waits; less than proxies allow a silent request."""
_ANSWER_S = 30.0
_HISTORY = 100
_FAREWELL_S = 2.0

_GREETING = (
    "Chào anh/chị, tôi là trợ lý máy hướng dẫn thủ tục hành chính. Anh/chị cứ kể việc cần làm, có dấu hay không dấu đều được. "
    "Tôi chỉ trả lời theo dữ liệu công bố; việc giải quyết do {office} quyết định. Xin đừng gửi số hoặc ảnh giấy tờ tùy thân."
)
_EXAMPLES = [
    ReplyOption(label="Làm giấy khai sinh", payload="làm giấy khai sinh"),
    ReplyOption(label="Làm lại căn cước", payload="làm lại căn cước"),
    ReplyOption(label="Tra hồ sơ đã nộp", payload="tra hồ sơ đã nộp"),
]
_CONSENT = (
    "Cuộc trò chuyện được giữ tối đa {days} ngày để trả lời anh/chị và kiểm tra chất lượng; số giấy tờ và số điện thoại được "
    "che đi. Anh/chị xóa được bất cứ lúc nào."
)
_SLOW = "Câu trả lời đến chậm. Anh/chị đợi một lát rồi hỏi lại giúp ạ."
_NO_TOKEN = "Trang này chưa mở cuộc trò chuyện. Xin tải lại trang."
_OLD_TOKEN = "Phiên trò chuyện cần được gia hạn."
_BAD_TOKEN = "Cuộc trò chuyện này đã hết hạn. Xin mở cuộc mới."
_NOT_YOURS = "Mã phiên không khớp với cuộc trò chuyện."
_TOO_FAST = "Anh/chị gửi nhanh quá, tôi chưa kịp trả lời. Xin đợi một phút rồi nhắn tiếp ạ."
_AWAY = "Hệ thống chưa sẵn sàng, xin thử lại sau ít phút."
_NO_ANSWER = "Không tìm thấy câu trả lời cần đánh giá."
_NO_REASON = "Lý do này không có trong phiếu đánh giá."

Reason = Literal["wrong_procedure", "incomplete", "hard_to_read", "out_of_date", "other"]


@dataclass(frozen=True)
class Web:
    """What the web channel needs besides the path of messages: ``app.state.web``."""

    engine: Engine
    sessions: Sessions
    bell: Bell


def connect(app: FastAPI, engine: Engine, key: bytes, settings: Settings) -> None:
    """Make ready what the routes need of their own."""
    sessions = Sessions(key, settings.web_token_s, settings.web_session_hours * 3600)
    app.state.web = Web(engine, sessions, Bell(engine))


# -- who calls ----------------------------------------------------------------------------------

_bearer = HTTPBearer(auto_error=False, description="The token of POST /web/sessions.", bearerFormat="signed")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.web.sessions
    return sessions


def _signed(request: Request, credentials: Credentials) -> Session:
    """The session of the caller's token."""
    if credentials is None:
        raise ApiError(401, "token_missing", _NO_TOKEN)
    return _read(_sessions(request), credentials.credentials)


def _read(sessions: Sessions, token: str) -> Session:
    try:
        return sessions.read(token)
    except TokenExpiredError:
        raise ApiError(401, "token_expired", _OLD_TOKEN) from None
    except TokenError:
        raise ApiError(401, "token_invalid", _BAD_TOKEN) from None


Caller = Annotated[Session, Depends(_signed)]

_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {
        "model": ErrorResponse,
        "description": "`token_missing`; `token_expired`: renew it; `token_invalid`: forged, or its session is over.",
    },
    403: {"model": ErrorResponse, "description": "The calling page's origin is not in `MOTCUA_WEB_ORIGINS`."},
    503: {"model": ErrorResponse, "description": "The database is away."},
}


# -- sessions -----------------------------------------------------------------------------------


class SessionOpened(BaseModel):
    """A conversation: ``session`` names it, ``token`` speaks for it; keep the token on the device, in the tab."""

    session: str
    token: str
    expires_in_s: int = Field(description="Seconds for which the token is good; renew it after that.")
    greeting: Reply
    consent_text: str = Field(description="What is kept and for how long, to show beside the greeting.")
    help_phone: str = Field(description="Telephone number to show for help; may be empty.")


def _opened(request: Request, session: Session) -> SessionOpened:
    settings: Settings = request.app.state.settings
    sessions = _sessions(request)
    return SessionOpened(
        session=session.id,
        token=sessions.token(session),
        expires_in_s=sessions.token_s,
        greeting=Reply(text=_GREETING.format(office=settings.office), status="small_talk", options=_EXAMPLES),
        consent_text=_CONSENT.format(days=settings.transcript_days),
        help_phone=settings.hotline,
    )


@router.post("/sessions", status_code=201, responses={403: _REFUSALS[403]})
async def open_session(request: Request) -> SessionOpened:
    """Start a conversation."""
    return _opened(request, _sessions(request).open())


@router.post("/sessions/renew", responses={401: _REFUSALS[401], 403: _REFUSALS[403]})
async def renew_session(request: Request, credentials: Credentials) -> SessionOpened:
    """A fresh token for a session that is not over, also for a token that has run out."""
    if credentials is None:
        raise ApiError(401, "token_missing", _NO_TOKEN)
    try:
        return _opened(request, _sessions(request).renewable(credentials.credentials))
    except TokenError:
        raise ApiError(401, "token_invalid", _BAD_TOKEN) from None


@router.post("/sessions/end", status_code=204, responses=_REFUSALS)
async def end_session(request: Request, caller: Caller) -> Response:
    """Erase the conversation everywhere here."""
    try:
        await request.app.state.erase(_conversation(caller))
    except SQLAlchemyError:
        raise ApiError(503, "unavailable", _AWAY) from None
    return Response(status_code=204)


# -- messages -----------------------------------------------------------------------------------


class Sent(BaseModel):
    """A message, or the ``payload`` of a tapped option."""

    session: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22,64}$")] | None = Field(
        None, description="The conversation; may be left out with a token."
    )
    text: Annotated[str, StringConstraints(max_length=20_000)]
    client_msg_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = Field(
        None,
        description="Names the message in its conversation: sent again, it is answered once, with the same answer.",
    )
    wait: bool = Field(
        True, strict=True, description="Whether the reply to this call brings the answer; else it comes as an event."
    )


class Answered(BaseModel):
    """The assistant's replies to one message, in order; none while a member of staff has the conversation."""

    session: str
    messages: list[Reply]


class Accepted(BaseModel):
    """The message is kept and will be answered; ``with_person``: by a member of staff."""

    session: str
    with_person: bool


_NO_JSON = {"model": ErrorResponse, "description": "The body is no JSON."}
_MESSAGE_RESPONSES = _REFUSALS | {
    202: {"model": Accepted, "description": "Kept; the answer comes as an event (`wait` was false)."},
    400: _NO_JSON,
    429: {"model": ErrorResponse, "description": "Too many messages; this one was not kept."},
}


@router.post("/messages", response_model=Answered, responses=_MESSAGE_RESPONSES)
async def send(request: Request, sent: Sent) -> Answered | JSONResponse:
    """Send a message.

    With a token in ``Authorization: Bearer``, or, from the installation's own pages and from programs, with the
    ``session`` alone, unless ``MOTCUA_WEB_REQUIRE_TOKEN`` is ``always``.
    """
    session = _session_of(request, sent)
    state = request.app.state
    incoming = Incoming(
        channel=CHANNEL,
        sender=session,
        dedupe_key=_dedupe_key(session, sent.client_msg_id),
        text=sent.text,
        address=request.client.host if request.client else None,
    )
    try:
        if not await asyncio.to_thread(state.inbox.put, incoming) and await _kept(state.inbox, incoming) is None:
            raise ApiError(429, "too_many_requests", _TOO_FAST)
        state.path.wake()
        if not sent.wait:
            with_person = await asyncio.to_thread(state.handoffs.holder, incoming.conversation) is not None
            return JSONResponse(Accepted(session=session, with_person=with_person).model_dump(), status_code=202)
        return Answered(session=session, messages=await _answers(state, incoming))
    except SQLAlchemyError:
        raise ApiError(503, "unavailable", _AWAY) from None


async def _answers(state: Any, incoming: Incoming) -> list[Reply]:
    found: list[Reply] = await state.path.answered(incoming, _ANSWER_S)
    kept = await _kept(state.inbox, incoming)
    # No reply to a message that is done: a person has the conversation, or what is to be said was said before.
    return found if found or (kept and kept.done) else [Reply(text=_SLOW, status="error")]


async def _kept(inbox: Inbox, incoming: Incoming) -> Kept | None:
    return await asyncio.to_thread(inbox.find, incoming)


def _session_of(request: Request, sent: Sent) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        session = _read(_sessions(request), token.strip()).id
        if sent.session not in (None, session):
            raise ApiError(403, "session_mismatch", _NOT_YOURS)
        return session
    always = request.app.state.settings.web_require_token == "always"
    if sent.session is None or always or is_cross_origin(request.headers):
        raise ApiError(401, "token_missing", _NO_TOKEN)
    return sent.session


def _dedupe_key(session: str, client_msg_id: str | None) -> str:
    named = client_msg_id or secrets.token_urlsafe(16)
    return hashlib.sha256(f"{session} {named}".encode()).hexdigest()


def _conversation(session: Session) -> str:
    return conversation_id(CHANNEL, session.id)


# -- what was said ------------------------------------------------------------------------------


class Events(BaseModel):
    """Things said, in order; ask on with the last ``id``."""

    events: list[Event]


EventId = Annotated[int, Query(ge=0, le=2**53)]
_EVENTS_RESPONSES = _REFUSALS | {
    200: {
        "description": "The stream: `ready`, then `message` events with an `id`. With `wait=poll`, JSON.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}, "application/json": {"schema": {}}},
    }
}


@router.get("/events", response_model=Events, responses=_EVENTS_RESPONSES)
async def events(
    request: Request,
    caller: Caller,
    last_event_id: EventId = 0,
    header_id: Annotated[str, Header(alias="Last-Event-ID", pattern=r"^[0-9]{0,15}$")] = "",
    wait: Literal["stream", "poll"] = "stream",
) -> Response | Events:
    """What is said from now on, or after the event ``last_event_id`` (or ``Last-Event-ID``): nothing twice, nothing lost.

    A server-sent event stream with a heartbeat, read with ``fetch`` so that the token can be a header; with ``wait=poll``
    one answer as soon as there is something, at the latest after half a minute, for networks that hold streams back.
    """
    state, after = request.app.state, int(header_id or last_event_id)
    conversation = _conversation(caller)
    if wait == "poll":
        try:
            return Events(events=await poll(state.transcripts, state.web.bell, conversation, after, POLL_S))
        except SQLAlchemyError:
            raise ApiError(503, "unavailable", _AWAY) from None
    stopping = anyio.Event()
    for_s = _sessions(request).token_s
    return EventSourceResponse(
        stream(state.transcripts, state.web.bell, conversation, after, for_s=for_s, stopping=stopping),
        ping=HEARTBEAT_S,
        sep="\n",
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
        shutdown_event=stopping,
        shutdown_grace_period=_FAREWELL_S,
    )


@router.get("/history", responses=_REFUSALS)
async def history(request: Request, caller: Caller) -> Events:
    """The last things said, to show a conversation again after a reload."""
    try:
        entries = await asyncio.to_thread(request.app.state.transcripts.recent, _conversation(caller), _HISTORY)
    except SQLAlchemyError:
        raise ApiError(503, "unavailable", _AWAY) from None
    return Events(events=[Event.of(entry) for entry in entries])


# -- about the answers --------------------------------------------------------------------------


class Rating(BaseModel):
    """What somebody thinks of an answer; rated again, the later rating counts."""

    message_id: Annotated[int, Field(ge=1, le=2**53, description="The `id` of the answer's event.")]
    rating: Literal["useful", "not_useful"]
    reasons: Annotated[list[Reason], Field(max_length=5)] = []
    comment: Annotated[str, StringConstraints(max_length=2_000)] | None = Field(None, repr=False)


@router.post(
    "/feedback",
    status_code=204,
    responses=_REFUSALS
    | {400: _NO_JSON, 404: {"model": ErrorResponse, "description": "No such answer in this conversation."}},
)
async def rate(request: Request, caller: Caller, rating: Rating) -> Response:
    """Say whether an answer helped."""
    state, conversation = request.app.state, _conversation(caller)
    try:
        found = await asyncio.to_thread(state.transcripts.after, conversation, rating.message_id - 1, 1)
        if not found or found[0].id != rating.message_id or found[0].reply is None:
            raise ApiError(404, "no_such_answer", _NO_ANSWER)
        await asyncio.to_thread(
            state.feedback.rate_answer,
            answer=f"{conversation}:{rating.message_id}",
            channel=CHANNEL,
            useful=rating.rating == "useful",
            reasons=rating.reasons,
            comment=rating.comment,
            procedure_code=found[0].reply.procedure_code,
            question=await asyncio.to_thread(state.transcripts.question_of, found[0].id),
        )
    except ValueError:  # the office's own instrument has other reasons
        raise ApiError(422, "no_such_reason", _NO_REASON) from None
    except SQLAlchemyError:
        raise ApiError(503, "unavailable", _AWAY) from None
    return Response(status_code=204)


class HandedOff(BaseModel):
    """What is said about it; it also comes as an event."""

    reply: Reply


@router.post("/handoff", responses=_REFUSALS)
async def handoff(request: Request, caller: Caller) -> HandedOff:
    """Ask for a member of staff."""
    state, conversation, now = request.app.state, _conversation(caller), vietnam_now()
    reply = handoff_reply(state.settings, now)
    contact_wanted = not is_office_open(state.settings, now)

    def ask() -> None:
        with state.web.engine.begin() as connection:
            state.handoffs.request(
                conversation, CHANNEL, "asked on the web page", contact_wanted=contact_wanted, connection=connection
            )
            state.transcripts.append(connection, conversation, "bot", reply, at=now)

    try:
        await asyncio.to_thread(ask)
    except SQLAlchemyError:
        raise ApiError(503, "unavailable", _AWAY) from None
    return HandedOff(reply=reply)
