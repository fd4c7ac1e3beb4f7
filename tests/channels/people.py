"""The same person on each channel: what they do, and what they hear with the channel's own rendering taken off."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import sqlalchemy as sa

from actions.dossiers import talk
from connectors.zalo.render import PREFIX
from tests.channels.installation import Installation
from tests.emulators import telegram, zalo

_TURN_S = 90.0
_LOOK_S = 0.05
_MASKS = [
    (re.compile(r"\bPA-\d{6}-[0-9A-Z]{6}\b"), "PA-…"),
    (re.compile(r"\bH57\.17\.26-\d{6}-9\d{3}\b"), "H57.17.26-…"),
]
"""Numbers that are drawn, and codes of dossiers that are one channel's own."""
_WEB_ONLY = talk._WHERE["web"]
"""Said only where nothing can be sent to people by itself."""


@dataclass
class Heard:
    """The answer to one message. ``options`` are labels of what can be tapped, as far as the channel shows them."""

    text: str = ""
    options: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    procedures: list[str | None] = field(default_factory=list)

    @property
    def content(self) -> str:
        """The text without what may differ: blanks, and numbers that are drawn."""
        text = self.text.replace(_WEB_ONLY, "")
        for pattern, mask in _MASKS:
            text = pattern.sub(mask, text)
        return " ".join(text.split())

    def offers(self, labels: list[str]) -> bool:
        """Whether these are the options, of which a channel may cut long ones short."""
        return len(labels) == len(self.options) and all(
            label == shown or (shown.endswith("…") and label.startswith(shown[:-1]))
            for label, shown in zip(labels, self.options, strict=True)
        )


class Person(ABC):
    """Somebody in a conversation of their own.

    Args:
        installation: whom they talk to.
        names: what stands for ``{name}`` in what they say.
    """

    channel: str

    def __init__(self, installation: Installation, names: dict[str, str]) -> None:
        self.installation, self._names = installation, names
        self.sender = self._new_sender()
        self._said = 0

    @property
    def conversation(self) -> str:
        return f"{self.channel}:{self.sender}"

    def say(self, text: str) -> Heard:
        """Type something and wait for the whole answer."""
        for name, value in self._names.items():
            text = text.replace(f"{{{name}}}", value)
        return self._turn(lambda: self._type(text))

    def tap(self, label: str) -> Heard:
        """Press the button with this label, in the latest message that has buttons."""
        return self._turn(lambda: self._press(label))

    @abstractmethod
    def _new_sender(self) -> str: ...

    @abstractmethod
    def _type(self, text: str) -> None: ...

    @abstractmethod
    def _press(self, label: str) -> None: ...

    @abstractmethod
    def _since(self) -> Heard:
        """Text and options of what came since the last call."""

    def _turn(self, act: Callable[[], None]) -> Heard:
        act()
        wait_until(lambda: self.installation.waiting(self.conversation) == 0, "the answer")
        heard = self._since()
        said = self._written_down()[self._said :]
        self._said += len(said)
        heard.statuses = [reply["status"] for reply in said]
        heard.procedures = [reply.get("procedure_code") for reply in said]
        return heard

    def _written_down(self) -> list[dict[str, Any]]:
        """The bot's replies of this conversation, as the installation keeps them."""
        query = "select payload from transcript where conversation = :conversation and who = 'bot' order by id"
        with self.installation.engine.connect() as connection:
            rows = connection.execute(sa.text(query), {"conversation": self.conversation}).scalars().all()
        return [json.loads(row) if isinstance(row, str) else row for row in rows]


