"""An emulator of Telegram's Bot API. It is not Telegram, and everybody in it is made up.

The bot's side is HTTP as the real one: ``/bot<token>/<method>`` with form, JSON or query parameters, the real error
descriptions, texts measured in UTF-16 after their HTML is read, webhooks with the secret header and repeated delivery,
``getUpdates`` with long polling and its two conflicts. Left out: media, inline mode, payments, MarkdownV2, and webhook
calls in parallel (it makes one at a time, in order).

People's side are the methods of :class:`Emulator` in tests, and ``POST /_emulator/…`` for whoever tries things out:
``say {chat, text, user?, reply_to?}``, ``press {chat, message, button}``, ``block {chat}``, ``fault {fault, method?,
times?}``, ``GET messages?chat=``.

Run: ``python -m tests.emulators.telegram --port 8901``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import json
import re
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

TOKEN = "7000000001:AAEmulatorTokenOfNoRealBotAtAll000000"
USERNAME, BOT_ID = "motcua_thu_bot", 7000000001
MAX_TEXT, MAX_DATA_BYTES, MAX_BUTTONS, MAX_TOAST = 4096, 64, 100, 200

Json = dict[str, Any]


class Fault(StrEnum):
    """What can go wrong."""

    TOO_FAST = "too-fast"  # 429 with retry_after
    FORBIDDEN = "forbidden"
    BAD_REQUEST = "bad-request"
    BAD_ENTITIES = "bad-entities"  # refuses markup, whatever it is
    SERVER_ERROR = "server-error"
    NOT_JSON = "not-json"
    SLOW = "slow"  # answers after Emulator.slow_s seconds
    AWAY = "away"  # the connection is torn off before anything is done
    LOST = "lost"  # it is done, and the connection is torn off before the answer


class ApiError(Exception):
    """An answer with ``ok: false``."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.body = {"ok": False, "error_code": code, "description": description}
        if parameters:
            self.body["parameters"] = parameters


def bad_request(reason: str) -> ApiError:
    return ApiError(400, f"Bad Request: {reason}")


# -- texts ------------------------------------------------------------------------------------------


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


