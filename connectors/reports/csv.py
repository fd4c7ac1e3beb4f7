"""A report as CSV: one file a table, UTF-8 with a byte order mark so that spreadsheets read the accents."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

from actions.feedback.reports.document import Column, Report, Section, Table, Value
from connectors.reports.cells import unlike_a_formula


def table_csv(table: Table) -> bytes:
    """One table; numbers plain, rates as fractions (0.853), an empty cell where there is no figure."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([unlike_a_formula(_title(column)) for column in table.columns])
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return text.getvalue().encode("utf-8-sig")


def notes_csv(report: Report) -> bytes:
    """How each figure is computed, and the notes of all sections and tables."""
    methods = [Column(title=title) for title in ("Chỉ tiêu", "Cách tính", "Nguồn", "Lưu ý")]
    rows: list[list[Value]] = [[m.figure, m.formula, m.source, m.caution] for m in report.methods]
    rows += [[section.title, note, "", ""] for section in report.sections for note in section.notes]
    rows += [[table.title, note, "", ""] for _, table in report.tables for note in table.notes]
    return table_csv(Table(id="notes", title="Ghi chú", columns=methods, rows=rows))


def files(report: Report) -> dict[str, bytes]:
    """All files of a report by name, in its order."""
    named = {
        f"{number:02d}-{table.id}.csv": table_csv(table) for number, (_, table) in enumerate(report.tables, start=1)
    }
    return named | {"ghi-chu.csv": notes_csv(report)}


def write_folder(report: Report, folder: Path) -> list[Path]:
    """Write all files into a folder, which is made where it is missing; returns their paths.

    Raises:
        OSError: they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in files(report).items():
        written.append(folder / name)
        written[-1].write_bytes(content)
    return written


def archive(report: Report) -> bytes:
    """All files as one ZIP archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files(report).items():
            out.writestr(name, content)
    return made.getvalue()


def find(report: Report, id: str) -> tuple[Section, Table] | None:
    """A table of a report by its id."""
    return next(((section, table) for section, table in report.tables if table.id == id), None)


def _title(column: Column) -> str:
    return f"{column.group}: {column.title}" if column.group else column.title


def _cell(value: Value) -> str | int | float:
    if value is None:
        return ""
    return unlike_a_formula(value) if isinstance(value, str) else value