def wait_until(done: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _TURN_S
    while not done():
        assert time.monotonic() < until, f"{what} did not come within {_TURN_S:.0f} s"
        time.sleep(_LOOK_S)


def _index(labels: list[str], label: str) -> int:
    """Which of the shown labels is this one."""
    for position, shown in enumerate(labels):
        if shown == label or (shown.endswith("…") and label.startswith(shown[:-1])):
            return position
    raise AssertionError(f"“{label}” is not offered, only {labels}")


# -- the web --------------------------------------------------------------------------------------


class OnTheWeb(Person):
    """Somebody whose page sends messages with POST, and hears everything once more as server-sent events."""

    channel = "web"

    def __init__(self, installation: Installation, names: dict[str, str]) -> None:
        self._http = httpx.Client(base_url=installation.urls[0], timeout=60.0, trust_env=False)
        super().__init__(installation, names)
        self._replies: list[dict[str, Any]] = []
        self._streamed: list[dict[str, Any]] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _new_sender(self) -> str:
        opened = self._http.post("/api/v1/web/sessions").json()
        self._http.headers["Authorization"] = f"Bearer {opened['token']}"
        return str(opened["session"])

    def _listen(self) -> None:
        with self._http.stream("GET", "/api/v1/web/events", timeout=None) as response:
            for event in server_sent(response.iter_lines()):
                if event["who"] == "bot":
                    self._streamed.append(event["reply"])

    def _type(self, text: str) -> None:
        sent = {"text": text, "client_msg_id": uuid.uuid4().hex}
        response = self._http.post("/api/v1/web/messages", json=sent)
        assert response.status_code == 200, response.text
        self._replies += response.json()["messages"]

    def _press(self, label: str) -> None:
        options = next(reply["options"] for reply in reversed(self._replies) if reply["options"])
        self._type(options[_index([option["label"] for option in options], label)]["payload"])

    def _since(self) -> Heard:
        wait_until(lambda: len(self._streamed) >= len(self._replies), "the event")
        assert self._streamed == self._replies, "the stream tells something else than the answer to the call"
        new, self._told = self._replies[getattr(self, "_told", 0) :], len(self._replies)
        options = [option["label"] for reply in new for option in reply["options"]]
        return Heard("\n".join(reply["text"] for reply in new), options)


def server_sent(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """The ``message`` events of a stream."""
    kind = ""
    for line in lines:
        name, _, value = line.partition(":")
        if name == "event":
            kind = value.strip()
        elif name == "data" and kind == "message":
            yield json.loads(value)


# -- Zalo -----------------------------------------------------------------------------------------

_NUMBERED = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)
_CHOICES = re.compile(r"\n*(?:Anh/chị nhắn số để chọn|Hoặc nhắn số):\n((?:\d+\. .*\n?)+)$")


class OnZalo(Person):
    """Somebody with the Zalo app; the emulator signs what they do."""

    channel = "zalo"
    _heard = 0

    def _new_sender(self) -> str:
        return str(uuid.uuid4().int)[:18]

    @property
    def _told(self) -> list[zalo.Said]:
        return [said for said in self.installation.zalo.conversations[self.sender] if said.by == "oa"]

    def _type(self, text: str) -> None:
        assert self.installation.zalo.say(text, self.sender).taken

    def _press(self, label: str) -> None:
        buttons = next(said.buttons for said in reversed(self._told) if said.buttons)
        payload = buttons[_index([button["title"] for button in buttons], label)]["payload"]
        assert payload.startswith(PREFIX)
        assert self.installation.zalo.say(payload, self.sender).taken

    def _since(self) -> Heard:
        new, self._heard = self._told[self._heard :], len(self._told)
        texts, options = [], []
        for said in new:
            assert len(said.text) <= 2_000
            listed = _CHOICES.search(said.text)
            texts.append(said.text[: listed.start()] if listed else said.text)
            options += [button["title"] for button in said.buttons if button["type"].startswith("oa.query.")]
            if listed and not said.buttons:
                options += _listed(said.text)
        return Heard("\n".join(texts), options)


def _listed(text: str) -> list[str]:
    """The choices of a message with too many for buttons: the last lines that are numbered from 1 on."""
    found: list[str] = []
    for number, label in _NUMBERED.findall(text):
        found = [*found, label] if int(number) == len(found) + 1 else [label]
    return found


# -- Telegram -------------------------------------------------------------------------------------


class OnTelegram(Person):
    """Somebody with the Telegram app, in a private chat."""

    channel = "telegram"
    _heard = 0

    def _new_sender(self) -> str:
        return str(uuid.uuid4().int % 10**9 + 1)

    @property
    def _told(self) -> list[telegram.Json]:
        chat = int(self.sender)
        return [message for message in list(self.installation.telegram.sent) if message["chat"]["id"] == chat]

    def _type(self, text: str) -> None:
        self._deliver(self.installation.telegram.say(int(self.sender), text))

    def _press(self, label: str) -> None:
        message = next(message for message in reversed(self._told) if _buttons(message))
        labels = [_plain_label(button["text"]) for button in _buttons(message)]
        press = self.installation.telegram.press
        self._deliver(press(int(self.sender), message["message_id"], _index(labels, label)))

    def _deliver(self, update: telegram.Json) -> None:
        wait_until(lambda: update not in self.installation.telegram.pending, "Telegram's call")

    def _since(self) -> Heard:
        new, self._heard = self._told[self._heard :], len(self._told)
        options = [_plain_label(button["text"]) for message in new for button in _buttons(message)]
        return Heard("\n".join(_with_addresses(message) for message in new), options)


def _buttons(message: telegram.Json) -> list[telegram.Json]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row if button["callback_data"] != "."]


def _plain_label(text: str) -> str:
    return re.sub(r"^(?:✓ |\d+\. )", "", text)


def _with_addresses(message: telegram.Json) -> str:
    """The text with the address of each link behind its words, as other channels write it."""
    units = message["text"].encode("utf-16-le")
    for entity in sorted(message["entities"], key=lambda one: -one["offset"]):
        if entity["type"] == "text_link":
            start, end = 2 * entity["offset"], 2 * (entity["offset"] + entity["length"])
            words = units[start:end].decode("utf-16-le")
            shown = words if entity["url"] in words else f"{words}; {entity['url']}"
            units = units[:start] + shown.encode("utf-16-le") + units[end:]
    return units.decode("utf-16-le")


PEOPLE: tuple[type[Person], ...] = (OnTheWeb, OnZalo, OnTelegram)
