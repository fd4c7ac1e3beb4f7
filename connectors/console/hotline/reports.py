"""``/console/calls``: the book of calls for supervisors: figures per day and outcome, and a file for a spreadsheet.

Neither holds a telephone number.
"""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from actions.dossiers.reading import vietnam_now
from connectors.console.hotline.call_book import Call, CallBook, Outcome
from connectors.console.hotline.common import Supervisor
from connectors.console.pages import SECURITY_HEADERS, page
from connectors.staff.access import PageError

router = APIRouter(prefix="/console/calls", include_in_schema=False)

_MOST_DAYS = 366
_USUAL_DAYS = 7
_HEAD = (
    "Ngày", "Bắt đầu", "Nhận máy", "Kết thúc", "Số giây nói chuyện", "Máy lẻ", "Tổng đài viên", "Kết quả", "Lĩnh vực",
    "Mã thủ tục", "Ghi chú", "Hẹn ngày", "Đã làm xong lúc",
)  # fmt: skip
_COLUMNS = {str(outcome): outcome.label for outcome in Outcome} | {"missed": "Gọi nhỡ", "open": "Chưa ghi"}

Day = Annotated[str, Query(max_length=10)]


@router.get("")
async def show(request: Request, _member: Supervisor, since: Day = "", until: Day = "") -> Response:
    """Figures of the days asked for, else of the last week."""
    first, last = _days(since, until)
    figures = await asyncio.to_thread(_book(request).figures, first, last)
    totals = {name: sum(counts.get(name, 0) for counts in figures.values()) for name in _COLUMNS}
    return page(
        request,
        "hotline_calls.html",
        first=first,
        last=last,
        figures=sorted(figures.items()),
        columns=_COLUMNS,
        totals=totals,
    )


@router.get(".csv")
async def download(request: Request, _member: Supervisor, since: Day = "", until: Day = "") -> Response:
    """The calls as a file that spreadsheets open: UTF-8 with its mark, nothing in it is taken for a formula."""
    first, last = _days(since, until)
    text = await asyncio.to_thread(_csv, _book(request), first, last)
    name = f"cuoc-goi-{first:%Y%m%d}-{last:%Y%m%d}.csv"
    headers = SECURITY_HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response("\ufeff" + text, media_type="text/csv; charset=utf-8", headers=headers)


def _csv(book: CallBook, first: dt.date, last: dt.date) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEAD)
    for call in book.between(first, last):
        writer.writerow([harmless(cell) for cell in _row(call)])
    return out.getvalue()


def _row(call: Call) -> list[str]:
    talked = (call.ended_at - call.answered_at).total_seconds() if call.ended_at and call.answered_at else None
    return [
        f"{call.started_at:%d/%m/%Y}",
        f"{call.started_at:%H:%M:%S}",
        f"{call.answered_at:%H:%M:%S}" if call.answered_at else "",
        f"{call.ended_at:%H:%M:%S}" if call.ended_at else "",
        f"{max(0, talked):.0f}" if talked is not None else "",
        call.extension or "",
        call.agent or "",
        call.outcome.label if call.outcome else _COLUMNS.get(call.state, _COLUMNS["open"]),
        call.field or "",
        call.procedure_code or "",
        call.note or "",
        f"{call.follow_up_on:%d/%m/%Y}" if call.follow_up_on else "",
        f"{call.followed_up_at:%d/%m/%Y %H:%M}" if call.followed_up_at else "",
    ]


_BEGINS_FORMULA = tuple("=+-@＝＋－＠")


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe stands before what would begin one."""
    return f"'{cell}" if cell.lstrip()[:1] in _BEGINS_FORMULA else cell


def _days(since: str, until: str) -> tuple[dt.date, dt.date]:
    today = vietnam_now().date()
    try:
        last = dt.date.fromisoformat(until) if until else today
        first = dt.date.fromisoformat(since) if since else last - dt.timedelta(days=_USUAL_DAYS - 1)
    except (ValueError, OverflowError):
        raise PageError(400, "bad_request", "Ngày chưa đúng dạng. Anh/chị chọn lại ngày.") from None
    if not 0 <= (last - first).days < _MOST_DAYS or not 2000 <= first.year <= last.year < 2100:
        raise PageError(400, "bad_request", "Khoảng ngày chưa đúng: từ ngày trước, đến ngày sau, không quá một năm.")
    return first, last


def _book(request: Request) -> CallBook:
    book: CallBook = request.app.state.call_book
    return book
