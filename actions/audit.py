"""Who of the staff did what, when: look-ups of dossiers without the citizen's proof, sign-ins, changes of accounts.

An entry names the member of staff, never a citizen; of the dossier it holds a keyed hash of the code.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import DateTime, Engine, Integer, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from actions.dossiers.keys import Pseudonyms
from knowledge.catalogue import now
from knowledge.database import Base


class AuditEntry(Base):
    """One deed; ``at`` is UTC without zone. ``about`` is another staff account, where the deed was about one."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[dt.datetime] = mapped_column(DateTime, index=True)
    who: Mapped[str] = mapped_column(String(120), index=True)
    what: Mapped[str] = mapped_column(String(60))
    code_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    channel: Mapped[str] = mapped_column(String(20))
    about: Mapped[str | None] = mapped_column(String(120))


class Audit:
    """Writes and reads entries.

    Args:
        engine: the installation's database, migrated.
        key: the installation's secret key.
    """

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine, self._pseudonyms = engine, Pseudonyms(key, "audit")

    def record(
        self, *, who: str, what: str, channel: str, code: str | None = None, about: str | None = None
    ) -> None:
        """Keep that ``who`` (a staff account) did ``what``; returns once it is stored.

        Args:
            code: the dossier's normalised code, kept as a keyed hash only.
            about: the staff account that it was about, where that is not ``who``.
        """
        entry = AuditEntry(at=now(), who=who, what=what, code_hash=self._hash(code), channel=channel, about=about)
        with Session(self._engine) as session, session.begin():
            session.add(entry)

    def entries(self, *, who: str | None = None, code: str | None = None, limit: int = 100) -> list[AuditEntry]:
        """The newest entries first, of one member of staff or one dossier where given."""
        query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
        if who is not None:
            query = query.where(AuditEntry.who == who)
        if code is not None:
            query = query.where(AuditEntry.code_hash == self._hash(code))
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(query))

    def _hash(self, code: str | None) -> str | None:
        return self._pseudonyms.of(code) if code is not None else None
