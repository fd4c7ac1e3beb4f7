"""Vietnamese text as people type it: cleaning, folding accents, expanding abbreviations.

Standard library only: the Rasa environment imports this module too.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from knowledge.keystrokes import read_telex, read_vni

MAX_LENGTH = 2_000
"""Characters of a message that are understood; longer texts are cut at a blank."""

_WORDS_FILE = Path(__file__).with_name("words.json")
_TAG = re.compile(r"<[^<>]{1,200}>")
_BLANKS = re.compile(r"\s+")
_REPEATED = re.compile(r"([^\W\d_])\1{2,}", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W_]+(?:[./-][^\W_]+)*", re.UNICODE)
_WORD = re.compile(r"[^\W_]+")


def clean(text: str) -> str:
    """NFC text without markup, control characters and surplus blanks, at most ``MAX_LENGTH`` characters."""
    text = unicodedata.normalize("NFC", html.unescape(text))
    text = _TAG.sub(" ", text)
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    text = _BLANKS.sub(" ", text).strip()
    if len(text) <= MAX_LENGTH:
        return text
    return text[:MAX_LENGTH].rsplit(" ", 1)[0]


@lru_cache(maxsize=50_000)
def _fold_word(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word.lower().replace("đ", "d"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def fold(text: str) -> str:
    """Lower case without accents: ``"Giấy khai sinh Đà Nẵng"`` → ``"giay khai sinh da nang"``."""
    return " ".join(_fold_word(word) for word in text.split(" "))


def has_accents(text: str) -> bool:
    """Whether any letter carries a Vietnamese accent."""
    return text.lower() != fold(text)


@lru_cache(maxsize=1)
def _words() -> dict[str, str]:
    groups = json.loads(_WORDS_FILE.read_text(encoding="utf-8"))
    return {short: long for group in groups.values() for short, long in group.items()}


def expand(text: str) -> str:
    """Write out abbreviations and chat spellings (``words.json``): ``"lm cccd ở đâu v"`` → ``"làm căn cước công dân ở đâu vậy"``."""
    return _WORD.sub(_expand_word, text)


def _expand_word(match: re.Match[str]) -> str:
    word = match.group()
    if len(word) > 1 and word.isupper() and word.lower() not in _words():
        return word  # a Roman numeral or an acronym we do not know
    shortened = _REPEATED.sub(r"\1", word)
    words = _words()
    return words.get(word.lower()) or words.get(shortened.lower()) or read_telex(shortened)


def normalize(text: str) -> str:
    """Clean, write out abbreviations, read left-over keystrokes, shorten drawn-out letters (``"ơiiii"`` → ``"ơi"``)."""
    return expand(_from_vni(clean(text)))


def _from_vni(text: str) -> str:
    """One word with digits may be a code (A1, KT3); two that read as VNI keystrokes are none."""
    read = _WORD.sub(lambda match: read_vni(match.group()), text)
    changed = sum(a != b for a, b in zip(text.split(" "), read.split(" "), strict=True))
    return read if changed >= 2 else text


def tokens(text: str) -> list[str]:
    """Lower-case words of ``text`` (syllables, numbers, codes), accents kept."""
    return _TOKEN.findall(text.lower())
