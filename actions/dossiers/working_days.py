"""Counting time as the one-stop offices do: working days, holidays, office hours, and a clock that can stand still.

Times are local (Vietnam) and naive. What counts as a holiday comes from the ``holidays`` library with the dated
notices of ``holidays.yml`` on top. A date computed here is an estimate: the due date that a system gives comes first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import yaml
from dateutil.relativedelta import relativedelta
from holidays.countries.vietnam import Vietnam
from pydantic import BaseModel, ConfigDict, Field

from knowledge.procedure import TimeUnit

HOLIDAYS_FILE = Path(__file__).with_name("holidays.yml")
MAX_DAYS = 5_000
"""Longer counts are no time limit of any procedure, and looping over them would only cost time."""

_DAY = dt.timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True)
class DayOff:
    """A day that is off or worked against the week's habit; ``source`` is the text that says so."""

    day: dt.date
    name: str
    source: str


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Annual(_Part):
    month: int = Field(ge=1, le=12)
    day: int = Field(ge=1, le=31)
    since: int
    name: str
    source: str


class _Notice(_Part):
    source: str
    dated: dt.date
    rest: dict[dt.date, str] = {}
    work: dict[dt.date, str] = {}


class _Undecided(_Part):
    source: str
    seen: dt.date
    days: list[dt.date]


class HolidayFile(_Part):
    """The form of ``holidays.yml``."""

    certain_until: int
    checked_on: dt.date
    annual: list[_Annual] = []
    notices: list[_Notice] = []
    undecided: list[_Undecided] = []


class Calendar:
    """Which days the offices work: the library's holidays, and over them what a file of notices says."""

    def __init__(self, data: HolidayFile) -> None:
        self._rest = {item.day: item for item in _days(data.notices, "rest")}
        self._work = {item.day: item for item in _days(data.notices, "work")}
        self._undecided = frozenset(day for item in data.undecided for day in item.days)
        self._annual = tuple(data.annual)
        self.certain_until = data.certain_until

    @classmethod
    def load(cls, path: Path = HOLIDAYS_FILE) -> Calendar:
        """Read a file in the form of ``holidays.yml``.

        Raises:
            pydantic.ValidationError: the file has another form.
            yaml.YAMLError: it is no YAML.
        """
        return cls(HolidayFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))

    def is_working_day(self, day: dt.date) -> bool:
        if day in self._work:
            return True
        if self.holiday(day):
            return False
        return day.weekday() < _SATURDAY or day in _library(day.year)[1]

    def holiday(self, day: dt.date) -> DayOff | None:
        """The holiday that ``day`` is, if any; a plain Saturday or Sunday is none."""
        if day in self._work:
            return None
        if day in self._rest:
            return self._rest[day]
        for item in self._annual:
            if day.year >= item.since and (day.month, day.day) == (item.month, item.day):
                return DayOff(day, item.name, item.source)
        name = _library(day.year)[0].get(day)
        return DayOff(day, name, "Bộ luật Lao động 45/2019/QH14, Điều 112") if name else None

    def is_certain(self, day: dt.date) -> bool:
        """Whether it is officially decided that ``day`` is worked or off."""
        return day.year <= self.certain_until and day not in self._undecided


def _days(notices: list[_Notice], kind: Literal["rest", "work"]) -> Iterator[DayOff]:
    for notice in notices:
        for day, name in getattr(notice, kind).items():
            yield DayOff(day, name, f"{notice.source} ({notice.dated:%d/%m/%Y})")


@lru_cache(maxsize=200)
def _library(year: int) -> tuple[dict[dt.date, str], frozenset[dt.date]]:
    """The library's holidays and make-up days of one year."""
    known = Vietnam(years=year, language="vi")
    return dict(known.items()), frozenset(day for day in known.weekend_workdays if day.year == year)


@lru_cache(maxsize=1)
def official() -> Calendar:
    """The calendar that ships: ``holidays.yml`` over the library."""
    return Calendar.load()


