"""Where a dossier stands against its due date: on time, due, late, held, over, or not to be told.

The system's own date comes first. What is computed here from the procedure's usual time is an estimate.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from actions.dossiers import working_days as wd
from actions.dossiers.dossier import Dossier, State, Supplement
from knowledge.procedure import TimeUnit
from knowledge.text import clean

_PLAUSIBLE = dt.timedelta(days=12 * 365)
"""A date further from now than this is a slip of the system and treated as missing."""

_RUNNING = frozenset({State.REGISTERED, State.RECEIVED, State.PROCESSING, State.UNKNOWN})
_HELD = frozenset({State.SUPPLEMENT, State.PAYMENT})
_COUNTED = frozenset({State.RECEIVED, State.PROCESSING})
"""Of these a passed date means late: the office has the dossier and is not done."""


class Timing(StrEnum):
    """How the dossier stands against its due date."""

    ON_TIME = "on_time"
    DUE_TODAY = "due_today"
    LATE = "late"
    NO_DATE = "no_date"
    HELD = "held"  # waits for the citizen: no lateness is said of it
    OVER = "over"  # finished, returned, refused, withdrawn, stopped
    UNCLEAR = "unclear"  # the date has passed, but whether the work is done cannot be told; or the date is wrong


class Origin(StrEnum):
    SYSTEM = "system"
    APOLOGY = "apology"  # promised in the letter of apology
    ESTIMATE = "estimate"  # computed here


class Rule(StrEnum):
    """How a time limit is counted."""

    WORKING = "working"  # office hours and working days only
    CALENDAR = "calendar"  # every day, an end on a day off moves on
    SAME_DAY = "same_day"  # within the day


@dataclass(frozen=True)
class DueDate:
    """A date of return; ``expected``: it was counted over days of which it is not known whether they are worked."""

    at: dt.datetime
    origin: Origin
    expected: bool = False


_USUAL = re.compile(
    r"(?:không quá|tối đa|trong thời hạn|trong vòng|trong)?\s*"
    r"0*(\d{1,3})\s*(ngày làm việc|giờ làm việc|ngày|giờ|tháng)",
    re.IGNORECASE,
)
_SAME_DAY = re.compile(r"(?:ngay )?trong ngày(?: làm việc)?", re.IGNORECASE)
_UNITS = {
    "ngày làm việc": TimeUnit.WORKING_DAY,
    "giờ làm việc": TimeUnit.WORKING_HOUR,
    "ngày": TimeUnit.DAY,
    "giờ": TimeUnit.HOUR,
    "tháng": TimeUnit.MONTH,
}


@dataclass(frozen=True)
class Estimate:
    """A due date from the usual time; ``holidays`` are those that were skipped."""

    at: dt.datetime
    rule: Rule
    expected: bool
    holidays: tuple[wd.DayOff, ...] = ()


class Standing:
    """The facts about one dossier at one moment (``now``: local, naive)."""

    def __init__(
        self,
        dossier: Dossier,
        now: dt.datetime,
        usual_time: str | None = None,
        *,
        hours: wd.OfficeHours = wd.USUAL_HOURS,
        calendar: wd.Calendar | None = None,
    ) -> None:
        self.dossier = dossier
        self.now = now
        self.usual = clean(usual_time or "").rstrip(".")
        self.hours = hours
        self.calendar = calendar
        self.received_at = self.plausible(dossier.received_at)
        self.system_due = self.plausible(dossier.due_at) or self._due_after_supplement()
        new_due = self.plausible(dossier.new_due_at)
        later = new_due and (not self.system_due or new_due > self.system_due)
        self.new_due = new_due if later else None

    @cached_property
    def timing(self) -> Timing:
        state = self.dossier.state
        if state in _HELD:
            return Timing.HELD
        if state not in _RUNNING:
            return Timing.OVER
        if self.due_before_receipt:
            return Timing.UNCLEAR
        due = self.system_due or self.new_due
        if not due:
            return Timing.NO_DATE
        return self._timing_by(due)

    def _timing_by(self, due: dt.datetime) -> Timing:
        if due.date() == self.now.date():
            return Timing.DUE_TODAY
        if due.date() > self.now.date():
            return Timing.ON_TIME
        return Timing.LATE if self.dossier.state in _COUNTED else Timing.UNCLEAR

    @cached_property
    def due(self) -> DueDate | None:
        """The date that counts now."""
        if self.new_due and self.timing is not Timing.OVER:
            return DueDate(self.new_due, Origin.APOLOGY)
        if self.system_due:
            return DueDate(self.system_due, Origin.SYSTEM)
        estimate = self.estimate
        return DueDate(estimate.at, Origin.ESTIMATE, estimate.expected) if estimate else None

    @property
    def days_left(self) -> int | None:
        """Working days from today to the date that counts, when that is still to come."""
        coming = self.due and self.due.at.date() >= self.now.date() and self.dossier.state in _RUNNING
        return self.working_days(self.now, self.due.at) if self.due and coming else None

    @property
    def days_late(self) -> int | None:
        """Working days since the first date of return, which a new one does not undo; None when it is not late."""
        due = self.system_due or self.new_due
        return self.working_days(due, self.now) if due and self.timing is Timing.LATE else None

    @cached_property
    def estimate(self) -> Estimate | None:
        """The due date by the usual time; None where that or the receipt is not known, or the clock stands still."""
        if self.dossier.state not in _COUNTED or not self.received_at:
            return None
        if _SAME_DAY.fullmatch(self.usual):
            at = wd.same_day(self.received_at, self.hours, self.calendar)
            return Estimate(at, Rule.SAME_DAY, not wd.are_certain(at.date(), at.date(), self.calendar))
        match = _USUAL.fullmatch(self.usual)
        pauses = self._pauses()
        if not match or pauses is None:
            return None
        return self._counted(self.received_at, int(match[1]), _UNITS[match[2].lower()], pauses)

    def _counted(
        self, received_at: dt.datetime, quantity: int, unit: TimeUnit, pauses: list[wd.Pause]
    ) -> Estimate | None:
        try:
            due = wd.due(received_at, quantity, unit, pauses, hours=self.hours, calendar=self.calendar)
        except ValueError:
            return None
        rule = Rule.WORKING if unit in (TimeUnit.WORKING_DAY, TimeUnit.WORKING_HOUR) else Rule.CALENDAR
        return Estimate(due.at, rule, due.expected, due.holidays) if due.at else None

    @property
    def differs(self) -> bool:
        """Whether the system's date and the estimate are a working day or more apart, by date and by the clock."""
        if not self.system_due or not self.estimate or self.due_before_receipt:
            return False
        theirs = self.system_due
        if theirs.time() == dt.time(0):
            theirs = dt.datetime.combine(theirs.date(), self.hours.closing)
        first, last = sorted((theirs, self.estimate.at))
        apart = wd.working_minutes(first, last, self.hours, self.calendar)
        return apart >= self.hours.minutes and self.working_days(first, last) >= 1

    @property
    def due_before_receipt(self) -> bool:
        """Whether the system's dates contradict each other."""
        return bool(self.system_due and self.received_at and self.system_due.date() < self.received_at.date())

    @property
    def last_supplement(self) -> Supplement | None:
        """The last request that is still open, or else the last one."""
        asked = self.dossier.supplements
        still_open = [item for item in asked if not item.done_at]
        return (still_open or asked or (None,))[-1]

    @property
    def supplement_done(self) -> bool:
        """Whether the papers asked for have come in, though the state still says that they are awaited."""
        last = self.last_supplement
        return self.dossier.state is State.SUPPLEMENT and last is not None and last.done_at is not None

    def plausible(self, moment: dt.datetime | None) -> dt.datetime | None:
        """A moment of the system, unless it is years from now."""
        return moment if moment and abs(moment - self.now) < _PLAUSIBLE else None

    def working_days(self, first: dt.datetime, last: dt.datetime) -> int:
        return wd.working_days_between(first.date(), last.date(), self.calendar)

    def _due_after_supplement(self) -> dt.datetime | None:
        last = self.last_supplement
        return self.plausible(last.due_after) if last else None

    def _pauses(self) -> list[wd.Pause] | None:
        """When papers were awaited; None when a request has no time, so that nothing can be counted."""
        asked = self.dossier.supplements
        pauses = [wd.Pause(item.asked_at, item.done_at) for item in asked if item.asked_at]
        return pauses if len(pauses) == len(asked) else None
