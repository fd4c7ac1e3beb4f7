"""Reports over HTTP, for signed-in officers and supervisors: JSON, workbook, CSV.

Only months, quarters and years: of freely chosen days two reports could be subtracted from each other.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError

from actions.dossiers.reading import vietnam_now
from actions.feedback.instruments import InvalidInstrumentError
from actions.feedback.reports.document import Report
from actions.feedback.reports.nine_indices import OfficeFiguresError
from actions.feedback.reports.periods import InvalidPeriodError, Kind, Period, parse
from connectors.errors import ApiError, ErrorResponse
from connectors.reports import csv
from connectors.reports.xlsx import workbook
from connectors.staff.access import ACCESS_ERRORS, Role, signed_in

READERS = (Role.OFFICER, Role.SUPERVISOR)
"""Who may read reports, beside admins."""

_ERRORS: dict[int | str, dict[str, Any]] = {
    **ACCESS_ERRORS,
    400: {"model": ErrorResponse, "description": "More than one period, or one that is none."},
    503: {
        "model": ErrorResponse,
        "description": "The database, or a file of the office that reports need, cannot be used.",
    },
}
_NO_TABLE = {404: {"model": ErrorResponse, "description": "The report has no such table."}}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

router = APIRouter(prefix="/console", tags=["reports"], responses=_ERRORS, dependencies=[Depends(signed_in(*READERS))])


def chosen_period(
    month: Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}$", examples=["2026-11"])] = None,
    quarter: Annotated[str | None, Query(pattern=r"^\d{4}-Q[1-4]$", examples=["2026-Q4"])] = None,
    year: Annotated[str | None, Query(pattern=r"^\d{4}$", examples=["2026"])] = None,
) -> Period:
    """The period that a request names, this month where it names none."""
    given = [text for text in (month, quarter, year) if text is not None]
    if len(given) > 1:
        raise ApiError(400, "several_periods", "Chỉ chọn một kỳ: tháng, quý hoặc năm.")
    try:
        return parse(given[0] if given else f"{vietnam_now():%Y-%m}")
    except InvalidPeriodError:
        raise ApiError(
            400, "bad_period", "Kỳ báo cáo không đúng. Ví dụ: tháng 2026-11, quý 2026-Q4, năm 2026."
        ) from None


Chosen = Annotated[Period, Depends(chosen_period)]


def query_of(period: Period) -> str:
    """The query that names a period, for links: ``month=2026-11``."""
    return f"{ {Kind.MONTH: 'month', Kind.QUARTER: 'quarter', Kind.YEAR: 'year'}[period.kind] }={period.key}"


def made(request: Request, period: Period) -> Report:
    """The report of the running installation.

    Raises:
        ApiError: 503 it cannot be made.
    """
    try:
        report: Report = request.app.state.reporter.report(period, vietnam_now())
    except (InvalidInstrumentError, OfficeFiguresError) as error:
        raise ApiError(
            503, "office_file", f"Một tệp của cơ quan chưa đúng nên chưa lập được báo cáo ({error})."
        ) from None
    except SQLAlchemyError:
        raise ApiError(503, "unavailable", "Cơ sở dữ liệu chưa trả lời. Anh/chị thử lại sau ít phút.") from None
    return report


@router.get("/reports")
def report_json(request: Request, period: Chosen) -> Report:
    """A period's report: sections of tables with typed cells."""
    return made(request, period)


@router.get("/reports.xlsx", response_class=Response, responses={200: {"content": {_XLSX: {}}}})
def report_xlsx(request: Request, period: Chosen) -> Response:
    """The same as a workbook."""
    return _file(workbook(made(request, period)), _XLSX, f"bao-cao-{period.key}.xlsx")


@router.get("/reports.zip", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
def report_csv(request: Request, period: Chosen) -> Response:
    """The same as CSV files, one a table, in an archive."""
    return _file(csv.archive(made(request, period)), "application/zip", f"bao-cao-{period.key}-csv.zip")


@router.get(
    "/reports/tables/{id}.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}, **_NO_TABLE}
)
def table_csv(request: Request, period: Chosen, id: str) -> Response:
    """One table as CSV."""
    found = csv.find(made(request, period), id)
    if found is None:
        raise ApiError(404, "not_found", "Báo cáo không có bảng này.")
    return _file(csv.table_csv(found[1]), "text/csv; charset=utf-8", f"{found[1].id}-{period.key}.csv")


def _file(content: bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)
