"""What people answered, kept so that nobody can tell who did.

Two tables that do not know each other for longer than a day:

- a **ticket** for each time that somebody was asked: whether they answered, and for how long the answer can be changed.
  Its key is a keyed hash, of the dossier's code for a survey about a dossier, so that there is one response per dossier;
- a **response**: the answers, the day, and what they are about. It has a random id, no sender, no hour, and no key.

While an answer can be changed (:data:`EDIT_FOR`) the ticket points at the response. Then :meth:`Responses.sweep` cuts the
link, and what the ticket said of itself (procedure, commune, day) was emptied when it was answered, so that the two cannot
be joined by what they are about either.

Times are Vietnam's, naive.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Date, DateTime, Engine, Index, Integer, String, Text, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.keys import Pseudonyms
from actions.feedback.instruments import Answers, Instrument, InvalidInstrumentError
from knowledge.database import Base

EDIT_FOR = dt.timedelta(days=1)
"""How long an answer can be changed after it was first given."""
COMMENT_LENGTH = 2_000


class TicketRow(Base):
    """Somebody was asked. ``about`` columns are empty once they answered."""

    __tablename__ = "survey_ticket"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    instrument: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(10))
    reminded: Mapped[int] = mapped_column(Integer)
    asked_on: Mapped[dt.date | None] = mapped_column(Date, index=True)
    channel: Mapped[str | None] = mapped_column(String(20))
    commune: Mapped[str | None] = mapped_column(String(120))
    procedure_code: Mapped[str | None] = mapped_column(String(40))
    field: Mapped[str | None] = mapped_column(String(200))
    response_id: Mapped[str | None] = mapped_column(String(32))
    open_until: Mapped[dt.datetime | None] = mapped_column(DateTime, index=True)


class ResponseRow(Base):
    """One person's answers. SQLite keeps no row number that would tell the order in which they came."""

    __tablename__ = "survey_response"
    __table_args__ = (Index("survey_response_day", "instrument", "day"), {"sqlite_with_rowid": False})
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    instrument: Mapped[str] = mapped_column(String(30))
    version: Mapped[int] = mapped_column(Integer)
    day: Mapped[dt.date] = mapped_column(Date)
    channel: Mapped[str] = mapped_column(String(20))
    commune: Mapped[str | None] = mapped_column(String(120))
    procedure_code: Mapped[str | None] = mapped_column(String(40))
    field: Mapped[str | None] = mapped_column(String(200))
    complete: Mapped[int] = mapped_column(Integer)
    answers: Mapped[dict[str, Any]] = mapped_column(JSON)
    comments: Mapped[dict[str, str]] = mapped_column(JSON)


class InstrumentRow(Base):
    """Versions that have been in use, with a digest of their content."""

    __tablename__ = "survey_instrument"
    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[str] = mapped_column(Text)


class Ticket(StrEnum):
    """How far somebody who was asked has come."""

    ASKED = "asked"
    PARTIAL = "partial"
    COMPLETE = "complete"
    DECLINED = "declined"


class Saved(StrEnum):
    """What became of answers."""

    RECORDED = "recorded"
    EDITED = "edited"
    CLOSED = "closed"  # they were given more than a day ago and cannot be changed


@dataclass(frozen=True)
class About:
    """What an answer is about and where it came from; ``field`` is the procedure's field (lĩnh vực)."""

    channel: str
    commune: str | None = None
    procedure_code: str | None = None
    field: str | None = None


@dataclass(frozen=True)
class Response:
    """A stored response; ``week`` is the ISO week's Monday."""

    instrument: str
    version: int
    day: dt.date
    channel: str
    commune: str | None
    procedure_code: str | None
    field: str | None
    complete: bool
    answers: Answers
    comments: dict[str, str] = field(repr=False)

    @property
    def week(self) -> dt.date:
        return self.day - dt.timedelta(days=self.day.weekday())

    @property
    def month(self) -> str:
        return f"{self.day:%Y-%m}"


@dataclass(frozen=True)
class Unanswered:
    """Somebody was asked on a day and has not answered (or declined)."""

    instrument: str
    day: dt.date
    channel: str | None
    commune: str | None
    procedure_code: str | None
    field: str | None
    declined: bool


