"""``/khao-sat/…``: survey pages for people who scan a code or follow a link.

The survey about a dossier's handling asks for the dossier's code and four digits in a form, never in the address. Who has no
code is led to the general poll: the nine indices rest on answers about dossiers, one each.
"""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.responses import RedirectResponse

from actions.dossiers.dossier import Dossier, Found, NotThisSystem, Proof, RateLimited, State, Unavailable
from actions.dossiers.keys import is_proof
from actions.dossiers.reading import ReadingError, read_code, vietnam_now
from actions.feedback.instruments import POLL, SERVICE, Instrument
from actions.feedback.responses import Saved
from connectors.surveys import pages, petitions
from connectors.surveys.desk import SurveyDesk
from connectors.surveys.form import NO_OPINION, Filled, groups, read, tidy
from connectors.surveys.pages import PublicPageError, PublicRoute, address_of, minutes, page, posted
from connectors.surveys.tickets import COOKIE, LIVES_S, Ticket
from connectors.surveys.units import unit_named

router = APIRouter(prefix="/khao-sat", route_class=PublicRoute, include_in_schema=False)

CHANNEL = "qr"
"""Answers from these pages: nobody knows how many people saw the code, so reports give no response rate for it."""
TRAP = "website"
"""A field that people do not see; programs that fill in everything do."""
_TICKET = "ma_phieu"

_ENDED = frozenset({State.FINISHED, State.RETURNED})
_NO_SURVEY = "Không có phiếu khảo sát này. Anh/chị xem lại đường dẫn, hoặc chọn phiếu ở trang khảo sát."
_NO_UNIT = "Đường dẫn ghi một đơn vị mà chúng tôi không biết. Anh/chị quét lại mã hoặc hỏi cán bộ."
_NO_PROCEDURE = "Đường dẫn ghi một thủ tục không có trong danh mục. Anh/chị quét lại mã hoặc hỏi cán bộ."
_NOT_READY = (
    "Không tìm thấy hồ sơ đã có kết quả khớp với mã và 4 số này. Anh/chị xem lại mã in trên giấy tiếp nhận và 4 số cuối "
    "của số điện thoại hoặc số định danh đã ghi khi nộp. Hồ sơ chưa có kết quả thì chưa đánh giá được."
)
_AWAY = "Hệ thống một cửa chưa trả lời. Xin anh/chị thử lại sau ít phút."
_NOT_HERE = "Hồ sơ này thuộc nơi khác nên chưa đánh giá được ở đây."
_BAD_CODE = "Mã hồ sơ chưa đúng dạng. Ví dụ: H57.17.26-261110-0001."
_BAD_DIGITS = "Xin nhập đúng 4 chữ số."
_LOST = "Phiếu đã quá một ngày hoặc máy không giữ được phiếu. Câu trả lời vẫn còn ở dưới, anh/chị bấm gửi lại."
_LOST_DOSSIER = "Phiếu đã quá một ngày hoặc máy không giữ được phiếu (cookie bị chặn). Anh/chị nhập lại mã hồ sơ."
_CLOSED = "Ý kiến về hồ sơ này đã nhận từ hơn một ngày trước nên không sửa được nữa."


def install(app: FastAPI) -> None:
    """Serve the pages and their files."""
    app.mount("/khao-sat/static", pages.STATIC, name="surveys-static")
    app.include_router(router)
    app.include_router(petitions.router)


@router.get("")
async def choose(request: Request) -> Response:
    """Which survey?"""
    known = [one for name in _desk(request).instruments if (one := _desk(request).questionnaire(name))]
    return page(request, "choose.html", surveys=known)


@router.get("/{name}")
async def show(  # noqa: PLR0917 (FastAPI takes them by name)
    request: Request,
    name: str,
    unit: Annotated[str, Query(alias="don-vi")] = "",
    procedure: Annotated[str, Query(alias="tt")] = "",
    edit: Annotated[str, Query(alias="sua")] = "",
    step: Annotated[str, Query(alias="buoc")] = "",
) -> Response:
    """The form; for the survey about a dossier, first the question which dossier."""
    desk, instrument = _desk(request), _instrument(request, name)
    kept = desk.tickets.open(request.cookies.get(COOKIE), name)
    if kept and (edit or (kept.dossier and not kept.answered)):
        return await _form(request, instrument, kept)
    about = await _about(desk, unit, procedure)
    if name == SERVICE:
        return _which(request, instrument, *about, problem=_LOST_DOSSIER if step else "", answered=kept is not None)
    ticket = Ticket(name, desk.new_key(), *about)
    return await _form(request, instrument, ticket, answered=kept is not None)


