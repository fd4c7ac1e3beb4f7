"""The Official Account's consent: the link for its administrator, PKCE, and what the way back must bring.

A callback can be called by anybody, with a code for another account of their own. So it must bring the ``state`` that
we signed into the link, or the account's id must be set here; and where it is set, the new token must be for it.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from urllib.parse import urlencode

from itsdangerous import BadSignature, URLSafeTimedSerializer

from actions.dossiers.keys import purpose_key

STATE_S = 3_600
"""Seconds that a consent link can be used."""
_VERIFIER = re.compile(r"[A-Za-z0-9_-]{43}")


class VerifierError(ValueError):
    """A PKCE verifier that Zalo would not take."""


def new_verifier() -> str:
    """A fresh PKCE verifier."""
    return secrets.token_urlsafe(32)


def challenge(verifier: str) -> str:
    """The Code Challenge to save in Zalo's developer console.

    Raises:
        VerifierError: the verifier has not 43 letters, digits, ``-`` or ``_``.
    """
    if not _VERIFIER.fullmatch(verifier):
        raise VerifierError("a PKCE verifier has exactly 43 letters, digits, - or _")
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


class States:
    """Signs the ``state`` of consent links.

    Args:
        key: the installation's secret key.
    """

    def __init__(self, key: bytes) -> None:
        self._signer = URLSafeTimedSerializer(purpose_key(key, "zalo-consent"))

    def new(self) -> str:
        return str(self._signer.dumps(secrets.token_urlsafe(8)))

    def is_ours(self, state: str) -> bool:
        """Whether we made it within the last hour."""
        try:
            self._signer.loads(state, max_age=STATE_S)
        except BadSignature:
            return False
        return True


def link(oauth_url: str, app_id: str, callback: str, verifier: str, state: str) -> str:
    """Where the account's administrator gives consent.

    Args:
        oauth_url: the authorization server.
        app_id: the application's id.
        callback: the address saved in Zalo's console; another one is refused there.
        verifier: the PKCE verifier.
        state: from :meth:`States.new`.
    """
    query = {"app_id": app_id, "redirect_uri": callback, "code_challenge": challenge(verifier), "state": state}
    return f"{oauth_url.rstrip('/')}/v4/oa/permission?{urlencode(query)}"
