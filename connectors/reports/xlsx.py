"""A report as a workbook: a list of contents, one sheet a table, and the notes; set up to print on A4."""

from __future__ import annotations

import io
import re
from itertools import groupby

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from actions.feedback.reports.document import Column, Kind, Report, Section, Table, Value
from connectors.reports.cells import printable

_FORMATS = {Kind.TEXT: "@", Kind.COUNT: "#,##0", Kind.RATE: "0.0%", Kind.RATE_2: "0.00%", Kind.NUMBER: "0.00"}
_HEAD = PatternFill("solid", fgColor="D9E8E3")
_LINE = Side(style="thin", color="9AA7A1")
_BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_BOLD = Font(bold=True)
_WRAPPED = Alignment(wrap_text=True, vertical="top")
_CENTERED = Alignment(wrap_text=True, horizontal="center", vertical="center")
_NARROWEST, _WIDEST = 9, 48
_FIRST_ROW = 5
"""Where a table begins, under the office, the report's title, the section and the table's title."""
CONTENTS, NOTES = "Mục lục", "Ghi chú"
_A4 = 9


def workbook(report: Report) -> bytes:
    """The workbook's bytes."""
    book = Workbook()
    contents = book.active
    assert isinstance(contents, Worksheet)
    contents.title = CONTENTS
    names = []
    for number, (section, table) in enumerate(report.tables, start=1):
        sheet = book.create_sheet(_sheet_name(number, table))
        names.append(sheet.title)
        _table_sheet(sheet, report, section, table)
    _notes_sheet(book.create_sheet(NOTES), report)
    _contents_sheet(contents, report, names)
    book.properties.title, book.properties.creator = report.title, report.office
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _sheet_name(number: int, table: Table) -> str:
    """Unique by its number, at most 31 characters, without those that sheets cannot have."""
    return re.sub(r"[\[\]:*?/\\]", "", f"{number:02d} {table.title}")[:31].strip()


# -- sheets -------------------------------------------------------------------------------------


def _contents_sheet(sheet: Worksheet, report: Report, names: list[str]) -> None:
    _put(sheet, 1, 1, report.office)
    _put(sheet, 2, 1, report.title).font = Font(bold=True, size=14)
    _put(sheet, 3, 1, f"Lập lúc {report.made_at:%H:%M ngày %d/%m/%Y}")
    row = _FIRST_ROW
    linked = iter(names)
    for section in report.sections:
        _put(sheet, row, 1, section.title).font = _BOLD
        row += 1
        for note in section.notes:
            _put(sheet, row, 1, note).alignment = _WRAPPED
            row += 1
        for table in section.tables:
            cell = _put(sheet, row, 1, f"    {table.title}")
            cell.hyperlink = f"#'{next(linked)}'!A1"
            cell.font = Font(underline="single", color="0B5C4A")
            row += 1
    sheet.column_dimensions["A"].width = 110
    _print_setup(sheet, report, landscape=False)


def _table_sheet(sheet: Worksheet, report: Report, section: Section, table: Table) -> None:
    _put(sheet, 1, 1, f"{report.office} – {report.period}")
    _put(sheet, 2, 1, section.title).font = _BOLD
    _put(sheet, 3, 1, table.title).font = Font(bold=True, size=13)
    top = _header(sheet, table.columns)
    for number, row in enumerate(table.rows, start=top):
        last = table.total and number == top + len(table.rows) - 1
        for place, (value, column) in enumerate(zip(row, table.columns, strict=True), start=1):
            cell = _put(sheet, number, place, value)
            cell.border, cell.number_format = _BOX, _FORMATS[column.kind]
            if column.kind is Kind.TEXT:
                cell.alignment = _WRAPPED
            if last:
                cell.font = _BOLD
    below = top + len(table.rows)
    if not table.rows:
        _put(sheet, below, 1, "Không có số liệu.")
    for number, note in enumerate([*section.notes, *table.notes], start=below + 1):
        _put(sheet, number, 1, note)
    for place, column in enumerate(table.columns):
        sheet.column_dimensions[get_column_letter(place + 1)].width = _width(column, [row[place] for row in table.rows])
    sheet.freeze_panes = f"A{top}"
    sheet.print_title_rows = f"{_FIRST_ROW}:{top - 1}"
    _print_setup(sheet, report, landscape=True)


def _header(sheet: Worksheet, columns: list[Column]) -> int:
    """Write the header, of two rows where columns are grouped; returns the first row below."""
    grouped = any(column.group for column in columns)
    place = 1
    for group, members in groupby(columns, key=lambda column: column.group):
        count = len(list(members))
        if group:
            _put(sheet, _FIRST_ROW, place, group)
            sheet.merge_cells(
                start_row=_FIRST_ROW, start_column=place, end_row=_FIRST_ROW, end_column=place + count - 1
            )
        place += count
    titles = _FIRST_ROW + grouped
    for place, column in enumerate(columns, start=1):
        _put(sheet, titles, place, column.title)
        for row in range(_FIRST_ROW, titles + 1):
            cell = sheet.cell(row, place)
            cell.fill, cell.border, cell.font, cell.alignment = _HEAD, _BOX, _BOLD, _CENTERED
    return titles + 1


def _notes_sheet(sheet: Worksheet, report: Report) -> None:
    _put(sheet, 1, 1, "Cách tính, nguồn và điều còn chưa chắc").font = Font(bold=True, size=13)
    widths = {"Chỉ tiêu": 34, "Cách tính": 70, "Nguồn": 34, "Lưu ý": 54}
    for place, (title, width) in enumerate(widths.items(), start=1):
        cell = _put(sheet, 3, place, title)
        cell.fill, cell.border, cell.font, cell.alignment = _HEAD, _BOX, _BOLD, _CENTERED
        sheet.column_dimensions[get_column_letter(place)].width = width
    for row, method in enumerate(report.methods, start=4):
        for place, text in enumerate((method.figure, method.formula, method.source, method.caution), start=1):
            cell = _put(sheet, row, place, text)
            cell.border, cell.alignment = _BOX, _WRAPPED
    sheet.freeze_panes = "A4"
    sheet.print_title_rows = "3:3"
    _print_setup(sheet, report, landscape=True)


# -- cells --------------------------------------------------------------------------------------


def _put(sheet: Worksheet, row: int, column: int, value: Value) -> Cell:
    """Write a value. A text stays a text, even one that looks like a formula."""
    cell = sheet.cell(row, column)
    assert isinstance(cell, Cell)
    if isinstance(value, str):
        cell.value = printable(value)
        cell.data_type = "s"
    else:
        cell.value = value
    return cell


def _width(column: Column, values: list[Value]) -> float:
    longest = max([len(str(value)) for value in values if isinstance(value, str)], default=0)
    word = max(map(len, column.title.split()), default=0)
    return min(_WIDEST, max(_NARROWEST, longest + 2, word + 2, len(column.title) / 3))


def _print_setup(sheet: Worksheet, report: Report, *, landscape: bool) -> None:
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.page_setup.paperSize = _A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_margins.left = sheet.page_margins.right = 0.5
    sheet.oddFooter.left.text = report.period.replace("&", "&&")
    sheet.oddFooter.right.text = "Trang &P/&N"
