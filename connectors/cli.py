"""The command line: ``motcua …``.

With ``--json`` a command prints one JSON document on standard output and nothing else there;
progress and remarks go to standard error. A user's mistake ends with one line and exit code 2.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import difflib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from connectors import channels_cli, dossiers_cli, reviews_cli
from connectors.posters import cli as posters_cli
from connectors.reports import cli as reports_cli
from connectors.staff import cli as staff_cli
from connectors.telegram import cli as telegram_cli
from connectors.zalo import cli as zalo_cli
from knowledge.catalogue import Catalogue, ImportReport
from knowledge.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


@app.callback()
def main(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option("--home", help="Folder of the installation.", envvar="MOTCUA_HOME")] = None,
) -> None:
    if home is not None:
        os.environ["MOTCUA_HOME"] = str(home.resolve())
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # more threads only fight over few cores
    try:
        context.obj = Settings()
    except ValidationError as error:  # its own text would quote the value, which may be a secret
        wrong = ", ".join(sorted({f"MOTCUA_{str(one['loc'][0]).upper()} ({one['msg']})" for one in error.errors()}))
        err.print(f"motcua: a setting cannot be used: {wrong}", markup=False)
        raise typer.Exit(2) from None


app.add_typer(dossiers_cli.app, name="dossiers")
app.add_typer(channels_cli.outbox, name="outbox")
app.add_typer(channels_cli.channels, name="channels")
app.add_typer(telegram_cli.app, name="telegram")
app.add_typer(zalo_cli.app, name="zalo")
app.add_typer(staff_cli.app, name="staff")
app.add_typer(posters_cli.app, name="qr")
app.add_typer(reviews_cli.app, name="reviews")
app.command("report")(reports_cli.report)


# -- the catalogue ------------------------------------------------------------------------------


@app.command("import")
def import_(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Files of official records, or a folder of starter entries.")],
    format: Annotated[str, typer.Option(help="auto, portal-api, portal-page, portal-list, national or starter.")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would change, and change nothing.")] = False,
    full: Annotated[bool | None, typer.Option("--full/--partial", help="The file is (not) a full list: retire what it lacks.")] = None,
    as_json: Json = False,
) -> None:
    """Read official records into the catalogue, one transaction a file."""
    from knowledge import sources

    catalogue = Catalogue.open(context.obj)
    reports: list[ImportReport] = []
    failed: list[dict[str, str]] = []
    for file in files:
        try:
            with _progress(f"reading {file.name}") as tick:
                name, records = sources.read(file, format)
                whole = full if full is not None else (None if sources.FORMATS[name].is_full_list else False)
                report = catalogue.import_records(
                    file.name, name, records, full_list=whole, dry_run=dry_run, progress=lambda n, tick=tick: tick(n, None)
                )
            reports.append(report)
        except sources.SourceError as error:
            failed.append({"file": file.name, "error": str(error)})
    if as_json:
        _print_json({"files": [_report_dict(report) for report in reports], "failed": failed})
    else:
        for report in reports:
            _print_report(report)
        for failure in failed:
            err.print(f"[red]{failure['file']}: {failure['error']}[/red]")
    if failed:
        raise typer.Exit(2)


@app.command()
def show(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="Procedure code, for example 1.001193.")],
    as_of: Annotated[dt.datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="As it was at the end of this day.")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="What changed from version to version.")] = False,
    as_json: Json = False,
) -> None:
    """Show a procedure, now or at an earlier date, or what changed in it."""
    from knowledge.answers import full_text

    catalogue = Catalogue.open(context.obj)
    versions = catalogue.history(code)
    if as_of is not None:
        versions = [v for v in versions if v.starts_at.date() <= as_of.date()]
    if not versions:
        _fail(f"no procedure {code} in the catalogue" + (f" on {as_of:%Y-%m-%d}" if as_of else ""))
    current = versions[-1]
    dates = [_version_dict(v) for v in versions]
    if as_json:
        document: dict[str, Any] = {"code": code, "versions": dates, "procedure": json.loads(current.procedure.model_dump_json())}
        if diff:
            document["diff"] = _diff_lines(versions)
        _print_json(document)
        return
    if diff:
        out.print("\n".join(_diff_lines(versions)) or "only one version", markup=False)
        return
    out.print(full_text(current.procedure), markup=False)
    for row in dates:
        ends = row["ends_at"] or "now"
        retired = f", retired since {row['retired_at']}" if row["retired_at"] else ""
        out.print(f"version {row['id']}: {row['starts_at']} to {ends}{retired}", markup=False)


@app.command()
def lint(context: typer.Context, as_json: Json = False) -> None:
    """The catalogue's defects: what is missing, contradictory or expired."""
    from knowledge.lint import lint as run

    report = run(Catalogue.open(context.obj).current(), dt.date.today())
    if as_json:
        _print_json(report.to_dict())
    else:
        out.print("\n".join(report.lines()), markup=False)


