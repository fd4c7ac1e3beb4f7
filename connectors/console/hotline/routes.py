"""The hotline's pages, and everything of it put together: ``install(app)`` when the app is made, ``connect`` at its start."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from actions.dossiers.keys import Pseudonyms
from actions.feedback.reviews import Reviews
from connectors.console import audit, navigation
from connectors.console.hotline import approvals, calls, card, conversations, dossiers, reports, search, send_codes
from connectors.console.hotline.approvals import Approvals
from connectors.console.hotline.call_book import CallBook, Outcome
from connectors.console.hotline.common import Agent
from connectors.console.hotline.send_codes import SendCodes
from connectors.console.pages import page
from connectors.errors import ErrorResponse
from connectors.outbox import Outbox
from connectors.staff.roles import Role
from knowledge.answers import TITLES
from knowledge.catalogue import Catalogue
from knowledge.places import present_province
from knowledge.settings import Settings

logger = logging.getLogger(__name__)

pages_router = APIRouter(prefix="/console", include_in_schema=False)
API = (
    search.router,
    card.router,
    calls.router,
    dossiers.router,
    conversations.router,
    send_codes.router,
    approvals.router,
)

UNREADABLE: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorResponse, "description": "The body is no JSON."},
    422: {"model": ErrorResponse, "description": "A value is missing or is not what it should be."},
}

_HOUSE_S = 600.0

navigation.add(
    "/console/hotline", "Tổng đài", "Tìm thủ tục để đọc cho người gọi, tra hồ sơ, ghi cuộc gọi.", Role.AGENT, order=10
)
navigation.add(
    "/console/conversations",
    "Trò chuyện",
    "Trả lời người dân đang chờ cán bộ trên Zalo, Telegram, trang web.",
    Role.AGENT,
    order=20,
)
navigation.add("/console/calls", "Sổ cuộc gọi", "Số cuộc gọi theo ngày và kết quả; tải về.", Role.SUPERVISOR, order=30)


def install(app: FastAPI) -> None:
    """Add the pages and routes."""
    for router in (pages_router, reports.router, audit.router):
        app.include_router(router)
    for router in API:
        app.include_router(router, prefix="/api/v1", responses=UNREADABLE)


def connect(app: FastAPI, engine: Engine, key: bytes, catalogue: Catalogue) -> None:
    """Put what the routes need into the app's state; it also needs ``talk``, ``staff``, ``dossier_talk``, ``handoffs``,
    ``transcripts``, ``channels`` and ``settings`` there.

    Args:
        app: as it was installed.
        engine: the installation's database, migrated.
        key: the installation's secret key.
        catalogue: what is answered from.
    """
    state = app.state
    state.catalogue, state.call_book = catalogue, CallBook(engine, key)
    state.send_codes, state.reviews = SendCodes(engine, key, catalogue), Reviews(engine)
    state.approvals = Approvals(engine, Outbox(engine), state.transcripts, state.channels)
    state.conversation_refs = Pseudonyms(key, "console-conversation")


async def keep_house(app: FastAPI) -> None:
    """Make the search ready, and remove what has been kept long enough, now and then."""
    settings: Settings = app.state.settings
    await asyncio.to_thread(_warm_up, app)
    while True:
        try:
            await asyncio.to_thread(app.state.call_book.sweep, settings.hotline_call_days)
            await asyncio.to_thread(app.state.approvals.sweep, settings.transcript_days)
        except SQLAlchemyError as error:
            logger.error("calls cannot be swept: %s", type(error).__name__)
        await asyncio.sleep(_HOUSE_S)


def _warm_up(app: FastAPI) -> None:
    """Build what the first caller would otherwise wait for."""
    search.finder_of(app)
    engine = app.state.talk.engine
    if engine.index.cards:
        engine.in_province(engine.index.cards[0].code, [present_province(card.province) for card in engine.index.cards])


@pages_router.get("/hotline")
async def hotline(request: Request, _member: Agent) -> HTMLResponse:
    """The page of somebody who takes calls."""
    outcomes = [(str(outcome), outcome.label) for outcome in Outcome]
    return page(request, "hotline.html", outcomes=outcomes, titles=TITLES)


@pages_router.get("/conversations")
async def conversations_page(request: Request, member: Agent) -> HTMLResponse:
    """The page of somebody who answers in chats."""
    supervises = member.may_act_as(Role.SUPERVISOR)
    approves = supervises and request.app.state.settings.console_approve_answers
    return page(request, "hotline_conversations.html", supervises=supervises, approves=approves)
