"""Personal numbers in what people type: found and masked before anything is stored or sent on.

The order matters, so that one number is not eaten by another: procedure codes and dossier codes
are not personal and stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_KEEP = re.compile(
    r"(?:[A-Z0-9]{1,4}[.,]){0,4}[GH]\d{2}(?:[.,][A-Z0-9]{1,4}){0,4}\s*[-_/]\s*\d{6}\s*[-_/]\s*\d{3,7}(?!\d)"  # dossier code
    r"|(?<![\d.])\d\.\d{6}(?:\.[0-9A-Z.]+)?",  # procedure code
    re.IGNORECASE,
)
_SEPARATOR = r"[\s.\-]?"
_CITIZEN_ID = re.compile(r"(?<!\d)0(?:" + _SEPARATOR + r"\d){11}(?!\d)")
_PHONE = re.compile(r"(?<!\d)(?:\+?84|0)" + _SEPARATOR + r"[35789](?:" + _SEPARATOR + r"\d){8}(?!\d)")
_OLD_ID = re.compile(r"(?<!\d)\d{9}(?!\d)|(?<!\d)\d{3}[ .]\d{3}[ .]\d{3}(?!\d|[ .]\d|\s*(?:đ|vn|dong|đồng))", re.IGNORECASE)
_PASSPORT = re.compile(r"(?<![A-Z0-9])[A-Z]\d{7,8}(?!\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Masked:
    """``text`` without personal numbers; ``kinds`` are the kinds found (``id``, ``phone``)."""

    text: str
    kinds: tuple[str, ...]

    @property
    def identity(self) -> bool:
        """Whether an identity number was among them."""
        return "id" in self.kinds


_MARK = re.compile(r"\s*\[số (?:điện thoại|giấy tờ)\]\s*")


def without_marks(text: str) -> str:
    """A masked text with a blank where a number was."""
    return _MARK.sub(" ", text).strip()


def mask(text: str) -> Masked:
    """Replace identity and phone numbers by a word."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group())
        return f"\x00{len(kept) - 1}\x00"

    kinds: list[str] = []
    text = _KEEP.sub(keep, text)
    for kind, pattern, word in (
        ("phone", _PHONE, "[số điện thoại]"),
        ("id", _CITIZEN_ID, "[số giấy tờ]"),
        ("id", _OLD_ID, "[số giấy tờ]"),
        ("id", _PASSPORT, "[số giấy tờ]"),
    ):
        text, count = pattern.subn(word, text)
        kinds += [kind] * bool(count)
    text = re.sub("\x00(\\d+)\x00", lambda m: kept[int(m.group(1))], text)
    return Masked(text, tuple(dict.fromkeys(kinds)))
