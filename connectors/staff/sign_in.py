"""Signing in: the password, the lock-out, the session, the audit, in one order.

Unknown names, disabled accounts and wrong passwords get the same answer after the same work.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Engine

from actions.audit import Audit
from actions.dossiers.keys import purpose_key
from actions.secret_key import installation_key
from connectors.staff import passwords
from connectors.staff.accounts import AccountError, Accounts, account_name
from connectors.staff.lockout import Lockout
from connectors.staff.oidc import Identity, Provider
from connectors.staff.roles import Role
from connectors.staff.sessions import Sessions
from connectors.staff.tables import MAX_DISPLAY, StaffAccount
from knowledge.settings import Settings

CHANNEL = "console"
UNKNOWN = "?"
"""Stands in the audit for a name that no account has: what was typed may be anything, even a password."""

hashing = ThreadPoolExecutor(2, thread_name_prefix="sign-in")
"""For whatever hashes a password: each takes 64 MiB and a core, so only two at once; no other work waits for it."""


@dataclass(frozen=True)
class SignedIn:
    """Right: ``token`` is the new session's id."""

    token: str
    account: StaffAccount


@dataclass(frozen=True)
class Refused:
    """Name or password are wrong, or the account is disabled: which is not told."""


@dataclass(frozen=True)
class Locked:
    """Too many failures; may be tried again after ``retry_after_s`` seconds."""

    retry_after_s: int


class Staff:
    """All that concerns members of staff in one running app.

    Args:
        engine: the installation's database, migrated.
        settings: the installation's.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        key = installation_key(settings.home)
        idle = dt.timedelta(minutes=settings.staff_idle_minutes)
        self.accounts = Accounts(engine)
        self.sessions = Sessions(engine, idle, dt.timedelta(hours=settings.staff_session_hours))
        self.lockout = Lockout(engine, key)
        self.audit = Audit(engine, key)
        oidc = bool(settings.staff_oidc_issuer)
        self.provider = Provider(settings, purpose_key(key, "staff-oidc-state")) if oidc else None
        """The office's OpenID Connect provider, where there is one."""
        self._maps_roles = bool(settings.staff_oidc_roles)
        self._default_role = Role(settings.staff_oidc_default_role) if settings.staff_oidc_default_role else None
        self._csrf_key = purpose_key(key, "staff-csrf")

    def csrf_token(self, secret: str) -> str:
        """The token that forms must carry: a keyed hash of the session's id, so that it needs no storage.

        ``secret``: what only this browser has, in a cookie.
        """
        return hmac.new(self._csrf_key, secret.encode(errors="replace"), hashlib.sha256).hexdigest()

    def with_password(self, name: str, password: str, address: str | None) -> SignedIn | Refused | Locked:
        """Sign in by name and password. Takes a good part of a second; run it in :data:`hashing`.

        Args:
            name: as it was typed.
            password: as it was typed.
            address: the network address that it comes from, where known.
        """
        try:
            name = account_name(name)
        except AccountError:
            name = UNKNOWN
        wait_s = self.lockout.begin(name, address)
        if wait_s is not None:  # not noted: the failures before it are, and a flood must not fill the audit
            return Locked(wait_s)
        account = self.accounts.get(name)
        right = passwords.matches(account.password_hash if account else None, password)
        token = self._start(account, password) if account and right else None
        if account is None or token is None:
            self._note(account, "sign_in_failed")
            return Refused()
        self.lockout.clear(name)
        self._note(account, "sign_in")
        self._sweep()
        return SignedIn(token, account)

    def with_identity(self, identity: Identity) -> SignedIn | Refused:
        """Sign in whom the OIDC provider vouches for.

        An account must have the subject already, unless the settings have a role for new ones. Where roles are mapped
        from a claim, the provider decides at every sign-in: the account's role follows, and who has none is refused.
        """
        account = self.accounts.by_subject(identity.subject)
        role = identity.role or (self._default_role if self._maps_roles or account is None else None)
        if (account is None and self._default_role is None) or (self._maps_roles and role is None):
            self._note(account, "sign_in_failed")
            return Refused()
        if account is None:
            assert role
            account = self._add(identity, role)
        elif role and role != account.role:
            self.change_role(account, role, account.name, "oidc")
        token = self.sessions.start(account)
        self._note(account, "sign_in_oidc" if token else "sign_in_failed")
        return SignedIn(token, account) if token else Refused()

    def _add(self, identity: Identity, role: Role) -> StaffAccount:
        """A new account. A name that is taken is somebody else's, so it must not decide who this is."""
        short = "oidc-" + hashlib.sha256(identity.subject.encode()).hexdigest()[:12]
        display = "".join(c for c in identity.display if c.isprintable())[:MAX_DISPLAY]
        for name in (identity.name, short):
            with suppress(AccountError):
                account = self.accounts.add(name, role, display=display, oidc_subject=identity.subject)
                self.audit.record(who=account.name, what=f"account_added:{role}", channel="oidc")
                return account
        account = self.accounts.by_subject(identity.subject)  # somebody who signed in twice at the same moment
        assert account
        return account

    def change_password(self, account: StaffAccount, password: str, who: str, channel: str) -> None:
        """Set a new password, which ends the account's sessions, and note it.

        Raises:
            WeakPasswordError: see :func:`connectors.staff.passwords.check_new`.
        """
        self.accounts.set_password(account, password)
        self.lockout.clear(account.name)
        self.audit.record(who=who, what="password_changed", channel=channel, about=account.name)

    def change_role(self, account: StaffAccount, role: Role, who: str, channel: str) -> None:
        """Give an account another role, which ends its sessions, and note it."""
        self.accounts.set_role(account, role)
        self.audit.record(who=who, what=f"role_changed:{account.role}>{role}", channel=channel, about=account.name)

    def _start(self, account: StaffAccount, password: str) -> str | None:
        """A session after the right password, which is hashed anew where that is due; None where it is disabled."""
        outdated = passwords.is_outdated(account.password_hash or "")
        return self.sessions.start(account, passwords.hashed(password) if outdated else None)

    def _note(self, account: StaffAccount | None, what: str) -> None:
        self.audit.record(who=account.name if account else UNKNOWN, what=what, channel=CHANNEL)

    def _sweep(self) -> None:
        self.sessions.sweep()
        self.lockout.sweep()
