"""What tests of watched dossiers share."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from actions.dossiers.changes import Seen
from actions.dossiers.dossier import Dossier, Found, Proof, Result, State
from actions.dossiers.pace import Pace
from actions.dossiers.watching import Subscribed, Watches
from connectors.outbox import Outbox

NOW = dt.datetime(2026, 8, 3, 9, 0)  # a Monday
WEEK = dt.timedelta(days=7)
DUE = NOW + WEEK
"""Whatever was subscribed to at :data:`NOW` is due."""


def code(number: int = 1, agency: str = "H57.17.26") -> str:
    return f"{agency}-260803-{number:04d}"


def dossier(number: int = 1, state: State = State.PROCESSING, agency: str = "H57.17.26", **values: Any) -> Dossier:
    return Dossier(code(number, agency), state, "như hệ thống ghi", "hệ thống thử", NOW, **values)


SEEN = Seen.of(dossier(), NOW)


def empty(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        for table in ("watch", "outbox", "dossier"):
            connection.execute(sa.text(f"delete from {table}"))


def watches_on(engine: sa.Engine, **pace: Any) -> Watches:
    return Watches(engine, Outbox(engine), Pace(chance=random.Random(4), **pace))


def subscribe(watches: Watches, number: int = 1, recipient: str | None = None, agency: str = "H57.17.26") -> None:
    done = watches.subscribe(code(number, agency), "web", recipient or f"r{number}", SEEN, NOW)
    assert done is Subscribed.YES


def messages(engine: sa.Engine) -> list[tuple[str, str]]:
    """Recipient and text of all messages in the outbox, the oldest first."""
    with engine.connect() as connection:
        rows = connection.execute(sa.text("select recipient, payload from outbox order by id")).all()
    texts = (row[1] if isinstance(row[1], dict) else json.loads(row[1] or "{}") for row in rows)
    return [(row[0], text.get("text", "")) for row, text in zip(rows, texts, strict=True)]


def rows(engine: sa.Engine) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.text("select * from watch order by code")).mappings()]


@dataclass
class Scripted:
    """Systems that answer as told: by code, else ``usual``."""

    usual: Result | Callable[[str], Result] = field(default_factory=lambda: Found(dossier()))
    by_code: dict[str, Result] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def lookup(self, code: str, proof: Proof | None) -> Result:
        assert proof is None
        self.asked.append(code)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        usual = self.usual(code) if callable(self.usual) else self.usual
        return self.by_code.get(code, usual)


def all_in(state: State) -> Scripted:
    """Every dossier is in this state."""
    return Scripted(lambda code: Found(Dossier(code, state, "như hệ thống ghi", "hệ thống thử", NOW)))
