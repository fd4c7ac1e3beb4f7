"""Accounts of staff.

Whatever changes what an account may do (password, role, disabled) ends all its sessions in the same transaction.
Times are Vietnam's, naive.
"""

from __future__ import annotations

import re
import unicodedata

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from actions.dossiers.reading import vietnam_now
from connectors.staff import passwords
from connectors.staff.roles import Role
from connectors.staff.tables import MAX_DISPLAY, StaffAccount, StaffSession

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,59}")


class AccountError(ValueError):
    """An account cannot be made or changed so; the text says why, for operators."""


def account_name(text: str) -> str:
    """The name as accounts have it: lower case, 2 to 60 of a–z, 0–9, ``. _ @ -``.

    Raises:
        AccountError: it cannot be one.
    """
    name = unicodedata.normalize("NFKC", text).strip().lower()
    if not _NAME.fullmatch(name):
        raise AccountError("a name has 2 to 60 characters: a-z, 0-9, . _ @ - (no accents, no spaces)")
    return name


class Accounts:
    """The table of accounts. Methods may raise :class:`sqlalchemy.exc.SQLAlchemyError`.

    Args:
        engine: the installation's database, migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self,
        name: str,
        role: Role,
        *,
        display: str = "",
        password: str | None = None,
        oidc_subject: str | None = None,
    ) -> StaffAccount:
        """Make an account.

        Args:
            name: to sign in with; see :func:`account_name`.
            role: what it may do.
            display: what people read; the name where empty.
            password: to sign in with, or None.
            oidc_subject: the provider's ``sub`` claim, to sign in through it, or None.

        Raises:
            AccountError: the name cannot be one or is taken, the subject is taken, there is no way to sign in.
            WeakPasswordError: see :func:`connectors.staff.passwords.check_new`.
        """
        name, display = account_name(name), display.strip()
        if len(display) > MAX_DISPLAY or not display.isprintable():
            raise AccountError(f"a display name has at most {MAX_DISPLAY} printable characters")
        if password is None and not oidc_subject:
            raise AccountError("an account needs a password or an OIDC subject")
        if password is not None:
            passwords.check_new(password, name, display)
        account = StaffAccount(
            name=name,
            display=display or name,
            role=role.value,
            password_hash=passwords.hashed(password) if password is not None else None,
            oidc_subject=oidc_subject or None,
            disabled=False,
            created_at=vietnam_now(),
        )
        try:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                session.add(account)
        except IntegrityError:
            raise AccountError("there is an account of this name or OIDC subject already") from None
        return account

    def get(self, name: str) -> StaffAccount | None:
        """The account of this name, in any spelling; None where there is none."""
        try:
            name = account_name(name)
        except AccountError:
            return None
        return self._one(StaffAccount.name == name)

    def by_subject(self, subject: str) -> StaffAccount | None:
        """The account that signs in as this OIDC subject."""
        return self._one(StaffAccount.oidc_subject == subject)

    def all(self) -> list[StaffAccount]:
        """Every account, by name."""
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(select(StaffAccount).order_by(StaffAccount.name)))

    def set_password(self, account: StaffAccount, password: str) -> None:
        """Give an account a new password and end its sessions.

        Raises:
            WeakPasswordError: see :func:`connectors.staff.passwords.check_new`.
        """
        passwords.check_new(password, account.name, account.display)
        self._change(account, {"password_hash": passwords.hashed(password)})

    def set_role(self, account: StaffAccount, role: Role) -> None:
        """Give an account another role and end its sessions."""
        self._change(account, {"role": role.value})

    def set_disabled(self, account: StaffAccount, disabled: bool) -> None:
        """Lock an account out for good and end its sessions, or let it in again."""
        self._change(account, {"disabled": disabled})

    def set_subject(self, account: StaffAccount, subject: str | None) -> None:
        """Let an account sign in as this OIDC subject, or no more, and end its sessions.

        Raises:
            AccountError: another account has this subject, or there would be no way to sign in.
        """
        if not subject and account.password_hash is None:
            raise AccountError("this account has no password; set one first")
        try:
            self._change(account, {"oidc_subject": subject or None})
        except IntegrityError:
            raise AccountError("another account has this OIDC subject") from None

    def _one(self, which) -> StaffAccount | None:  # type: ignore[no-untyped-def]
        with Session(self._engine, expire_on_commit=False) as session:
            return session.scalar(select(StaffAccount).where(which))

    def _change(self, account: StaffAccount, values: dict[str, object]) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(StaffAccount).where(StaffAccount.id == account.id).values(values))
            connection.execute(delete(StaffSession).where(StaffSession.account_id == account.id))
