"""A message about a dossier: which code it names, and the digits that prove the right to know.

Digits are taken out of the message here, before anything is stored or sent on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from actions.dossiers.codes import Flaw, Reading, find_codes
from actions.dossiers.keys import PROOF_DIGITS
from knowledge.text import fold

_NAMED = re.compile(
    r"(?:(?:4|bon|may)?\s*(?:chu\s*)?so\s*cuoi|so\s*duoi|duoi(?:\s*so)?)"
    r"(?:\s*(?:cua|la|:|=|-|sdt|dien thoai|so dien thoai|cccd|can cuoc|cmnd|dt|em|toi|minh|nhe|a))*"
    r"\s*(?P<digits>\d{4})(?!\d)"
)
_ALONE = re.compile(
    r"\s*(?:da|vang|a|dạ|so|la|:|4 so cuoi|so cuoi|cua toi|cua em|minh|em|toi|day|gui|\s|,|\.)*(?P<digits>\d{4})"
    r"(?:\s|a|nhe|nha|do|ban|ad|em|\.|,)*"
)
_LONG = re.compile(r"(?<!\d)(?:\+?84|0)?(?:[\s.\-]?\d){8,12}(?!\d)")


@dataclass(frozen=True)
class Asked:
    """What a message says about a dossier. ``rest``: the message without the digits."""

    reading: Reading
    digits: str | None = field(default=None, repr=False)
    rest: str = ""

    @property
    def code(self) -> str | None:
        return self.reading.codes[0] if self.reading.codes else None

    @property
    def flaw(self) -> Flaw | None:
        """Why something that looks like a code is none."""
        return self.reading.problems[0].flaw if self.reading.problems else None


def read(text: str, *, expected: bool) -> Asked:
    """Read a message.

    Args:
        text: as it was typed.
        expected: whether the conversation was just asked for the digits; then a whole phone or identity number
            counts too, of which only the last four digits are kept.
    """
    reading = find_codes(text)
    folded = fold(text)
    match = _NAMED.search(folded)
    if not match and not reading.codes:
        match = _ALONE.fullmatch(folded)
    if match:
        start, end = match.span("digits")
        return Asked(reading, text[start:end], f"{text[:start]}{text[end:]}".strip())
    long = _LONG.search(text) if expected and not reading.codes else None
    if long:
        digits = re.sub(r"\D", "", long.group())[-PROOF_DIGITS:]
        return Asked(reading, digits, f"{text[: long.start()]}{text[long.end() :]}".strip())
    return Asked(reading, None, text)
