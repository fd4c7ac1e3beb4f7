"""When an office's people can be reached: weekly hours, without holidays.

Moments are Vietnam's, naive.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from itertools import pairwise

from actions.dossiers.working_days import official

_DAYS = ("T2", "T3", "T4", "T5", "T6", "T7", "CN")
_WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_GROUP = re.compile(r"\s*(T[2-7]|CN)(?:\s*-\s*(T[2-7]|CN))?\s+(.+?)\s*", re.IGNORECASE)
_SPAN = re.compile(r"\s*(\d{1,2})[:h](\d{2})\s*-\s*(\d{1,2})[:h](\d{2})\s*", re.IGNORECASE)
_LOOK_AHEAD_DAYS = 30

Span = tuple[dt.time, dt.time]


@dataclass(frozen=True)
class OfficeWeek:
    """``days`` holds the hours of Monday to Sunday, in order; a day without hours is closed."""

    days: tuple[tuple[Span, ...], ...]

    @classmethod
    def parse(cls, text: str) -> OfficeWeek:
        """Read hours as ``T2-T6 07:30-11:30, 13:30-17:00; T7 07:30-11:30``.

        Raises:
            ValueError: the text has another form.
        """
        days: list[tuple[Span, ...]] = [()] * 7
        for part in text.split(";"):
            match = _GROUP.fullmatch(part)
            if not match:
                raise ValueError(f"office hours look like “T2-T6 07:30-11:30, 13:30-17:00”, not “{part.strip()}”")
            first = _DAYS.index(match[1].upper())
            last = _DAYS.index((match[2] or match[1]).upper())
            if last < first:
                raise ValueError(f"days must be in order, Monday (T2) first: “{part.strip()}”")
            spans = tuple(_span(piece) for piece in match[3].split(","))
            if any(end > start for (_, end), (start, _) in pairwise(spans)):
                raise ValueError(f"hours must be in order: “{part.strip()}”")
            days[first : last + 1] = [spans] * (last + 1 - first)
        return cls(tuple(days))

    def is_open(self, moment: dt.datetime) -> bool:
        """Whether somebody is there now."""
        return any(start <= moment.time() < end for start, end in self._hours(moment.date()))

    def opens_at(self, moment: dt.datetime) -> dt.datetime | None:
        """When the office opens next after ``moment``; None where that is not within a month."""
        for ahead in range(_LOOK_AHEAD_DAYS):
            day = moment.date() + dt.timedelta(days=ahead)
            for start, _ in self._hours(day):
                opening = dt.datetime.combine(day, start)
                if opening > moment:
                    return opening
        return None

    def _hours(self, day: dt.date) -> tuple[Span, ...]:
        calendar = official()
        if calendar.holiday(day):
            return ()
        if day.weekday() > 4 and not self.days[day.weekday()] and calendar.is_working_day(day):
            return self.days[0]  # a Saturday that is worked in exchange for a bridging day
        return self.days[day.weekday()]


def spoken(opening: dt.datetime, now: dt.datetime) -> str:
    """A coming moment in words: “7 giờ 30 sáng mai”, “7 giờ 30 thứ Hai 23/11”."""
    clock = f"{opening.hour} giờ {opening.minute:02}" if opening.minute else f"{opening.hour} giờ"
    ahead = (opening.date() - now.date()).days
    if ahead == 0:
        return f"{clock} hôm nay"
    if ahead == 1:
        return f"{clock} ngày mai"
    return f"{clock} {_WEEKDAYS[opening.weekday()]} ngày {opening.day}/{opening.month}"


def _span(text: str) -> Span:
    match = _SPAN.fullmatch(text)
    if not match:
        raise ValueError(f"hours look like “07:30-11:30”, not “{text.strip()}”")
    start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
    start, end = dt.time(start_hour, start_minute), dt.time(end_hour, end_minute)
    if start >= end:
        raise ValueError(f"hours must end after they begin: “{text.strip()}”")
    return start, end
