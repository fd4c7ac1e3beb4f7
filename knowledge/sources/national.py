"""Reader of the national catalogue as JSON lines (plain or gzip), merged from several crawls of the portal.

One record a line; rows name the crawl that they come from in ``src``, and each crawl
becomes a source of the procedure. A cell's wording is the crawl's: one keeps what a page
prints (``fee_head`` and ``note``), one what the portal's interface gives (``fees``).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from knowledge.procedure import FeeKind, Note, Procedure, Source

from .base import Item, Raw, SourceError, read_records
from .files import MAX_LINE, MEBIBYTE, read_lines
from .parsing import legal, money, names, papers
from .parsing.text import LOWER, clauses, clean, clean_line, strip_bullets
from .record import ChannelRow, Record, build

PORTAL = "Cổng Dịch vụ công quốc gia"
PRINTED_PAGES = {"chatbot_tthc"}
"""Crawls whose ``fee_head`` and ``note`` are one printed cell cut in two."""
_DATE_IN_NAME = re.compile(r"(20\d{2})-(\d{2})-(\d{2})")
_GLUED_TIME = re.compile(r"^1(?P<amount>[1-9]\d{0,2}(?:,\d{3})*)$")
_FEE_CLAUSE = re.compile(
    r"^\W*(?:mức\s+)?(?:thu\s+)?(?:phí|lệ phí)\b(?!\s*(?:dịch vụ bưu chính|chuyển phát))", re.IGNORECASE
)


class NationalReader:
    """Reads ``national-YYYY-MM.jsonl[.gz]``."""

    name = "national"
    is_full_list = True

    def read(self, path: Path) -> Iterator[Item]:
        """Yield a procedure or a refusal a line; SourceError for a file that is no such catalogue."""
        retrieved = _date_of(path.name)
        return read_records(lambda: _lines(path), lambda content: convert(content, path.name, retrieved))


def _date_of(file_name: str) -> dt.date | None:
    match = _DATE_IN_NAME.search(file_name)
    try:
        return dt.date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def _lines(path: Path) -> Iterator[Raw]:
    """Records of the file; SourceError when its first lines hold none."""
    good = bad = 0
    for number, line in read_lines(path):
        raw = _line(number, line)
        good, bad = (good, bad + 1) if raw.problem else (good + 1, bad)
        if bad >= 20 and good == 0:
            raise SourceError(f"{path}: none of the first {bad} lines is a JSON record")
        yield raw
    if good == 0:
        raise SourceError(f"{path}: holds no JSON record")


def _line(number: int, line: bytes | None) -> Raw:
    if line is None:
        return Raw(number, None, None, problem=f"line longer than {MAX_LINE // MEBIBYTE} MiB")
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Raw(number, None, None, problem=f"not JSON: {str(error)[:120]}")
    if not isinstance(content, dict) or "code" not in content:
        return Raw(number, None, None, problem="not a record with a code")
    code = clean_line(content["code"]) or None
    return Raw(number, code, content, details=len(line))


def convert(content: dict[str, Any], file_name: str, retrieved: dt.date | None) -> Procedure:
    """Turn one record into a procedure; ValueError where it cannot be one."""
    code = names.read_code(content.get("code"))
    rows, documents = _rows(content, "channels"), _rows(content, "documents")
    keys = list(
        dict.fromkeys(
            [
                *_texts(content, "sources"),
                *(clean_line(row.get("src")) for row in [*rows, *documents] if row.get("src")),
            ]
        )
    )
    sources = {key: _source(key, content, file_name, retrieved) for key in keys} or {
        "national": _source("", content, file_name, retrieved)
    }
    main = next(iter(sources))
    pages = next((key for key in sources if key in PRINTED_PAGES), main)
    record = Record(
        code=code,
        name=content.get("name") or "",
        sources=sources,
        field=_text(content, "field"),
        levels=names.read_levels(_texts(content, "levels")),
        promulgator=_text(content, "promulgator"),
        authorities=names.split_list(_text(content, "executing"), r"[;\n]"),
        subjects=names.split_list(_text(content, "subjects"), rf"[;\n]|,\s(?=[A-ZĐ][{LOWER}]+ )"),
        steps=_text(content, "steps"),
        conditions=_text(content, "conditions"),
        results=_text(content, "results"),
        keywords=names.split_list(_text(content, "keywords"), r"[;,\n]"),
        has_details=bool(content.get("has_details", rows or documents)),
    )
    for row in rows:
        _add_channel(record, row, main)
    _add_documents(record, documents, _text(content, "documents_text"), main, pages)
    _add_legal(record, content, main, pages)
    _add_case_times(record, content)
    _add_raw_page(record, content)
    return build(record)


def _source(key: str, content: dict[str, Any], file_name: str, retrieved: dt.date | None) -> Source:
    name = f"{PORTAL} (bản thu thập {key})" if key else PORTAL
    decision = _text(content, "decision") if key in PRINTED_PAGES or key in ("opengov", "") else ""
    return Source(
        name=name,
        url=_text(content, "url"),
        file=file_name,
        decision=decision,
        issuer=_text(content, "promulgator"),
        retrieved=retrieved,
    )


def _text(content: dict[str, Any], key: str) -> str:
    value = content.get(key)
    if value is None or isinstance(value, str):
        return value or ""
    raise ValueError(f"{key} is no text")


def _texts(content: dict[str, Any], key: str) -> list[str]:
    value = content.get(key) or []
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise ValueError(f"{key} is no list of texts")
    return value


def _rows(content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = content.get(key) or []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError(f"{key} is no list of rows")
    return value


def _add_channel(record: Record, row: dict[str, Any], main: str) -> None:
    source = clean_line(row.get("src")) or main
    kind = names.read_channel(row.get("channel"))
    time, unit, note = clean_line(row.get("time")), clean_line(row.get("unit")), clean(row.get("note"))
    if kind is None:
        record.notes.append(
            Note(about="channels", text=clean_line(json.dumps(row, ensure_ascii=False)), leftover=True, source=source)
        )
        return
    if "fees" in row:
        fees = [_api_fee(fee) for fee in _rows(row, "fees")]
    else:
        time, fees, note = _printed_fees(time, clean(row.get("fee_head")), note, source)
    record.channels.append(ChannelRow(kind, time, unit, fees, note, source))


def _api_fee(fee: dict[str, Any]) -> money.RawFee:
    """A fee as the portal's interface gives it; an unknown currency id is kept as it is."""
    value, currency = fee.get("value"), clean_line(fee.get("cur"))
    return money.RawFee(
        value=float(value) if isinstance(value, int | float) else None,
        currency=money.CURRENCIES.get(currency, currency),
        text=clean(fee.get("desc")),
        kind=money.KINDS.get(clean_line(fee.get("type"))),
    )


