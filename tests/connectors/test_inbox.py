"""The inbox under any interleaving of workers: one message of a conversation at a time, in order, each settled once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actions.replies import Reply
from connectors import inbox as inbox_module
from connectors.inbox import KEEP_DAYS, LEASE_S, Claimed, Inbox, InboxRow
from connectors.limits import Limits, MemoryStore
from connectors.outbox import LEASE_S as SEND_LEASE_S
from connectors.outbox import MOST_ATTEMPTS, Outbox, Taken
from knowledge.database import connect, migrate
from tests.connectors.pathway import KEY, incoming, rows, settings_of

NOW = dt.datetime(2026, 11, 24, 9)
PEOPLE = st.sampled_from(["an", "binh", "chi"])


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


@pytest.fixture
def inbox(engine: sa.Engine) -> Inbox:
    return Inbox(engine, KEY)


def settle(inbox: Inbox, claimed: Claimed, now: dt.datetime = NOW) -> bool:
    with inbox._engine.begin() as connection:
        return inbox.settle(connection, claimed, now=now)


def test_only_the_first_of_a_conversation_can_be_claimed(inbox: Inbox) -> None:
    for key, sender in (("1", "an"), ("2", "an"), ("3", "binh")):
        inbox.put(incoming(sender, key), NOW)
    first, other, none = inbox.claim(NOW), inbox.claim(NOW), inbox.claim(NOW)
    assert first and other and none is None
    assert [inbox.read(one).text for one in (first, other)] == ["câu 1", "câu 3"]
    assert settle(inbox, first)
    second = inbox.claim(NOW)
    assert second and inbox.read(second).text == "câu 2"


def test_a_lost_claim_settles_nothing(inbox: Inbox) -> None:
    inbox.put(incoming("an", "1"), NOW)
    first = inbox.claim(NOW)
    assert first
    assert inbox.claim(after(LEASE_S - 1)) is None
    again = inbox.claim(after(LEASE_S))
    assert again and again.attempt == 2
    assert not settle(inbox, first)
    assert not inbox.renew(first)
    assert not inbox.put_off(first, NOW)
    assert inbox.renew(again, after(LEASE_S))
    assert inbox.claim(after(2 * LEASE_S - 1)) is None
    assert settle(inbox, again)
    assert not settle(inbox, again)


def test_a_put_off_message_holds_its_conversation_up(inbox: Inbox) -> None:
    inbox.put(incoming("an", "1"), NOW)
    inbox.put(incoming("an", "2"), NOW)
    first = inbox.claim(NOW)
    assert first
    inbox.put_off(first, after(10))
    assert inbox.claim(after(9)) is None
    again = inbox.claim(after(10))
    assert again and inbox.read(again).text == "câu 1"


def test_a_message_that_became_visible_late_waits_for_the_one_that_is_worked_on(inbox: Inbox) -> None:
    """PostgreSQL can show a higher id before a lower one."""
    for key in ("1", "2"):
        inbox.put(incoming("an", key), NOW)
    with inbox._engine.begin() as connection:  # as if only the second were there yet
        connection.execute(
            sa.text("update inbox set conversation = 'elsewhere:x' where id = (select min(id) from inbox)")
        )
    second = next(one for one in (inbox.claim(NOW), inbox.claim(NOW)) if one and one.conversation == "zalo:an")
    with inbox._engine.begin() as connection:
        connection.execute(sa.text("update inbox set conversation = 'zalo:an', claim = null, not_before = received_at "
                                   "where conversation = 'elsewhere:x'"))  # fmt: skip
    assert inbox.claim(NOW) is None
    assert settle(inbox, second)
    assert inbox.claim(NOW) is not None


def test_the_database_itself_allows_one_claim_of_a_conversation(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What two processes could do that look at the same instant."""
    for key in ("1", "2"):
        inbox.put(incoming("an", key), NOW)
    assert inbox.claim(NOW)
    anything = sa.select(InboxRow.id).where(InboxRow.claim.is_(None)).limit(1)
    monkeypatch.setattr(inbox_module, "_claimable", lambda: anything)
    inbox_module._claim.cache_clear()
    assert inbox.claim(NOW) is None
    inbox_module._claim.cache_clear()