@dataclass(frozen=True)
class OfficeHours:
    """When an office works: spans in order within a day, and until when a dossier is still passed on the same day."""

    spans: tuple[tuple[dt.time, dt.time], ...] = (
        (dt.time(7, 0), dt.time(11, 30)),
        (dt.time(13, 30), dt.time(17, 0)),
    )
    pass_on_until: dt.time = dt.time(15, 0)

    def __post_init__(self) -> None:
        edges = [edge for span in self.spans for edge in span]
        if not edges or any(a >= b for a, b in pairwise(edges)):
            raise ValueError("office hours must be spans in order, each ending after it begins")

    @property
    def opening(self) -> dt.time:
        return self.spans[0][0]

    @property
    def closing(self) -> dt.time:
        return self.spans[-1][1]

    @property
    def minutes(self) -> int:
        """Minutes of one working day."""
        return sum(_minutes(end) - _minutes(start) for start, end in self.spans)


def _minutes(time: dt.time) -> int:
    return time.hour * 60 + time.minute


USUAL_HOURS = OfficeHours()


@dataclass(frozen=True)
class Pause:
    """The clock stands still from ``start`` to ``end``; no ``end``: it still does."""

    start: dt.datetime
    end: dt.datetime | None = None


@dataclass(frozen=True)
class Due:
    """When a time limit ends, and how that was found.

    ``at`` is None while the clock stands still. ``holidays`` are those skipped on the way. ``expected`` is true when
    a day was counted of which it is not officially known whether it is worked ("dự kiến").
    """

    at: dt.datetime | None
    started: dt.datetime
    unit: TimeUnit
    holidays: tuple[DayOff, ...] = ()
    paused: bool = False
    expected: bool = False


def is_working_day(day: dt.date, calendar: Calendar | None = None) -> bool:
    return (calendar or official()).is_working_day(day)


def next_working_day(day: dt.date, calendar: Calendar | None = None) -> dt.date:
    """The first working day from ``day`` on, ``day`` itself included."""
    while not is_working_day(day, calendar):
        day += _DAY
    return day


def add_working_days(start: dt.date, count: int, calendar: Calendar | None = None) -> dt.date:
    """The ``count``-th working day after ``start``, which is not counted itself; for 0 the first from ``start`` on.

    Raises:
        ValueError: ``count`` is negative or more than ``MAX_DAYS``.
    """
    if not 0 <= count <= MAX_DAYS:
        raise ValueError(f"{count} working days is no time limit")
    day = next_working_day(start, calendar) if count == 0 else start
    for _ in range(count):
        day = next_working_day(day + _DAY, calendar)
    return day


def working_days_between(first: dt.date, last: dt.date, calendar: Calendar | None = None) -> int:
    """Working days after ``first`` up to and with ``last``; negative when ``last`` is the earlier one.

    Raises:
        ValueError: the days are more than ``MAX_DAYS`` apart.
    """
    if first > last:
        return -working_days_between(last, first, calendar)
    if (last - first).days > MAX_DAYS:
        raise ValueError("the days are too far apart to be counted")
    return sum(is_working_day(day, calendar) for day in _each(first + _DAY, last))


def are_certain(first: dt.date, last: dt.date, calendar: Calendar | None = None) -> bool:
    """Whether it is officially known of every day from ``first`` to ``last`` whether it is worked."""
    known = calendar or official()
    return all(known.is_certain(day) for day in _each(first, last))


