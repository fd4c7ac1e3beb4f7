"""The reports page: tables and charts of a period, drawn in the browser from the reports' API."""

from __future__ import annotations

import datetime as dt

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from actions.dossiers.reading import vietnam_now
from actions.feedback.reports.periods import InvalidPeriodError, Period, month, parse, quarter, year
from connectors.console import navigation
from connectors.console.pages import page
from connectors.reports.api import READERS, query_of
from connectors.staff.access import PageError, signed_in

PATH = "/console/reports"
_MONTHS, _QUARTERS, _YEARS = 24, 8, 3

navigation.add(PATH, "Báo cáo", "Mức độ hài lòng, hồ sơ đúng hạn, câu hỏi chưa trả lời được.", *READERS, order=40)
router = APIRouter(tags=["console"], include_in_schema=False, dependencies=[Depends(signed_in(*READERS))])


@router.get(PATH)
def reports_page(request: Request, period: str = "") -> HTMLResponse:
    """The page of a period (``2026-11``, ``2026-Q4``, ``2026``), of this month where none is named."""
    today = vietnam_now().date()
    try:
        chosen = parse(period or f"{today:%Y-%m}")
    except InvalidPeriodError:
        raise PageError(400, "bad_period", "Kỳ báo cáo không đúng. Anh/chị chọn lại trong danh sách.") from None
    return page(
        request,
        "reports.html",
        period=chosen,
        query=query_of(chosen),
        choices=choices(today),
        running=chosen.until >= today,
    )


def choices(today: dt.date) -> list[tuple[str, list[Period]]]:
    """Periods to choose from, by kind, newest first."""
    months, quarters = today.year * 12 + today.month - 1, today.year * 4 + (today.month - 1) // 3
    return [
        ("Tháng", [month(n // 12, n % 12 + 1) for n in range(months, months - _MONTHS, -1)]),
        ("Quý", [quarter(n // 4, n % 4 + 1) for n in range(quarters, quarters - _QUARTERS, -1)]),
        ("Năm", [year(today.year - n) for n in range(_YEARS)]),
    ]
