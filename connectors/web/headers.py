"""Who may use the app's pages and API from a browser: security headers on every answer, CORS for the web channel alone."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.errors import ErrorBody, ErrorResponse

WEB_API = "/api/v1/web/"
WIDGET = "/widget/"
_CHAT_PAGE = "/"
_SCRIPT_MAX_AGE_S = 3600
_REFUSED = "Trang web này chưa được phép dùng trợ lý. Quản trị trang xin liên hệ cơ quan vận hành trợ lý."

_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def install(app: FastAPI, origins: Sequence[str]) -> None:
    """Set the headers on every answer of ``app`` and let pages of ``origins`` use the web channel."""
    app.add_middleware(WebOrigins, origins=origins)
    app.add_middleware(SecurityHeaders, framed_by=origins)


class SecurityHeaders:
    """Adds the headers that tell browsers what our pages may do; an answer that brings its own keeps it.

    The chat page may be framed by the sites in ``framed_by`` (origins), other pages by nobody.
    """

    def __init__(self, app: ASGIApp, framed_by: Sequence[str] = ()) -> None:
        self._app = app
        self._chat_page = _PAGE_POLICY.format(ancestors=" ".join(["'self'", *framed_by]))
        self._page = _PAGE_POLICY.format(ancestors="'none'")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers(scope).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)

    def _headers(self, scope: Scope) -> dict[str, str]:
        path: str = scope["path"]
        headers = {
            "Content-Security-Policy": self._policy(path),
            "X-Content-Type-Options": "nosniff",
            # Not "no-referrer": with it a form's POST would come with "Origin: null".
            "Referrer-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "cross-origin" if path.startswith(WIDGET) else "same-origin",
        }
        if path.startswith(WEB_API):
            headers["Cache-Control"] = "no-store"
        elif path.startswith(WIDGET) and path.endswith(".js"):
            headers["Cache-Control"] = f"public, max-age={_SCRIPT_MAX_AGE_S}, stale-while-revalidate=86400"
            headers["Access-Control-Allow-Origin"] = "*"  # for pages that load it with `integrity`
        if scope.get("scheme") == "https":
            headers["Strict-Transport-Security"] = "max-age=31536000"
        return headers

    def _policy(self, path: str) -> str:
        if path.startswith("/api/"):
            return _API_POLICY
        return self._chat_page if path == _CHAT_PAGE else self._page


class WebOrigins:
    """Lets pages of the allowed origins call ``/api/v1/web/…`` and refuses all others; other paths are same-origin only.

    No cookie is involved: the token in ``Authorization`` is what counts.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str] = ()) -> None:
        self._app = app
        self._allowed = {origin.rstrip("/").lower() for origin in origins}
        self._cors = CORSMiddleware(
            app,
            allow_origins=sorted(self._allowed),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
            max_age=600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or not scope["path"].startswith(WEB_API)
            or not is_cross_origin(Headers(scope=scope))
        ):
            await self._app(scope, receive, send)
        elif Headers(scope=scope)["origin"] in self._allowed:
            await self._cors(scope, receive, send)
        else:
            body = ErrorResponse(error=ErrorBody(code="origin_not_allowed", message=_REFUSED))
            await JSONResponse(body.model_dump(), status_code=403)(scope, receive, send)


def is_cross_origin(headers: Headers) -> bool:
    """Whether a page of another site makes this call; callers that are no browser send no ``Origin``."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
