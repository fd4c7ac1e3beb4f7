"""Petitions (phản ánh, kiến nghị): what people complain of or propose, and what the office does about it in time.

Nobody's name, number or conversation is stored; who sent a petition finds it again by its number. The time limits are
those of the formula for the national index (QĐ 766/QĐ-TTg, component 5.2: ``../shared/facts/domain.md`` B2), counted in
working days. Times are Vietnam's, naive.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, DateTime, Engine, Integer, String, Text, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.working_days import add_working_days
from actions.feedback.responses import About
from actions.feedback.scrub import scrub
from knowledge.database import Base

TEXT_LENGTH = 4_000
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_RANDOM = 6
"""Random characters of a number: 900 million a day, so that trying out finds nobody's."""
_NUMBER = re.compile(
    rf"(?<![a-z0-9])pa[\s.\-–_]*(\d{{6}})[\s.\-–_]*([{_ALPHABET}]{{{_RANDOM}}})(?![a-z0-9])", re.IGNORECASE
)

LIMITS_SOURCE = "công thức Bộ chỉ số 766"


class Kind(StrEnum):
    """What a petition is. Complaints and denunciations (khiếu nại, tố cáo) are other procedures and not taken."""

    CONDUCT = "conduct"  # phản ánh hành vi
    DIFFICULTY = "difficulty"  # phản ánh khó khăn, vướng mắc
    PROPOSAL = "proposal"  # kiến nghị


class State(StrEnum):
    """How far the office has come."""

    RECEIVED = "received"  # mới tiếp nhận
    NEEDS_MORE = "needs_more"  # chờ bổ sung
    PROCESSING = "processing"  # đang xử lý
    ANSWERED = "answered"  # đã trả lời, chờ công khai
    PUBLISHED = "published"  # đã công khai
    REFUSED = "refused"  # từ chối tiếp nhận
    PASSED_ON = "passed_on"  # chuyển cơ quan có thẩm quyền


_NEXT: dict[State, tuple[State, ...]] = {
    State.RECEIVED: (State.PROCESSING, State.NEEDS_MORE, State.REFUSED, State.PASSED_ON),
    State.NEEDS_MORE: (State.PROCESSING, State.REFUSED, State.PASSED_ON),
    State.PROCESSING: (State.NEEDS_MORE,),
    State.ANSWERED: (),
    State.PUBLISHED: (),
    State.REFUSED: (),
    State.PASSED_ON: (),
}
"""States that an officer can set by :meth:`Petitions.change`; answering and publishing have methods of their own."""
CLOSED = (State.PUBLISHED, State.REFUSED, State.PASSED_ON)


class PetitionError(ValueError):
    """A change that is not possible; the message says why, in Vietnamese, for the officer."""


class PetitionRow(Base):
    """One petition; ``history`` holds every change with its time and note."""

    __tablename__ = "petition"
    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(String(20))
    commune: Mapped[str | None] = mapped_column(String(120))
    procedure_code: Mapped[str | None] = mapped_column(String(40))
    received_at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
    state: Mapped[str] = mapped_column(String(20))
    changed_at: Mapped[dt.datetime] = mapped_column(DateTime)
    history: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    answer: Mapped[str | None] = mapped_column(Text)
    satisfied: Mapped[int | None] = mapped_column(Integer)


@dataclass(frozen=True)
class Change:
    """One step; ``note`` is the officer's, shown to who asks by number."""

    state: State
    at: dt.datetime
    note: str = ""


@dataclass(frozen=True)
class Limits:
    """The last days for each step, by the formula of the 766 index."""

    refuse_by: dt.date
    ask_more_by: dt.date
    answer_by: dt.date

    @classmethod
    def of(cls, received: dt.date) -> Limits:
        return cls(*(add_working_days(received, days) for days in (2, 5, 15)))