def test_many_who_claim_and_deliver_at_once(inbox: Inbox) -> None:
    messages = [incoming(f"s{n % 7}", str(n)) for n in range(60)]
    with ThreadPoolExecutor(4) as pool:
        put = list(pool.map(lambda message: inbox.put(message, NOW), messages + messages[::-1]))
    assert sum(put) == 60
    seen: list[tuple[str, int]] = []

    def work(_: int) -> None:
        while claimed := inbox.claim(NOW):
            seen.append((claimed.conversation, claimed.id))
            assert settle(inbox, claimed)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    while claimed := inbox.claim(NOW):  # a worker that lost a race had ended
        seen.append((claimed.conversation, claimed.id))
        settle(inbox, claimed)
    assert len(seen) == len(set(seen)) == 60
    for conversation in {one for one, _ in seen}:
        ids = [id for one, id in seen if one == conversation]
        assert ids == sorted(ids)


def test_too_much_is_told_once_a_minute_and_then_dropped(engine: sa.Engine, tmp_path: Path) -> None:
    wished = settings_of(tmp_path).model_copy(update={"rate_limit_per_minute": 2})
    limits = Limits(MemoryStore(), KEY, wished)
    inbox = Inbox(engine, KEY, limits)
    assert [inbox.put(incoming("an", str(n)), NOW) for n in range(5)] == [True, True, True, False, False]
    assert [row["limited"] for row in rows(engine, "inbox")] in ([False, False, True], [0, 0, 1])
    assert limits.counts == {"zalo:tell": 1, "zalo:drop": 2}
    assert inbox.put(incoming("binh", "9"), NOW)


@pytest.mark.parametrize(("channel", "sender"), [("", "an"), ("zalo", ""), ("z" * 21, "an"), ("zalo", "n" * 240)])
def test_ids_that_cannot_be_kept_are_refused(channel: str, sender: str, inbox: Inbox) -> None:
    with pytest.raises(ValueError, match="id is empty or too long"):
        inbox.put(incoming(sender, "1", channel=channel))


def test_any_text_and_key_can_be_kept(inbox: Inbox) -> None:
    for number, text in enumerate(["", "\x00\ud800 ờ", "x" * 30_000, "😀" * 30]):
        assert inbox.put(incoming("an", f"k\x00{number}" * 100, text), NOW)
    first = inbox.claim(NOW)
    assert first and inbox.read(first).text == ""


def test_what_is_done_is_remembered_for_days(inbox: Inbox) -> None:
    inbox.put(incoming("an", "1"), NOW)
    inbox.put(incoming("an", "2"), NOW)
    first = inbox.claim(NOW)
    assert first and settle(inbox, first)
    assert inbox.sweep(NOW + dt.timedelta(days=KEEP_DAYS)) == 0
    assert not inbox.put(incoming("an", "1"), NOW)
    assert inbox.sweep(NOW + dt.timedelta(days=KEEP_DAYS, seconds=1)) == 1
    assert inbox.counts() == {"waiting": 1, "done": 0, "dead": 0}


# -- any interleaving ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    engine = connect(f"sqlite:///{tmp_path_factory.mktemp('interleavings')}/test.db")
    migrate(engine)
    yield engine
    engine.dispose()


