"""What the routes of the hotline's console share."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Path, Response
from pydantic import AfterValidator

from connectors.errors import ErrorResponse
from connectors.staff.access import Member, Role, signed_in

LEVELS: Mapping[str, str] = {
    "commune": "Cấp xã",
    "province": "Cấp tỉnh",
    "ministry": "Trung ương",
    "other": "Cơ quan khác",
}

Agent = Annotated[Member, Depends(signed_in(Role.AGENT))]
Supervisor = Annotated[Member, Depends(signed_in(Role.SUPERVISOR))]

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorResponse, "description": "There is no such thing."}}
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorResponse, "description": "Somebody else has it, or it is over."}
}

RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def printable(text: str) -> str:
    """NFC text without control characters (PostgreSQL stores no NUL), line ends kept."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    return "".join(c for c in text if c == "\n" or unicodedata.category(c)[0] != "C").strip()


Plain = AfterValidator(printable)
"""For texts that are stored: ``Annotated[str, Field(max_length=…), Plain]``."""


def no_store(response: Response) -> None:
    """Keep answers about people's affairs out of every cache."""
    response.headers["Cache-Control"] = "no-store"
