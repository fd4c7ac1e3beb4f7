"""Which system a dossier code belongs to, told by its agency part.

New codes begin with the province or ministry (``H57.17.26``); codes of 2020–2023 end with it (``000.17.22.H56``, which
is ``H56.22.17`` in today's order). Patterns are written in today's order and cover both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOP = re.compile(r"[GH]\d{2}")
_PATTERN = re.compile(r"(?:[A-Z0-9]{1,4}|\*)(?:\.(?:[A-Z0-9]{1,4}|\*))*")
_EXACT = 1_000
"""How well an expression for whole codes fits: better than any prefix, because it was made for one system."""


class Coverage:
    """Patterns of the codes that a system holds.

    Args:
        patterns: ``H57`` (all of a province), ``H57.17`` (one agency and what is under it), ``G22.*`` (``*`` stands for
            any one segment), or ``/expression/``, a regular expression for the whole code, for systems whose codes have
            another shape.

    Raises:
        ValueError: a pattern that is none of these.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._prefixes: list[list[str]] = []
        self._expressions: list[re.Pattern[str]] = []
        for pattern in patterns:
            if len(pattern) > 2 and pattern[0] == pattern[-1] == "/":
                self._expressions.append(_compiled(pattern[1:-1]))
            elif _PATTERN.fullmatch(pattern):
                self._prefixes.append(pattern.split("."))
            else:
                raise ValueError(f"{pattern!r} is no agency such as H57 or H57.17, and no /expression/")

    def specificity(self, code: str) -> int:
        """How well the best pattern fits a normalised code: 0 not at all; the longer prefix has the higher number."""
        if any(expression.fullmatch(code) for expression in self._expressions):
            return _EXACT
        segments = agency_segments(code)
        return max((_fit(prefix, segments) for prefix in self._prefixes), default=0)


def agency_segments(code: str) -> list[str]:
    """The agency part of a normalised code in today's order, the province or ministry first."""
    segments = code.upper().rsplit("-", 2)[0].split(".")
    if _TOP.fullmatch(segments[0]) or not _TOP.fullmatch(segments[-1]):
        return segments
    segments.reverse()
    while len(segments) > 1 and not segments[-1].strip("0"):
        segments.pop()
    return segments


def _fit(prefix: list[str], segments: list[str]) -> int:
    if len(prefix) > len(segments) or any(p not in ("*", s) for p, s in zip(prefix, segments, strict=False)):
        return 0
    return sum(1 if p == "*" else 2 for p in prefix)


def _compiled(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error:
        raise ValueError(f"{expression!r} is not a regular expression") from None
