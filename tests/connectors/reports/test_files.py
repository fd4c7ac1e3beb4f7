"""Workbook and CSV hold what the report says, print well, and run no formula."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.workbook import Workbook

from actions.feedback.reports.document import Column, Kind, Report, Section, table
from connectors.reports import csv as csv_files
from connectors.reports.cells import unlike_a_formula
from connectors.reports.xlsx import CONTENTS, NOTES, workbook

TRICKS = ['=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "=cmd|' /C calc'!A0"]


@pytest.fixture(scope="session")
def book(report: Report) -> Workbook:
    return load_workbook(io.BytesIO(workbook(report)))


def test_every_table_is_a_sheet_with_the_same_figures(book: Workbook, report: Report) -> None:
    sheets = [sheet for sheet in book.worksheets if sheet.title not in (CONTENTS, NOTES)]
    assert len(sheets) == len(report.tables)
    for sheet, (_, made) in zip(sheets, report.tables, strict=True):
        first = int(sheet.freeze_panes.removeprefix("A"))
        cells = sheet.iter_rows(min_row=first, max_row=first + len(made.rows) - 1, max_col=len(made.columns))
        if made.rows:
            read = [[cell.value for cell in row] for row in cells]
            assert read == [[None if value == "" else value for value in row] for row in made.rows], made.id


def test_numbers_look_as_numbers_and_rates_as_percentages(book: Workbook) -> None:
    sheet = next(s for s in book.worksheets if s["A3"].value == "Các chỉ tiêu chính")
    row = int(sheet.freeze_panes[1:])
    assert [sheet.cell(row, place).number_format for place in (1, 2, 3, 4)] == ["@", "#,##0", "@", "0.0%"]
    assert [sheet.cell(row - 1, place).value for place in (1, 4)] == ["Chỉ tiêu", "Tỷ lệ"]


def test_sheets_print_on_a4_and_repeat_their_header(book: Workbook) -> None:
    for sheet in book.worksheets:
        assert (sheet.page_setup.paperSize, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (9, 1, 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        if sheet.title != CONTENTS:
            assert sheet.page_setup.orientation == "landscape"
            assert sheet.print_title_rows
            assert sheet.freeze_panes


def test_groups_of_columns_have_a_heading_over_them(book: Workbook) -> None:
    sheet = next(s for s in book.worksheets if (s["A3"].value or "").startswith("Biểu 06a"))
    assert {str(area) for area in sheet.merged_cells.ranges} == {"C5:F5", "G5:J5", "K5:M5"}
    assert [sheet[name].value for name in ("C5", "G5", "K5", "C6", "J6")] == [
        "Tiếp nhận",
        "Đã giải quyết",
        "Đang giải quyết",
        "Tổng",
        "Quá hạn",
    ]


def test_contents_lead_to_the_sheets_and_notes_tell_formulas_and_sources(book: Workbook, report: Report) -> None:
    links = [
        cell.hyperlink.location or cell.hyperlink.target
        for (cell,) in book[CONTENTS].iter_rows(max_col=1)
        if cell.hyperlink
    ]
    assert [link.lstrip("#") for link in links] == [
        f"'{s.title}'!A1" for s in book.worksheets if s.title not in (CONTENTS, NOTES)
    ]
    figures = [row[0].value for row in book[NOTES].iter_rows(min_row=4, max_col=1)]
    assert figures == [method.figure for method in report.methods]


def of_text(text: str) -> Report:
    made = table("t", "Bảng: [thử]/\\*?", [Column(title="Câu"), Column(title="Số", kind=Kind.COUNT)], [[text, 1]])
    known = {
        "title": "T",
        "office": "O",
        "period": "P",
        "period_key": "k",
        "since": "2026-11-01",
        "until": "2026-11-30",
    }
    return Report(
        **known, made_at="2026-11-24T10:00:00+07:00", sections=[Section(id="s", title="S", tables=[made])], methods=[]
    )


@pytest.mark.parametrize("text", TRICKS)
def test_no_cell_is_a_formula(text: str) -> None:
    sheet = load_workbook(io.BytesIO(workbook(of_text(text)))).worksheets[1]
    assert (sheet["A6"].data_type, sheet["A6"].value.strip()) == ("s", text.strip())
    ((_, content), _) = csv_files.files(of_text(text)).items()
    assert next(csv.reader(io.StringIO(content.decode("utf-8-sig").split("\r\n", 1)[1])))[0].startswith("'")


@given(text=st.text(max_size=40))
def test_any_text_can_be_written(text: str) -> None:
    assert workbook(of_text(text))
    safe = unlike_a_formula(text)
    assert not safe.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_csv_files_hold_every_table_in_utf_8_with_a_mark(report: Report) -> None:
    archive = zipfile.ZipFile(io.BytesIO(csv_files.archive(report)))
    assert len(archive.namelist()) == len(report.tables) + 1
    for name, (_, made) in zip(archive.namelist(), report.tables, strict=False):
        content = archive.read(name)
        assert content.startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        assert len(rows) == len(made.rows) + 1
        for (
            read,
            row,
        ) in zip(rows[1:], made.rows, strict=True):
            for text, value, column in zip(read, row, made.columns, strict=True):
                if column.kind is not Kind.TEXT:
                    assert (float(text) if text else None) == value
