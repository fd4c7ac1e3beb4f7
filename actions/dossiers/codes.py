"""Dossier codes in what people type: found in every real form, put right only with their consent.

A code is ``agency-yymmdd-serial``; the agency is written in the new order (``H57.17.26``: province or ministry first)
or in the old one (``000.00.17.H57``). What only looks like a slip of a code (the letter O for a zero, a lost dash, a
date of eight digits) becomes a suggestion to confirm. What is another number is named, so that the talk can say so.

Every pattern is bounded, and every place is tried a bounded number of times: no message takes long.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TypeVar

import regex

MAX_LENGTH = 20_000
"""Characters of a message that are read."""

MAX_SUGGESTIONS = 3
"""Readings offered for one mistyped code."""

_MAX_TRIES = 40
"""Places of one message at which a mistyped code is looked for."""

_OWN_PATTERN_TIMEOUT_S = 0.05


class Slip(StrEnum):
    """What was probably mistyped."""

    LETTER_FOR_DIGIT = "letter_for_digit"  # O for 0, I or l for 1
    LOST_DASH = "lost_dash"  # no dash, or a blank or a full stop in its place
    LOST_DOT = "lost_dot"  # a blank in its place
    LONG_DATE = "long_date"  # 20231114 for 231114


class Kind(StrEnum):
    """What a number is that is no dossier code."""

    PROCEDURE_CODE = "procedure_code"
    RESULT = "result"
    PAYMENT = "payment"
    INSURANCE_FILE = "insurance_file"
    PORTAL_ID = "portal_id"
    IDENTITY = "identity"
    PHONE = "phone"


class Flaw(StrEnum):
    """Why something that has a code's look is none."""

    IMPOSSIBLE_DATE = "impossible_date"
    NO_AGENCY = "no_agency"  # no segment names a province (H..) or a ministry (G..)
    INCOMPLETE = "incomplete"  # agency and date, but no serial
    SPELT_OUT = "spelt_out"  # digits as words, as speech recognition writes them


@dataclass(frozen=True)
class Suggestion:
    """``proposed`` may be what was meant by ``original``: ask before using it."""

    original: str
    proposed: str
    slips: tuple[Slip, ...]


@dataclass(frozen=True)
class Other:
    """A number that is no dossier code; ``text`` is kept only where it names no person."""

    kind: Kind
    text: str = ""


@dataclass(frozen=True)
class Problem:
    """Something like a code that is none."""

    flaw: Flaw
    original: str


@dataclass(frozen=True)
class Reading:
    """What a message holds. ``codes`` are normalised, valid, in the message's order and each named once."""

    codes: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    other: tuple[Other, ...] = ()
    problems: tuple[Problem, ...] = ()


_SEGMENT = "[A-Z0-9]{1,4}"
_DOT = r"\s{0,3}[.,]\s{0,3}"
_DASH = r"\s{0,3}[-_/]{1,3}\s{0,3}"
_START = "(?<![A-Z0-9])(?<![0-9][.,])"
# No more digits, no letters at the end that stand for digits, no letter with a digit behind it.
_END = "(?![0-9]|[OIL]{1,4}(?![A-Z])|[A-Z][0-9])"
_DIGIT = "[0-9OIL]"  # or a letter typed for one
_SLIPS = str.maketrans("OIL", "011")


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


_ANCHOR = _compile("[GH][0-9]{2}")
_CODE = _compile(
    f"{_START}(?P<agency>(?:{_SEGMENT}{_DOT}){{0,4}}?{_ANCHOR.pattern}(?:{_DOT}{_SEGMENT}){{0,4}})"
    f"{_DASH}(?P<date>[0-9]{{6}}){_DASH}(?P<serial>[0-9]{{3,7}}){_END}"
)
_NO_AGENCY = _compile(
    f"{_START}(?:{_SEGMENT}[.,]){{0,4}}{_SEGMENT}{_DASH}(?P<date>[0-9]{{6}}){_DASH}[0-9]{{3,7}}{_END}"
)
_NO_SERIAL = _compile(f"{_START}{_ANCHOR.pattern}(?:[.,]{_SEGMENT}){{0,4}}{_DASH}(?P<date>[0-9]{{6}})(?![0-9A-Z])")
_PARTS = _compile(f"({_SEGMENT})({_DOT})?")