def _printed_fees(time: str, head: str, note: str, source: str) -> tuple[str, list[money.RawFee], str]:
    """Read the fee cell and remark of a printed page; the time comes back without digits of the fee."""
    glued = _GLUED_TIME.match(time)
    if glued and not head and note.startswith("VNĐ"):
        # The page prints the time "1" without a unit right before the fee: "1" and "100,000 VNĐ".
        time, head, note = "1", f"{glued['amount']} VNĐ", note.removeprefix("VNĐ").lstrip()
    if source in PRINTED_PAGES:
        fees, note = money.split_printed(f"{head}{note}" if head else note)
        note, more = (
            (money.split_old_print(note), "") if not fees and note.startswith(("Phí :", "Lệ phí :")) else ([], note)
        )
        fees = [part for fee in fees for part in _old_print(fee)] + note
        return time, _with_remark(fees, more), more
    if re.match(r"(?:Lệ phí|Phí|Giá)\s*:", head):
        return time, money.split_old_print(head), note
    fees = money.split_printed(head)[0] if head else []
    return time, fees or _fees_in_note(note), note


_PRICED = re.compile(r"\d\s*(?:đồng|đ|vnđ|usd)\s*/", re.IGNORECASE)


def _with_remark(fees: list[money.RawFee], remark: str) -> list[money.RawFee]:
    """Fees together with amounts "per something" that only the remark of the row states."""
    said = "; ".join(clause for clause in clauses(remark) if _PRICED.search(clause))
    if not said:
        return fees
    if len(fees) == 1 and fees[0].value and f"{fees[0].value:,.0f}".replace(",", ".") in said:
        return [replace(fees[0], text=said)]  # the remark explains the one fee of the row
    return [*fees, money.RawFee(None, text=said)]


def _old_print(fee: money.RawFee) -> list[money.RawFee]:
    """The fees of an older print that stands as text beside a 0: "Lệ phí : 400.000 Đồng (Mức thu ...)"."""
    if not fee.value and re.match(r"(?:Lệ phí|Phí)\s*:\s*[\d.,]+\s*Đồng", fee.text):
        return money.split_old_print(fee.text) or [fee]
    return [fee]


def _fees_in_note(note: str) -> list[money.RawFee]:
    """Fees that a remark names in clauses of their own; the remark itself stays as it is."""
    said = [clause for clause in clauses(note) if _FEE_CLAUSE.match(strip_bullets(clause)) or _PRICED.search(clause)]
    return [money.RawFee(None, text=text, kind=_kind_of(text)) for text in dict.fromkeys(said)]


