"""Answers that wait for somebody's approval (setting ``console_approve_answers``): for an office that begins with the bot.

What the bot says about procedures is held; the citizen hears that it is being looked at, and gets it as it is or as it was
changed. Dossiers, questions back, and small talk are not held.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import JSON, Connection, DateTime, Engine, Integer, String, Text, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.reading import VIETNAM, vietnam_now
from actions.replies import Reply
from connectors.console.hotline.common import CONFLICT, Plain, RowId, Supervisor, no_store
from connectors.errors import ApiError
from connectors.messages import Channel, sender_of
from connectors.outbox import Outbox
from connectors.staff.access import ACCESS_ERRORS, Member, Role, signed_in
from connectors.transcripts import Transcripts
from knowledge.database import Base

router = APIRouter(prefix="/console/approvals", tags=["console"], dependencies=[Depends(no_store)])

HELD_STATUSES = frozenset({"answered", "not_published", "no_such_procedure"})
NOTICE = Reply(text="Cán bộ đang xem lại câu trả lời trước khi gửi. Anh/chị chờ ít phút ạ.", status="small_talk")
_AT_ONCE = 100
_DECIDED = "Câu trả lời này đã được gửi hoặc đã bỏ."


class HeldRow(Base):
    """An answer that waits; ``question`` is what it answers, masked."""

    __tablename__ = "hotline_held"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    conversation: Mapped[str] = mapped_column(String(240), index=True)
    question: Mapped[str] = mapped_column(Text)
    reply: Mapped[dict[str, Any]] = mapped_column(JSON)
    held_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)


class Approvals:
    """The table of answers that wait. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
        outbox: where approved answers go.
        transcripts: where they are written down.
        channels: by name; they cut texts into parts.
    """

    def __init__(
        self, engine: Engine, outbox: Outbox, transcripts: Transcripts, channels: Mapping[str, Channel]
    ) -> None:
        self._engine, self._outbox, self._transcripts, self._channels = engine, outbox, transcripts, channels

    def hold(self, connection: Connection, conversation: str, question: str, reply: Reply) -> Reply:
        """Keep an answer back within the caller's transaction; returns what is said now in its place."""
        if reply.status not in HELD_STATUSES:
            return reply
        row = {
            "conversation": conversation,
            "question": question,
            "reply": reply.model_dump(mode="json"),
            "held_at": vietnam_now(),
        }
        connection.execute(insert(HeldRow).values(row))
        return NOTICE

    def waiting(self) -> list[tuple[int, str, str, Reply, dt.datetime]]:
        """Those that wait, the longest first: id, channel, question, answer, since when."""
        query = select(HeldRow.__table__).order_by(HeldRow.id).limit(_AT_ONCE)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [
            (row.id, row.conversation.partition(":")[0], row.question, Reply.model_validate(row.reply), row.held_at)
            for row in rows
        ]

    def send(self, id: int, member: str, text: str | None = None) -> bool:
        """Let an answer go, as it is or with another text; of two who decide one does.

        Args:
            id: the answer's.
            member: the account that decides.
            text: instead of the bot's; then it is what this member says.
        """
        with self._engine.begin() as connection:
            gone = delete(HeldRow).where(HeldRow.id == id).returning(HeldRow.conversation, HeldRow.reply)
            row = connection.execute(gone).first()
            if row is None:
                return False
            reply = Reply.model_validate(row.reply)
            changed = text is not None and text != reply.text
            if changed:
                reply = Reply(text=text or "", status="handoff")
            who = {"who": "staff", "member": member} if changed else {"who": "bot"}
            self._transcripts.append(connection, row.conversation, said=reply, **who)  # type: ignore[arg-type]
            name = row.conversation.partition(":")[0]
            channel = self._channels.get(name)
            parts = channel.parts(reply) if channel else [reply]
            for number, part in enumerate([] if getattr(channel, "pulled", False) else parts):
                self._outbox.put(
                    connection,
                    channel=name,
                    recipient=sender_of(row.conversation),
                    reply=part,
                    dedupe_key=f"held:{id}:{number}",
                    now=vietnam_now(),
                )
        return True

    def drop(self, id: int) -> bool:
        """Send nothing; False where it was decided before."""
        with self._engine.begin() as connection:
            return connection.execute(delete(HeldRow).where(HeldRow.id == id)).rowcount == 1

    def erase(self, connection: Connection, conversation: str) -> int:
        """Remove a conversation's answers; returns how many."""
        return connection.execute(delete(HeldRow).where(HeldRow.conversation == conversation)).rowcount

    def sweep(self, days: int, now: dt.datetime | None = None) -> int:
        """Remove what nobody decided for ``days``; returns how many."""
        before = (now or vietnam_now()) - dt.timedelta(days=days)
        with self._engine.begin() as connection:
            return connection.execute(delete(HeldRow).where(HeldRow.held_at < before)).rowcount


# -- for supervisors ----------------------------------------------------------------------------


class Held(BaseModel):
    """An answer that waits, and the question."""

    id: int
    channel: str
    question: str = Field(repr=False)
    text: str
    since: AwareDatetime


class Decision(BaseModel):
    """``text``: what to send instead; None: the bot's own words."""

    text: Annotated[str, Field(max_length=8_000), Plain] | None = Field(None, repr=False)


class Done(BaseModel):
    """It is so now."""

    status: str = "done"


@router.get("", responses=ACCESS_ERRORS)
async def waiting(
    request: Request, _member: Annotated[Member, Depends(signed_in(Role.SUPERVISOR, background=True))]
) -> list[Held]:
    """Answers that wait for approval, the longest first."""
    return [
        Held(id=id, channel=channel, question=question, text=reply.text, since=since.replace(tzinfo=VIETNAM))
        for id, channel, question, reply, since in await asyncio.to_thread(_approvals(request).waiting)
    ]


@router.post("/{id}/send", responses=ACCESS_ERRORS | CONFLICT)
async def send(request: Request, member: Supervisor, id: RowId, decided: Decision) -> Done:
    """Send an answer, as it is or changed."""
    if not await asyncio.to_thread(_approvals(request).send, id, member.name, decided.text or None):
        raise ApiError(409, "decided", _DECIDED)
    if messaging := getattr(request.app.state, "messaging", None):
        messaging.delivery.wake()
    return Done()


@router.post("/{id}/drop", responses=ACCESS_ERRORS | CONFLICT)
async def drop(request: Request, _member: Supervisor, id: RowId) -> Done:
    """Do not send an answer."""
    if not await asyncio.to_thread(_approvals(request).drop, id):
        raise ApiError(409, "decided", _DECIDED)
    return Done()


def _approvals(request: Request) -> Approvals:
    approvals: Approvals = request.app.state.approvals
    return approvals
