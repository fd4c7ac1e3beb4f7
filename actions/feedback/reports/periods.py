"""The period of a report: a month, a quarter, a year, or any days; and the smaller periods that it falls into."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum

_DAY = dt.timedelta(days=1)
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_QUARTER = re.compile(r"([0-9]{4})-Q([1-4])", re.IGNORECASE)
_YEAR = re.compile(r"[0-9]{4}")
_ROMAN = ("I", "II", "III", "IV")
FIRST_YEAR, LAST_YEAR = 2000, 2100
MOST_DAYS = 366
"""No report is about more days than a leap year has."""


class InvalidPeriodError(ValueError):
    """What was written is no period; the message says what would be one."""


class Kind(StrEnum):
    """What a period is."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    RANGE = "range"


@dataclass(frozen=True)
class Period:
    """Days from ``since`` to ``until``, both included."""

    kind: Kind
    since: dt.date
    until: dt.date

    @property
    def key(self) -> str:
        """As the command line and the API name it: ``2026-11``, ``2026-Q4``, ``2026``, ``2026-11-01_2026-11-15``."""
        match self.kind:
            case Kind.MONTH:
                return f"{self.since:%Y-%m}"
            case Kind.QUARTER:
                return f"{self.since.year}-Q{_quarter(self.since)}"
            case Kind.YEAR:
                return f"{self.since.year}"
        return f"{self.since}_{self.until}"

    @property
    def label(self) -> str:
        """As people read it."""
        match self.kind:
            case Kind.MONTH:
                return f"Tháng {self.since:%m/%Y}"
            case Kind.QUARTER:
                return f"Quý {_ROMAN[_quarter(self.since) - 1]}/{self.since.year}"
            case Kind.YEAR:
                return f"Năm {self.since.year}"
            case Kind.WEEK:
                return f"{self.since:%d/%m} – {self.until:%d/%m/%Y}"
        return f"Từ {self.since:%d/%m/%Y} đến {self.until:%d/%m/%Y}"

    @property
    def parts(self) -> tuple[Period, ...]:
        """The periods that have a report of their own and make this one up: a year's quarters, a quarter's months."""
        if self.kind is Kind.YEAR:
            return tuple(quarter(self.since.year, number) for number in range(1, 5))
        return self.months if self.kind is Kind.QUARTER else ()

    @property
    def months(self) -> tuple[Period, ...]:
        """Its months, the first and the last cut to the period."""
        found, day = [], self.since
        while day <= self.until:
            last = min(_last_of_month(day), self.until)
            whole = day.day == 1 and last == _last_of_month(day)
            found.append(Period(Kind.MONTH if whole else Kind.RANGE, day, last))
            day = last + _DAY
        return tuple(found)

    @property
    def weeks(self) -> tuple[Period, ...]:
        """Its ISO weeks (from Monday), cut at its ends: a month's first week may be short."""
        found, day = [], self.since
        while day <= self.until:
            last = min(day + dt.timedelta(days=6 - day.weekday()), self.until)
            found.append(Period(Kind.WEEK, day, last))
            day = last + _DAY
        return tuple(found)

    @property
    def quarters(self) -> tuple[str, ...]:
        """Keys of the quarters that it touches: ``("2026-Q3", "2026-Q4")``."""
        return tuple(dict.fromkeys(quarter(m.since.year, _quarter(m.since)).key for m in self.months))

    def has(self, day: dt.date) -> bool:
        return self.since <= day <= self.until


def month(year: int, number: int) -> Period:
    since = dt.date(year, number, 1)
    return Period(Kind.MONTH, since, _last_of_month(since))


def quarter(year: int, number: int) -> Period:
    since = dt.date(year, 3 * number - 2, 1)
    return Period(Kind.QUARTER, since, _last_of_month(dt.date(year, 3 * number, 1)))


def year(number: int) -> Period:
    return Period(Kind.YEAR, dt.date(number, 1, 1), dt.date(number, 12, 31))


def between(since: dt.date, until: dt.date) -> Period:
    """The period of these days: a month, quarter or year where they are just that.

    Raises:
        InvalidPeriodError: it ends before it begins, or is longer than :data:`MOST_DAYS`.
    """
    if until < since:
        raise InvalidPeriodError(f"{since} to {until}: ends before it begins")
    if (until - since).days >= MOST_DAYS:
        raise InvalidPeriodError(f"{since} to {until}: longer than {MOST_DAYS} days")
    _check_year(since.year)
    _check_year(until.year)
    for known in (month(since.year, since.month), quarter(since.year, _quarter(since)), year(since.year)):
        if (known.since, known.until) == (since, until):
            return known
    return Period(Kind.RANGE, since, until)


def parse(text: str) -> Period:
    """A month (``2026-11``), a quarter (``2026-Q4``) or a year (``2026``).

    Raises:
        InvalidPeriodError: it is none of these.
    """
    text = text.strip()
    if match := _MONTH.fullmatch(text):
        return month(_check_year(int(match[1])), int(match[2]))
    if match := _QUARTER.fullmatch(text):
        return quarter(_check_year(int(match[1])), int(match[2]))
    if _YEAR.fullmatch(text):
        return year(_check_year(int(text)))
    raise InvalidPeriodError(f"{text[:20]!r} is no month (2026-11), quarter (2026-Q4) or year (2026)")


def _check_year(number: int) -> int:
    if not FIRST_YEAR <= number <= LAST_YEAR:
        raise InvalidPeriodError(f"{number} is no year from {FIRST_YEAR} to {LAST_YEAR}")
    return number


def _quarter(day: dt.date) -> int:
    return (day.month + 2) // 3


def _last_of_month(day: dt.date) -> dt.date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
