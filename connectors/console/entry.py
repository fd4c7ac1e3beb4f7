"""``/console/entry``: staff enter sheets of paper and answers given by telephone, fast, by keyboard.

Nothing beside a response tells who entered it; the audit says only how many sheets somebody entered that day.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from actions.dossiers.reading import vietnam_now
from actions.feedback.instruments import Instrument
from actions.feedback.responses import Saved
from connectors.console import navigation
from connectors.console.pages import page
from connectors.console.tally import Tally
from connectors.staff.access import Member, PageError, signed_in
from connectors.surveys.desk import SurveyDesk
from connectors.surveys.form import Filled, groups, read, tidy
from connectors.surveys.tickets import LIVES_S, Ticket
from connectors.surveys.units import unit_named

router = APIRouter(prefix="/console/entry", include_in_schema=False)
Anybody = Annotated[Member, Depends(signed_in())]

navigation.add("/console/entry", "Nhập phiếu", "Nhập phiếu khảo sát giấy và ý kiến qua điện thoại.", order=50)

CHANNELS = {"paper": "Phiếu giấy", "hotline": "Qua điện thoại"}
OLDEST_DAYS = 92
_COOKIE = "nhap_phieu"
_TICKET = "ma_phieu"
_DONE = {"luu": "Đã lưu phiếu.", "bo": "Đã bỏ phiếu vừa nhập."}
_BAD_DAY = f"Ngày trên phiếu phải trong {OLDEST_DAYS} ngày qua, không sau hôm nay."
_CLOSED = "Phiếu này đã lưu từ hôm trước nên không sửa được nữa."
_CANNOT_UNDO = "Không còn phiếu nào bỏ được: phiếu chỉ bỏ được trong một ngày, trên máy đã nhập."


@dataclass(frozen=True)
class Batch:
    """What all sheets of a pile have in common; empty fields are not chosen yet."""

    instrument: str = ""
    channel: str = ""
    day: str = ""
    procedure_code: str = ""
    unit: str = ""

    @property
    def query(self) -> str:
        values = zip(("phieu", "kenh", "ngay", "tt", "don-vi"), self._values, strict=True)
        return urlencode({name: value for name, value in values if value})

    @property
    def _values(self) -> tuple[str, ...]:
        return self.instrument, self.channel, self.day, self.procedure_code, self.unit


def _batch(
    instrument: Annotated[str, Query(alias="phieu")] = "",
    channel: Annotated[str, Query(alias="kenh")] = "",
    day: Annotated[str, Query(alias="ngay")] = "",
    procedure: Annotated[str, Query(alias="tt")] = "",
    unit: Annotated[str, Query(alias="don-vi")] = "",
) -> Batch:
    return Batch(instrument, channel, day, tidy(procedure), tidy(unit))


Asked = Annotated[Batch, Depends(_batch)]


@router.get("")
async def show(
    request: Request,
    member: Anybody,
    batch: Asked,
    done: Annotated[str, Query(alias="xong")] = "",
    change: Annotated[str, Query(alias="doi")] = "",
) -> Response:
    """What the sheets have in common; then a sheet."""
    if not batch.instrument or change:
        return _choose(request, batch, {})
    errors = await asyncio.to_thread(_errors, _desk(request), batch)
    if errors:
        return _choose(request, batch, errors, status=422)
    ticket = Ticket(batch.instrument, _desk(request).new_key())
    return await _sheet(request, member, batch, ticket, done=_DONE.get(done, ""))


@router.post("")
async def take(request: Request, member: Anybody, batch: Asked) -> Response:
    """Keep a sheet; the next one follows at once."""
    desk = _desk(request)
    errors = await asyncio.to_thread(_errors, desk, batch)
    if errors:
        return _choose(request, batch, errors, status=422)
    instrument = desk.instruments[batch.instrument]
    data = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    filled = read(instrument, data)
    ticket = desk.tickets.open(data.get(_TICKET), instrument.id) or Ticket(instrument.id, desk.new_key())
    if filled.problem:
        return await _sheet(request, member, batch, ticket, filled, problem=filled.problem, status=422)
    now = vietnam_now()
    saved = await asyncio.to_thread(
        desk.keep, instrument, ticket.key, filled, now, channel=batch.channel, unit=batch.unit,
        procedure_code=batch.procedure_code, day=dt.date.fromisoformat(batch.day),
    )  # fmt: skip
    if saved is Saved.CLOSED:
        raise PageError(409, "closed", _CLOSED)
    if saved is Saved.RECORDED:
        await asyncio.to_thread(_tally(request).add, member.name, now.date(), 1)
    response = RedirectResponse(f"/console/entry?{batch.query}&xong=luu", 303)
    response.set_cookie(
        _COOKIE, desk.tickets.seal(ticket), max_age=LIVES_S, path="/console/entry", httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return response


@router.post("/undo")
async def undo(request: Request, member: Anybody, batch: Asked) -> Response:
    """Take back the sheet that was entered last in this browser."""
    desk, now = _desk(request), vietnam_now()
    ticket = desk.tickets.open(request.cookies.get(_COOKIE), batch.instrument)
    if ticket is None or not await asyncio.to_thread(desk.responses.withdraw, ticket.key, now):
        raise PageError(409, "nothing_to_undo", _CANNOT_UNDO)
    await asyncio.to_thread(_tally(request).add, member.name, now.date(), -1)
    response = RedirectResponse(f"/console/entry?{batch.query}&xong=bo", 303)
    response.delete_cookie(_COOKIE, path="/console/entry")
    return response


# -- parts --------------------------------------------------------------------------------------


def _desk(request: Request) -> SurveyDesk:
    desk: SurveyDesk = request.app.state.surveys
    return desk


def _tally(request: Request) -> Tally:
    return Tally(_desk(request).catalogue.engine)


def _errors(desk: SurveyDesk, batch: Batch) -> dict[str, str]:
    errors = {}
    if desk.questionnaire(batch.instrument) is None:
        errors["instrument"] = "Chọn một loại phiếu."
    if batch.channel not in CHANNELS:
        errors["channel"] = "Chọn phiếu giấy hoặc điện thoại."
    if not _is_recent(batch.day):
        errors["day"] = _BAD_DAY
    if batch.procedure_code and desk.procedure(batch.procedure_code) is None:
        errors["procedure"] = "Không có thủ tục nào mang mã này."
    if batch.unit and unit_named(batch.unit, desk.settings) is None:
        errors["unit"] = "Không có đơn vị này. Ghi đúng tên xã, phường, đặc khu."
    return errors


def _is_recent(day: str) -> bool:
    try:
        given = dt.date.fromisoformat(day)
    except ValueError:
        return False
    today = vietnam_now().date()
    return today - dt.timedelta(days=OLDEST_DAYS) <= given <= today and day == given.isoformat()


def _choose(request: Request, batch: Batch, errors: dict[str, str], status: int = 200) -> Response:
    desk, today = _desk(request), vietnam_now().date()
    kinds = [one for name in desk.instruments if (one := desk.questionnaire(name))]
    empty = dict.fromkeys(("instrument", "channel", "day", "procedure", "unit"), "")
    return page(
        request, "entry_batch.html", status=status, batch=batch, errors=empty | errors, kinds=kinds, channels=CHANNELS,
        today=today.isoformat(), oldest=(today - dt.timedelta(days=OLDEST_DAYS)).isoformat(), own=desk.settings.commune,
    )  # fmt: skip


async def _sheet(
    request: Request,
    member: Member,
    batch: Batch,
    ticket: Ticket,
    filled: Filled | None = None,
    *,
    problem: str = "",
    done: str = "",
    status: int = 200,
) -> Response:
    desk = _desk(request)
    instrument: Instrument = desk.instruments[batch.instrument]
    procedure = await asyncio.to_thread(desk.procedure, batch.procedure_code)
    count = await asyncio.to_thread(_tally(request).count, member.name, vietnam_now().date())
    last = desk.tickets.open(request.cookies.get(_COOKIE), batch.instrument)
    return page(
        request, "entry_sheet.html", status=status, batch=batch, instrument=instrument, groups=groups(instrument, filled),
        keys={name: _keys(instrument, name) for name in instrument.scales}, sealed=desk.tickets.seal(ticket),
        ticket_field=_TICKET, channel=CHANNELS[batch.channel], day=dt.date.fromisoformat(batch.day),
        procedure=procedure.title if procedure else "", unit=batch.unit or desk.settings.commune,
        count=count, undo=last is not None, problem=problem, done=done,
    )  # fmt: skip


def _keys(instrument: Instrument, scale: str) -> list[str]:
    """The key for each option: its value where that is a digit, as paper forms number them; else its place."""
    options = instrument.scales[scale].options
    values = [str(option.value) for option in options]
    return (
        values
        if all(len(value) == 1 and value.isdigit() for value in values)
        else [str(n + 1) for n in range(len(values))]
    )
