"""The on-time share as the 766 index defines it (2.1): of all dossiers at work in a period, not only of the solved ones.

It is another number than form 06a's: open dossiers count, waiting for papers is taken out, and more than one request for
papers makes a dossier late.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from actions.feedback.reports.dossier_figures import Case
from actions.feedback.reports.periods import Period


@dataclass
class OnTime:
    """Dossiers within time, late, and those of which it cannot be told, having no date of return."""

    within: int = 0
    late: int = 0
    unknown: int = 0

    @property
    def told(self) -> int:
        return self.within + self.late

    @property
    def rate(self) -> float | None:
        """Within ÷ those of which it can be told; None where there are none."""
        return self.within / self.told if self.told else None

    @property
    def late_rate(self) -> float | None:
        return self.late / self.told if self.told else None


def on_time_766(cases: Iterable[Case], period: Period, today: dt.date) -> OnTime:
    """Count the dossiers that were received in the period or open at its beginning."""
    out, cutoff = OnTime(), min(period.until, today)
    for case in cases:
        if _at_work(case, period):
            verdict = _within(case, cutoff)
            out.unknown += verdict is None
            out.within += verdict is True
            out.late += verdict is False
    return out


def _at_work(case: Case, period: Period) -> bool:
    if case.received is None or case.lacks_end:
        return False
    carried = case.received < period.since and (case.ended is None or case.ended >= period.since)
    return period.has(case.received) or carried


def _within(case: Case, cutoff: dt.date) -> bool | None:
    requests = [r for r in case.requests if r.asked is None or r.asked <= cutoff]
    if len(requests) > 1:
        return False
    if case.due is None:
        return None
    waiting = case.open_request(cutoff)
    end = case.ended if case.ended and case.ended <= cutoff else cutoff
    if waiting and waiting.asked:
        end = min(end, waiting.asked)
    # Where the system gave a new date, the wait is in that already.
    waits = [r.done - r.asked for r in requests if r.asked and r.done and r.done <= end and not r.moved]
    return end - sum(waits, dt.timedelta()) <= case.due