class Interleavings(RuleBasedStateMachine):
    """Workers that claim, settle, give back, renew and die, while messages come in and time goes on."""

    engine: sa.Engine

    @initialize()
    def begin(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text("delete from inbox"))
        self.inbox, self.now, self.number = Inbox(self.engine, KEY), NOW, 0
        self.held: list[tuple[Claimed, dt.datetime]] = []
        self.put: dict[str, list[int]] = {}
        self.settled: dict[str, list[int]] = {}

    @rule(who=PEOPLE)
    def message(self, who: str) -> None:
        self.number += 1
        assert self.inbox.put(incoming(who, str(self.number)), self.now)
        kept = self.inbox.find(incoming(who, str(self.number)))
        assert kept
        self.put.setdefault(f"zalo:{who}", []).append(kept.id)

    @rule()
    def claim(self) -> None:
        claimed = self.inbox.claim(self.now)
        if claimed:
            self.held.append((claimed, self.now + dt.timedelta(seconds=LEASE_S)))

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 20))
    def settle(self, which: int) -> None:
        claimed, _ = self.held.pop(which % len(self.held))
        if settle(self.inbox, claimed, self.now):
            self.settled.setdefault(claimed.conversation, []).append(claimed.id)

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 20), wait_s=st.integers(0, 90))
    def put_off(self, which: int, wait_s: int) -> None:
        claimed, _ = self.held.pop(which % len(self.held))
        self.inbox.put_off(claimed, self.now + dt.timedelta(seconds=wait_s))

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 20))
    def renew(self, which: int) -> None:
        index = which % len(self.held)
        claimed, _ = self.held[index]
        if self.inbox.renew(claimed, self.now):
            self.held[index] = (claimed, self.now + dt.timedelta(seconds=LEASE_S))

    @rule(seconds=st.integers(1, 120))
    def time_goes_on(self, seconds: int) -> None:
        self.now += dt.timedelta(seconds=seconds)

    @invariant()
    def one_at_a_time_and_in_order(self) -> None:
        running = [claimed.conversation for claimed, until in self.held if until > self.now]
        assert len(running) == len(set(running))
        for conversation, ids in self.settled.items():
            assert ids == self.put[conversation][: len(ids)], "in order, each once, none left out"

    def teardown(self) -> None:
        if not hasattr(self, "inbox"):
            return
        self.now += dt.timedelta(days=1)
        while claimed := self.inbox.claim(self.now):
            assert settle(self.inbox, claimed, self.now)
            self.settled.setdefault(claimed.conversation, []).append(claimed.id)
        assert self.settled == self.put


def test_any_interleaving_of_workers(file_engine: sa.Engine) -> None:
    Interleavings.engine = file_engine
    machine = Interleavings.TestCase
    machine.settings = settings(
        max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine().runTest()


class Sends(RuleBasedStateMachine):
    """Senders that take, succeed, fail and die: parts of one recipient go out in order, none is left behind."""

    engine: sa.Engine

    @initialize()
    def begin(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text("delete from outbox"))
        self.outbox, self.now, self.number = Outbox(self.engine), NOW, 0
        self.held: list[tuple[Taken, dt.datetime]] = []
        self.put: dict[str, list[str]] = {}
        self.sent: dict[str, list[str]] = {}

    @rule(who=PEOPLE)
    def message(self, who: str) -> None:
        self.number += 1
        reply, key = Reply(text="x", status="answered"), f"k{self.number}"
        with self.engine.begin() as connection:
            self.outbox.put(connection, channel="zalo", recipient=who, reply=reply, dedupe_key=key, now=self.now)
        self.put.setdefault(who, []).append(key)

    @rule(limit=st.integers(1, 4))
    def take(self, limit: int) -> None:
        until = self.now + dt.timedelta(seconds=SEND_LEASE_S)
        self.held += [(one, until) for one in self.outbox.take(limit, self.now)]

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 20))
    def succeed(self, which: int) -> None:
        message, until = self.held.pop(which % len(self.held))
        if until > self.now:  # else its sender counts as dead
            self.outbox.sent(message.id, self.now)
            self.sent.setdefault(message.recipient, []).append(message.dedupe_key)

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 20), wait_s=st.integers(0, 90), refused=st.booleans())
    def fail(self, which: int, wait_s: int, refused: bool) -> None:
        message, _ = self.held.pop(which % len(self.held))
        retry_at = self.now + dt.timedelta(seconds=wait_s)
        self.outbox.failed(message.id, "x", retry_at, refused=refused, attempt=message.attempt)

    @rule(seconds=st.integers(1, 400))
    def time_goes_on(self, seconds: int) -> None:
        self.now += dt.timedelta(seconds=seconds)
        if self.now.hour >= 19:
            self.now = self.now.replace(hour=9) + dt.timedelta(days=1)

    @invariant()
    def in_order(self) -> None:
        running = [message.recipient for message, until in self.held if until > self.now]
        assert len(running) == len(set(running))
        for who, keys in self.sent.items():
            assert keys == [key for key in self.put[who] if key in keys]

    @invariant()
    def an_answer_that_did_not_come_is_remembered(self) -> None:
        for message, _ in self.held:
            assert not (message.unsure and message.attempt == 1)
            assert message.attempt <= MOST_ATTEMPTS


def test_any_interleaving_of_senders(file_engine: sa.Engine) -> None:
    Sends.engine = file_engine
    machine = Sends.TestCase
    machine.settings = settings(
        max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine().runTest()
