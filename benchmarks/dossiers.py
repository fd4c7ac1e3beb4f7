"""Dossier look-ups with a large built-in registry, on SQLite and on PostgreSQL.

Made-up dossiers are stored, then looked up at random with right, wrong and unknown codes and proofs: in the registry
alone, and through HTTP (the endpoint, the limits on tries, the routing over systems), one after the other and 16 at a
time. *Overhead* is what a look-up through HTTP takes beyond the adapter's own time, which the same request measures.
Nothing outside this machine is used; databases are made for the run and removed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import os
import random
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from actions.dossiers.dossier import Found, Proof, Result, State
from actions.dossiers.registry import Entry, Registry
from actions.dossiers.routing import Dossiers
from actions.dossiers.tries import DatabaseStore, Limit, Limits, RedisStore, Store, StoreAwayError, Tries
from benchmarks.metrics import percentile
from benchmarks.report import Cell, Report, Table, parser, say
from connectors import dossiers_api, errors
from knowledge.database import connect, migrate

MAX_ROWS, MAX_LOOKUPS, MAX_USERS = 5_000_000, 50_000, 64
POSTGRES = os.environ.get("MOTCUA_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("MOTCUA_TEST_REDIS", "redis://127.0.0.1:6379/0")
Row = Sequence[Cell]
KEY = b"benchmark".ljust(32, b".")
BATCH = 5_000
_FIRST_DAY = dt.date(2025, 1, 2)
_AGENCIES = 250
_A_DAY = 40


@dataclass(frozen=True)
class Question:
    """A look-up and whether it should find something."""

    code: str
    digits: str
    right: bool


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--home", type=Path, help="folder for the SQLite file, which is removed at the end")
    made.add_argument(
        "--rows", type=bounded(MAX_ROWS), default=1_000_000, metavar="N", help="dossiers (default 1000000)"
    )
    made.add_argument("--lookups", type=bounded(MAX_LOOKUPS), default=2_000, metavar="N", help="a row (default 2000)")
    made.add_argument("--users", type=bounded(MAX_USERS), default=16, metavar="N", help="at a time (default 16)")
    made.add_argument("--only", choices=("sqlite", "postgres"), help="leave the other database out")
    return made.parse_args(argv)


def bounded(most: int):  # type: ignore[no-untyped-def]
    def number(text: str) -> int:
        value = int(text)
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"from 1 to {most}")
        return value

    return number


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    filled: list[Row] = []
    asked: list[Row] = []
    notes = [
        "a third of the look-ups each: right, wrong digits, unknown code; codes at random over the whole table",
        "overhead: time through HTTP less the adapter's own in the same request; users share the cores with the app",
    ]
    for name in ("sqlite", "postgres"):
        if options.only in (None, name):
            with _database(name, options.home, notes) as url:
                if url:
                    filled_row, asked_rows = measure(name, url, options)
                    filled.append(filled_row)
                    asked += asked_rows
    fill_columns = ["database", "dossiers", "rows/s stored", "rows/s stored again"]
    columns = ["database", "path", "at a time", "p50 ms", "p95 ms", "look-ups/s", "overhead p50 ms", "overhead p95 ms"]
    tables = [Table("filling", fill_columns, filled), Table("look-ups", columns, asked)]
    Report("dossiers", tables, notes).publish(options.json)


@contextlib.contextmanager
def _database(kind: str, home: Path | None, notes: list[str]) -> Iterator[str | None]:
    """An empty database for the run; None where no PostgreSQL answers."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="motcua-dossiers-", dir=home) as folder:
            yield f"sqlite:///{folder}/motcua.db"
        return
    admin = connect(POSTGRES).execution_options(isolation_level="AUTOCOMMIT")
    name = f"motcua_benchmark_{uuid.uuid4().hex[:12]}"
    try:
        with admin.connect() as connection:
            connection.execute(sa.text(f"create database {name}"))
    except sa.exc.OperationalError:
        notes.append("no PostgreSQL answers; left out")
        yield None
        return
    try:
        yield POSTGRES.rsplit("/", 1)[0] + "/" + name
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text(f"drop database {name} with (force)"))
        admin.dispose()


def measure(name: str, url: str, options: argparse.Namespace) -> tuple[Row, list[Row]]:
    """Fill one database and look up in it."""
    engine = connect(url)
    migrate(engine)
    registry = Registry(engine, KEY)
    say(f"{name}: storing {options.rows} dossiers …")
    first = fill(registry, options.rows)
    again = fill(registry, min(options.rows, 20_000))
    asked: list[Row] = []
    say(f"{name}: looking up …")
    times = alone(registry, questions(options.rows, options.lookups))
    asked.append([name, "registry alone", 1, *_speed(times, sum(times) / 1000), None, None])
    for kind, store in _stores(engine):
        for users in (1, options.users):
            times, overheads, wall_s = asyncio.run(
                through_http(registry, store, questions(options.rows, options.lookups), users)
            )
            speed = _speed(times, wall_s)
            asked.append([name, f"HTTP, tries in {kind}", users, *speed, *(percentile(overheads, p) for p in (50, 95))])
    engine.dispose()
    return [name, options.rows, first, again], asked


