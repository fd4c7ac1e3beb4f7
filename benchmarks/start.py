"""From nothing to the first answer, in a fresh installation: import, index, train, start; seconds and memory.

Every step is the command that an operator types, the start of Python included.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

from benchmarks.processes import listening_on, memory
from benchmarks.report import Cell, Report, Table, parser, say
from knowledge.settings import ROOT

NATIONAL = ROOT.parent / "shared" / "data" / "catalogue" / "national-2026-07.jsonl.gz"
STARTER = ROOT / "knowledge" / "starter"
MOTCUA = [sys.executable, "-c", "from connectors.cli import app; app()"]
START_S = 180.0
_DATABASE = "MOTCUA_DATABASE_URL"  # not handed on: a fresh installation has its own database
QUESTION = "làm giấy khai sinh cho con cần giấy tờ gì"


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--home", type=Path, help="folder to make and keep; default: a temporary one, removed at the end")
    made.add_argument(
        "--file", type=Path, nargs="+", default=[STARTER, *([NATIONAL] if NATIONAL.exists() else [])],
        help="catalogue files; default: the starter catalogue and, where ../shared has it, the national file",
    )  # fmt: skip
    made.add_argument("--no-serve", action="store_true", help="leave out training and starting Rasa")
    return made.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    with _fresh(options.home) as home:
        tables = [Table("preparing", ["step", "seconds", "peak RSS MiB"], list(prepare(home, options)))]
        if not options.no_serve:
            tables += serve(home)
    notes = [f"read from {file}" for file in options.file]
    notes.append("peak RSS: the largest process of the step; a second run of a step finds nothing changed")
    Report("start", tables, notes).publish(options.json)


@contextlib.contextmanager
def _fresh(folder: Path | None) -> Iterator[Path]:
    """An empty folder for the installation."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="motcua-start-") as temporary:
            yield Path(temporary)
        return
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty: a start is measured in a fresh folder")
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


def prepare(home: Path, options: argparse.Namespace) -> Iterator[list[Cell]]:
    """Run the steps, each twice; rows of name, seconds and peak memory."""
    steps = {f"import {file.name}": ["import", str(file.resolve())] for file in options.file}
    steps |= {"index": ["index"]} | ({} if options.no_serve else {"train Rasa": ["train"]})
    for name, command in steps.items():
        for title in (name, f"{name}, again"):
            say(f"{title} …")
            yield [title, *timed(home, command)]


def timed(home: Path, command: list[str]) -> tuple[float, float]:
    """Seconds that a command of motcua takes, and the peak memory (MiB) of its largest process."""
    started = time.perf_counter()
    process = _motcua(home, command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # reaped here, so tell Popen
    if process.returncode:
        raise SystemExit(f"`motcua {' '.join(command)}` ended with code {process.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def serve(home: Path) -> list[Table]:
    """Start app and Rasa, ask one question, stop them: seconds to each stage, memory of each process."""
    port, rasa_port = free_port(), free_port()
    say("starting the app and Rasa …")
    started = time.perf_counter()
    process = _motcua(home, ["serve", "--port", str(port)], MOTCUA_RASA_PORT=str(rasa_port))
    try:
        url = f"http://127.0.0.1:{port}"
        alive = _until_200(f"{url}/healthz", process, started)
        ready = _until_200(f"{url}/readyz", process, started)
        pids = {"supervisor": process.pid, "app": listening_on(port), "Rasa": listening_on(rasa_port)}
        idle = {name: memory(pid) for name, pid in pids.items() if pid}
        first = _ask(url)
        second = _ask(url)
        used = {name: memory(pid) for name, pid in pids.items() if pid}
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
    stages = [
        ["app alive (/healthz)", alive],
        ["all ready (/readyz)", ready],
        ["first answer", first],
        ["the same again", second],
    ]
    rows = [[name, idle[name].resident, m.resident, m.own, m.peak] for name, m in used.items()]
    rows.append(["all", *(sum(row[i] for row in rows) for i in range(1, 5))])  # type: ignore[misc]
    return [
        Table("motcua serve, everything prepared", ["until", "seconds"], stages),
        Table("memory", ["process", "RSS MiB idle", "RSS MiB after 2 turns", "of it own", "peak RSS MiB"], rows),
    ]


def _motcua(home: Path, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*MOTCUA, "--home", str(home), *command],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != _DATABASE} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _until_200(url: str, process: subprocess.Popen[bytes], started: float) -> float:
    """Seconds from ``started`` until the address answers 200."""
    while (waited := time.perf_counter() - started) < START_S:
        if process.poll() is not None:
            raise SystemExit(f"`motcua serve` ended with code {process.returncode}")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5.0).status_code == 200:
                return time.perf_counter() - started
        time.sleep(0.1)
    raise SystemExit(f"{url} did not answer 200 within {waited:.0f} s")


def _ask(url: str) -> float:
    """Seconds of one turn in a conversation of its own."""
    with httpx.Client(base_url=f"{url}/api/v1/web", timeout=60.0) as http:
        session = http.post("/sessions").raise_for_status().json()["session"]
        started = time.perf_counter()
        http.post("/messages", json={"session": session, "text": QUESTION}).raise_for_status()
        return time.perf_counter() - started


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
