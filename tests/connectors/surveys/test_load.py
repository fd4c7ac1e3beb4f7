"""Fifty survey answers a second for a minute while the database is killed and started again: none lost, none doubled.

The real app in a process of its own, on a PostgreSQL cluster of the test's own. A person whose answer meets a dead database
sees a page that says so, and presses the button again: so does this test, with the same form.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from actions.feedback.instruments import POLL, load
from connectors.running import free_port
from knowledge.database import connect
from knowledge.settings import ROOT, Settings
from tests.postgres_cluster import Cluster, cluster

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

RATE, SECONDS = 50, 60
KILLED_AT_S, AWAY_S = 25, 5
GIVEN_UP_S = 60
ITEMS = [item.id for item in load()[POLL].items if item.scale]


@dataclass
class Seen:
    """What the people who answered saw."""

    times_ms: list[float] = field(default_factory=list)
    refusals: Counter[int | str] = field(default_factory=Counter)
    accepted: set[str] = field(default_factory=set)


def marker(number: int) -> str:
    """A word of its own for each answer, which nobody takes for personal data."""
    letters = "bcdghklm"
    digits = [letters[number // 8**place % 8] + "a" for place in range(5)]
    return "góp ý " + "".join(digits)


async def answer(http: httpx.AsyncClient, number: int, seen: Seen) -> None:
    """One person: opens the page, fills it in, and presses the button until it is taken."""
    headers = {"x-forwarded-for": f"198.51.{number // 250 % 250}.{number % 250 + 1}"}
    form: dict[str, str] = {}
    chance = random.Random(number)
    until = time.monotonic() + GIVEN_UP_S
    started = time.perf_counter()
    while time.monotonic() < until:
        try:
            if not form:
                page = await http.get(f"/khao-sat/{POLL}", headers=headers)
                found = re.search(r'name="ma_phieu" value="([^"]+)"', page.text)
                if not found:
                    seen.refusals[page.status_code] += 1
                    await asyncio.sleep(1)
                    continue
                chosen = {item: str(chance.randint(1, 5)) for item in ITEMS if chance.random() < 0.8}
                form = {"ma_phieu": found.group(1), "comment": marker(number), **chosen}
            done = await http.post(f"/khao-sat/{POLL}", data=form, headers=headers)
        except httpx.HTTPError as error:
            seen.refusals[type(error).__name__] += 1
        else:
            if done.status_code == 303:
                seen.times_ms.append((time.perf_counter() - started) * 1000)
                seen.accepted.add(marker(number))
                return
            seen.refusals[done.status_code] += 1
        await asyncio.sleep(1 + chance.random())


async def minute(url: str, database: Cluster) -> Seen:
    """``RATE`` people a second, with the database away for a while in the middle."""
    seen = Seen()
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(base_url=url, timeout=20.0, limits=limits) as http:
        people = []
        outage = asyncio.create_task(_outage(database))
        start = time.monotonic()
        for number in range(RATE * SECONDS):
            await asyncio.sleep(max(0.0, start + number / RATE - time.monotonic()))
            people.append(asyncio.create_task(answer(http, number, seen)))
        await asyncio.gather(*people)
        await outage
    return seen


async def _outage(database: Cluster) -> None:
    await asyncio.sleep(KILLED_AT_S)
    await asyncio.to_thread(database.kill)
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(database.start)


@contextmanager
def app(settings: Settings, database: Cluster) -> Iterator[str]:
    """The installation's app, without Rasa, on this database."""
    port = free_port()
    environment = os.environ | {
        "MOTCUA_HOME": str(settings.home), "MOTCUA_DATABASE_URL": database.url, "MOTCUA_RASA_URL": "http://127.0.0.1:9",
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "uvicorn", "--factory", "connectors.app:create_app", "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx.get(f"{url}/healthz", timeout=2.0)
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def test_no_answer_is_lost_or_doubled(starter_settings: Settings, tmp_path: Path) -> None:
    with cluster() as database, app(starter_settings, database) as url:
        started = time.monotonic()
        seen = asyncio.run(minute(url, database))
        took = time.monotonic() - started
        engine = connect(database.url)
        with engine.connect() as connection:
            comments = connection.execute(sa.text("select comments ->> 'comment' from survey_response")).scalars().all()
        engine.dispose()
    stored = Counter(comments)
    quick = statistics.quantiles(seen.times_ms, n=100)
    print(
        f"\n{RATE * SECONDS} answers in {took:.0f} s, database away for {AWAY_S} s: {len(stored)} stored, "
        f"{sum(stored.values()) - len(stored)} doubled, refused meanwhile {dict(seen.refusals)}, "
        f"page and answer p50 {quick[49]:.0f} ms, p95 {quick[94]:.0f} ms"
    )
    assert seen.refusals, "the outage was felt, or this proves nothing"
    assert set(seen.refusals) <= {502, 503, "ConnectError", "ReadTimeout", "RemoteProtocolError"}, "a clear page, never a 500"
    assert seen.accepted == {marker(number) for number in range(RATE * SECONDS)}
    assert set(stored) == seen.accepted, "none lost"
    assert max(stored.values()) == 1, "none doubled"
