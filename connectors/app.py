"""The app: one FastAPI process with the web channel, the action endpoint and the search API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from actions.dossiers.connect import connect
from actions.dossiers.registry import Registry
from actions.dossiers.talk import DossierTalk
from actions.dossiers.tries import Tries, store_for
from actions.dossiers.vault import vault_for
from actions.dossiers.watching import Watches
from actions.feedback.connect import Feedback
from actions.feedback.connect import connect as connect_feedback
from actions.feedback.petitions import Petitions
from actions.feedback.reports.report import Reporter
from actions.procedures import ProcedureTalk
from actions.rasa import executor
from actions.secret_key import installation_key
from actions.turns import TurnLog
from connectors import errors
from connectors.actions_endpoint import router as actions_router
from connectors.console import dashboard as console_reports
from connectors.console import entry as console_entry
from connectors.console import petitions as console_petitions
from connectors.console import reviews as console_reviews
from connectors.console.hotline import routes as hotline_routes
from connectors.conversation import Conversations
from connectors.dossiers_api import MAX_SYNC_BYTES
from connectors.dossiers_api import router as dossiers_router
from connectors.limits import BodyLimit, Limits, limits_for
from connectors.messaging import Messaging
from connectors.outbox import Outbox
from connectors.procedures_api import router as procedures_router
from connectors.rasa_client import RasaClient
from connectors.reports.api import router as reports_router
from connectors.staff import routes as staff_routes
from connectors.staff.sign_in import Staff
from connectors.surveys import routes as survey_routes
from connectors.surveys.desk import SurveyDesk
from connectors.telegram import channel as telegram
from connectors.telegram.routes import router as telegram_router
from connectors.web import headers
from connectors.web import routes as web_routes
from connectors.web.pages import Pages
from connectors.web.routes import router as web_router
from connectors.zalo import channel as zalo
from connectors.zalo.routes import router as zalo_router
from connectors.zalo.routes import site_router as zalo_site_router
from knowledge.catalogue import Catalogue
from knowledge.search.engine import SearchEngine, is_current
from knowledge.settings import Settings

logger = logging.getLogger(__name__)
_INDEX_CHECK_S = 10.0
_SWEEP_S = 600.0
_KIB = 1024
_RASA_CALL_KIB = 16 * 1024
"""Rasa sends the whole talk and domain with each call."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application for one installation."""
    settings = settings or Settings()
    app = FastAPI(title="motcua", version="0.1.0", lifespan=_lifespan, docs_url=None, redoc_url=None)
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


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    catalogue = Catalogue.open(settings)
    engine = await asyncio.to_thread(SearchEngine.open, settings)
    rasa = RasaClient(settings)
    talk = ProcedureTalk(catalogue, engine, settings)
    app.state.catalogue, app.state.talk, app.state.rasa = catalogue, talk, rasa
    app.state.staff = Staff(catalogue.engine, settings)
    web_routes.connect(app, catalogue.engine, installation_key(settings.home), settings)
    app.state.petitions = Petitions(catalogue.engine)
    app.state.reporter = Reporter(catalogue.engine, settings)
    app.state.surveys = SurveyDesk.open(catalogue.engine, installation_key(settings.home), catalogue, settings)
    outbox = Outbox(catalogue.engine)
    dossiers = _connect_dossiers(app, catalogue, outbox, settings)
    key = installation_key(settings.home)
    feedback = connect_feedback(catalogue.engine, key, dossiers.vault, talk, settings)
    app.state.feedback = feedback
    app.state.reviews, app.state.instruments = feedback.reviews, feedback.instruments
    app.state.executor = executor(talk, dossiers, feedback.talk, settings)
    turns = TurnLog(catalogue.engine, settings.home)
    limits = limits_for(catalogue.engine, installation_key(settings.home), settings)
    app.state.conversations = Conversations(
        rasa, talk, dossiers, outbox, turns, limits=limits, feedback=feedback.talk
    )
    messaging = _connect_messaging(app, catalogue, outbox, turns, limits)
    app.state.dossier_talk = dossiers
    hotline_routes.connect(app, catalogue.engine, key, catalogue)
    messaging.path.pick_up = app.state.send_codes.pick_up
    messaging.erasers.append(app.state.approvals.erase)
    if settings.console_approve_answers:
        messaging.path.hold = app.state.approvals.hold
    watcher = asyncio.create_task(_follow_index(settings, talk))
    sweeper = asyncio.create_task(_sweep_feedback(feedback))
    hotline = asyncio.create_task(hotline_routes.keep_house(app))
    messaging.start()
    try:
        yield
    finally:
        await messaging.close()
        for task in (watcher, sweeper, hotline):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await rasa.close()
        await app.state.dossiers.close()
        await dossiers.vault.close()
        catalogue.engine.dispose()


