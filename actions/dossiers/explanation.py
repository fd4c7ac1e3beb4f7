"""What a citizen reads about a dossier: what its state means, whose turn it is, until when, and what to do.

The words are in ``states.yml``. Nothing is guessed: an unknown state is shown as the system calls it, the system's own
due date comes before any date computed here, and a late office owes its letter of apology, nothing more is promised.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from actions.dossiers import working_days as wd
from actions.dossiers.dossier import Dossier, State
from actions.dossiers.standing import DueDate, Estimate, Standing, Timing
from actions.privacy import mask
from knowledge.text import clean

WORDS_FILE = Path(__file__).with_name("states.yml")

MAX_QUOTE = 220
"""Characters of a system's own text (a reason, papers to add) that are shown."""


class StepState(StrEnum):
    DONE = "done"
    CURRENT = "current"
    HELD = "held"  # waits for the citizen
    STOPPED = "stopped"
    WAITING = "waiting"
    UNKNOWN = "unknown"


class Turn(StrEnum):
    """Who has to act next."""

    CITIZEN = "citizen"
    OFFICE = "office"
    NOBODY = "nobody"
    UNKNOWN = "unknown"


class Name(StrEnum):
    """What a part of the explanation is about, in the order of the text."""

    HEAD = "head"
    STATE = "state"
    STEPS = "steps"
    TURN = "turn"
    SUPPLEMENT = "supplement"
    PAYMENT = "payment"
    COLLECT = "collect"
    REASON = "reason"
    DUE = "due"
    DUTY = "duty"
    ADVICE = "advice"
    SOURCE = "source"


_PARAGRAPHS = (
    (Name.HEAD,),
    (Name.STATE, Name.STEPS, Name.TURN),
    (Name.SUPPLEMENT, Name.PAYMENT, Name.COLLECT, Name.REASON, Name.ADVICE),
    (Name.DUE, Name.DUTY),
    (Name.SOURCE,),
)


@dataclass(frozen=True)
class Contact:
    """Whom to ask, in words that citizens know; what is empty is left out."""

    office: str = ""  # instead of the dossier's own place or agency
    hotline: str = ""
    portal: str = ""
    hours: str = ""  # when results are handed out: "thứ Hai đến thứ Sáu, 7:30–11:30 và 13:30–17:00"


@dataclass(frozen=True)
class Step:
    name: str
    state: StepState


@dataclass(frozen=True)
class Part:
    """One part of the explanation, in words."""

    name: Name
    text: str = field(repr=False)


@dataclass(frozen=True)
class Explanation:
    """A dossier's state in words (``text``) and in parts for a card.

    ``due`` is the date that counts now. ``days_left`` and ``days_late`` are working days, None where they say nothing.
    """

    text: str = field(repr=False)
    code: str = field(repr=False)
    procedure_code: str | None
    procedure_name: str
    state: State
    title: str
    steps: tuple[Step, ...]
    turn: Turn
    timing: Timing
    due: DueDate | None
    days_left: int | None
    days_late: int | None
    parts: tuple[Part, ...]
    source: str
    fetched_at: dt.datetime
    updated_at: dt.datetime | None
    may_rate: bool

    def part(self, name: Name) -> str:
        """The words of one part, empty where there is nothing to say."""
        return "\n".join(part.text for part in self.parts if part.name is name)


def explain(
    dossier: Dossier,
    now: dt.datetime,
    usual_time: str | None = None,
    contact: Contact | None = None,
    *,
    hours: wd.OfficeHours = wd.USUAL_HOURS,
    calendar: wd.Calendar | None = None,
) -> Explanation:
    """Explain ``dossier`` to the person who asked for it.

    Args:
        dossier: as an adapter gave it.
        now: local time in Vietnam, naive.
        usual_time: the procedure's published time in words, such as "5 ngày làm việc"; shown as it is, and counted
            with when it is plainly a number and a unit or "trong ngày".
        contact: whom to ask; the dossier's own place or agency where empty.
        hours: the office's hours, for estimates.
        calendar: working days and holidays; the official ones by default.
    """
    standing = Standing(dossier, now, usual_time, hours=hours, calendar=calendar)
    return _Case(standing, contact or Contact()).explanation()


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """``states.yml``."""
    return yaml.safe_load(WORDS_FILE.read_text(encoding="utf-8"))


