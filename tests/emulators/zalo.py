"""An emulator of Zalo's Official Account platform. It is not Zalo, and every person and number in it is made up.

It answers as Zalo does, by ``../shared/facts/channels.md``:

* the authorization server: consent page, codes, rotating single-use refresh tokens (``/v4/oa/…``);
* messages of the OA OpenAPI v3 with its limits and error codes (HTTP 200 always), anonymous visitors and reactions,
  uploads, history, profile, quota;
* the webhook sender: ``{}`` probe, signatures in both variants, two seconds of patience, the ladder of retries (scaled),
  duplicates, wrong signatures, pressed buttons, echoes, officers who write in OA Manager.

Faults are switched on for the next calls with :meth:`Zalo.break_it` or ``POST /_emulator/fault``.

Run: ``python -m tests.emulators.zalo --webhook http://127.0.0.1:8000/api/v1/webhooks/zalo`` and type what a citizen says;
``/press 2`` presses a button, ``/staff …`` writes as an officer, ``/follow``, ``/image``, ``/withdraw`` do what they say.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import secrets
import socket
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

import httpx
import uvicorn
from fastapi import FastAPI, Form, Header, Request, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse, Response

APP_ID, APP_SECRET, OA_SECRET = "1234567890123456789", "emulator-app-secret", "emulator-oa-secret"
OA_ID = "388613280878808645"
CITIZEN = "246845883529197922"
LADDER_S = (30, 300, 900, 1_800, 3_600)
"""Seconds before each retry of a webhook call."""
DAY_MS = 86_400_000

Fault = int | Literal["http-500", "http-429", "slow", "lost", "html", "refused-connection"]
"""An error code of Zalo; or an HTTP status; an answer after ``slow_s``; a torn connection after the work was done, or before."""


class Refusal(Exception):
    """An error of the API, which comes with HTTP 200."""

    def __init__(self, code: int, words: str = "") -> None:
        super().__init__(code)
        self.code, self.words = code, words or f"error {code}"


@dataclass
class Said:
    """One message of a conversation."""

    by: Literal["user", "oa", "staff"]
    text: str
    message_id: str
    at_ms: int
    buttons: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Delivery:
    """A webhook call and its retries: the HTTP status of each attempt, 0 where none came in time."""

    event: dict[str, Any]
    statuses: list[int] = field(default_factory=list)

    @property
    def taken(self) -> bool:
        return bool(self.statuses) and self.statuses[-1] == 200


class Zalo:
    """The platform's state.

    Args:
        ladder_scale: factor on the seconds between retries; 1 is as slow as Zalo.
        sign_with: which time is signed.
        button_style: the only form of buttons that is taken; None takes both.
        access_life_s: seconds that an access token holds.
        echo: whether our own messages come back by the webhook.
    """

    def __init__(
        self,
        *,
        ladder_scale: float = 0.0001,
        sign_with: Literal["header", "body"] = "body",
        button_style: Literal["bare", "button"] | None = None,
        access_life_s: int = 90_000,
        echo: bool = True,
    ) -> None:
        self.ladder_scale, self.sign_with, self.button_style = ladder_scale, sign_with, button_style
        self.access_life_s, self.echo = access_life_s, echo
        self.slow_s = 3.0
        self.callback, self.challenge = "", ""
        self.webhook: str | None = None
        self.subscribed = False
        self.conversations: dict[str, list[Said]] = defaultdict(list)
        self.reactions: list[tuple[str, str]] = []
        self.deliveries: list[Delivery] = []
        self.calls: Counter[str] = Counter()
        self.on_said: Callable[[str, Said], None] = lambda user, said: None
        self._access: dict[str, float] = {}
        self._revoked: set[str] = set()
        self._refresh: set[str] = set()
        self._codes: set[str] = set()
        self._interacted: dict[str, int] = {}
        self._visits: dict[str, str] = {}
        self._faults: list[tuple[str, Fault]] = []
        self._lock = threading.RLock()
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="zalo-emulator")
        self._running: list[Future[Any]] = []
        self._http = httpx.Client(timeout=2.0, trust_env=False)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._http.close()

    # -- faults ------------------------------------------------------------------------------

    def break_it(self, fault: Fault, times: int = 1, at: str = "/v3.0/oa/message/cs") -> None:
        """Let the next ``times`` calls of a path go wrong."""
        with self._lock:
            self._faults += [(at, fault)] * times

    def heal(self) -> None:
        with self._lock:
            self._faults.clear()

    def take_fault(self, path: str) -> Fault | None:
        with self._lock:
            self.calls[path] += 1
            for position, (at, fault) in enumerate(self._faults):
                if at == path:
                    del self._faults[position]
                    return fault
        return None

    # -- tokens ------------------------------------------------------------------------------

    def pair(self) -> dict[str, str]:
        """A new pair, as the API Explorer shows one."""
        with self._lock:
            access, refresh = "A-" + secrets.token_urlsafe(40), "R-" + secrets.token_urlsafe(40)
            self._access[access] = time.time() + self.access_life_s
            self._refresh.add(refresh)
        return {"access_token": access, "refresh_token": refresh, "expires_in": str(self.access_life_s)}

    def code(self) -> str:
        """A code of the consent page."""
        code = secrets.token_urlsafe(20)
        self._codes.add(code)
        return code

    def expire(self) -> None:
        """All access tokens end now (-220)."""
        with self._lock:
            self._access = dict.fromkeys(self._access, 0.0)

    def revoke(self) -> None:
        """All access tokens are invalid now (-216)."""
        with self._lock:
            self._revoked |= set(self._access)

    def valid_refresh_tokens(self) -> set[str]:
        with self._lock:
            return set(self._refresh)

    def redeem(self, form: dict[str, str], secret: str | None) -> dict[str, str]:
        if secret != APP_SECRET or form.get("app_id") != APP_ID:
            raise Refusal(-14004, "invalid app")
        with self._lock:
            if form.get("grant_type") == "refresh_token":
                if form.get("refresh_token") not in self._refresh:
                    raise Refusal(-14014, "invalid refresh token")
                self._refresh.discard(form["refresh_token"])  # used up, whatever becomes of the answer
                return self.pair()
            if form.get("grant_type") == "authorization_code":
                if form.get("code") not in self._codes:
                    raise Refusal(-14012, "invalid code")
                self._codes.discard(form["code"])
                if self.challenge and challenge(form.get("code_verifier", "")) != self.challenge:
                    raise Refusal(-14013, "invalid code verifier")
                return self.pair()
        raise Refusal(-14005, "invalid grant type")

    def authorise(self, token: str | None) -> None:
        with self._lock:
            if token not in self._access or token in self._revoked:
                raise Refusal(-216, "Access token is invalid")
            if self._access[token] <= time.time():
                raise Refusal(-220, "Access token has expired")

    # -- messages to citizens ----------------------------------------------------------------

    def take_message(self, user: str, message: dict[str, Any]) -> dict[str, Any]:
        buttons = checked(message, self.button_style)
        interacted = self._interacted.get(user)
        if interacted is None or now_ms() - interacted > 7 * DAY_MS:
            raise Refusal(-230, "User has not interacted with the OA in the past 7 days")
        said = self._keep(user, "oa", message.get("text", ""), buttons)
        self._echo(user, said)
        quota = {"quota": {"quota_type": "reply"}} if now_ms() - interacted <= 2 * DAY_MS else {}
        return {"message_id": said.message_id, "user_id": user, "sent_time": str(said.at_ms), **quota}

    def take_anonymous(self, visitor: str, conversation: str, message: dict[str, Any]) -> dict[str, Any]:
        checked(message, self.button_style)
        if self._visits.get(visitor) != conversation:
            raise Refusal(-201, "conversation_id is invalid!")
        said = self._keep(visitor, "oa", message.get("text", ""))
        return {"message_id": said.message_id}

    def _keep(
        self, user: str, by: Literal["user", "oa", "staff"], text: str, buttons: list[dict[str, Any]] | None = None
    ) -> Said:
        said = Said(by, text, secrets.token_hex(10), now_ms(), buttons or [])
        with self._lock:
            self.conversations[user].append(said)
        self.on_said(user, said)
        return said

    def texts(self, user: str = CITIZEN, by: str = "oa") -> list[str]:
        """What somebody was told, in order."""
        with self._lock:
            return [said.text for said in self.conversations[user] if said.by == by]

    def age(self, user: str, days: float) -> None:
        """Let somebody's last interaction be so many days ago."""
        self._interacted[user] = now_ms() - int(days * DAY_MS)

    # -- what citizens and officers do -------------------------------------------------------

    def say(self, text: str, user: str = CITIZEN, **how: Any) -> Delivery:
        """A citizen writes; ``how`` as in :meth:`deliver`."""
        self._interacted[user] = now_ms()
        said = self._keep(user, "user", text)
        return self.deliver(self.event("user_send_text", user, {"text": text, "msg_id": said.message_id}), **how)

    def press(self, number: int, user: str = CITIZEN, **how: Any) -> Delivery:
        """A citizen presses a button, from 1, of the last message that has some."""
        with self._lock:
            buttons = next(said.buttons for said in reversed(self.conversations[user]) if said.buttons)
        button = buttons[number - 1]
        assert button["type"].startswith("oa.query."), "this button opens a page or a telephone"
        return self.say(button["payload"], user, **how)

    def media(self, kind: str, user: str = CITIZEN, payload: dict[str, Any] | None = None, **how: Any) -> Delivery:
        """A citizen sends an image, sticker, place or the like."""
        self._interacted[user] = now_ms()
        sent = payload or {"url": "https://media.example/x", "thumbnail": "https://media.example/t"}
        attachment = {"type": kind.replace("business_card", "link"), "payload": sent}
        message = {"msg_id": secrets.token_hex(10), "attachments": [attachment]}
        return self.deliver(self.event(f"user_send_{kind}", user, message), **how)

    def visit(self, text: str, visitor: str = "1ffedc467f179649cf06", **how: Any) -> Delivery:
        """Somebody writes without sharing their identity."""
        conversation = self._visits.setdefault(visitor, secrets.token_hex(10))
        said = self._keep(visitor, "user", text)
        message = {"conversation_id": conversation, "text": text, "msg_id": said.message_id}
        return self.deliver(self.event("anonymous_send_text", visitor, message), **how)

    def follow(self, user: str = CITIZEN, name: str = "follow", **how: Any) -> Delivery:
        self._interacted[user] = now_ms()
        event = {"oa_id": OA_ID, "follower": {"id": user}, "user_id_by_app": "5521", "source": "oa_profile"}
        return self.deliver({"app_id": APP_ID, "event_name": name, "timestamp": str(now_ms()), **event}, **how)

    def withdraw(self, user: str = CITIZEN, **how: Any) -> Delivery:
        event = {"event_name": "user_withdraw", "user_id": user, "user_id_by_app": "5521"}
        return self.deliver({"app_id": APP_ID, "timestamp": str(now_ms()), **event}, **how)

    def submit_info(self, info: dict[str, Any], user: str = CITIZEN, **how: Any) -> Delivery:
        event = self.event("user_submit_info", user, None)
        return self.deliver({**event, "info": info}, **how)

    def staff(self, text: str, user: str = CITIZEN, **how: Any) -> Delivery:
        """An officer writes in OA Manager."""
        said = self._keep(user, "staff", text)
        event = self.event("oa_send_text", user, {"text": text, "msg_id": said.message_id})
        event["sender"], event["recipient"] = {"id": OA_ID, "admin_id": "7001"}, {"id": user}
        return self.deliver(event, **how)

    def event(self, name: str, user: str, message: dict[str, Any] | None) -> dict[str, Any]:
        event = {
            "app_id": APP_ID, "sender": {"id": user}, "user_id_by_app": "5521", "recipient": {"id": OA_ID},
            "event_name": name, "timestamp": str(now_ms()),
        }  # fmt: skip
        return event if message is None else event | {"message": message}

    def _echo(self, user: str, said: Said) -> None:
        if not self.echo or not self.subscribed:
            return
        sent = self.event("oa_send_text", user, {"text": said.text, "msg_id": said.message_id})
        seen = self.event("user_received_message", user, {"msg_id": said.message_id})
        for event in (sent, seen):
            event["sender"], event["recipient"] = {"id": OA_ID}, {"id": user}
            self._running.append(self._pool.submit(self.deliver, event))

    # -- the webhook sender ------------------------------------------------------------------

    def subscribe(self, url: str) -> bool:
        """Save a webhook's address: it must answer the probe."""
        self.webhook = url
        self.subscribed = self._post(b"{}", {}) == 200
        return self.subscribed

    def deliver(
        self, event: dict[str, Any], *, times: int = 1, secret: str = OA_SECRET, sign_with: str | None = None
    ) -> Delivery:
        """Call the webhook, and again until it answers 200 in time; after the last retry the subscription ends.

        Args:
            event: what is delivered.
            times: how often, though it was taken.
            secret: what it is signed with.
            sign_with: ``header`` or ``body``; the emulator's own where None.
        """
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        delivery = Delivery(event)
        with self._lock:
            self.deliveries.append(delivery)
        for _ in range(times):
            self._deliver(delivery, body, signed(body, event, secret, sign_with or self.sign_with))
        return delivery

    def _deliver(self, delivery: Delivery, body: bytes, headers: dict[str, str]) -> None:
        for retry, wait_s in enumerate((0, *LADDER_S)):
            time.sleep(wait_s * self.ladder_scale)
            delivery.statuses.append(self._post(body, headers | ({"num_retry": str(retry)} if retry else {})))
            if delivery.statuses[-1] == 200:
                return
        self.subscribed = False

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        assert self.webhook, "no webhook is set"
        try:
            headers = {"Content-Type": "application/json", **headers}
            return self._http.post(self.webhook, content=body, headers=headers).status_code
        except httpx.HTTPError:
            return 0

    def settle(self) -> None:
        """Wait for echoes under way."""
        while self._running:
            self._running.pop().result()