_TAGS = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
         "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre",
         "a": "text_link", "blockquote": "blockquote", "tg-spoiler": "spoiler"}  # fmt: skip
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)((?:\s+[a-z-]+(?:=(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?)*)\s*>")
_ENTITY = re.compile(r"&(?:(lt|gt|amp|quot)|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));?")
_HREF = re.compile(r"href=(?:\"([^\"]*)\"|'([^']*)'|(\S+))")


def parse_html(text: str) -> tuple[str, list[Json]]:
    """The text without its tags, and what they mark; as strict as Telegram is."""
    plain, found = "", list[Json]()
    open_tags: list[tuple[str, int, str]] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character == "<":
            tag = _TAG.match(text, position)
            place = len(text[:position].encode())
            if not tag:
                raise bad_request(f'can\'t parse entities: Unsupported start tag "" at byte offset {place}')
            closing, name, attributes = tag[1], tag[2].lower(), tag[3]
            if closing:
                if not open_tags or open_tags[-1][0] != name:
                    raise bad_request(
                        f'can\'t parse entities: Unmatched end tag at byte offset {place}, found "{name}"'
                    )
                _, start, url = open_tags.pop()
                if utf16(plain) > start:
                    entity = {"type": _TAGS[name], "offset": start, "length": utf16(plain) - start}
                    found.append(entity | ({"url": url} if url else {}))
            elif name not in _TAGS:
                raise bad_request(f'can\'t parse entities: Unsupported start tag "{name}" at byte offset {place}')
            else:
                href = _HREF.search(attributes)
                url = html.unescape(next(filter(None, href.groups()), "")) if href else ""
                open_tags.append((name, utf16(plain), url))
            position = tag.end()
        elif character == "&" and (entity_found := _ENTITY.match(text, position)):
            plain += html.unescape(entity_found[0].rstrip(";") + ";")
            position = entity_found.end()
        else:
            plain += character
            position += 1
    if open_tags:
        raise bad_request(f"can't parse entities: Can't find end tag corresponding to start tag {open_tags[-1][0]}")
    return plain, sorted(found, key=lambda entity: entity["offset"])


def entities_of(text: str) -> list[Json]:
    """What Telegram marks by itself in a person's message: commands and mentions."""
    found: list[Json] = []
    for kind, pattern in (
        ("bot_command", r"(?<![\w/])/[A-Za-z0-9_]{1,32}(?:@\w+)?"),
        ("mention", r"(?<![\w@/])@\w{4,32}"),
    ):
        for match in re.finditer(pattern, text, re.ASCII):
            found.append({"type": kind, "offset": utf16(text[: match.start()]), "length": utf16(match[0])})
    return sorted(found, key=lambda entity: entity["offset"])


# -- the state --------------------------------------------------------------------------------------


@dataclass
class Chat:
    """A chat that exists; ``id`` is negative for groups."""

    id: int
    blocked: bool = False
    moved_to: int | None = None
    next_message: int = 1
    sends: deque[float] = field(default_factory=lambda: deque(maxlen=40))

    @property
    def kind(self) -> str:
        return "private" if self.id > 0 else "supergroup" if self.id < -1_000_000_000_000 else "group"

    def to_json(self) -> Json:
        named = {"first_name": "Lan"} if self.id > 0 else {"title": "Tổ dân phố"}
        return {"id": self.id, "type": self.kind, **named}


@dataclass
class Webhook:
    url: str = ""
    secret: str = ""
    allowed: list[str] = field(default_factory=list)
    last_error: str = ""
    tries: int = 0


@dataclass
class _Planned:
    fault: Fault
    method: str | None
    times: int
    retry_after_s: int


class Emulator:
    """One bot and the people around it.

    Args:
        strict_pace: refuse more than 30 messages a second, and 20 a minute in a group.
    """

    def __init__(self, strict_pace: bool = True) -> None:
        self.strict_pace = strict_pace
        self.slow_s, self.redelivery_s, self.most_tries = 1.0, 0.05, 100
        self.calls: Counter[str] = Counter()
        self.chats: dict[int, Chat] = {}
        self.messages: dict[tuple[int, int], Json] = {}
        self.sent: list[Json] = []
        self.actions: list[tuple[int, str]] = []
        self.toasts: dict[str, str | None] = {}
        self.commands: list[Json] = []
        self.pending: deque[Json] = deque()
        self.webhook = Webhook()
        self._queries: set[str] = set()
        self._faults: list[_Planned] = []
        self._next_update, self._next_query, self._polls = 100, 1, 0
        self._all_sends: deque[float] = deque(maxlen=40)
        self._lock = threading.RLock()
        self._changed: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- people --------------------------------------------------------------------------------

    def say(
        self, chat: int, text: str = "", *, user: int | None = None, reply_to: int | None = None, kind: str = "message",
        **content: Any,
    ) -> Json:  # fmt: skip
        """A person writes; ``content`` holds fields of a Message, such as ``photo``. Returns the update."""
        with self._lock:
            message = self._message(chat, self._user(chat if user is None else user))
            if text:
                message |= {"text": text, "entities": entities_of(text)}
            if content.get("caption"):
                content["caption_entities"] = entities_of(content["caption"])
            if reply_to is not None:
                message["reply_to_message"] = self.messages[chat, reply_to]
            message |= content
            return self._update(kind, message)

    def edit(self, chat: int, message_id: int, text: str) -> Json:
        """A person changes what they wrote."""
        with self._lock:
            message = self.messages[chat, message_id]
            message |= {"text": text, "entities": entities_of(text), "edit_date": int(time.time())}
            return self._update("edited_message", dict(message))

    def press(self, chat: int, message_id: int, button: int = 0, *, user: int | None = None) -> Json:
        """A person presses the n-th button of a message."""
        with self._lock:
            message = self.messages[chat, message_id]
            buttons = [one for row in message["reply_markup"]["inline_keyboard"] for one in row]
            return self.press_data(message, buttons[button]["callback_data"], user=chat if user is None else user)

    def press_data(self, message: Json | None, data: str, *, user: int) -> Json:
        """A press of a button that may be long gone."""
        with self._lock:
            query = str(self._next_query)
            self._next_query += 1
            self._queries.add(query)
            body = {"id": query, "from": self._user(user), "chat_instance": "1", "data": data}
            return self._update("callback_query", body | ({"message": message} if message else {}))

    def block(self, chat: int, blocked: bool = True) -> Json:
        """A person blocks the bot, or lets it in again; in a group: puts it out."""
        with self._lock:
            found = self._chat(chat)
            found.blocked = blocked
            bot = {"id": BOT_ID, "is_bot": True, "first_name": "Một cửa"}
            member, kicked = {"user": bot, "status": "member"}, {"user": bot, "status": "kicked", "until_date": 0}
            change = {"chat": found.to_json(), "from": self._user(abs(chat)), "date": int(time.time())}
            old, new = (member, kicked) if blocked else (kicked, member)
            return self._update("my_chat_member", change | {"old_chat_member": old, "new_chat_member": new})

    def upgrade(self, chat: int, new_id: int) -> Json:
        """A group becomes a supergroup."""
        with self._lock:
            self._chat(chat).moved_to = new_id
            self._chat(new_id)
            message = self._message(chat, self._user(1)) | {"migrate_to_chat_id": new_id}
            return self._update("message", message)

    def _user(self, user: int) -> Json:
        return {"id": user, "is_bot": False, "first_name": "Lan", "language_code": "vi"}

    def _chat(self, chat: int) -> Chat:
        return self.chats.setdefault(chat, Chat(chat))

    def _message(self, chat: int, sender: Json) -> Json:
        found = self._chat(chat)
        message = {"message_id": found.next_message, "date": int(time.time()), "chat": found.to_json(), "from": sender}
        self.messages[chat, found.next_message] = message
        found.next_message += 1
        return message

    def _update(self, kind: str, body: Json) -> Json:
        update = {"update_id": self._next_update, kind: body}
        self._next_update += 1
        if not self.webhook.allowed or kind in self.webhook.allowed:
            self.pending.append(update)
            self._wake()
        return update

    # -- faults --------------------------------------------------------------------------------

    def break_it(self, fault: Fault | str, method: str | None = None, times: int = 1, retry_after_s: int = 3) -> None:
        """The next calls, of this method or of any, go wrong."""
        self._faults.append(_Planned(Fault(fault), method and method.lower(), times, retry_after_s))

    def heal(self) -> None:
        self._faults.clear()

    def next_fault(self, method: str) -> _Planned | None:
        with self._lock:
            for planned in self._faults:
                if planned.times > 0 and planned.method in (None, method.lower()):
                    planned.times -= 1
                    return planned
        return None

    # -- waiting -------------------------------------------------------------------------------

    def _wake(self) -> None:
        if self._loop and self._changed and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    async def changed(self, timeout_s: float) -> None:
        """Until something has come in, at most so long."""
        assert self._changed is not None
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_s)

    async def deliver(self) -> None:
        """Call the webhook for ever, one update after the other, again where it is not taken."""
        self._loop, self._changed = asyncio.get_running_loop(), asyncio.Event()
        async with httpx.AsyncClient(timeout=10) as http:
            while True:
                if not self.webhook.url or not self.pending:
                    await self.changed(0.2)
                    continue
                update, hook = self.pending[0], self.webhook
                headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret} if hook.secret else {}
                try:
                    status = (await http.post(hook.url, json=update, headers=headers)).status_code
                    error = "" if status < 300 else f"Wrong response from the webhook: {status}"
                except httpx.HTTPError:
                    error = "Connection refused"
                hook.tries += 1
                if not error or hook.tries >= self.most_tries:
                    hook.tries = 0
                    with contextlib.suppress(IndexError, ValueError):
                        self.pending.remove(update)
                if error:
                    hook.last_error = error
                    await asyncio.sleep(self.redelivery_s)

    # -- the bot's methods ---------------------------------------------------------------------

    async def call(self, method: str, given: Json) -> Any:
        """One call of the API.

        Raises:
            ApiError: it is refused.
        """
        work = getattr(self, f"_do_{method.lower()}", None)
        if work is None:
            raise ApiError(404, "Not Found")
        if method.lower() == "getupdates":
            return await work(given)
        with self._lock:
            return work(given)

    def _do_getme(self, _given: Json) -> Json:
        return {
            "id": BOT_ID, "is_bot": True, "first_name": "Một cửa", "username": USERNAME, "can_join_groups": True,
            "can_read_all_group_messages": False, "supports_inline_queries": False,
        }  # fmt: skip

    def _do_setwebhook(self, given: Json) -> bool:
        url, secret = given.get("url", ""), given.get("secret_token", "")
        if url and not url.startswith(("https://", "http://127.0.0.1:")):
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            raise bad_request("secret token contains unallowed characters")
        allowed = _json(given, "allowed_updates", list) or []
        self.webhook = Webhook(url, secret, allowed)
        if _flag(given, "drop_pending_updates"):
            self.pending.clear()
        self._wake()
        return True

    def _do_deletewebhook(self, given: Json) -> bool:
        return self._do_setwebhook({"drop_pending_updates": given.get("drop_pending_updates", False)})

    def _do_getwebhookinfo(self, _given: Json) -> Json:
        info = {"url": self.webhook.url, "has_custom_certificate": False, "pending_update_count": len(self.pending)}
        return info | ({"last_error_message": self.webhook.last_error} if self.webhook.last_error else {})

    async def _do_getupdates(self, given: Json) -> list[Json]:
        if self.webhook.url:
            raise ApiError(409, "Conflict: can't use getUpdates method while webhook is active; "
                                "use deleteWebhook to delete the webhook first")  # fmt: skip
        self._polls += 1
        mine, offset = self._polls, int(given.get("offset") or 0)
        if "allowed_updates" in given:
            self.webhook.allowed = _json(given, "allowed_updates", list) or []
        until = time.monotonic() + float(given.get("timeout") or 0)
        self._wake()
        while True:
            with self._lock:
                while offset > 0 and self.pending and self.pending[0]["update_id"] < offset:
                    self.pending.popleft()
                if mine != self._polls:
                    raise ApiError(409, "Conflict: terminated by other getUpdates request; "
                                        "make sure that only one bot instance is running")  # fmt: skip
                if self.pending or time.monotonic() >= until:
                    return list(self.pending)[: int(given.get("limit") or 100)]
            await self.changed(min(0.1, max(0.01, until - time.monotonic())))

    def _do_sendmessage(self, given: Json) -> Json:
        chat = self._writable(given)
        text, entities = _formatted(given)
        markup = _markup(given)
        reply = _json(given, "reply_parameters", dict)
        earlier = reply and self.messages.get((chat.id, int(reply.get("message_id", 0))))
        if reply and not earlier and not reply.get("allow_sending_without_reply"):
            raise bad_request("message to be replied not found")
        self._pace(chat)
        bot = {"id": BOT_ID, "is_bot": True, "first_name": "Một cửa", "username": USERNAME}
        message = self._message(chat.id, bot) | {"text": text, "entities": entities}
        if markup:
            message["reply_markup"] = markup
        if earlier:
            message["reply_to_message"] = earlier
        self.messages[chat.id, message["message_id"]] = message
        self.sent.append(message)
        return message

    def _do_editmessagereplymarkup(self, given: Json) -> Json:
        chat = self._writable(given)
        message = self.messages.get((chat.id, int(given.get("message_id", 0))))
        if message is None:
            raise bad_request("message to edit not found")
        markup = _markup(given)
        if markup == message.get("reply_markup"):
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same"
            )
        message.pop("reply_markup", None)
        if markup:
            message["reply_markup"] = markup
        return message

    def _do_answercallbackquery(self, given: Json) -> bool:
        query, text = str(given.get("callback_query_id", "")), given.get("text")
        if query not in self._queries:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        if text and utf16(text) > MAX_TOAST:
            raise bad_request("MESSAGE_TOO_LONG")
        self._queries.discard(query)
        self.toasts[query] = text
        return True

    def _do_sendchataction(self, given: Json) -> bool:
        chat = self._writable(given)
        if given.get("action") not in {"typing", "upload_photo", "upload_document", "find_location", "choose_sticker"}:
            raise bad_request("wrong parameter action in request")
        self.actions.append((chat.id, given["action"]))
        return True

    def _do_setmycommands(self, given: Json) -> bool:
        commands = _json(given, "commands", list) or []
        for one in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", one.get("command", "")):
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= len(one.get("description", "")) <= 256:
                raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands = commands
        return True

    def _writable(self, given: Json) -> Chat:
        chat = self.chats.get(int(given.get("chat_id") or 0))
        if chat is None:
            raise bad_request("chat not found")
        if chat.moved_to:
            raise ApiError(400, "Bad Request: group chat was upgraded to a supergroup chat",
                           {"migrate_to_chat_id": chat.moved_to})  # fmt: skip
        if chat.blocked:
            how = "bot was blocked by the user" if chat.id > 0 else f"bot was kicked from the {chat.kind} chat"
            raise ApiError(403, f"Forbidden: {how}")
        return chat

    def _pace(self, chat: Chat) -> None:
        if not self.strict_pace:
            return
        now = time.monotonic()
        lately = sum(now - moment < 60 for moment in chat.sends)
        if sum(now - moment < 1 for moment in self._all_sends) >= 30 or (chat.id < 0 and lately >= 20):
            raise too_fast(5)
        chat.sends.append(now)
        self._all_sends.append(now)


