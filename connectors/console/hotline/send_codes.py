"""Sending an answer into the caller's own chat: the agent reads out six digits, the caller types "nhận 123456" there.

So the answer goes to whoever was told the digits, nobody's account in a channel has to be looked for, and the citizen
opens the way. What is sent is public; the digits are good once, in one conversation, for some minutes.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import secrets
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from sqlalchemy import DateTime, Engine, Integer, String, delete, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.keys import Pseudonyms
from actions.dossiers.reading import vietnam_now
from actions.replies import Reply
from connectors.console.hotline.card import in_case
from connectors.console.hotline.common import NOT_FOUND, Agent, no_store
from connectors.errors import ApiError
from connectors.messages import Incoming
from connectors.staff.access import ACCESS_ERRORS
from knowledge.answers import answer
from knowledge.catalogue import Catalogue
from knowledge.database import Base
from knowledge.procedure import Procedure
from knowledge.text import clean, fold

router = APIRouter(prefix="/console", tags=["console"], dependencies=[Depends(no_store)])

VALID_MINUTES = 15
_FIELDS = ("documents", "fee", "time", "place", "method")
_TAKE = re.compile(r"nhan(?: ma| tin| cau tra loi)? ?(\d{3}) ?(\d{3})[.! ]*")
_UNKNOWN = Reply(
    text="Mã này không đúng hoặc đã quá hạn. Anh/chị gọi lại tổng đài để nhận mã mới, hoặc hỏi thẳng tôi ở đây ạ.",
    status="clarification",
)


class SendCodeRow(Base):
    """Digits that were read out, and whose conversation took them: both as keyed hashes. ``case_number`` counts from 1."""

    __tablename__ = "hotline_send"
    code_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    procedure_code: Mapped[str] = mapped_column(String(40))
    case_number: Mapped[int | None] = mapped_column(Integer)
    agent: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
    taken_by: Mapped[str | None] = mapped_column(String(64))


class SendCodes:
    """The table of digits. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
        key: the installation's secret key.
        catalogue: what is answered from.
    """

    def __init__(self, engine: Engine, key: bytes, catalogue: Catalogue) -> None:
        self._engine, self._keys, self._catalogue = engine, Pseudonyms(key, "hotline-send"), catalogue
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def make(self, procedure_code: str, case: int | None, agent: str, now: dt.datetime | None = None) -> str:
        """New digits for an answer; older ones that are over are removed."""
        now = now or vietnam_now()
        over = SendCodeRow.created_at < now - dt.timedelta(minutes=VALID_MINUTES)
        row = {"procedure_code": procedure_code, "case_number": case, "agent": agent, "created_at": now}
        with self._engine.begin() as connection:
            connection.execute(delete(SendCodeRow).where(over))
            while True:
                digits = f"{secrets.randbelow(1_000_000):06}"
                one = self._insert(SendCodeRow).values(row | {"code_key": self._keys.of(digits)})
                if connection.execute(one.on_conflict_do_nothing().returning(SendCodeRow.agent)).first():
                    return digits

    def pick_up(self, incoming: Incoming, now: dt.datetime | None = None) -> Reply | None:
        """The answer behind the digits that a citizen typed; None where the message is about something else.

        The same conversation may ask twice (a message is answered anew after a crash), no other.
        """
        match = _TAKE.fullmatch(fold(clean(incoming.text)).strip())
        if not match:
            return None
        after = (now or vietnam_now()) - dt.timedelta(minutes=VALID_MINUTES)
        who = self._keys.of(incoming.conversation)
        free = or_(SendCodeRow.taken_by.is_(None), SendCodeRow.taken_by == who)
        taken = update(SendCodeRow).where(
            SendCodeRow.code_key == self._keys.of(match[1] + match[2]), SendCodeRow.created_at >= after, free
        )
        with self._engine.begin() as connection:
            returned = taken.values(taken_by=who).returning(SendCodeRow.procedure_code, SendCodeRow.case_number)
            row = connection.execute(returned).first()
        procedure = self._catalogue.get(row.procedure_code) if row else None
        return _told(procedure, row.case_number) if row and procedure else _UNKNOWN


def _told(procedure: Procedure, case: int | None) -> Reply:
    """The answer on one page; the channel cuts it where it must."""
    cases = procedure.cases
    if case and case <= len(cases):
        procedure = in_case(procedure, cases[case - 1])
    told = answer(procedure, _FIELDS)
    lines = [f"{told.title} (mã {told.code})"]
    for part in told.parts:
        lines += [f"{part.title}:", *part.lines]
    lines += [source["line"] for source in told.sources[:2]]
    status: Any = told.status
    return Reply(
        text="\n".join(lines), status=status, procedure_code=told.code, fields=told.fields, sources=told.sources
    )


class ToSend(BaseModel):
    """What is to be sent; ``case`` is a number of the card's ``cases``, from 1."""

    procedure_code: str = Field(max_length=40)
    case: int | None = Field(None, ge=1, le=1_000)


class Digits(BaseModel):
    """What to read out, and for how long it is good."""

    digits: str
    minutes: int = VALID_MINUTES


@router.post("/send", responses=ACCESS_ERRORS | NOT_FOUND)
async def send(request: Request, member: Agent, wanted: ToSend) -> Digits:
    """Digits for the caller to type into their own chat with us, where the answer then comes."""
    known = wanted.procedure_code.isprintable() and await asyncio.to_thread(
        request.app.state.catalogue.get, wanted.procedure_code
    )
    if not known:
        raise ApiError(404, "no_such_procedure", "Không có thủ tục nào mang mã này trong danh mục đang dùng.")
    codes: SendCodes = request.app.state.send_codes
    return Digits(digits=await asyncio.to_thread(codes.make, wanted.procedure_code, wanted.case, member.name))
