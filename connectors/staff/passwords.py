"""Passwords of staff: argon2id hashes, and what a new password must be."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH, MAX_LENGTH = 10, 200
"""In characters. The upper bound only keeps somebody from sending megabytes to be hashed."""

# RFC 9106's second choice (64 MiB, three passes), the library's default. Existing hashes are made anew when it changes.
_hasher = PasswordHasher()


class PasswordProblem(StrEnum):
    """Why a new password is not taken."""

    TOO_SHORT = f"at least {MIN_LENGTH} characters"
    TOO_LONG = f"at most {MAX_LENGTH} characters"
    IS_THE_NAME = "must not be the account's name"
    COMMON = "too common: it is on the list that guessers try first"


class WeakPasswordError(ValueError):
    """A new password is not taken; ``problem`` says why."""

    def __init__(self, problem: PasswordProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


def check_new(password: str, *names: str) -> None:
    """Refuse a weak new password.

    Args:
        password: what the person chose.
        names: the account's name and display name.

    Raises:
        WeakPasswordError: too short, too long, (nearly) a name, or common.
    """
    if len(password) < MIN_LENGTH:
        raise WeakPasswordError(PasswordProblem.TOO_SHORT)
    if len(password) > MAX_LENGTH:
        raise WeakPasswordError(PasswordProblem.TOO_LONG)
    plain = _plain(password)
    if plain.rstrip("0123456789!@#.") in {_plain(name).rstrip("0123456789!@#.") for name in names if name}:
        raise WeakPasswordError(PasswordProblem.IS_THE_NAME)
    # Digits or signs at the end make a common word no better; "aaaaaaaaaa" and "1212121212" are no better either.
    if plain in _common() or plain.rstrip("0123456789!@#.") in _common() or len(set(plain)) < 4:
        raise WeakPasswordError(PasswordProblem.COMMON)


def hashed(password: str) -> str:
    """The argon2id hash to store, with its parameters and a salt of its own."""
    return _hasher.hash(_normal(password))


def matches(hash: str | None, password: str) -> bool:
    """True where ``password`` has this hash. Takes the same time without a hash: that is for unknown accounts."""
    try:
        right = _hasher.verify(hash or _nobodys_hash(), _normal(password[: MAX_LENGTH + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return right and hash is not None


def is_outdated(hash: str) -> bool:
    """True where the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(hash)


def _normal(password: str) -> str:
    """One form for the same letters: Vietnamese keyboards send "ế" composed or in parts."""
    return unicodedata.normalize("NFC", password)


def _plain(text: str) -> str:
    """Lower case, without accents, spaces, dots and dashes."""
    letters = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(c for c in letters if not unicodedata.combining(c) and c not in " ._-")


@cache
def _common() -> frozenset[str]:
    lines = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").split()
    return frozenset(lines)


@cache
def _nobodys_hash() -> str:
    return hashed("nobody has this password")