def too_fast(seconds: int) -> ApiError:
    return ApiError(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})


def _json(given: Json, name: str, kind: type) -> Any:
    value = given.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None
    if value is not None and not isinstance(value, kind):
        raise bad_request(f"object expected as {name}")
    return value


def _flag(given: Json, name: str) -> bool:
    return str(given.get(name, "")).lower() in {"true", "1"}


def _formatted(given: Json) -> tuple[str, list[Json]]:
    text, mode = str(given.get("text", "")), str(given.get("parse_mode", "")).lower()
    if mode not in {"", "html"}:
        raise bad_request("unsupported parse_mode")
    plain, entities = parse_html(text) if mode == "html" else (text, [])
    if not plain.strip():
        raise bad_request("message text is empty")
    if utf16(plain.strip()) > MAX_TEXT:
        raise bad_request("message is too long")
    return plain.strip(), entities


def _markup(given: Json) -> Json | None:
    markup = _json(given, "reply_markup", dict)
    if not markup or not markup.get("inline_keyboard"):
        return None
    buttons = [one for row in markup["inline_keyboard"] for one in row]
    if len(buttons) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    for one in buttons:
        if not one.get("text"):
            raise bad_request("can't parse inline keyboard button: Text buttons must have non-empty text")
        data = one.get("callback_data")
        if data is None and not one.get("url"):
            raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
        if data is not None and not 1 <= len(data.encode()) <= MAX_DATA_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
    return markup


