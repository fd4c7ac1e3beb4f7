"""``/console/petitions``: what people complain of or propose, what is due, and the office's answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from actions.dossiers.reading import vietnam_now
from actions.feedback.petitions import (
    CLOSED,
    LIMITS_SOURCE,
    TEXT_LENGTH,
    Petition,
    PetitionError,
    Petitions,
    State,
    find_number,
)
from connectors.console import navigation
from connectors.console.pages import page
from connectors.staff.access import Member, PageError, Role, signed_in
from connectors.staff.sign_in import CHANNEL
from connectors.surveys.form import tidy
from connectors.surveys.petition_words import KINDS, STATES

router = APIRouter(prefix="/console/petitions", include_in_schema=False)
Officer = Annotated[Member, Depends(signed_in(Role.OFFICER))]

navigation.add(
    "/console/petitions",
    "Phản ánh, kiến nghị",
    "Xem việc nào sắp đến hạn và trả lời người dân.",
    Role.OFFICER,
    order=40,
)

OPEN = "open"
_TABS = {
    OPEN: ("Chưa xong", ()),
    "answered": ("Chờ công khai", (State.ANSWERED,)),
    "closed": ("Đã xong", CLOSED),
}
MOVES = {
    State.PROCESSING: "Nhận xử lý",
    State.NEEDS_MORE: "Hỏi thêm người gửi",
    State.REFUSED: "Không tiếp nhận",
    State.PASSED_ON: "Chuyển cơ quan khác",
}
_DONE = {"chuyen": "Đã ghi bước xử lý.", "tra-loi": "Đã lưu trả lời.", "cong-khai": "Đã công khai."}
_UNKNOWN = "Không có phản ánh, kiến nghị mang số này."


@router.get("")
async def show(request: Request, member: Officer, which: Annotated[str, Query(alias="xem")] = OPEN) -> Response:
    """Petitions, overdue ones first."""
    if which not in _TABS:
        raise PageError(404, "not_found", "Không có danh sách này.")
    today = vietnam_now().date()
    listed = await asyncio.to_thread(_petitions(request).listed, *_TABS[which][1], today=today)
    return page(
        request, "petitions.html", petitions=listed, today=today, which=which, states=STATES, kinds=KINDS,
        tabs=[(name, label) for name, (label, _) in _TABS.items()], limits_source=LIMITS_SOURCE,
    )  # fmt: skip


@router.get("/{number}")
async def open_one(
    request: Request, member: Officer, number: str, done: Annotated[str, Query(alias="xong")] = ""
) -> Response:
    """One petition with its steps, and what can be done with it."""
    return _one(request, await _found(request, number), done=_DONE.get(done, ""))


@router.post("/{number}/step")
async def move(
    request: Request,
    member: Officer,
    number: str,
    state: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> Response:
    """Move it on."""
    note = tidy(note)
    if state not in MOVES:
        return await _refused(request, number, "Anh/chị chọn một bước.", note=note)
    change = _petitions(request).change
    return await _step(
        request, member, number, "chuyen", change, State(state), vietnam_now(), note, kept={"note": note}
    )


@router.post("/{number}/answer")
async def answer(request: Request, member: Officer, number: str, text: Annotated[str, Form()] = "") -> Response:
    """Answer it."""
    text = tidy(text)
    if len(text) > TEXT_LENGTH:
        return await _refused(request, number, f"Trả lời dài quá {TEXT_LENGTH} ký tự.", text=text)
    return await _step(
        request, member, number, "tra-loi", _petitions(request).answer, text, vietnam_now(), kept={"text": text}
    )


@router.post("/{number}/publish")
async def publish(request: Request, member: Officer, number: str) -> Response:
    """Make the answer public."""
    return await _step(request, member, number, "cong-khai", _petitions(request).publish, vietnam_now(), kept={})


# -- parts --------------------------------------------------------------------------------------


def _petitions(request: Request) -> Petitions:
    petitions: Petitions = request.app.state.petitions
    return petitions


async def _found(request: Request, number: str) -> Petition:
    known = find_number(number)
    petition = await asyncio.to_thread(_petitions(request).find, known) if known else None
    if petition is None:
        raise PageError(404, "not_found", _UNKNOWN)
    return petition


async def _step(
    request: Request,
    member: Member,
    number: str,
    done: str,
    change: Callable[..., Petition],
    *values: Any,
    kept: dict[str, str],
) -> Response:
    """Do one step and note who did it; a step that is not possible comes back with what was written."""
    petition = await _found(request, number)
    try:
        await asyncio.to_thread(change, petition.number, *values)
    except PetitionError as error:
        return await _refused(request, number, str(error), **kept)
    audit = request.app.state.staff.audit
    await asyncio.to_thread(
        audit.record, who=member.name, what=f"petition_{_DEEDS[done]}", channel=CHANNEL, code=petition.number
    )
    return RedirectResponse(f"/console/petitions/{petition.number}?{urlencode({'xong': done})}", 303)


_DEEDS = {"chuyen": "moved", "tra-loi": "answered", "cong-khai": "published"}


async def _refused(request: Request, number: str, problem: str, *, note: str = "", text: str = "") -> Response:
    return _one(request, await _found(request, number), problem=problem, note=note, text=text, status=409)


def _one(
    request: Request,
    petition: Petition,
    *,
    done: str = "",
    problem: str = "",
    note: str = "",
    text: str = "",
    status: int = 200,
) -> Response:
    return page(
        request, "petition.html", status=status, petition=petition, states=STATES, kinds=KINDS, moves=MOVES,
        today=vietnam_now().date(), closed=petition.state in CLOSED, answered=petition.state is State.ANSWERED, done=done,
        problem=problem, note=note, text=text or petition.answer or "", limits_source=LIMITS_SOURCE,
    )  # fmt: skip
