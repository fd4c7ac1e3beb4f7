"""Comparing the second factor with the numbers that a far end returns."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from typing import Any

from actions.dossiers.dossier import Proof

MIN_DIGITS = 4
"""Fewer digits are too easily guessed and prove nothing."""

_MIN_NUMBER = 7
"""Digits of the shortest number that can be somebody's (a passport's); shorter ones are placeholders."""


def digits_of(proof: Proof) -> str | None:
    """The proof's digits, or None when there are too few of them."""
    digits = _plain(proof.digits)
    return digits if len(digits) >= MIN_DIGITS else None


def proves(proof: Proof, numbers: Iterable[Any]) -> bool:
    """Whether the proof is the end of one of the numbers.

    Each comparison takes the same time whatever the digits are, and all of them are made, so that the time of the
    answer does not tell which digit is wrong or whose number it is.
    """
    digits = digits_of(proof)
    if digits is None:
        return False
    right = False
    for number in map(_plain, numbers):
        usable = len(number) >= max(_MIN_NUMBER, len(digits)) and len(set(number)) > 1
        right |= hmac.compare_digest(number[-len(digits) :], digits) and usable
    return right


def _plain(number: Any) -> str:
    """Digits only; +84 and 0 before a telephone number are the same."""
    if isinstance(number, bool) or not isinstance(number, str | int):
        return ""
    text = re.sub(r"[^0-9+]", "", str(number)[:64])
    return re.sub(r"\D", "", re.sub(r"^(?:\+84|84(?=\d{9}$))", "0", text))
