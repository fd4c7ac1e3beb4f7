"""An office's export of its dossiers into the registry: XLSX, CSV, JSON, JSON lines, or the sync protocol's own JSON.

Rows go in by batches, each in a transaction of its own, so a file may be read again after an interruption: the same
row twice changes nothing. A row that cannot be read is reported by its number and the reason, never by its content.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from actions.dossiers.entries import entry_of
from actions.dossiers.reading import ReadingError, key, names_of
from actions.dossiers.registry import Entry, Outcome, Registry

SAMPLE = Path(__file__).with_name("sample.json")
BATCH = 1_000
MOST_BAD_ROWS = 1_000
"""Bad rows named in a report; all are counted."""
_HEADER_WITHIN = 30
_DELIMITERS = ";,\t|"
_NEEDED = {"code", "state"}

Numbered = Iterator[tuple[int, dict[str, Any] | None]]
"""Records with their row's number in the file, counted from 1; None for what is no record at all."""


class ImportFileError(RuntimeError):
    """The whole file cannot be read; the message says why."""


@dataclass(frozen=True)
class BadRow:
    row: int
    reason: str


@dataclass
class DossierReport:
    """What an import did. ``without_proof``: rows that name neither phone nor identity number."""

    file: str
    rows: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    bad: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    without_proof: int = 0
    dry_run: bool = False

    def counts(self) -> dict[str, int]:
        """Rows by what became of them; they add up to ``rows``."""
        told = (Outcome.ADDED, Outcome.CHANGED, Outcome.UNCHANGED, Outcome.OLDER)
        return {outcome.value: self.outcomes[outcome] for outcome in told} | {"bad": self.bad}

    def to_dict(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "dry_run": self.dry_run,
            "rows": self.rows,
            **self.counts(),
            "without_proof": self.without_proof,
            "bad_rows": [{"row": bad.row, "reason": bad.reason} for bad in self.bad_rows],
        }


