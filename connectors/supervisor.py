"""`motcua serve`: the app and the Rasa server as children, restarted when they crash."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

_QUICK_DEATH_S = 10.0
_MAX_PAUSE_S = 60.0
_STOP_S = 10.0


@dataclass
class Child:
    """A process to keep alive. ``ready_url`` answers 200 when it can work."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    ready_url: str
    directory: Path
    restarts: int = 0
    pause_s: float = field(default=1.0)


class Supervisor:
    """Runs children until told to stop.

    Args:
        children: what to run.
        say: prints a line to the operator.
    """

    def __init__(self, children: list[Child], say: Callable[[str], None]) -> None:
        self._children, self._say = children, say
        self._stopping = asyncio.Event()

    async def run(self, when_ready: Callable[[], None]) -> None:
        """Start everything, call ``when_ready`` once all children answer, and stay until Ctrl-C or SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        keepers = [asyncio.create_task(self._keep(child)) for child in self._children]
        announcer = asyncio.create_task(self._announce(when_ready))
        await self._stopping.wait()
        self._say("stopping …")
        announcer.cancel()
        await asyncio.gather(announcer, *keepers, return_exceptions=True)
        self._say("stopped")

    async def _keep(self, child: Child) -> None:
        while not self._stopping.is_set():
            started = time.monotonic()
            process = await self._start(child)
            code = await self._until_exit_or_stop(process)
            if self._stopping.is_set():
                return
            lived = time.monotonic() - started
            child.restarts += 1
            child.pause_s = min(child.pause_s * 2, _MAX_PAUSE_S) if lived < _QUICK_DEATH_S else 1.0
            self._say(f"{child.name} ended with code {code} after {lived:.0f} s (log: {child.log}); starting it again in {child.pause_s:.0f} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), child.pause_s)

    async def _start(self, child: Child) -> asyncio.subprocess.Process:
        child.log.parent.mkdir(parents=True, exist_ok=True)
        with child.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *child.command,
                cwd=child.directory,
                env=os.environ | child.environment,
                stdout=log,
                stderr=log,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches us only; we stop the children in order
            )

    async def _until_exit_or_stop(self, process: asyncio.subprocess.Process) -> int | None:
        exited = asyncio.create_task(process.wait())
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({exited, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not exited.done():
            _signal_group(process.pid, signal.SIGTERM)
            try:
                await asyncio.wait_for(asyncio.shield(exited), _STOP_S)
            except TimeoutError:
                _signal_group(process.pid, signal.SIGKILL)
        return await exited

    async def _announce(self, when_ready: Callable[[], None]) -> None:
        async with httpx.AsyncClient(timeout=2.0) as http:
            for child in self._children:
                started = time.monotonic()
                while not await _answers(http, child.ready_url):
                    await asyncio.sleep(0.3)
                self._say(f"{child.name} is ready ({time.monotonic() - started:.0f} s)")
        when_ready()


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).status_code == 200
    except httpx.HTTPError:
        return False


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


