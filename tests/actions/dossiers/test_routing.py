"""Which system is asked, how long an asker waits, and how a far end in trouble is spared."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from actions.dossiers.adapters.far_end import Limits
from actions.dossiers.breaker import Breaker
from actions.dossiers.dossier import (
    Dossier,
    Found,
    NotFoundOrMismatch,
    NotThisSystem,
    Proof,
    RateLimited,
    Result,
    State,
    Unavailable,
)
from actions.dossiers.routing import Dossiers, Patience
from tests.emulators import onestop
from tests.emulators.connected import PROTOCOLS, SECRETS, connected, leaks
from tests.emulators.onestop import Emulator

CODE, PROOF = "H57.17.26-261118-0004", Proof("0104")
NOW = onestop.DOSSIERS[0].submitted
SHORT = Patience(overall_s=0.5, system_s=0.3, concurrency=4, threshold=3, rest_s=0.3)


def found(source: str) -> Found:
    return Found(Dossier(CODE, State.PROCESSING, "Đang xử lý", source, NOW))


class Scripted:
    """An adapter that does as it is told."""

    def __init__(self, name: str, does: Any, fit: int = 1) -> None:
        self.name, self.does, self.fit = name, does, fit
        self.asked = self.at_once = self.most_at_once = 0

    def covers(self, code: str) -> bool:
        return self.fit > 0

    def specificity(self, code: str) -> int:
        return self.fit

    async def lookup(self, code: str, proof: Proof | None) -> Result:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if isinstance(self.does, Exception):
                raise self.does
            return await self.does() if callable(self.does) else self.does
        finally:
            self.at_once -= 1


class Plain:
    """An adapter with nothing but the protocol."""

    name = "plain"

    def covers(self, code: str) -> bool:
        return True

    async def lookup(self, code: str, proof: Proof | None) -> Result:
        return found("plain")


def after(seconds: float, result: Result) -> Callable[[], Any]:
    async def wait() -> Result:
        await asyncio.sleep(seconds)
        return result

    return wait


# -- routing ----------------------------------------------------------------------------------------


async def test_a_code_of_nobody_is_not_this_system() -> None:
    assert await Dossiers([]).lookup(CODE, PROOF) == NotThisSystem()
    other = Scripted("other", found("other"), fit=0)
    assert await Dossiers([other]).lookup(CODE, PROOF) == NotThisSystem()
    assert other.asked == 0


async def test_the_system_that_names_the_agency_most_exactly_is_asked_alone() -> None:
    commune, province = Scripted("commune", NotFoundOrMismatch(), fit=4), Scripted("province", found("province"), fit=2)
    assert await Dossiers([province, commune]).lookup(CODE, PROOF) == NotFoundOrMismatch()
    assert (commune.asked, province.asked) == (1, 0)


@pytest.mark.parametrize("first", [NotThisSystem(), Unavailable("x")])
async def test_the_next_best_is_asked_when_the_best_cannot_say(first: Result) -> None:
    result = await Dossiers([Scripted("a", first, fit=4), Plain()]).lookup(CODE, PROOF)
    assert result == found("plain")


async def test_equals_are_asked_at_once_and_the_first_that_has_it_ends_the_wait() -> None:
    slow = Scripted("slow", after(5.0, NotFoundOrMismatch()))
    quick = Scripted("quick", after(0.05, found("quick")))
    started = time.monotonic()
    assert await Dossiers([slow, quick]).lookup(CODE, PROOF) == found("quick")
    assert time.monotonic() - started < 1.0
    await asyncio.sleep(0)
    assert (slow.asked, slow.at_once) == (1, 0)  # and was called off


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ([NotFoundOrMismatch(), NotFoundOrMismatch()], NotFoundOrMismatch()),
        ([NotFoundOrMismatch(), NotThisSystem()], NotFoundOrMismatch()),
        ([NotFoundOrMismatch(), Unavailable("x")], Unavailable("x")),
        ([NotFoundOrMismatch(), RateLimited(9)], RateLimited(9)),
        ([RateLimited(9), found("b")], found("b")),
    ],
)
async def test_not_found_is_told_only_when_every_system_says_so(results: list[Result], told: Result) -> None:
    for order in (results, results[::-1]):
        assert await Dossiers([Scripted(str(n), r) for n, r in enumerate(order)]).lookup(CODE, PROOF) == told


# -- nothing escapes, nothing hangs -----------------------------------------------------------------


@pytest.mark.parametrize(
    "does", [ValueError("Lò Thị Bưởi Mẫu"), KeyError("0300000101"), TimeoutError(), RuntimeError()]
)
async def test_an_adapter_that_raises_is_unavailable(does: Exception, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    result = await Dossiers([Scripted("bad", does)]).lookup(CODE, PROOF)
    assert isinstance(result, Unavailable)
    assert not leaks(repr(result) + caplog.text, logs=True)


@pytest.mark.parametrize("does", [None, "found", {"code": CODE}])
async def test_an_adapter_that_returns_something_else_is_unavailable(does: Any) -> None:
    assert isinstance(await Dossiers([Scripted("bad", does)]).lookup(CODE, PROOF), Unavailable)


async def test_an_adapter_that_cannot_even_judge_a_code_is_left_out() -> None:
    bad = Scripted("bad", found("bad"))
    bad.covers = lambda code: 1 / 0  # type: ignore[method-assign]
    assert await Dossiers([bad, Plain()]).lookup(CODE, PROOF) == found("plain")


async def test_a_hanging_system_costs_no_more_than_its_share_and_another_is_still_asked() -> None:
    hanging = Scripted("hanging", after(60.0, found("hanging")), fit=4)
    started = time.monotonic()
    assert await Dossiers([hanging, Plain()], SHORT).lookup(CODE, PROOF) == found("plain")
    assert SHORT.system_s <= time.monotonic() - started < SHORT.overall_s


async def test_even_an_adapter_that_resists_being_stopped_keeps_nobody_waiting() -> None:
    async def stubborn() -> Result:
        for _ in range(6):
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                continue
        return NotFoundOrMismatch()

    started = time.monotonic()
    result = await Dossiers([Scripted("stubborn", stubborn)], SHORT).lookup(CODE, PROOF)
    assert isinstance(result, Unavailable)
    assert time.monotonic() - started < SHORT.overall_s + 0.5


async def test_a_system_gets_a_bounded_number_of_lookups_at_once() -> None:
    system = Scripted("system", after(0.05, NotFoundOrMismatch()))
    dossiers = Dossiers([system], Patience(concurrency=3))
    results = await asyncio.gather(*(dossiers.lookup(CODE, PROOF) for _ in range(12)))
    assert results == [NotFoundOrMismatch()] * 12
    assert system.most_at_once == 3


async def test_who_waits_too_long_for_a_turn_is_told_so() -> None:
    system = Scripted("system", after(0.25, NotFoundOrMismatch()))
    dossiers = Dossiers([system], Patience(overall_s=0.5, system_s=0.4, concurrency=1, threshold=3))
    started = time.monotonic()
    results = await asyncio.gather(*(dossiers.lookup(CODE, PROOF) for _ in range(6)))
    assert time.monotonic() - started < 1.0
    assert results[0] == NotFoundOrMismatch()
    assert Unavailable("too many lookups under way") in results
    assert dossiers.health() == {"system": True}  # our crowd is not its failure


# -- the breaker ------------------------------------------------------------------------------------


async def test_a_failing_system_is_spared_then_probed_once_then_asked_again() -> None:
    system = Scripted("system", Unavailable("HTTP 500"))
    dossiers = Dossiers([system], SHORT)
    for _ in range(10):
        assert isinstance(await dossiers.lookup(CODE, PROOF), Unavailable)
    assert system.asked == SHORT.threshold
    assert dossiers.health() == {"system": False}

    await asyncio.sleep(SHORT.rest_s)
    await asyncio.gather(*(dossiers.lookup(CODE, PROOF) for _ in range(10)))
    assert system.asked == SHORT.threshold + 1  # one probe, and it failed

    await asyncio.sleep(SHORT.rest_s)
    system.does = after(0.05, NotFoundOrMismatch())
    await asyncio.gather(*(dossiers.lookup(CODE, PROOF) for _ in range(3)))
    assert system.asked == SHORT.threshold + 2
    assert dossiers.health() == {"system": True}
    await asyncio.gather(*(dossiers.lookup(CODE, PROOF) for _ in range(3)))
    assert system.asked == SHORT.threshold + 5


async def test_timeouts_open_the_breaker() -> None:
    system = Scripted("system", after(60.0, NotFoundOrMismatch()))
    dossiers = Dossiers([system], Patience(overall_s=0.2, system_s=0.1, threshold=2))
    for _ in range(4):
        assert isinstance(await dossiers.lookup(CODE, PROOF), Unavailable)
    assert system.asked == 2


async def test_answers_of_any_kind_and_odd_dossiers_are_no_failures() -> None:
    odd = [Unavailable("the dossier cannot be read"), Unavailable("the answer is about another dossier")]
    for result in (NotFoundOrMismatch(), RateLimited(3), found("x"), *odd):
        system = Scripted("system", result)
        dossiers = Dossiers([system], SHORT)
        for _ in range(10):
            await dossiers.lookup(CODE, PROOF)
        assert system.asked == 10, result


async def test_an_asker_who_leaves_is_no_failure_and_takes_no_slot_along() -> None:
    system = Scripted("system", after(60.0, NotFoundOrMismatch()))
    dossiers = Dossiers([system], Patience(concurrency=2, threshold=1))
    for _ in range(5):
        task = asyncio.create_task(dossiers.lookup(CODE, PROOF))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.01)
    assert (system.asked, system.at_once) == (5, 0)
    assert dossiers.health() == {"system": True}


async def test_an_asker_who_leaves_during_the_probe_does_not_heal_the_system() -> None:
    system = Scripted("system", Unavailable("HTTP 500"))
    dossiers = Dossiers([system], Patience(threshold=1, rest_s=0.05))
    await dossiers.lookup(CODE, PROOF)
    await asyncio.sleep(0.06)
    system.does = after(60.0, NotFoundOrMismatch())
    task = asyncio.create_task(dossiers.lookup(CODE, PROOF))
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.sleep(0.02)
    assert system.asked == 2
    assert dossiers.health() == {"system": False}


def test_a_probe_that_is_called_off_lets_the_next_one_through() -> None:
    clock = [0.0]
    breaker = Breaker(threshold=1, rest_s=10, clock=lambda: clock[0])
    late = breaker.admit()
    first = breaker.admit()
    assert first is not None and late is not None
    assert breaker.report(first, False)
    assert breaker.admit() is None
    assert not breaker.report(late, True)  # under way when it opened: tells nothing new
    assert breaker.is_open
    clock[0] = 10.0
    probe = breaker.admit()
    assert probe is not None
    assert breaker.admit() is None
    breaker.report(probe, None)
    again = breaker.admit()
    assert again is not None
    breaker.report(again, True)
    assert not breaker.is_open


# -- with the emulator ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator()
    with onestop.running(emulator) as url:
        yield emulator, url


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", ["http-500", "loris-body", "html", "reset"])
async def test_a_storm_of_failures_spares_the_far_end(
    protocol: str,
    fault: str,
    served: tuple[Emulator, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    caplog.set_level(logging.DEBUG)
    emulator, url = served
    emulator.reset()
    total_s = 0.7 if fault == "loris-body" else 3.0  # room for a busy machine where no time-out is wanted
    adapter = connected(protocol, url, Limits(total_s=total_s))
    dossiers = Dossiers([adapter], Patience(concurrency=4, threshold=3, rest_s=0.5))
    emulator.break_it(fault)
    started = time.monotonic()
    results = await asyncio.gather(*(dossiers.lookup(CODE, PROOF) for _ in range(50)))
    assert time.monotonic() - started < 4.5
    assert {type(result) for result in results} == {Unavailable}
    assert emulator.asked <= 3 + 4  # the threshold, and what was under way by then
    asked = emulator.asked

    await asyncio.sleep(0.5)
    emulator.heal()
    results = await asyncio.gather(*(dossiers.lookup(CODE, PROOF) for _ in range(10)))
    assert sum(isinstance(result, Found) for result in results) == 1
    assert emulator.asked - asked == (2 if protocol == "igate" else 1)  # one probe; a token comes before it
    results = await asyncio.gather(*(dossiers.lookup(CODE, PROOF) for _ in range(10)))
    assert all(isinstance(result, Found) for result in results)
    assert not leaks(caplog.text, logs=True)
    await dossiers.close()