@router.post(f"/{SERVICE}/ho-so")
async def identify(request: Request) -> Response:
    """Which dossier the survey is about; goes on to the form where it has ended."""
    desk, instrument, data = _desk(request), _instrument(request, SERVICE), await posted(request)
    unit, _ = await _about(desk, data.get("don-vi", ""), "")
    given = {"code": tidy(data.get("code", ""))[:100], "digits": tidy(data.get("digits", ""))[:20]}
    errors: dict[str, str] = {}
    try:
        code = read_code(given["code"])
    except ReadingError:
        errors["code"] = _BAD_CODE
    if not is_proof(given["digits"]):
        errors["digits"] = _BAD_DIGITS
    if errors:
        return _which(request, instrument, unit, "", given=given, errors=errors, status=422)
    dossier, problem, status, wait_s = await _look_up(request, code, given["digits"])
    if dossier is None:
        response = _which(request, instrument, unit, "", given=given, problem=problem, status=status)
        if wait_s:
            response.headers["Retry-After"] = str(wait_s)
        return response
    ticket = Ticket(SERVICE, desk.responses.dossier_key(code), unit, dossier.procedure_code or "", dossier=True)
    return _with_ticket(request, RedirectResponse(f"/khao-sat/{SERVICE}?buoc=2", 303), ticket)


@router.post("/{name}/phieu-moi")
async def start_again(request: Request, name: str) -> Response:
    """Somebody else at the same device: forget the ticket."""
    instrument, data = _instrument(request, name), await posted(request)
    query = urlencode({key: data[key] for key in ("don-vi", "tt") if data.get(key)})
    response = RedirectResponse(f"/khao-sat/{instrument.id}" + (f"?{query}" if query else ""), 303)
    response.delete_cookie(COOKIE, path=f"/khao-sat/{name}")
    return response


@router.post("/{name}")
async def take(request: Request, name: str) -> Response:
    """Keep the answers and go on to the thanks; a form with mistakes comes back as it was filled in."""
    desk, instrument, data = _desk(request), _instrument(request, name), await posted(request)
    filled = read(instrument, data)
    ticket = desk.tickets.open(data.get(_TICKET), name)
    if ticket is None:
        if name == SERVICE:
            return _which(request, instrument, "", "", problem=_LOST_DOSSIER, status=422)
        about = await _about(desk, data.get("don-vi", ""), data.get("tt", ""))
        return await _form(request, instrument, Ticket(name, desk.new_key(), *about), filled, problem=_LOST, status=422)
    if data.get(TRAP):  # a program: it need not know that it was found out
        return RedirectResponse(f"/khao-sat/{name}/cam-on", 303)
    if filled.problem:
        return await _form(request, instrument, ticket, filled, problem=filled.problem, status=422)
    pages.refuse_if_too_many(request, await asyncio.to_thread(desk.gate.wait_s, address_of(request)))
    saved = await asyncio.to_thread(
        desk.keep, instrument, ticket.key, filled, vietnam_now(),
        channel=CHANNEL, unit=ticket.unit, procedure_code=ticket.procedure_code,
    )  # fmt: skip
    if saved is Saved.CLOSED:
        return page(request, "closed.html", status=409, instrument=instrument, message=_CLOSED)
    done = Ticket(name, ticket.key, ticket.unit, ticket.procedure_code, _thanks(instrument, filled), ticket.dossier)
    return _with_ticket(request, RedirectResponse(f"/khao-sat/{name}/cam-on", 303), done)