def quote(text: str) -> str:
    """A system's own text, fit to show: no markup, no personal numbers, not too long."""
    text = mask(clean(text)).text
    if len(text) <= MAX_QUOTE:
        return text
    return text[:MAX_QUOTE].rsplit(" ", 1)[0].rstrip(" ,;.") + "…"


class _Case:
    """The words for one dossier at one moment."""

    def __init__(self, standing: Standing, contact: Contact) -> None:
        self.standing = standing
        self.dossier = standing.dossier
        self.contact = contact
        self.state_words: dict[str, Any] = words()["states"][standing.dossier.state]

    def explanation(self) -> Explanation:
        dossier, standing = self.dossier, self.standing
        parts = tuple(self._parts())
        return Explanation(
            text=_as_text(parts),
            code=dossier.code,
            procedure_code=dossier.procedure_code,
            procedure_name=quote(dossier.procedure_name),
            state=dossier.state,
            title=self.state_words["title"],
            steps=tuple(self.steps()),
            turn=self.turn(),
            timing=standing.timing,
            due=standing.due,
            days_left=standing.days_left,
            days_late=standing.days_late,
            parts=parts,
            source=quote(dossier.source),
            fetched_at=dossier.fetched_at,
            updated_at=standing.plausible(dossier.updated_at),
            may_rate=dossier.state in (State.FINISHED, State.RETURNED),
        )

    def turn(self) -> Turn:
        return Turn.OFFICE if self.standing.supplement_done else Turn(self.state_words["turn"])

    def steps(self) -> Iterator[Step]:
        before = "steps" if self.standing.received_at else "steps_before_receipt"
        marks = self.state_words.get(before, self.state_words["steps"])
        for name, mark in zip(words()["step_names"], marks, strict=True):
            held = mark == StepState.HELD and self.standing.supplement_done
            yield Step(name, StepState.CURRENT if held else StepState(mark))

    def say(self, key: str, **values: object) -> str:
        return str(words()["words"][key]).format(ask=self.ask(), **values).strip()

    def ask(self) -> str:
        """Where to ask: the office and the hotline, as far as they are known."""
        said = words()["words"]
        office = clean(self.contact.office or self.dossier.place or self.dossier.agency)
        hotline = clean(self.contact.hotline)
        if office and hotline:
            return said["ask_office_and_hotline"].format(office=office, hotline=hotline)
        return office or (said["ask_hotline"].format(hotline=hotline) if hotline else said["ask_where_filed"])

    def _parts(self) -> Iterator[Part]:
        for name, lines in (
            (Name.HEAD, self._head()),
            (Name.STATE, self._state()),
            (Name.STEPS, self._steps_line()),
            (Name.TURN, self._turn_line()),
            (Name.SUPPLEMENT, self._supplement_lines()),
            (Name.PAYMENT, self._payment_lines()),
            (Name.COLLECT, self._collect_lines()),
            (Name.REASON, self._reason_lines()),
            (Name.DUE, self._due_lines()),
            (Name.DUTY, self._duty_lines()),
            (Name.ADVICE, self._advice()),
            (Name.SOURCE, self._source_lines()),
        ):
            text = "\n".join(line for line in lines if line)
            if text:
                yield Part(name, text)

    def _head(self) -> Iterator[str]:
        yield f"Hồ sơ {self.dossier.code}"
        yield quote(self.dossier.procedure_name)

    def _state(self) -> Iterator[str]:
        title, label = self.state_words["title"], quote(self.dossier.label)
        told = self.dossier.state is not State.UNKNOWN and label and label.casefold() != title.casefold()
        yield self.say("title_with_label" if told else "title", title=title, label=label)
        done = self.standing.supplement_done
        yield self.state_words["meaning_when_done" if done else "meaning"].format(
            label=label or words()["words"]["no_label"], finished=self._finished(), returned=self._returned()
        )

    def _finished(self) -> str:
        at = self.standing.plausible(self.dossier.finished_at)
        return self.say_on_day(at) + self._against_due(at) if at else ""

    def _returned(self) -> str:
        at = self.standing.plausible(self.dossier.returned_at)
        return self.say_on_day(at) if at else ""

    def say_on_day(self, moment: dt.datetime) -> str:
        return str(words()["words"]["on_day"]).format(day=_day(moment))

    def _against_due(self, finished: dt.datetime) -> str:
        said = words()["words"]
        if not self.standing.system_due or self.standing.due_before_receipt:
            return ""
        if finished.date() < self.standing.system_due.date():
            return said["finished_early"]
        days = self.standing.working_days(self.standing.system_due, finished)
        return said["finished_late"].format(days=days) if days else said["finished_on_time"]

    def _steps_line(self) -> Iterator[str]:
        marks = words()["step_marks"]
        groups = []
        for state, steps in groupby(self.steps(), key=lambda step: step.state):
            names = ", ".join(step.name for step in steps)
            groups.append(f"{names} ({marks[state]})" if marks[state] else names)
        yield self.say("steps", steps=" → ".join(groups))

    def _turn_line(self) -> Iterator[str]:
        # Papers that have come in have their own words, and nobody wants to hear "nothing to do" of a late dossier.
        silent = self.standing.supplement_done or self.standing.timing is Timing.LATE
        yield " ".join(filter(None, (words()["turns"][self.turn()], "" if silent else self.state_words["todo"])))

    def _supplement_lines(self) -> Iterator[str]:
        last = self.standing.last_supplement
        if self.dossier.state is State.FINISHED and last and not last.done_at and last.content:
            yield self.say("supplement_open", content=quote(last.content))
        if self.dossier.state is not State.SUPPLEMENT:
            return
        if last and last.done_at:
            yield self.say("supplement_done", day=_day(last.done_at))
            return
        if last and last.content.strip():
            asked = words()["words"]["asked"].format(day=_day(last.asked_at)) if last.asked_at else ""
            yield self.say("supplement", asked=asked, content=quote(last.content))
        else:
            yield self.say("supplement_unnamed")
        yield self.say("supplement_how")
        yield self.say("supplement_clock")
        count = len(self.dossier.supplements)
        yield self.say("supplement_again", count=count) if count > 1 else self.say("supplement_once")

    def _payment_lines(self) -> Iterator[str]:
        payment = self.dossier.payment
        amount = payment.amount if payment and payment.amount and payment.amount > 0 else None
        if self.dossier.state is State.FINISHED and payment:
            yield self.say("payment_open", amount=f" {_amount(amount)} đồng" if amount else "")
        if self.dossier.state is not State.PAYMENT:
            return
        yield self.say("payment", amount=_amount(amount)) if amount else self.say("payment_unknown")
        if payment and payment.content.strip():
            yield self.say("payment_for", content=quote(payment.content))
        yield self.say("payment_how")

    def _collect_lines(self) -> Iterator[str]:
        if self.dossier.state is not State.FINISHED:
            return
        hours = clean(self.contact.hours) or words()["words"]["in_office_hours"]
        place = clean(self.dossier.place)
        yield self.say("collect", place=place, hours=hours) if place else self.say("collect_unnamed", hours=hours)
        yield self.say("ask_first")

    def _reason_lines(self) -> Iterator[str]:
        form = self.state_words.get("form")
        reason = quote(self.dossier.reason)
        if not form and not (reason and self.dossier.state is State.WITHDRAWN):
            return
        yield self.say("reason", reason=reason) if reason else self.say("no_reason")
        if form:
            yield self.say("reason_form", form=form)

    def _advice(self) -> Iterator[str]:
        yield self.state_words.get("way_forward", "").format(ask=self.ask()).strip()

    def _due_lines(self) -> Iterator[str]:
        timing = self.standing.timing
        if timing is Timing.OVER:
            return
        if self.standing.system_due:
            yield self._system_due_line(timing, self.standing.system_due)
        elif not self.standing.new_due and timing is not Timing.HELD:
            yield self.say("no_due_before_receipt" if self.dossier.state is State.REGISTERED else "no_due")
        yield from self._estimate_lines(timing)

    def _system_due_line(self, timing: Timing, due: dt.datetime) -> str:
        if timing is Timing.HELD:
            return self.say("due_held", due=_when(due))
        if self.standing.due_before_receipt:
            assert self.standing.received_at
            return self.say("due_wrong", due=_day(due), received=_day(self.standing.received_at))
        if timing is Timing.LATE:
            days = self.standing.days_late
            return self.say("due_late" if days else "due_late_in_days_off", due=_when(due), days=days)
        if timing is Timing.UNCLEAR:
            registered = self.dossier.state is State.REGISTERED
            return self.say("due_not_received" if registered else "due_unclear", due=_when(due))
        return self._coming("due", due)

    def _coming(self, prefix: str, due: dt.datetime) -> str:
        """A date that is today or still to come, with the days left."""
        if due.date() == self.standing.now.date():
            return self.say(f"{prefix}_today", due=_when(due))
        days = self.standing.working_days(self.standing.now, due)
        certain = wd.are_certain(self.standing.now.date(), due.date(), self.standing.calendar)
        expected = "" if certain else words()["words"]["expected"]
        return self.say(f"{prefix}_left" if days else f"{prefix}_near", due=_when(due), days=days, expected=expected)

    def _estimate_lines(self, timing: Timing) -> Iterator[str]:
        standing, estimate = self.standing, self.standing.estimate
        if standing.new_due or not estimate or (standing.system_due and not standing.differs):
            if standing.usual and timing is not Timing.HELD:
                yield self.say("usual", usual=standing.usual)
            return
        if standing.system_due:
            key = "difference"
        else:
            key = "estimate_passed" if estimate.at.date() < standing.now.date() else "estimate"
        expected = words()["words"]["expected"] if estimate.expected else ""
        usual = standing.usual[:1].lower() + standing.usual[1:]
        yield self.say(key, due=_date(estimate.at), usual=usual, rule=_rule(estimate), expected=expected)

    def _duty_lines(self) -> Iterator[str]:
        timing, sent, new_due = self.standing.timing, self.dossier.apology_sent, self.standing.new_due
        if timing in (Timing.OVER, Timing.HELD):
            return
        said = words()["words"]
        if sent:
            yield self.say("apology_sent", letter=said["letter"])
        elif timing is Timing.LATE:
            yield self.say(
                "duty", letter=said["letter"], sent_through=said["sent_through"].get(self.dossier.channel, "")
            )
        if new_due:
            yield self._new_due_line()
        elif sent:
            yield self.say("no_new_due")
        elif timing is Timing.LATE:
            yield self.say("apology_not_sent")

    def _new_due_line(self) -> str:
        assert self.standing.new_due
        if self.standing.new_due.date() >= self.standing.now.date():
            return self._coming("new_due", self.standing.new_due)
        return self.say(
            "new_due_late",
            due=_when(self.standing.new_due),
            days=self.standing.working_days(self.standing.new_due, self.standing.now),
        )

    def _source_lines(self) -> Iterator[str]:
        line = self.say("source", source=clean(self.dossier.source), fetched=self._moment(self.dossier.fetched_at))
        updated = self.standing.plausible(self.dossier.updated_at)
        yield f"{line} {self.say('updated', updated=self._moment(updated))}" if updated else line
        if self.contact.portal:
            yield self.say("portal", portal=clean(self.contact.portal))

    def _moment(self, moment: dt.datetime) -> str:
        return self.say("moment", time=f"{moment:%H:%M}", day=_day(moment))


def _as_text(parts: tuple[Part, ...]) -> str:
    by_name = {part.name: part.text for part in parts}
    paragraphs = ("\n".join(by_name[name] for name in names if name in by_name) for names in _PARAGRAPHS)
    return "\n\n".join(filter(None, paragraphs))


def _rule(estimate: Estimate) -> str:
    days = ", ".join(f"{item.day.day}/{item.day.month}" for item in estimate.holidays[:3])
    more = "…" if len(estimate.holidays) > 3 else ""
    return str(words()["words"][f"rule_{estimate.rule}"]).format(holidays=f" ({days}{more})" if days else "")


def _day(moment: dt.datetime) -> str:
    return f"{moment:%d/%m/%Y}"


def _date(moment: dt.datetime) -> str:
    return f"{words()['weekdays'][moment.weekday()]} {_day(moment)}"


def _when(moment: dt.datetime) -> str:
    """Day and time; midnight is a date without a time."""
    return _date(moment) if moment.time() == dt.time(0) else f"{_date(moment)} lúc {moment:%H:%M}"


def _amount(amount: int | None) -> str:
    return f"{amount or 0:,}".replace(",", ".")
