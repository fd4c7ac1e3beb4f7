"""From a record in the common shape of the national portal to a Procedure.

The readers of single formats fill a Record; what the cells say is parsed here, the
same way for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as default

from knowledge.procedure import (
    ChannelKind,
    DocumentRequirement,
    Fee,
    FeeStatus,
    Form,
    Handling,
    LegalBasis,
    Level,
    Note,
    Procedure,
    Source,
    SubmissionChannel,
    TimeLimit,
    TimeStatus,
)

from .parsing import legal, money, names, papers, times
from .parsing.text import clean, clean_line


@dataclass(slots=True)
class ChannelRow:
    """One row of the ways to file (cách thức thực hiện)."""

    kind: ChannelKind
    time: str = ""
    unit: str = ""
    fees: list[money.RawFee] = default(default_factory=list)
    note: str = ""
    source: str | None = None


@dataclass(slots=True)
class Record:
    """A portal record: cells as text, rows in order. ``case_times`` are (case, quantity, unit)."""

    code: str
    name: str
    sources: dict[str, Source]
    field: str = ""
    levels: list[Level] = default(default_factory=list)
    promulgator: str = ""
    authorities: list[str] = default(default_factory=list)
    place: str | None = None
    subjects: list[str] = default(default_factory=list)
    channels: list[ChannelRow] = default(default_factory=list)
    papers: list[papers.RawPaper] = default(default_factory=list)
    steps: str = ""
    conditions: str = ""
    results: str | list[str] = ""
    legal: list[tuple[str, str | None]] = default(default_factory=list)
    legal_source: str | None = None
    case_times: list[tuple[str, float | None, str]] = default(default_factory=list)
    case_source: str | None = None
    keywords: list[str] = default(default_factory=list)
    notes: list[Note] = default(default_factory=list)
    has_details: bool = True


@dataclass(slots=True)
class _Draft:
    """What the rows of a record gave so far."""

    notes: list[Note]
    exemptions: list[str] = default(default_factory=list)

    def leftover(self, about: str, text: str | None, source: str | None) -> None:
        if text:
            self.notes.append(Note(about=about, text=text, leftover=True, source=source))


def build(record: Record) -> Procedure:
    """Parse the cells of a record; ValueError if it is no procedure."""
    draft = _Draft(list(record.notes))
    name = names.read_name(record.name)
    documents, sets = _documents(record, draft)
    fees = _fees(record, draft)
    return Procedure(
        code=record.code,
        name=name,
        field=clean_line(record.field),
        levels=record.levels,
        promulgator=clean_line(record.promulgator),
        authorities=record.authorities,
        place=record.place,
        subjects=record.subjects,
        province=names.read_province(record.promulgator),
        channels=_channels(record),
        documents=documents,
        sets=sets,
        fees=fees,
        exemptions=list(dict.fromkeys(draft.exemptions)),
        time_limits=_time_limits(record, name, draft),
        conditions=names.read_conditions(record.conditions),
        steps=names.read_steps(record.steps),
        results=record.results if isinstance(record.results, list) else names.read_results(record.results),
        legal_basis=_legal_basis(record),
        notes=draft.notes,
        keywords=record.keywords,
        sources=record.sources,
        has_details=record.has_details,
    )


def _channels(record: Record) -> list[SubmissionChannel]:
    """One channel a kind; remarks of several rows are joined."""
    channels: dict[ChannelKind, SubmissionChannel] = {}
    for row in record.channels:
        note = clean(row.note)
        known = channels.get(row.kind)
        if known is None:
            channels[row.kind] = SubmissionChannel(kind=row.kind, note=note, source=row.source)
        elif note and note not in (known.note or ""):
            known.note = f"{known.note}\n{note}" if known.note else note
    return list(channels.values())


def _documents(record: Record, draft: _Draft) -> tuple[list[DocumentRequirement], int | None]:
    documents: list[DocumentRequirement] = []
    sets: int | None = None
    for heading in dict.fromkeys(clean(raw.case) for raw in record.papers):
        if papers.is_rule(heading):
            draft.notes.append(Note(about="documents", text=heading, source=record.papers[0].source))
    for raw in record.papers:
        sets = sets or papers.parse_sets(clean_line(raw.case)[:60])
        parsed = papers.parse_paper(raw)
        if parsed is None:
            continue
        if parsed.handling is Handling.NOTE:
            sets = sets or (papers.parse_sets(parsed.name) if len(parsed.name) < 60 else None)
        draft.leftover("documents", parsed.leftover, parsed.source)
        documents.append(
            DocumentRequirement(
                name=parsed.name,
                official_name=parsed.official_name,
                handling=parsed.handling,
                case=parsed.case,
                originals=parsed.originals,
                copies=parsed.copies,
                forms=[Form(name=form, url=url) for form, url in parsed.forms],
                optional=parsed.optional,
                held_by_state=parsed.held_by_state,
                source=parsed.source,
            )
        )
    return documents, sets


def _fees(record: Record, draft: _Draft) -> list[Fee]:
    """Read the fee rows of all channels; what is equal over all channels stands once, for every channel."""
    found: dict[tuple[money.ParsedFee, str | None], list[ChannelKind]] = {}
    for row in record.channels:
        for raw in row.fees:
            read = money.parse_fee(raw)
            draft.exemptions += read.exemptions
            if read.leftover and not any(note.text == read.leftover for note in draft.notes):
                draft.leftover("fee", read.leftover, row.source)
            for fee in read.fees:
                kinds = found.setdefault((fee, row.source), [])
                kinds += [
                    kind for kind in ([row.kind] if not fee.only or row.kind in fee.only else []) if kind not in kinds
                ]
    filed = {row.kind for row in record.channels}
    informed = {kind for (fee, _), kinds in found.items() if _informs(fee) for kind in kinds}
    fees = [
        _fee(fee, [] if fee.only == () and set(kinds) == filed else (kinds or list(fee.only)), source)
        for (fee, source), kinds in found.items()
        if _informs(fee) or not set(kinds) <= informed
    ]
    if len(fees) > 1 and all(fee.status is FeeStatus.NOT_PUBLISHED and not fee.name for fee in fees):
        best = max(fees, key=lambda fee: len(fee.text or ""))
        best.channels = []
        return [best]
    if not fees and record.has_details:
        return [Fee(status=FeeStatus.NOT_PUBLISHED, source=_first_source(record))]
    return fees


def _first_source(record: Record) -> str | None:
    return record.channels[0].source if record.channels else next(iter(record.sources), None)


def _informs(fee: money.ParsedFee) -> bool:
    return fee.status is not FeeStatus.NOT_PUBLISHED or fee.name is not None


def _fee(fee: money.ParsedFee, channels: list[ChannelKind], source: str | None) -> Fee:
    return Fee(
        status=fee.status,
        kind=fee.kind,
        amount=fee.amount,
        amount_to=fee.amount_to,
        per=fee.per,
        name=fee.name,
        case=fee.case,
        channels=[kind for kind in ChannelKind if kind in channels],
        text=fee.text,
        valid_from=fee.valid_from,
        valid_to=fee.valid_to,
        source=source,
    )


def _time_limits(record: Record, name: str, draft: _Draft) -> list[TimeLimit]:
    found: dict[tuple[times.ParsedTime, str | None], list[ChannelKind]] = {}
    for row in record.channels:
        read = times.parse_channel_time(row.time, row.unit, row.note)
        if read.leftover and not any(note.about == "time" and note.text == read.leftover for note in draft.notes):
            draft.leftover("time", read.leftover, row.source)
        for time in read.times:
            kinds = found.setdefault((time, row.source), [])
            if row.kind not in kinds:
                kinds.append(row.kind)
    cases = times.from_case_times(name, record.case_times)
    found = _with_case_times(found, cases, record, draft)
    informed = {
        kind for (time, _), kinds in found.items() if time.status is not TimeStatus.NOT_PUBLISHED for kind in kinds
    }
    filed = {row.kind for row in record.channels}
    limits = [
        TimeLimit(
            status=time.status,
            quantity=time.quantity,
            unit=time.unit,
            case=time.case,
            channels=[] if set(kinds) == filed else [kind for kind in ChannelKind if kind in kinds],
            text=time.text,
            source=source,
        )
        for (time, source), kinds in found.items()
        if time.status is not TimeStatus.NOT_PUBLISHED or not set(kinds) <= informed
    ]
    if len(limits) > 1 and all(limit.status is TimeStatus.NOT_PUBLISHED for limit in limits):
        limits = [limits[0].model_copy(update={"channels": []})]
    if not limits and record.has_details:
        return [TimeLimit(status=TimeStatus.NOT_PUBLISHED, source=_first_source(record))]
    return limits


_Found = dict[tuple[times.ParsedTime, str | None], list[ChannelKind]]


def _with_case_times(found: _Found, cases: list[times.ParsedTime], record: Record, draft: _Draft) -> _Found:
    """Weigh the times of the procedure's cases against those of the ways to file."""
    if not cases:
        return found
    filed = list(dict.fromkeys(row.kind for row in record.channels))
    stated = {(time.quantity, time.unit) for (time, _) in found if time.status is TimeStatus.STATED}
    unclear = [key for key in found if key[0].status in (TimeStatus.UNIT_NOT_STATED, TimeStatus.NOT_PUBLISHED)]
    if unclear and not stated:
        return _replace_unclear(found, cases, unclear, filed, record)
    of_cases = {(time.quantity, time.unit) for time in cases}
    if not of_cases & stated and stated:
        said = "; ".join(
            f"{time.case or 'thủ tục'}: {time.quantity:g} {time.unit.value if time.unit else ''}" for time in cases
        )
        draft.notes.append(
            Note(
                about="time",
                text=f"Thời gian theo trường hợp trong nguồn khác với cách thức thực hiện: {said}",
                source=record.case_source,
            )
        )
        return found
    named = [time for time in cases if time.case]
    if (
        len(named) == len(cases) > 1
        and len({time.case for time in named}) == len(named)
        and stated <= of_cases
        and not any(time.case for time, _ in found)
    ):
        return {(time, record.case_source): list(filed) for time in named}
    return found