def import_file(
    registry: Registry,
    file: Path,
    *,
    as_of: dt.datetime | None = None,
    source: str | None = None,
    dry_run: bool = False,
    sample: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> DossierReport:
    """Read a file into the registry.

    Args:
        as_of: when the export was made. Without it, a row vouches for the latest moment that it names.
        source: the system's name as citizens know it, for rows that do not name one.
        dry_run: report what would change, and change nothing.
        sample: the rows are made up and marked so.
        progress: called with the number of rows read.

    Raises:
        ImportFileError: the file is none of the formats, or has no columns for code and state. Batches before a
            place that cannot be read stay imported.
    """
    report = DossierReport(file.name, dry_run=dry_run)
    batch: list[Entry] = []

    def flush() -> None:
        report.outcomes.update(registry.store(batch, sample=sample, dry_run=dry_run))
        batch.clear()
        progress(report.rows)

    for number, record in records(file):
        report.rows += 1
        try:
            if record is None:
                raise ReadingError("không phải là một bản ghi")
            batch.append(_entry(record, as_of, source, sample))
            report.without_proof += not (batch[-1].phone or batch[-1].identity)
        except ReadingError as error:
            report.bad += 1
            if len(report.bad_rows) < MOST_BAD_ROWS:
                report.bad_rows.append(BadRow(number, str(error)))
        if len(batch) >= BATCH:
            flush()
    flush()
    return report


def _entry(record: dict[str, Any], as_of: dt.datetime | None, source: str | None, sample: bool) -> Entry:
    if source:
        record = record | {"source": record.get("source") or source}
    return entry_of(record, as_of=as_of, may_lie_ahead=sample)


# -- files --------------------------------------------------------------------------------------


def records(file: Path) -> Numbered:
    """The records of a file by its ending.

    Raises:
        ImportFileError: on the first record asked for, or later where the file is broken further on.
    """
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise ImportFileError(f"{file.name}: not a format that is read here ({', '.join(_READERS)})")
    try:
        yield from reader(file)
    except OSError as error:
        raise ImportFileError(f"{file.name}: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        raise ImportFileError(f"{file.name}: not UTF-8; save it as “CSV UTF-8” or as XLSX") from None
    except (csv.Error, ValueError, RecursionError) as error:
        # The error's own words may quote the file.
        raise ImportFileError(f"{file.name}: broken ({type(error).__name__})") from None


def _xlsx(file: Path) -> Numbered:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError) as error:
        raise ImportFileError(f"{file.name}: not a workbook ({type(error).__name__}); save it as XLSX again") from None
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # exporters often write a wrong one, and rows would be lost
            found = _table(enumerate(sheet.iter_rows(values_only=True), start=1))
            if found is not None:
                yield from found
                return
    finally:
        book.close()
    raise _no_header(file)


def _csv(file: Path) -> Numbered:
    with file.open("rb") as raw:
        encoding = "utf-16" if raw.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    with file.open(encoding=encoding, newline="") as text:
        head = "".join(line for _, line in zip(range(_HEADER_WITHIN), text, strict=False))
        delimiter = next((d for d in _DELIMITERS if _table(_csv_rows(io.StringIO(head), d)) is not None), None)
        if delimiter is None:
            raise _no_header(file)
        text.seek(0)
        yield from _table(_csv_rows(text, delimiter)) or ()


def _csv_rows(text: Any, delimiter: str) -> Iterator[tuple[int, Sequence[Any]]]:
    reader = csv.reader(text, delimiter=delimiter)
    for row in reader:
        yield reader.line_num, row


def _table(rows: Iterator[tuple[int, Sequence[Any]]]) -> Numbered | None:
    """The records under the first row that names the columns; None where none of the first rows does."""
    columns = names_of("columns")
    for number, row in rows:
        if number > _HEADER_WITHIN:
            return None
        names = [str(cell) if cell is not None else "" for cell in row]
        if {columns.get(key(name)) for name in names} >= _NEEDED:
            return _under(names, rows)
    return None


def _under(names: Sequence[str], rows: Iterator[tuple[int, Sequence[Any]]]) -> Numbered:
    for number, row in rows:
        if any(cell is not None and str(cell).strip() for cell in row):
            yield number, _first_of_each(names, row)


def _first_of_each(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """A row as a record; of two columns with one name, the first that has a value."""
    record: dict[str, Any] = {}
    for name, value in zip(names, row, strict=False):
        if record.get(name) in (None, ""):
            record[name] = value
    return record


def _no_header(file: Path) -> ImportFileError:
    return ImportFileError(f"{file.name}: no row names the columns “Mã hồ sơ” and “Trạng thái”")


def _json(file: Path) -> Numbered:
    """A list of records, a message of the sync protocol or its reply; or one such thing a line."""
    text = file.read_text(encoding="utf-8-sig")
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        json.loads(text.lstrip().split("\n", 1)[0])  # where not even the first line is JSON, the file is broken
        yield from _json_lines(file)
        return
    yield from enumerate(_unpacked(document), start=1)


def _json_lines(file: Path) -> Numbered:
    with file.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                document = json.loads(line)
            except (ValueError, RecursionError):
                yield number, None
                continue
            for record in _unpacked(document):
                yield number, record


def _unpacked(document: Any) -> Iterator[dict[str, Any] | None]:
    if isinstance(document, dict):
        inner = next((document[name] for name in ("data", "result", "dossiers") if name in document), None)
        document = inner if isinstance(inner, list) else [document]
    if not isinstance(document, list):
        document = [document]
    yield from (item if isinstance(item, dict) else None for item in document)


_READERS: dict[str, Callable[[Path], Numbered]] = {
    ".xlsx": _xlsx,
    ".xlsm": _xlsx,
    ".csv": _csv,
    ".tsv": _csv,
    ".txt": _csv,
    ".json": _json,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
