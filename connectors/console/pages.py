"""Pages of the console: a template in the shell, with the member's navigation and strict security headers.

Templates are Jinja2 files under ``templates/`` that start with ``{% extends "shell.html" %}`` and fill the blocks
``title`` and ``main`` (``head`` for a stylesheet or a deferred script of their own, from ``/console/static/…``). Forms
hold ``{{ csrf_field() }}``. Inline scripts, inline styles and anything from another host do not work: see
:data:`SECURITY_HEADERS`.
"""

from __future__ import annotations

import logging
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy.exc import OperationalError

from connectors.console.navigation import entries_for
from connectors.errors import error_response
from connectors.staff.access import CSRF_FIELD, PageError, is_page
from knowledge.settings import Settings

logger = logging.getLogger(__name__)

_AWAY = "Hệ thống chưa sẵn sàng. Anh/chị thử lại sau ít phút."
_HERE = Path(__file__).parent
STATIC = StaticFiles(directory=_HERE / "static")
"""Served at ``/console/static``."""

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_ANY_OFFICE = Settings.model_fields["office"].default
_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(request: Request, template: str, *, status: int = 200, **context: object) -> HTMLResponse:
    """Render ``template`` in the shell.

    Args:
        request: where :func:`~connectors.staff.access.signed_in` has run, the shell shows the member's name and
            navigation; elsewhere (the sign-in page) neither.
        template: a file under ``templates/``.
        status: the HTTP status.
        context: what the template needs.
    """
    member = getattr(request.state, "member", None)
    token = getattr(request.state, "csrf_token", "")
    office = request.app.state.settings.office
    html = _templates.get_template(template).render(
        member=member,
        navigation=entries_for(member) if member else [],
        here=request.url.path,
        office="" if office == _ANY_OFFICE else office,
        csrf_token=token,
        csrf_field=lambda: Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, token),
        **context,
    )
    return HTMLResponse(html, status_code=status, headers=SECURITY_HEADERS)


def install(app: FastAPI) -> None:
    """Serve the shell's files, show a :class:`~connectors.staff.access.PageError` as a page, and say so where the
    database does not answer."""
    app.mount("/console/static", STATIC, name="console-static")
    app.add_exception_handler(PageError, _error_page)
    app.add_exception_handler(OperationalError, _database_away)


async def _error_page(request: Request, error: Exception) -> HTMLResponse:
    assert isinstance(error, PageError)
    return page(request, "error.html", status=error.status, message=error.message)


async def _database_away(request: Request, error: Exception) -> Response:
    logger.error("the database does not answer: %s", type(error).__name__)
    return page(request, "error.html", status=503, message=_AWAY) if is_page(request) else error_response(503)
