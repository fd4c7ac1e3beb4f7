"""Bearer tokens by client credentials (OAuth 2): fetched once for all who wait, kept until they end."""

from __future__ import annotations

import asyncio
import re
import time

from pydantic import SecretStr

from actions.dossiers.adapters.far_end import FarEnd, FarEndError

_EARLY_S = 30.0
"""A token is renewed so long before its end, so that none runs out on its way."""
_DEFAULT_LIFE_S = 60.0


class TokenSource:
    """The current token of one client at one authorization server."""

    def __init__(self, far_end: FarEnd, url: str, client_id: str, client_secret: SecretStr, scope: str = "") -> None:
        self._far_end, self._url, self._scope = far_end, url, scope
        self._client_id, self._client_secret = client_id, client_secret
        self._token, self._ends_at = "", 0.0
        self._flight: asyncio.Task[str] | None = None

    async def get(self) -> str:
        """A token that holds now.

        Whoever asks while one is being fetched waits for that one, and shares its failure too.

        Raises:
            FarEndError, FarEndBusyError: the authorization server gives none.
        """
        if self._token and time.monotonic() < self._ends_at:
            return self._token
        if self._flight is None:
            self._flight = asyncio.create_task(self._fetch())
            self._flight.add_done_callback(self._landed)
        return await asyncio.shield(self._flight)  # one who gives up must not take the token from the others

    def refuse(self, token: str) -> None:
        """The system did not accept this token: fetch another, unless somebody already has."""
        if token == self._token:
            self._token = ""

    def _landed(self, flight: asyncio.Task[str]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # looked at, so that asyncio does not report it when nobody waits any more

    async def _fetch(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret.get_secret_value(),
            **({"scope": self._scope} if self._scope else {}),
        }
        answer = await self._far_end.fetch("POST", self._url, form=form)
        if answer.status != 200:
            raise FarEndError(f"no token (HTTP {answer.status})")
        body = answer.json()
        token = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]{1,8192}", token):
            raise FarEndError("no token in the answer")
        life = body.get("expires_in")
        life_s = float(life) if isinstance(life, int | float) and not isinstance(life, bool) else _DEFAULT_LIFE_S
        self._token = token
        self._ends_at = time.monotonic() + max(life_s - _EARLY_S, life_s / 2, 0.0)
        return token