# -- rules --------------------------------------------------------------------------------------


def now_ms() -> int:
    return int(time.time() * 1000)


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def signed(body: bytes, event: dict[str, Any], secret: str, sign_with: str) -> dict[str, str]:
    """A webhook call's headers."""
    own = str(event.get("timestamp", ""))
    header = str(int(own or 0) + 7) if sign_with == "header" else own
    text = APP_ID.encode() + body + (header if sign_with == "header" else own).encode() + secret.encode()
    return {"X-ZEvent-Signature": f"mac={hashlib.sha256(text).hexdigest()}", "X-ZEvent-Timestamp": header}


def checked(message: dict[str, Any], style: str | None) -> list[dict[str, Any]]:
    """A message's buttons.

    Raises:
        Refusal: it is over a limit, or no message.
    """
    text = message.get("text", "")
    if not isinstance(text, str) or len(text) > 2_000:
        raise Refusal(-201, "text is invalid!")
    attachment = message.get("attachment")
    if attachment is None:
        if not text.strip():
            raise Refusal(-201, "text is invalid!")
        return []
    payload = attachment.get("payload", {})
    template = payload.get("template_type")
    if template in ("media", "request_user_info"):
        return []
    if attachment.get("type") != "template" or template not in (None, "button"):
        raise Refusal(-233, "Message type is not supported")
    if style and style != ("button" if template else "bare"):
        raise Refusal(-233, "Message type is not supported")
    return checked_buttons(payload.get("buttons"))


