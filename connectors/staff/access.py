"""Who may call a route: ``member: Annotated[Member, Depends(signed_in(Role.AGENT))]``.

Without a session, routes under ``/api/`` answer 401 in the one error shape and pages lead to the sign-in page; with a
role that may not, both answer 403. Requests that change something must carry the session's CSRF token, as header
``X-CSRF-Token`` (the page's ``<meta name="csrf-token">`` has it) or as form field ``csrf_token``.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse

from connectors.errors import ApiError, ErrorResponse
from connectors.staff.roles import Member, Role

__all__ = ["ACCESS_ERRORS", "Member", "PageError", "Role", "signed_in"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER, CSRF_FIELD = "X-CSRF-Token", "csrf_token"
HOME, SIGN_IN = "/console/", "/console/sign-in"

ACCESS_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorResponse, "description": "Nobody is signed in."},
    403: {"model": ErrorResponse, "description": "The role may not do this, or the CSRF token is missing or wrong."},
}
"""For the ``responses`` of API routes that need somebody signed in."""

_NOBODY = "Anh/chị cần đăng nhập để dùng phần này."
_MAY_NOT = "Tài khoản của anh/chị không có quyền dùng phần này."
_STALE = "Trang đã mở quá lâu. Anh/chị tải lại trang rồi làm lại."


class SignInNeededError(Exception):
    """A page was asked for without a session; leads to the sign-in page and back to ``next``."""

    def __init__(self, next: str, expired: bool) -> None:
        super().__init__("sign-in needed")
        self.next, self.expired = next, expired


class PageError(ApiError):
    """An :class:`~connectors.errors.ApiError` that is shown as a page of the console."""


def signed_in(*roles: Role, background: bool = False) -> Callable[[Request], Awaitable[Member]]:
    """A dependency that gives the signed-in member.

    Args:
        roles: who may; a role that includes one of them may, too (admin: always). None: everybody signed in.
        background: the page makes this request by itself (polling, streams), so it is no sign that anybody is
            there, and does not keep the session from ending.

    Raises (when called):
        ApiError: 401 nobody is signed in, 403 the role may not or the CSRF token is wrong.
        SignInNeededError: instead of 401, for pages.
    """

    async def member_of(request: Request) -> Member:
        staff, token = request.app.state.staff, request.cookies.get(cookie_name(request))
        member = await asyncio.to_thread(staff.sessions.find, token, active=not background) if token else None
        if member is None:
            raise _nobody(request, expired=token is not None)
        request.state.member, request.state.csrf_token = member, staff.csrf_token(token)
        if not member.may_act_as(*roles):
            raise _refusal(request, "forbidden", _MAY_NOT)
        if request.method not in SAFE_METHODS:
            await check_csrf(request, request.state.csrf_token)
        return member

    return member_of


async def check_csrf(request: Request, token: str) -> None:
    """Refuse a request that does not carry ``token``.

    Raises:
        ApiError: 403.
    """
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.headers.get("content-type", "").startswith(_FORMS):
        field = (await request.form()).get(CSRF_FIELD)
        given = field if isinstance(field, str) else None
    if given is None or not hmac.compare_digest(given.encode(errors="replace"), token.encode()):
        raise _refusal(request, "csrf", _STALE)


_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def cookie_name(request: Request) -> str:
    """The session cookie's name. Over HTTPS its prefix keeps other hosts of the domain from setting it."""
    return "__Host-motcua_staff" if is_https(request) else "motcua_staff"


def is_https(request: Request) -> bool:
    """True where the browser speaks HTTPS (to us, or to a proxy that uvicorn trusts)."""
    return request.url.scheme == "https"


def safe_next(target: str | None) -> str:
    """``target`` where it is a page of the console, else the console's first page: never another site."""
    if not target or len(target) > 2_000 or not target.isprintable() or "\\" in target:
        return HOME
    try:
        parts = urlsplit(target)
    except ValueError:
        return HOME
    inside = parts.path == "/console" or parts.path.startswith("/console/")
    if parts.scheme or parts.netloc or not inside or ".." in parts.path or parts.path.startswith(SIGN_IN):
        return HOME
    return target


def install(app: FastAPI) -> None:
    """Lead pages that need a session to the sign-in page."""
    app.add_exception_handler(SignInNeededError, _to_sign_in)


def is_page(request: Request) -> bool:
    """True where a person looks at the answer, False where a program reads it."""
    return not request.url.path.startswith("/api/")


def _refusal(request: Request, code: str, message: str) -> ApiError:
    return (PageError if is_page(request) else ApiError)(403, code, message)


def _nobody(request: Request, expired: bool) -> Exception:
    if not is_page(request):
        return ApiError(401, "sign_in_needed", _NOBODY)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return SignInNeededError(here if request.method in SAFE_METHODS else HOME, expired)


async def _to_sign_in(_request: Request, error: Exception) -> RedirectResponse:
    assert isinstance(error, SignInNeededError)
    query = {"next": safe_next(error.next)} | ({"expired": "1"} if error.expired else {})
    return RedirectResponse(f"{SIGN_IN}?{urlencode(query)}", 303, {"Cache-Control": "no-store"})
