"""Reader of the portal's list export: a spreadsheet with code, name, promulgator, authority and field.

It knows nothing but names, so its procedures have no details; it is a full list of
what the promulgators in it have.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import openpyxl

from knowledge.procedure import Procedure, Source

from .base import Item, Raw, SourceError, read_records
from .files import check_spreadsheet, is_zip
from .parsing import names
from .parsing.text import clean_line
from .portal_api import PORTAL

SOURCE = "dvcqg"
COLUMNS = {
    "mã số": "code",
    "mã thủ tục": "code",
    "tên": "name",
    "tên thủ tục": "name",
    "cơ quan ban hành": "promulgator",
    "cơ quan thực hiện": "authorities",
    "lĩnh vực": "field",
}
MAX_ROWS = 100_000
_HEAD_ROWS = 20


class PortalListReader:
    """Reads the spreadsheet "Danh sách thủ tục hành chính"."""

    name = "portal-list"
    is_full_list = True

    def read(self, path: Path) -> Iterator[Item]:
        """Yield a procedure or a refusal a row; SourceError for an unusable file."""
        return read_records(lambda: _rows(path), lambda row: convert(row, path.name))


def _rows(path: Path) -> Iterator[Raw]:
    check_spreadsheet(path)
    # From an open file, because openpyxl judges a path by its ending.
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles that it does not know
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            with closing(book):
                rows = list(_sheet(path, book))
        except SourceError:
            raise
        except Exception as error:  # openpyxl raises whatever its XML and zip libraries raise
            reason = str(error)[:120] or type(error).__name__
            raise SourceError(f"{path}: not a readable spreadsheet ({reason})") from error
    yield from rows


def _sheet(path: Path, book: Any) -> Iterator[Raw]:
    columns: dict[int, str] = {}
    found = 0
    for position, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
        if position > MAX_ROWS:
            raise SourceError(f"{path}: more than {MAX_ROWS} rows; refused")
        if not columns:
            columns = {
                index: COLUMNS[key] for index, cell in enumerate(cells) if (key := clean_line(cell).lower()) in COLUMNS
            }
            if not {"code", "name"} <= set(columns.values()):
                columns = {}
                if position >= _HEAD_ROWS:
                    break
            continue
        row = {name: cells[index] for index, name in columns.items() if index < len(cells)}
        if not any(row.values()):
            continue
        found += 1
        yield _raw(position, row)
    if not columns:
        raise SourceError(f"{path}: no row with the headings 'Mã số' and 'Tên'")
    if not found:
        raise SourceError(f"{path}: the list holds no procedure")


def _raw(position: int, row: dict[str, Any]) -> Raw:
    if isinstance(row.get("code"), int | float):
        return Raw(
            position,
            None,
            None,
            problem=f"the code {row['code']} is a number, so its zeros may be lost; format the cell as text",
        )
    return Raw(position, clean_line(row.get("code")) or None, row, details=len(str(row)))


def convert(row: dict[str, Any], file_name: str) -> Procedure:
    """Turn one row into a procedure without details; ValueError where it cannot be one."""
    promulgator = clean_line(row.get("promulgator"))
    return Procedure(
        code=names.read_code(row.get("code")),
        name=names.read_name(row.get("name")),
        field=clean_line(row.get("field")),
        promulgator=promulgator,
        authorities=names.split_list(row.get("authorities")),
        province=names.read_province(promulgator),
        sources={SOURCE: Source(name=PORTAL, file=file_name, issuer=promulgator)},
        has_details=False,
    )


def is_spreadsheet(path: Path) -> bool:
    """Whether a file is a zip that holds a workbook."""
    if not is_zip(path):
        return False
    with path.open("rb") as file:
        start = file.read(4096)
        file.seek(max(0, path.stat().st_size - 65536))
        return b"xl/workbook.xml" in start or b"xl/workbook.xml" in file.read()