def checked_buttons(buttons: Any) -> list[dict[str, Any]]:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 5:
        raise Refusal(-201, "buttons is invalid!")
    for button in buttons:
        payload = button.get("payload")
        if not isinstance(button.get("title"), str) or not 1 <= len(button["title"]) <= 100:
            raise Refusal(-201, "title is invalid!")
        if button.get("type") in ("oa.query.show", "oa.query.hide"):
            if not isinstance(payload, str) or not 1 <= len(payload) <= 1_000:
                raise Refusal(-201, "payload is invalid!")
        elif button.get("type") == "oa.open.url":
            if not isinstance(payload, dict) or not str(payload.get("url", "")).startswith("http"):
                raise Refusal(-201, "url is invalid!")
        elif button.get("type") not in ("oa.open.phone", "oa.open.sms"):
            raise Refusal(-201, "type is invalid!")
    return buttons


# -- HTTP ---------------------------------------------------------------------------------------


def success(data: Any) -> JSONResponse:
    return JSONResponse({"data": data, "error": 0, "message": "Success"}, headers={"X-RateLimit-Limit": "4000"})


def oauth(app: FastAPI, zalo: Zalo) -> None:
    """The authorization server."""

    @app.post("/v4/oa/access_token")
    async def access_token(request: Request, secret_key: str | None = Header(None, convert_underscores=False)) -> Any:
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            return zalo.redeem(form, secret_key)
        except Refusal as refusal:
            words = {"error_name": refusal.words, "error_reason": refusal.words, "error_description": refusal.words}
            return {"error": refusal.code, **words, "ref_doc": "https://developers.zalo.me/docs"}

    @app.get("/v4/oa/permission")
    def permission(app_id: str, redirect_uri: str, code_challenge: str = "", state: str = "") -> Response:
        """The administrator agrees at once."""
        if app_id != APP_ID or (zalo.callback and redirect_uri != zalo.callback):
            return JSONResponse({"error": -14003, "error_name": "invalid redirect uri"})
        zalo.challenge = code_challenge
        query = {"code": zalo.code(), "oa_id": OA_ID} | ({"state": state} if state else {})
        return RedirectResponse(f"{redirect_uri}?{urlencode(query)}")


