"""Signing in and out, and one's own password: pages under ``/console/``, and ``GET /api/v1/staff/me``.

``install(app)`` adds them and all that the console's pages rest on; ``app.state.staff`` is a
:class:`connectors.staff.sign_in.Staff`.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from connectors.console import pages
from connectors.console.pages import page
from connectors.staff import access
from connectors.staff.access import ACCESS_ERRORS, SIGN_IN, Member, Role, signed_in
from connectors.staff.oidc import COOKIE_S, OidcError
from connectors.staff.passwords import MAX_LENGTH, MIN_LENGTH, PasswordProblem, WeakPasswordError, matches
from connectors.staff.sign_in import CHANNEL, Locked, SignedIn, Staff, hashing

pages_router = APIRouter(prefix="/console", include_in_schema=False)
api_router = APIRouter(prefix="/staff", tags=["staff"])

_FORM_COOKIE_S = 3_600
_WRONG = "Tên đăng nhập hoặc mật khẩu chưa đúng. Anh/chị kiểm tra lại rồi thử lần nữa."
_NOTICES = {
    "expired": ("warn", "Phiên làm việc đã hết hạn. Mời anh/chị đăng nhập lại."),
    "out": ("good", "Anh/chị đã đăng xuất."),
    "changed": ("good", "Đã đổi mật khẩu. Mời anh/chị đăng nhập bằng mật khẩu mới."),
    "oidc-failed": ("bad", "Chưa đăng nhập được bằng tài khoản của cơ quan. Anh/chị thử lại, hoặc dùng mật khẩu."),
    "oidc-refused": ("bad", "Tài khoản này chưa được phép vào đây. Anh/chị hỏi người quản trị."),
}
"""What the sign-in page says, by the query parameter that it is called with."""
_FORM_OLD = "Trang đăng nhập đã mở quá lâu. Mời anh/chị nhập lại."
_PROBLEMS = {
    PasswordProblem.TOO_SHORT: f"Mật khẩu mới cần ít nhất {MIN_LENGTH} ký tự.",
    PasswordProblem.TOO_LONG: f"Mật khẩu mới dài quá {MAX_LENGTH} ký tự.",
    PasswordProblem.IS_THE_NAME: "Mật khẩu mới không được giống tên của anh/chị.",
    PasswordProblem.COMMON: "Mật khẩu này nhiều người dùng nên dễ bị đoán. Anh/chị chọn mật khẩu khác.",
}


def install(app: FastAPI) -> None:
    """Add the routes, the shell's files and the handlers that pages for staff need."""
    access.install(app)
    pages.install(app)
    app.include_router(pages_router)
    app.include_router(api_router, prefix="/api/v1")


# -- in and out ---------------------------------------------------------------------------------


@pages_router.get("/sign-in")
async def sign_in_page(request: Request) -> Response:
    """The form; who is signed in already goes on."""
    target = access.safe_next(request.query_params.get("next"))
    staff: Staff = request.app.state.staff
    token = request.cookies.get(access.cookie_name(request))
    if token and await asyncio.to_thread(staff.sessions.find, token):
        return RedirectResponse(target, 303, {"Cache-Control": "no-store"})
    notice = next((_NOTICES[name] for name in _NOTICES if name in request.query_params), None)
    return _form(request, target, notice)


@pages_router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Take name and password; the session's id is always a new one."""
    form = await request.form()
    name, password, target = (str(form.get(field) or "") for field in ("name", "password", "next"))
    target = access.safe_next(target)
    staff: Staff = request.app.state.staff
    try:
        await access.check_csrf(request, staff.csrf_token(request.cookies.get(_form_cookie(request), "")))
    except access.PageError:
        return _form(request, target, ("warn", _FORM_OLD), status=403, name=name)
    address = request.client.host if request.client else None
    loop = asyncio.get_running_loop()
    match await loop.run_in_executor(hashing, staff.with_password, name, password, address):
        case SignedIn(token):
            return await _begin_session(request, token, target)
        case Locked(retry_after_s):
            minutes = math.ceil(retry_after_s / 60)
            locked = f"Đã nhập sai nhiều lần. Anh/chị thử lại sau {minutes} phút, hoặc hỏi người quản trị."
            response = _form(request, target, ("bad", locked), status=429, name=name)
            response.headers["Retry-After"] = str(retry_after_s)
            return response
        case _:
            return _form(request, target, ("bad", _WRONG), status=400, name=name)


