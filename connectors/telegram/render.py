"""A reply as Telegram shows it: HTML with bold headings and linked sources, and buttons below each other.

Telegram counts a text in UTF-16 code units after its tags and entities are read, which is what :func:`length` measures.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from actions.replies import Reply, ReplyOption
from connectors.messages import split

MAX_TEXT = 4096
_MAX_LABEL = 60
_CHOOSE = "Anh/chị chọn giúp ạ:"


def length(text: str) -> int:
    """A text's length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parts(reply: Reply) -> list[Reply]:
    """The reply cut into messages that Telegram takes; options stay on the last."""
    text = _sendable(reply.text).strip()
    if not text:
        return [reply.model_copy(update={"text": _CHOOSE})] if reply.options else []
    pieces = split(text, MAX_TEXT, length)
    last = len(pieces) - 1
    return [
        reply.model_copy(update={"text": piece, "options": reply.options if n == last else []})
        for n, piece in enumerate(pieces)
    ]


def markup(reply: Reply) -> str:
    """The text as Telegram's HTML; without its tags it reads as before, but for an address that became a link."""
    links = {source["line"]: source["url"] for source in reply.sources if source.get("line") and source.get("url")}
    lines = _sendable(reply.text).split("\n")
    return "\n".join(_line(line, n == 0, reply, links) for n, line in enumerate(lines))


def keyboard(options: Sequence[ReplyOption], data: Sequence[str], text: str) -> InlineKeyboardMarkup | None:
    """One button a row, each with its callback data; long labels that ``text`` lists in full by number are cut short."""
    rows = [
        [InlineKeyboardButton(_label(option.label, number, text), callback_data=datum)]
        for number, (option, datum) in enumerate(zip(options, data, strict=True), start=1)
    ]
    return InlineKeyboardMarkup(rows) if rows else None


def pressed_keyboard(label: str, data: str) -> InlineKeyboardMarkup:
    """What stands in place of the buttons when one was pressed."""
    return InlineKeyboardMarkup([[InlineKeyboardButton(f"✓ {label}", callback_data=data)]])


def _line(line: str, is_first: bool, reply: Reply, links: dict[str, str]) -> str:
    url = links.get(line, "")
    if url.startswith(("https://", "http://")):
        words = line.removesuffix(url).rstrip("; ") or line
        return f'<a href="{html.escape(url)}">{html.escape(words, quote=False)}</a>'
    shown = html.escape(line, quote=False)
    return f"<b>{shown}</b>" if shown.strip() and _is_heading(line, is_first, reply.card) else shown


def _is_heading(line: str, is_first: bool, card: dict[str, object] | None) -> bool:
    if not card:
        return False
    title, listed = card.get("title"), card.get("parts")
    if is_first and isinstance(title, str) and title and line.startswith(title):
        return True
    found = listed if isinstance(listed, list) else []
    return any(isinstance(part, dict) and line == f"{part.get('title')}:" for part in found)


def _label(label: str, number: int, text: str) -> str:
    label = " ".join(_sendable(label).split()) or str(number)
    if f"{number}. {label}" in text:
        label = f"{number}. {label}"
    if len(label) <= _MAX_LABEL:
        return label
    return label[: _MAX_LABEL - 1].rsplit(" ", 1)[0].rstrip(" ,;:.-") + "…"


def _sendable(text: str) -> str:
    """Without what UTF-8 cannot carry and Telegram does not show."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join(c for c in text if c >= " " or c in "\n\t")
