"""``/api/v1/search`` and ``/api/v1/procedures/{code}``: the knowledge over HTTP."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from connectors.errors import ApiError, ErrorResponse
from knowledge.answers import FIELDS, answer
from knowledge.search.ranking import Filters

router = APIRouter(tags=["procedures"])


@router.get("/search")
async def search(
    request: Request,
    q: Annotated[str, Query(min_length=1, max_length=2000, description="What the person said.")],
    k: Annotated[int, Query(ge=1, le=50)] = 5,
    level: Literal["commune", "province", "ministry", "other"] | None = None,
    field: Annotated[str | None, Query(max_length=200)] = None,
    province: Annotated[str | None, Query(max_length=100)] = None,
) -> dict[str, object]:
    """Procedures that a message may be about, with the decision to answer, ask back or abstain."""
    filters = Filters(level, field, province)
    result = await asyncio.to_thread(request.app.state.talk.engine.search, q, k, filters)
    return result.to_dict()


@router.get("/procedures/{code}", responses={404: {"model": ErrorResponse}})
async def procedure(
    request: Request,
    code: str,
    fields: Annotated[list[str], Query(description=f"Any of {', '.join(FIELDS)}; none gives an overview.")] = [],  # noqa: B006
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> dict[str, object]:
    """A procedure with all its facts, and the answer as the bot would give it."""
    found = await asyncio.to_thread(request.app.state.catalogue.get, code)
    if found is None:
        raise ApiError(404, "no_such_procedure", "Không có thủ tục nào mang mã này.")
    return {"procedure": found.model_dump(mode="json"), "answer": answer(found, fields, page).to_dict()}
