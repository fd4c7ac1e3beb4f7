"""A running motcua to talk to: the one that serves, or one started for the moment."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from connectors.bot_process import children
from connectors.supervisor import Child
from knowledge.settings import Settings

_START_S = 120.0


class NotRunningError(RuntimeError):
    """motcua could not be started; the message says where to look."""


@contextlib.contextmanager
def running(settings: Settings, say: Callable[[str], None]) -> Iterator[str]:
    """The base URL of a running app with Rasa behind it.

    Uses the installation's own if it serves; else starts both on free ports and stops them at the end.

    Raises:
        NotRunningError: they did not come up in time.
    """
    url = f"http://127.0.0.1:{settings.port}"
    if _ready(url):
        yield url
        return
    say("motcua is not serving; starting the app and Rasa for the moment …")
    if threading.current_thread() is threading.main_thread():  # what is started below is ended, too
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    temporary = settings.model_copy(update={"host": "127.0.0.1", "port": free_port(), "rasa_port": free_port()})
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes = [_start(child) for child in children(temporary)]
        url = f"http://127.0.0.1:{temporary.port}"
        _wait(url, processes, settings.logs_dir)
        yield url
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in processes:
            process.wait()


def _start(child: Child) -> subprocess.Popen[bytes]:
    child.log.parent.mkdir(parents=True, exist_ok=True)
    with child.log.open("ab") as log:
        return subprocess.Popen(
            child.command,
            cwd=child.directory,
            env=os.environ | child.environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def _wait(url: str, processes: list[subprocess.Popen[bytes]], logs: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not _ready(url):
        if any(process.poll() is not None for process in processes):
            raise NotRunningError(f"the app or Rasa ended while starting; see {logs}")
        if time.monotonic() > deadline:
            raise NotRunningError(f"the app and Rasa were not ready after {_START_S:.0f} s; see {logs}")
        time.sleep(0.3)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=3.0).status_code == 200
    except httpx.HTTPError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
