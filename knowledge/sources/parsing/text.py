"""Cleaning of official text, and cutting it into clauses."""

from __future__ import annotations

import re
import unicodedata

LOWER = "a-zàáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ"
"""Small letters for a character class. A range such as à-ỹ would hold capitals too."""
UPPER = "A-Z" + LOWER[3:].upper()
"""Capital letters for a character class."""

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad\uf000-\uf0ff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BREAK = re.compile(r"<\s*/?\s*(?:br|p|div|li)\s*/?\s*>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:b|i|u|em|strong|span|font|a|ul|ol|table|tr|td)(?:\s[^<>]{0,200})?>", re.IGNORECASE)
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")

BULLET = (
    r"(?:[-–—−+*•●▪◦‣·✓]+|\(?\d{1,2}(?:\.\d{1,2}){0,4}[.)]+(?!\d)|\d{1,2}/(?=\s)|\(\d{1,2}\)|"
    r"\(?(?:[a-zđ]|[ivx]{1,4})\)|[a-zđ]\.(?=\s)|[IVX]{1,4}[.)])"
)
"""What stands in front of an item of a list: ``-``, ``+``, ``a)``, ``(1)``, ``1.2.``."""
_BULLETS = re.compile(rf"^(?:\s*{BULLET}\s*)+", re.UNICODE)

_UPPER_START = rf"(?=[{UPPER}])"
_CLAUSE_BREAK = re.compile(
    rf"\n+|;\s*|(?<=[^\d\W])\.\s+{_UPPER_START}|(?<=[\d)])\.\s+{_UPPER_START}|(?:(?<=\s)|"
    rf"(?<=[;:.,]))(?=[-–+*•]\s*[{UPPER}\d(])"
)


def clean(text: object) -> str:
    """NFC text without invisible characters and markup; blanks collapse, line breaks stay.

    Anything but text counts as no text, since a crawl may hold null or a number.
    """
    if not isinstance(text, str):
        return ""
    if text.isprintable() and "<" not in text:  # the common case: one line, nothing invisible
        return unicodedata.normalize("NFC", " ".join(text.split()))
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    text = _INVISIBLE.sub("", text)
    return _LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


def clean_line(text: object) -> str:
    """Like clean(), with line breaks turned into blanks."""
    return clean(text).replace("\n", " ")


def strip_bullets(text: str) -> str:
    """Without the list marks in front."""
    return _BULLETS.sub("", text).strip()


def clauses(text: str) -> list[str]:
    """Cut text at line breaks, semicolons, full stops and list marks; numbers such as 25.000 stay whole."""
    return [part for part in (piece.strip() for piece in _CLAUSE_BREAK.split(text) if piece) if part]


def unwrap(text: str) -> str:
    """Without round brackets that enclose the whole text, however many."""
    text = text.strip()
    while len(text) > 1 and text[0] == "(" and closing_bracket(text) == len(text.rstrip(" .;")) - 1:
        text = text.rstrip(" .;")[1:-1].strip()
    return text


def closing_bracket(text: str, start: int = 0) -> int:
    """Index of the bracket that closes the one at ``start``; -1 if it is never closed."""
    depth = 0
    for index in range(start, len(text)):
        if text[index] == "(":
            depth += 1
        elif text[index] == ")":
            depth -= 1
            if depth == 0:
                return index
    return -1


NO_MARK = 9
_ITEM_MARK = re.compile(r"^\s*([-–−+*•●]|\(?\d{1,2}(?:\.\d{1,2})*[.)]+(?!\d)|\(?[a-zđ]\d?\)|[ivx]{1,3}\))")


def mark_rank(text: str) -> int:
    """How deep the list mark of an item stands: numbers, then letters, "*", "-", "+"; NO_MARK without one."""
    match = _ITEM_MARK.match(text)
    if not match:
        return NO_MARK
    if match[1][-1] in ").":
        return 0 if match[1][0].isdigit() or match[1][1:2].isdigit() else 1
    return {"*": 2, "-": 3, "–": 3, "−": 3, "+": 4}.get(match[1], 5)


def capitalise(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]
