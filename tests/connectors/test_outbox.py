"""The outbox: once in, sent by one process, retried, dead at the end; and nothing of it in logs."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from actions.replies import Reply, ReplyOption
from connectors.delivery import LogSender, Sender, deliver
from connectors.messages import Outgoing, SendError
from connectors.outbox import KEEP_DAYS, LEASE_S, MOST_ATTEMPTS, Outbox
from tests.actions.dossiers.watched import empty

NOW = dt.datetime(2026, 8, 3, 9, 0)
NIGHT = dt.datetime(2026, 8, 3, 23, 0)
REPLY = Reply(text="tin riêng", status="dossier_found", options=[ReplyOption(label="Thôi", payload="thôi")])


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


@pytest.fixture
def outbox(engine: sa.Engine) -> Outbox:
    empty(engine)
    return Outbox(engine)


def put(outbox: Outbox, key: str = "k", channel: str = "web", recipient: str = "someone", by_day: bool = False) -> bool:
    with outbox._engine.begin() as connection:
        return outbox.put(
            connection, channel=channel, recipient=recipient, reply=REPLY, dedupe_key=key, now=NOW, by_day=by_day
        )


class Channel:
    """Takes messages, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.taken = error, list[Outgoing]()

    async def send(self, message: Outgoing) -> None:
        if self.error:
            raise self.error
        self.taken.append(message)


def go(outbox: Outbox, sender: Sender, now: dt.datetime = NOW) -> dict[str, int]:
    return dict(asyncio.run(deliver(outbox, {"web": sender}, now=now)))


def test_what_is_put_twice_is_there_once(outbox: Outbox) -> None:
    assert [put(outbox), put(outbox), put(outbox, "other")] == [True, False, True]
    assert outbox.counts() == {"waiting": 2, "sent": 0, "dead": 0}


def test_what_is_put_in_a_transaction_that_breaks_is_not_there(outbox: Outbox) -> None:
    with pytest.raises(RuntimeError), outbox._engine.begin() as connection:
        outbox.put(connection, channel="web", recipient="r", reply=REPLY, dedupe_key="k", now=NOW)
        raise RuntimeError
    assert outbox.counts()["waiting"] == 0


def test_a_message_is_sent_once_as_it_was_put(outbox: Outbox) -> None:
    put(outbox)
    channel = Channel()
    assert go(outbox, channel) == {"sent": 1}
    assert go(outbox, channel, after(LEASE_S)) == {}
    (message,) = channel.taken
    assert (message.recipient, message.reply, message.dedupe_key, message.attempt) == ("someone", REPLY, "k", 1)
    assert outbox.counts() == {"waiting": 0, "sent": 1, "dead": 0}
    assert not put(outbox), "a sent message is not sent again"


def test_the_text_is_gone_once_it_is_sent(outbox: Outbox) -> None:
    put(outbox)
    go(outbox, Channel())
    with outbox._engine.connect() as connection:
        assert connection.execute(sa.text("select payload from outbox")).scalar_one() is None


def test_two_never_take_the_same(outbox: Outbox) -> None:
    for number in range(40):
        put(outbox, f"k{number}", recipient=f"r{number}")
    with ThreadPoolExecutor(4) as pool:
        taken = [m.id for ours in pool.map(lambda _: outbox.take(10, NOW), range(8)) for m in ours]
    assert len(taken) == len(set(taken)) == 40


def test_the_oldest_are_taken_first_and_only_so_many(outbox: Outbox) -> None:
    for number in range(5):
        put(outbox, f"k{number}", recipient=f"r{number}")
    assert [m.dedupe_key for m in outbox.take(3, NOW)] == ["k0", "k1", "k2"]
    assert [m.dedupe_key for m in outbox.take(3, NOW)] == ["k3", "k4"]


def test_what_a_dead_process_had_taken_is_sent_by_another(outbox: Outbox) -> None:
    put(outbox)
    assert len(outbox.take(9, NOW)) == 1
    assert outbox.take(9, after(LEASE_S - 1)) == []
    (again,) = outbox.take(9, after(LEASE_S))
    assert again.attempt == 2


def test_a_message_that_kills_every_sender_becomes_a_dead_letter(outbox: Outbox) -> None:
    put(outbox)
    for number in range(MOST_ATTEMPTS):
        assert len(outbox.take(9, after(number * LEASE_S))) == 1
    assert outbox.take(9, after(MOST_ATTEMPTS * LEASE_S)) == []
    (letter,) = outbox.dead()
    assert (letter.channel, letter.attempts, letter.reason) == ("web", MOST_ATTEMPTS, "no success in all attempts")


