"""``motcua dossiers …``: filling the built-in registry of dossiers, and telling people of changes."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import SQLAlchemyError

from actions.dossiers.adapters.config import ConfigError
from actions.dossiers.connect import connect as connect_systems
from actions.dossiers.explanation import Contact
from actions.dossiers.importing import SAMPLE, DossierReport, ImportFileError, import_file
from actions.dossiers.reading import vietnam_now
from actions.dossiers.registry import Registry, RegistryAwayError
from actions.dossiers.watch import Round, plainly, poll
from actions.dossiers.watching import Watches
from connectors.delivery import LogSender, Sender, deliver
from connectors.outbox import Outbox
from knowledge.database import connect, migrate
from knowledge.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_SHOWN_BAD_ROWS = 20

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


@app.callback()
def _dossiers(context: typer.Context) -> None:
    if context.obj is None:
        context.obj = Settings()


@app.command("import")
def import_(  # noqa: PLR0917 (Typer takes them by name)
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Exports of the one-stop system: XLSX, CSV or JSON.")
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Load some made-up dossiers to try things out.")] = False,
    as_of: Annotated[
        dt.datetime | None,
        typer.Option(
            "--as-of", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="When the export was made (Vietnam's time)."
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Name of the system that the export comes from, as citizens know it.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would change, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Read an office's export into the registry; the same file twice changes nothing."""
    if not files and not sample:
        _fail("name a file, or --sample")
    registry = Registry.open(context.obj)
    reports: list[DossierReport] = []
    failed: list[dict[str, str]] = []
    for file in [*([SAMPLE] if sample else []), *(files or [])]:
        made_up = file is SAMPLE
        try:
            with _progress(f"reading {file.name}") as tick:
                reports.append(
                    import_file(
                        registry, file, as_of=None if made_up else as_of, source=None if made_up else source,
                        dry_run=dry_run, sample=made_up, progress=tick,
                    )
                )  # fmt: skip
        except (ImportFileError, RegistryAwayError) as error:
            failed.append({"file": file.name, "error": str(error)})
    if as_json:
        _print_json({"files": [report.to_dict() for report in reports], "failed": failed})
    else:
        for report in reports:
            _print_report(report)
        for failure in failed:
            err.print(failure["error"], markup=False, style="red")
    if failed:
        raise typer.Exit(2)


@app.command("remove-sample")
def remove_sample(context: typer.Context, as_json: Json = False) -> None:
    """Take the made-up dossiers out again."""
    removed = Registry.open(context.obj).remove_sample()
    if as_json:
        _print_json({"removed": removed})
    else:
        out.print(f"{removed} made-up dossiers removed")


# -- watching -----------------------------------------------------------------------------------


@app.command()
def watch(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="One round, then end.")] = False,
    interval: Annotated[float, typer.Option(min=1, help="Seconds from one round to the next.")] = 300.0,
    log_only: Annotated[
        bool, typer.Option("--log-only", help="Take messages out of the outbox and only log that they would be sent.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask about watched dossiers, and put messages about changes into the outbox.

    Each dossier is asked about every four office hours, only from 7:00 to 20:00. Several may run at once.
    """
    if as_json and not once:
        _fail("--json needs --once")
    watcher = _Watcher(context.obj, log_only, as_json)
    with suppress(KeyboardInterrupt):
        if not asyncio.run(watcher.run(None if once else interval)):
            raise typer.Exit(2)


class _Watcher:
    """Rounds of asking and telling, until somebody ends them."""

    def __init__(self, settings: Settings, log_only: bool, as_json: bool) -> None:
        self._engine = connect(settings.database)
        try:
            migrate(self._engine)
            self._dossiers = connect_systems(
                self._engine,
                settings.home,
                settings.dossier_systems,
                settings.dossier_timeout_s,
                settings.dossier_agencies,
            )
        except (ConfigError, SQLAlchemyError) as error:
            _fail(str(error) if isinstance(error, ConfigError) else _away(error))
        self._outbox = Outbox(self._engine)
        self._watches = Watches(self._engine, self._outbox)
        self._tell = partial(plainly, contact=Contact(hotline=settings.hotline, hours=settings.dossier_collect_hours))
        self._log_only, self._as_json = log_only, as_json

    async def run(self, interval: float | None) -> bool:
        """Go round, once where ``interval`` (seconds) is None; False when that one round failed."""
        me = asyncio.current_task()
        with suppress(NotImplementedError, RuntimeError):  # not on Windows, not outside the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)  # type: ignore[union-attr]
        well = True
        try:
            while True:
                well = await self._round()
                if interval is None:
                    return well
                await asyncio.sleep(interval)
        except asyncio.CancelledError:
            err.print("stopped")
            return True
        finally:
            await self._dossiers.close()
            self._engine.dispose()

    async def _round(self) -> bool:
        now = vietnam_now()
        try:
            done = await poll(self._watches, self._dossiers, now, self._tell)
            logged = await self._log(now) if self._log_only else None
            await asyncio.to_thread(self._outbox.sweep, now)
            waiting = (await asyncio.to_thread(self._outbox.counts))["waiting"]
        except SQLAlchemyError as error:  # the next round may find it back
            err.print(f"{now:%Y-%m-%d %H:%M:%S} {_away(error)}", markup=False)
            return False
        if self._as_json:
            _print_json({"at": now, **done.to_dict(), "logged": logged, "waiting": waiting})
        else:
            out.print(_round_line(now, done, logged, waiting), markup=False)
        return True

    async def _log(self, now: dt.datetime) -> int:
        """Take what waits for any channel, and send nothing."""
        channels = await asyncio.to_thread(self._outbox.channels)
        stand_in: Sender = LogSender()
        return (await deliver(self._outbox, dict.fromkeys(channels, stand_in), now=now))["sent"]


def _round_line(now: dt.datetime, done: Round, logged: int | None, waiting: int) -> str:
    counts = {name: number for name, number in done.to_dict().items() if name != "night"}
    did = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())
    line = f"{now:%Y-%m-%d %H:%M:%S} {'night, nothing asked' if done.night else did}"
    return f"{line}; outbox: {f'{logged} logged only, ' if logged is not None else ''}{waiting} waiting"


def _away(error: SQLAlchemyError) -> str:
    return f"the database does not answer: {type(error).__name__}"


# -- printing -----------------------------------------------------------------------------------


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error; the block calls it with the rows read."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done: progress.update(task, completed=done)


def _print_report(report: DossierReport) -> None:
    counts = ", ".join(f"{number} {name}" for name, number in report.counts().items())
    out.print(f"{report.file}: {report.rows} rows: {counts}{' (dry run)' if report.dry_run else ''}", markup=False)
    if report.without_proof:
        err.print(
            f"  {report.without_proof} rows have neither phone nor identity number: only staff can look them up",
            markup=False,
        )
    for bad in report.bad_rows[:_SHOWN_BAD_ROWS]:
        err.print(f"  row {bad.row}: {bad.reason}", markup=False)
    if report.bad > _SHOWN_BAD_ROWS:
        err.print(f"  … and {report.bad - _SHOWN_BAD_ROWS} more (--json lists up to {len(report.bad_rows)})")


def _print_json(document: object) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def _fail(message: str) -> NoReturn:
    err.print(f"motcua: {message}", markup=False)
    raise typer.Exit(2)
