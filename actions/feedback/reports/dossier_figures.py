"""What reports need to know of dossiers, read from the registry: dates by day, and nothing of any person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, and_, func, or_, select

from actions.dossiers.dossier import State
from actions.dossiers.registry import DossierRow
from actions.feedback.reports.periods import Period

NOT_ACCEPTED = frozenset({State.REGISTERED, State.NOT_ACCEPTED})
"""States of dossiers that were never accepted, and are in no table."""
_OVER = frozenset({State.WITHDRAWN, State.STOPPED, State.FINISHED, State.RETURNED})
_HELD = frozenset({State.SUPPLEMENT, State.PAYMENT, State.STOPPED})


@dataclass(frozen=True)
class Request:
    """One request for more papers; ``moved``: the system gave a new date of return for it."""

    asked: dt.date | None
    done: dt.date | None
    moved: bool


@dataclass(frozen=True)
class Case:
    """A dossier as reports count it."""

    state: State
    field: str
    channel: str
    received: dt.date | None
    due: dt.date | None
    ended: dt.date | None
    changed: dt.date | None
    requests: tuple[Request, ...] = ()

    @property
    def lacks_end(self) -> bool:
        """Whether the work is over, but no report said when. A stopped dossier may be without one."""
        return self.state in _OVER - {State.STOPPED} and self.ended is None

    def open_request(self, day: dt.date) -> Request | None:
        """The request for papers that is open at the end of ``day``."""
        waits = (r for r in self.requests if r.asked and r.asked <= day and (r.done is None or r.done > day))
        return next(waits, None)

    def is_held(self, day: dt.date) -> bool:
        """Whether the clock stands still at the end of ``day``: papers or a payment are awaited, or it was stopped.

        The registry keeps the last state only; that counts for ``day`` where nothing has happened since.
        """
        still_so = self.changed is None or self.changed <= day
        return (self.state in _HELD and still_so) or self.open_request(day) is not None

    def timing(self) -> str:
        """How an ended dossier stands to its date of return: ``early``, ``on_time`` or ``late``.

        By days. Without a date of return, and when withdrawn by the citizen, it is on time.
        """
        if self.state is State.WITHDRAWN or self.due is None or self.ended is None or self.ended == self.due:
            return "on_time"
        return "early" if self.ended < self.due else "late"


def cases(engine: Engine, period: Period) -> list[Case]:
    """Accepted dossiers that touch a period: received in it, open at its beginning, or ended in it. No made-up ones."""
    begin = dt.datetime.combine(period.since, dt.time())
    end = dt.datetime.combine(period.until, dt.time.max)
    row = DossierRow
    ended = func.coalesce(row.finished_at, row.returned_at)
    touching = or_(
        row.received_at.between(begin, end),
        ended.between(begin, end),
        and_(or_(row.received_at.is_(None), row.received_at < begin), or_(ended.is_(None), ended >= begin)),
    )
    query = select(*_COLUMNS).where(row.sample.is_(False), row.state.not_in(NOT_ACCEPTED), touching)
    with engine.connect() as connection:
        return [_case(found) for found in connection.execute(query).mappings()]


_COLUMNS = (
    DossierRow.state, DossierRow.field, DossierRow.channel, DossierRow.received_at, DossierRow.due_at,
    DossierRow.finished_at, DossierRow.returned_at, DossierRow.updated_at, DossierRow.supplements,
)  # fmt: skip


def _case(row: Mapping[str, Any]) -> Case:
    state = State(row["state"])
    ended = row["finished_at"] or row["returned_at"]
    if ended is None and state is State.WITHDRAWN:
        ended = row["updated_at"]  # nothing happens to it afterwards
    requests = row["supplements"] or []
    moved = [dt.datetime.fromisoformat(r["due_after"]) for r in requests if r.get("due_after")]
    due = row["due_at"] or (moved[-1] if moved else None)
    return Case(
        state=state,
        field=row["field"] or "",
        channel=row["channel"] or "in_person",  # the sync protocol's rule: nothing said counts as in person
        received=_day(row["received_at"]),
        due=_day(due),
        ended=_day(ended),
        changed=_day(row["updated_at"]),
        requests=tuple(
            Request(_day_of(r.get("asked_at")), _day_of(r.get("done_at")), bool(r.get("due_after"))) for r in requests
        ),
    )


def _day(moment: dt.datetime | None) -> dt.date | None:
    return moment.date() if moment else None


def _day_of(text: str | None) -> dt.date | None:
    return dt.datetime.fromisoformat(text).date() if text else None
