"""Lock-out: after some failed sign-ins of one account, or from one address, the next ones must wait, longer each time.

A try is counted as failed *before* the password is looked at, in one atomic statement, and forgotten when it was
right: tries at the same time, from any number of processes, do not get past the limit. Names that no account has are
counted the same way, so that waiting tells nothing about who has an account. Keys are keyed hashes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Engine, Integer, String, case, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.keys import Pseudonyms
from actions.dossiers.tries import network
from knowledge.database import Base


class StaffTry(Base):
    """Failed tries since the last right one; seconds since 1970. ``locked_until`` is 0 while nobody has to wait."""

    __tablename__ = "staff_try"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    locked_until: Mapped[int] = mapped_column(BigInteger)
    forget_at: Mapped[int] = mapped_column(BigInteger, index=True)


@dataclass(frozen=True)
class Rule:
    """After ``free`` failures the first wait of ``first_s`` seconds, doubled by each further one up to ``longest_s``.

    A count is forgotten after ``forget_s`` seconds without a failure.
    """

    free: int
    first_s: int
    longest_s: int
    forget_s: int

    def waits(self) -> list[tuple[int, int]]:
        """Failures and the wait after them, the most failures first."""
        found, count, wait_s = [], self.free, self.first_s
        while wait_s < self.longest_s:
            found.append((count, wait_s))
            count, wait_s = count + 1, wait_s * 2
        return [(count, self.longest_s), *reversed(found)]


# An account's wait is at most a quarter of an hour, because anybody can bring it about; that leaves a guesser about a
# hundred tries a day. A whole office may share one address, so that an address has more.
PER_ACCOUNT = Rule(free=5, first_s=60, longest_s=900, forget_s=86_400)
PER_ADDRESS = Rule(free=30, first_s=60, longest_s=900, forget_s=3_600)


class Lockout:
    """Counts failed sign-ins in the installation's database.

    Args:
        engine: the database, migrated.
        key: the installation's secret key.
        clock: seconds since 1970.
    """

    def __init__(self, engine: Engine, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._engine, self._clock, self._pseudonyms = engine, clock, Pseudonyms(key, "staff-sign-in")
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def begin(self, name: str, address: str | None) -> int | None:
        """Count a try as failed.

        Args:
            name: the account's, normalised; no such account need exist.
            address: the network address it comes from, where known; IPv6 counts by its /64 network.

        Returns:
            None where the password may be looked at; else the seconds until the next try, and nothing is counted.
        """
        claims = [(self._account(name), PER_ACCOUNT)]
        if address:
            claims.append((self._pseudonyms.of("address", network(address)), PER_ADDRESS))
        claims.sort(key=lambda claim: claim[0])  # always in one order, so that two processes do not wait for each other
        now = int(self._clock())
        with self._engine.connect() as connection:
            for key, rule in claims:
                if connection.execute(self._counted(key, rule, now)).first() is None:
                    until = connection.execute(select(StaffTry.locked_until).where(StaffTry.key == key)).scalar_one()
                    connection.rollback()
                    return max(1, until - now)
            connection.commit()
        return None

    def clear(self, name: str) -> None:
        """Forget the account's failures, after a right sign-in. The address keeps its own: it may be a guesser's."""
        with self._engine.begin() as connection:
            connection.execute(delete(StaffTry).where(StaffTry.key == self._account(name)))

    def sweep(self) -> int:
        """Remove counts that are forgotten; returns how many."""
        with self._engine.begin() as connection:
            return connection.execute(delete(StaffTry).where(StaffTry.forget_at <= int(self._clock()))).rowcount

    def _account(self, name: str) -> str:
        return self._pseudonyms.of("account", name)

    def _counted(self, key: str, rule: Rule, now: int):  # type: ignore[no-untyped-def]
        """Count one more, and lock where the rule says so; returns no row, and counts nothing, while it is locked."""
        count = case((StaffTry.forget_at <= now, 1), else_=StaffTry.count + 1)
        lock = case(*((count >= failures, now + wait_s) for failures, wait_s in rule.waits()), else_=0)
        first = {"key": key, "count": 1, "locked_until": 0, "forget_at": now + rule.forget_s}
        return (
            self._insert(StaffTry)
            .values(first)
            .on_conflict_do_update(
                index_elements=["key"],
                set_={"count": count, "locked_until": lock, "forget_at": now + rule.forget_s},
                where=StaffTry.locked_until <= now,
            )
            .returning(StaffTry.key)
        )
