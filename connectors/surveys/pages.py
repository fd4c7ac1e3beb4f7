"""What the public pages share: templates, headers, small bodies, and errors that are pages, too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.exc import SQLAlchemyError

from knowledge.settings import Settings

logger = logging.getLogger(__name__)

_HERE = Path(__file__).parent
STATIC = StaticFiles(directory=_HERE / "static")
"""Served at ``/khao-sat/static``."""

MAX_BODY = 32 * 1024
_MAX_FIELDS = 100
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    # Going back shows the form as it was filled in, so that sending again changes the answer in place of adding one.
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_ANY_OFFICE = Settings.model_fields["office"].default

_TITLES = {
    404: "Không có trang này",
    413: "Nội dung quá dài",
    429: "Xin đợi một lát",
    503: "Hệ thống đang bận",
}
_TOO_LARGE = "Nội dung gửi lên quá dài. Anh/chị quay lại và rút ngắn phần ý kiến."
_FOREIGN = "Phiếu được gửi từ một trang khác. Anh/chị mở lại phiếu ở đây rồi gửi."
_BROKEN = "Hệ thống gặp sự cố nên chưa làm được. Xin anh/chị thử lại sau ít phút."
_AWAY = "Hệ thống chưa lưu được lúc này. Xin anh/chị thử lại sau ít phút."

_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class PublicPageError(Exception):
    """Something that a citizen is told on a page of its own."""

    def __init__(self, status: int, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after_s = status, message, retry_after_s


class PublicRoute(APIRoute):
    """A route whose errors are pages in plain Vietnamese, whatever goes wrong."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def with_pages(request: Request) -> Response:
            try:
                return await handle(request)
            except PublicPageError as error:
                return error_page(request, error.status, error.message, error.retry_after_s)
            except SQLAlchemyError as error:
                logger.error("a public page has no database: %s", type(error).__name__)
                return error_page(request, 503, _AWAY)
            except Exception:
                # The message of an error may hold what somebody typed, so the page shows none of it.
                logger.exception("a public page failed")
                return error_page(request, 500, _BROKEN)

        return with_pages


def page(request: Request, template: str, *, status: int = 200, **context: object) -> HTMLResponse:
    """Render a template with the office's name, hotline and privacy line."""
    settings: Settings = request.app.state.settings
    html = _templates.get_template(template).render(
        office="" if settings.office == _ANY_OFFICE else settings.office,
        hotline=settings.hotline,
        hotline_link="tel:" + "".join(c for c in settings.hotline if c.isdigit() or c == "+"),
        **context,
    )
    return HTMLResponse(html, status_code=status, headers=_HEADERS)


def error_page(request: Request, status: int, message: str, retry_after_s: int | None = None) -> HTMLResponse:
    response = page(request, "error.html", status=status, title=_TITLES.get(status, "Chưa làm được"), message=message)
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response


async def posted(request: Request) -> dict[str, str]:
    """The fields of a posted form; the last of a name counts.

    Raises:
        PublicPageError: the body is too large, or a page of another site sent it.
    """
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise PublicPageError(403, _FOREIGN)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise PublicPageError(413, _TOO_LARGE)
    try:
        return dict(parse_qsl(bytes(body).decode(errors="replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise PublicPageError(413, _TOO_LARGE) from None


def minutes(seconds: int) -> str:
    """A wait in words."""
    whole = max(1, -(-seconds // 60))
    return f"{whole} phút" if whole <= 90 else f"{-(-whole // 60)} giờ"


def refuse_if_too_many(request: Request, wait_s: int) -> None:
    """
    Raises:
        PublicPageError: 429, where there is something to wait for.
    """
    if wait_s:
        message = f"Từ mạng này vừa có quá nhiều lượt gửi. Xin anh/chị đợi khoảng {minutes(wait_s)} rồi gửi lại."
        raise PublicPageError(429, message, retry_after_s=wait_s)


def address_of(request: Request) -> str | None:
    return request.client.host if request.client else None