def messages(app: FastAPI, zalo: Zalo) -> None:
    """Sending."""

    @app.post("/v3.0/oa/message/cs")
    async def consult(request: Request) -> Response:
        body = await request.json()
        zalo.authorise(request.headers.get("access_token"))
        user = body.get("recipient", {}).get("user_id")
        if not isinstance(user, str) or not user:
            raise Refusal(-201, "user_id is invalid!")
        return success(zalo.take_message(user, body.get("message") or {}))

    @app.post("/v2.0/oa/message")
    async def others(request: Request) -> Response:
        body = await request.json()
        zalo.authorise(request.headers.get("access_token"))
        recipient, action = body.get("recipient", {}), body.get("sender_action")
        if action:
            zalo.reactions.append((str(action.get("react_message_id")), str(action.get("react_icon"))))
            return success({"message_id": str(action.get("react_message_id"))})
        if "anonymous_id" not in recipient:
            raise Refusal(-240, "This API is no longer supported")
        visitor, conversation = recipient["anonymous_id"], str(recipient.get("conversation_id"))
        return success(zalo.take_anonymous(visitor, conversation, body.get("message") or {}))

    @app.post("/v2.0/oa/upload/{kind}")
    async def upload(request: Request, kind: Literal["image", "gif", "file"], file: UploadFile) -> Response:
        zalo.authorise(request.headers.get("access_token"))
        most = 1_048_576 if kind == "image" else 5_242_880
        if len(await file.read()) > most:
            raise Refusal(-210, "file size is over the limit")
        return success({"token" if kind == "file" else "attachment_id": secrets.token_urlsafe(24)})


