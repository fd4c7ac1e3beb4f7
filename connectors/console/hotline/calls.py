"""``/api/v1/console/calls…``: calls as the telephone system tells of them, and what an agent does with them.

The telephone system shows a secret (setting ``console_calls_secret``); everything else needs a signed-in agent.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from actions.dossiers.reading import VIETNAM, vietnam_now
from actions.feedback.scrub import scrub
from actions.sealing import SealBrokenError
from connectors.console.hotline.call_book import FOLLOW_UP_DAYS, Call, CallBook, Event, Outcome, State, Written, number
from connectors.console.hotline.common import CONFLICT, NOT_FOUND, Agent, Plain, RowId, no_store
from connectors.errors import ApiError, ErrorResponse
from connectors.staff.access import ACCESS_ERRORS, Member, Role, signed_in
from connectors.staff.sign_in import CHANNEL

router = APIRouter(prefix="/console", tags=["console"], dependencies=[Depends(no_store)])

_OFF = "Nơi này chưa mở nhận cuộc gọi từ tổng đài."
_WRONG_SECRET = "Mã bí mật của tổng đài không đúng."
_TAKEN = "Cuộc gọi này đã có người nhận hoặc đã kết thúc."
_NOT_YOURS = "Anh/chị không giữ cuộc gọi này, hoặc đã quá ngày để sửa."
_NO_NUMBER = "Số điện thoại của cuộc gọi này không còn được giữ."
_NO_FOLLOW_UP = "Việc này đã xong rồi."
_WHEN = "Ngày hẹn phải từ hôm nay và trong vòng 90 ngày."
_CALL_BACK = "Anh/chị chọn ngày hẹn gọi lại."

Phone = Annotated[str, StringConstraints(max_length=40)]
Extension = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*#._-]{1,20}$")]


# -- from the telephone system ------------------------------------------------------------------


class CallEvent(BaseModel):
    """What happened to a call. ``phone`` may be missing or "anonymous"."""

    phone: Phone | None = Field(None, repr=False, examples=["0912345678"])
    extension: Extension = Field(examples=["101"])
    call_id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,120}$")] = Field(examples=["1732406400.17"])
    event: Event


class Noted(BaseModel):
    """The event is kept."""

    status: str = "noted"


_PBX_ERRORS: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorResponse, "description": "No secret is set here, or the one in the header is another."},
}


@router.post("/calls", responses=_PBX_ERRORS)
async def tell(
    request: Request,
    told: CallEvent,
    secret: Annotated[
        str | None, Header(alias="X-Motcua-Secret", description="The setting console_calls_secret.")
    ] = None,
) -> Noted:
    """Take an event of the telephone system in; the same one may be told again."""
    expected = request.app.state.settings.console_calls_secret
    if expected is None:
        raise ApiError(403, "calls_disabled", _OFF)
    if not hmac.compare_digest((secret or "").encode(), expected.get_secret_value().encode()):
        raise ApiError(403, "bad_secret", _WRONG_SECRET)
    await asyncio.to_thread(_book(request).tell, told.call_id, told.event, told.extension, number(told.phone))
    return Noted()


# -- what an agent sees -------------------------------------------------------------------------


def _moment(at: dt.datetime | None) -> dt.datetime | None:
    return at.replace(tzinfo=VIETNAM) if at else None


class CallShown(BaseModel):
    """A call; ``phone`` is masked, and only there while the number is kept."""

    id: int
    state: State
    extension: str | None
    agent: str | None
    started_at: AwareDatetime
    answered_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    phone: str | None = Field(repr=False)
    field: str | None
    procedure_code: str | None
    outcome: Outcome | None
    note: str | None = Field(repr=False)
    follow_up_on: dt.date | None
    follow_up_done: bool

    @classmethod
    def of(cls, call: Call) -> CallShown:
        return cls(
            id=call.id,
            state=call.state,
            extension=call.extension,
            agent=call.agent,
            started_at=call.started_at.replace(tzinfo=VIETNAM),
            answered_at=_moment(call.answered_at),
            ended_at=_moment(call.ended_at),
            phone=call.phone,
            field=call.field,
            procedure_code=call.procedure_code,
            outcome=call.outcome,
            note=call.note,
            follow_up_on=call.follow_up_on,
            follow_up_done=call.followed_up_at is not None,
        )


class Now(BaseModel):
    """What an agent must know at this moment; ``due`` and ``waiting`` are counts."""

    extension: str | None
    ringing: list[CallShown]
    current: CallShown | None
    promised: CallShown | None = Field(
        description="Something promised earlier to the number of the call that rings or is open."
    )
    due: int
    waiting: int


class Lists(BaseModel):
    """Today's calls, and what is to be done until today."""

    today: list[CallShown]
    due: list[CallShown]


@router.get("/now", responses=ACCESS_ERRORS)
async def now(request: Request, member: Annotated[Member, Depends(signed_in(Role.AGENT, background=True))]) -> Now:
    """What rings for this agent, the call that is open, and how much waits. Pages ask every other second."""
    return await asyncio.to_thread(_now, request, member.name)


def _now(request: Request, agent: str) -> Now:
    book = _book(request)
    ringing, current = book.ringing(agent), book.current(agent)
    first = current or (ringing[0] if ringing else None)
    promised = book.promised_to(first.id) if first and first.phone else None
    handoffs = getattr(request.app.state, "handoffs", None)
    waiting = sum(one.state == "waiting" for one in handoffs.queue()) if handoffs else 0
    return Now(
        extension=book.seat(agent),
        ringing=[CallShown.of(call) for call in ringing],
        current=CallShown.of(current) if current else None,
        promised=CallShown.of(promised) if promised else None,
        due=book.due_count(),
        waiting=waiting,
    )


