"""A web conversation's session and the signed token that speaks for it.

The session id is an unguessable secret and names the conversation everywhere else. The token is what a browser holds: it is
signed with a key derived from the installation key, so every process of the installation can read it and none keeps it.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, field

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

_SALT = "motcua.web-session"
_BYTES = 24


class TokenError(Exception):
    """The token is forged, broken or of a session that is over."""


class TokenExpiredError(TokenError):
    """The token was ours and has run out; it can be renewed."""


@dataclass(frozen=True)
class Session:
    """A conversation of the web channel; ``opened_at`` in seconds since 1970."""

    id: str = field(repr=False)
    opened_at: int


class Sessions:
    """Opens sessions, and signs and reads their tokens.

    Args:
        key: the installation's secret key.
        token_s: seconds for which a token is good.
        session_s: seconds after which a session is over, however often its token was renewed.
    """

    def __init__(self, key: bytes, token_s: int, session_s: int) -> None:
        self.token_s, self._session_s = token_s, session_s
        self._signer = URLSafeTimedSerializer(key, salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256})

    def open(self) -> Session:
        return Session(secrets.token_urlsafe(_BYTES), int(time.time()))

    def token(self, session: Session) -> str:
        return str(self._signer.dumps([session.id, session.opened_at]))

    def read(self, token: str) -> Session:
        """The session that a token speaks for.

        Raises:
            TokenExpiredError: it is too old and can be renewed.
            TokenError: it is not ours, or its session is over.
        """
        return self._read(token, self.token_s)

    def renewable(self, token: str) -> Session:
        """The session of a token that may have run out: a phone that slept takes up its conversation again.

        Raises:
            TokenError: it is not ours, or its session is over.
        """
        return self._read(token, None)

    def _read(self, token: str, max_age_s: int | None) -> Session:
        try:
            session = Session(*self._signer.loads(token, max_age=max_age_s))
        except SignatureExpired:
            self._read(token, None)  # of a session that is over there is nothing to renew
            raise TokenExpiredError from None
        except (BadData, TypeError):
            raise TokenError from None
        if time.time() - session.opened_at > self._session_s:
            raise TokenError
        return session