_MISTYPED_HEAD = _compile(rf"{_START}(?:[0O]{{3}}(?:[\s.,]{{1,3}}[A-Z0-9]{{2}}){{2}}[\s.,]{{1,3}})?[GH]{_DIGIT}{{2}}")
_SEPARATOR = r"[\s.,\-_/:|]{0,3}"


def _mistyped_tail(segments: int, last_width: int, date_width: int) -> re.Pattern[str]:
    """What follows the first segment of a mistyped code: so many segments, the last so wide, a date, a serial."""
    middle = r"(?:[\s.,]{1,3}[A-Z0-9]{2,3}(?![A-Z0-9]))" + f"{{{max(segments - 1, 0)}}}"
    last = rf"[\s.,]{{1,3}}[A-Z0-9]{{{last_width}}}" if segments else ""
    return _compile(
        f"(?P<segments>{middle}{last})(?P<gap1>{_SEPARATOR})(?P<date>{_DIGIT}{{{date_width}}})"
        f"(?P<gap2>{_SEPARATOR})(?P<serial>{_DIGIT}{{3,7}}){_END}"
    )


_MISTYPED_TAILS = tuple(
    (_mistyped_tail(segments, width, date), (width == 3) + (date == 8))
    for date in (6, 8)
    for segments, width in ((0, 0), (1, 2), (1, 3), (2, 2), (2, 3), (3, 2), (3, 3), (4, 2))
)

_ONLY_BLANKS = _compile(r"(?<![.,\s])\s{1,3}(?![.,\s])")

_OTHER = (
    (Kind.PORTAL_ID, _compile("(?<![0-9A-F])[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}(?![0-9A-F])")),
    (Kind.PAYMENT, _compile(rf"{_START}G22(?:\.[0-9]{{1,2}}){{0,3}}{_DASH}[0-9]{{12}}(?![0-9])")),
    (
        Kind.RESULT,
        _compile(
            rf"{_START}(?:KQ[.\-][GH][0-9]{{2}}(?:\.[A-Z0-9]{{2}}){{0,3}}[.\-][0-9]{{4,10}}"
            rf"|[GH][0-9]{{2}}(?:\.[A-Z0-9]{{2}}){{0,3}}-KQ[0-9]{{4,10}})(?![0-9])"
        ),
    ),
    (
        Kind.PROCEDURE_CODE,
        _compile(rf"{_START}[0-9]\.[0-9]{{6}}(?:\.[0-9]{{2,3}}){{0,4}}(?:\.[GH][0-9]{{2}})?(?![0-9])"),
    ),
)
"""Numbers that a mistyped code could be taken for: looked for before suggestions are made."""

_IMPERSONAL = frozenset({Kind.PROCEDURE_CODE, Kind.RESULT, Kind.PAYMENT})
_IS_DASH = _compile(_DASH)

_GAP = r"[\s.\-]?"
_PHONE = rf"(?:\+?84|0){_GAP}[35789](?:{_GAP}[0-9]){{8}}|02(?:{_GAP}[0-9]){{9}}"
_PERSONAL = (
    (Kind.INSURANCE_FILE, _compile("(?<![0-9/])[0-9]{3,6}/(?:19|20)[0-9]{2}/[0-9]{3,7}(?![0-9/])")),
    (Kind.IDENTITY, _compile(rf"(?<![0-9.])0(?:{_GAP}[0-9]){{11}}(?![0-9])")),
    (Kind.PHONE, _compile(f"(?<![0-9])(?:{_PHONE})(?![0-9])")),
    (
        Kind.IDENTITY,
        _compile("(?<![0-9])[0-9]{9}(?![0-9])|(?<![0-9])[0-9]{3}(?:[ .][0-9]{3}){2}(?![0-9]|[ .][0-9]|\\s?(?:Đ|D|VN))"),
    ),
)
"""Numbers of people: looked for last, so that none eats a part of a code."""

