"""Lock-out by account and by address, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from connectors.staff.lockout import PER_ACCOUNT, PER_ADDRESS, Lockout, StaffTry
from knowledge.database import connect

KEY = b"a key for tests, of 32 bytes ...!"


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lockout(engine: sa.Engine, clock: Clock) -> Lockout:
    return Lockout(engine, KEY, clock)


def test_the_wait_grows_up_to_a_quarter_of_an_hour(lockout: Lockout, clock: Clock) -> None:
    assert [lockout.begin("lan", None) for _ in range(PER_ACCOUNT.free)] == [None] * 5
    waits = []
    for _ in range(6):
        wait_s = lockout.begin("lan", None)
        assert wait_s
        waits.append(wait_s)
        clock.now += wait_s - 1
        assert lockout.begin("lan", None) == 1
        clock.now += 1
        assert lockout.begin("lan", None) is None
    assert waits == [60, 120, 240, 480, 900, 900]


def test_another_account_is_not_held_up(lockout: Lockout) -> None:
    for _ in range(6):
        lockout.begin("lan", "192.0.2.1")
    assert lockout.begin("mai", "192.0.2.1") is None


def test_an_address_that_tries_many_names_must_wait(lockout: Lockout, clock: Clock) -> None:
    for number in range(PER_ADDRESS.free):
        assert lockout.begin(f"name{number}", "192.0.2.1") is None
    assert lockout.begin("lan", "192.0.2.1") == 60
    assert lockout.begin("lan", "192.0.2.2") is None
    clock.now += PER_ADDRESS.forget_s
    assert lockout.begin("lan", "192.0.2.1") is None


def test_a_right_sign_in_forgets_the_account_and_not_the_address(lockout: Lockout) -> None:
    for _ in range(PER_ADDRESS.free):
        assert lockout.begin("lan", "2001:db8::1") is None
        lockout.clear("lan")
    assert lockout.begin("lan", "2001:db8::2") == 60, "one IPv6 network is one address"


def test_failures_are_forgotten_after_a_day(lockout: Lockout, clock: Clock) -> None:
    for _ in range(PER_ACCOUNT.free - 1):
        lockout.begin("lan", None)
    clock.now += PER_ACCOUNT.forget_s
    assert [lockout.begin("lan", None) for _ in range(5)] == [None] * 5
    clock.now += PER_ACCOUNT.forget_s
    assert lockout.sweep() == 1


def test_tries_at_once_do_not_get_past_the_limit(lockout: Lockout) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: lockout.begin("lan", "192.0.2.1"), range(30)))
    assert outcomes.count(None) == PER_ACCOUNT.free


def test_other_processes_count_with(lockout: Lockout, database_url: str, clock: Clock) -> None:
    other = connect(database_url)
    for _ in range(PER_ACCOUNT.free):
        lockout.begin("lan", None)
    assert Lockout(other, KEY, clock).begin("lan", None) == 60
    other.dispose()


def test_neither_names_nor_addresses_are_stored(lockout: Lockout, engine: sa.Engine) -> None:
    lockout.begin("lan", "192.0.2.1")
    with engine.connect() as connection:
        rows = str(connection.execute(sa.select(StaffTry)).all())
    assert "lan" not in rows
    assert "192.0.2.1" not in rows
