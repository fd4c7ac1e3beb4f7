"""Signing in through the office's OpenID Connect provider: authorization code with PKCE, by the kept library Authlib.

State, nonce and code verifier wait in a signed cookie of the browser that began, so that any app process can finish.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from connectors.staff.roles import Role
from knowledge.settings import Settings

logger = logging.getLogger(__name__)

COOKIE_S = 600
"""Seconds that a person has at the provider's pages."""
_TIMEOUT_S = 10
_NEXT = "next"


class OidcError(Exception):
    """The provider does not answer, or what came back from it is not to be trusted."""


@dataclass(frozen=True)
class Identity:
    """Whom the provider vouches for.

    ``role`` is what its claim says by the settings' mapping; None where nothing is mapped to the claim. ``next`` is
    the page to go on to.
    """

    subject: str
    name: str
    display: str
    role: Role | None
    next: str


class Provider:
    """One provider, as the settings name it.

    Args:
        settings: with ``staff_oidc_issuer``.
        key: signs the cookie.
    """

    def __init__(self, settings: Settings, key: bytes) -> None:
        from authlib.integrations.starlette_client import OAuth  # takes a while; only where there is a provider

        assert settings.staff_oidc_issuer
        self._issuer, self._client_id = settings.staff_oidc_issuer, settings.staff_oidc_client_id
        self._claim, self._roles = settings.staff_oidc_role_claim.split("."), settings.staff_oidc_roles
        secret = settings.staff_oidc_client_secret
        options: dict[str, Any] = {
            "scope": "openid profile",
            "code_challenge_method": "S256",
            "timeout": _TIMEOUT_S,
            "token_endpoint_auth_method": "client_secret_basic" if secret else "none",
        }
        self._client = OAuth().register(
            "office",
            client_id=self._client_id,
            client_secret=secret.get_secret_value() if secret else None,
            server_metadata_url=self._issuer.rstrip("/") + "/.well-known/openid-configuration",
            client_kwargs=options,
        )
        self._cookies = URLSafeTimedSerializer(key, "motcua-oidc")

    async def begin(self, request: Request, back: str, next: str) -> tuple[str, str]:
        """Where to lead the browser, and the cookie to give it.

        Args:
            request: the browser's.
            back: the address that the provider leads back to.
            next: the page to go on to afterwards.

        Raises:
            OidcError: the provider does not answer.
        """
        request.scope["session"] = {_NEXT: next}
        try:
            response = await self._client.authorize_redirect(request, back)
        except Exception as error:  # the far end may send anything, and the library has no one error for that
            raise _error(error) from None
        return response.headers["location"], self._cookies.dumps(request.session)

    async def finish(self, request: Request, cookie: str) -> Identity:
        """Who came back: the code is exchanged, and signature, issuer, audience, times and nonce are verified.

        Raises:
            OidcError: something is missing or wrong, or the provider does not answer.
        """
        try:
            session = self._cookies.loads(cookie, max_age=COOKIE_S)
        except BadSignature as error:
            raise _error(error) from None
        request.scope["session"] = session
        claims = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client_id},
        }
        try:
            token = await self._client.authorize_access_token(request, claims_options=claims)
            user = token["userinfo"]
            subject = user["sub"]
        except Exception as error:
            raise _error(error) from None
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise OidcError("no usable subject")
        name, display = str(user.get("preferred_username") or ""), str(user.get("name") or "")
        return Identity(subject, name, display, self._role(user), session[_NEXT])

    def _role(self, claims: Any) -> Role | None:
        for part in self._claim:
            claims = claims.get(part) if isinstance(claims, dict) else None
        values = [claims] if isinstance(claims, str) else claims if isinstance(claims, list) else []
        return next((Role(role) for value, role in self._roles.items() if value in values), None)


def _error(error: Exception) -> OidcError:
    # Only the kind: the text may quote what the person's provider said.
    logger.warning("sign-in through the OpenID Connect provider failed: %s", type(error).__name__)
    return OidcError(type(error).__name__)
