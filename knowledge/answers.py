"""From a procedure and the asked fields to an answer in plain Vietnamese.

The same code serves the bot, the console and the API: one knowledge, one answer. Everything shown is
read from the procedure; what it does not state is said to be unpublished.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from knowledge.procedure import (
    ChannelKind,
    DocumentRequirement,
    Fee,
    FeeKind,
    FeeStatus,
    Handling,
    Procedure,
    Source,
    TimeLimit,
    TimeStatus,
    TimeUnit,
)

PAGE_CHARACTERS = 1_100
"""What fits on a phone with one or two flicks; longer answers come in pages."""

FIELDS = ("overview", "documents", "fee", "time", "place", "method", "form", "conditions", "result", "legal")
"""The kinds of facts that people ask for, as in the questions file."""

TITLES = {
    "documents": "Giấy tờ cần chuẩn bị",
    "fee": "Phí, lệ phí",
    "time": "Thời hạn giải quyết",
    "place": "Nơi nộp và cơ quan thực hiện",
    "method": "Cách nộp hồ sơ",
    "form": "Mẫu đơn, tờ khai",
    "conditions": "Yêu cầu, điều kiện",
    "result": "Kết quả nhận được",
    "legal": "Căn cứ pháp lý",
}

_UNITS = {
    TimeUnit.WORKING_DAY: "ngày làm việc",
    TimeUnit.DAY: "ngày",
    TimeUnit.WORKING_HOUR: "giờ làm việc",
    TimeUnit.HOUR: "giờ",
    TimeUnit.MINUTE: "phút",
    TimeUnit.MONTH: "tháng",
    TimeUnit.YEAR: "năm",
}
_CHANNELS = {
    ChannelKind.IN_PERSON: "trực tiếp",
    ChannelKind.ONLINE: "trực tuyến",
    ChannelKind.POST: "qua bưu chính",
}
_FEE_KINDS = {FeeKind.FEE: "Phí", FeeKind.CHARGE: "Lệ phí", FeeKind.PRICE: "Giá dịch vụ"}
_NOT_PUBLISHED = "Dữ liệu công bố hiện chưa có thông tin này."


@dataclass(frozen=True)
class Part:
    """The answer to one field. ``published`` is False where the catalogue has no value."""

    field: str
    title: str
    lines: list[str]
    published: bool = True


@dataclass(frozen=True)
class Answer:
    """What to show for a procedure; ``text`` is one page of it."""

    code: str
    title: str
    status: str  # answered | not_published
    fields: list[str]
    parts: list[Part]
    sources: list[dict[str, str]]
    text: str
    page: int
    pages: int

    def to_dict(self) -> dict[str, object]:
        return {
            "procedure_code": self.code,
            "title": self.title,
            "status": self.status,
            "fields": self.fields,
            "parts": [{"field": p.field, "title": p.title, "lines": p.lines, "published": p.published} for p in self.parts],
            "sources": self.sources,
            "text": self.text,
            "page": self.page,
            "pages": self.pages,
        }


def full_text(procedure: Procedure) -> str:
    """Everything about a procedure, on one page of any length."""
    parts = [build(procedure) for build in _PARTS.values()]
    sources = [_source_dict(source) for source in _sources_of(procedure)]
    return _page_text(procedure, [_body(parts, overview=False)], 1, sources)


def answer(procedure: Procedure, fields: Iterable[str] = (), page: int = 1) -> Answer:
    """Answer exactly the asked fields of a procedure; without any, an overview.

    Args:
        procedure: the procedure as published.
        fields: names from :data:`FIELDS`; others are ignored.
        page: which page of a long answer, from 1; past the end, the last one.
    """
    asked = [f for f in dict.fromkeys(fields) if f in TITLES]
    parts = [_PARTS[f](procedure) for f in asked] if asked else _overview(procedure)
    status = "answered" if any(part.published for part in parts) else "not_published"
    pages = _pages(_body(parts, overview=not asked))
    page = max(1, min(page, len(pages)))
    sources = [_source_dict(source) for source in _sources_of(procedure)]
    text = _page_text(procedure, pages, page, sources)
    return Answer(procedure.code, procedure.title, status, asked or ["overview"], parts, sources, text, page, len(pages))


# -- the fields -------------------------------------------------------------------------------


def _documents(procedure: Procedure) -> Part:
    submit = [d for d in procedure.documents if d.handling is Handling.SUBMIT]
    show = [d for d in procedure.documents if d.handling is Handling.SHOW]
    lines: list[str] = []
    if submit:
        lines += [*(["Giấy tờ phải nộp:"] if show else []), *_papers(submit)]
    if show:
        lines += ["Giấy tờ chỉ cần xuất trình (cho cán bộ xem):", *_papers(show)]
    if lines and procedure.sets:
        lines.append(f"Số lượng: {procedure.sets} bộ hồ sơ.")
    published = bool(lines)
    for document in procedure.documents:
        if document.handling is Handling.NOTE:
            lines.append(f"Lưu ý: {document.name}")
    lines += _notes(procedure, "documents")
    if not published:
        lines.insert(0, "Dữ liệu công bố hiện chưa có danh sách giấy tờ của thủ tục này.")
    return Part("documents", TITLES["documents"], lines, published)


def _papers(documents: list[DocumentRequirement]) -> list[str]:
    """Numbered papers: those that everybody needs, then case by case."""
    lines: list[str] = []
    number = 0
    cases = list(dict.fromkeys(d.case for d in documents if d.case))
    ordered = sorted(documents, key=lambda d: cases.index(d.case) if d.case else -1)  # stable within a case
    for case, group in groupby(ordered, key=lambda d: d.case):
        if case:
            lines.append(f"{_if(case)}:")
        for document in group:
            number += 1
            lines.append(f"{number}. {_paper(document)}")
    return lines


def _paper(document: DocumentRequirement) -> str:
    details = []
    if document.originals:
        details.append(f"{document.originals} bản chính")
    if document.copies:
        details.append(f"{document.copies} bản sao")
    if document.optional:
        details.append("nếu có")
    if document.forms:
        details.append("mẫu: " + ", ".join(form.name for form in document.forms))
    text = document.name.rstrip(" .;,") + (f" ({'; '.join(details)})" if details else "")
    if document.held_by_state:
        done = "xuất trình" if document.handling is Handling.SHOW else "nộp"
        text += f". Không phải {done} nếu cơ quan tra cứu được trong cơ sở dữ liệu"
    return text


def _fees(procedure: Procedure) -> Part:
    in_force = [fee for fee in procedure.fees if not (fee.valid_to and fee.valid_to < dt.date.today())]
    stated = [fee for fee in in_force if fee.status is not FeeStatus.NOT_PUBLISHED]
    lines = [f"- {_fee(fee)}" for fee in stated]
    if not stated:
        lines = ["Dữ liệu công bố chưa có mức phí, lệ phí của thủ tục này."]
        # A bare word beside a 0 ("Miễn phí") is the portal's way of printing 0 and says nothing.
        lines += [f"Ghi chú: {fee.text}" for fee in in_force if fee.text and len(fee.text) > 20]
    if procedure.exemptions:
        lines.append("Được miễn, giảm: " + "; ".join(e.rstrip(" .;") for e in procedure.exemptions) + ".")
    lines += _notes(procedure, "fee")
    return Part("fee", TITLES["fee"], lines, bool(stated))


def _fee(fee: Fee) -> str:
    label = fee.name or (_FEE_KINDS[fee.kind] if fee.kind else "")
    prefix = f"{label}: " if label else ""
    conditions = [text for text in (_in_passing(fee.case), _channel_words(fee.channels), _validity(fee)) if text]
    suffix = f" ({'; '.join(conditions)})" if conditions else ""
    match fee.status:
        case FeeStatus.AMOUNT:
            assert fee.amount is not None
            upper = f" đến {_money(fee.amount_to)}" if fee.amount_to else ""
            value = f"{_money(fee.amount)}{upper}{'/' + fee.per if fee.per else ''}"
            extra = f". {fee.text}" if fee.text else ""
            return f"{prefix}{value}{suffix}{extra}"
        case FeeStatus.FREE:
            return f"{prefix}không thu{suffix}"
        case FeeStatus.SET_BY_PROVINCE:
            return f"{prefix}do Hội đồng nhân dân cấp tỉnh quy định{suffix}; dữ liệu chung chưa có mức của từng tỉnh"
        case _:
            return f"{prefix}{fee.text or 'theo văn bản quy định, dữ liệu công bố không ghi số tiền'}{suffix}"


def _validity(fee: Fee) -> str:
    words = []
    if fee.valid_from:
        words.append(f"từ {_day(fee.valid_from)}")
    if fee.valid_to:
        words.append(f"đến hết {_day(fee.valid_to)}")
    return " ".join(words)


def _time(procedure: Procedure) -> Part:
    lines = [f"- {_time_limit(limit)}" for limit in procedure.time_limits]
    published = any(
        limit.status not in (TimeStatus.NOT_PUBLISHED, TimeStatus.UNIT_NOT_STATED) for limit in procedure.time_limits
    )
    if not procedure.time_limits:
        lines = ["Dữ liệu công bố chưa có thời hạn giải quyết của thủ tục này."]
    return Part("time", TITLES["time"], lines + _notes(procedure, "time"), published)


def _time_limit(limit: TimeLimit) -> str:
    conditions = [text for text in (_in_passing(limit.case), _channel_words(limit.channels)) if text]
    suffix = f" ({'; '.join(conditions)})" if conditions else ""
    match limit.status:
        case TimeStatus.STATED:
            assert limit.quantity is not None and limit.unit is not None
            extra = f". {limit.text}" if limit.text else ""
            return f"{_number(limit.quantity)} {_UNITS[limit.unit]}{suffix}{extra}"
        case TimeStatus.SAME_DAY:
            return f"Trong ngày{suffix}" + (f". {limit.text}" if limit.text else "")
        case TimeStatus.IMMEDIATE:
            return f"Ngay khi nhận đủ hồ sơ hợp lệ{suffix}"
        case TimeStatus.UNIT_NOT_STATED:
            number = limit.text or (_number(limit.quantity) if limit.quantity else "")
            return f"Nguồn ghi “{number}” nhưng không ghi đơn vị thời gian, nên chưa xác định được{suffix}"
        case TimeStatus.IN_TEXT:
            return f"{limit.text}{suffix}"
        case _:
            return f"{limit.text or 'Dữ liệu công bố chưa có thời hạn'}{suffix}"


def _place(procedure: Procedure) -> Part:
    lines = [procedure.place] if procedure.place else []
    if procedure.authorities:
        lines.append("Cơ quan thực hiện: " + "; ".join(procedure.authorities))
    return Part("place", TITLES["place"], lines or [_NOT_PUBLISHED], bool(lines))


def _method(procedure: Procedure) -> Part:
    lines = []
    for channel in procedure.channels:
        note = f": {channel.note}" if channel.note else ""
        link = f" {channel.url}" if channel.url else ""
        lines.append(f"- Nộp {_CHANNELS[channel.kind]}{note}{link}")
    kinds = {channel.kind for channel in procedure.channels}
    if kinds and ChannelKind.ONLINE not in kinds:
        lines.append("Dữ liệu công bố không ghi cách nộp trực tuyến cho thủ tục này.")
    return Part("method", TITLES["method"], lines or [_NOT_PUBLISHED], bool(kinds))


def _form(procedure: Procedure) -> Part:
    lines = []
    for document in procedure.documents:
        for form in document.forms:
            number = f" ({form.number})" if form.number else ""
            lines.append(f"- {form.name}{number}, dùng cho: {document.name}" + (f" {form.url}" if form.url else ""))
    lines = list(dict.fromkeys(lines))
    if lines:
        return Part("form", TITLES["form"], lines)
    return Part("form", TITLES["form"], ["Dữ liệu công bố không kèm mẫu đơn, tờ khai cho thủ tục này."], published=False)


def _list_part(name: str, values: Callable[[Procedure], list[str]]) -> Callable[[Procedure], Part]:
    def part(procedure: Procedure) -> Part:
        lines = [f"- {value}" for value in values(procedure)]
        return Part(name, TITLES[name], lines or [_NOT_PUBLISHED], bool(lines))

    return part


_PARTS: dict[str, Callable[[Procedure], Part]] = {
    "documents": _documents,
    "fee": _fees,
    "time": _time,
    "place": _place,
    "method": _method,
    "form": _form,
    "conditions": _list_part("conditions", lambda p: p.conditions),
    "result": _list_part("result", lambda p: p.results),
    "legal": _list_part("legal", lambda p: [f"{b.title} ({b.number})" if b.title else b.number for b in p.legal_basis]),
}


def _overview(procedure: Procedure) -> list[Part]:
    """Papers everybody needs, fee, time and place: the most asked, in short form."""
    parts = [_PARTS[name](procedure) for name in ("documents", "fee", "time", "place", "method")]
    if not any(part.published for part in parts):
        parts = [Part("overview", "Thông tin", ["Dữ liệu công bố mới có tên thủ tục, chưa có nội dung chi tiết."], published=False)]
    return parts


def _notes(procedure: Procedure, about: str) -> list[str]:
    return [f"Lưu ý: {note.text}" for note in procedure.notes if note.about == about]


# -- putting it on a page ---------------------------------------------------------------------


def _body(parts: list[Part], *, overview: bool) -> list[str]:
    lines: list[str] = []
    for part in parts:
        if overview and not part.published:
            continue
        lines += [f"{part.title}:", *part.lines]
    return lines or [line for part in parts for line in part.lines]


def _pages(lines: list[str]) -> list[list[str]]:
    """Lines packed into pages; a heading never ends one."""
    pages: list[list[str]] = [[]]
    size = 0
    for line in _broken(lines):
        if size + len(line) > PAGE_CHARACTERS and pages[-1]:
            carried = [pages[-1].pop()] if len(pages[-1]) > 1 and pages[-1][-1].endswith(":") else []
            pages.append(carried)
            size = sum(map(len, carried))
        pages[-1].append(line)
        size += len(line) + 1
    return pages


def _broken(lines: list[str]) -> Iterable[str]:
    """Lines of at most a page: a longer one is broken between words."""
    for line in lines:
        while len(line) > PAGE_CHARACTERS:
            cut = line.rfind(" ", 0, PAGE_CHARACTERS)
            cut = cut if cut > 0 else PAGE_CHARACTERS
            yield line[:cut]
            line = line[cut:].strip()
        yield line


def _page_text(procedure: Procedure, pages: list[list[str]], page: int, sources: list[dict[str, str]]) -> str:
    head = f"{procedure.title} (mã {procedure.code})"
    lines = [head, *pages[page - 1]]
    if len(pages) > 1:
        more = " Nhắn “xem tiếp” để xem phần sau." if page < len(pages) else ""
        lines.append(f"(Phần {page}/{len(pages)}.{more})")
    lines += [source["line"] for source in sources[:2]]
    return "\n".join(lines)


def _sources_of(procedure: Procedure) -> list[Source]:
    """Distinct sources; two crawls of one page are one source to a citizen, the one that names the decision."""
    seen: dict[str, Source] = {}
    for source in sorted(procedure.sources.values(), key=lambda s: s.decision is None):
        seen.setdefault(source.url or source.name, source)
    return list(seen.values())


def _source_dict(source: Source) -> dict[str, str]:
    words = [f"Nguồn: {source.name}"]
    if source.decision:
        words.append(f"Quyết định {source.decision}" + (f" ngày {_day(source.decision_date)}" if source.decision_date else ""))
    else:
        words.append("nguồn không ghi số quyết định")
    if source.retrieved:
        words.append(f"dữ liệu ngày {_day(source.retrieved)}")
    if source.url:
        words.append(source.url)
    out = {"line": "; ".join(words), "name": source.name}
    for key in ("decision", "url"):
        if getattr(source, key):
            out[key] = getattr(source, key)
    for key in ("decision_date", "retrieved"):
        if getattr(source, key):
            out[key] = getattr(source, key).isoformat()
    return out


def _if(case: str) -> str:
    """The case as a condition: ``"Trẻ bị bỏ rơi"`` → ``"Nếu trẻ bị bỏ rơi"``."""
    case = case.strip(" :.;")
    words = case.split(" ")
    lowered = case.lower()
    if lowered.startswith(("trường hợp", "nếu", "đối với", "khi ")):
        return case[0].upper() + case[1:]
    proper = len(words) > 1 and words[1][:1].isupper() or words[0].isupper() or any(c.isdigit() for c in words[0])
    return "Nếu " + (case if proper else case[0].lower() + case[1:])


def _in_passing(case: str | None) -> str:
    """The case as a condition within a sentence."""
    if not case:
        return ""
    condition = _if(case)
    return condition[0].lower() + condition[1:]


def _channel_words(channels: list[ChannelKind]) -> str:
    return "nộp " + ", ".join(_CHANNELS[channel] for channel in channels) if channels else ""


def _money(amount: int | None) -> str:
    return f"{amount or 0:,}".replace(",", ".") + " đồng"


def _number(value: float) -> str:
    return f"{value:g}".replace(".", ",")


def _day(day: dt.date | None) -> str:
    return day.strftime("%d/%m/%Y") if day else ""
