"""A PostgreSQL cluster of a test's own, to kill and to start again; the machine's own one is left alone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from knowledge.database import connect
from tests.conftest import unavailable


class Cluster:
    """A running cluster; ``url`` stays the same over a restart."""

    def __init__(self, folder: Path, programs: Path, as_user: list[str]) -> None:
        self._data, self._programs, self._as_user = folder / "data", programs, as_user
        self._server: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D", str(self._data))

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = ["-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self._data}"]
        command = [*self._as_user, str(self._programs / "postgres"), "-D", str(self._data), *options]
        with (self._data.parent / "log").open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log)
        engine = connect(self.url)
        until = time.monotonic() + 30
        while True:
            try:
                with engine.connect() as connection:
                    connection.execute(sa.text("select 1"))
                break
            except sa.exc.OperationalError:
                if time.monotonic() > until or self._server.poll() is not None:
                    raise
                time.sleep(0.1)
        engine.dispose()

    def kill(self) -> None:
        """Kill -9 the server and what it started, as a power cut would."""
        if self._server is None:
            return
        found = subprocess.run(["pgrep", "-P", str(self._server.pid)], capture_output=True, text=True, check=False)
        self._server.kill()
        self._server.wait()
        for child in map(int, found.stdout.split()):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._server = None

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([*self._as_user, str(self._programs / program), *arguments], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A started cluster, removed at the end; skips where PostgreSQL's programs are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        unavailable("PostgreSQL's server programs are not installed")
    # PostgreSQL refuses to run as root.
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="motcua-cluster-"))
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    one = Cluster(folder, found[-1].parent, as_user)
    try:
        one.start()
        yield one
    finally:
        one.kill()
        shutil.rmtree(folder, ignore_errors=True)