class Responses:
    """Tickets and responses. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`; nothing is half done then.

    Args:
        engine: the installation's database, migrated.
        key: the installation's secret key.
    """

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        self._pseudonyms = Pseudonyms(key, "survey-ticket")

    # -- keys ---------------------------------------------------------------------------------

    def dossier_key(self, code: str) -> str:
        """The ticket's key for the survey about a dossier, by its normalised code."""
        return self._pseudonyms.of("dossier", code)

    def token_key(self, token: str) -> str:
        """The ticket's key for a random token that only the asked person's page or talk has."""
        return self._pseudonyms.of("token", token)

    # -- asking -------------------------------------------------------------------------------

    def ask(self, key: str, instrument: str, about: About, now: dt.datetime) -> Ticket | None:
        """Note that somebody is asked; None where this is the first time, else how far they came before."""
        row = {
            "key": key, "instrument": instrument, "state": Ticket.ASKED, "reminded": 0, "asked_on": now.date(),
            "channel": about.channel, "commune": about.commune, "procedure_code": about.procedure_code, "field": about.field,
        }  # fmt: skip
        with self._engine.begin() as connection:
            done = connection.execute(self._insert(TicketRow).values(row).on_conflict_do_nothing().returning(TicketRow.key))
            if done.first() is not None:
                return None
            return Ticket(connection.execute(select(TicketRow.state).where(TicketRow.key == key)).scalar_one())

    def remind(self, key: str) -> bool:
        """Whether somebody who has not answered may be reminded; True once only."""
        may = and_(TicketRow.key == key, TicketRow.reminded == 0, TicketRow.state.in_([Ticket.ASKED, Ticket.PARTIAL]))
        with self._engine.begin() as connection:
            return connection.execute(update(TicketRow).where(may).values(reminded=1)).rowcount == 1

    def decline(self, key: str) -> None:
        """Note that somebody does not want to answer; answers already given stay."""
        with self._engine.begin() as connection:
            waiting = and_(TicketRow.key == key, TicketRow.state == Ticket.ASKED)
            connection.execute(update(TicketRow).where(waiting).values(state=Ticket.DECLINED))

    # -- answering ----------------------------------------------------------------------------

    def save(
        self,
        key: str,
        instrument: Instrument,
        answers: Mapping[str, Any],
        about: About,
        now: dt.datetime,
        *,
        comments: Mapping[str, str] | None = None,
        complete: bool = True,
        day: dt.date | None = None,
    ) -> Saved:
        """Keep answers, in place of those given before under the same key; the same call twice changes nothing.

        Args:
            key: from :meth:`dossier_key` or :meth:`token_key`; it need not have been asked.
            instrument: what was answered.
            answers: values by item; skipped items are left out or empty.
            about: what it is about.
            now: Vietnam's time, naive; only its day is kept with the answers.
            comments: free words by item, without personal data (see :mod:`actions.feedback.scrub`).
            complete: whether the survey was gone through to its end.
            day: when it was answered, where that is not now: a sheet of paper that is entered later.

        Raises:
            ValueError: an item or value that the instrument does not have.
        """
        kept = {
            "instrument": instrument.id,
            "version": instrument.version,
            "answers": instrument.checked(answers),
            "comments": _checked_comments(instrument, comments or {}),
            "complete": int(complete),
        }
        with self._engine.begin() as connection:
            self._register(connection, instrument)
            ticket = self._lock(connection, key, instrument.id)
            if ticket["response_id"] is None and ticket["state"] in (Ticket.PARTIAL, Ticket.COMPLETE):
                return Saved.CLOSED
            if ticket["response_id"] is None:
                self._first(connection, key, kept | {"day": day or now.date()}, about, now)
                return Saved.RECORDED
            if ticket["open_until"] <= now:
                return Saved.CLOSED
            self._again(connection, key, ticket["response_id"], kept)
            return Saved.EDITED

    def _lock(self, connection: Connection, key: str, instrument: str) -> Mapping[str, Any]:
        """The ticket, made where there is none; nobody else can change it before the transaction's end."""
        row = {"key": key, "instrument": instrument, "state": Ticket.ASKED, "reminded": 0}
        connection.execute(self._insert(TicketRow).values(row).on_conflict_do_nothing())
        # Writing first takes SQLite's only write lock and PostgreSQL's lock on the row.
        mine = update(TicketRow).where(TicketRow.key == key).values(instrument=instrument)
        return connection.execute(mine.returning(*TicketRow.__table__.c)).mappings().one()

    def _first(self, connection: Connection, key: str, kept: dict[str, Any], about: About, now: dt.datetime) -> None:
        id = secrets.token_hex(16)
        context = {"channel": about.channel, "commune": about.commune, "procedure_code": about.procedure_code}
        row = {"id": id, "field": about.field} | context | kept
        connection.execute(self._insert(ResponseRow).values(row))
        done = {"state": _state(kept), "response_id": id, "open_until": now + EDIT_FOR} | _NOTHING
        connection.execute(update(TicketRow).where(TicketRow.key == key).values(done))

    def _again(self, connection: Connection, key: str, id: str, kept: dict[str, Any]) -> None:
        connection.execute(update(ResponseRow).where(ResponseRow.id == id).values(kept))
        connection.execute(update(TicketRow).where(TicketRow.key == key).values(state=_state(kept)))

    def _register(self, connection: Connection, instrument: Instrument) -> None:
        """Keep what a version asked; refuse another content under the same version."""
        content = json.dumps(instrument.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()
        row = {"id": instrument.id, "version": instrument.version, "digest": digest, "content": content}
        connection.execute(self._insert(InstrumentRow).values(row).on_conflict_do_nothing())
        same = and_(InstrumentRow.id == instrument.id, InstrumentRow.version == instrument.version)
        if connection.execute(select(InstrumentRow.digest).where(same)).scalar_one() != digest:
            raise InvalidInstrumentError(
                f"{instrument.id} version {instrument.version} was used with other questions; a change needs a new version"
            )

    def withdraw(self, key: str, now: dt.datetime) -> bool:
        """Take answers back as if they had never been given, for a slip at entry; False where they cannot be changed."""
        with self._engine.begin() as connection:
            mine = delete(TicketRow).where(TicketRow.key == key, TicketRow.open_until > now)
            id = connection.execute(mine.returning(TicketRow.response_id)).scalar()
            if id is None:
                return False
            connection.execute(delete(ResponseRow).where(ResponseRow.id == id))
            return True

    def sweep(self, now: dt.datetime) -> int:
        """Cut the link between tickets and answers that cannot be changed any more; returns how many."""
        over = TicketRow.open_until <= now
        cut = update(TicketRow).where(over).values(response_id=None, open_until=None)
        with self._engine.begin() as connection:
            return connection.execute(cut).rowcount

    # -- reading ------------------------------------------------------------------------------

    def within(self, since: dt.date, until: dt.date, instrument: str | None = None) -> list[Response]:
        """Responses of the days from ``since`` to ``until``, both included, in no order that tells anything."""
        query = select(ResponseRow).where(ResponseRow.day.between(since, until)).order_by(ResponseRow.id)
        if instrument:
            query = query.where(ResponseRow.instrument == instrument)
        with self._engine.connect() as connection:
            return [_response(row) for row in connection.execute(query).mappings()]

    def unanswered(self, since: dt.date, until: dt.date, instrument: str | None = None) -> list[Unanswered]:
        """Those who were asked on these days and have given no answer."""
        without = TicketRow.state.in_([Ticket.ASKED, Ticket.DECLINED])
        query = select(TicketRow).where(without, TicketRow.asked_on.between(since, until))
        if instrument:
            query = query.where(TicketRow.instrument == instrument)
        with self._engine.connect() as connection:
            return [_unanswered(row) for row in connection.execute(query).mappings()]

    def instrument(self, id: str, version: int) -> Instrument | None:
        """A version that has been answered, as it was then."""
        same = and_(InstrumentRow.id == id, InstrumentRow.version == version)
        with self._engine.connect() as connection:
            content = connection.execute(select(InstrumentRow.content).where(same)).scalar()
        return Instrument.model_validate_json(content) if content else None


_NOTHING: dict[str, None] = dict.fromkeys(("asked_on", "channel", "commune", "procedure_code", "field"))


def _state(kept: Mapping[str, Any]) -> Ticket:
    return Ticket.COMPLETE if kept["complete"] else Ticket.PARTIAL


def _checked_comments(instrument: Instrument, comments: Mapping[str, str]) -> dict[str, str]:
    out = {}
    for name, text in comments.items():
        item = instrument.item(name)
        if item is None or not item.free:
            raise ValueError(f"there is no item {name[:40]} for free words")
        if text.strip():
            out[name] = text.strip()[:COMMENT_LENGTH]
    return out


def _response(row: Mapping[str, Any]) -> Response:
    values = {name: row[name] for name in Response.__dataclass_fields__}
    return Response(**values | {"complete": bool(row["complete"])})


def _unanswered(row: Mapping[str, Any]) -> Unanswered:
    return Unanswered(
        instrument=row["instrument"],
        day=row["asked_on"],
        channel=row["channel"],
        commune=row["commune"],
        procedure_code=row["procedure_code"],
        field=row["field"],
        declined=row["state"] == Ticket.DECLINED,
    )
