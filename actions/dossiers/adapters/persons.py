"""Keeping persons out of the words that officers write: "Đề nghị ông … bổ sung, liên hệ 09…".

The structured personal fields of an answer are simply not read. But what must be shown (which papers are missing, why
it was refused) is free text, and may repeat them. Whatever the same answer holds under a personal key is taken out of
such texts, and every telephone and identity number with it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from actions.privacy import mask

_PERSONAL = re.compile(
    r"full_?name|ho_?(?:va_?)?ten|chu_?ho_?so|nguoi|owner|applicant|citizen|can_?bo|officer|phone|dien_?thoai|sdt|^tel"
    r"|mobile|mail|dinh_?danh|cccd|cmnd|can_?cuoc|identity|^id_?(?:number|no|card)|passport|ho_?chieu|dia_?chi|address",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?:^|_)(?:name|ten|ho|value)$", re.IGNORECASE)
_KIND = re.compile(r"(?:type|kind|loai\w*)$|^loai", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}")
_LONG_NUMBER = re.compile(r"\d(?:[\s.\-]?\d){6}")
"""Whether there is anything to mask at all; most texts have no number that long."""
_SEPARATORS = re.compile(r"[\s.\-+]+")
_MAX_VALUES = 200
_MAX_LENGTH = 120


class Persons:
    """What one answer says of persons, held only while that answer is read."""

    def __init__(self, answer: Any) -> None:
        self._forms = [_Form.of(value) for value in sorted(_values(answer), key=len, reverse=True)]

    def scrub(self, text: str) -> str:
        """The text (NFC) with names, addresses, e-mail addresses and numbers of persons replaced by a word."""
        folded = _fold(text)
        squeezed = _SEPARATORS.sub("", folded)
        for form in self._forms:
            if form.squeezed not in squeezed:  # nearly always, and much faster than the expression
                continue
            for match in reversed(list(form.pattern.finditer(folded))):
                text = text[: match.start()] + form.word + text[match.end() :]
                folded = folded[: match.start()] + " " * len(form.word) + folded[match.end() :]
        text = _EMAIL.sub("[email]", text)
        return mask(text).text if _LONG_NUMBER.search(text) else text


@dataclass(frozen=True)
class _Form:
    """How one personal value may be written in a folded text."""

    pattern: re.Pattern[str]
    word: str  # what stands in its place
    squeezed: str  # the value without separators

    @staticmethod
    def of(folded: str) -> _Form:
        squeezed = _SEPARATORS.sub("", folded)
        if re.fullmatch(r"\+?[a-z]?[\d\s.\-]{7,}", folded):
            digits = r"[\s.\-]?".join(squeezed)
            return _Form(re.compile(rf"(?<!\d){digits}(?!\d)"), "[số]", squeezed)
        words = r"\s+".join(map(re.escape, folded.split()))
        return _Form(re.compile(rf"(?<!\w){words}(?!\w)"), "[họ tên]", squeezed)


def _values(answer: Any) -> set[str]:
    """Personal values anywhere in the answer; walks without recursion, because answers may be nested on purpose."""
    found: set[str] = set()
    todo: list[tuple[Any, str, bool]] = [(answer, "", False)]
    while todo and len(found) < _MAX_VALUES:
        value, key, inside = todo.pop()
        itself = bool(_PERSONAL.search(key)) and not _KIND.search(key)
        if isinstance(value, dict):
            todo += [(child, str(name), inside or itself) for name, child in value.items()]
        elif isinstance(value, list):
            todo += [(child, key, inside) for child in value]
        elif (itself or (inside and _NAME.search(key))) and isinstance(value, str | int):
            text = " ".join(unicodedata.normalize("NFC", str(value)).split())
            if len(text) <= _MAX_LENGTH and _telling(text):
                found.add(_fold(text))
    return found


def _telling(text: str) -> bool:
    """Long enough to be a person's, so that common words are not torn out of sentences."""
    return len(text.split()) >= 2 or sum(c.isdigit() for c in text) >= 7


def _fold(text: str) -> str:
    """Lower case without accents, character by character, so that places in it are places in the text."""
    return "".join(_fold_letter(c) for c in text)


@lru_cache(maxsize=4_096)
def _fold_letter(letter: str) -> str:
    if letter in "đĐ":
        return "d"
    folded = unicodedata.normalize("NFD", letter)[0].lower()
    return folded if len(folded) == 1 else letter
