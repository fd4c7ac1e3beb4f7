"""Real child processes: started, restarted when they die, stopped together."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import httpx

from connectors.supervisor import Child, Supervisor

SERVER = "import http.server, sys; http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def child(name: str, folder: Path, code: str, port: int) -> Child:
    return Child(
        name=name,
        command=[sys.executable, "-c", code, str(port)],
        environment={},
        log=folder / f"{name}.log",
        ready_url=f"http://127.0.0.1:{port}/",
        directory=folder,
    )


async def until(condition, seconds: float = 20.0) -> None:  # type: ignore[no-untyped-def]
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "timed out"
        await asyncio.sleep(0.05)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=1.0).status_code == 200
    except httpx.HTTPError:
        return False


async def test_children_are_announced_and_stopped_together(tmp_path: Path) -> None:
    said: list[str] = []
    ports = [free_port(), free_port()]
    children = [child(name, tmp_path, SERVER, port) for name, port in zip(("app", "bot"), ports, strict=True)]
    running = asyncio.create_task(Supervisor(children, said.append).run(lambda: said.append("ready")))
    await until(lambda: "ready" in said)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 20)
    assert said[-1] == "stopped"
    assert not any(answers(port) for port in ports)


async def test_a_crashed_child_is_started_again_and_said_so(tmp_path: Path) -> None:
    said: list[str] = []
    port = free_port()
    once = f"import os, sys\nif not os.path.exists('was'):\n    open('was', 'w')\n    sys.exit(3)\n{SERVER}"
    running = asyncio.create_task(Supervisor([child("bot", tmp_path, once, port)], said.append).run(lambda: None))
    await until(lambda: any("code 3" in line for line in said))
    await until(lambda: answers(port))
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(running, 20)
    assert any("bot ended with code 3" in line and "bot.log" in line for line in said)
