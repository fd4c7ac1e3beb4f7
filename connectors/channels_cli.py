"""``motcua outbox …`` and ``motcua channels …``: what is on its way to people, and the stop switch of each channel."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from connectors.channel_switch import ChannelSwitch, Stop
from connectors.outbox import Outbox
from knowledge.database import connect, migrate
from knowledge.settings import Settings

outbox = typer.Typer(no_args_is_help=True, help="Messages on their way to people.")
channels = typer.Typer(invoke_without_command=True, help="Each channel, and its stop switch.")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_BUILT_IN = ("web", "telegram", "zalo")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Ids = Annotated[
    list[int], typer.Argument(metavar="ID…", min=1, max=2**31 - 1, help="Ids, as `motcua outbox dead` lists them.")
]


# -- the outbox ---------------------------------------------------------------------------------


@outbox.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """How many messages wait, are sent and are dead, channel by channel."""
    with _database(context) as engine:
        counts = Outbox(engine).counts_by_channel()
    if as_json:
        _print_json(counts)
    elif not counts:
        out.print("the outbox is empty")
    else:
        _print_table(
            ["channel", "waiting", "sent", "dead"], [[name, *map(str, n.values())] for name, n in counts.items()]
        )


@outbox.command()
def dead(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")] = 100,
    as_json: Json = False,
) -> None:
    """Messages that nobody tries to send any more, with the reason, without texts and recipients."""
    with _database(context) as engine:
        letters = Outbox(engine).dead(limit)
    if as_json:
        _print_json([vars(letter) for letter in letters])
    elif not letters:
        out.print("no dead letters")
    else:
        rows = [
            [str(one.id), one.channel, f"{one.created_at:%Y-%m-%d %H:%M}", str(one.attempts), one.reason]
            for one in letters
        ]
        _print_table(["id", "channel", "since", "attempts", "reason"], rows)


@outbox.command()
def retry(context: typer.Context, ids: Ids, as_json: Json = False) -> None:
    """Try dead letters again."""
    with _database(context) as engine:
        done = Outbox(engine).retry(ids)
    _report("retried", done, ids, as_json)


@outbox.command()
def drop(context: typer.Context, ids: Ids, as_json: Json = False) -> None:
    """Remove messages that are not sent; their recipients never get them."""
    with _database(context) as engine:
        done = Outbox(engine).drop(ids)
    _report("dropped", done, ids, as_json)


def _report(what: str, done: int, ids: list[int], as_json: bool) -> None:
    missing = len(set(ids)) - done
    if as_json:
        _print_json({what: done, "not_found": missing})
    else:
        out.print(f"{done} {what}")
        if missing:
            err.print(f"motcua: {missing} of these ids are no such messages", markup=False)
    if missing:
        raise typer.Exit(1)


# -- channels -----------------------------------------------------------------------------------


@channels.callback()
def overview(context: typer.Context, as_json: Json = False) -> None:
    """Each channel: running, or stopped since when, by whom and why."""
    if context.invoked_subcommand is not None:
        return
    with _database(context) as engine:
        stops = ChannelSwitch(engine).stops()
        counts = Outbox(engine).counts_by_channel()
        names = sorted({*_BUILT_IN, *stops, *counts})
    if as_json:
        _print_json([_channel_dict(name, stops.get(name)) for name in names])
        return
    rows = []
    for name in names:
        stop = stops.get(name)
        since = f"{stop.since:%Y-%m-%d %H:%M}" if stop else ""
        rows.append(
            [name, "stopped" if stop else "running", since, stop.by if stop else "", stop.reason if stop else ""]
        )
    _print_table(["channel", "state", "since", "by", "reason"], rows)


@channels.command()
def stop(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The channel's name, for example zalo.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the other members of staff.")],
    notice: Annotated[str | None, typer.Option("--notice", help="What people are told, in Vietnamese.")] = None,
    as_json: Json = False,
) -> None:
    """Let the bot answer nobody on this channel; people get a notice, at most once an hour each."""
    if name not in _BUILT_IN:
        _fail(f"there is no channel {name!r}; channels are {', '.join(_BUILT_IN)}")
    with _database(context) as engine:
        try:
            stopped = ChannelSwitch(engine).stop(name, reason, _me(), notice)
        except ValueError as error:
            _fail(str(error))
    if as_json:
        _print_json(_channel_dict(name, stopped))
    else:
        out.print(f"{stopped.channel} is stopped; running apps follow within seconds", markup=False)


@channels.command()
def start(
    context: typer.Context, name: Annotated[str, typer.Argument(help="The channel's name.")], as_json: Json = False
) -> None:
    """Let the bot answer again."""
    with _database(context) as engine:
        was_stopped = ChannelSwitch(engine).start(name)
    if as_json:
        _print_json({"channel": name, "state": "running", "was_stopped": was_stopped})
    else:
        out.print(f"{name} is running" + ("" if was_stopped else " (it was not stopped)"), markup=False)


def _channel_dict(name: str, stop: Stop | None) -> dict[str, object]:
    if stop is None:
        return {"channel": name, "state": "running"}
    return {
        "channel": name,
        "state": "stopped",
        "since": stop.since,
        "by": stop.by,
        "reason": stop.reason,
        "notice": stop.notice,
    }


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "operator"


# -- shared -------------------------------------------------------------------------------------


@contextmanager
def _database(context: typer.Context) -> Iterator[Engine]:
    settings = context.obj if isinstance(context.obj, Settings) else Settings()
    engine = connect(settings.database)
    try:
        migrate(engine)
        yield engine
    except SQLAlchemyError as error:
        _fail(f"the database does not answer: {type(error).__name__}")
    finally:
        engine.dispose()


def _print_table(columns: list[str], rows: list[list[str]]) -> None:
    table = Table(*columns)
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


def _print_json(document: object) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def _fail(message: str) -> NoReturn:
    err.print(f"motcua: {message}", markup=False)
    raise typer.Exit(2)
