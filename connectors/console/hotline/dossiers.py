"""``POST /api/v1/console/dossiers/lookup``: a dossier's state for staff, without the citizen's proof, with an audit entry.

What is shown is what the citizen would read; nothing of it names a person.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field, StringConstraints

from actions.dossiers.reading import ReadingError, read_code
from actions.replies import Reply
from connectors.console.hotline.common import no_store
from connectors.errors import ApiError, ErrorResponse
from connectors.staff.access import ACCESS_ERRORS, Member, Role, signed_in
from connectors.staff.sign_in import CHANNEL

router = APIRouter(prefix="/console/dossiers", tags=["console"], dependencies=[Depends(no_store)])

_BAD_CODE = "Mã hồ sơ chưa đúng dạng. Mã in trên giấy tiếp nhận, ví dụ H57.17.26-261110-0001."
_NOT_FOUND = "Không có hồ sơ nào mang mã này. Anh/chị nghe lại mã, từng phần một."


class Asked(BaseModel):
    """The code as the caller reads it out."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        repr=False, examples=["H57.17.26-261112-0006"]
    )


class DossierTold(BaseModel):
    """What is said about it: ``text``, and the same in parts (``card``)."""

    code: str
    title: str
    text: str
    steps: list[dict[str, Any]]
    procedure_code: str | None


_ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorResponse, "description": "No such dossier, or none of a connected system."},
    503: {"model": ErrorResponse, "description": "The system that holds it does not answer."},
}


@router.post("/lookup", responses=ACCESS_ERRORS | _ERRORS)
async def lookup(
    request: Request, member: Annotated[Member, Depends(signed_in(Role.AGENT, Role.OFFICER))], asked: Asked
) -> DossierTold:
    """A dossier's state in plain words. That this member looked is kept before anything is shown."""
    try:
        code = read_code(asked.code)
    except ReadingError:
        raise ApiError(422, "invalid_code", _BAD_CODE) from None
    audit = request.app.state.staff.audit
    await asyncio.to_thread(audit.record, who=member.name, what="dossier_lookup", channel=CHANNEL, code=code)
    reply: Reply = await request.app.state.dossier_talk.for_staff(code)
    match reply.status:
        case "dossier_found":
            card = reply.card or {}
            return DossierTold(
                code=code,
                title=str(card.get("title", "")),
                text=reply.text,
                steps=card.get("steps", []),  # type: ignore[arg-type]
                procedure_code=reply.procedure_code,
            )
        case "dossier_unavailable":
            raise ApiError(503, "dossier_unavailable", "Hệ thống một cửa chưa trả lời. Anh/chị thử lại sau ít phút.")
        case "dossier_not_this_system":
            raise ApiError(404, "dossier_not_this_system", "Hồ sơ này không thuộc hệ thống đang kết nối ở đây.")
        case _:
            raise ApiError(404, "dossier_not_found", _NOT_FOUND)