# -- HTTP -------------------------------------------------------------------------------------------

Send = Callable[[Any], Awaitable[None]]


def _api(app: FastAPI, emulator: Emulator) -> None:
    @app.api_route("/bot{token}/{method}", methods=["GET", "POST"])
    async def call(request: Request, token: str, method: str) -> Response:
        emulator.calls[method] += 1
        if token != TOKEN:
            known = re.fullmatch(r"[0-9]+:[\w-]{20,}", token)
            return _error(ApiError(401, "Unauthorized") if known else ApiError(404, "Not Found"))
        planned = emulator.next_fault(method)
        given = await _given(request)
        try:
            if planned and planned.fault is Fault.AWAY:
                return await _torn(request)
            if planned and planned.fault is Fault.SLOW:
                await asyncio.sleep(emulator.slow_s)
            if planned and (error := _planned_error(planned, given)):
                raise error
            if planned and planned.fault is Fault.NOT_JSON:
                return Response("<html>502 Bad Gateway", 502)
            result = await emulator.call(method, given)
            if planned and planned.fault is Fault.LOST:
                return await _torn(request)
            return JSONResponse({"ok": True, "result": result})
        except ApiError as error:
            return _error(error)


def _planned_error(planned: _Planned, given: Json) -> ApiError | None:
    match planned.fault:
        case Fault.TOO_FAST:
            return too_fast(planned.retry_after_s)
        case Fault.FORBIDDEN:
            return ApiError(403, "Forbidden: bot was blocked by the user")
        case Fault.BAD_REQUEST:
            return bad_request("something about “" + str(given.get("text", ""))[:20] + "”")
        case Fault.BAD_ENTITIES if given.get("parse_mode"):
            return bad_request('can\'t parse entities: Unsupported start tag "x" at byte offset 0')
        case Fault.SERVER_ERROR:
            return ApiError(500, "Internal Server Error")
        case _:
            return None


