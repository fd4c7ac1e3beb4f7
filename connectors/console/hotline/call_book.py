"""The book of calls: who calls, who takes it, what became of it.

A caller's number is sealed and kept only while the call or what was promised is open; then nothing of it is left. Times are
Vietnam's, naive.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as part
from enum import StrEnum
from typing import Any

from sqlalchemy import Date, DateTime, Engine, Integer, String, Text, and_, delete, func, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.keys import Pseudonyms
from actions.dossiers.reading import vietnam_now
from actions.feedback.scrub import scrub
from actions.sealing import SealBrokenError, Sealer
from knowledge.database import Base

RINGS_S = 120
"""Seconds after which a call that nobody took has stopped ringing, whatever the telephone system did not say."""
OPEN_HOURS = 12
"""Hours after which a call that nobody wrote up is over."""
MISSED_DAYS = 3
"""Days in which a missed call may be called back."""
FOLLOW_UP_DAYS = 90
"""Days ahead that something may be promised for."""

_LIST = 200


class State(StrEnum):
    """How far a call has come."""

    RINGING = "ringing"
    MISSED = "missed"
    OPEN = "open"
    LOGGED = "logged"


class Event(StrEnum):
    """What a telephone system tells of a call."""

    RINGING = "ringing"
    ANSWERED = "answered"
    HANGUP = "hangup"


class Outcome(StrEnum):
    """What became of a call."""

    ANSWERED = "answered"
    FORWARDED = "forwarded"
    CALL_BACK = "call_back"
    NOT_FOUND = "not_found"

    @property
    def label(self) -> str:
        """As staff reads it."""
        return _LABELS[self]


_LABELS = {
    Outcome.ANSWERED: "Đã trả lời",
    Outcome.FORWARDED: "Chuyển cơ quan khác",
    Outcome.CALL_BACK: "Hẹn gọi lại",
    Outcome.NOT_FOUND: "Không tìm thấy câu trả lời",
}


class CallRow(Base):
    """One call. ``phone`` is sealed, ``phone_key`` a keyed hash of it; ``call_id`` is the telephone system's."""

    __tablename__ = "hotline_call"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    call_id: Mapped[str | None] = mapped_column(String(120), unique=True)
    extension: Mapped[str | None] = mapped_column(String(20), index=True)
    agent: Mapped[str | None] = mapped_column(String(60), index=True)
    state: Mapped[str] = mapped_column(String(10), index=True)
    started_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
    answered_at: Mapped[dt.datetime | None] = mapped_column(DateTime)
    ended_at: Mapped[dt.datetime | None] = mapped_column(DateTime)
    phone: Mapped[str | None] = mapped_column(Text)
    phone_key: Mapped[str | None] = mapped_column(String(64), index=True)
    field: Mapped[str | None] = mapped_column(String(200))
    procedure_code: Mapped[str | None] = mapped_column(String(40))
    outcome: Mapped[str | None] = mapped_column(String(12))
    note: Mapped[str | None] = mapped_column(Text)
    follow_up_on: Mapped[dt.date | None] = mapped_column(Date, index=True)
    followed_up_at: Mapped[dt.datetime | None] = mapped_column(DateTime)
    logged_at: Mapped[dt.datetime | None] = mapped_column(DateTime)


class SeatRow(Base):
    """Which agent sits at an extension."""

    __tablename__ = "hotline_seat"
    extension: Mapped[str] = mapped_column(String(20), primary_key=True)
    agent: Mapped[str] = mapped_column(String(60), unique=True)


@dataclass(frozen=True)
class Call:
    """A call as staff sees it. ``phone`` is masked (``09••• •••21``), None where the number is gone or unknown."""

    id: int
    state: State
    extension: str | None
    agent: str | None
    started_at: dt.datetime
    answered_at: dt.datetime | None
    ended_at: dt.datetime | None
    phone: str | None = part(repr=False)
    field: str | None
    procedure_code: str | None
    outcome: Outcome | None
    note: str | None = part(repr=False)
    follow_up_on: dt.date | None
    followed_up_at: dt.datetime | None


@dataclass(frozen=True)
class Written:
    """What an agent writes about a call."""

    outcome: Outcome
    field: str | None = None
    procedure_code: str | None = None
    note: str = part(default="", repr=False)
    follow_up_on: dt.date | None = None


