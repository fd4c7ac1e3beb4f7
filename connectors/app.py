"""The app: one FastAPI process with the web channel, the action endpoint and the search API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy import text

from actions.dossiers.connect import connect
from actions.dossiers.registry import Registry
from actions.dossiers.talk import DossierTalk
from actions.dossiers.tries import Tries, store_for
from actions.dossiers.vault import vault_for
from actions.dossiers.watching import Watches
from actions.procedures import ProcedureTalk
from actions.rasa import executor
from actions.secret_key import installation_key
from actions.turns import TurnLog
from connectors import errors
from connectors.actions_endpoint import router as actions_router
from connectors.conversation import Conversations
from connectors.dossiers_api import router as dossiers_router
from connectors.outbox import Outbox
from connectors.procedures_api import router as procedures_router
from connectors.rasa_client import RasaClient
from connectors.web.routes import router as web_router
from knowledge.catalogue import Catalogue
from knowledge.search.engine import SearchEngine, is_current
from knowledge.settings import Settings

logger = logging.getLogger(__name__)
_INDEX_CHECK_S = 10.0


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application for one installation."""
    settings = settings or Settings()
    app = FastAPI(title="motcua", version="0.1.0", lifespan=_lifespan, docs_url="/docs", redoc_url=None)
    app.state.settings = settings
    errors.install(app)
    for router in (web_router, procedures_router, dossiers_router, actions_router):
        app.include_router(router, prefix="/api/v1", responses={422: {"model": errors.ErrorResponse}})
    app.add_api_route("/healthz", _alive, methods=["GET"], tags=["operations"])
    app.add_api_route("/readyz", _ready, methods=["GET"], tags=["operations"])
    app.mount("/", StaticFiles(directory=Path(__file__).parent / "web" / "static", html=True), name="chat")
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    catalogue = Catalogue.open(settings)
    engine = await asyncio.to_thread(SearchEngine.open, settings)
    rasa = RasaClient(settings)
    talk = ProcedureTalk(catalogue, engine, settings)
    app.state.catalogue, app.state.talk, app.state.rasa = catalogue, talk, rasa
    outbox = Outbox(catalogue.engine)
    dossiers = _connect_dossiers(app, catalogue, outbox, settings)
    app.state.executor = executor(talk, dossiers, settings)
    turns = TurnLog(catalogue.engine, settings.home)
    app.state.conversations = Conversations(rasa, talk, dossiers, outbox, turns, settings)
    watcher = asyncio.create_task(_follow_index(settings, talk))
    try:
        yield
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher
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
