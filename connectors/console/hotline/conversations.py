"""``/api/v1/console/conversations…``: conversations that wait for a person, and the person's part in them.

A conversation's id holds the citizen's id in the channel, so the console names it by a keyed hash (``ref``).
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from actions.dossiers.keys import Pseudonyms
from actions.dossiers.reading import VIETNAM, vietnam_now
from actions.handoff import is_office_open
from actions.sealing import SealBrokenError
from connectors import handoff
from connectors.console.hotline import canned
from connectors.console.hotline.common import CONFLICT, NOT_FOUND, Agent, Plain, no_store
from connectors.errors import ApiError
from connectors.handoff import Handoffs, State
from connectors.staff.access import ACCESS_ERRORS, Member, Role, signed_in
from connectors.staff.sign_in import CHANNEL
from connectors.transcripts import PRIVATE, Entry, Transcripts, Who, is_private
from knowledge.settings import Settings

router = APIRouter(prefix="/console/conversations", tags=["console"], dependencies=[Depends(no_store)])

_LAST = 2
_LINE = 160
_AT_ONCE = 100
_CHANNELS = {"zalo": "Zalo", "telegram": "Telegram", "web": "Trang web"}
_REASONS = {
    "asked for a person": "Muốn gặp cán bộ",
    "asked on the web page": "Muốn gặp cán bộ",
    "staff answers in the channel": "Cán bộ đang trả lời trong kênh",
}
_GONE = "Cuộc trò chuyện này không còn chờ cán bộ."
_SOMEBODY_ELSE = "Người khác đang trả lời cuộc trò chuyện này."
_NOT_YOURS = "Anh/chị chưa nhận, hoặc không còn giữ cuộc trò chuyện này."
_NO_CONTACT = "Người này không để lại số liên hệ, hoặc số đã được xoá."

Watching = Annotated[Member, Depends(signed_in(Role.AGENT, background=True))]
Ref = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


class Line(BaseModel):
    """Something said; citizens' texts are masked, what was said to opinions is left out.

    ``staff`` is the account of the member who said it.
    """

    id: int
    who: Who
    text: str = Field(repr=False)
    at: AwareDatetime
    staff: str | None

    @classmethod
    def of(cls, entry: Entry) -> Line:
        text = PRIVATE.text if is_private(entry.reply) else entry.text
        return cls(id=entry.id, who=entry.who, text=text, at=entry.at.replace(tzinfo=VIETNAM), staff=entry.member)


class Waiting(BaseModel):
    """A conversation in the queue."""

    ref: str
    channel: str
    state: Literal["waiting", "claimed"]
    reason: str
    since: AwareDatetime
    claimed_by: str | None
    mine: bool
    has_contact: bool
    last: list[Line]


class Queue(BaseModel):
    """All of them, those that wait longest first, and whether the office is open."""

    office_open: bool
    conversations: list[Waiting]
    canned: list[canned.Canned]


class Talk(BaseModel):
    """One conversation from an entry on."""

    conversation: Waiting
    lines: list[Line]


class Text(BaseModel):
    """What a member of staff writes."""

    text: Annotated[str, Field(min_length=1, max_length=2_000), Plain] = Field(repr=False)


class Contact(BaseModel):
    """What somebody left to be reached, in their own words."""

    contact: str = Field(repr=False)


class Done(BaseModel):
    """It is so now."""

    status: str = "done"


@router.get("", responses=ACCESS_ERRORS)
async def queue(request: Request, member: Watching) -> Queue:
    """Conversations that wait for a person or have one. Pages ask every third second."""
    return await asyncio.to_thread(_queue, request, member.name)


def _queue(request: Request, member: str) -> Queue:
    settings: Settings = request.app.state.settings
    found = [_waiting(request, one, member) for one in _handoffs(request).queue()]
    return Queue(
        office_open=is_office_open(settings, vietnam_now()), conversations=found, canned=canned.load(settings.home)
    )


@router.get("/{ref}", responses=ACCESS_ERRORS | NOT_FOUND)
async def talk(
    request: Request,
    member: Watching,
    ref: Ref,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Only what came after this entry.")] = 0,
) -> Talk:
    """What was said, masked."""
    one = await asyncio.to_thread(_find, request, ref)
    transcripts: Transcripts = request.app.state.transcripts
    lines = await asyncio.to_thread(transcripts.for_staff, one.conversation, after=after, limit=_AT_ONCE)
    shown = await asyncio.to_thread(_waiting, request, one, member.name)
    return Talk(conversation=shown, lines=[Line.of(entry) for entry in lines])


@router.post("/{ref}/claim", responses=ACCESS_ERRORS | NOT_FOUND | CONFLICT)
async def claim(request: Request, member: Agent, ref: Ref) -> Done:
    """Take a conversation: from now on the bot is silent in it. Of two who try one gets it."""
    one = await asyncio.to_thread(_find, request, ref)
    if not await asyncio.to_thread(_handoffs(request).claim, one.conversation, member.name):
        raise ApiError(409, "claimed", _SOMEBODY_ELSE)
    await _note(request, member, "conversation_claimed")
    return Done()


@router.post("/{ref}/reply", responses=ACCESS_ERRORS | NOT_FOUND | CONFLICT)
async def reply(request: Request, member: Agent, ref: Ref, written: Text) -> Done:
    """Send a message to the citizen of a conversation that the member has."""
    one = await asyncio.to_thread(_find, request, ref)
    if not written.text:
        raise ApiError(422, "invalid_input", "Anh/chị viết nội dung trước khi gửi.")
    if not await asyncio.to_thread(_handoffs(request).reply_as_staff, one.conversation, written.text, member.name):
        raise ApiError(409, "not_yours", _NOT_YOURS)
    if messaging := getattr(request.app.state, "messaging", None):
        messaging.delivery.wake()
    return Done()


@router.post("/{ref}/release", responses=ACCESS_ERRORS | NOT_FOUND | CONFLICT)
async def release(request: Request, member: Agent, ref: Ref) -> Done:
    """Give a conversation back to the queue; the bot answers again. Supervisors may take it from others."""
    one = await asyncio.to_thread(_find, request, ref)
    if not await asyncio.to_thread(_handoffs(request).release, one.conversation, _by(member)):
        raise ApiError(409, "not_yours", _NOT_YOURS)
    return Done()


@router.post("/{ref}/close", responses=ACCESS_ERRORS | NOT_FOUND | CONFLICT)
async def close(request: Request, member: Agent, ref: Ref) -> Done:
    """Nobody is wanted any more; the bot answers again, and the contact that was left is removed."""
    one = await asyncio.to_thread(_find, request, ref)
    if one.state is State.WAITING and not member.may_act_as(Role.SUPERVISOR):
        raise ApiError(409, "not_yours", _NOT_YOURS)
    if not await asyncio.to_thread(_handoffs(request).close, one.conversation, _by(member)):
        raise ApiError(409, "claimed", _SOMEBODY_ELSE)
    return Done()


@router.post("/{ref}/contact", responses=ACCESS_ERRORS | NOT_FOUND | CONFLICT)
async def contact(request: Request, member: Agent, ref: Ref) -> Contact:
    """The telephone number that was left outside office hours, for who has the conversation; who looked is noted."""
    one = await asyncio.to_thread(_find, request, ref)
    if one.state is not State.CLAIMED or one.claimed_by != member.name:
        raise ApiError(409, "not_yours", _NOT_YOURS)
    try:
        left = await asyncio.to_thread(_handoffs(request).contact, one.conversation)
    except SealBrokenError:
        left = None
    if not left:
        raise ApiError(404, "no_contact", _NO_CONTACT)
    await _note(request, member, "contact_shown")
    return Contact(contact=left)


def _by(member: Member) -> str | None:
    """Whose conversation it must be: a supervisor's or anybody's where it is a supervisor who asks."""
    return None if member.may_act_as(Role.SUPERVISOR) else member.name


async def _note(request: Request, member: Member, what: str) -> None:
    await asyncio.to_thread(request.app.state.staff.audit.record, who=member.name, what=what, channel=CHANNEL)


def _find(request: Request, ref: str) -> handoff.Request:
    for one in _handoffs(request).queue():
        if _ref(request, one.conversation) == ref:
            return one
    raise ApiError(404, "not_waiting", _GONE)


def _ref(request: Request, conversation: str) -> str:
    refs: Pseudonyms = request.app.state.conversation_refs
    return refs.of(conversation)[:32]


def _waiting(request: Request, one: handoff.Request, member: str) -> Waiting:
    transcripts: Transcripts = request.app.state.transcripts
    last = [Line.of(entry) for entry in transcripts.for_staff(one.conversation, limit=_LAST)]
    return Waiting(
        ref=_ref(request, one.conversation),
        channel=_CHANNELS.get(one.channel, one.channel),
        state="claimed" if one.state is State.CLAIMED else "waiting",
        reason=_REASONS.get(one.reason, one.reason),
        since=one.since.replace(tzinfo=VIETNAM),
        claimed_by=one.claimed_by,
        mine=one.claimed_by == member,
        has_contact=one.has_contact,
        last=[line.model_copy(update={"text": _short(line.text)}) for line in last],
    )


def _short(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= _LINE else first[: _LINE - 1] + "…"


def _handoffs(request: Request) -> Handoffs:
    handoffs: Handoffs = request.app.state.handoffs
    return handoffs
