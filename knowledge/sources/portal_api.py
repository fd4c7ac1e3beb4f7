"""Reader of records as the national portal's own interface gives them: ``{"code": "OK", "data": {...}}``.

A file holds one record, a list of them, or is an archive (tar, tar.gz, zip) of such files.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from knowledge.procedure import Level, Note, Procedure, Source

from .base import Item, Raw, SourceError, read_records
from .files import MAX_MEMBER, MEBIBYTE, is_tar, is_zip, read_document, read_head, read_members
from .parsing import money, names, papers, times
from .parsing.text import clean, clean_line
from .record import ChannelRow, Record, build

SOURCE = "dvcqg"
PORTAL = "Cổng Dịch vụ công quốc gia"
PAGE = "https://dichvucong.gov.vn/thu-tuc-hanh-chinh/"
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_LEVELS = {
    "isWard": Level.COMMUNE,
    "isProvince": Level.PROVINCE,
    "isMinistry": Level.MINISTRY,
    "isOtherAgency": Level.OTHER,
}


class PortalApiReader:
    """Reads the details of procedures from the portal's interface."""

    name = "portal-api"
    is_full_list = False

    def read(self, path: Path) -> Iterator[Item]:
        """Yield a procedure or a refusal a record; SourceError for an unusable file."""
        return read_records(lambda: documents(path, _raw), lambda content: convert(content, path.name))


def documents(path: Path, wrap: Any) -> Iterator[Raw]:
    """JSON records of a file, a list or an archive, each wrapped by ``wrap(position, content, size)``."""
    if path.is_file() and (is_zip(path) or is_tar(read_head(path, 1024))):
        yield from _archived(path, wrap)
        return
    try:
        content = json.loads(read_document(path))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path}: not JSON ({str(error)[:120]})") from error
    records = content if isinstance(content, list) else [content]
    if not records:
        raise SourceError(f"{path}: the list holds no record")
    for position, record in enumerate(records, start=1):
        yield wrap(position, record, len(json.dumps(record)) if len(records) > 1 else 1)


def _archived(path: Path, wrap: Any) -> Iterator[Raw]:
    position = 0
    for name, data in read_members(path):
        position += 1
        if data is None:
            yield Raw(position, None, None, problem=f"{name[-80:]} is larger than {MAX_MEMBER // MEBIBYTE} MiB")
            continue
        try:
            content = json.loads(data)
        except (ValueError, RecursionError) as error:
            yield Raw(position, None, None, problem=f"{name[-80:]} is not JSON: {str(error)[:120]}")
            continue
        yield wrap(position, content, len(data))
    if position == 0:
        raise SourceError(f"{path}: the archive holds no .json file")


def is_record(content: object) -> bool:
    """Whether a JSON value is a record of this format."""
    data = content.get("data", content) if isinstance(content, dict) else None
    return isinstance(data, dict) and "code" in data and "executionMethods" in data


def _raw(position: int, content: Any, size: int) -> Raw:
    if not is_record(content):
        message = clean_line(content.get("message")) if isinstance(content, dict) else ""
        return Raw(
            position, None, None, problem=f"not a record of the portal's interface{f' ({message})' if message else ''}"
        )
    data = content.get("data", content)
    return Raw(position, clean_line(data["code"]) or None, data, details=size)