async def _given(request: Request) -> Json:
    given: Json = dict(request.query_params)
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        return given | (json.loads(body) if body else {})
    return given | dict(parse_qsl(body.decode(), keep_blank_values=True))


def _error(error: ApiError) -> JSONResponse:
    return JSONResponse(error.body, error.body["error_code"])


async def _torn(request: Request) -> Response:
    """Reset the connection, below HTTP; nobody gets the response."""
    transport = request.scope["emulator.send"].__self__.transport  # uvicorn's own cycle
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return Response()


def _control(app: FastAPI, emulator: Emulator) -> None:
    @app.post("/_emulator/{what}")
    async def do(request: Request, what: str) -> JSONResponse:
        given = await request.json()
        try:
            match what:
                case "say":
                    extra = {key: given[key] for key in ("user", "reply_to") if key in given}
                    return JSONResponse(emulator.say(int(given["chat"]), given["text"], **extra))
                case "press":
                    return JSONResponse(emulator.press(int(given["chat"]), int(given["message"]), int(given["button"])))
                case "block":
                    return JSONResponse(emulator.block(int(given["chat"])))
                case "fault":
                    emulator.break_it(given["fault"], given.get("method"), int(given.get("times", 1)))
                    return JSONResponse({})
        except (KeyError, ValueError, IndexError) as error:
            return JSONResponse({"error": repr(error)}, 422)
        return JSONResponse({"error": "say, press, block or fault"}, 404)

    @app.get("/_emulator/messages")
    async def messages(chat: int) -> list[Json]:
        return [message for message in emulator.sent if message["chat"]["id"] == chat]


