"""A reply as Zalo carries it: plain text of at most 2,000 characters, up to five buttons, the choices always in words too.

Buttons are not sure to be shown (there are two forms of them, and old apps), so the text lists the choices by number.
"""

from __future__ import annotations

import unicodedata
from typing import Any, Literal

from actions.replies import Reply, ReplyOption
from connectors.messages import split

TEXT_LIMIT = 2_000
BUTTONS, TITLE_LIMIT, PAYLOAD_LIMIT = 5, 100, 1_000
PREFIX = "#vg:"
"""Begins what our buttons send back; Zalo delivers a pressed button as an ordinary text."""

_CHOOSE = "Anh/chị nhắn số để chọn:"
_CHOOSE_TOO = "Hoặc nhắn số:"
_SOURCE = "Xem nguồn"


def length(text: str) -> int:
    """Characters as UTF-16 counts them: never fewer than Zalo does, however it counts."""
    return len(text.encode("utf-16-le")) // 2


def parts(reply: Reply) -> list[Reply]:
    """The reply in parts that fit one message each; options and sources are on the last one."""
    text = _composed(reply.text).strip()
    options = [
        ReplyOption(label=" ".join(_composed(option.label).split()), payload=option.payload) for option in reply.options
    ]
    pieces = split(text, TEXT_LIMIT, length) if text else []
    if not is_listed(text, options):
        pieces = _with_choices(pieces, options)
    plain = {"options": [], "sources": [], "card": None}
    rendered = [reply.model_copy(update={"text": piece, **plain}) for piece in pieces]
    if rendered:
        rendered[-1] = reply.model_copy(update={"text": pieces[-1], "options": options})
    return rendered


def numbered(options: list[ReplyOption], listed: int = 0) -> str:
    """The choices as lines of text, without the first ``listed``; empty where there are none."""
    lines = [f"{number}. {option.label}" for number, option in enumerate(options, start=1)][listed:]
    return "\n".join([_CHOOSE_TOO if listed else _CHOOSE, *lines]) if lines else ""


def is_listed(text: str, options: list[ReplyOption]) -> bool:
    """Whether the text lists these choices by number already."""
    return _listed(text, options) == len(options)


def _listed(text: str, options: list[ReplyOption]) -> int:
    """How many of the choices, from the first on, the text lists by number: a survey's question has its answers."""
    lines = {line.strip() for line in text.splitlines()}
    missing = (n for n, option in enumerate(options) if f"{n + 1}. {option.label.strip()}" not in lines)
    return next(missing, len(options))


def message(reply: Reply, style: Literal["bare", "button"]) -> dict[str, Any]:
    """The API's ``message`` for one part.

    Args:
        reply: one of :func:`parts`.
        style: the form of the buttons; which one Zalo wants is not certain.
    """
    found = buttons(reply)
    if not found:
        return {"text": reply.text}
    payload: dict[str, Any] = {"buttons": found}
    if style == "button":
        payload = {"template_type": "button", **payload}
    return {"text": reply.text, "attachment": {"type": "template", "payload": payload}}


def buttons(reply: Reply) -> list[dict[str, Any]]:
    """Buttons for the options, and one for the source where there is room; none where not all options get one."""
    sendable = all(len(PREFIX + option.payload) <= PAYLOAD_LIMIT and option.label.strip() for option in reply.options)
    if len(reply.options) > BUTTONS or not sendable:
        return []
    found: list[dict[str, Any]] = [
        # "hide": the citizen's chat does not show what the button sends.
        {"title": _title(option.label), "type": "oa.query.hide", "payload": PREFIX + option.payload}
        for option in reply.options
    ]
    links = [source["url"] for source in reply.sources if source.get("url", "").startswith("https://")]
    if links and len(found) < BUTTONS:
        found.append({"title": _SOURCE, "type": "oa.open.url", "payload": {"url": links[0]}})
    return found


def typed(text: str) -> str:
    """What a citizen's text means: a pressed button's payload, else the text itself."""
    return text[len(PREFIX) :] if text.startswith(PREFIX) else text


def _composed(text: str) -> str:
    """NFC, as Zalo counts characters; halves of surrogate pairs cannot be sent."""
    return unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())


def _title(label: str) -> str:
    if length(label) <= TITLE_LIMIT:
        return label
    return split(label, TITLE_LIMIT - 1, length)[0] + "…"


def _with_choices(pieces: list[str], options: list[ReplyOption]) -> list[str]:
    """What the last piece does not list goes below it if it fits there, else all choices into messages of their own."""
    if pieces:
        choices = numbered(options, _listed(pieces[-1], options))
        if length(pieces[-1]) + 2 + length(choices) <= TEXT_LIMIT:
            return [*pieces[:-1], f"{pieces[-1]}\n\n{choices}"]
    return [*pieces, *split(numbered(options), TEXT_LIMIT, length)]