# -- search -------------------------------------------------------------------------------------


@app.command()
def index(context: typer.Context, as_json: Json = False) -> None:
    """Build the search index; only texts that changed are embedded."""
    try:
        report = build_index(context.obj)
    except (RuntimeError, ValueError) as error:
        _fail(str(error))
    if as_json:
        _print_json(report)
    else:
        out.print(
            f"index: {report['procedures']} procedures, {report['texts']} texts, "
            f"{report['embedded']} embedded, {report['reused']} reused"
        )


def build_index(settings: Settings) -> dict[str, int]:
    """Bring the installation's index up to date with its catalogue."""
    from knowledge.search.engine import rebuild

    with _progress("indexing") as tick:
        return dict(vars(rebuild(settings, tick)))


@app.command()
def search(
    context: typer.Context,
    text: str,
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="How many candidates.")] = 5,
    level: Annotated[str | None, typer.Option(help="commune, province, ministry or other.")] = None,
    field: Annotated[str | None, typer.Option(help="Part of the field's name.")] = None,
    province: Annotated[str | None, typer.Option(help="Name of the province.")] = None,
    as_json: Json = False,
) -> None:
    """Find the procedures that a message is about."""
    from knowledge.search.ranking import Filters

    result = _engine(context.obj).search(text, k, Filters(level, field, province))
    if as_json:
        _print_json(result.to_dict())
        return
    out.print(f"{result.decision} · asks for {', '.join(result.fields) or 'nothing in particular'} · {result.ms:.1f} ms")
    if result.clarification:
        out.print(result.clarification.question, markup=False)
    for hit in result.results:
        out.print(f"{hit.score:7.3f}  {hit.code:12}  {hit.title}", markup=False)


@app.command()
def evaluate(
    context: typer.Context,
    file: Path,
    level: Annotated[str, typer.Option(help="search, answer or dialogue.")] = "search",
    errors: Annotated[Path | None, typer.Option("--errors", help="Write the errors here, one JSON a line.")] = None,
    as_json: Json = False,
) -> None:
    """Measure on a file of questions with known right procedures."""
    from connectors.evaluate import evaluate_file
    from knowledge.evaluation import QuestionsFileError

    if level not in ("search", "answer", "dialogue"):
        _fail("--level is search, answer or dialogue")
    try:
        with _progress(f"asking {file.name}") as tick:
            result = evaluate_file(context.obj, file, level, tick, err.print)
    except QuestionsFileError as error:
        _fail(str(error))
    except RuntimeError as error:
        _fail(str(error))
    if errors:
        errors.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in result.errors), encoding="utf-8")
    if as_json:
        _print_json(result.to_dict())
    else:
        _print_evaluation(result.figures, result.by_style, result.by_field)


# -- the assistant ------------------------------------------------------------------------------


@app.command()
def train(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Train even if nothing changed.")] = False,
    as_json: Json = False,
) -> None:
    """Train the Rasa model, only when its inputs changed."""
    from connectors import bot_process

    needed = force or not bot_process.is_trained(context.obj)
    if needed:
        try:
            with _progress("training Rasa"):
                bot_process.train(context.obj)
        except bot_process.TrainingError as error:
            _fail(str(error))
    if as_json:
        _print_json({"trained": needed})
    else:
        out.print("Rasa trained" if needed else "Rasa model is up to date")


@app.command()
def serve(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port of the app.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
) -> None:
    """Run the app and the Rasa server, supervised, until Ctrl-C."""
    from connectors import bot_process
    from connectors.supervisor import Supervisor

    changes = {name: value for name, value in (("port", port), ("host", host)) if value is not None}
    settings: Settings = context.obj.model_copy(update=changes)
    try:
        _refresh_index(settings)
        if not bot_process.is_trained(settings):
            err.print("training Rasa …")
            bot_process.train(settings)
        children = bot_process.children(settings)
    except RuntimeError as error:
        _fail(str(error))
    address = f"http://{'localhost' if settings.host in ('127.0.0.1', '0.0.0.0') else settings.host}:{settings.port}/"
    say = lambda line: out.print(f"[motcua] {line}", markup=False)  # noqa: E731
    say("starting the app and the bot …")
    asyncio.run(Supervisor(children, say).run(lambda: say(f"open {address} (Ctrl-C stops everything)")))