def convert(data: dict[str, Any], file_name: str) -> Procedure:
    """Turn the ``data`` of one record into a procedure; ValueError where it cannot be one."""
    record = Record(
        code=names.read_code(data.get("code")),
        name=clean_line(data.get("name")),
        sources={SOURCE: _source(data, file_name)},
        field=clean_line((data.get("category") or {}).get("name")) or next(iter(_named(data, "categoriesDetails")), ""),
        levels=[level for key, level in _LEVELS.items() if data.get(key) is True],
        promulgator=clean_line(data.get("departmentPromulgateName")),
        authorities=_authorities(data),
        place=clean_line(data.get("dossierReceivingAddresses")) or None,
        subjects=_named(data, "subjectTypesDetails"),
        steps="\n".join(_step(step) for step in _rows(data, "executionSteps")),
        conditions=clean(data.get("requirementsAndConditions")) or clean(data.get("description")),
        results=_named(data, "resultsDetails"),
        legal=[
            (clean_line(row.get("code")), clean_line(row.get("name"))) for row in _rows(data, "legalBasisesDetails")
        ],
        legal_source=SOURCE,
        case_source=SOURCE,
        keywords=names.split_list(data.get("keywords"), r"[;,\n]"),
    )
    for row in _rows(data, "executionMethods"):
        _add_channel(record, row)
    for case in _rows(data, "executionCases"):
        record.papers += [_paper(row, clean(case.get("name"))) for row in _rows(case, "profileComponents")]
    for case in _rows(data, "cases"):
        limit = case.get("processingDay") or {}
        record.case_times.append(
            (clean_line(case.get("name")), _number(limit.get("qty")), clean_line(limit.get("type")))
        )
        record.papers += [_paper(row, clean(case.get("name"))) for row in _rows(case, "profileComponents")]
    if note := clean(data.get("note")):
        record.notes.append(Note(about="overview", text=note, source=SOURCE))
    return build(record)


def _source(data: dict[str, Any], file_name: str) -> Source:
    proposal = data.get("procedureProposal") or {}
    return Source(
        name=PORTAL,
        url=f"{PAGE}{data['id']}" if isinstance(data.get("id"), str) and data["id"] else None,
        file=file_name,
        decision=clean_line(proposal.get("proposalNumber")) or clean_line(data.get("decisionNo")),
        decision_date=local_date(proposal.get("decisionDate")),
        issuer=clean_line((proposal.get("issuingAgency") or {}).get("name")),
    )


def local_date(milliseconds: object) -> dt.date | None:
    """The day in Vietnam of a time in milliseconds since 1970; midnight there is still the day before in UTC."""
    if not isinstance(milliseconds, int | float) or isinstance(milliseconds, bool) or not 0 < milliseconds < 4e12:
        return None
    return dt.datetime.fromtimestamp(milliseconds / 1000, VIETNAM).date()


def _rows(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = data.get(key) or []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ValueError(f"{key} is no list of rows")
    return value


def _named(data: dict[str, Any], key: str) -> list[str]:
    return list(dict.fromkeys(name for row in _rows(data, key) if (name := clean_line(row.get("name")))))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _authorities(data: dict[str, Any]) -> list[str]:
    for keys in (("departmentsExecuting", "unitGroupsExecuting"), ("departmentsAuthority", "unitGroupsAuthority")):
        found = [name for key in keys for name in _named(data, key)]
        if found:
            return found
    return []


def _step(row: dict[str, Any]) -> str:
    name, text = clean_line(row.get("name")), clean(row.get("description"))
    return f"{name}: {text}" if name and text and not text.startswith(name) else text or name


def _add_channel(record: Record, row: dict[str, Any]) -> None:
    kind = names.read_channel(row.get("submissionMethod"))
    if kind is None:
        record.notes.append(
            Note(about="channels", text=json.dumps(row, ensure_ascii=False), leftover=True, source=SOURCE)
        )
        return
    quantity, unit = row.get("processingTime"), clean_line(row.get("processingTimeUnit"))
    time = (
        f"{quantity:g}"
        if isinstance(quantity, int | float) and not isinstance(quantity, bool)
        else clean_line(quantity)
    )
    fees = [_fee(fee) for fee in _rows(row, "fees")]
    record.channels.append(
        ChannelRow(kind, time, times.API_UNITS.get(unit, unit), fees, clean(row.get("description")), SOURCE)
    )


def _fee(row: dict[str, Any]) -> money.RawFee:
    currency = clean_line(row.get("currencyId"))
    return money.RawFee(
        _number(row.get("value")),
        money.CURRENCIES.get(currency, currency),
        clean(row.get("description")),
        money.KINDS.get(clean_line(row.get("type"))),
    )


def _paper(row: dict[str, Any], case: str) -> papers.RawPaper:
    forms = [
        form
        for entry in _rows(row, "attachments")
        if (form := papers.read_form(entry.get("name") or entry.get("fileName")))
    ]
    return papers.RawPaper(
        clean(row.get("name")), case, _count(row.get("originalQty")), _count(row.get("copyQty")), forms, SOURCE
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
