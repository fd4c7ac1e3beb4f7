"""A worker process that is killed (-9) at each named instant: nothing is lost, and nothing answered twice.

The far end is a file that each process appends to, so it remembers what it took from a process that died. There is one
exception to "nothing twice", and it is shown: what a channel took before that was written down, on a channel that cannot
tell whether it has it. Conversations are sent at the same time, so a process may leave one such part for each.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actions.replies import Reply
from connectors import delivery, inbox, outbox
from connectors.messages import Outgoing
from connectors.path import Path as MessagePath
from knowledge.database import connect
from tests.connectors.pathway import FarEnd, Rasa, incoming, messaging, rows, settled, until

QUESTIONS = [("an", "1"), ("an", "2"), ("binh", "3")]
PARTS = ["Phần một của câu trả lời này khá dài.", "Phần hai của câu trả lời này cũng dài."]
POINTS = [
    "before the claim",
    "after the claim",
    "while answering",
    "in the transaction",
    "before its commit",
    "after its commit",
    "before sending",
    "after sending",
    "after sending is written down",
]
_fork = multiprocessing.get_context("fork")


class Disk(FarEnd):
    """Takes messages into a file."""

    def __init__(self, file: Path) -> None:
        super().__init__("zalo")
        self.file = file

    async def send(self, message: Outgoing) -> None:
        line = json.dumps([message.recipient, message.dedupe_key, message.reply.text])
        with self.file.open("a") as file:
            file.write(line + "\n")

    def count(self) -> int:
        """How many lines there are, read while others write."""
        return self.file.read_bytes().count(b"\n") if self.file.exists() else 0

    def lines(self) -> list[tuple[str, str, str]]:
        return [tuple(json.loads(line)) for line in self.file.read_text().splitlines()] if self.file.exists() else []


class KnowingDisk(Disk):
    """Can tell what it has."""

    async def arrived(self, message: Outgoing) -> bool | None:
        return any(key == message.dedupe_key for _, key, _ in self.lines())


def work(url: str, home: Path, point: str | None, channel_class: type[Disk]) -> None:
    """A process: works until nothing waits, or until it is killed at ``point``."""
    signal.alarm(60)  # whatever happens, it does not stay
    inbox.LEASE_S = 2  # type: ignore[misc]
    outbox.LEASE_S = 3  # type: ignore[misc]
    delivery._FIRST_REST_S = 0  # type: ignore[attr-defined]
    engine = connect(url)
    text = " ".join(PARTS)
    rasa = Rasa(lambda sender, said: [Reply(text=text, status="answered")])
    parts = messaging(engine, home, rasa, channel_class(home / "far-end"))
    _dies_at(point, parts, rasa)

    async def run() -> None:
        parts.start()
        await until(lambda: settled(parts), 40.0)
        await parts.close()

    asyncio.run(run())
    os._exit(0)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(function: Callable[..., Any]) -> Callable[..., Any]:
    def dies(*_args: Any, **_values: Any) -> None:
        _die()

    return dies


def _after(function: Callable[..., Any]) -> Callable[..., Any]:
    def dies(*args: Any, **values: Any) -> Any:
        found = function(*args, **values)
        if found is not None and found != []:
            _die()
        return found

    return dies


def _after_call(function: Callable[..., Any]) -> Callable[..., Any]:
    def dies(*args: Any, **values: Any) -> None:
        function(*args, **values)
        _die()

    return dies


def _dies_at(point: str | None, parts: Any, rasa: Rasa) -> None:
    """Make the part that ``point`` names kill the process."""
    channel = parts.channels["zalo"]

    async def send_and_die(message: Outgoing) -> None:
        await Disk.send(channel, message)
        _die()

    deadly: dict[str, tuple[Any, str, Callable[..., Any]]] = {
        "before the claim": (parts.inbox, "claim", _before),
        "after the claim": (parts.inbox, "claim", _after),
        "while answering": (rasa, "say", _before),
        "in the transaction": (parts.outbox, "put", _after),
        "before its commit": (parts.conversations, "record", _after_call),
        "after its commit": (MessagePath, "_finish", _after_call),
        "before sending": (channel, "send", _before),
        "after sending": (channel, "send", lambda _: send_and_die),
        "after sending is written down": (parts.outbox, "sent", _after_call),
    }
    if point:
        where, name, kind = deadly[point]
        setattr(where, name, kind(getattr(where, name)))


def _run(*args: Any) -> int:
    process = _fork.Process(target=work, args=args)
    process.start()
    process.join(90)
    return process.exitcode if process.exitcode is not None else 0


def _asked(url: str, home: Path) -> None:
    engine = connect(url)
    parts = messaging(engine, home, Rasa(), Disk(home / "far-end"))
    for sender, key in QUESTIONS:
        assert parts.inbox.put(incoming(sender, key))
    engine.dispose()


@pytest.mark.parametrize("channel_class", [Disk, KnowingDisk])
@pytest.mark.parametrize("point", POINTS)
def test_killed(point: str, channel_class: type[Disk], database_url: str, tmp_path: Path) -> None:
    far_end = channel_class(tmp_path / "far-end")
    _asked(database_url, tmp_path)
    assert _run(database_url, tmp_path, point, channel_class) == -signal.SIGKILL
    engine = connect(database_url)
    written = {row["dedupe_key"] for row in rows(engine, "outbox") if row["sent_at"]}
    unwritten = {key for _, key, _ in far_end.lines()} - written
    assert _run(database_url, tmp_path, None, channel_class) == 0
    taken = Counter(far_end.lines())
    for sender, number in Counter(sender for sender, _ in QUESTIONS).items():
        texts = [text for recipient, _, text in taken if recipient == sender]
        assert texts == PARTS * number, "all of it, in order"
    twice = {key for (_, key, _), number in taken.items() if number > 1}
    assert twice <= (unwritten if channel_class is Disk else set())
    assert twice or channel_class is KnowingDisk or point != "after sending", "there the exception is sure to show"
    assert max(taken.values()) <= 2
    parts = messaging(engine, tmp_path, Rasa(), far_end)
    assert parts.inbox.counts() == {"waiting": 0, "done": 3, "dead": 0}
    assert parts.outbox.counts() == {"waiting": 0, "sent": 6, "dead": 0}
    said = [entry.who for sender in ("an", "binh") for entry in parts.transcripts.recent(f"zalo:{sender}")]
    assert said == ["citizen", "bot"] * 3
    engine.dispose()


def test_two_processes_and_one_killed_again_and_again(database_url: str, tmp_path: Path) -> None:
    """Two work at once; in each round one is killed after some parts are sent, and all is answered in order."""
    engine = connect(database_url)
    far_end = KnowingDisk(tmp_path / "far-end")
    parts = messaging(engine, tmp_path, Rasa(), far_end)
    killed = 0
    for number, sent in enumerate((2, 10, 20, None)):
        for sender, message in itertools.product(range(5), range(3)):
            parts.inbox.put(incoming(f"s{sender}", f"{sender}-{number}-{message}"))
        before = far_end.count()
        both = [_fork.Process(target=work, args=(database_url, tmp_path, None, KnowingDisk)) for _ in range(2)]
        for process in both:
            process.start()
        while sent is not None and both[0].is_alive() and far_end.count() < before + sent:
            time.sleep(0.001)
        if sent is not None and both[0].is_alive():
            os.kill(both[0].pid, signal.SIGKILL)  # type: ignore[arg-type]
            killed += 1
        for process in both:
            process.join(90)
            if process.exitcode is None:
                process.kill()
    engine.dispose()
    lines = far_end.lines()
    assert killed, "or this proves nothing"
    assert len(lines) == len(set(lines)) == 4 * 5 * 3 * 2
    for sender in range(5):
        keys = [int(key.split(":")[1]) for recipient, key, _ in lines if recipient == f"s{sender}"]
        assert keys == sorted(keys)