@router.get("/{name}/cam-on")
async def thank(request: Request, name: str) -> Response:
    """Thanks that fit the rating; a bad one offers a person and a petition."""
    desk, instrument = _desk(request), _instrument(request, name)
    ticket = desk.tickets.open(request.cookies.get(COOKIE), name)
    kind = ticket.thanks if ticket and ticket.answered else "none"
    words = getattr(instrument.thanks, kind)
    return page(
        request, "thanks.html", instrument=instrument, words=words, bad=kind == "bad", ticket=ticket,
    )  # fmt: skip


@router.api_route("/{rest:path}", methods=["GET", "POST"])
async def nothing(request: Request) -> Response:
    raise PublicPageError(404, _NO_SURVEY)


# -- parts --------------------------------------------------------------------------------------


def _desk(request: Request) -> SurveyDesk:
    desk: SurveyDesk = request.app.state.surveys
    return desk


def _instrument(request: Request, name: str) -> Instrument:
    instrument = _desk(request).questionnaire(name)
    if instrument is None:
        raise PublicPageError(404, _NO_SURVEY)
    return instrument


async def _about(desk: SurveyDesk, unit: str, procedure_code: str) -> tuple[str, str]:
    """Unit and procedure code as the link names them, checked."""
    known = unit_named(unit, desk.settings) if unit else ""
    if known is None:
        raise PublicPageError(404, _NO_UNIT)
    if procedure_code and await asyncio.to_thread(desk.procedure, procedure_code) is None:
        raise PublicPageError(404, _NO_PROCEDURE)
    return known, procedure_code


async def _form(
    request: Request,
    instrument: Instrument,
    ticket: Ticket,
    filled: Filled | None = None,
    *,
    problem: str = "",
    status: int = 200,
    answered: bool = False,
) -> Response:
    desk = _desk(request)
    procedure = await asyncio.to_thread(desk.procedure, ticket.procedure_code)
    return page(
        request, "survey.html", status=status, instrument=instrument, groups=groups(instrument, filled),
        ticket=ticket, sealed=desk.tickets.seal(ticket), ticket_field=_TICKET, trap=TRAP, no_opinion=NO_OPINION,
        procedure=procedure.title if procedure else "", problem=problem, answered=answered,
        unit=ticket.unit or desk.settings.commune,
    )  # fmt: skip


def _which(
    request: Request,
    instrument: Instrument,
    unit: str,
    procedure_code: str,
    *,
    given: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    problem: str = "",
    status: int = 200,
    answered: bool = False,
) -> Response:
    about = {"don-vi": unit, "tt": procedure_code}
    query = urlencode({key: value for key, value in about.items() if value})
    empty = {"code": "", "digits": ""}
    response = page(
        request, "which.html", status=status, instrument=instrument, unit=unit, given=empty | (given or {}),
        errors=empty | (errors or {}), problem=problem, answered=answered,
        poll=f"/khao-sat/{POLL}" + (f"?{query}" if query else ""),
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"  # it may show the four digits
    return response


async def _look_up(request: Request, code: str, digits: str) -> tuple[Dossier | None, str, int, int]:
    """The ended dossier; else what to say, with the HTTP status and the seconds to wait."""
    state = request.app.state
    result = await state.tries.guard(
        lambda: state.dossiers.lookup(code, Proof(digits)), code=code, address=address_of(request)
    )
    match result:
        case Found(dossier) if dossier.state in _ENDED:
            return dossier, "", 200, 0
        case RateLimited(wait_s):
            problem = f"Anh/chị đã thử nhiều lần. Xin đợi khoảng {minutes(wait_s)} rồi thử lại."
            return None, problem, 429, max(1, wait_s)
        case Unavailable():
            return None, _AWAY, 503, 0
        case NotThisSystem():
            return None, _NOT_HERE, 404, 0
        case _:
            return None, _NOT_READY, 404, 0


def _thanks(instrument: Instrument, filled: Filled) -> str:
    match instrument.satisfied(filled.answers):
        case True:
            return "good"
        case False:
            return "bad"
        case _:
            return "none"


def _with_ticket(request: Request, response: Response, ticket: Ticket) -> Response:
    response.set_cookie(
        COOKIE,
        _desk(request).tickets.seal(ticket),
        max_age=LIVES_S,
        path=f"/khao-sat/{ticket.instrument}",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    response.headers["Cache-Control"] = "no-store"
    return response