@dataclass(frozen=True)
class Petition:
    """A stored petition. ``satisfied``: what its sender said of the answer."""

    number: str
    kind: Kind
    text: str = field(repr=False)
    channel: str
    commune: str | None
    procedure_code: str | None
    received_at: dt.datetime
    state: State
    changed_at: dt.datetime
    history: tuple[Change, ...]
    answer: str | None = None
    satisfied: bool | None = None

    @property
    def limits(self) -> Limits:
        return Limits.of(self.received_at.date())

    @property
    def due(self) -> dt.date | None:
        """By when the next step must be done: a first decision, the answer, publishing; None where nothing is left."""
        match self.state:
            case State.RECEIVED:
                return self.limits.refuse_by
            case State.NEEDS_MORE | State.PROCESSING:
                return self.limits.answer_by
            case State.ANSWERED:
                return add_working_days(self.changed_at.date(), 2)
            case _:
                return None

    def is_overdue(self, today: dt.date) -> bool:
        return self.due is not None and self.due < today


def new_number(today: dt.date) -> str:
    """A number for a petition of ``today``: its day, and random characters without look-alikes."""
    return f"PA-{today:%y%m%d}-{''.join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))}"


def find_number(text: str) -> str | None:
    """The petition's number in a message, normalised; None where there is none."""
    found = _NUMBER.search(text)
    return f"PA-{found[1]}-{found[2].upper()}" if found else None