def queries(app: FastAPI, zalo: Zalo) -> None:
    """Reading."""

    @app.get("/v2.0/oa/conversation")
    def conversation(request: Request, data: str) -> Response:
        zalo.authorise(request.headers.get("access_token"))
        asked = json.loads(data)
        if not 0 < asked.get("count", 5) <= 10:
            raise Refusal(-201, "count is invalid!")
        first = asked.get("offset", 0)
        newest = zalo.conversations[asked["user_id"]][::-1][first : first + asked.get("count", 5)]
        return success([_row(said, asked["user_id"]) for said in newest])

    @app.get("/v2.0/oa/listrecentchat")
    def recent(request: Request, data: str) -> Response:
        zalo.authorise(request.headers.get("access_token"))
        asked = json.loads(data)
        last = [_row(said[-1], user) for user, said in zalo.conversations.items() if said]
        last.sort(key=lambda row: -row["time"])
        first = asked.get("offset", 0)
        return success(last[first : first + asked.get("count", 5)])

    @app.get("/v2.0/oa/getoa")
    def account(request: Request) -> Response:
        zalo.authorise(request.headers.get("access_token"))
        return success({"oa_id": OA_ID, "name": "OA giả lập", "is_verified": True, "package_name": "Nâng cao"})

    @app.get("/v3.0/oa/user/detail")
    def detail(request: Request, data: str) -> Response:
        zalo.authorise(request.headers.get("access_token"))
        user = json.loads(data)["user_id"]
        return success({"user_id": user, "display_name": "Người Thử", "user_is_follower": True})

    @app.post("/v3.0/oa/quota/message")
    async def quota(request: Request) -> Response:
        zalo.authorise(request.headers.get("access_token"))
        user = (await request.json()).get("user_id", "")
        return success({"last_interaction": str(zalo._interacted.get(user, 0)), "cs_reply": {"remain": 8, "total": 8}})


