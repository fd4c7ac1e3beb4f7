"""Zalo's webhook events as typed objects: only what is needed of them, and nothing that need not be known.

Texts are the citizen's own and stay out of ``repr``. Media are not looked at: neither their addresses nor their
captions are kept. What a person shares about themselves (``user_submit_info``) is not even read.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"[a-z0-9_]{1,40}")
_TIME = re.compile(r"[0-9]{1,16}")
_LONGEST_KEY = 100
_ANONYMOUS = "anonymous"


class MalformedEventError(ValueError):
    """A body that is no event as Zalo's documentation has them."""


class Media(StrEnum):
    """What came in place of a text."""

    IMAGE = "image"
    STICKER = "sticker"
    LOCATION = "location"
    AUDIO = "audio"
    BUSINESS_CARD = "business_card"
    OTHER = "other"


@dataclass(frozen=True)
class Text:
    """Words, or the payload of a button that was pressed."""

    sender: str = field(repr=False)
    key: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True)
class NoText:
    """A picture, sticker, place, card or file."""

    sender: str = field(repr=False)
    key: str = field(repr=False)
    media: Media


@dataclass(frozen=True)
class Followed:
    """Somebody follows the account, or opened its chat for the first time."""

    sender: str = field(repr=False)
    key: str = field(repr=False)


@dataclass(frozen=True)
class InfoShared:
    """Somebody filled in the form for name, phone and address. What they wrote is not kept."""

    sender: str = field(repr=False)
    key: str = field(repr=False)


@dataclass(frozen=True)
class StaffWrote:
    """An officer wrote to somebody in Zalo's OA Manager."""

    recipient: str = field(repr=False)


@dataclass(frozen=True)
class Withdrawn:
    """Somebody wants their data erased."""

    sender: str = field(repr=False)


@dataclass(frozen=True)
class Ignored:
    """Nothing to do; ``name`` is the event's, for counting."""

    name: str


Event = Text | NoText | Followed | InfoShared | StaffWrote | Withdrawn | Ignored

_MEDIA = {
    "image": Media.IMAGE, "gif": Media.STICKER, "sticker": Media.STICKER, "location": Media.LOCATION,
    "audio": Media.AUDIO, "business_card": Media.BUSINESS_CARD, "link": Media.OTHER, "video": Media.OTHER,
    "file": Media.OTHER,
}  # fmt: skip


def decode(body: bytes) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        MalformedEventError: it is none.
    """
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedEventError("no JSON") from None
    if not isinstance(decoded, dict):
        raise MalformedEventError("no JSON object")
    return decoded


def timestamp(raw: dict[str, Any]) -> str | None:
    """The event's own time, milliseconds since 1970 as text."""
    value = raw.get("timestamp")
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _TIME.fullmatch(text) else None


def read(raw: dict[str, Any]) -> Event:
    """What an event says.

    Raises:
        MalformedEventError: a known kind of event lacks what it must have.
    """
    name = raw.get("event_name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MalformedEventError("no event_name")
    if name in ("follow", "user_click_chatnow"):
        sender = _identity(_part(raw, "follower").get("id") or raw.get("user_id"))
        return Followed(sender, _event_key(raw, name, sender))
    if name == "user_withdraw":
        return Withdrawn(_identity(raw.get("user_id")))
    if name == "user_submit_info":
        sender = _identity(_part(raw, "sender").get("id"))
        return InfoShared(sender, _event_key(raw, name, sender))
    if name.startswith("oa_send_"):
        return _echo(raw, name)
    kind = name.removeprefix("user_send_") if name.startswith("user_send_") else name.removeprefix("anonymous_send_")
    if kind != name and (kind == "text" or kind in _MEDIA):
        return _message(raw, name, kind)
    return Ignored(name)


def _message(raw: dict[str, Any], name: str, kind: str) -> Event:
    message = _part(raw, "message")
    sender = _identity(_part(raw, "sender").get("id"))
    if name.startswith("anonymous_"):
        sender = anonymous(sender, _identity(message.get("conversation_id")))
    key = _message_key(message) or _event_key(raw, name, sender)
    if kind == "text":
        text = message.get("text")
        if not isinstance(text, str):
            raise MalformedEventError("no text")
        return Text(sender, key, _storable(text))
    return NoText(sender, key, Media.BUSINESS_CARD if _is_business_card(message, kind) else _MEDIA[kind])


def _is_business_card(message: dict[str, Any], kind: str) -> bool:
    """Such cards also come as links whose description is JSON with a phone number."""
    attachments = message.get("attachments")
    if kind != "link" or not isinstance(attachments, list) or not attachments or not isinstance(attachments[0], dict):
        return False
    payload = attachments[0].get("payload")
    description = payload.get("description") if isinstance(payload, dict) else None
    return isinstance(description, str) and '"phone"' in description


def _echo(raw: dict[str, Any], name: str) -> Event:
    """Our own message come back, unless an officer wrote it."""
    if not _part(raw, "sender").get("admin_id"):
        return Ignored(name)
    recipient = _identity(_part(raw, "recipient").get("id"))
    if name.startswith("oa_send_anonymous_"):
        recipient = anonymous(recipient, _identity(_part(raw, "message").get("conversation_id")))
    return StaffWrote(recipient)


# -- anonymous visitors -------------------------------------------------------------------------


def anonymous(visitor: str, conversation: str) -> str:
    """The sender's id of a visitor who has not shared their identity; both parts are needed to answer them."""
    return f"{_ANONYMOUS}.{visitor}.{conversation}"


def anonymous_parts(sender: str) -> tuple[str, str] | None:
    """A visitor's id and conversation; None for somebody with a Zalo identity."""
    kind, _, rest = sender.partition(".")
    visitor, _, conversation = rest.partition(".")
    return (visitor, conversation) if kind == _ANONYMOUS and conversation else None


# -- parts --------------------------------------------------------------------------------------


def _part(raw: dict[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name)
    return value if isinstance(value, dict) else {}


def _identity(value: Any) -> str:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not _ID.fullmatch(text):
        raise MalformedEventError("no id")
    return text


def _message_key(message: dict[str, Any]) -> str | None:
    value = message.get("msg_id")
    return f"msg:{_storable(value)[:_LONGEST_KEY]}" if isinstance(value, str) and value else None


def _event_key(raw: dict[str, Any], name: str, subject: str) -> str:
    """For events without a message: the same for the same name, time and person."""
    told = "\n".join((name, timestamp(raw) or "", subject))
    return "event:" + hashlib.sha256(told.encode()).hexdigest()


def _storable(text: str) -> str:
    """Without what no database or JSON takes: halves of surrogate pairs, and NUL."""
    return text.encode("utf-8", "replace").decode().replace("\x00", " ")
