"""An emulator of an office's OpenID Connect provider: discovery, authorize, token, keys. Its people are made up.

``authorize`` asks nobody: whoever comes is :attr:`Emulator.person`. Faults are set on the emulator.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "motcua", "a secret of the emulator"


@dataclass
class Emulator:
    """What the provider says.

    ``claims`` replaces claims of the ID token (None leaves one out), ``state`` replaces the state on the way back,
    ``error`` is given back instead of a code, ``forged`` signs with a key that is not the published one, ``no_id_token``
    leaves the ID token out, ``down`` answers 503 everywhere.
    """

    person: dict[str, Any] = field(
        default_factory=lambda: {"sub": "s-1", "preferred_username": "lan", "name": "Chị Lan"}
    )
    claims: dict[str, Any] = field(default_factory=dict)
    state: str | None = None
    error: str | None = None
    forged: bool = False
    no_id_token: bool = False
    down: bool = False
    issuer: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)


def create_app(emulator: Emulator) -> FastAPI:
    """The ASGI application; set ``emulator.issuer`` to its address."""
    app = FastAPI(title="motcua: OpenID Connect emulator (not a real provider)")

    @app.middleware("http")
    async def down(request: Request, call_next: Any) -> Any:
        return JSONResponse({}, status_code=503) if emulator.down else await call_next(request)

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        here = emulator.issuer
        return {
            "issuer": here,
            "authorization_endpoint": f"{here}/authorize",
            "token_endpoint": f"{here}/token",
            "jwks_uri": f"{here}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    @app.get("/authorize")
    async def authorize(request: Request) -> RedirectResponse:
        asked = dict(request.query_params)
        emulator.asked.append(asked)
        back: dict[str, str] = {"state": emulator.state or asked["state"]}
        if emulator.error:
            back["error"] = emulator.error
        else:
            back["code"] = secrets.token_urlsafe(16)
            emulator.codes[back["code"]] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    @app.post("/token")
    async def token(request: Request) -> JSONResponse:
        form = {name: str(value) for name, value in (await request.form()).items()}
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = emulator.codes.pop(form.get("code", ""), None)
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or form.get("redirect_uri") != asked["redirect_uri"]
            or base64.urlsafe_b64encode(challenge).decode().rstrip("=") != asked.get("code_challenge")
        ):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        answer = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 60}
        if not emulator.no_id_token:
            answer["id_token"] = _id_token(emulator, asked)
        return JSONResponse(answer)

    @app.get("/keys")
    async def keys() -> dict[str, Any]:
        return {"keys": [emulator.key.as_dict(private=False)]}

    return app


def _id_token(emulator: Emulator, asked: dict[str, str]) -> str:
    now = int(time.time())
    claims = {
        "iss": emulator.issuer,
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 300,
        "nonce": asked.get("nonce"),
        **emulator.person,
        **emulator.claims,
    }
    key = RSAKey.generate_key(2048, {"kid": "k1"}) if emulator.forged else emulator.key
    return jwt.encode({"alg": "RS256", "kid": "k1"}, {k: v for k, v in claims.items() if v is not None}, key)
