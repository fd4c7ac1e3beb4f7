"""Sessions of signed-in staff: a random id in a cookie, its hash in the database.

Who gets the database cannot use the sessions in it. A session ends when nobody has used it for a while, after some
hours in any case, at sign-out, and when the account changes. Times are Vietnam's, naive.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable

from sqlalchemy import Engine, delete, insert, or_, select, update

from actions.dossiers.reading import vietnam_now
from connectors.staff.roles import Member, Role
from connectors.staff.tables import StaffAccount, StaffSession

_SEEN_EVERY = dt.timedelta(seconds=60)
"""How exactly "last used" is kept: not every request writes."""


class Sessions:
    """The table of sessions. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
        idle: how long a session lives without being used.
        longest: how long it lives at all.
        clock: Vietnam's time, naive.
    """

    def __init__(
        self,
        engine: Engine,
        idle: dt.timedelta,
        longest: dt.timedelta,
        clock: Callable[[], dt.datetime] = vietnam_now,
    ) -> None:
        self._engine, self._idle, self._longest, self._clock = engine, idle, longest, clock

    def start(self, account: StaffAccount, new_hash: str | None = None) -> str | None:
        """A new session, and the note of the day that the account signed in.

        Args:
            account: as it was when its password was looked at.
            new_hash: to store in place of the password's hash, where that was made anew.

        Returns:
            The session's id, which is stored nowhere else; None where the account was changed meanwhile.
        """
        token, now = secrets.token_urlsafe(32), self._clock()
        values: dict[str, object] = {"last_sign_in": now.date()}
        if new_hash:
            values["password_hash"] = new_hash
        unchanged = (
            StaffAccount.id == account.id,
            StaffAccount.password_hash == account.password_hash,
            StaffAccount.disabled.is_(False),
        )
        session = {
            "id_hash": _hash(token),
            "account_id": account.id,
            "created_at": now,
            "seen_at": now,
            "expires_at": now + self._longest,
        }
        with self._engine.begin() as connection:
            # The update locks the row, so that whoever changes the account ends this session, too.
            if connection.execute(update(StaffAccount).where(*unchanged).values(values)).rowcount == 0:
                return None
            connection.execute(insert(StaffSession).values(session))
        return token

    def find(self, token: str, *, active: bool = True) -> Member | None:
        """Whose session this is; None where there is none or it has ended.

        Args:
            token: the id, as the browser gave it.
            active: a person used it just now, which keeps it from ending.
        """
        now, id_hash = self._clock(), _hash(token)
        query = (
            select(StaffSession.seen_at, StaffAccount.name, StaffAccount.display, StaffAccount.role)
            .join(StaffAccount, StaffAccount.id == StaffSession.account_id)
            .where(
                StaffSession.id_hash == id_hash,
                StaffSession.expires_at > now,
                StaffSession.seen_at > now - self._idle,
                StaffAccount.disabled.is_(False),
            )
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        if active and now - row.seen_at >= _SEEN_EVERY:
            with self._engine.begin() as connection:
                connection.execute(update(StaffSession).where(StaffSession.id_hash == id_hash).values(seen_at=now))
        return Member(row.name, row.display, Role(row.role))

    def end(self, token: str) -> None:
        """End one session."""
        with self._engine.begin() as connection:
            connection.execute(delete(StaffSession).where(StaffSession.id_hash == _hash(token)))

    def sweep(self) -> int:
        """Remove sessions that have ended; returns how many."""
        now = self._clock()
        over = or_(StaffSession.expires_at <= now, StaffSession.seen_at <= now - self._idle)
        with self._engine.begin() as connection:
            return connection.execute(delete(StaffSession).where(over)).rowcount


def _hash(token: str) -> str:
    # The id is 256 random bits, so a plain fast hash is enough.
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