_NUMBER_OF_A_PERSON = _compile(f"(?:{_PHONE}|[0-9]{{9}}|0[0-9]{{11}})")

_STUCK_PREFIX = _compile(
    r"(?<![A-Z0-9])(?:MA(?:\s?SO)?\s?HO\s?SO|MHS|SO\s?HO\s?SO|(?:SO\s?)?BIEN\s?NHAN|SBN|HO\s?SO|MA\s?SO|MA|SO)"
    r"(?=(?:[GH][0-9OIL]{2}|000)(?![A-Z]))"
)
"""Words before a code, without accents, that stick to it (``mhsH57…``); with a blank between they do no harm."""

_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2043, 0x2212], "-")
_WORDED = "(?:KHONG|MOT|HAI|BA|BON|TU|NAM|LAM|SAU|BAY|TAM|CHIN|MUOI|CHAM|GACH|NGANG)"
_SPELT_OUT = _compile(rf"\b{_WORDED}(?:\s{{1,3}}{_WORDED}){{4,60}}\b")
_SPELT_MARK = _compile(r"\b(?:CHAM|GACH)\b")


def find_codes(text: str, patterns: Iterable[str] = ()) -> Reading:
    """Find the dossier codes of a message, and what else in it could be meant for one.

    Args:
        text: the message as it was typed, of any length and content.
        patterns: regular expressions of one system's own codes, in capitals; they go before the usual form. One that
            takes too long on a message is left out for it.

    Raises:
        regex.error: one of ``patterns`` is no regular expression.
    """
    message = _Message.of(text)
    found = _Found()
    _own_codes(message, patterns, found)
    _others(message, _OTHER, found)
    _codes(message, found)
    _mistyped(message, found)
    _flawed(message, found)
    _others(message, _PERSONAL, found)
    _spelt_out(message, found)
    return found.reading()


def agency_of(code: str) -> str | None:
    """The agency part of a normalised code; None for a code of another form."""
    parts = code.rsplit("-", 2)
    return parts[0] if len(parts) == 3 and date_of(code) else None


def date_of(code: str) -> dt.date | None:
    """The day of receipt in a normalised code; None for a code of another form."""
    parts = code.rsplit("-", 2)
    return _date(parts[1]) if len(parts) == 3 else None


class _Message:
    """A message as it was typed and in capitals, of the same length; what is read is blanked in the capitals."""

    def __init__(self, typed: str, capitals: str) -> None:
        self.typed = typed
        self.capitals = capitals

    @classmethod
    def of(cls, text: str) -> _Message:
        typed = unicodedata.normalize("NFKC", text[:MAX_LENGTH])
        typed = "".join(c for c in typed if unicodedata.category(c) != "Cf")[:MAX_LENGTH]
        message = cls(typed, "".join(map(_capital, typed.translate(_DASHES))))
        for match in _STUCK_PREFIX.finditer(message.bare()):
            message.blank(*match.span())
        return message

    def bare(self) -> str:
        """The capitals without accents, of the same length."""
        return "".join(map(_without_accent, self.capitals))

    def blank(self, start: int, end: int) -> None:
        self.capitals = f"{self.capitals[:start]}{chr(0) * (end - start)}{self.capitals[end:]}"

    def take(self, start: int, end: int) -> str:
        """The text as typed between two places; it is not read again."""
        self.blank(start, end)
        return self.typed[start:end].strip()


def _capital(char: str) -> str:
    capital = char.upper()
    return capital if len(capital) == 1 else char


def _without_accent(char: str) -> str:
    return "D" if char == "Đ" else unicodedata.normalize("NFD", char)[0]