@router.get("/calls", responses=ACCESS_ERRORS)
async def lists(
    request: Request,
    member: Agent,
    everybody: Annotated[bool, Query(description="Calls of all agents; only for supervisors.")] = False,
) -> Lists:
    """Today's own calls (supervisors: all, on demand), and everything that is due."""
    if everybody and not member.may_act_as(Role.SUPERVISOR):
        raise ApiError(403, "forbidden", "Chỉ trưởng ca xem được cuộc gọi của mọi người.")
    book, today = _book(request), vietnam_now().date()
    mine = await asyncio.to_thread(book.of_day, today, None if everybody else member.name)
    due = await asyncio.to_thread(book.due)
    return Lists(today=[CallShown.of(call) for call in mine], due=[CallShown.of(call) for call in due])


# -- what an agent does -------------------------------------------------------------------------


class Seat(BaseModel):
    """Where an agent sits; None: at no telephone of the telephone system."""

    extension: Extension | None


class Begun(BaseModel):
    """A call that is opened by hand."""

    phone: Phone | None = Field(None, repr=False)


class CallNote(BaseModel):
    """What became of a call."""

    outcome: Outcome
    field: Annotated[str, Field(max_length=200), Plain] | None = None
    procedure_code: Annotated[str, Field(max_length=40), Plain] | None = None
    note: Annotated[str, Field(max_length=2_000), Plain] = Field("", repr=False)
    follow_up_on: dt.date | None = None


class Opened(BaseModel):
    """The call's id."""

    id: int


class NumberShown(BaseModel):
    """The caller's number."""

    phone: str = Field(repr=False)


@router.put("/seat", responses=ACCESS_ERRORS)
async def sit(request: Request, member: Agent, seat: Seat) -> Seat:
    """Say at which extension the agent sits; calls that ring there come up on this agent's page."""
    await asyncio.to_thread(_book(request).sit, member.name, seat.extension)
    return seat


@router.post("/calls/begin", responses=ACCESS_ERRORS)
async def begin(request: Request, member: Agent, begun: Begun) -> Opened:
    """Open a call by hand."""
    return Opened(id=await asyncio.to_thread(_book(request).begin, member.name, number(begun.phone)))


@router.post("/calls/{id}/take", responses=ACCESS_ERRORS | CONFLICT)
async def take(request: Request, member: Agent, id: RowId) -> Opened:
    """Take a call that rings, or one that was missed in order to call back; of two who try one gets it."""
    if not await asyncio.to_thread(_book(request).take, id, member.name):
        raise ApiError(409, "call_taken", _TAKEN)
    return Opened(id=id)


@router.post("/calls/{id}/note", responses=ACCESS_ERRORS | CONFLICT)
async def write(request: Request, member: Agent, id: RowId, given: CallNote) -> Noted:
    """Write the agent's own call up. Personal data is taken out of the note."""
    today = vietnam_now().date()
    day = given.follow_up_on
    if day and not today <= day <= today + dt.timedelta(days=FOLLOW_UP_DAYS):
        raise ApiError(422, "invalid_input", _WHEN)
    if given.outcome is Outcome.CALL_BACK and day is None:
        raise ApiError(422, "invalid_input", _CALL_BACK)
    written = Written(given.outcome, given.field or None, given.procedure_code or None, given.note, day)
    if not await asyncio.to_thread(_book(request).write, id, member.name, written):
        raise ApiError(409, "not_your_call", _NOT_YOURS)
    return Noted()


@router.post("/calls/{id}/number", responses=ACCESS_ERRORS | NOT_FOUND)
async def show_number(request: Request, member: Agent, id: RowId) -> NumberShown:
    """The whole number, to call back; who looked is noted."""
    try:
        phone = await asyncio.to_thread(_book(request).phone, id)
    except SealBrokenError:
        phone = None
    if phone is None:
        raise ApiError(404, "no_number", _NO_NUMBER)
    audit = request.app.state.staff.audit
    await asyncio.to_thread(audit.record, who=member.name, what="number_shown", channel=CHANNEL)
    return NumberShown(phone=phone)


@router.post("/calls/{id}/done", responses=ACCESS_ERRORS | CONFLICT)
async def done(request: Request, _member: Agent, id: RowId) -> Noted:
    """What was promised is done; the number is removed."""
    if not await asyncio.to_thread(_book(request).follow_up_done, id):
        raise ApiError(409, "already_done", _NO_FOLLOW_UP)
    return Noted()


# -- no answer found ----------------------------------------------------------------------------


class Missing(BaseModel):
    """A question without an answer; ``procedure_code``: what was shown instead."""

    question: Annotated[str, Field(min_length=1, max_length=500), Plain] = Field(repr=False)
    procedure_code: Annotated[str, Field(max_length=40), Plain] | None = None


@router.post("/missing", responses=ACCESS_ERRORS)
async def missing(request: Request, _member: Agent, asked: Missing) -> Noted:
    """Put a question to which nothing was found on the officers' review list, without personal data."""
    await asyncio.to_thread(_put_on_review, request, asked)
    return Noted()


def _put_on_review(request: Request, asked: Missing) -> None:
    day = vietnam_now().date()
    request.app.state.reviews.rated_bad(scrub(asked.question), asked.procedure_code or None, "hotline", day)


def _book(request: Request) -> CallBook:
    book: CallBook = request.app.state.call_book
    return book
