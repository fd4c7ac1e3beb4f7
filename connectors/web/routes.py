"""``/api/v1/web/…``: sessions and messages of the chat page."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, StringConstraints

from actions.replies import Reply

router = APIRouter(prefix="/web", tags=["web"])

_SESSION = r"^[A-Za-z0-9_-]{22,64}$"


class SessionCreated(BaseModel):
    """A new conversation; ``session`` is its only key, so keep it on the device."""

    session: str
    greeting: Reply


class Sent(BaseModel):
    """A message, or the ``payload`` of a tapped option."""

    session: Annotated[str, StringConstraints(pattern=_SESSION)]
    text: Annotated[str, StringConstraints(max_length=20_000)]


class Answered(BaseModel):
    """The assistant's replies to one message, in order."""

    session: str
    messages: list[Reply]


@router.post("/sessions", status_code=201)
async def open_session(request: Request) -> SessionCreated:
    """Start a conversation."""
    office = request.app.state.settings.office
    greeting = Reply(
        text="Chào anh/chị, tôi là trợ lý máy hướng dẫn thủ tục hành chính. Anh/chị cứ kể việc cần làm, có dấu hay không dấu đều được. "
        f"Tôi chỉ trả lời theo dữ liệu công bố; việc giải quyết do {office} quyết định. Xin đừng gửi số hoặc ảnh giấy tờ tùy thân.",
        status="small_talk",
    )
    return SessionCreated(session=secrets.token_urlsafe(24), greeting=greeting)


@router.post("/messages")
async def send(request: Request, sent: Sent) -> Answered:
    """Send a message and get the replies."""
    address = request.client.host if request.client else None
    messages = await request.app.state.conversations.handle(sent.session, sent.text, "web", address)
    return Answered(session=sent.session, messages=messages)