def _kind_of(text: str) -> FeeKind | None:
    if re.match(r"^\W*(?:mức\s+)?(?:thu\s+)?phí[,\s]+(?:và\s+)?lệ phí", text, re.IGNORECASE):
        return None
    return FeeKind.CHARGE if re.match(r"^\W*(?:mức\s+)?(?:thu\s+)?lệ phí", text, re.IGNORECASE) else FeeKind.FEE


def _add_documents(record: Record, rows: list[dict[str, Any]], table: str, main: str, pages: str) -> None:
    """Take the rows of the file, or split the page's own table where the file cut it wrongly or not at all."""
    from_pages = not rows or all(clean_line(row.get("src")) in PRINTED_PAGES for row in rows)
    if table and from_pages:
        split, rest = papers.split_table(table)
        if split:
            record.papers = [
                papers.RawPaper(raw.name, raw.case, raw.originals, raw.copies, raw.forms, pages) for raw in split
            ]
            if rest and _says_something(rest):
                record.notes.append(Note(about="documents", text=rest, leftover=True, source=pages))
            return
        if rest and not rows and _says_something(rest):
            record.notes.append(Note(about="documents", text=rest, leftover=True, source=pages))
    record.papers = [_paper(row, main) for row in rows]


def _says_something(text: str) -> bool:
    """Whether text beside a table is more than counts, dashes and the portal's codes."""
    return bool(re.search(r"[^\W\d_]{2,}", re.sub(r"bản (?:chính|sao)|KQ[.\w]*", "", text)))


def _paper(row: dict[str, Any], main: str) -> papers.RawPaper:
    forms = row.get("forms") or []
    return papers.RawPaper(
        name=clean(row.get("name")),
        case=clean(row.get("case")),
        originals=_count(row.get("originals")),
        copies=_count(row.get("copies")),
        forms=[form for entry in forms if (form := papers.read_form(entry))] if isinstance(forms, list) else [],
        source=clean_line(row.get("src")) or main,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _add_legal(record: Record, content: dict[str, Any], main: str, pages: str) -> None:
    pairs = content.get("legal_basis") or []
    record.legal = [(pair[0], pair[1]) for pair in pairs if isinstance(pair, list) and len(pair) == 2]
    record.legal_source = main
    table = _text(content, "legal_text")
    if table and not record.legal:
        record.legal, rest = legal.split_table(table)
        record.legal_source = pages
        if rest:
            record.notes.append(Note(about="legal_basis", text=rest, leftover=True, source=pages))


def _add_case_times(record: Record, content: dict[str, Any]) -> None:
    for row in _rows(content, "case_times"):
        quantity = row.get("qty")
        record.case_times.append(
            (
                clean_line(row.get("name")),
                float(quantity) if isinstance(quantity, int | float) else None,
                clean_line(row.get("unit")),
            )
        )
    record.case_source = "opengov" if "opengov" in record.sources else None


def _add_raw_page(record: Record, content: dict[str, Any]) -> None:
    """Take from a whole page (``raw_capstone``) what the record itself lacks."""
    page = content.get("raw_capstone")
    if not isinstance(page, dict):
        return
    source = "capstone" if "capstone" in record.sources else None
    if not record.papers:
        record.papers = _page_papers(page.get("Thành phần hồ sơ:"), source)
    if not record.legal and isinstance(page.get("Căn cứ pháp lý:"), list):
        record.legal = [
            (row.get("Số ký hiệu", ""), row.get("Trích yếu"))
            for row in page["Căn cứ pháp lý:"]
            if isinstance(row, dict)
        ]
        record.legal_source = source
    record.subjects = record.subjects or names.split_list(page.get("Đối tượng thực hiện:"))
    record.authorities = record.authorities or names.split_list(page.get("Cơ quan thực hiện:"))
    record.results = record.results or clean(page.get("Kết quả thực hiện:"))
    for key in record.sources:
        if key == "capstone" and not record.sources[key].decision:
            record.sources[key].decision = clean_line(page.get("Số quyết định:")) or None


def _page_papers(tables: object, source: str | None) -> list[papers.RawPaper]:
    if not isinstance(tables, dict):
        return []
    found: list[papers.RawPaper] = []
    for case, rows in tables.items():
        for row in rows if isinstance(rows, list) else []:
            originals, copies = papers.parse_quantity(row.get("Số lượng", ""))
            form = papers.read_form(row.get("Mẫu đơn, tờ khai", ""))
            found.append(
                papers.RawPaper(clean(row.get("Tên giấy tờ")), case, originals, copies, [form] if form else [], source)
            )
    return found
