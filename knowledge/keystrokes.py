"""Keystrokes left over from Telex and VNI: "ddanwg kys" was meant to be "đăng ký".

An input method that is off, or on a computer without one, leaves the keys as typed. A word is read as
keystrokes only where it cannot be a Vietnamese syllable as it stands, and the result can. Standard
library only, like ``knowledge.text``.
"""

from __future__ import annotations

import re
import unicodedata

_ONSETS = "b|c|ch|d|g|gh|gi|h|k|kh|l|m|n|ng|ngh|nh|p|ph|qu|r|s|t|th|tr|v|x"
_NUCLEI = (
    "a|e|i|o|u|y|ai|ao|au|ay|eo|eu|ia|ie|ieu|iu|oa|oai|oay|oe|oeo|oi|oo|ua|uay|ue|ui|uo|uoi|uou|uu|uy|uya|uye|uyu|ye|yeu"
)
_SYLLABLE = re.compile(rf"(?:{_ONSETS})?(?:{_NUCLEI})(?:ch|ng|nh|c|m|n|p|t)?")
_TONES = {"s": "\u0301", "f": "\u0300", "r": "\u0309", "x": "\u0303", "j": "\u0323"}
_VNI_TONES = {"1": "\u0301", "2": "\u0300", "3": "\u0309", "4": "\u0303", "5": "\u0323"}
_DOUBLED = {"a": "â", "e": "ê", "o": "ô", "d": "đ"}
_HOOKED = {"a": "ă", "o": "ơ", "u": "ư"}
_ROOFED = {"a": "â", "e": "ê", "o": "ô"}
_VOWELS = "aăâeêioôơuưy"


def read_telex(word: str) -> str:
    """The word that Telex keys stand for, or the word as it is: ``"ddanwg"`` → ``"đăng"``."""
    lowered = word.lower()
    if not lowered.isascii() or not lowered.isalpha() or is_syllable(lowered):
        return word
    return _accepted(_play(lowered, _telex_key), word)


def read_vni(word: str) -> str:
    """The word that VNI keys stand for, or the word as it is: ``"d9a8ng"`` → ``"đăng"``."""
    lowered = word.lower()
    if not lowered.isascii() or not lowered.isalnum() or not lowered[:1].isalpha() or lowered.isalpha():
        return word
    return _accepted(_play(lowered, _vni_key), word)


def is_syllable(word: str) -> bool:
    """Whether a lower-case word without accents has the shape of a Vietnamese syllable."""
    return bool(_SYLLABLE.fullmatch(word))


def _accepted(played: str | None, word: str) -> str:
    if played is None:
        return word
    plain = "".join(c for c in unicodedata.normalize("NFD", played.replace("đ", "d")) if not unicodedata.combining(c))
    return played if is_syllable(plain) else word


def _play(word: str, key) -> str | None:  # type: ignore[no-untyped-def]
    """Type the keys one by one; None where a tone has no vowel to stand on."""
    letters: list[str] = []
    tone = ""
    for pressed in word:
        mark = key(letters, pressed)
        if mark:
            tone = mark
    return _with_tone(letters, tone)


def _telex_key(letters: list[str], pressed: str) -> str:
    if pressed in _TONES and any(c in _VOWELS for c in letters):
        return _TONES[pressed]
    if pressed == "w":
        _change_last(letters, _HOOKED) or letters.append("ư")
    elif pressed in _DOUBLED and _change_last(letters, {pressed: _DOUBLED[pressed]}):
        pass
    else:
        letters.append(pressed)
    return ""


def _vni_key(letters: list[str], pressed: str) -> str:
    if pressed in _VNI_TONES:
        return _VNI_TONES[pressed]
    changes = {"6": _ROOFED, "7": {"o": "ơ", "u": "ư"}, "8": {"a": "ă"}, "9": {"d": "đ"}}
    if pressed in changes:
        _change_last(letters, changes[pressed])
    else:
        letters.append(pressed)
    return ""


def _change_last(letters: list[str], changes: dict[str, str]) -> bool:
    """Change the last letter that can be; "uo" with a hook becomes "ươ"."""
    for at in range(len(letters) - 1, -1, -1):
        if letters[at] in changes:
            letters[at] = changes[letters[at]]
            if letters[at] == "ơ" and at and letters[at - 1] == "u":
                letters[at - 1] = "ư"
            return True
    return False


def _with_tone(letters: list[str], tone: str) -> str | None:
    word = "".join(letters)
    if not tone:
        return word
    places = [i for i, c in enumerate(letters) if c in _VOWELS]
    if word.startswith(("qu", "gi")) and len(places) > 1:
        places = places[1:]
    if not places:
        return None
    marked = [i for i in places if letters[i] in "ăâêôơư"]
    closed = places[-1] < len(letters) - 1
    at = marked[-1] if marked else places[-1] if closed or len(places) == 1 else places[-2]
    letters[at] = unicodedata.normalize("NFC", letters[at] + tone)
    return "".join(letters)
