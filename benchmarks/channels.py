"""Load on all channels at once: people on the web, on Zalo and on Telegram, at the same time, for some minutes.

Starts the real app and the real Rasa over a copy of an installation (``--home``) with Zalo and Telegram emulated, lets
people ask, and counts at the far ends which answers came, when and how often. ``--disturb`` does it a second time with
Rasa killed and started again in the middle, and with Zalo and Telegram answering 429 and 500 for a while.
People, emulators, app and Rasa share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from benchmarks.metrics import percentile
from benchmarks.processes import Memory, cpu_seconds, listening_on, memory
from benchmarks.report import Cell, Report, Table, parser, say
from benchmarks.turns import bounded
from connectors import bot_process
from connectors.inbox import Inbox
from connectors.outbox import Outbox
from knowledge.database import connect
from knowledge.search.engine import is_current, rebuild
from knowledge.settings import Settings
from tests.channels import crowd
from tests.channels.crowd import BusyTelegram, BusyZalo, ChannelOutcome, Crowd, Question
from tests.channels.installation import Installation, installed

POSTGRES = os.environ.get("MOTCUA_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("MOTCUA_TEST_REDIS", "redis://127.0.0.1:6379/0")
QUESTIONS = 40
MAX_PEOPLE, MAX_SECONDS = 600, 900


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--home", type=Path, required=True, help="an installation, which is left as it is")
    made.add_argument("--people", type=bounded(MAX_PEOPLE), default=300, metavar="N", help="a third on each channel")
    made.add_argument("--seconds", type=bounded(MAX_SECONDS), default=180, metavar="N")
    made.add_argument("--think", type=bounded(600), default=30, metavar="N", help="seconds between answer and question")
    made.add_argument("--disturb", action="store_true", help="once more, with Rasa killed and the channels refusing")
    made.add_argument("--only-disturbed", action="store_true", help="only that")
    made.add_argument(
        "--apps", type=bounded(4), default=1, metavar="N", help="app processes, with PostgreSQL and Redis"
    )
    made.add_argument("--away", type=bounded(120), default=20, metavar="N", help="seconds until Rasa is started again")
    made.add_argument("--refuse", type=bounded(120), default=30, metavar="N", help="seconds of 429 and 500")
    return made.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    home = Settings(home=options.home)
    if not is_current(home):
        say("bringing the index up to date …")
        rebuild(home)
    if not bot_process.is_trained(home):
        say("training Rasa …")
        bot_process.train(home)
    runs = [] if options.only_disturbed else [False]
    runs += [True] if options.disturb or options.only_disturbed else []
    tables: list[Table] = []
    notes = [
        f"{options.people} people for {options.seconds} s, {options.think} s to think on average; {options.apps} app "
        f"process(es) on {'PostgreSQL and Redis' if options.apps > 1 else 'SQLite'}",
        "acknowledged: the channel's call of the webhook, or the page's POST, until the app says that it is kept",
        "turn: from the question until its answer is at the emulator, or on the page's stream",
        "later: further parts of an answer, and questions how it was; apologies: “sự cố”, “nhanh quá” among them",
    ]
    for disturbed in runs:
        tables += run(home, options, disturbed, notes)
    Report("channels", tables, notes).publish(options.json)


def run(home: Settings, options: argparse.Namespace, disturbed: bool, notes: list[str]) -> list[Table]:
    """One crowd, from start to end."""
    with tempfile.TemporaryDirectory() as folder, _database(options.apps) as database:
        more = {"redis_url": REDIS} if options.apps > 1 else {}
        say("starting …")
        with installed(
            home,
            Path(folder),
            zalo_emulator=BusyZalo(),
            telegram_emulator=BusyTelegram(),
            database_url=database,
            apps=options.apps,
            office_hours="",
            rate_limit_per_address="100000",
            rate_limit_per_channel="100000",
            **more,
        ) as it:
            return _measured(it, options, crowd.learned(it, QUESTIONS), disturbed, notes)


def _measured(
    it: Installation, options: argparse.Namespace, questions: list[Question], disturbed: bool, notes: list[str]
) -> list[Table]:
    name = "disturbed" if disturbed else "quiet"
    say(f"{name}: {options.people} people, {len(questions)} questions …")
    people = Crowd(it, options.people, options.think, questions)
    events = []
    if disturbed:
        events = [
            crowd.rasa_dies(it, options.seconds / 4, options.away),
            crowd.channels_refuse(people, options.seconds * 0.6, options.refuse),
        ]
    cpu, started = _cpu(it), time.perf_counter()
    peaks = _Peaks(it)

    async def go() -> list[ChannelOutcome]:
        watching = asyncio.create_task(peaks.watch())
        outcomes = await people.run(options.seconds, *events)
        watching.cancel()
        return outcomes

    outcomes = asyncio.run(go())
    took = time.perf_counter() - started
    used = {who: seconds - cpu.get(who, 0.0) for who, seconds in _cpu(it).items()}
    if disturbed:
        del used["Rasa"]  # the process that is there now is another one
    answered = sum(outcome.answered for outcome in outcomes)
    notes.append(
        f"{name}: {answered} answers in {took:.0f} s ({answered / took:.1f} a second); load after it "
        f"{os.getloadavg()[0]:.1f}; in the database: inbox {Inbox(it.engine, b'').counts()}, outbox "
        f"{Outbox(it.engine).counts()}; refused by Zalo {people.zalo.refusing.refused} and Telegram "
        f"{people.telegram.refusing.refused} times; the page was refused {dict(people.refused) or 'never'}"
    )
    return [_people_table(name, outcomes), _process_table(name, peaks, used, answered, took)]


def _people_table(name: str, outcomes: list[ChannelOutcome]) -> Table:
    columns = ["channel", "people", "asked", "answered", "reduced", "missing", "doubled", "later", "apologies"]
    columns += ["acknowledged ms p50", "p95", "max", "turn s p50", "p95", "max"]
    rows: list[Sequence[Cell]] = []
    for o in outcomes:
        counts = [o.channel, o.people, o.asked, o.answered, o.reduced, o.missing, o.doubled, o.later, o.apologies]
        rows.append([*counts, *_spread(o.acknowledged_ms), *_spread(o.turn_s)])
    return Table(f"people, {name}", columns, rows)


def _spread(values: list[float]) -> list[Cell]:
    return [percentile(values, 50), percentile(values, 95), max(values)] if values else [None] * 3


def _process_table(name: str, peaks: _Peaks, used: dict[str, float], answered: int, took: float) -> Table:
    columns = ["process", "RSS MiB before", "highest", "of it own", "CPU s", "CPU ms an answer", "cores used"]
    rows: list[Sequence[Cell]] = []
    for who in [*peaks.most, "people, emulators"]:
        first, most, seconds = peaks.first.get(who), peaks.most.get(who), used.get(who)
        sizes = [first.resident, most.resident, most.own] if first and most else [None] * 3
        shares = [seconds, seconds * 1000 / max(1, answered), seconds / took] if seconds is not None else [None] * 3
        rows.append([who, *sizes, *shares])
    return Table(f"processes, {name}", columns, rows)


class _Peaks:
    """The memory of the processes, looked at each second: Rasa is not the same process after it was killed."""

    def __init__(self, it: Installation) -> None:
        self._it = it
        self.first: dict[str, Memory] = {}
        self.most: dict[str, Memory] = {}

    async def watch(self) -> None:
        while True:
            for who, pid in _pids(self._it).items():
                try:
                    now = memory(pid)
                except OSError:
                    continue
                self.first.setdefault(who, now)
                if who not in self.most or now.resident > self.most[who].resident:
                    self.most[who] = now
            await asyncio.sleep(1)


def _pids(it: Installation) -> dict[str, int]:
    found = {f"app {number}": listening_on(urlsplit(url).port or 0) for number, url in enumerate(it.urls, start=1)}
    found["Rasa"] = listening_on(it.settings.rasa_port)
    return {who: pid for who, pid in found.items() if pid}


def _cpu(it: Installation) -> dict[str, float]:
    """CPU seconds so far."""
    return {who: cpu_seconds(pid) for who, pid in _pids(it).items()} | {"people, emulators": time.process_time()}


@contextmanager
def _database(apps: int) -> Iterator[str | None]:
    """An empty PostgreSQL database where there are several apps; None: a copy of the installation's SQLite file."""
    if apps == 1:
        yield None
        return
    name = f"motcua_load_{uuid.uuid4().hex[:12]}"
    admin = connect(POSTGRES).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"create database {name}"))
    try:
        yield POSTGRES.rsplit("/", 1)[0] + "/" + name
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text(f"drop database if exists {name} with (force)"))
        admin.dispose()


if __name__ == "__main__":
    main()