class _Found:
    """What was found so far, each with its place in the message."""

    def __init__(self) -> None:
        self.codes: list[tuple[int, str]] = []
        self.suggestions: list[tuple[int, Suggestion]] = []
        self.other: list[tuple[int, Other]] = []
        self.problems: list[tuple[int, Problem]] = []

    def reading(self) -> Reading:
        codes = _in_order(self.codes)
        return Reading(
            codes,
            tuple(item for item in _in_order(self.suggestions) if item.proposed not in codes),
            _in_order(self.other),
            _in_order(self.problems),
        )


_Item = TypeVar("_Item")


def _in_order(found: list[tuple[int, _Item]]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(item for _, item in sorted(found, key=lambda pair: pair[0])))


def _own_codes(message: _Message, patterns: Iterable[str], found: _Found) -> None:
    for pattern in patterns:
        whole = regex.compile(rf"(?<![A-Z0-9.\-])(?:{pattern})(?![A-Z0-9]|-[0-9])", regex.ASCII)
        try:
            matches = list(whole.finditer(message.capitals, timeout=_OWN_PATTERN_TIMEOUT_S))
        except TimeoutError:
            continue
        for match in matches:
            if match.group():
                message.blank(*match.span())
                found.codes.append((match.start(), "".join(match.group().split())))


def _others(message: _Message, kinds: Iterable[tuple[Kind, re.Pattern[str]]], found: _Found) -> None:
    for kind, pattern in kinds:
        for match in pattern.finditer(message.capitals):
            text = message.take(*match.span())
            found.other.append((match.start(), Other(kind, text if kind in _IMPERSONAL else "")))


def _codes(message: _Message, found: _Found) -> None:
    for match in _CODE.finditer(message.capitals):
        segments, start = _agency(match["agency"], match.start())
        if not segments:
            continue
        original = message.take(start, match.end())
        if not _date(match["date"]):
            found.problems.append((start, Problem(Flaw.IMPOSSIBLE_DATE, original)))
            continue
        tail = f"-{match['date']}-{match['serial']}"
        found.codes.append((start, ".".join(segments) + tail))
        right = ".".join(map(_digits_meant, segments)) + tail
        if right != found.codes[-1][1]:
            found.suggestions.append((start, Suggestion(original, right, (Slip.LETTER_FOR_DIGIT,))))


def _agency(text: str, start: int) -> tuple[list[str], int]:
    """The segments of an agency and where it starts, without what only stands before it.

    A number of a list (``1.H57…``), the last word of a sentence (``ơi.H57…``) and the end of an earlier sentence
    (``năm 2024. H57…``) look like segments: they are cut off as long as a province or ministry is left.
    """
    parts = list(_PARTS.finditer(text))
    segments = [part[1] for part in parts]
    first = max(len(parts) - 4, 0)
    if not _is_old_order(segments[first:]):
        first = max((cut for cut in range(1, len(parts)) if _is_stray(parts[cut - 1], segments[cut:])), default=0)
    segments = segments[first:]
    return (segments, start + parts[first].start()) if len(segments) <= 5 else ([], start)


def _is_stray(part: re.Match[str], behind: list[str]) -> bool:
    looks_stray = part[2].strip() != part[2] or part[1].isalpha() or len(part[1]) == 1
    return looks_stray and any(map(_ANCHOR.fullmatch, behind))


def _is_old_order(segments: list[str]) -> bool:
    return len(segments) == 4 and segments[0] == "000" and bool(_ANCHOR.fullmatch(segments[3]))


def _digits_meant(segment: str) -> str:
    """A segment with digits for the letters that look like them, when that leaves digits only."""
    digits = segment.translate(_SLIPS)
    return digits if digits.isdigit() else segment


def _mistyped(message: _Message, found: _Found) -> None:
    for match in islice(_MISTYPED_HEAD.finditer(message.capitals), _MAX_TRIES):
        head = match.group()
        proposals = sorted(_proposals(head, message.capitals[match.end() : match.end() + 60]))
        if not proposals:
            continue
        best = proposals[0]
        if not best.cut:  # guesses only where they make more usual codes
            proposals = [item for item in proposals if not item.cut or item.unusual < best.unusual]
        proposals = proposals[:MAX_SUGGESTIONS]
        original = message.take(match.start(), match.end() + max(item.length for item in proposals))
        for item in proposals:
            found.suggestions.append((match.start(), Suggestion(original, item.code, item.slips)))