def test_failures_are_tried_again_later_and_later_and_end(outbox: Outbox) -> None:
    put(outbox)
    channel, now, waits = Channel(SendError("channel said 503")), NOW, []
    for _ in range(MOST_ATTEMPTS):
        assert go(outbox, channel, now) == {"failed": 1}
        waits.append(next((s for s in range(5, 3_601, 5) if _due(outbox, now + dt.timedelta(seconds=s))), None))
        now += dt.timedelta(seconds=waits[-1] or 0)
    assert waits == [5, 15, 45, 135, 405, 1_215, 3_600, None]
    (letter,) = outbox.dead()
    assert letter.reason == "channel said 503"
    assert outbox.counts() == {"waiting": 0, "sent": 0, "dead": 1}


def _due(outbox: Outbox, now: dt.datetime) -> bool:
    with outbox._engine.connect() as connection:
        query = "select not_before <= :now from outbox where dead_reason is null"
        bound = sa.text(query).bindparams(sa.bindparam("now", now, type_=sa.DateTime))
        return bool(connection.execute(bound).scalar_one_or_none())


def test_a_channel_that_says_wait_or_never_is_believed(outbox: Outbox) -> None:
    put(outbox)
    assert go(outbox, Channel(SendError("busy", 900))) == {"failed": 1}
    assert not _due(outbox, after(899))
    assert go(outbox, Channel(SendError("blocked by the recipient", None)), after(900)) == {"failed": 1}
    assert [letter.reason for letter in outbox.dead()] == ["blocked by the recipient"]


def test_a_failure_after_success_changes_nothing(outbox: Outbox) -> None:
    put(outbox)
    (message,) = outbox.take(1, NOW)
    outbox.sent(message.id, NOW)
    outbox.failed(message.id, "late", NOW)
    assert outbox.counts() == {"waiting": 0, "sent": 1, "dead": 0}


def test_one_broken_message_does_not_hold_up_others_and_errors_quote_nothing(
    outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    put(outbox, "bad", recipient="broken-one")
    put(outbox, "good")

    class Picky(Channel):
        async def send(self, message: Outgoing) -> None:
            if message.recipient == "broken-one":
                raise ValueError(message.recipient, message.reply.text)
            await super().send(message)

    channel = Picky()
    assert go(outbox, channel) == {"failed": 1, "sent": 1}
    assert "unexpected ValueError" in caplog.text
    assert "broken-one" not in caplog.text
    assert "tin riêng" not in caplog.text


def test_only_channels_with_a_sender_are_taken(outbox: Outbox) -> None:
    put(outbox, "1", "web")
    put(outbox, "2", "zalo")
    assert outbox.channels() in (["web", "zalo"], ["zalo", "web"])
    assert go(outbox, Channel()) == {"sent": 1}
    assert outbox.counts()["waiting"] == 1


def test_what_is_for_the_day_waits_for_it(outbox: Outbox) -> None:
    put(outbox, "by day", by_day=True)
    put(outbox, "any time")
    assert [m.dedupe_key for m in outbox.take(9, NIGHT)] == ["any time"]
    assert [m.dedupe_key for m in outbox.take(9, NIGHT + dt.timedelta(hours=8))] == ["by day"]


def test_taking_back_leaves_what_is_sent_and_what_is_not_meant(outbox: Outbox) -> None:
    put(outbox, "watch:1:1")
    go(outbox, Channel())
    for key, recipient in (("watch:1:2", "someone"), ("watch:12:1", "someone"), ("watch:1:3", "other")):
        put(outbox, key, recipient=recipient)
    with outbox._engine.begin() as connection:
        assert outbox.withdraw(connection, "web", "someone", "watch:1:") == 1
    assert outbox.counts() == {"waiting": 2, "sent": 1, "dead": 0}
    with outbox._engine.begin() as connection:
        assert outbox.erase(connection, "web", "someone") == 2
    assert outbox.counts() == {"waiting": 1, "sent": 0, "dead": 0}


def test_what_is_done_is_swept_after_some_days(outbox: Outbox) -> None:
    put(outbox, "sent")
    go(outbox, Channel())
    put(outbox, "dead")
    (message,) = outbox.take(1, NOW)
    outbox.failed(message.id, "x", None)
    put(outbox, "waiting", recipient="another")
    assert outbox.sweep(NOW + dt.timedelta(days=KEEP_DAYS)) == 0
    assert outbox.sweep(NOW + dt.timedelta(days=KEEP_DAYS, seconds=1)) == 2
    assert outbox.counts() == {"waiting": 1, "sent": 0, "dead": 0}


def test_the_stand_in_counts_and_names_only_the_channel(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    put(outbox)
    sender = LogSender()
    assert go(outbox, sender) == {"sent": 1}
    assert sender.counts == {"web": 1}
    assert "would send to channel web" in caplog.text
    assert "someone" not in caplog.text
    assert "tin riêng" not in caplog.text
    assert "someone" not in repr(Outgoing(1, "web", "someone", REPLY, "k", 1))
