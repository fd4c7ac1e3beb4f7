"""How many sheets a member of staff entered on a day: one audit entry that counts, so that no sheet has a time or a hand."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Engine, and_, select
from sqlalchemy.orm import Session

from actions.audit import AuditEntry

CHANNEL = "console"
_WHAT = "survey_sheets"


class Tally:
    """Counts of entered sheets. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, who: str, day: dt.date, sheets: int) -> None:
        """Count ``sheets`` more (or fewer) for the account ``who`` on the day of entry."""
        with Session(self._engine) as session, session.begin():
            entry = session.scalars(select(AuditEntry).where(self._of(who, day)).with_for_update()).first()
            count = max(0, (_count(entry) if entry else 0) + sheets)
            if entry is None:
                at = dt.datetime.combine(day, dt.time())
                session.add(AuditEntry(at=at, who=who, what=f"{_WHAT}:{count}", channel=CHANNEL))
            else:
                entry.what = f"{_WHAT}:{count}"

    def count(self, who: str, day: dt.date) -> int:
        """Sheets that ``who`` entered on that day."""
        with Session(self._engine) as session:
            return sum(map(_count, session.scalars(select(AuditEntry).where(self._of(who, day)))))

    def _of(self, who: str, day: dt.date):  # type: ignore[no-untyped-def]
        at = dt.datetime.combine(day, dt.time())
        return and_(AuditEntry.who == who, AuditEntry.at == at, AuditEntry.what.startswith(f"{_WHAT}:"))


def _count(entry: AuditEntry) -> int:
    return int(entry.what.partition(":")[2])
