"""Who has a conversation: one claims it, it comes back to the queue, and what people leave is sealed."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from actions.handoff import handoff_reply, is_office_open
from connectors.handoff import CONTACT_HOURS, IDLE_HOURS, KEEP_DAYS, Handoffs, Holder, State
from connectors.outbox import Outbox
from connectors.transcripts import PulledChannel, Transcripts
from knowledge.settings import Settings
from tests.connectors.pathway import KEY, FarEnd, rows

NOW = dt.datetime(2026, 11, 24, 9)
AN, BINH = "zalo:an", "zalo:binh"


def after(**time: float) -> dt.datetime:
    return NOW + dt.timedelta(**time)


@pytest.fixture
def handoffs(engine: sa.Engine) -> Handoffs:
    transcripts = Transcripts(engine)
    channels = {"zalo": FarEnd(), "web": PulledChannel("web", engine, transcripts)}
    return Handoffs(engine, KEY, Outbox(engine), transcripts, channels)


def test_the_queue_is_in_order_and_a_request_is_there_once(handoffs: Handoffs) -> None:
    assert handoffs.request(BINH, "zalo", "complaint", now=NOW)
    assert handoffs.request(AN, "zalo", "asked", now=after(minutes=1))
    assert not handoffs.request(BINH, "zalo", "again", now=after(minutes=2))
    assert [(one.conversation, one.reason, one.since) for one in handoffs.queue()] == [
        (BINH, "complaint", NOW),
        (AN, "asked", after(minutes=1)),
    ]
    assert handoffs.holder(BINH) is None, "while it waits the bot answers"


def test_of_many_who_claim_one_wins(handoffs: Handoffs) -> None:
    handoffs.request(AN, "zalo", "asked", now=NOW)
    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(lambda member: handoffs.claim(AN, member), [f"m{n}" for n in range(8)]))
    assert won.count(True) == 1
    winner = f"m{won.index(True)}"
    assert handoffs.holder(AN) == Holder(winner)
    assert handoffs.claim(AN, winner), "who has it keeps it"
    assert not handoffs.claim("zalo:nobody", winner)


def test_released_closed_and_by_whom(handoffs: Handoffs) -> None:
    handoffs.request(AN, "zalo", "asked", now=NOW)
    handoffs.claim(AN, "lan", after(minutes=2))
    assert not handoffs.release(AN, "minh")
    assert not handoffs.close(AN, "minh")
    assert handoffs.release(AN, "lan")
    assert handoffs.holder(AN) is None
    assert handoffs.queue()[0].state is State.WAITING
    handoffs.claim(AN, "lan")
    assert handoffs.close(AN), "a supervisor may"
    assert handoffs.queue() == []
    events = rows(handoffs._engine, "handoff_event")
    assert [event["what"] for event in events] == ["requested", "claimed", "released", "claimed", "closed"]
    assert events[1]["waited_s"] == 120
    assert "an" not in {str(value) for event in events for value in event.values()}


def test_the_channels_own_staff_pauses_the_bot_for_a_while(handoffs: Handoffs) -> None:
    handoffs.pause(AN, after(minutes=30), NOW)
    assert handoffs.holder(AN, after(minutes=29)) == Holder(None, after(minutes=30))
    assert handoffs.holder(AN, after(minutes=30)) is None
    assert handoffs.queue() == []
    handoffs.pause(AN, after(minutes=60), after(minutes=10))
    assert handoffs.holder(AN, after(minutes=59)) is not None
    handoffs.request(AN, "zalo", "asked", now=after(minutes=20))
    assert handoffs.holder(AN, after(minutes=59)) is not None, "staff is there already"
    handoffs.request(AN, "zalo", "asked", now=after(minutes=61))
    assert [one.state for one in handoffs.queue()] == [State.WAITING]
    handoffs.claim(AN, "lan")
    handoffs.pause(AN, after(hours=9), after(minutes=62))
    assert handoffs.holder(AN) == Holder("lan")


def test_what_nobody_touches_goes_back_and_away(handoffs: Handoffs) -> None:
    handoffs.request(AN, "zalo", "asked", now=NOW)
    handoffs.claim(AN, "lan", NOW)
    handoffs.pause(BINH, after(hours=1), NOW)
    assert handoffs.sweep(after(hours=IDLE_HOURS)) == 1, "the pause is over"
    assert handoffs.holder(AN) == Holder("lan")
    handoffs.sweep(after(hours=IDLE_HOURS, seconds=1))
    assert handoffs.queue()[0].state is State.WAITING
    assert handoffs.sweep(after(days=KEEP_DAYS)) == 0
    assert handoffs.sweep(after(days=KEEP_DAYS, hours=IDLE_HOURS, seconds=2)) == 1


@pytest.mark.parametrize("text", ["0912345678", "gọi tôi 0235 3861 234 sau 5 giờ", "+84 912 345 678", "hoa@example.vn"])
def test_a_contact_is_kept_sealed_and_for_staff_only(text: str, handoffs: Handoffs) -> None:
    handoffs.request(AN, "zalo", "asked", contact_wanted=True, now=NOW)
    assert handoffs.take_contact(AN, text, after(minutes=1))
    assert handoffs.contact(AN) == text
    assert text not in str(rows(handoffs._engine, "handoff"))
    assert handoffs.queue()[0].has_contact
    assert not handoffs.take_contact(AN, text, after(minutes=2)), "asked for once"


def test_only_the_next_message_is_the_answer(handoffs: Handoffs) -> None:
    assert not handoffs.take_contact(AN, "0912345678")
    handoffs.request(AN, "zalo", "asked", contact_wanted=True, now=NOW)
    assert not handoffs.take_contact(AN, "khai sinh cần giấy gì, năm 2026 này", after(minutes=1))
    assert not handoffs.take_contact(AN, "0912345678", after(minutes=2))
    handoffs.request(AN, "zalo", "asked", contact_wanted=True, now=NOW)
    assert not handoffs.take_contact(AN, "0912345678", after(hours=CONTACT_HOURS))
    assert handoffs.contact(AN) is None


def test_staff_writes_into_outbox_and_transcript(handoffs: Handoffs, engine: sa.Engine) -> None:
    for conversation in (AN, "web:xyz"):
        handoffs.request(conversation, conversation.partition(":")[0], "asked")
        handoffs.claim(conversation, "lan")
        assert handoffs.reply_as_staff(conversation, " Một câu khá dài để cắt làm hai phần. Phần hai đây. ", "lan")
        (entry,) = handoffs._transcripts.recent(conversation)
        assert (entry.who, entry.member) == ("staff", "lan")
    assert [(row["channel"], row["recipient"]) for row in rows(engine, "outbox")] == [("zalo", "an")] * 2
    with pytest.raises(ValueError, match="nothing to send"):
        handoffs.reply_as_staff(AN, "  ", "lan")


# -- what is said -------------------------------------------------------------------------------

OPEN, LUNCH = dt.datetime(2026, 11, 25, 9), dt.datetime(2026, 11, 25, 12)
FRIDAY_EVENING, HOLIDAY = dt.datetime(2026, 11, 27, 18), dt.datetime(2027, 1, 1, 9)


def said(now: dt.datetime, **changes: str) -> str:
    return handoff_reply(Settings(hotline="1022", **changes), now).text


def test_what_is_said_in_and_outside_office_hours() -> None:
    assert "đã chuyển" in said(OPEN)
    assert "1022" in said(OPEN)
    assert "làm việc lại lúc 13 giờ 30 hôm nay" in said(LUNCH)
    assert "làm việc lại lúc 7 giờ 30 thứ Hai ngày 30/11" in said(FRIDAY_EVENING)
    assert "ngày mai" in said(dt.datetime(2026, 11, 25, 20))
    assert "số điện thoại" in said(HOLIDAY)
    assert "đã chuyển" in said(FRIDAY_EVENING, office_hours="")
    assert is_office_open(Settings(), OPEN)
    assert not is_office_open(Settings(), HOLIDAY)