class CallBook:
    """The table of calls. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
        key: the installation's secret key.
    """

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine = engine
        self._sealer, self._keys = Sealer(key, "hotline"), Pseudonyms(key, "hotline")
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    # -- from the telephone system -------------------------------------------------------------

    def tell(
        self, call_id: str, event: Event, extension: str, phone: str | None = None, now: dt.datetime | None = None
    ) -> None:
        """Take in what happened to a call; told twice or in another order, it comes to the same.

        Args:
            call_id: the telephone system's name for the call.
            event: what happened.
            extension: where it rings, or who took it.
            phone: the caller's number, where it is known.
            now: Vietnam's time, naive.
        """
        now = now or vietnam_now()
        first = {
            "call_id": call_id,
            "extension": extension,
            "state": State.RINGING,
            "started_at": now,
            **self._kept(phone),
        }
        insert = self._insert(CallRow).values(first).on_conflict_do_nothing(index_elements=["call_id"])
        seat = select(SeatRow.agent).where(SeatRow.extension == extension).scalar_subquery()
        which = CallRow.call_id == call_id
        with self._engine.begin() as connection:
            connection.execute(insert)
            match event:
                case Event.ANSWERED:
                    taken = update(CallRow).where(which, CallRow.answered_at.is_(None), CallRow.agent.is_(None))
                    connection.execute(taken.values(answered_at=now, extension=extension, agent=seat))
                    opened = and_(
                        which, CallRow.state.in_([State.RINGING, State.MISSED]), CallRow.answered_at.is_not(None)
                    )
                    connection.execute(update(CallRow).where(opened).values(state=State.OPEN))
                case Event.HANGUP:
                    connection.execute(update(CallRow).where(which, CallRow.ended_at.is_(None)).values(ended_at=now))
                    missed = and_(which, CallRow.state == State.RINGING)
                    connection.execute(update(CallRow).where(missed).values(state=State.MISSED))
                case Event.RINGING:
                    unknown = and_(which, CallRow.phone.is_(None), CallRow.state.in_([State.RINGING, State.OPEN]))
                    if phone:
                        connection.execute(update(CallRow).where(unknown).values(self._kept(phone)))

    # -- for an agent --------------------------------------------------------------------------

    def sit(self, agent: str, extension: str | None) -> None:
        """Say at which extension an agent sits from now on, instead of whoever sat there; None: at none."""
        with self._engine.begin() as connection:
            gone = or_(SeatRow.agent == agent, SeatRow.extension == (extension or ""))
            connection.execute(delete(SeatRow).where(gone))
            if extension:
                row = {"extension": extension, "agent": agent}
                same = self._insert(SeatRow).values(row).on_conflict_do_nothing()
                connection.execute(same)

    def seat(self, agent: str) -> str | None:
        """The extension at which an agent sits."""
        with self._engine.connect() as connection:
            return connection.execute(select(SeatRow.extension).where(SeatRow.agent == agent)).scalar_one_or_none()

    def begin(self, agent: str, phone: str | None = None, now: dt.datetime | None = None) -> int:
        """Open a call by hand, where no telephone system tells of it; returns its id."""
        now = now or vietnam_now()
        row = {"agent": agent, "state": State.OPEN, "started_at": now, "answered_at": now, **self._kept(phone)}
        with self._engine.begin() as connection:
            return connection.execute(self._insert(CallRow).values(row).returning(CallRow.id)).scalar_one()

    def take(self, id: int, agent: str, now: dt.datetime | None = None) -> bool:
        """Take a call that rings or was missed; of two who try one gets it, and who has it keeps it."""
        now = now or vietnam_now()
        free = and_(CallRow.state.in_([State.RINGING, State.MISSED]), CallRow.agent.is_(None))
        mine = and_(CallRow.state == State.OPEN, or_(CallRow.agent.is_(None), CallRow.agent == agent))
        values = {"state": State.OPEN, "agent": agent, "answered_at": func.coalesce(CallRow.answered_at, now)}
        with self._engine.begin() as connection:
            return (
                connection.execute(update(CallRow).where(CallRow.id == id, or_(free, mine)).values(values)).rowcount
                == 1
            )

    def write(self, id: int, agent: str, written: Written, now: dt.datetime | None = None) -> bool:
        """Write a call up; until the day's end it may be written anew. False where this agent has no such call.

        The note is kept without personal data. The number stays only where a day is named to come back to it.
        """
        now = now or vietnam_now()
        again = and_(CallRow.state == State.LOGGED, CallRow.logged_at >= dt.datetime.combine(now.date(), dt.time()))
        mine = and_(CallRow.id == id, CallRow.agent == agent, or_(CallRow.state == State.OPEN, again))
        values: dict[str, Any] = {
            "state": State.LOGGED,
            "outcome": written.outcome,
            "field": written.field,
            "procedure_code": written.procedure_code,
            "note": scrub(written.note) or None,
            "follow_up_on": written.follow_up_on,
            "followed_up_at": None,
            "logged_at": now,
            "ended_at": func.coalesce(CallRow.ended_at, now),
        }
        if written.follow_up_on is None:
            values |= _FORGOTTEN
        with self._engine.begin() as connection:
            return connection.execute(update(CallRow).where(mine).values(values)).rowcount == 1

    def phone(self, id: int) -> str | None:
        """The caller's number, while it is kept.

        Raises:
            actions.sealing.SealBrokenError: it was kept under another installation key.
        """
        with self._engine.connect() as connection:
            sealed = connection.execute(select(CallRow.phone).where(CallRow.id == id)).scalar_one_or_none()
        return self._sealer.open(sealed) if sealed else None

    def follow_up_done(self, id: int, now: dt.datetime | None = None) -> bool:
        """What was promised is done, or a missed call needs nothing more: the number is removed."""
        now = now or vietnam_now()
        promised = and_(CallRow.follow_up_on.is_not(None), CallRow.followed_up_at.is_(None))
        missed = and_(CallRow.state == State.MISSED, CallRow.followed_up_at.is_(None))
        done = update(CallRow).where(CallRow.id == id, or_(promised, missed))
        with self._engine.begin() as connection:
            return connection.execute(done.values(_FORGOTTEN | {"followed_up_at": now})).rowcount == 1

    # -- lists ---------------------------------------------------------------------------------

    def ringing(self, agent: str, now: dt.datetime | None = None) -> list[Call]:
        """Calls that ring at this agent's extension, or at one where nobody sits; answered ones that nobody has, too."""
        now = now or vietnam_now()
        seats = select(SeatRow.extension)
        mine = CallRow.extension.in_(seats.where(SeatRow.agent == agent))
        nobodys = or_(CallRow.extension.not_in(seats), CallRow.extension.is_(None))
        rings = and_(CallRow.state == State.RINGING, CallRow.started_at > now - dt.timedelta(seconds=RINGS_S))
        unheld = and_(CallRow.state == State.OPEN, CallRow.agent.is_(None), CallRow.ended_at.is_(None))
        recent = CallRow.started_at > now - dt.timedelta(hours=OPEN_HOURS)
        return self._calls(or_(rings, and_(unheld, recent)), or_(mine, nobodys))

    def current(self, agent: str) -> Call | None:
        """The call that this agent has and has not written up, the latest."""
        found = self._calls(CallRow.state == State.OPEN, CallRow.agent == agent, limit=1)
        return found[0] if found else None

    def of_day(self, day: dt.date, agent: str | None = None) -> list[Call]:
        """The calls of a day, of one agent or of all, the latest first."""
        mine = [CallRow.agent == agent] if agent else []
        return self._calls(*_between(day, day), *mine)

    def due(self, now: dt.datetime | None = None) -> list[Call]:
        """What is to be done until today: promised, or missed; whoever promised it."""
        now = now or vietnam_now()
        promised = and_(CallRow.follow_up_on <= now.date(), CallRow.followed_up_at.is_(None))
        return self._calls(or_(promised, self._missed(now)))

    def due_count(self, now: dt.datetime | None = None) -> int:
        """How many :meth:`due` would list."""
        now = now or vietnam_now()
        promised = and_(CallRow.follow_up_on <= now.date(), CallRow.followed_up_at.is_(None))
        with self._engine.connect() as connection:
            query = select(func.count()).select_from(CallRow).where(or_(promised, self._missed(now)))
            return connection.execute(query).scalar_one()

    def promised_to(self, id: int) -> Call | None:
        """Another call from the same number of which something promised is open."""
        key = select(CallRow.phone_key).where(CallRow.id == id).scalar_subquery()
        open_ = and_(CallRow.follow_up_on.is_not(None), CallRow.followed_up_at.is_(None))
        found = self._calls(CallRow.phone_key == key, CallRow.id != id, open_, limit=1)
        return found[0] if found else None

    # -- for reports ---------------------------------------------------------------------------

    def between(self, first: dt.date, last: dt.date) -> Iterator[Call]:
        """All calls of these days, in order, without numbers."""
        query = select(CallRow.__table__).where(*_between(first, last)).order_by(CallRow.id)
        with self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=500).execute(query).mappings():
                yield _call(row, None)

    def figures(self, first: dt.date, last: dt.date) -> dict[dt.date, dict[str, int]]:
        """How many calls each day had, by outcome; ``missed`` and ``open`` are those without one."""
        day = func.date(CallRow.started_at)
        what = func.coalesce(CallRow.outcome, CallRow.state)
        query = select(day, what, func.count()).where(*_between(first, last)).group_by(day, what).order_by(day)
        found: dict[dt.date, dict[str, int]] = {}
        with self._engine.connect() as connection:
            for on, name, number in connection.execute(query):
                counts = found.setdefault(on if isinstance(on, dt.date) else dt.date.fromisoformat(on), {})
                counts["open" if name == State.RINGING else name] = number
        return found

    # -- keeping house -------------------------------------------------------------------------

    def sweep(self, keep_days: int, now: dt.datetime | None = None) -> int:
        """End what nobody ended, forget numbers that are not needed, remove calls after ``keep_days``.

        Returns:
            How many calls were removed.
        """
        now = now or vietnam_now()
        rang = and_(CallRow.state == State.RINGING, CallRow.started_at < now - dt.timedelta(seconds=RINGS_S))
        waiting = and_(
            CallRow.follow_up_on > now.date() - dt.timedelta(days=MISSED_DAYS), CallRow.followed_up_at.is_(None)
        )
        talking = and_(CallRow.state == State.OPEN, CallRow.started_at > now - dt.timedelta(hours=OPEN_HOURS))
        needed = or_(waiting, talking, CallRow.state == State.RINGING, self._missed(now))
        stale = and_(CallRow.phone.is_not(None), ~func.coalesce(needed, False))
        old = CallRow.started_at < now - dt.timedelta(days=keep_days)
        with self._engine.begin() as connection:
            connection.execute(update(CallRow).where(rang).values(state=State.MISSED))
            connection.execute(update(CallRow).where(stale).values(_FORGOTTEN))
            return connection.execute(delete(CallRow).where(old)).rowcount

    def _kept(self, phone: str | None) -> dict[str, Any]:
        return {"phone": self._sealer.seal(phone), "phone_key": self._keys.of(phone)} if phone else {}

    @staticmethod
    def _missed(now: dt.datetime) -> Any:
        recent = CallRow.started_at > now - dt.timedelta(days=MISSED_DAYS)
        return and_(CallRow.state == State.MISSED, CallRow.followed_up_at.is_(None), recent)

    def _calls(self, *which: Any, limit: int = _LIST) -> list[Call]:
        query = select(CallRow.__table__).where(*which).order_by(CallRow.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [_call(row, self._masked(row["phone"])) for row in rows]

    def _masked(self, sealed: str | None) -> str | None:
        try:
            return masked(self._sealer.open(sealed)) if sealed else None
        except SealBrokenError:  # kept under another key: nobody can call back, but the call is still one
            return None


_FORGOTTEN = {"phone": null(), "phone_key": null()}


def masked(phone: str) -> str:
    """A number as it may stand on a screen: ``0912345678`` → ``09••••••78``."""
    return f"{phone[:2]}{'•' * max(0, len(phone) - 4)}{phone[-2:]}" if len(phone) > 4 else "•" * len(phone)


def number(text: str | None) -> str | None:
    """A telephone number's digits, None where it is none ("anonymous").

    Vietnam's own come with 0: ``+84912345678`` → ``0912345678``.
    """
    digits = "".join(c for c in text or "" if c.isascii() and c.isdigit())
    if digits.startswith("84") and len(digits) in (11, 12):
        digits = "0" + digits[2:]
    return digits if 3 <= len(digits) <= 15 else None


def _between(first: dt.date, last: dt.date) -> list[Any]:
    start, end = dt.datetime.combine(first, dt.time()), dt.datetime.combine(last + dt.timedelta(days=1), dt.time())
    return [CallRow.started_at >= start, CallRow.started_at < end]


def _call(row: Any, phone: str | None) -> Call:
    return Call(
        id=row["id"],
        state=State(row["state"]),
        extension=row["extension"],
        agent=row["agent"],
        started_at=row["started_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        phone=phone,
        field=row["field"],
        procedure_code=row["procedure_code"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        note=row["note"],
        follow_up_on=row["follow_up_on"],
        followed_up_at=row["followed_up_at"],
    )