def create_app(emulator: Emulator) -> Callable[..., Awaitable[None]]:
    """The ASGI application; its lifespan calls the webhook."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI):
        delivering = asyncio.create_task(emulator.deliver())
        yield
        delivering.cancel()

    app = FastAPI(title="motcua: Telegram emulator (not the real one)", lifespan=lifespan)
    _api(app, emulator)
    _control(app, emulator)

    async def with_send(scope: Any, receive: Any, send: Send) -> None:
        scope["emulator.send"] = send
        await app(scope, receive, send)

    return with_send


_SERVER: dict[str, Any] = {"loop": "asyncio", "http": "h11", "proxy_headers": False}
"""Torn connections reach into this very server."""


@contextlib.contextmanager
def running(emulator: Emulator) -> Iterator[str]:
    """The emulator's address, served by a thread of this process on a free port."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(emulator), log_level="critical", **_SERVER))
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


def main(arguments: list[str] | None = None) -> None:
    about = "An emulator of Telegram's Bot API. Everybody in it is made up."
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.telegram", description=about)
    parser.add_argument("--port", type=int, default=8901)
    chosen = parser.parse_args(arguments)
    url = f"http://127.0.0.1:{chosen.port}"
    print(f"Telegram EMULATOR (not the real one)\nMOTCUA_TELEGRAM_API_URL={url}\nMOTCUA_TELEGRAM_TOKEN={TOKEN}")
    uvicorn.run(create_app(Emulator()), host="127.0.0.1", port=chosen.port, log_level="warning", **_SERVER)


if __name__ == "__main__":
    main()
