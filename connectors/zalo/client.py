"""Calls to Zalo's OA OpenAPI and to its authorization server: bounded in time and size, and silent in the logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actions.dossiers.adapters.far_end import Answer, FarEnd, FarEndBusyError, FarEndError, Limits

_API_LIMITS = Limits(connect_s=3.0, read_s=10.0, total_s=15.0)
_TOKEN_LIMITS = Limits(connect_s=3.0, read_s=25.0, total_s=25.0)
"""More patience where an answer that is missed costs the refresh token."""
TOKEN_CALL_S = _TOKEN_LIMITS.total_s + 2 * _TOKEN_LIMITS.connect_s
"""Seconds that a call to the authorization server takes at most."""


_NOT_CALLED = ("no connection", "the certificate")
"""How reasons begin that say that nothing was sent."""


class ZaloRefusedError(Exception):
    """Zalo answered with an error ``code``; -32 too for HTTP 429."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Zalo {code}")
        self.code = code


class ZaloAwayError(Exception):
    """No usable answer. ``called`` tells whether the call may have reached Zalo."""

    def __init__(self, reason: str, *, called: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.called = reason, called


@dataclass(frozen=True)
class TokenPair:
    """An access token that holds for ``life_s`` seconds, and the refresh token for the next pair."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    life_s: int


@dataclass(frozen=True)
class Said:
    """A message in a conversation's history. ``at_ms``: milliseconds since 1970."""

    by_us: bool
    text: str = field(repr=False)
    at_ms: int


class ZaloClient:
    """One application's way to Zalo. Every method raises :class:`ZaloRefusedError` and :class:`ZaloAwayError`.

    Args:
        app_id: the application's id.
        app_secret: its secret key.
        api_url: where the OA OpenAPI answers, without a slash at the end.
        oauth_url: where the authorization server answers, likewise.
    """

    def __init__(self, app_id: str, app_secret: str, api_url: str, oauth_url: str) -> None:
        self._app_id, self._secret = app_id, app_secret
        self._api_url, self._oauth_url = api_url.rstrip("/"), oauth_url.rstrip("/")
        self._api, self._oauth = FarEnd(_API_LIMITS), FarEnd(_TOKEN_LIMITS)

    async def close(self) -> None:
        await self._api.close()
        await self._oauth.close()

    # -- tokens ------------------------------------------------------------------------------

    async def exchange(self, code: str, verifier: str) -> TokenPair:
        """The first pair, for a code of the consent page (10 minutes, once)."""
        return await self._token({"code": code, "grant_type": "authorization_code", "code_verifier": verifier})

    async def refresh(self, refresh_token: str) -> TokenPair:
        """The next pair; from now on ``refresh_token`` is void, whether the answer arrives or not."""
        return await self._token({"refresh_token": refresh_token, "grant_type": "refresh_token"})

    async def _token(self, form: Mapping[str, str]) -> TokenPair:
        url = f"{self._oauth_url}/v4/oa/access_token"
        form = {**form, "app_id": self._app_id}
        body = await _answer(self._oauth, "POST", url, headers={"secret_key": self._secret}, form=form)
        access, refresh, life = body.get("access_token"), body.get("refresh_token"), str(body.get("expires_in", ""))
        if not (isinstance(access, str) and access and isinstance(refresh, str) and refresh):
            raise ZaloAwayError("no token pair in the answer")
        life_s = int(life) if life.isascii() and life.isdigit() and len(life) < 9 else 90_000
        return TokenPair(access, refresh, life_s)

    # -- messages ----------------------------------------------------------------------------

    async def send(self, token: str, user_id: str, message: Mapping[str, Any]) -> dict[str, Any]:
        """A customer-service message; returns ``message_id``, ``quota`` and so on."""
        body = {"recipient": {"user_id": user_id}, "message": message}
        return await self._data("POST", "/v3.0/oa/message/cs", token, body)

    async def send_anonymous(self, token: str, visitor: str, conversation: str, text: str) -> dict[str, Any]:
        """A text to somebody who has not shared their identity."""
        recipient = {"anonymous_id": visitor, "conversation_id": conversation}
        body = {"recipient": recipient, "message": {"text": text}}
        return await self._data("POST", "/v2.0/oa/message", token, body)

    async def history(self, token: str, user_id: str, offset: int, count: int = 10) -> list[Said]:
        """The latest messages of a conversation, the newest first; Zalo gives at most 10 at once."""
        asked = {"user_id": user_id, "offset": offset, "count": count}
        rows = await self._data("GET", "/v2.0/oa/conversation", token, query=asked)
        return [_said(row, user_id) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    async def account_id(self, token: str) -> str:
        """Id of the Official Account that a token is for."""
        found = await self._data("GET", "/v2.0/oa/getoa", token)
        return str(found.get("oa_id", "")) if isinstance(found, dict) else ""

    async def _data(
        self, method: str, path: str, token: str, body: Any = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        # All GET parameters travel as one JSON document.
        asked = {"data": json.dumps(query, separators=(",", ":"))} if query else None
        headers = {"access_token": token}
        answer = await _answer(self._api, method, self._api_url + path, headers=headers, json_body=body, query=asked)
        return answer.get("data", {})


async def _answer(far_end: FarEnd, method: str, url: str, **request: Any) -> dict[str, Any]:
    """The envelope of a successful answer; errors come with HTTP 200, too."""
    try:
        answer: Answer = await far_end.fetch(method, url, **request)
        answer.require_success()
        body = answer.json()
    except FarEndBusyError:
        raise ZaloRefusedError(-32) from None
    except FarEndError as error:
        raise ZaloAwayError(error.reason, called=not error.reason.startswith(_NOT_CALLED)) from None
    if not isinstance(body, dict):
        raise ZaloAwayError("other JSON than expected")
    code = body.get("error", 0)
    if isinstance(code, str) and code.lstrip("-").isdigit():
        code = int(code)
    if not isinstance(code, int):
        raise ZaloAwayError("other JSON than expected")
    if code:
        raise ZaloRefusedError(code)
    return body


def _said(row: Mapping[str, Any], user_id: str) -> Said:
    text, moment = row.get("message"), str(row.get("time", row.get("sent_time", "")))
    return Said(
        by_us=str(row.get("from_id", "")) != user_id,
        text=text if isinstance(text, str) else "",
        at_ms=int(moment) if moment.isascii() and moment.isdigit() and len(moment) < 17 else 0,
    )