def _connect_dossiers(app: FastAPI, catalogue: Catalogue, outbox: Outbox, settings: Settings) -> DossierTalk:
    """The systems that hold dossiers, the limits on tries, and what is said about them."""
    key = installation_key(settings.home)
    secret = settings.dossier_sync_secret
    app.state.registry = Registry(catalogue.engine, key, settings.dossier_agencies)
    app.state.dossiers = connect(
        catalogue.engine,
        settings.home,
        settings.dossier_systems,
        settings.dossier_timeout_s,
        settings.dossier_agencies,
    )
    app.state.tries = Tries(store_for(catalogue.engine, settings.redis_url), key)
    app.state.dossier_sync_secret = secret.get_secret_value() if secret else None
    app.state.dossier_sync_source = settings.dossier_sync_source
    vault = vault_for(settings.redis_url, key)
    watches = Watches(catalogue.engine, outbox)
    return DossierTalk(app.state.dossiers, app.state.tries, vault, watches, catalogue, settings)


def _connect_messaging(
    app: FastAPI, catalogue: Catalogue, outbox: Outbox, turns: TurnLog, limits: Limits
) -> Messaging:
    """The way of a message, with every channel that is set up."""
    settings: Settings = app.state.settings
    messaging = Messaging.build(
        settings,
        installation_key(settings.home),
        engine=catalogue.engine,
        limits=limits,
        outbox=outbox,
        turns=turns,
        watches=Watches(catalogue.engine, outbox),
        conversations=app.state.conversations,
    )
    for channel in (zalo.connect(settings, catalogue.engine, installation_key(settings.home)), telegram.connect(settings, catalogue.engine)):
        if channel:
            messaging.channels[channel.name] = channel
    state = app.state
    state.messaging, state.inbox, state.outbox, state.path = messaging, messaging.inbox, outbox, messaging.path
    state.channels, state.transcripts, state.handoffs = messaging.channels, messaging.transcripts, messaging.handoffs
    state.limits, state.switch, state.erase = limits, messaging.switch, messaging.erase
    return messaging


async def _follow_index(settings: Settings, talk: ProcedureTalk) -> None:
    """Open the index anew when `motcua index` has replaced it."""
    meta = settings.index_dir / "meta.json"
    seen = meta.stat().st_mtime_ns
    while True:
        await asyncio.sleep(_INDEX_CHECK_S)
        with suppress(FileNotFoundError):
            if meta.stat().st_mtime_ns != seen:
                seen = meta.stat().st_mtime_ns
                try:
                    talk.engine = await asyncio.to_thread(SearchEngine.open, settings)
                    logger.info("search index opened anew")
                except Exception:
                    logger.exception("the new search index cannot be opened; the old one stays")


async def _sweep_feedback(feedback: Feedback) -> None:
    """Remove what is over of surveys and ratings."""
    while True:
        try:
            await asyncio.to_thread(feedback.sweep)
        except SQLAlchemyError as error:
            logger.error("feedback cannot be swept: %s", type(error).__name__)
        await asyncio.sleep(_SWEEP_S)


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