@pages_router.post("/sign-out", dependencies=[Depends(signed_in())])
async def sign_out(request: Request) -> Response:
    """End the session."""
    staff: Staff = request.app.state.staff
    await asyncio.to_thread(staff.sessions.end, request.cookies[access.cookie_name(request)])
    await asyncio.to_thread(staff.audit.record, who=request.state.member.name, what="sign_out", channel=CHANNEL)
    return _ended(request, f"{SIGN_IN}?out=1")


async def _begin_session(request: Request, token: str, target: str) -> Response:
    """Give the browser its new session and lead it on; an older session that it had ends."""
    name = access.cookie_name(request)
    if old := request.cookies.get(name):
        await asyncio.to_thread(request.app.state.staff.sessions.end, old)
    response = RedirectResponse(target, 303, {"Cache-Control": "no-store"})
    # Lax, not Strict: links from the telephone system and the OIDC provider's way back must find the session. What
    # changes something needs the CSRF token.
    response.set_cookie(name, token, path="/", httponly=True, samesite="lax", secure=access.is_https(request))
    response.delete_cookie(_form_cookie(request), path=SIGN_IN)
    return response


def _ended(request: Request, target: str) -> Response:
    response = RedirectResponse(target, 303, {"Cache-Control": "no-store"})
    secure = access.is_https(request)
    response.delete_cookie(access.cookie_name(request), path="/", httponly=True, samesite="lax", secure=secure)
    return response


def _form_cookie(request: Request) -> str:
    """The cookie that ties the sign-in form to the browser that it was given to."""
    return "__Secure-motcua_form" if access.is_https(request) else "motcua_form"


def _form(
    request: Request, target: str, notice: tuple[str, str] | None = None, *, status: int = 200, name: str = ""
) -> HTMLResponse:
    staff, settings = request.app.state.staff, request.app.state.settings
    secret = request.cookies.get(_form_cookie(request)) or secrets.token_urlsafe(32)
    request.state.csrf_token = staff.csrf_token(secret)
    response = page(
        request,
        "sign_in.html",
        status=status,
        target=target,
        notice=notice,
        name=name[:100],
        oidc_label=settings.staff_oidc_label if settings.staff_oidc_issuer else "",
    )
    response.set_cookie(
        _form_cookie(request),
        secret,
        max_age=_FORM_COOKIE_S,
        path=SIGN_IN,
        httponly=True,
        samesite="strict",
        secure=access.is_https(request),
    )
    return response


# -- through the office's OpenID Connect provider ------------------------------------------------

_OIDC = f"{SIGN_IN}/oidc"


@pages_router.get("/sign-in/oidc")
async def begin_oidc(request: Request) -> Response:
    """Lead to the provider."""
    target = access.safe_next(request.query_params.get("next"))
    provider = request.app.state.staff.provider
    if provider is None:
        return RedirectResponse(SIGN_IN, 303)
    try:
        where, cookie = await provider.begin(request, str(request.url_for("finish_oidc")), target)
    except OidcError:
        return RedirectResponse(f"{SIGN_IN}?oidc-failed=1", 303)
    response = RedirectResponse(where, 303, {"Cache-Control": "no-store"})
    secure = access.is_https(request)
    response.set_cookie(
        _OIDC_COOKIE, cookie, max_age=COOKIE_S, path=_OIDC, httponly=True, samesite="lax", secure=secure
    )
    return response