class Petitions:
    """The table of petitions. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`; nothing is half done then.

    Args:
        engine: the installation's database, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    # -- the sender ---------------------------------------------------------------------------

    def submit(self, kind: Kind, text: str, about: About, now: dt.datetime, number: str | None = None) -> Petition:
        """Store a petition; personal data is taken out of its words.

        Args:
            kind: what it is.
            text: the sender's words.
            about: channel, commune and procedure.
            now: when it came.
            number: from :func:`new_number`; the same number twice stores one petition.

        Raises:
            ValueError: there are no words.
        """
        words = scrub(text).strip()[:TEXT_LENGTH]
        if not words:
            raise ValueError("a petition needs words")
        row = {
            "number": number or new_number(now.date()), "kind": kind, "text": words, "channel": about.channel,
            "commune": about.commune, "procedure_code": about.procedure_code, "received_at": now,
            "state": State.RECEIVED, "changed_at": now, "history": [_change(State.RECEIVED, now)],
        }  # fmt: skip
        with self._engine.begin() as connection:
            connection.execute(self._insert(PetitionRow).values(row).on_conflict_do_nothing())
            query = select(PetitionRow.__table__).where(PetitionRow.number == row["number"])
            return _petition(connection.execute(query).mappings().one())

    def find(self, number: str) -> Petition | None:
        """The petition with this number, as :func:`find_number` gives it."""
        query = select(PetitionRow.__table__).where(PetitionRow.number == number)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return _petition(row) if row else None

    def add_words(self, number: str, text: str, now: dt.datetime) -> Petition:
        """The sender adds what the office asked for; the petition is worked on again.

        Raises:
            PetitionError: nothing was asked for.
        """

        def added(petition: Petition) -> dict[str, Any]:
            if petition.state is not State.NEEDS_MORE:
                raise PetitionError("Phản ánh này hiện không chờ bổ sung.")
            words = f"{petition.text}\n[Bổ sung {now:%d/%m/%Y}] {scrub(text).strip()}"[:TEXT_LENGTH]
            return {"text": words, **_moved(petition, State.PROCESSING, now, "Người gửi đã bổ sung.")}

        return self._update(number, added)

    def rate(self, number: str, satisfied: bool) -> Petition:
        """What the sender says of the answer.

        Raises:
            PetitionError: it has none.
        """

        def rated(petition: Petition) -> dict[str, Any]:
            if petition.answer is None:
                raise PetitionError("Phản ánh này chưa có trả lời.")
            return {"satisfied": int(satisfied)}

        return self._update(number, rated)

    # -- the office ---------------------------------------------------------------------------

    def listed(self, *states: State, today: dt.date) -> list[Petition]:
        """Petitions in these states (none given: all that are open), overdue ones first, then by due day."""
        wanted = states or tuple(state for state in State if state not in CLOSED)
        query = select(PetitionRow.__table__).where(PetitionRow.state.in_(wanted))
        with self._engine.connect() as connection:
            found = [_petition(row) for row in connection.execute(query).mappings()]
        far = dt.date.max
        return sorted(found, key=lambda p: (not p.is_overdue(today), p.due or far, p.received_at, p.number))

    def received(self, since: dt.date, until: dt.date) -> list[Petition]:
        """Petitions that came on the days from ``since`` to ``until``, both included, for reports."""
        first, last = dt.datetime.combine(since, dt.time()), dt.datetime.combine(until, dt.time.max)
        query = select(PetitionRow.__table__).where(PetitionRow.received_at.between(first, last))
        with self._engine.connect() as connection:
            return [_petition(row) for row in connection.execute(query.order_by(PetitionRow.number)).mappings()]

    def change(self, number: str, state: State, now: dt.datetime, note: str = "") -> Petition:
        """Move a petition on.

        Raises:
            PetitionError: there is none, or it cannot get there from where it is; a refusal, passing on and asking for
                more need a note that the sender can understand.
        """

        def changed(petition: Petition) -> dict[str, Any]:
            if state not in _NEXT[petition.state]:
                raise PetitionError("Không thể chuyển sang trạng thái này.")
            if state is not State.PROCESSING and not note.strip():
                raise PetitionError("Cần ghi lý do hoặc nội dung để người gửi biết.")
            return _moved(petition, state, now, note)

        return self._update(number, changed)

    def answer(self, number: str, text: str, now: dt.datetime) -> Petition:
        """Answer a petition, or correct the answer before it is published.

        Raises:
            PetitionError: there is none, it is closed, or the answer is empty.
        """

        def answered(petition: Petition) -> dict[str, Any]:
            if petition.state in CLOSED:
                raise PetitionError("Phản ánh này đã kết thúc.")
            if not text.strip():
                raise PetitionError("Nội dung trả lời đang trống.")
            moved = {} if petition.state is State.ANSWERED else _moved(petition, State.ANSWERED, now, "")
            return {"answer": text.strip()[:TEXT_LENGTH], **moved}

        return self._update(number, answered)

    def publish(self, number: str, now: dt.datetime) -> Petition:
        """Make an answer public.

        Raises:
            PetitionError: there is none to publish.
        """

        def published(petition: Petition) -> dict[str, Any]:
            if petition.state is not State.ANSWERED:
                raise PetitionError("Chỉ công khai được phản ánh đã trả lời.")
            return _moved(petition, State.PUBLISHED, now, "")

        return self._update(number, published)

    def _update(self, number: str, change: Any) -> Petition:
        mine = PetitionRow.number == number
        with self._engine.begin() as connection:
            # Writing first takes SQLite's only write lock and PostgreSQL's lock on the row.
            lock = update(PetitionRow).where(mine).values(number=number).returning(*PetitionRow.__table__.c)
            row = connection.execute(lock).mappings().first()
            if row is None:
                raise PetitionError("Không có phản ánh mang số này.")
            values = change(_petition(row))
            done = update(PetitionRow).where(mine).values(values).returning(*PetitionRow.__table__.c)
            return _petition(connection.execute(done).mappings().one())


def _moved(petition: Petition, state: State, now: dt.datetime, note: str) -> dict[str, Any]:
    steps = [_change(step.state, step.at, step.note) for step in petition.history]
    return {"state": state, "changed_at": now, "history": [*steps, _change(state, now, note.strip()[:TEXT_LENGTH])]}


def _change(state: State, at: dt.datetime, note: str = "") -> dict[str, str]:
    return {"state": state, "at": at.isoformat(timespec="seconds"), "note": note}


def _petition(row: Any) -> Petition:
    steps: Sequence[dict[str, str]] = row["history"]
    history = tuple(Change(State(s["state"]), dt.datetime.fromisoformat(s["at"]), s["note"]) for s in steps)
    satisfied = None if row["satisfied"] is None else bool(row["satisfied"])
    values = dict(row) | {"history": history, "satisfied": satisfied}
    return Petition(**values | {"kind": Kind(row["kind"]), "state": State(row["state"])})