def _speed(times: Sequence[float], wall_s: float) -> tuple[float, float, float]:
    return percentile(times, 50), percentile(times, 95), len(times) / wall_s


def _stores(engine: sa.Engine) -> Iterator[tuple[str, Store]]:
    yield "the database", DatabaseStore(engine)
    redis = RedisStore(REDIS, prefix=f"motcua-benchmark-{uuid.uuid4().hex}:{{tries}}:")
    with contextlib.suppress(StoreAwayError):
        redis.take([])
        yield "Redis", redis


# -- made-up dossiers ---------------------------------------------------------------------------


def code_of(number: int) -> str:
    """The code of a dossier: agencies take turns, each with some dossiers a day."""
    agency, rest = number % _AGENCIES, number // _AGENCIES
    day = _FIRST_DAY + dt.timedelta(days=rest // _A_DAY)
    return f"H57.{agency // 50 + 10}.{agency % 50 + 10}-{day:%y%m%d}-{rest % _A_DAY + 1:04d}"


def entry_of(number: int) -> Entry:
    received = dt.datetime.combine(_FIRST_DAY, dt.time(8)) + dt.timedelta(days=number // _AGENCIES // _A_DAY)
    states = [state for state in State if state is not State.UNKNOWN]
    return Entry(
        code=code_of(number),
        state=states[number % len(states)],
        procedure_code="1.001193",
        procedure_name="Đăng ký khai sinh",
        field="Hộ tịch",
        agency="UBND xã Mẫu",
        channel="in_person",
        received_at=received,
        due_at=received + dt.timedelta(days=5),
        as_of=received,
        phone=f"{number % 10_000:04d}",
        identity=f"{(number * 7 + 1) % 10_000:04d}",
    )


def fill(registry: Registry, rows: int) -> float:
    """Store that many dossiers; returns rows a second."""
    started = time.perf_counter()
    for start in range(0, rows, BATCH):
        registry.store([entry_of(number) for number in range(start, min(start + BATCH, rows))])
    return rows / (time.perf_counter() - started)


def questions(rows: int, count: int) -> list[Question]:
    """Right, wrong and unknown in turn."""
    random_ = random.Random(count)
    made = []
    for turn in range(count):
        number = random_.randrange(rows)
        digits = f"{number % 10_000:04d}"
        match turn % 3:
            case 0:
                made.append(Question(code_of(number), digits, True))
            case 1:
                # no dossier's phone and identity number end in digits that lie so
                made.append(Question(code_of(number), f"{(number + 5_000) % 10_000:04d}", False))
            case _:
                made.append(Question(code_of(rows + number), digits, False))
    return made


# -- looking up ---------------------------------------------------------------------------------


def alone(registry: Registry, asked: Sequence[Question]) -> list[float]:
    """Milliseconds of each look-up in the registry."""
    times = []
    for question in asked:
        started = time.perf_counter()
        result = registry.find(question.code, Proof(question.digits))
        times.append((time.perf_counter() - started) * 1000)
        _check(question, isinstance(result, Found))
    return times


def _check(question: Question, found: bool) -> None:
    if found is not question.right:
        raise SystemExit("a look-up did not end as it should: the figures would mean nothing")


class Timed:
    """The registry, keeping how long each look-up takes."""

    name = "registry"

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.ms: dict[tuple[str, str], float] = {}

    def covers(self, code: str) -> bool:
        return True

    async def lookup(self, code: str, proof: Proof | None) -> Result:
        started = time.perf_counter()
        result = await self._registry.lookup(code, proof)
        self.ms[code, proof.digits if proof else ""] = (time.perf_counter() - started) * 1000
        return result


async def through_http(
    registry: Registry, store: Store, asked: Sequence[Question], users: int
) -> tuple[list[float], list[float], float]:
    """Milliseconds of each request, those beyond the adapter's own, and seconds of the whole."""
    timed = Timed(registry)
    wide = (Limit(10_000_000),)
    app = FastAPI()
    errors.install(app)
    app.include_router(dossiers_api.router, prefix="/api/v1")
    app.state.dossiers, app.state.tries = Dossiers([timed]), Tries(store, KEY, Limits(wide, wide, wide, wide, wide))
    times: list[float] = []
    overheads: list[float] = []
    waiting = iter(asked)

    async def user(number: int) -> None:
        transport = httpx.ASGITransport(app, client=(f"10.0.{users}.{number}", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://motcua") as http:
            for question in waiting:
                started = time.perf_counter()
                body = {"code": question.code, "digits": question.digits}
                response = await http.post("/api/v1/dossiers/lookup", json=body)
                took = (time.perf_counter() - started) * 1000
                _check(question, response.status_code == 200)
                times.append(took)
                overheads.append(took - timed.ms[question.code, question.digits])

    started = time.perf_counter()
    await asyncio.gather(*(user(number) for number in range(users)))
    return times, overheads, time.perf_counter() - started


if __name__ == "__main__":
    main()