_OIDC_COOKIE = "motcua_oidc"


@pages_router.get("/sign-in/oidc/back")
async def finish_oidc(request: Request) -> Response:
    """Where the provider leads back to."""
    staff: Staff = request.app.state.staff
    response: Response = RedirectResponse(f"{SIGN_IN}?oidc-failed=1", 303)
    if staff.provider is not None:
        with suppress(OidcError):
            identity = await staff.provider.finish(request, request.cookies.get(_OIDC_COOKIE, ""))
            match await asyncio.to_thread(staff.with_identity, identity):
                case SignedIn(token):
                    response = await _begin_session(request, token, access.safe_next(identity.next))
                case _:
                    response = RedirectResponse(f"{SIGN_IN}?oidc-refused=1", 303)
    response.delete_cookie(_OIDC_COOKIE, path=_OIDC)
    return response


# -- the first page and one's own password ------------------------------------------------------


@pages_router.get("")
async def without_slash(request: Request) -> Response:
    """The files of the chat page are served at the root, so the framework does not add the slash by itself."""
    return RedirectResponse(f"{access.HOME}?{request.url.query}" if request.url.query else access.HOME, 303)


@pages_router.get("/", dependencies=[Depends(signed_in())])
async def home(request: Request) -> HTMLResponse:
    """The parts of the console that the member may use."""
    return page(request, "home.html")


@pages_router.get("/password", dependencies=[Depends(signed_in())])
async def password_page(request: Request) -> HTMLResponse:
    """The form to change one's own password."""
    return page(request, "password.html", problem="", min_length=MIN_LENGTH)


@pages_router.post("/password")
async def change_password(request: Request, member: Annotated[Member, Depends(signed_in())]) -> Response:
    """Change one's own password; every session of the account ends, this one, too."""
    form = await request.form()
    old, new, again = (str(form.get(field) or "") for field in ("old", "new", "again"))
    address = request.client.host if request.client else None
    loop = asyncio.get_running_loop()
    problem = (
        "Hai lần nhập mật khẩu mới chưa giống nhau."
        if new != again
        else await loop.run_in_executor(hashing, _changed, request.app.state.staff, member, old, new, address)
    )
    if problem:
        return page(request, "password.html", status=400, problem=problem, min_length=MIN_LENGTH)
    return _ended(request, f"{SIGN_IN}?changed=1")


def _changed(staff: Staff, member: Member, old: str, new: str, address: str | None) -> str:
    """Change it; returns what is wrong, for the member, or nothing."""
    account = staff.accounts.get(member.name)
    if account is None or account.password_hash is None:
        return "Tài khoản này không có mật khẩu riêng. Anh/chị đổi mật khẩu ở hệ thống của cơ quan."
    # A found session must not be a way to guess the password, so guesses count as they do at the sign-in page.
    if (wait_s := staff.lockout.begin(account.name, address)) is not None:
        return f"Đã nhập sai nhiều lần. Anh/chị thử lại sau {math.ceil(wait_s / 60)} phút."
    if not matches(account.password_hash, old):
        return "Mật khẩu đang dùng chưa đúng."
    try:
        staff.change_password(account, new, member.name, CHANNEL)
    except WeakPasswordError as error:
        staff.lockout.clear(account.name)
        return _PROBLEMS[error.problem]
    return ""


# -- for the console's scripts ------------------------------------------------------------------


class MemberFound(BaseModel):
    """Who is signed in, and the token for the header ``X-CSRF-Token``."""

    name: str
    display: str
    role: Role
    csrf_token: str


@api_router.get("/me", responses=ACCESS_ERRORS)
async def me(request: Request, member: Annotated[Member, Depends(signed_in(background=True))]) -> MemberFound:
    """Who is signed in."""
    return MemberFound(name=member.name, display=member.display, role=member.role, csrf_token=request.state.csrf_token)