def _refresh_index(settings: Settings) -> None:
    from knowledge.search.engine import is_current

    if not is_current(settings):
        err.print("the index is behind the catalogue; bringing it up to date …")
        build_index(settings)


@app.command()
def ask(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="The message; without it, a chat in the terminal.")] = None,
    session: Annotated[str | None, typer.Option(help="Go on with this conversation.")] = None,
    as_json: Json = False,
) -> None:
    """One turn through Rasa, or a chat in the terminal."""
    from connectors.running import NotRunningError, running
    from connectors.terminal import chat, turn

    if text is None and as_json:
        _fail("--json needs a message")
    try:
        with running(context.obj, lambda line: err.print(line)) as url:
            if text is None:
                chat(url, out)
                return
            document = turn(url, session, text)
    except (NotRunningError, httpx.HTTPError, RuntimeError) as error:
        _fail(str(error))
    if as_json:
        _print_json(document)
    else:
        for message in document["messages"]:
            out.print(message["text"], markup=False)


# -- printing -----------------------------------------------------------------------------------


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on standard error; the block calls it with done and total."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total=None: progress.update(task, completed=done, total=total)


def _engine(settings: Settings) -> Any:
    from knowledge.search.engine import SearchEngine

    try:
        return SearchEngine.open(settings)
    except RuntimeError as error:
        _fail(str(error))


def _print_json(document: object) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def _fail(message: str) -> NoReturn:
    err.print(f"motcua: {message}", markup=False)
    raise typer.Exit(2)


def _report_dict(report: ImportReport) -> dict[str, object]:
    return {
        "file": report.file,
        "format": report.format,
        "dry_run": report.dry_run,
        **report.counts(),
        "retired_codes": report.retired,
        "rejected_records": [{"code": r.code, "position": r.position, "reason": r.reason} for r in report.rejected],
        "warnings": report.warnings,
    }


def _print_report(report: ImportReport) -> None:
    counts = ", ".join(f"{number} {name}" for name, number in report.counts().items())
    out.print(f"{report.file} ({report.format}): {counts}{' (dry run)' if report.dry_run else ''}", markup=False)
    for warning in report.warnings:
        err.print(f"  {warning}", markup=False)
    for record in report.rejected[:20]:
        err.print(f"  rejected {record.code or '?'} (record {record.position or '?'}): {record.reason}", markup=False)
    if len(report.rejected) > 20:
        err.print(f"  … and {len(report.rejected) - 20} more (--json lists them all)")


def _version_dict(version: Any) -> dict[str, str | int | None]:
    day = lambda moment: moment.isoformat(sep=" ", timespec="seconds") if moment else None  # noqa: E731
    return {"id": version.id, "starts_at": day(version.starts_at), "ends_at": day(version.ends_at), "retired_at": day(version.retired_at)}


def _diff_lines(versions: list[Any]) -> list[str]:
    lines: list[str] = []
    for before, after in zip(versions, versions[1:], strict=False):
        texts = [json.dumps(json.loads(v.data), ensure_ascii=False, indent=1, sort_keys=True).splitlines() for v in (before, after)]
        names = [f"version {v.id} ({v.starts_at:%Y-%m-%d})" for v in (before, after)]
        lines += difflib.unified_diff(*texts, *names, lineterm="", n=1)
        if after.retired_at:
            lines.append(f"retired on {after.retired_at:%Y-%m-%d}")
    return lines


def _print_evaluation(figures: dict[str, Any], by_style: dict[str, Any], by_field: dict[str, Any]) -> None:
    for name, value in figures.items():
        out.print(f"{name:26} {value}")
    for title, groups in (("by style", by_style), ("by field", by_field)):
        if len(groups) < 2:
            continue
        table = Table(title=title)
        columns = ("n", "recall@1", "recall@3", "wrong_answer_rate", "answered", "abstain_when_should_not")
        for column in (title.split()[1], *columns):
            table.add_column(column)
        for name, group in groups.items():
            table.add_row(name, *(str(group[column]) for column in columns))
        out.print(table)


