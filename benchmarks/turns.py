"""Full turns: a person's message through the web channel, Rasa, action and search, and the answer back.

Talks to a running motcua on this machine (``--url``), or starts one over an installation (``--home``).
Every user goes through dialogues of the benchmark, each in a conversation of its own, the next
message when the answer to the last has come. Users, app and Rasa share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from benchmarks.metrics import percentile
from benchmarks.processes import cpu_seconds, environment, listening_on, memory
from benchmarks.report import Report, Table, parser, say
from connectors import bot_process
from connectors.running import running
from knowledge.evaluation import Dialogue, DialogueTurn, Expectation, read_questions
from knowledge.search.decision import Decision
from knowledge.search.engine import is_current, rebuild
from knowledge.settings import ROOT, Settings

DIALOGUES = ROOT / "tests" / "benchmark" / "dialogues.jsonl"
MAX_USERS, MAX_MESSAGES, MAX_TURNS = 64, 5_000, 4
TIMEOUT_S = 60.0
ANSWERED = ("answered", "not_published")
REDUCED = "chế độ tra cứu nhanh"
"""Words that the app adds to an answer it gave without Rasa."""


@dataclass
class Outcome:
    """What one level of load brought. ``ms`` are times of turns, ``cpu_s`` the CPU time that each process took."""

    users: int
    ms: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    reduced: int = 0
    to_answer: int = 0
    right: int = 0
    wall_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__)
    where = made.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", type=loopback, help="a motcua that runs on this machine, e.g. http://127.0.0.1:8000")
    where.add_argument("--home", type=Path, help="an installation; app and Rasa are started on free ports and stopped")
    made.add_argument("--users", type=bounded(MAX_USERS), nargs="+", default=[1, 8, 32], metavar="N")
    made.add_argument("--messages", type=bounded(MAX_MESSAGES), default=400, metavar="N", help="a level (default 400)")
    return made.parse_args(argv)


def loopback(url: str) -> str:
    """An address of this machine; load is sent nowhere else."""
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
        raise argparse.ArgumentTypeError("only a motcua on this machine (127.0.0.1) is put under load")
    return url.rstrip("/")


def bounded(most: int):  # type: ignore[no-untyped-def]
    def number(text: str) -> int:
        value = int(text)
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"from 1 to {most}")
        return value

    return number


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    dialogues = read_questions(DIALOGUES)[1]
    with _motcua(options) as url:
        pids = processes(url)
        asyncio.run(load(url, dialogues, users=2, messages=16, pids={}))  # warm-up
        before = {name: memory(pid) for name, pid in pids.items()}
        outcomes = []
        for users in options.users:
            say(f"{options.messages} messages by {users} users …")
            outcomes.append(asyncio.run(load(url, dialogues, users, options.messages, pids)))
        after = {name: memory(pid) for name, pid in pids.items()}
    rows = [[name, before[name].resident, m.resident, m.own, m.file, m.peak] for name, m in after.items()]
    rows.append(["all", *(sum(row[i] for row in rows) for i in range(1, 6))])  # type: ignore[misc]
    columns = ["process", "RSS MiB before", "RSS MiB after", "of it own", "of it mapped files", "peak RSS MiB"]
    notes = [
        "failed: no answer, or one of status error; reduced: answered without Rasa",
        "right: share of the turns to be answered that were, for a right procedure; if it is low, something is broken",
        "the users run on the same cores: their own CPU time a message is in the table",
        *(f"statuses at {o.users} users: {dict(o.statuses.most_common())}" for o in outcomes),
    ]
    Report("turns", [_speed(outcomes), Table("memory", columns, rows)], notes).publish(options.json)


def _speed(outcomes: list[Outcome]) -> Table:
    names = list(outcomes[0].cpu_s)
    columns = ["users", "messages", "p50 ms", "p95 ms", "max ms", "messages/s", "failed", "reduced", "right"]
    rows = []
    for o in outcomes:
        sent = len(o.ms)
        times = [percentile(o.ms, 50), percentile(o.ms, 95), max(o.ms)] if o.ms else [None] * 3
        cpu = [o.cpu_s[name] * 1000 / max(1, sent) for name in names]
        right = o.right / o.to_answer if o.to_answer else None
        rows.append([o.users, sent, *times, sent / o.wall_s, o.failed, o.reduced, right, *cpu])
    return Table("full turns", [*columns, *(f"CPU ms a message: {name}" for name in names)], rows)


@contextlib.contextmanager
def _motcua(options: argparse.Namespace) -> Iterator[str]:
    """The base URL to talk to."""
    if options.url:
        yield options.url
        return
    # Port 1: nobody serves there, so that an installation of its own is started.
    settings = Settings(home=options.home).model_copy(update={"port": 1})
    if not is_current(settings):
        say("bringing the index up to date …")
        rebuild(settings)
    if not bot_process.is_trained(settings):
        say("training Rasa …")
        bot_process.train(settings)
    with running(settings, say) as url:
        yield url


def processes(url: str) -> dict[str, int]:
    """The app behind ``url`` and the Rasa server that it talks to, as far as they are ours to look at."""
    app = listening_on(urlsplit(url).port or 80)
    if app is None:
        return {}
    rasa_url = environment(app).get("MOTCUA_RASA_URL", Settings().rasa_url)
    rasa = listening_on(urlsplit(rasa_url).port or 80)
    return {"app": app} | ({"Rasa": rasa} if rasa else {})


async def load(url: str, dialogues: Sequence[Dialogue], users: int, messages: int, pids: dict[str, int]) -> Outcome:
    """Let ``users`` people talk at the same time until about ``messages`` messages are answered."""
    outcome = Outcome(users)
    waiting = iter(_talks(dialogues, messages))
    limits = httpx.Limits(max_connections=users, max_keepalive_connections=users)
    before = _cpu(pids)
    started = time.perf_counter()
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=limits) as http:
        await asyncio.gather(*(_user(http, waiting, outcome) for _ in range(users)))
    outcome.wall_s = time.perf_counter() - started
    outcome.cpu_s = {name: seconds - before[name] for name, seconds in _cpu(pids).items()}
    return outcome


def _talks(dialogues: Sequence[Dialogue], messages: int) -> list[list[DialogueTurn]]:
    """Talks of at most four messages each, as many as make up ``messages``; the last may be cut short."""
    talks: list[list[DialogueTurn]] = []
    left = messages
    for dialogue in itertools.cycle(dialogues):
        if left <= 0:
            return talks
        talks.append(dialogue.turns[: min(MAX_TURNS, left)])
        left -= len(talks[-1])
    return talks


async def _user(http: httpx.AsyncClient, waiting: Iterator[list[DialogueTurn]], outcome: Outcome) -> None:
    for talk in waiting:
        try:
            session = (await http.post("/api/v1/web/sessions")).raise_for_status().json()["session"]
        except httpx.HTTPError:
            outcome.failed += len(talk)
            continue
        for turn in talk:
            await _send(http, session, turn, outcome)


async def _send(http: httpx.AsyncClient, session: str, turn: DialogueTurn, outcome: Outcome) -> None:
    started = time.perf_counter()
    try:
        response = await http.post("/api/v1/web/messages", json={"session": session, "text": turn.user})
        replies = response.raise_for_status().json()["messages"]
    except (httpx.HTTPError, json.JSONDecodeError):
        outcome.failed += 1
        return
    outcome.ms.append((time.perf_counter() - started) * 1000)
    count(outcome, turn.expect, replies)


def count(outcome: Outcome, expect: Expectation, replies: list[dict[str, Any]]) -> None:
    """Enter the replies to one message."""
    status = replies[-1]["status"]
    outcome.statuses[status] += 1
    outcome.failed += status == "error"
    if expect.behavior is Decision.ANSWER:
        outcome.to_answer += 1
        outcome.right += status in ANSWERED and replies[-1].get("procedure_code") in expect.acceptable_codes
    outcome.reduced += any(REDUCED in reply["text"] for reply in replies)


def _cpu(pids: dict[str, int]) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in pids.items()} | {"users": time.process_time()}


if __name__ == "__main__":
    main()
