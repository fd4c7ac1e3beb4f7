"""The app: one FastAPI process with all channels, pages and APIs; its parts are made in :mod:`connectors.parts`."""

from __future__ import annotations

import asyncio
import logging

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import text

from connectors import errors
from connectors.actions_endpoint import router as actions_router
from connectors.console import dashboard as console_reports
from connectors.console import entry as console_entry
from connectors.console import petitions as console_petitions
from connectors.console import reviews as console_reviews
from connectors.console.hotline import routes as hotline_routes
from connectors.dossiers_api import MAX_SYNC_BYTES
from connectors.dossiers_api import router as dossiers_router
from connectors.limits import BodyLimit
from connectors.parts import running_parts
from connectors.procedures_api import router as procedures_router
from connectors.reports.api import router as reports_router
from connectors.staff import routes as staff_routes
from connectors.surveys import routes as survey_routes
from connectors.telegram.routes import router as telegram_router
from connectors.web import headers
from connectors.web.pages import Pages
from connectors.web.routes import router as web_router
from connectors.zalo.routes import router as zalo_router
from connectors.zalo.routes import site_router as zalo_site_router
from knowledge.catalogue import Catalogue
from knowledge.search.engine import is_current
from knowledge.settings import Settings

logger = logging.getLogger(__name__)
_KIB = 1024
_RASA_CALL_KIB = 16 * 1024
"""Rasa sends the whole talk and domain with each call."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application for one installation."""
    settings = settings or Settings()
    app = FastAPI(title="motcua", version="0.1.0", lifespan=running_parts, docs_url=None, redoc_url=None)
    app.state.settings = settings
    errors.install(app)
    app.add_middleware(BodyLimit, usual=settings.body_limit_kb * _KIB, by_prefix=_large_bodies(settings))
    headers.install(app, settings.web_origins)
    for router in (web_router, procedures_router, dossiers_router, telegram_router, zalo_router, actions_router):
        app.include_router(router, prefix="/api/v1", responses={422: {"model": errors.ErrorResponse}})
    app.include_router(zalo_site_router)
    staff_routes.install(app)
    survey_routes.install(app)
    hotline_routes.install(app)
    app.include_router(console_entry.router)
    app.include_router(console_petitions.router)
    app.include_router(console_reviews.router)
    app.include_router(console_reports.router)
    app.include_router(reports_router, prefix="/api/v1", responses={422: {"model": errors.ErrorResponse}})
    app.add_api_route("/healthz", _alive, methods=["GET"], tags=["operations"])
    away = {503: {"description": "A part is not ready."}}
    app.add_api_route("/readyz", _ready, methods=["GET"], tags=["operations"], responses=away)
    app.router.routes.append(Pages())
    return app


def _large_bodies(settings: Settings) -> dict[str, int]:
    """Routes whose requests may be larger than others', in bytes."""
    return {
        "/api/v1/webhooks/": settings.webhook_body_limit_kb * _KIB,
        "/api/v1/dossiers/": MAX_SYNC_BYTES + _KIB,
        "/api/v1/actions/": _RASA_CALL_KIB * _KIB,
    }


async def _alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


async def _ready_parts(app: FastAPI) -> dict[str, str]:
    catalogue: Catalogue = app.state.catalogue
    parts = {"rasa": "ready" if await app.state.rasa.ready() else "unavailable"}
    try:
        with catalogue.engine.connect() as connection:
            connection.execute(text("select 1"))
        parts["database"] = "ready"
        current = await asyncio.to_thread(is_current, app.state.settings, catalogue)
        parts["index"] = "ready" if current else "stale: run `motcua index`"
    except Exception:
        logger.exception("readiness check failed")
        parts.setdefault("database", "unavailable")
        parts.setdefault("index", "unknown")
    return parts


async def _ready(request: Request) -> JSONResponse:
    """Each part by name; 503 while one is not ready."""
    parts = await _ready_parts(request.app)
    ready = all(state == "ready" or state.startswith("stale") for state in parts.values())
    return JSONResponse({"ready": ready, **parts}, status_code=200 if ready else 503)
