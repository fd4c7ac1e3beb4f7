"""A whole installation on this machine: real app processes and the real Rasa, with Zalo and Telegram emulated.

Everything listens on loopback. The database is a copy of the given installation's, so that nothing is left in it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import sqlalchemy as sa

from actions.dossiers.importing import SAMPLE, import_file
from actions.dossiers.registry import Registry
from actions.secret_key import installation_key
from connectors import bot_process
from connectors.running import free_port
from connectors.supervisor import Child
from connectors.zalo.channel import connect as connect_zalo
from connectors.zalo.client import TokenPair
from knowledge import sources
from knowledge.catalogue import Catalogue
from knowledge.database import connect, migrate
from knowledge.settings import ROOT, Settings
from tests.emulators import telegram, zalo

WEBHOOKS = "/api/v1/webhooks"
DOSSIERS = Path(__file__).with_name("dossiers.json")
_START_S = 240.0
_STOP_S = 30.0


class Process:
    """A process of the installation, to kill and to start again."""

    def __init__(self, child: Child, environment: Mapping[str, str]) -> None:
        self._child, self._environment = child, os.environ | child.environment | environment
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    @property
    def log(self) -> Path:
        return self._child.log

    def start(self) -> None:
        """Start it; it answers some time later."""
        self._child.log.parent.mkdir(parents=True, exist_ok=True)
        with self._child.log.open("ab") as log:
            self._running = subprocess.Popen(
                self._child.command,
                cwd=self._child.directory,
                env=self._environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Until it answers."""
        until = time.monotonic() + _START_S
        while not self.answers():
            ended = self._running is None or self._running.poll() is not None
            said = self._child.log.read_text(encoding="utf-8", errors="replace")[-3_000:]
            assert not ended and time.monotonic() < until, f"{self._child.name} did not start:\n{said}"
            time.sleep(0.3)

    def answers(self) -> bool:
        try:
            return httpx.get(self._child.ready_url, timeout=2.0).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """Kill -9, with all that it started."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order; it has some seconds for that."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._running is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._running.pid, number)
        try:
            self._running.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
        self._running = None


@dataclass
class Installation:
    """What runs. ``urls``: one for each app process."""

    settings: Settings
    zalo: zalo.Zalo
    telegram: telegram.Emulator
    engine: sa.Engine
    urls: list[str]
    apps: list[Process] = field(default_factory=list)
    rasa: Process | None = None

    def waiting(self, conversation: str | None = None) -> int:
        """Messages that are not answered yet, and parts of answers that are not sent; of one conversation, or of all."""
        channel, _, sender = (conversation or "").partition(":")
        inbox, outbox = "done_at is null", "sent_at is null and dead_reason is null"
        if conversation:
            inbox += " and conversation = :conversation"
            outbox += " and channel = :channel and recipient = :sender"
        query = f"select (select count(*) from inbox where {inbox}) + (select count(*) from outbox where {outbox})"
        values = {"conversation": conversation, "channel": channel, "sender": sender}
        with self.engine.connect() as connection:
            return connection.execute(sa.text(query), values if conversation else {}).scalar_one()


@contextmanager
def installed(
    home: Settings,
    folder: Path,
    *,
    zalo_emulator: zalo.Zalo | None = None,
    telegram_emulator: telegram.Emulator | None = None,
    database_url: str | None = None,
    apps: int = 1,
    **changes: str,
) -> Iterator[Installation]:
    """Start everything, and stop it at the end.

    Args:
        home: an installation with catalogue, index and a trained Rasa.
        folder: an empty one for the database, logs and Rasa's memory.
        zalo_emulator: answers for Zalo; a usual one where None.
        telegram_emulator: answers for Telegram, likewise.
        database_url: an empty PostgreSQL database; None copies the installation's SQLite file.
        apps: app processes.
        **changes: settings as environment variables, without ``MOTCUA_`` and in small letters.
    """
    zalo_emulator = zalo_emulator or zalo.Zalo()
    telegram_emulator = telegram_emulator or telegram.Emulator()
    with ExitStack() as stack:
        zalo_url = stack.enter_context(zalo.running(zalo_emulator))
        telegram_url = stack.enter_context(telegram.running(telegram_emulator))
        ports = [free_port() for _ in range(apps)]
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        database_url = database_url or _copied(home, folder)
        environment = {f"MOTCUA_{name.upper()}": value for name, value in changes.items()} | {
            "MOTCUA_DATABASE_URL": database_url,
            "MOTCUA_ZALO_APP_ID": zalo.APP_ID,
            "MOTCUA_ZALO_APP_SECRET": zalo.APP_SECRET,
            "MOTCUA_ZALO_OA_SECRET": zalo.OA_SECRET,
            "MOTCUA_ZALO_API_URL": zalo_url,
            "MOTCUA_ZALO_OAUTH_URL": zalo_url,
            "MOTCUA_TELEGRAM_TOKEN": telegram.TOKEN,
            "MOTCUA_TELEGRAM_API_URL": telegram_url,
            "MOTCUA_TELEGRAM_WEBHOOK_URL": f"{urls[0]}{WEBHOOKS}/telegram",
            "MOTCUA_RASA_DB": str(folder / "rasa-tracker.db"),
        }
        settings = home.model_copy(
            update={
                "database_url": database_url,
                "rasa_port": free_port(),
                "port": ports[0],
                "zalo_app_id": zalo.APP_ID,
                "zalo_app_secret": Settings(zalo_app_secret=zalo.APP_SECRET).zalo_app_secret,
            }
        )
        engine = connect(database_url)
        stack.callback(engine.dispose)
        _prepare(settings, engine)
        _keep_tokens(settings, engine, zalo_emulator)
        it = Installation(settings, zalo_emulator, telegram_emulator, engine, urls)
        it.rasa, it.apps = _processes(settings, folder, ports, environment)
        for process in (it.rasa, *it.apps):
            stack.callback(process.stop)
            process.start()
        for process in (*it.apps, it.rasa):
            process.wait()
        _connect_channels(it)
        yield it


def _processes(
    settings: Settings, folder: Path, ports: list[int], environment: dict[str, str]
) -> tuple[Process, list[Process]]:
    apps = []
    for number, port in enumerate(ports):
        app, rasa = bot_process.children(settings.model_copy(update={"port": port}))
        app.log = folder / "logs" / f"app-{number}.log"
        apps.append(Process(app, environment))
        if number == 0:
            rasa.log = folder / "logs" / "rasa.log"
            bot = Process(rasa, environment)
    return bot, apps


def _copied(home: Settings, folder: Path) -> str:
    copy = folder / "motcua.db"
    with closing(sqlite3.connect(home.home / "motcua.db")) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return f"sqlite:///{copy}"


def _prepare(settings: Settings, engine: sa.Engine) -> None:
    """Catalogue and dossiers, also in a database that was empty."""
    migrate(engine)
    name, records = sources.read(ROOT / "knowledge" / "starter", "auto")
    Catalogue.open(settings).import_records("starter", name, records)
    for file in (SAMPLE, DOSSIERS):
        import_file(Registry.open(settings), file, sample=True)


def _keep_tokens(settings: Settings, engine: sa.Engine, emulator: zalo.Zalo) -> None:
    pair = emulator.pair()
    channel = connect_zalo(settings, engine, installation_key(settings.home))
    assert channel is not None
    channel.tokens.put(TokenPair(pair["access_token"], pair["refresh_token"], int(pair["expires_in"])))


def _connect_channels(it: Installation) -> None:
    assert it.zalo.subscribe(f"{it.urls[0]}{WEBHOOKS}/zalo"), "the app does not answer Zalo's probe"
    until = time.monotonic() + 30
    while not it.telegram.webhook.url:
        assert time.monotonic() < until, "the app did not tell Telegram its address"
        time.sleep(0.1)