def _row(said: Said, user: str) -> dict[str, Any]:
    ours = said.by != "user"
    return {
        "src": 0 if ours else 1, "time": said.at_ms, "type": "text", "message": said.text, "message_id": said.message_id,
        "from_id": OA_ID if ours else user, "to_id": user if ours else OA_ID,
    }  # fmt: skip


def control(app: FastAPI, zalo: Zalo) -> None:
    """Switches for whoever tries things out."""

    @app.post("/_emulator/subscribe")
    def subscribe(url: str = Form()) -> dict[str, bool]:
        return {"subscribed": zalo.subscribe(url)}

    @app.post("/_emulator/say")
    def say(text: str = Form(), user: str = Form(CITIZEN)) -> dict[str, Any]:
        return {"statuses": zalo.say(text, user).statuses}

    @app.post("/_emulator/press")
    def press(number: int = Form(), user: str = Form(CITIZEN)) -> dict[str, Any]:
        return {"statuses": zalo.press(number, user).statuses}

    @app.post("/_emulator/fault")
    def fault(name: str = Form(), times: int = Form(1), at: str = Form("/v3.0/oa/message/cs")) -> dict[str, str]:
        zalo.break_it(int(name) if name.lstrip("-").isdigit() else name, times, at)  # type: ignore[arg-type]
        return {"fault": name}

    @app.get("/_emulator/conversations/{user}")
    def conversation(user: str) -> list[dict[str, Any]]:
        return [vars(said) for said in zalo.conversations[user]]

    @app.get("/_emulator/pair")
    def pair() -> dict[str, str]:
        return zalo.pair()