def _replace_unclear(
    found: _Found,
    cases: list[times.ParsedTime],
    unclear: list[tuple[times.ParsedTime, str | None]],
    filed: list[ChannelKind],
    record: Record,
) -> _Found:
    """Take the times of the cases where the ways to file state no unit or no time."""
    labels = [time.case for time in cases]
    if len(set(labels)) != len(labels):
        # Cases of one name that differ in unit or number: which one holds is not said.
        said = "; ".join(f"{time.quantity:g} {time.unit.value if time.unit else ''}" for time in cases)
        return {
            (replace(time, text=f"{time.text or ''} (trường hợp trong nguồn: {said})".strip()), source): kinds
            for (time, source), kinds in found.items()
        }
    kept = {key: kinds for key, kinds in found.items() if key not in unclear}
    odd = sorted(
        {
            time.text or ""
            for time, _ in unclear
            if time.quantity and time.quantity not in {case.quantity for case in cases}
        }
    )
    for time in cases:
        text = f"Cách thức thực hiện trong nguồn ghi {', '.join(odd)}, không ghi đơn vị" if odd else None
        kept[(replace(time, text=text), record.case_source)] = list(filed)
    return kept


def _legal_basis(record: Record) -> list[LegalBasis]:
    known: dict[str, LegalBasis] = {}
    for number, title in record.legal:
        pair = legal.read_pair(number, title)
        if pair and pair[0] not in known:
            known[pair[0]] = LegalBasis(number=pair[0], title=pair[1], source=record.legal_source)
    return list(known.values())
