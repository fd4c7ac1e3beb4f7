"""The monthly table of received, solved and pending dossiers, as one-stop systems print it as form 06a.

Received and ended dossiers are counted apart from each other, so that the form's check, received = solved + pending, is a
check of the data and not of an addition.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from actions.feedback.reports.dossier_figures import Case
from actions.feedback.reports.periods import Period

ONLINE, IN_PERSON, POST = "online", "in_person", "post"
ENDED_FIRST = "Ngày kết thúc nằm trước ngày tiếp nhận"
RECEIVED_LATER = "Kết thúc trong kỳ nhưng ngày tiếp nhận nằm sau kỳ"
NOT_RECEIVED = "Kết thúc trong kỳ nhưng không có ngày tiếp nhận"
NO_END = "Đã xong nhưng không có ngày kết thúc (không đưa vào biểu)"
NO_DATES = "Không có ngày tiếp nhận (không đưa vào biểu)"


@dataclass
class Line:
    """One line: a field, a channel, or all. Received in the period by channel and carried over; solved; pending."""

    received_by: Counter[str] = field(default_factory=Counter)
    carried: int = 0
    early: int = 0
    on_time: int = 0
    late: int = 0
    pending_in_time: int = 0
    pending_late: int = 0

    @property
    def online(self) -> int:
        return self.received_by[ONLINE]

    @property
    def offline(self) -> int:
        """In person and by post."""
        return self.new - self.online

    @property
    def new(self) -> int:
        return self.received_by.total()

    @property
    def received(self) -> int:
        return self.new + self.carried

    @property
    def solved(self) -> int:
        return self.early + self.on_time + self.late

    @property
    def pending(self) -> int:
        return self.pending_in_time + self.pending_late

    @property
    def gap(self) -> int:
        """Received − (solved + pending); anything but 0 is an error in the data."""
        return self.received - self.solved - self.pending

    @property
    def on_time_rate(self) -> float | None:
        return _share(self.early + self.on_time, self.solved)

    @property
    def late_rate(self) -> float | None:
        return _share(self.late, self.solved)

    @property
    def completion(self) -> float | None:
        return _share(self.solved, self.received)

    @property
    def online_rate(self) -> float | None:
        """Online ÷ received in the period, without those carried over."""
        return _share(self.online, self.new)


@dataclass
class Form:
    """The whole table, and what is wrong with the data that it was made from."""

    total: Line
    by_field: dict[str, Line]
    by_channel: dict[str, Line]
    faults: Counter[str]
    stopped_without_end: int


def form_06a(cases: Iterable[Case], period: Period, today: dt.date) -> Form:
    """Count dossiers into the table.

    Args:
        cases: those that touch the period.
        period: the table's period.
        today: what is pending is looked at on this day, or on the period's last where that is over.
    """
    cutoff = min(period.until, today)
    form = Form(Line(), {}, {channel: Line() for channel in (ONLINE, IN_PERSON, POST)}, Counter(), 0)
    for case in cases:
        fault = _fault(case, period)
        if fault:
            form.faults[fault] += 1
        if fault in (NO_END, NO_DATES):
            continue
        by_field = form.by_field.setdefault(case.field, Line())
        for line in (form.total, by_field, form.by_channel.setdefault(case.channel, Line())):
            _count(line, case, period, cutoff)
        form.stopped_without_end += case.state == "stopped" and case.ended is None
    return form


def _fault(case: Case, period: Period) -> str | None:
    if case.lacks_end:
        return NO_END
    if case.received is None:
        return NOT_RECEIVED if case.ended and period.has(case.ended) else NO_DATES
    if case.ended and case.ended < case.received:
        return RECEIVED_LATER if case.received > period.until else ENDED_FIRST
    return None


def _count(line: Line, case: Case, period: Period, cutoff: dt.date) -> None:
    received, ended = case.received, case.ended
    if received and period.has(received):
        line.received_by[case.channel] += 1
    elif received and received < period.since and (ended is None or ended >= period.since):
        line.carried += 1
    if ended and period.has(ended):
        timing = case.timing()
        setattr(line, timing, getattr(line, timing) + 1)
    elif received and received <= period.until and (ended is None or ended > period.until):
        in_time = case.due is None or case.due >= cutoff or case.is_held(cutoff)
        line.pending_in_time += in_time
        line.pending_late += not in_time


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
