"""``GET /api/v1/console/procedures/{code}``: a procedure to read aloud, in the bot's own words.

Every line comes from :mod:`knowledge.answers`; a case only leaves out what belongs to other cases.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel

from connectors.console.hotline.common import LEVELS, NOT_FOUND, Agent, no_store
from connectors.errors import ApiError
from connectors.staff.access import ACCESS_ERRORS
from knowledge.answers import TITLES, answer, full_text
from knowledge.places import communes_in, present_province, provinces_in
from knowledge.procedure import Procedure
from knowledge.search.engine import SearchEngine

router = APIRouter(prefix="/console", tags=["console"], dependencies=[Depends(no_store)])

_NATIONAL = ""
"""Stands for the record of the whole country where provinces are named."""
_GONE = "Không có thủ tục nào mang mã này trong danh mục đang dùng."
_NO_PLACE = "Chưa nhận ra nơi này. Anh/chị gõ tên tỉnh, hoặc “phường …”, “xã …”."


class CardPart(BaseModel):
    """One kind of facts, as the bot tells it; ``published`` is False where the catalogue has nothing."""

    field: str
    title: str
    lines: list[str]
    published: bool


class CardSource(BaseModel):
    """Where the facts are from; ``line`` says it in one line."""

    line: str
    url: str | None = None


class PlaceRecord(BaseModel):
    """The record of one province; ``province`` is empty for the one of the whole country."""

    code: str
    province: str


class ProcedureCard(BaseModel):
    """All of a procedure. ``case`` is the number of the chosen one of ``cases``, from 1; ``text`` is for copying."""

    code: str
    title: str
    name: str
    field: str
    level: str
    province: str
    parts: list[CardPart]
    sources: list[CardSource]
    cases: list[str]
    case: int | None
    places: list[PlaceRecord]
    text: str


class PlaceFound(BaseModel):
    """What a caller's place means for a procedure: ``code`` is the record that counts there."""

    province: str
    commune: str
    code: str
    own: bool


Code = Annotated[str, Path(max_length=40)]


@router.get("/procedures/{code}", responses=ACCESS_ERRORS | NOT_FOUND)
async def card(
    request: Request,
    _member: Agent,
    code: Code,
    case: Annotated[int | None, Query(ge=1, le=1_000, description="Only what counts in this case.")] = None,
) -> ProcedureCard:
    """Everything about a procedure, in the words that the bot would use."""
    procedure = await asyncio.to_thread(_procedure, request, code)
    cases = procedure.cases
    if case is not None and case > len(cases):
        raise ApiError(404, "no_such_case", "Thủ tục này không có trường hợp đó.")
    shown = in_case(procedure, cases[case - 1]) if case else procedure
    told = answer(shown, TITLES)
    return ProcedureCard(
        code=procedure.code,
        title=procedure.title,
        name=procedure.name,
        field=procedure.field or "",
        level=", ".join(LEVELS[level] for level in procedure.levels),
        province=procedure.province or "",
        parts=[CardPart(field=p.field, title=p.title, lines=p.lines, published=p.published) for p in told.parts],
        sources=[CardSource(line=source["line"], url=source.get("url")) for source in told.sources],
        cases=cases,
        case=case,
        places=await asyncio.to_thread(places_of, request.app.state.talk.engine, procedure),
        text=full_text(shown),
    )


@router.get("/procedures/{code}/place", responses=ACCESS_ERRORS | NOT_FOUND)
async def place(
    request: Request,
    _member: Agent,
    code: Code,
    q: Annotated[
        str, Query(min_length=1, max_length=200, description="A province or commune, by a present or former name.")
    ],
) -> PlaceFound:
    """Which record counts where the caller lives."""
    procedure = await asyncio.to_thread(_procedure, request, code)
    communes = communes_in(q)
    provinces = list(dict.fromkeys(commune.province for commune in communes)) or provinces_in(q, awaited=True)
    if len(provinces) != 1:
        raise ApiError(404, "no_such_place", _NO_PLACE)
    engine: SearchEngine = request.app.state.talk.engine
    own = engine.in_province(code, provinces)
    counts = own or engine.in_province(code, [_NATIONAL]) or procedure.code
    commune = communes[0].name if len(communes) == 1 else ""
    return PlaceFound(province=provinces[0], commune=commune, code=counts, own=own is not None)


def in_case(procedure: Procedure, case: str) -> Procedure:
    """The procedure with what everybody needs and what this case needs, and no more."""
    return procedure.model_copy(
        update={
            name: [fact for fact in getattr(procedure, name) if fact.case in (None, case)]
            for name in ("documents", "fees", "time_limits")
        }
    )


def places_of(engine: SearchEngine, procedure: Procedure) -> list[PlaceRecord]:
    """The records of the same procedure by province, the whole country's first; empty where there is only one."""
    provinces = sorted({present_province(card.province) for card in engine.index.cards})
    found = [(engine.in_province(procedure.code, [province]), province) for province in provinces]
    records = [PlaceRecord(code=code, province=province) for code, province in found if code]
    return records if len(records) > 1 else []


def _procedure(request: Request, code: str) -> Procedure:
    found: Procedure | None = request.app.state.catalogue.get(code) if code.isprintable() else None
    if found is None:
        raise ApiError(404, "no_such_procedure", _GONE)
    return found
