"""Accounts and their sessions on both databases."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from actions.audit import Audit
from connectors.staff.accounts import AccountError, Accounts
from connectors.staff.lockout import StaffTry
from connectors.staff.roles import Member, Role
from connectors.staff.sessions import Sessions
from connectors.staff.tables import StaffSession
from knowledge.database import Base, connect, migrate

PASSWORD = "một câu dài dễ nhớ"
NINE = dt.datetime(2026, 11, 24, 9, 0)


class Clock:
    def __init__(self) -> None:
        self.now = NINE

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(engine: sa.Engine) -> Accounts:
    return Accounts(engine)


@pytest.fixture
def sessions(engine: sa.Engine, clock: Clock) -> Sessions:
    return Sessions(engine, dt.timedelta(minutes=60), dt.timedelta(hours=10), clock)


def test_an_account_is_found_in_any_spelling(accounts: Accounts) -> None:
    accounts.add(" Can.Bo ", Role.AGENT, display="Chị Lan", password=PASSWORD)
    found = accounts.get("CAN.BO")
    assert found
    assert found.member == Member("can.bo", "Chị Lan", Role.AGENT)
    assert found.password_hash
    assert PASSWORD not in found.password_hash
    assert accounts.get("cán bộ") is None


@pytest.mark.parametrize("name", ["", "a", "cán bộ", "có dấu", "-x", "x" * 61, "a/b", "a\nb"])
def test_names_that_cannot_be(accounts: Accounts, name: str) -> None:
    with pytest.raises(AccountError):
        accounts.add(name, Role.AGENT, password=PASSWORD)


def test_a_name_or_subject_is_taken_once(accounts: Accounts) -> None:
    accounts.add("lan", Role.AGENT, oidc_subject="s1")
    with pytest.raises(AccountError, match="already"):
        accounts.add("LAN", Role.AGENT, password=PASSWORD)
    with pytest.raises(AccountError, match="already"):
        accounts.add("mai", Role.AGENT, oidc_subject="s1")
    with pytest.raises(AccountError, match="password or an OIDC subject"):
        accounts.add("mai", Role.AGENT)


def test_a_session_is_only_its_browsers(accounts: Accounts, sessions: Sessions, engine: sa.Engine) -> None:
    account = accounts.add("lan", Role.OFFICER, password=PASSWORD)
    token = sessions.start(account)
    assert token
    assert sessions.find(token) == account.member
    assert sessions.find(token[:-1]) is None
    with engine.connect() as connection:
        assert token not in str(connection.execute(sa.select(StaffSession)).all())
    found = accounts.get("lan")
    assert found
    assert found.last_sign_in == NINE.date()
    sessions.end(token)
    assert sessions.find(token) is None


def test_a_session_ends_when_nobody_uses_it(accounts: Accounts, sessions: Sessions, clock: Clock) -> None:
    token = sessions.start(accounts.add("lan", Role.OFFICER, password=PASSWORD))
    assert token
    clock.now += dt.timedelta(minutes=59)
    assert sessions.find(token, active=False), "a page that asks by itself does not keep it"
    clock.now += dt.timedelta(minutes=2)
    assert sessions.find(token) is None


def test_a_session_in_use_ends_after_some_hours(accounts: Accounts, sessions: Sessions, clock: Clock) -> None:
    token = sessions.start(accounts.add("lan", Role.OFFICER, password=PASSWORD))
    assert token
    for _ in range(11):
        clock.now += dt.timedelta(minutes=54)
        assert sessions.find(token), clock.now
    clock.now += dt.timedelta(minutes=10)
    assert sessions.find(token) is None
    assert sessions.sweep() == 1


def test_every_change_ends_all_sessions(accounts: Accounts, sessions: Sessions) -> None:
    account = accounts.add("lan", Role.OFFICER, password=PASSWORD)
    other = sessions.start(accounts.add("mai", Role.OFFICER, password=PASSWORD))
    assert other
    changes = [
        lambda: accounts.set_password(account, PASSWORD + " hơn"),
        lambda: accounts.set_role(account, Role.AGENT),
        lambda: accounts.set_subject(account, "s1"),
        lambda: accounts.set_disabled(account, True),
    ]
    for change in changes:
        current = accounts.get("lan")
        assert current
        tokens = [sessions.start(current), sessions.start(current)]
        assert all(token and sessions.find(token) for token in tokens)
        change()
        assert not any(token and sessions.find(token) for token in tokens)
    assert sessions.find(other)


def test_a_session_does_not_start_on_what_was_changed_meanwhile(accounts: Accounts, sessions: Sessions) -> None:
    before = accounts.add("lan", Role.OFFICER, password=PASSWORD)
    accounts.set_password(before, PASSWORD + " hơn")
    assert sessions.start(before) is None
    now = accounts.get("lan")
    assert now
    accounts.set_disabled(now, True)
    assert sessions.start(now) is None


def test_sign_ins_and_a_change_of_password_at_once_leave_no_session(accounts: Accounts, sessions: Sessions) -> None:
    account = accounts.add("lan", Role.OFFICER, password=PASSWORD)
    with ThreadPoolExecutor(6) as pool:
        starts = [pool.submit(sessions.start, account) for _ in range(10)]
        change = pool.submit(accounts.set_password, account, PASSWORD + " hơn")
        starts += [pool.submit(sessions.start, account) for _ in range(10)]
        change.result()
        tokens = [start.result() for start in starts]
    assert not any(token and sessions.find(token) for token in tokens)


def test_the_migration_keeps_the_audit(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/m.db")
    migrate(engine, "0006")
    row = (
        "insert into audit (at, who, what, channel) values ('2026-11-01 08:00:00', 'lan', 'dossier_lookup', 'console')"
    )
    with engine.begin() as connection:
        connection.execute(sa.text(row))
    migrate(engine)
    assert [(entry.who, entry.about) for entry in Audit(engine, b"k" * 32).entries()] == [("lan", None)]


@pytest.mark.parametrize("table", ["staff_account", "staff_session", StaffTry.__tablename__, "audit"])
def test_the_migrated_schema_is_the_declared_one(engine: sa.Engine, table: str) -> None:
    found = {column["name"]: column["nullable"] for column in sa.inspect(engine).get_columns(table)}
    assert found == {column.name: column.nullable for column in Base.metadata.tables[table].columns}
