"""A server that stops does not wait for pages that listen."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx

from knowledge.settings import ROOT
from tests.connectors.web.conftest import Visitor


def test_open_streams_and_polls_end_when_the_server_stops(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.connectors.web.site", str(port), str(tmp_path)]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."}
    )
    try:
        base = f"http://127.0.0.1:{port}"
        _wait(base)
        visitor, ends = Visitor(base), list[str]()
        lines = visitor.lines()
        next(lines)
        others = [
            threading.Thread(target=lambda: ends.append(f"stream {len(list(lines))}")),
            threading.Thread(target=lambda: ends.append(f"poll {visitor.poll()}")),
        ]
        for other in others:
            other.start()
        time.sleep(0.5)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
        for other in others:
            other.join(timeout=5)
        assert time.monotonic() - started < 5
        assert sorted(end.split()[0] for end in ends) == ["poll", "stream"], "both ended without an error"
        assert process.stderr and "Traceback" not in process.stderr.read()
    finally:
        process.kill()


def _wait(base: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{base}/icon.svg")
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")