def _each(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    for offset in range((last - first).days + 1):
        yield first + dt.timedelta(days=offset)


def clock_start(
    received_at: dt.datetime, hours: OfficeHours = USUAL_HOURS, calendar: Calendar | None = None
) -> dt.datetime:
    """When the clock starts for what came in at ``received_at``: at once, or when the office next works.

    For a dossier handed in outside the competent agency's area, ``received_at`` is when *that agency* received it.
    """
    day = received_at.date()
    if is_working_day(day, calendar):
        for start, end in hours.spans:
            if received_at.time() <= end:
                return max(received_at, dt.datetime.combine(day, start))
    return dt.datetime.combine(next_working_day(day + _DAY, calendar), hours.opening)


def passed_on_by(
    received_at: dt.datetime, hours: OfficeHours = USUAL_HOURS, calendar: Calendar | None = None
) -> dt.datetime:
    """When the desk must have passed a paper dossier on: the same working day, after 15:00 the next one's start."""
    day = received_at.date()
    if is_working_day(day, calendar) and received_at.time() <= hours.pass_on_until:
        return dt.datetime.combine(day, hours.closing)
    return dt.datetime.combine(next_working_day(day + _DAY, calendar), hours.opening)


def same_day(
    received_at: dt.datetime, hours: OfficeHours = USUAL_HOURS, calendar: Calendar | None = None
) -> dt.datetime:
    """When what is done "trong ngày" is due: at closing, after 15:00 at the next working day's closing."""
    last_call = dt.datetime.combine(received_at.date(), hours.pass_on_until)
    started = clock_start(received_at, hours, calendar)
    day = started.date()
    if day == received_at.date() and received_at > last_call:
        day = next_working_day(day + _DAY, calendar)
    return dt.datetime.combine(day, hours.closing)


def working_minutes(
    first: dt.datetime, last: dt.datetime, hours: OfficeHours = USUAL_HOURS, calendar: Calendar | None = None
) -> int:
    """Whole minutes of office hours from ``first`` to ``last``; 0 when ``last`` is not later."""
    if last <= first:
        return 0
    whole = sum(is_working_day(day, calendar) for day in _each(first.date(), last.date() - _DAY))
    return whole * hours.minutes + _position(last, hours, calendar) - _position(first, hours, calendar)


def _position(moment: dt.datetime, hours: OfficeHours, calendar: Calendar | None) -> int:
    """Minutes of office hours that have passed by ``moment`` on its own day."""
    if not is_working_day(moment.date(), calendar):
        return 0
    now = _minutes(moment.time())
    return sum(max(0, min(now, _minutes(end)) - _minutes(start)) for start, end in hours.spans)


def add_working_minutes(
    start: dt.datetime, minutes: int, hours: OfficeHours = USUAL_HOURS, calendar: Calendar | None = None
) -> dt.datetime:
    """The moment ``minutes`` of office hours after ``start``; an end at closing time stays on that day.

    Raises:
        ValueError: ``minutes`` is negative or more than ``MAX_DAYS`` working days.
    """
    if not 0 <= minutes <= MAX_DAYS * hours.minutes:
        raise ValueError(f"{minutes} working minutes is no time limit")
    if minutes == 0:
        return start
    begin = clock_start(start, hours, calendar)
    days, left = divmod(minutes + _position(begin, hours, calendar) - 1, hours.minutes)
    day = add_working_days(begin.date(), days, calendar)
    return dt.datetime.combine(day, _at_position(left + 1, hours))


def _at_position(minutes: int, hours: OfficeHours) -> dt.time:
    for start, end in hours.spans:
        length = _minutes(end) - _minutes(start)
        if minutes <= length:
            return dt.time(*divmod(_minutes(start) + minutes, 60))
        minutes -= length
    return hours.closing


_WORKING_UNITS = frozenset({TimeUnit.WORKING_DAY, TimeUnit.WORKING_HOUR})
_LONGEST = {
    TimeUnit.WORKING_DAY: 1_000,
    TimeUnit.WORKING_HOUR: 8_000,
    TimeUnit.DAY: 1_500,
    TimeUnit.HOUR: 36_000,
    TimeUnit.MINUTE: 2_000_000,
    TimeUnit.MONTH: 48,
    TimeUnit.YEAR: 4,
}
"""About four years: no procedure has a longer limit."""


def due(
    received_at: dt.datetime,
    quantity: float,
    unit: TimeUnit = TimeUnit.WORKING_DAY,
    pauses: Iterable[Pause] = (),
    *,
    hours: OfficeHours = USUAL_HOURS,
    calendar: Calendar | None = None,
) -> Due:
    """When a time limit of ``quantity`` ``unit``s ends for what came in at ``received_at``.

    Working days skip Saturdays, Sundays and holidays; the day of receipt is not counted. Other units run by the
    calendar, and an end on a day off moves to the next working day. A pause shifts the end by as much time as it took.

    Raises:
        ValueError: the quantity is no time limit (zero, negative, years long, or a broken number of months).
    """
    if not 0 < quantity <= _LONGEST[unit]:
        raise ValueError(f"{quantity} {unit} is no time limit")
    started = clock_start(received_at, hours, calendar)
    at = _end(started, quantity, unit, hours, calendar)
    for pause in _merged(pauses):
        if pause.start >= at:
            break
        if pause.end is None:
            return Due(None, started, unit, paused=True)
        at = _shifted(at, max(pause.start, started), pause.end, unit, hours=hours, calendar=calendar)
    counted = started.date() if unit in _WORKING_UNITS else _first_skipped(at.date(), calendar)
    return Due(
        at,
        started,
        unit,
        holidays=tuple(_holidays(counted, at.date(), calendar)),
        expected=not are_certain(counted, at.date(), calendar),
    )


def _end(
    started: dt.datetime, quantity: float, unit: TimeUnit, hours: OfficeHours, calendar: Calendar | None
) -> dt.datetime:
    match unit:
        case TimeUnit.WORKING_DAY:
            day = add_working_days(started.date(), int(quantity), calendar)
            part = round((quantity - int(quantity)) * hours.minutes)
            return add_working_minutes(dt.datetime.combine(day, started.time()), part, hours, calendar)
        case TimeUnit.WORKING_HOUR:
            return add_working_minutes(started, round(quantity * 60), hours, calendar)
        case TimeUnit.MONTH | TimeUnit.YEAR:
            if quantity != int(quantity):
                raise ValueError(f"{quantity} {unit} cannot be counted")
            months = int(quantity) * (12 if unit is TimeUnit.YEAR else 1)
            return _rolled(started + relativedelta(months=months), calendar)
        case _:
            minutes = quantity * {TimeUnit.DAY: 24 * 60, TimeUnit.HOUR: 60, TimeUnit.MINUTE: 1}[unit]
            return _rolled(started + dt.timedelta(minutes=minutes), calendar)


def _rolled(moment: dt.datetime, calendar: Calendar | None) -> dt.datetime:
    return dt.datetime.combine(next_working_day(moment.date(), calendar), moment.time())


def _merged(pauses: Iterable[Pause]) -> list[Pause]:
    """Pauses in order, those that overlap made one, those that end before they begin left out."""
    merged: list[Pause] = []
    for pause in sorted(pauses, key=lambda pause: pause.start):
        if pause.end is not None and pause.end <= pause.start:
            continue
        last = merged[-1] if merged else None
        if last and (last.end is None or pause.start <= last.end):
            end = None if last.end is None or pause.end is None else max(last.end, pause.end)
            merged[-1] = Pause(last.start, end)
        else:
            merged.append(pause)
    return merged


def _shifted(
    at: dt.datetime,
    start: dt.datetime,
    end: dt.datetime,
    unit: TimeUnit,
    *,
    hours: OfficeHours,
    calendar: Calendar | None,
) -> dt.datetime:
    if end <= start:
        return at
    if unit in _WORKING_UNITS:
        return add_working_minutes(at, working_minutes(start, end, hours, calendar), hours, calendar)
    return _rolled(at + (end - start), calendar)


def _first_skipped(day: dt.date, calendar: Calendar | None) -> dt.date:
    """The first of the days off that run up to ``day``, or ``day`` itself."""
    while not is_working_day(day - _DAY, calendar):
        day -= _DAY
    return day


def _holidays(first: dt.date, last: dt.date, calendar: Calendar | None) -> Iterator[DayOff]:
    """Holidays between two days that fall on a day which would be worked otherwise."""
    known = calendar or official()
    for day in _each(first, last):
        holiday = known.holiday(day) if day.weekday() < _SATURDAY else None
        if holiday:
            yield holiday
