"""What the written forms of a report have in common: safe texts and file names."""

from __future__ import annotations

import unicodedata

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def printable(text: str) -> str:
    """The text without control characters, which workbooks cannot hold."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Co", "Cn"))


def unlike_a_formula(text: str) -> str:
    """A text that no spreadsheet takes for a formula when it opens a CSV file: a quote stands before one that looks so."""
    text = printable(text)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
