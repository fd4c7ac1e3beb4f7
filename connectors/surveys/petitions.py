"""``/phan-anh``: sending a petition (phản ánh, kiến nghị) and asking by its number how far it is.

The number is the only key to a petition, so no address ever holds it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from actions.dossiers.reading import vietnam_now
from actions.feedback.petitions import (
    LIMITS_SOURCE,
    TEXT_LENGTH,
    Kind,
    Petition,
    PetitionError,
    Petitions,
    State,
    find_number,
    new_number,
)
from actions.feedback.responses import About
from actions.feedback.scrub import scrub
from connectors.surveys.desk import SurveyDesk
from connectors.surveys.form import tidy
from connectors.surveys.pages import PublicRoute, address_of, page, posted, refuse_if_too_many
from connectors.surveys.petition_words import KINDS, STATES
from connectors.surveys.tickets import Ticket

router = APIRouter(prefix="/phan-anh", route_class=PublicRoute, include_in_schema=False)

CHANNEL = "web"
TRAP = "website"
_TICKET, _FORM = "ma_phieu", "phan-anh"
_NO_KIND = "Anh/chị chọn một loại."
_NO_WORDS = "Anh/chị viết nội dung phản ánh, kiến nghị."
_TOO_LONG = f"Nội dung dài quá {TEXT_LENGTH} ký tự. Anh/chị rút ngắn lại."
_NO_NUMBER = "Số phản ánh chưa đúng dạng. Ví dụ: PA-261124-7F3K9M."
_UNKNOWN = "Không có phản ánh, kiến nghị mang số này. Anh/chị xem lại số đã được báo khi gửi."
_OLD_FORM = "Trang đã mở quá một ngày. Nội dung vẫn còn ở dưới, anh/chị bấm gửi lại."


@router.get("")
async def show(request: Request) -> Response:
    """The form."""
    return _form(request)


@router.post("")
async def take(request: Request) -> Response:
    """Keep a petition and tell its number; the same form sent twice is one petition."""
    data = await posted(request)
    given = {"kind": data.get("kind", ""), "text": tidy(data.get("text", ""))}
    errors = _errors(given)
    ticket = _desk(request).tickets.open(data.get(_TICKET), _FORM)
    if errors or ticket is None:
        return _form(request, given, errors, problem="" if errors else _OLD_FORM, status=422)
    if data.get(TRAP):  # a program: it gets a number that nothing stands behind
        return page(
            request, "petition_sent.html", petition=None, number=new_number(vietnam_now().date()), kept_before=False
        )
    refuse_if_too_many(request, await asyncio.to_thread(_desk(request).gate.wait_s, address_of(request)))
    about = About(CHANNEL, _desk(request).settings.commune or None)
    petition = await asyncio.to_thread(
        _petitions(request).submit, Kind(given["kind"]), given["text"], about, vietnam_now(), ticket.key
    )
    kept_before = petition.text != scrub(given["text"]).strip()[:TEXT_LENGTH]
    return page(
        request, "petition_sent.html", petition=petition, number=petition.number, kept_before=kept_before,
        limits_source=LIMITS_SOURCE,
    )  # fmt: skip


@router.get("/tra-cuu")
async def ask(request: Request) -> Response:
    """Which petition?"""
    return _which(request)


@router.post("/tra-cuu")
async def tell(request: Request) -> Response:
    """How far a petition is, and what the office answered."""
    return await _of_number(request, await posted(request))


@router.post("/bo-sung")
async def add(request: Request) -> Response:
    """The sender adds what the office asked for."""
    data = await posted(request)
    words = tidy(data.get("text", ""))[:TEXT_LENGTH]
    if not words:
        return await _of_number(request, data, problem=_NO_WORDS, status=422)
    return await _of_number(request, data, _petitions(request).add_words, words, vietnam_now())


@router.post("/danh-gia")
async def rate(request: Request) -> Response:
    """Whether the sender is satisfied with the answer."""
    data = await posted(request)
    return await _of_number(request, data, _petitions(request).rate, data.get("satisfied") == "1")


# -- parts --------------------------------------------------------------------------------------


def _desk(request: Request) -> SurveyDesk:
    desk: SurveyDesk = request.app.state.surveys
    return desk


def _petitions(request: Request) -> Petitions:
    petitions: Petitions = request.app.state.petitions
    return petitions


def _errors(given: dict[str, str]) -> dict[str, str]:
    errors = {}
    if given["kind"] not in {kind.value for kind in Kind}:
        errors["kind"] = _NO_KIND
    if not given["text"]:
        errors["text"] = _NO_WORDS
    elif len(given["text"]) > TEXT_LENGTH:
        errors["text"] = _TOO_LONG
    return errors


def _form(
    request: Request,
    given: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    *,
    problem: str = "",
    status: int = 200,
) -> Response:
    empty = {"kind": "", "text": ""}
    ticket = Ticket(_FORM, new_number(vietnam_now().date()))
    return page(
        request, "petition.html", status=status, given=empty | (given or {}), errors=empty | (errors or {}), problem=problem,
        kinds=KINDS, sealed=_desk(request).tickets.seal(ticket), ticket_field=_TICKET, trap=TRAP,
    )  # fmt: skip


def _which(request: Request, given: str = "", problem: str = "", status: int = 200) -> Response:
    response = page(request, "petition_which.html", status=status, given=given, problem=problem)
    response.headers["Cache-Control"] = "no-store"
    return response


async def _of_number(
    request: Request, data: dict[str, str], change: Any = None, *values: Any, problem: str = "", status: int = 200
) -> Response:
    """The petition whose number was posted, after ``change`` where one is asked for."""
    given = tidy(data.get("number", ""))[:40]
    number = find_number(given)
    if number is None:
        return _which(request, given, _NO_NUMBER, 422)
    refuse_if_too_many(request, await asyncio.to_thread(_desk(request).gate.wait_s, address_of(request), "number"))
    petition: Petition | None = await asyncio.to_thread(_petitions(request).find, number)
    if petition is None:
        return _which(request, given, _UNKNOWN, 404)
    if change is not None:
        try:
            petition = await asyncio.to_thread(change, number, *values)
        except PetitionError as error:
            problem, status = str(error), 409
    response = page(
        request, "petition_state.html", status=status, petition=petition, problem=problem, states=STATES, kinds=KINDS,
        needs_more=petition.state is State.NEEDS_MORE, limits_source=LIMITS_SOURCE,
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response
