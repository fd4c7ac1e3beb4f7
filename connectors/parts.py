"""What a running app is made of, put together at its start and taken apart at its end; all of it is on ``app.state``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from actions.dossiers.connect import connect as connect_dossiers
from actions.dossiers.registry import Registry
from actions.dossiers.talk import DossierTalk
from actions.dossiers.tries import Tries, store_for
from actions.dossiers.vault import vault_for
from actions.dossiers.watching import Watches
from actions.feedback.connect import Feedback
from actions.feedback.connect import connect as connect_feedback
from actions.feedback.reports.report import Reporter
from actions.procedures import ProcedureTalk
from actions.rasa import executor
from actions.secret_key import installation_key
from actions.turns import TurnLog
from connectors.console.hotline import routes as hotline
from connectors.conversation import Conversations
from connectors.limits import limits_for
from connectors.messaging import Messaging
from connectors.outbox import Outbox
from connectors.rasa_client import RasaClient
from connectors.staff.sign_in import Staff
from connectors.surveys.desk import SurveyDesk
from connectors.telegram import channel as telegram
from connectors.web import routes as web
from connectors.zalo import channel as zalo
from knowledge.catalogue import Catalogue
from knowledge.search.engine import SearchEngine
from knowledge.settings import Settings

logger = logging.getLogger(__name__)

_INDEX_CHECK_S = 10.0
_SWEEP_S = 600.0


@asynccontextmanager
async def running_parts(app: FastAPI) -> AsyncIterator[None]:
    """The app's lifespan: everything is connected, works, and ends in order."""
    settings: Settings = app.state.settings
    state, key = app.state, installation_key(settings.home)
    state.catalogue = catalogue = Catalogue.open(settings)
    engine = await asyncio.to_thread(SearchEngine.open, settings)
    state.rasa, state.talk = RasaClient(settings), ProcedureTalk(catalogue, engine, settings)
    outbox = Outbox(catalogue.engine)
    state.dossier_talk = _dossiers(app, key, outbox)
    feedback = _feedback(app, key)
    state.executor = executor(state.talk, state.dossier_talk, feedback.talk, settings)
    messaging = _messaging(app, key, outbox)
    _staff(app, key, messaging)
    web.connect(app, catalogue.engine, key, settings)
    tasks = [
        asyncio.create_task(work)
        for work in (_follow_index(settings, state.talk), _sweep_feedback(feedback), hotline.keep_house(app))
    ]
    messaging.start()
    try:
        yield
    finally:
        await messaging.close()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await state.rasa.close()
        await state.dossiers.close()
        await state.dossier_talk.vault.close()
        catalogue.engine.dispose()


def _dossiers(app: FastAPI, key: bytes, outbox: Outbox) -> DossierTalk:
    """The systems that hold dossiers, the limits on tries, and what is said about them."""
    state, settings = app.state, app.state.settings
    engine, secret = state.catalogue.engine, settings.dossier_sync_secret
    state.registry = Registry(engine, key, settings.dossier_agencies)
    state.dossiers = connect_dossiers(
        engine, settings.home, settings.dossier_systems, settings.dossier_timeout_s, settings.dossier_agencies
    )
    state.tries = Tries(store_for(engine, settings.redis_url), key)
    state.dossier_sync_secret = secret.get_secret_value() if secret else None
    state.dossier_sync_source = settings.dossier_sync_source
    vault = vault_for(settings.redis_url, key)
    return DossierTalk(state.dossiers, state.tries, vault, Watches(engine, outbox), state.catalogue, settings)


def _feedback(app: FastAPI, key: bytes) -> Feedback:
    """Surveys, petitions and reviews, in the talk, on pages and in reports: one of each for all."""
    state, settings = app.state, app.state.settings
    engine = state.catalogue.engine
    state.feedback = feedback = connect_feedback(engine, key, state.dossier_talk.vault, state.talk, settings)
    state.reviews, state.instruments, state.petitions = feedback.reviews, feedback.instruments, feedback.petitions
    state.surveys = SurveyDesk.open(engine, key, state.catalogue, settings, feedback.responses)
    state.reporter = Reporter(engine, settings)
    return feedback


def _messaging(app: FastAPI, key: bytes, outbox: Outbox) -> Messaging:
    """The way of a message, with every channel that is set up."""
    state, settings = app.state, app.state.settings
    engine, turns = state.catalogue.engine, TurnLog(state.catalogue.engine, settings.home)
    limits = limits_for(engine, key, settings)
    state.conversations = Conversations(
        state.rasa, state.talk, state.dossier_talk, outbox, turns, limits=limits, feedback=state.feedback.talk
    )
    messaging = Messaging.build(
        settings,
        key,
        engine=engine,
        limits=limits,
        outbox=outbox,
        turns=turns,
        watches=Watches(engine, outbox),
        conversations=state.conversations,
    )
    for channel in (zalo.connect(settings, engine, key), telegram.connect(settings, engine)):
        if channel:
            messaging.channels[channel.name] = channel
    state.messaging, state.inbox, state.outbox, state.path = messaging, messaging.inbox, outbox, messaging.path
    state.channels, state.transcripts, state.handoffs = messaging.channels, messaging.transcripts, messaging.handoffs
    state.limits, state.switch, state.erase = limits, messaging.switch, messaging.erase
    return messaging


def _staff(app: FastAPI, key: bytes, messaging: Messaging) -> None:
    """Accounts, and what the hotline's console adds to the way of a message."""
    state, settings = app.state, app.state.settings
    state.staff = Staff(state.catalogue.engine, settings)
    hotline.connect(app, state.catalogue.engine, key, state.catalogue)
    messaging.path.pick_up = state.send_codes.pick_up
    messaging.erasers.append(state.approvals.erase)
    if settings.console_approve_answers:
        messaging.path.hold = state.approvals.hold


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