class Faulty:
    """ASGI middleware: what goes wrong at the far end of a network."""

    def __init__(self, app: Any, zalo: Zalo) -> None:
        self._app, self._zalo = app, zalo

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        fault = self._zalo.take_fault(scope["path"]) if scope["type"] == "http" else None
        match fault:
            case None:
                await self._app(scope, receive, send)
            case int():
                await JSONResponse({"error": fault, "message": f"error {fault}"})(scope, receive, send)
            case "http-500":
                await Response("oops", 500)(scope, receive, send)
            case "http-429":
                await Response("", 429, headers={"Retry-After": "1"})(scope, receive, send)
            case "html":
                await Response("<html>bảo trì</html>", media_type="text/html")(scope, receive, send)
            case "slow":
                await self._delayed(scope, receive, send)
            case "lost":
                await self._app(scope, receive, _nowhere)
                send.__self__.transport.abort()
            case "refused-connection":
                send.__self__.transport.abort()

    async def _delayed(self, scope: Any, receive: Any, send: Any) -> None:
        """The work is done at once; the answer is late."""
        import asyncio

        answer: list[Any] = []

        async def keep(message: Any) -> None:
            answer.append(message)

        await self._app(scope, receive, keep)
        await asyncio.sleep(self._zalo.slow_s)
        for message in answer:
            await send(message)


async def _nowhere(message: Any) -> None:
    pass


def create_app(zalo: Zalo) -> Faulty:
    """The ASGI application."""
    app = FastAPI(title="motcua: Zalo emulator (not Zalo)")
    for part in (oauth, messages, queries, control):
        part(app, zalo)

    @app.exception_handler(Refusal)
    async def refused(_request: Request, refusal: Refusal) -> JSONResponse:
        return JSONResponse({"error": refusal.code, "message": refusal.words})

    return Faulty(app, zalo)


_SERVER: dict[str, Any] = {"loop": "asyncio", "http": "h11", "lifespan": "off", "log_level": "critical"}


@contextlib.contextmanager
def running(zalo: Zalo, port: int = 0) -> Iterator[str]:
    """The emulator's address, served by a thread of this process."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(create_app(zalo), **_SERVER))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(5)
        listener.close()
        zalo.close()


# -- by hand ------------------------------------------------------------------------------------


def show(user: str, said: Said) -> None:
    """Print what somebody hears."""
    if said.by == "user":
        return
    who = {"oa": "OA", "staff": "cán bộ"}[said.by]
    print(f"\n[{who} → {user[-4:]}] {said.text}")
    for number, button in enumerate(said.buttons, start=1):
        print(f"   [{number}: {button['title']}]")


def obey(zalo: Zalo, line: str) -> Delivery:
    """Do what a typed line says."""
    command, _, rest = line.partition(" ")
    match command:
        case "/press":
            return zalo.press(int(rest))
        case "/staff":
            return zalo.staff(rest)
        case "/follow":
            return zalo.follow()
        case "/image":
            return zalo.media("image")
        case "/withdraw":
            return zalo.withdraw()
        case _:
            return zalo.say(line)


def main(arguments: list[str] | None = None) -> None:
    about = "An emulator of Zalo's Official Account platform. Everything in it is made up."
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.zalo", description=about)
    parser.add_argument("--port", type=int, default=8901)
    parser.add_argument("--webhook", help="the app's webhook; without it, only the API is served")
    chosen = parser.parse_args(arguments)
    zalo = Zalo(ladder_scale=0.001)
    zalo.on_said = show
    with running(zalo, chosen.port) as url:
        print(f"Zalo EMULATOR (not Zalo) on {url}")
        print(f"MOTCUA_ZALO_API_URL={url} MOTCUA_ZALO_OAUTH_URL={url} MOTCUA_ZALO_APP_ID={APP_ID}")
        print(f"MOTCUA_ZALO_APP_SECRET={APP_SECRET} MOTCUA_ZALO_OA_SECRET={OA_SECRET}")
        print(f"tokens, for motcua zalo token import: {json.dumps(zalo.pair())}")
        if chosen.webhook:
            print("webhook", "answers" if zalo.subscribe(chosen.webhook) else "DOES NOT ANSWER")
        with contextlib.suppress(KeyboardInterrupt, EOFError):
            for line in sys.stdin:
                if line.strip():
                    delivery = obey(zalo, line.strip())
                    print("" if delivery.taken else f"   (webhook: {delivery.statuses})", end="", flush=True)
        if not sys.stdin.isatty():
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()


if __name__ == "__main__":
    main()
