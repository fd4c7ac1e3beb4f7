"""Reports over HTTP: for whom, which periods, the same figures in every form; on SQLite and PostgreSQL."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from actions.feedback.reports.report import Reporter
from connectors.console import dashboard
from connectors.reports import api
from connectors.staff.roles import Role
from knowledge.settings import Settings
from tests.connectors.reports.conftest import filled
from tests.signed_in import signed_in_client, staff_app

REPORTS = "/api/v1/console/reports"


@pytest.fixture
def app(engine: sa.Engine, tmp_path: Path) -> FastAPI:
    office = Settings(home=tmp_path, office="UBND Phường Hoa Mai")
    filled(engine, tmp_path)
    app = staff_app(engine, office, dashboard.router)
    app.include_router(api.router, prefix="/api/v1", responses={422: {"model": api.ErrorResponse}})
    app.state.reporter = Reporter(engine, office)
    return app


@pytest.fixture
def officer(app: FastAPI) -> TestClient:
    return signed_in_client(app, Role.OFFICER)


def test_json_workbook_and_csv_say_the_same(officer: TestClient) -> None:
    report = officer.get(REPORTS, params={"month": "2026-11"}).json()
    assert (report["office"], report["period"]) == ("UBND Phường Hoa Mai", "Tháng 11/2026")
    tables = [table for section in report["sections"] for table in section["tables"]]
    form = next(table for table in tables if table["id"] == "form-06a")
    book = load_workbook(io.BytesIO(officer.get(f"{REPORTS}.xlsx", params={"month": "2026-11"}).content))
    sheet = next(sheet for sheet in book.worksheets if sheet["A3"].value == form["title"])
    total = [cell.value for cell in sheet[7 + len(form["rows"]) - 1]][: len(form["columns"])]
    assert total == form["rows"][-1]
    answer = officer.get(f"{REPORTS}/tables/form-06a.csv", params={"month": "2026-11"})
    assert answer.headers["content-disposition"] == 'attachment; filename="form-06a-2026-11.csv"'
    assert answer.content.decode("utf-8-sig").splitlines()[-1] == ",".join(
        "" if v is None else str(v) for v in form["rows"][-1]
    )
    assert officer.get(f"{REPORTS}.zip", params={"month": "2026-11"}).content.startswith(b"PK")


@pytest.mark.parametrize(
    ("role", "status"), [(Role.AGENT, 403), (Role.SUPERVISOR, 200), (Role.OFFICER, 200), (Role.ADMIN, 200)]
)
def test_who_may_read_reports(app: FastAPI, role: Role, status: int) -> None:
    client = signed_in_client(app, role)
    for path in (REPORTS, f"{REPORTS}.xlsx", f"{REPORTS}.zip", f"{REPORTS}/tables/summary.csv", "/console/reports"):
        assert client.get(path).status_code == status, path
    stranger = TestClient(app, follow_redirects=False)
    assert stranger.get(REPORTS).status_code == 401
    assert stranger.get("/console/reports").headers["location"].startswith("/console/sign-in?next=%2Fconsole%2Freports")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("quarter=2026-Q4", 200),
        ("year=2026", 200),
        ("", 200),
        ("month=2026-13", 400),
        ("year=1900", 400),
        ("month=2026-11&year=2026", 400),
        ("month=x", 422),
    ],
)
def test_periods(officer: TestClient, query: str, status: int) -> None:
    answer = officer.get(f"{REPORTS}?{query}")
    assert answer.status_code == status
    assert status == 200 or set(answer.json()["error"]) == {"code", "message", "details"}


def test_an_unknown_table_or_period_and_a_broken_file_are_told(officer: TestClient, tmp_path: Path) -> None:
    assert officer.get(f"{REPORTS}/tables/none.csv").status_code == 404
    page = officer.get("/console/reports", params={"period": "hôm qua"})
    assert (page.status_code, "chọn lại trong danh sách" in page.text) == (400, True)
    (tmp_path / "agency-figures.yml").write_text("2026-Q4: {5: 7}", encoding="utf-8")
    answer = officer.get(REPORTS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "office_file")


def test_the_page_has_no_inline_script_and_no_data_in_it(officer: TestClient) -> None:
    page = officer.get("/console/reports", params={"period": "2026-Q4"})
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert 'data-query="quarter=2026-Q4"' in page.text
    assert "<script>" not in page.text
