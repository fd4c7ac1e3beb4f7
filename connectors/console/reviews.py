"""The review list: questions that went wrong, and which procedure would have been right.

Plain forms, one entry after the other; works without JavaScript.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from actions.dossiers.reading import vietnam_now
from actions.feedback.instruments import ANSWER
from actions.feedback.reviews import Review, ReviewError, Reviews, State, export, use_of
from connectors.console import navigation
from connectors.console.pages import page
from connectors.staff.access import Member, PageError, Role, signed_in

router = APIRouter(prefix="/console/reviews", include_in_schema=False)
Officer = Annotated[Member, Depends(signed_in(Role.OFFICER))]

navigation.add("/console/reviews", "Câu hỏi cần xem lại", "Chọn thủ tục đúng cho câu hỏi trả lời chưa tốt.", Role.OFFICER, order=60)

GATHERED_DAYS = 31
_SHOWN = 30
_SUGGESTED = 5
_TABS = {State.OPEN: "Chưa xem", State.MARKED: "Chờ duyệt", State.APPROVED: "Đã duyệt", State.DISMISSED: "Đã bỏ qua"}
_DONE = {
    "marked": "Đã ghi thủ tục đúng. Một người khác sẽ duyệt.",
    "approved": "Đã duyệt. Câu hỏi được dùng từ lần lập chỉ mục sau.",
    "dismissed": "Đã bỏ câu hỏi khỏi danh sách.",
}


@router.get("")
async def show(request: Request, member: Officer, state: str = State.OPEN, q: str = "", id: str = "", done: str = "") -> Response:
    """Entries in one state; with ``id`` and ``q``, procedures to choose from for that entry."""
    if state not in _TABS:
        raise PageError(404, "not_found", "Không có danh sách này.")
    reviews: Reviews = request.app.state.reviews
    if state == State.OPEN:
        today = vietnam_now().date()
        await asyncio.to_thread(reviews.gather, today - dt.timedelta(days=GATHERED_DAYS), today)
    entries = await asyncio.to_thread(reviews.entries, State(state), _SHOWN)
    shown = [await asyncio.to_thread(_shown, request, one, q if one.id == id else "") for one in entries]
    counts = await asyncio.to_thread(reviews.counts)
    tabs = [(name, label, counts[name]) for name, label in _TABS.items()]
    return page(request, "reviews.html", entries=shown, tabs=tabs, state=state, done=_DONE.get(done), me=member.name, query=(id, q))


@router.post("/{id}/mark")
async def mark(request: Request, member: Officer, id: str, code: Annotated[str, Form()] = "") -> Response:
    """Choose the right procedure; ``none`` where there is none."""
    if code != "none" and request.app.state.catalogue.get(code) is None:
        raise PageError(400, "bad_request", "Anh/chị chọn một thủ tục trong danh sách, hoặc “Không có thủ tục nào”.")
    return await _step(request, "marked", State.OPEN, request.app.state.reviews.mark, id, None if code == "none" else code, member.name)


@router.post("/{id}/approve")
async def approve(request: Request, member: Officer, id: str) -> Response:
    """Let a mark be used, and write the installation's files anew."""
    response = await _step(request, "approved", State.MARKED, request.app.state.reviews.approve, id, member.name)
    await asyncio.to_thread(export, request.app.state.reviews, request.app.state.settings.home)
    return response


@router.post("/{id}/dismiss")
async def dismiss(request: Request, member: Officer, id: str) -> Response:
    """Take an entry off the list."""
    return await _step(request, "dismissed", State.OPEN, request.app.state.reviews.dismiss, id, member.name)


async def _step(request: Request, done: str, back: State, step: Any, *arguments: Any) -> Response:
    try:
        await asyncio.to_thread(step, *arguments)
    except ReviewError as error:
        raise PageError(409, "conflict", str(error)) from None
    return RedirectResponse(f"/console/reviews?{urlencode({'state': str(back), 'done': done})}", 303)


def _shown(request: Request, one: Review, query: str) -> dict[str, Any]:
    """An entry as the template needs it; suggestions come from the same search that people use."""
    catalogue, engine = request.app.state.catalogue, request.app.state.talk.engine
    named = {code: catalogue.get(code) for code in (one.answered_code, one.right_code) if code}
    hits = engine.search(query or one.question, k=_SUGGESTED).results if one.state in (State.OPEN, State.MARKED) else []
    return {
        "review": one,
        "reason": _reason(request, one.reason),
        "answered": named.get(one.answered_code),
        "right": named.get(one.right_code),
        "suggestions": [(hit.code, hit.name) for hit in hits],
        "use": use_of(one.id),
    }


def _reason(request: Request, value: str | None) -> str:
    if value == "hotline":
        return "tổng đài không tìm thấy câu trả lời"
    scale = request.app.state.instruments[ANSWER].scales.get("reasons")
    labels = {str(option.value): option.label for option in scale.options} if scale else {}
    return labels.get(value or "", "")