@dataclass(frozen=True, order=True)
class _Proposal:
    """One way to read a mistyped code; the likelier one sorts first.

    ``cuts`` is how often a run of digits had to be cut, ``unusual`` how many parts are not as wide as they mostly are.
    """

    cut: bool
    unusual: int
    cuts: int
    slips: tuple[Slip, ...]
    code: str
    length: int


def _proposals(head: str, rest: str) -> Iterator[_Proposal]:
    seen = set()
    for pattern, unusual in _MISTYPED_TAILS:
        match = pattern.match(rest)
        if not match or _is_number_of_a_person(match):
            continue
        date = _long_date(match["date"].translate(_SLIPS))
        if not date:
            continue
        agency = re.sub(r"[\s.,]+", ".", head + match["segments"])
        right = ".".join(_right(segment) for segment in agency.split("."))
        code = f"{right}-{date:%y%m%d}-{match['serial'].translate(_SLIPS)}"
        slips = tuple(_slips(match, agency != right))
        if slips and code not in seen:
            seen.add(code)
            cuts = (not match["gap1"]) + (not match["gap2"])
            blanks = bool(_ONLY_BLANKS.search(match["segments"]))
            yield _Proposal(cuts > 0, unusual + blanks, cuts, slips, code, match.end())


def _right(segment: str) -> str:
    if segment[0] in "GH":
        return segment[0] + segment[1:].translate(_SLIPS)
    return _digits_meant(segment)


def _slips(match: re.Match[str], agency_changed: bool) -> Iterator[Slip]:
    numbers = match["date"] + match["serial"]
    if agency_changed or numbers != numbers.translate(_SLIPS):
        yield Slip.LETTER_FOR_DIGIT
    if not all(_IS_DASH.fullmatch(match[gap]) for gap in ("gap1", "gap2")):
        yield Slip.LOST_DASH
    if _ONLY_BLANKS.search(match["segments"]):
        yield Slip.LOST_DOT
    if len(match["date"]) == 8:
        yield Slip.LONG_DATE


def _is_number_of_a_person(match: re.Match[str]) -> bool:
    """Whether the digits stand apart from the agency and are a phone or identity number rather than date and serial."""
    apart = not match["gap2"] and bool(set(match["gap1"]) & set(" ,:\n\t"))
    return apart and bool(_NUMBER_OF_A_PERSON.fullmatch(match["date"] + match["serial"]))


def _flawed(message: _Message, found: _Found) -> None:
    for flaw, pattern in ((Flaw.NO_AGENCY, _NO_AGENCY), (Flaw.INCOMPLETE, _NO_SERIAL)):
        for match in pattern.finditer(message.capitals):
            if _date(match["date"]):
                found.problems.append((match.start(), Problem(flaw, message.take(*match.span()))))


def _spelt_out(message: _Message, found: _Found) -> None:
    if found.codes or found.suggestions:
        return
    for match in _SPELT_OUT.finditer(message.bare()):
        if _SPELT_MARK.search(match.group()):
            original = message.typed[match.start() : match.end()]
            found.problems.append((match.start(), Problem(Flaw.SPELT_OUT, original)))


def _date(digits: str) -> dt.date | None:
    """``yymmdd`` as a day of this century."""
    try:
        return dt.date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:6])) if len(digits) == 6 else None
    except ValueError:
        return None


def _long_date(digits: str) -> dt.date | None:
    """``yymmdd``, ``yyyymmdd`` or ``ddmmyyyy``."""
    if len(digits) == 6:
        return _date(digits)
    if digits.startswith("20"):
        return _date(digits[2:])
    return _date(digits[6:] + digits[2:4] + digits[:2]) if digits[4:6] == "20" else None
