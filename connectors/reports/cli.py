"""``motcua report``: a period's report as a workbook, as CSV files or as JSON."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table as Printed
from sqlalchemy.exc import SQLAlchemyError

from actions.dossiers.reading import vietnam_now
from actions.feedback.instruments import InvalidInstrumentError
from actions.feedback.reports.document import Kind, Report, Table, Value
from actions.feedback.reports.nine_indices import OfficeFiguresError
from actions.feedback.reports.periods import InvalidPeriodError, Period, between, parse
from actions.feedback.reports.periods import Kind as PeriodKind
from actions.feedback.reports.report import Reporter
from connectors.reports.csv import write_folder
from connectors.reports.xlsx import workbook
from knowledge.database import connect, migrate
from knowledge.settings import Settings

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def report(  # noqa: PLR0917 (Typer takes them by name)
    context: typer.Context,
    month: Annotated[str | None, typer.Option(help="A month, for example 2026-11.")] = None,
    quarter: Annotated[str | None, typer.Option(help="A quarter, for example 2026-Q4.")] = None,
    year: Annotated[str | None, typer.Option(help="A year, for example 2026.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="First day, for example 2026-11-01; with --to.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last day, with --from.")] = None,
    to_file: Annotated[
        Path | None, typer.Option("--out", help="Where to write: a name that ends in .xlsx, or a folder for CSV files.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> None:
    """Satisfaction, dossiers in time, indices and unanswered questions of a month, a quarter, a year or any days."""
    try:
        period = _period(month, quarter, year, since, until)
        made = make(context.obj or Settings(), period)
    except (InvalidPeriodError, InvalidInstrumentError, OfficeFiguresError) as error:
        _fail(str(error))
    except SQLAlchemyError as error:
        _fail(f"the database does not answer: {type(error).__name__}")
    if to_file:
        _write(made, to_file)
    if as_json:
        sys.stdout.write(made.model_dump_json() + "\n")
    elif to_file:
        err.print(f"report of {period.key} written to {to_file}", markup=False)
    else:
        _print(made)


def make(settings: Settings, period: Period) -> Report:
    """The report of an installation."""
    engine = connect(settings.database)
    try:
        migrate(engine)
        return Reporter(engine, settings).report(period, vietnam_now())
    finally:
        engine.dispose()


def _period(month: str | None, quarter: str | None, year: str | None, since: str | None, until: str | None) -> Period:
    named = {PeriodKind.MONTH: month, PeriodKind.QUARTER: quarter, PeriodKind.YEAR: year}
    given = {kind: text for kind, text in named.items() if text is not None}
    days = since is not None or until is not None
    if len(given) + days != 1:
        raise InvalidPeriodError("name one period: --month, --quarter, --year, or --from and --to")
    if days:
        if since is None or until is None:
            raise InvalidPeriodError("--from and --to go together")
        return between(_day(since), _day(until))
    ((kind, text),) = given.items()
    period = parse(text)
    if period.kind is not kind:
        raise InvalidPeriodError(f"{text[:20]!r} is no {kind}")
    return period


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InvalidPeriodError(f"{text[:20]!r} is no day (2026-11-01)") from None


def _write(made: Report, to: Path) -> None:
    try:
        if to.suffix.lower() == ".xlsx":
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(workbook(made))
        elif to.is_dir() or not to.suffix:
            write_folder(made, to)
        else:
            _fail(f"{to.name}: --out is a name that ends in .xlsx, or a folder")
    except OSError as error:
        _fail(f"{to.name}: {error.strerror or type(error).__name__}")


def _print(made: Report) -> None:
    """The summary and all remarks; the tables are for files."""
    out.print(made.title, markup=False)
    for section in made.sections:
        for note in section.notes:
            out.print(f"{section.title}: {note}", markup=False)
    for table in made.sections[0].tables:
        out.print(_printed(table))
    err.print("all tables: --out report.xlsx, --out folder/ or --json", markup=False)


def _printed(table: Table) -> Printed:
    printed = Printed(*(column.title for column in table.columns), title=table.title)
    for row in table.rows:
        printed.add_row(*(_cell(value, column.kind) for value, column in zip(row, table.columns, strict=True)))
    return printed


def _cell(value: Value, kind: Kind) -> str:
    if value is None:
        return "–"
    return f"{value * 100:.1f}%".replace(".", ",") if kind is Kind.RATE and not isinstance(value, str) else str(value)


def _fail(message: str) -> NoReturn:
    err.print(f"motcua: {message}", markup=False)
    raise typer.Exit(2)
