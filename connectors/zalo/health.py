"""Counts for operators, shared by all processes: how webhook calls are signed, what is sent, what is refused.

Counts are gathered in the process and written every few seconds, so that they cost next to nothing; a process that is
killed loses those of its last seconds. They name kinds only, never people. Times are Vietnam's, naive.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import BigInteger, DateTime, Engine, String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.reading import vietnam_now
from knowledge.database import Base

logger = logging.getLogger(__name__)

GOOD, BAD, STALE, PROBE, MALFORMED = "signature:good:", "signature:bad", "signature:stale", "probe", "malformed"
_WRITE_EVERY_S = 2.0
_MOST_NAMES = 200
"""Different names that one process counts between two writes; Zalo's documentation has some sixty events."""


class CountRow(Base):
    """How often something happened, and when last."""

    __tablename__ = "zalo_count"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[dt.datetime] = mapped_column(DateTime)


@dataclass(frozen=True)
class Count:
    """How often something happened, and when last."""

    count: int
    last_at: dt.datetime


class Health:
    """The counts.

    Args:
        engine: the installation's database, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        self._gathered: Counter[str] = Counter()
        self._writing: asyncio.Task[None] | None = None

    def add(self, name: str) -> None:
        """Count one; in an event loop."""
        if name in self._gathered or len(self._gathered) < _MOST_NAMES:
            self._gathered[name[:60]] += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_later())

    async def close(self) -> None:
        """Write what was gathered."""
        if self._writing is not None:
            self._writing.cancel()
        await asyncio.to_thread(self.write)

    async def _write_later(self) -> None:
        await asyncio.sleep(_WRITE_EVERY_S)
        await asyncio.to_thread(self.write)

    def write(self) -> None:
        """Add what was gathered to the table; where that fails it is forgotten."""
        gathered, self._gathered = self._gathered, Counter()
        if not gathered:
            return
        now = vietnam_now()
        # Always in the same order, so that two processes do not wait for each other.
        rows = [{"name": name, "count": number, "last_at": now} for name, number in sorted(gathered.items())]
        statement = self._insert(CountRow).values(rows)
        changed = {"count": CountRow.count + statement.excluded.count, "last_at": statement.excluded.last_at}
        try:
            with self._engine.begin() as connection:
                connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))
        except SQLAlchemyError as error:
            logger.warning("Zalo's counts are not written: %s", type(error).__name__)

    def read(self) -> dict[str, Count]:
        """All counts by name, as far as they are written."""
        query = select(CountRow.name, CountRow.count, CountRow.last_at).order_by(CountRow.name)
        with self._engine.connect() as connection:
            return {name: Count(count, last_at) for name, count, last_at in connection.execute(query)}


def last_variant(counts: dict[str, Count]) -> str | None:
    """How the last good webhook call was signed: see :meth:`connectors.zalo.signature.Signer.variant`."""
    good = {name.removeprefix(GOOD): count.last_at for name, count in counts.items() if name.startswith(GOOD)}
    return max(good, key=lambda name: good[name]) if good else None
