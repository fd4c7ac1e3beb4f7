"""Parts of the service-quality index of QĐ 766/QĐ-TTg that can be reckoned here: group 5, after its published formulas.

They are the office's own estimates. The national figures come from the national portal, which knows what is not known here:
whether a petition repeats another, and which dossier a petition or a dislike is about.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from actions.dossiers.working_days import add_working_days
from actions.feedback.petitions import Kind, Petition, State
from actions.feedback.reports.on_time import OnTime

FULL_MARKS_FROM = 0.9
MOST_54 = 6.0
_PUBLISH_WITHIN = 2


@dataclass(frozen=True)
class Petitions766:
    """Petitions of a period: ``late`` broke a time limit, ``bad`` are late or were answered to no satisfaction."""

    n: int
    late: int
    bad: int

    @property
    def in_time_rate(self) -> float | None:
        """5.2: share of petitions handled in time; None without petitions."""
        return (self.n - self.late) / self.n if self.n else None

    @property
    def satisfied_rate(self) -> float | None:
        """5.3: (all − not satisfied or late) ÷ all; None without petitions. Repeated ones are not known here."""
        return (self.n - self.bad) / self.n if self.n else None


@dataclass(frozen=True)
class Handling:
    """5.4: satisfaction with how dossiers are received and handled."""

    dossiers: int
    late_share: float
    complained: int

    @property
    def complained_share(self) -> float:
        """Dossiers with a petition or a dislike; one with both counts twice here, as it is not known which it is."""
        return min(1.0, self.complained / self.dossiers)

    @property
    def rate(self) -> float:
        """100 % − (late share + share with a petition or a dislike), not below 0."""
        return max(0.0, 1.0 - (self.late_share + self.complained_share))

    @property
    def points(self) -> float:
        return points_54(self.rate)


def points_54(rate: float) -> float:
    """Full marks from 90 %, below that rate × 6 ÷ 90 %."""
    return MOST_54 if rate >= FULL_MARKS_FROM else rate * MOST_54 / FULL_MARKS_FROM


def petitions_766(petitions: Iterable[Petition], today: dt.date) -> Petitions766:
    """Count petitions, as they stand on ``today``."""
    found = list(petitions)
    late = [petition for petition in found if is_late(petition, today)]
    unhappy = [petition for petition in found if petition.satisfied is False and petition not in late]
    return Petitions766(len(found), len(late), len(late) + len(unhappy))


def is_late(petition: Petition, today: dt.date) -> bool:
    """Whether a time limit was broken: refused or passed on ≤ 2 working days, more asked ≤ 5, answered ≤ 15, published ≤ 2."""
    first: dict[State, dt.date] = {}
    for step in petition.history:
        first.setdefault(step.state, step.at.date())
    limits, never = petition.limits, dt.date.min
    if any(first.get(state, never) > limits.refuse_by for state in (State.REFUSED, State.PASSED_ON)):
        return True
    if first.get(State.NEEDS_MORE, never) > limits.ask_more_by:
        return True
    if State.REFUSED in first or State.PASSED_ON in first:
        return False
    answered = first.get(State.ANSWERED)
    if (answered or today) > limits.answer_by:
        return True
    if answered is None:
        return False
    return (first.get(State.PUBLISHED) or today) > add_working_days(answered, _PUBLISH_WITHIN)


def handling_766(on_time: OnTime, petitions: Sequence[Petition], dislikes: int | None) -> Handling | None:
    """5.4 of a period.

    Args:
        on_time: its dossiers.
        petitions: received in it; proposals are no complaints.
        dislikes: citizens who said that they were not satisfied; None where too few answered to tell.

    Returns:
        None where there is no dossier to reckon with, or no answers.
    """
    if dislikes is None or on_time.late_rate is None:
        return None
    complaints = sum(petition.kind is not Kind.PROPOSAL for petition in petitions)
    return Handling(on_time.within + on_time.late + on_time.unknown, on_time.late_rate, complaints + dislikes)
