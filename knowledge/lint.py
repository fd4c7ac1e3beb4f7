"""What is missing, contradictory or expired in the catalogue, and how much of it the readers understood.

The findings are hints for the officer who keeps the catalogue. Nothing here changes it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from .procedure import Fee, FeeStatus, Handling, Procedure, TimeLimit, TimeStatus, TimeUnit

READ_FIELDS = ("documents", "time", "fee")
"""What the key figure is about: papers, time limit and fee."""
LONGEST = {
    TimeUnit.MINUTE: 24 * 60.0,
    TimeUnit.HOUR: 30 * 24.0,
    TimeUnit.WORKING_HOUR: 30 * 8.0,
    TimeUnit.WORKING_DAY: 365.0,
    TimeUnit.DAY: 365.0,
    TimeUnit.MONTH: 36.0,
    TimeUnit.YEAR: 5.0,
}
"""The longest believable time limit in each unit."""
_LONG = {TimeUnit.MONTH, TimeUnit.YEAR}
CHECKS: dict[str, str] = {
    "no_papers": "no paper to hand in or to show",
    "no_fee": "fee not published",
    "no_time": "time limit not published",
    "unit_not_stated": "time limit without a unit",
    "amount_beside_zero": "a text states an amount where the fee has none",
    "amount_set_by_province": "an amount although the text says that the province sets it",
    "abolished_district": "mentions the district level, abolished on 1 July 2025",
    "duplicate_name": "another code has the same name",
    "expired": "no longer valid",
    "expired_fee": "a fee is no longer valid",
    "level_missing": "level of government not stated",
    "outlier_time": "time limit out of proportion",
    "contradictory_channels": "ways to file contradict each other on time",
    "authority_of_one_province": "a nationwide procedure names the office of one province",
}
"""Names of the checks on records with details, and what each finds."""

_AMOUNT = re.compile(
    r"(?<![\d.,])\d{1,3}(?:[.,]\d{3})+\s*(?:đồng|đ\b|vnđ|vnd|việt nam đồng)|\b\d+\s*(?:triệu|nghìn|" r"ngàn)\s*đồng",
    re.IGNORECASE,
)
_DISTRICT = re.compile(
    r"\b(?:cấp huyện|cấp quận|(?:UBND|Ủy ban nhân dân|Uỷ ban nhân dân|Phòng [^,.;]{3,40}|Công an|"
    r"Tòa án nhân dân|Ban chỉ huy quân sự)\s+(?:cấp\s+)?(?:quận|huyện|thị xã)|quận, huyện|huyện, quận|"
    r"quận/huyện|huyện, thị xã|quận, thị xã)\b",
    re.IGNORECASE,
)
_COUNCIL = re.compile(r"(?:hội đồng nhân dân|hđnd)[^.;]{0,60}(?:quy định|quyết định)", re.IGNORECASE)
_ONE_PROVINCE = re.compile(r"(?:tỉnh|thành phố) (?P<name>\w+ \w+(?: \w+)?)$", re.IGNORECASE)


@dataclass(slots=True)
class LintReport:
    """Counts and lists of findings.

    ``findings`` maps a check to codes and what was found; ``read`` maps "documents",
    "time", "fee" and "all" to how many records with details read without leftovers.
    """

    total: int = 0
    with_details: int = 0
    findings: dict[str, dict[str, str]] = field(default_factory=lambda: {check: {} for check in CHECKS})
    leftovers: Counter[str] = field(default_factory=Counter)
    leftover_examples: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    read: Counter[str] = field(default_factory=Counter)

    @property
    def name_only(self) -> int:
        """Records of which only the name is known."""
        return self.total - self.with_details

    def share(self, what: str) -> float:
        """Share (0 to 1) of records with details whose ``what`` was read; 0.0 where there is none."""
        return self.read[what] / self.with_details if self.with_details else 0.0

    def to_dict(self) -> dict[str, object]:
        """The report for ``--json``."""
        return {
            "total": self.total,
            "with_details": self.with_details,
            "name_only": self.name_only,
            "read_without_leftovers": {
                what: {"records": self.read[what], "share": round(self.share(what), 4)}
                for what in (*READ_FIELDS, "all")
            },
            "leftovers": dict(self.leftovers),
            "findings": {
                check: {"count": len(codes), "codes": sorted(codes)} for check, codes in self.findings.items()
            },
        }

    def lines(self, examples: int = 3) -> Iterator[str]:
        """The report for the terminal, with a few examples of each finding."""
        yield f"{self.total} procedures: {self.with_details} with details, {self.name_only} by name only"
        shares = ", ".join(f"{what} {self.share(what):.1%}" for what in READ_FIELDS)
        yield f"Read without leftovers: {self.share('all'):.1%} of those with details ({shares})"
        for about, count in sorted(self.leftovers.items()):
            yield f"  {count:5}  leftover texts about {about}"
            for code, text in self.leftover_examples[about][:examples]:
                yield f"           {code}  {_shorten(text)}"
        for check, codes in self.findings.items():
            if codes:
                yield f"  {len(codes):5}  {check}: {CHECKS[check]}"
                for code in sorted(codes)[:examples]:
                    yield f"           {code}  {_shorten(codes[code])}"


def lint(procedures: Iterable[Procedure], today: dt.date) -> LintReport:
    """Check procedures as they stand on ``today``."""
    report = LintReport()
    names: dict[str, list[str]] = defaultdict(list)
    for procedure in procedures:
        report.total += 1
        names[procedure.name.casefold()].append(procedure.code)
        if procedure.valid_to and procedure.valid_to < today:
            report.findings["expired"][procedure.code] = f"valid to {procedure.valid_to}"
        if procedure.has_details:
            report.with_details += 1
            _count_read(report, procedure)
            _check(report, procedure, today)
    for codes in names.values():
        for code in codes if len(codes) > 1 else []:
            report.findings["duplicate_name"][code] = ", ".join(other for other in codes if other != code)
    return report


def _count_read(report: LintReport, procedure: Procedure) -> None:
    left = set()
    for note in procedure.notes:
        if note.leftover:
            left.add(note.about)
            report.leftovers[note.about] += 1
            report.leftover_examples[note.about].append((procedure.code, note.text))
    if "channels" in left:  # an unread way to file hides its time and fee
        left |= {"time", "fee"}
    for what in READ_FIELDS:
        report.read[what] += what not in left
    report.read["all"] += left.isdisjoint(READ_FIELDS)


def _check(report: LintReport, procedure: Procedure, today: dt.date) -> None:
    for check, look in _LOOKS.items():
        if found := look(procedure):
            report.findings[check][procedure.code] = found
    over = [fee for fee in procedure.fees if fee.valid_to and fee.valid_to < today]
    if over:
        report.findings["expired_fee"][procedure.code] = (
            f"{len(over)} of {len(procedure.fees)} fees, since {over[0].valid_to}"
        )


def _no_papers(procedure: Procedure) -> str | None:
    return None if any(paper.handling is not Handling.NOTE for paper in procedure.documents) else procedure.name


def _no_fee(procedure: Procedure) -> str | None:
    return None if any(fee.status is not FeeStatus.NOT_PUBLISHED for fee in procedure.fees) else procedure.name


def _no_time(procedure: Procedure) -> str | None:
    return (
        None if any(time.status is not TimeStatus.NOT_PUBLISHED for time in procedure.time_limits) else procedure.name
    )


def _unit_not_stated(procedure: Procedure) -> str | None:
    return next(
        (
            time.text or f"{time.quantity or '?'}"
            for time in procedure.time_limits
            if time.status is TimeStatus.UNIT_NOT_STATED
        ),
        None,
    )


def _amount_beside_zero(procedure: Procedure) -> str | None:
    silent = (FeeStatus.FREE, FeeStatus.NOT_PUBLISHED, FeeStatus.BY_LAW, FeeStatus.SET_BY_PROVINCE)
    return next(
        (fee.text for fee in procedure.fees if fee.status in silent and fee.text and _AMOUNT.search(fee.text)), None
    )


def _amount_set_by_province(procedure: Procedure) -> str | None:
    amounts = (fee for fee in procedure.fees if fee.status is FeeStatus.AMOUNT and fee.text)
    return next((fee.text for fee in amounts if _COUNCIL.search(fee.text or "")), None)


def _abolished_district(procedure: Procedure) -> str | None:
    for text in _texts(procedure):
        if match := _DISTRICT.search(text):
            return text[max(0, match.start() - 30) : match.end() + 30]
    return None


def _texts(procedure: Procedure) -> Iterator[str]:
    yield from (
        procedure.name,
        procedure.place or "",
        *procedure.authorities,
        *procedure.steps,
        *procedure.conditions,
        *procedure.results,
    )
    yield from (text for channel in procedure.channels if (text := channel.note))
    for paper in procedure.documents:
        yield from (paper.name, paper.case or "")
    for fact in (*procedure.fees, *procedure.time_limits):
        yield from (fact.text or "", fact.case or "")
    yield from (note.text for note in procedure.notes)


def _level_missing(procedure: Procedure) -> str | None:
    return None if procedure.levels else procedure.name


def _outlier_time(procedure: Procedure) -> str | None:
    for time in procedure.time_limits:
        limit = LONGEST[time.unit] if time.unit else 365.0
        if time.quantity and time.quantity > limit:
            return _say(time)
    return None


def _contradictory_channels(procedure: Procedure) -> str | None:
    """Two general time limits for one way to file, or one number with different units over ways to file."""
    if warned := next(
        (
            note.text
            for note in procedure.notes
            if note.about == "time" and not note.leftover and "khác với" in note.text
        ),
        None,
    ):
        return warned
    if odd := next(
        (time.text for time in procedure.time_limits if time.text and "không ghi đơn vị" in time.text), None
    ):
        return odd
    stated = [time for time in procedure.time_limits if time.status is TimeStatus.STATED]
    general = [time for time in stated if time.case is None]
    for one in general:
        for other in stated:
            if one.quantity == other.quantity and {one.unit, other.unit} & _LONG and one.unit != other.unit:
                return f"{_say(one)} / {_say(other)}"
    for index, one in enumerate(general):
        for other in general[index + 1 :]:
            shared = not one.channels or not other.channels or set(one.channels) & set(other.channels)
            if shared or (one.quantity == other.quantity and one.unit != other.unit):
                return f"{_say(one)} / {_say(other)}"
    return None


def _authority_of_one_province(procedure: Procedure) -> str | None:
    return (
        None
        if procedure.province
        else next(
            (
                office
                for office in procedure.authorities
                if (match := _ONE_PROVINCE.search(office)) and match["name"].istitle()
            ),
            None,
        )
    )


_LOOKS: dict[str, Callable[[Procedure], str | None]] = {
    "no_papers": _no_papers,
    "no_fee": _no_fee,
    "no_time": _no_time,
    "unit_not_stated": _unit_not_stated,
    "amount_beside_zero": _amount_beside_zero,
    "amount_set_by_province": _amount_set_by_province,
    "abolished_district": _abolished_district,
    "level_missing": _level_missing,
    "outlier_time": _outlier_time,
    "contradictory_channels": _contradictory_channels,
    "authority_of_one_province": _authority_of_one_province,
}


def _say(fact: TimeLimit | Fee) -> str:
    if isinstance(fact, Fee):
        return f"{fact.amount or fact.status.value}"
    quantity = (
        f"{fact.quantity:g} {fact.unit.value if fact.unit else ''}".strip() if fact.quantity else fact.status.value
    )
    channels = "/".join(kind.value for kind in fact.channels)
    return f"{quantity} ({channels})" if channels else quantity


def _shorten(text: str, width: int = 100) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"
