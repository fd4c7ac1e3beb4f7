"""Which system is asked for a dossier, and the promise that the asker hears within seconds whatever happens there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from actions.dossiers.adapters.reading import ABOUT_ONE_DOSSIER
from actions.dossiers.adapters.remote import where
from actions.dossiers.breaker import Breaker
from actions.dossiers.dossier import (
    Adapter,
    Found,
    NotFoundOrMismatch,
    NotThisSystem,
    Proof,
    RateLimited,
    Result,
    Unavailable,
)

logger = logging.getLogger(__name__)

_ORDER = (Found, RateLimited, Unavailable, NotFoundOrMismatch, NotThisSystem)
"""Of several results the first of these is told: "no such dossier" holds only when every system says so."""

_TRY_NEXT = (NotThisSystem, Unavailable)


@dataclass(frozen=True)
class Patience:
    """How much a lookup may cost.

    ``overall_s``: seconds until the asker gets a result, at most. ``system_s``: seconds that one system may use of
    them, less than ``overall_s``, so that another system can still be asked. ``concurrency``: lookups at one system at
    the same time; others wait their turn. ``threshold`` failures in a row spare a system for ``rest_s`` seconds.
    """

    overall_s: float = 4.5
    system_s: float = 3.5
    concurrency: int = 8
    threshold: int = 5
    rest_s: float = 30.0


class Dossiers:
    """All connected systems.

    An adapter may have ``specificity(code) -> int``, how exactly its patterns name the code's agency. The systems that
    name it most exactly are asked, several with the same exactness at once. The next best are asked when those say
    that the dossier is not theirs, or do not answer. Adapters without ``specificity`` come last.
    """

    def __init__(self, adapters: Iterable[Adapter], patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._systems = [_System(adapter, self._patience) for adapter in adapters]

    async def lookup(self, code: str, proof: Proof | None) -> Result:
        """Look one dossier up.

        Args:
            code: a normalised dossier code.
            proof: the second factor; None only for staff, whose right was proved otherwise.

        Never raises, and ends within ``overall_s`` seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience.overall_s
        best: Result = NotThisSystem()
        for systems in self._groups(code):
            best = _better(best, await _ask_all(systems, code, proof, deadline))
            if not isinstance(best, _TRY_NEXT) or loop.time() >= deadline:
                break
        return best

    def health(self) -> dict[str, bool]:
        """For each system's name, whether it is being asked (and not spared)."""
        return {system.name: not system.breaker.is_open for system in self._systems}

    async def close(self) -> None:
        """Close the adapters' connections."""
        for system in self._systems:
            close = getattr(system.adapter, "close", None)
            if close:
                await close()

    def _groups(self, code: str) -> list[list[_System]]:
        """Systems that may hold the code: those that fit best first, equals together."""
        fits: dict[int, list[_System]] = {}
        for system in self._systems:
            fit = system.fit(code)
            if fit is not None:
                fits.setdefault(fit, []).append(system)
        return [fits[fit] for fit in sorted(fits, reverse=True)]


class _System:
    """One adapter with what protects it from us, and us from it."""

    def __init__(self, adapter: Adapter, patience: Patience) -> None:
        self.adapter, self.name = adapter, adapter.name
        self.breaker = Breaker(patience.threshold, patience.rest_s)
        self._slots = asyncio.Semaphore(patience.concurrency)
        self._limit_s = patience.system_s
        self._rest_s = patience.rest_s

    def fit(self, code: str) -> int | None:
        """How well the adapter covers the code, None when it does not."""
        try:
            if not self.adapter.covers(code):
                return None
            specificity = getattr(self.adapter, "specificity", None)
            return specificity(code) if specificity else 0
        except Exception as error:  # one adapter's mistake must not cost the answer of another
            logger.error("%s: covers: %s", self.name, where(error))
            return None

    async def ask(self, code: str, proof: Proof | None, deadline: float) -> Result:
        """One lookup, or none when the system is spared or has too many under way."""
        if self.breaker.is_open and self._slots.locked():
            return Unavailable("spared after failures")
        deadline = min(deadline, asyncio.get_running_loop().time() + self._limit_s)
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError:
            return Unavailable("too many lookups under way")
        try:
            return await self._call(code, proof, deadline)
        finally:
            self._slots.release()

    async def _call(self, code: str, proof: Proof | None, deadline: float) -> Result:
        ticket = self.breaker.admit()
        if ticket is None:
            return Unavailable("spared after failures")
        started = time.perf_counter()
        result: Result | None = None
        judged = True
        try:
            async with asyncio.timeout_at(deadline):
                result = await self.adapter.lookup(code, proof)
            if not isinstance(result, get_args(Result)):
                result = Unavailable(f"the adapter returned {type(result).__name__}")
        except TimeoutError:
            # Who waited long for a slot had little time left: that this was not enough says nothing of the system.
            judged = time.perf_counter() - started > self._limit_s / 2
            result = Unavailable("no answer in time")
        except Exception as error:  # adapters promise not to raise; a broken promise must not reach the citizen
            logger.error("%s: %s", self.name, where(error))
            result = Unavailable(f"unexpected {type(error).__name__}")
        finally:
            self._judge(ticket, result if judged else None)
        kind, took_ms = type(result).__name__, (time.perf_counter() - started) * 1000
        logger.info("%s: %s%s in %.0f ms", self.name, kind, _reason(result), took_ms)
        return result

    def _judge(self, ticket: int, result: Result | None) -> None:
        """Tell the breaker; without a result nobody can tell, as when the asker left."""
        failed = isinstance(result, Unavailable) and result.reason not in ABOUT_ONE_DOSSIER
        if self.breaker.report(ticket, None if result is None else not failed):
            logger.warning("%s: spared for %.0f s after failures%s", self.name, self._rest_s, _reason(result))


async def _ask_all(systems: list[_System], code: str, proof: Proof | None, deadline: float) -> Result:
    """Ask systems at once; the first that has the dossier ends it."""
    loop = asyncio.get_running_loop()
    pending = {asyncio.create_task(system.ask(code, proof, deadline)) for system in systems}
    best: Result = NotThisSystem()
    try:
        while pending and not isinstance(best, Found):
            # wait() returns on time even when a task does not react to its own deadline.
            grace_s = max(0.0, deadline - loop.time()) + 0.1
            done, pending = await asyncio.wait(pending, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                best = _better(best, task.result())
            if not done:
                return _better(best, Unavailable("no answer in time"))
        return best
    finally:
        for task in pending:
            task.cancel()


def _better(one: Result, other: Result) -> Result:
    return min(one, other, key=lambda result: next(n for n, kind in enumerate(_ORDER) if isinstance(result, kind)))


def _reason(result: Result | None) -> str:
    if isinstance(result, RateLimited):
        return f" ({result.retry_after_s} s)"
    return f" ({result.reason})" if isinstance(result, Unavailable) and result.reason else ""
