"""One polite round of asking about watched dossiers, and telling what changed.

The right to know was proved when the person subscribed, so systems are asked without proof. A system that does not
answer, or says that it knows no such dossier, is asked less and less; the person hears nothing of that.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from actions.dossiers.adapters.reading import ABOUT_ONE_DOSSIER
from actions.dossiers.adapters.remote import where
from actions.dossiers.changes import ENDED, headline, words
from actions.dossiers.dossier import Dossier, Found, Proof, RateLimited, Result, Unavailable
from actions.dossiers.explanation import Contact, explain
from actions.dossiers.pace import is_daytime
from actions.dossiers.watching import Claimed, Watches, by_system
from actions.replies import Reply, ReplyOption

logger = logging.getLogger(__name__)

Tell = Callable[[Dossier, dt.datetime], Reply]
"""Explains a dossier as it is at a moment."""


class Systems(Protocol):
    """What is asked: :class:`actions.dossiers.routing.Dossiers`."""

    async def lookup(self, code: str, proof: Proof | None) -> Result: ...


@dataclass(frozen=True)
class Round:
    """What one round did. ``night``: it was no time for it, nothing was done."""

    night: bool = False
    expired: int = 0  # ended because their days are over
    asked: int = 0
    told: int = 0
    unchanged: int = 0
    ended: int = 0  # of those asked about: nothing more will come
    unanswered: int = 0
    put_off: int = 0  # not asked, because their system did not answer before
    lost: int = 0  # ended by their owner, or taken over by another process, meanwhile

    def to_dict(self) -> dict[str, int | bool]:
        return dataclasses.asdict(self)


async def poll(watches: Watches, dossiers: Systems, now: dt.datetime, tell: Tell | None = None) -> Round:
    """Ask about what is due, and put messages about changes into the outbox.

    May run in several processes at once, and may be killed at any moment: each change is told once.

    Args:
        watches: the subscriptions, with their outbox and pace.
        dossiers: the systems to ask.
        now: Vietnam's time, naive.
        tell: explains a dossier; :func:`~actions.dossiers.explanation.explain` by itself where not given.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer; what was taken is due again after the lease.
    """
    if not is_daytime(now):
        return Round(night=True)
    expired = await asyncio.to_thread(watches.expire, now)
    claimed = await asyncio.to_thread(watches.claim, now)
    work = _Work(watches, dossiers, now, tell or plainly)
    ends = await asyncio.gather(*map(work.ask_in_turn, by_system(claimed)), return_exceptions=True)
    for error in filter(None, ends):  # one system's trouble must not cut short the others
        raise error
    return Round(expired=expired, **work.counts)


def plainly(dossier: Dossier, now: dt.datetime, contact: Contact | None = None) -> Reply:
    """The explanation and nothing else; ``contact``: whom to ask."""
    text = explain(dossier, now, contact=contact).text
    return Reply(text=text, status="dossier_found", procedure_code=dossier.procedure_code)


def message(line: str, reply: Reply, *, last: bool) -> Reply:
    """The explanation under one line that says what changed."""
    said = words()
    options = [] if last else [ReplyOption(label=said["stop"], payload=said["stop"].lower())]
    text = f"{line}\n\n{reply.text}\n\n{said['last' if last else 'more']}"
    return reply.model_copy(update={"text": text, "options": options})


class _Work:
    """A round under way."""

    def __init__(self, watches: Watches, dossiers: Systems, now: dt.datetime, tell: Tell) -> None:
        self._watches, self._dossiers, self._now, self._tell = watches, dossiers, now, tell
        self.counts: Counter[str] = Counter()

    async def ask_in_turn(self, claimed: Sequence[Claimed]) -> None:
        """One system's dossiers, one after the other, so that citizens who ask meanwhile are not kept waiting."""
        silent = 0
        for one in claimed:
            if silent >= self._watches.pace.patience:
                await self._put_off(one)
                continue
            self.counts["asked"] += 1
            result = await self._dossiers.lookup(one.code, None)
            silent = silent + 1 if _is_silent(result) else 0
            if isinstance(result, RateLimited):
                silent = self._watches.pace.patience
            if isinstance(result, Found):
                await self._compare(one, result.dossier)
            else:
                await self._unanswered(one, result)

    async def _compare(self, one: Claimed, dossier: Dossier) -> None:
        over = dossier.state in ENDED
        try:
            seen = one.seen.then(dossier, self._now)
            line = headline(one.seen, dossier, self._now)
            reply = message(line, self._tell(dossier, self._now), last=over) if line else None
        except Exception as error:  # one dossier that nobody can explain must not hold up the others
            logger.error("a watched dossier cannot be explained: %s", where(error))
            await self._unanswered(one, Unavailable())
            return
        next_at = None if over else self._watches.pace.next_at(self._now)
        if reply:
            kept = await asyncio.to_thread(self._watches.told, one, seen, reply, self._now, next_at)
        else:
            kept = await asyncio.to_thread(self._watches.unchanged, one, seen, next_at)
        self._count("told" if reply else "unchanged", kept)
        self.counts["ended"] += kept and over

    async def _unanswered(self, one: Claimed, result: Result) -> None:
        failures = one.failures + 1
        wait_s = result.retry_after_s if isinstance(result, RateLimited) else 0
        next_at = self._watches.pace.next_at(self._now, failures, wait_s)
        self._count("unanswered", await asyncio.to_thread(self._watches.put_off, one, failures, next_at))

    async def _put_off(self, one: Claimed) -> None:
        next_at = self._watches.pace.next_at(self._now, one.failures)
        self._count("put_off", await asyncio.to_thread(self._watches.put_off, one, one.failures, next_at))

    def _count(self, what: str, kept: bool) -> None:
        self.counts[what if kept else "lost"] += 1


def _is_silent(result: Result) -> bool:
    """Whether the system itself is in trouble, not just this dossier."""
    return isinstance(result, Unavailable) and result.reason not in ABOUT_ONE_DOSSIER
