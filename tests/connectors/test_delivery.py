"""Sending: in order for each recipient, others meanwhile, at the channel's pace, and asked whether it arrived."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import time
import uuid

import pytest
import redis
import sqlalchemy as sa

from actions.replies import Reply
from connectors import delivery as delivery_module
from connectors.delivery import Delivery, Pacer, attempt
from connectors.messages import Outgoing, SendError
from connectors.outbox import LEASE_S, Outbox
from tests.conftest import unavailable
from tests.connectors.pathway import FarEnd, until

NOW = dt.datetime(2026, 8, 3, 9)
REDIS = os.environ.get("MOTCUA_TEST_REDIS", "redis://127.0.0.1:6379/0")


@pytest.fixture
def outbox(engine: sa.Engine) -> Outbox:
    return Outbox(engine)


def put(outbox: Outbox, key: str, recipient: str = "an", *, channel: str = "zalo", by_day: bool = False) -> None:
    with outbox._engine.begin() as connection:
        reply = Reply(text=key, status="answered")
        outbox.put(
            connection, channel=channel, recipient=recipient, reply=reply, dedupe_key=key, now=NOW, by_day=by_day
        )


async def deliver_all(outbox: Outbox, *channels: FarEnd, timeout_s: float = 20.0) -> None:
    delivery = Delivery(outbox, {channel.name: channel for channel in channels})
    running = asyncio.create_task(delivery.run())
    try:
        await until(lambda: outbox.counts()["waiting"] == 0, timeout_s)
    finally:
        delivery.stop()
        await running


async def test_each_recipient_in_order_and_a_slow_one_holds_up_nobody(outbox: Outbox) -> None:
    ended: list[str] = []

    class Slow(FarEnd):
        async def send(self, message: Outgoing) -> None:
            await asyncio.sleep(0.6 if message.recipient == "slow" else 0)
            ended.append(message.dedupe_key)

    put(outbox, "slow-1", "slow")
    for number in range(4):
        put(outbox, f"an-{number}", "an")
        put(outbox, f"binh-{number}", "binh")
    put(outbox, "slow-2", "slow")
    await deliver_all(outbox, Slow())
    assert [key for key in ended if key.startswith("an")] == [f"an-{n}" for n in range(4)]
    assert ended[-2:] == ["slow-1", "slow-2"]


async def test_a_part_waits_for_the_one_before_until_that_is_sent_or_dead(outbox: Outbox) -> None:
    for key in ("1", "2", "3"):
        put(outbox, key)
    (first,) = outbox.take(9, NOW)
    outbox.failed(first.id, "busy", NOW + dt.timedelta(seconds=30))
    assert outbox.take(9, NOW) == []
    (first,) = outbox.take(9, NOW + dt.timedelta(seconds=30))
    outbox.failed(first.id, "blocked", None)
    assert [message.dedupe_key for message in outbox.take(9, NOW)] == ["2"]


async def test_news_for_the_morning_holds_up_no_answer_at_night(outbox: Outbox) -> None:
    night = NOW.replace(hour=23)
    put(outbox, "news", by_day=True)
    put(outbox, "answer")
    put(outbox, "news for the web", channel="web", by_day=True)
    assert [message.dedupe_key for message in outbox.take(9, night)] == ["answer"]
    (for_web,) = outbox.take(9, night, ["web"], at_any_hour=True)
    assert for_web.dedupe_key == "news for the web"
    assert outbox.due("zalo", night) is False


@pytest.mark.parametrize(("known", "sends"), [(True, 0), (False, 1), (None, 1)])
async def test_after_an_unknown_end_the_channel_is_asked(known: bool | None, sends: int, outbox: Outbox) -> None:
    class Asked(FarEnd):
        asked = 0

        async def arrived(self, message: Outgoing) -> bool | None:
            self.asked += 1
            return known

    put(outbox, "1")
    outbox.take(1, NOW)  # by a process that died
    (again,) = outbox.take(1, NOW + dt.timedelta(seconds=LEASE_S))
    channel = Asked()
    assert await attempt(outbox, channel, again)
    assert (channel.asked, len(channel.taken)) == (1, sends)
    assert outbox.counts()["sent"] == 1


async def test_a_plain_refusal_is_not_asked_about_but_a_lost_answer_is(outbox: Outbox) -> None:
    put(outbox, "1")
    channel, now = FarEnd(), NOW
    for error, unsure in ((SendError("slow down", 60), False), (SendError("no answer", 0), True)):
        (message,) = outbox.take(1, now)
        channel.error = error
        assert not await attempt(outbox, channel, message, now)
        now += dt.timedelta(hours=1)
        (message,) = outbox.take(1, now)
        assert message.unsure is unsure
        outbox.failed(message.id, "x", now)


async def test_a_channel_that_never_answers_is_given_up_for_now(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stuck(FarEnd):
        async def send(self, message: Outgoing) -> None:
            await asyncio.sleep(60)

    monkeypatch.setattr(delivery_module, "SEND_S", 0.05)
    put(outbox, "1")
    (message,) = outbox.take(1)
    assert not await attempt(outbox, Stuck(), message)
    assert outbox.counts() == {"waiting": 1, "sent": 0, "dead": 0}


async def test_an_attempt_that_is_over_changes_nothing_of_the_next(outbox: Outbox) -> None:
    put(outbox, "1")
    (stale,) = outbox.take(1, NOW)
    (again,) = outbox.take(1, NOW + dt.timedelta(seconds=LEASE_S))
    outbox.failed(stale.id, "late", NOW, attempt=stale.attempt)
    assert outbox.take(1, NOW + dt.timedelta(seconds=LEASE_S)) == []
    outbox.sent(again.id)


async def test_a_channel_keeps_its_pace(outbox: Outbox) -> None:
    class Paced(FarEnd):
        pace_per_s = 20.0

    for number in range(6):
        put(outbox, str(number), f"r{number}")
    started = time.monotonic()
    channel = Paced()
    await deliver_all(outbox, channel)
    assert time.monotonic() - started >= 5 / 20
    assert len(channel.taken) == 6


async def test_processes_share_a_pace_in_redis() -> None:
    try:
        redis.Redis.from_url(REDIS).ping()
    except redis.RedisError:
        unavailable("no Redis answers on 127.0.0.1:6379")
    name = f"test-{uuid.uuid4().hex}"
    one, two = Pacer(REDIS), Pacer(REDIS)
    started = time.monotonic()
    for _ in range(3):
        await one.wait(name, 20.0)
        await two.wait(name, 20.0)
    assert time.monotonic() - started >= 5 / 20 - 0.02
    await one.close()
    await two.close()


async def test_without_redis_each_keeps_its_own_pace(caplog: pytest.LogCaptureFixture) -> None:
    pacer = Pacer("redis://127.0.0.1:9/0")
    started = time.monotonic()
    for _ in range(3):
        await pacer.wait("zalo", 20.0)
    assert time.monotonic() - started >= 2 / 20 - 0.01
    assert "kept by each process alone" in caplog.text
    await pacer.close()
