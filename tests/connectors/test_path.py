"""The way of a message: answered once, in order, also when a channel is stopped, a person has it, or it is erased."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from pathlib import Path

import pytest
import sqlalchemy as sa

from actions.dossiers.reading import vietnam_now
from actions.replies import Reply, ReplyOption
from connectors import inbox as inbox_module
from connectors.messages import SendError
from connectors.messaging import Messaging
from connectors.transcripts import PRIVATE
from tests.connectors.pathway import FarEnd, Rasa, incoming, messaging, rows, run_until, settled, until

LONG = "Một câu dài hơn bốn mươi ký tự để cắt ra. Và một câu nữa cho phần thứ hai."


async def test_a_message_is_answered_written_down_and_sent(engine: sa.Engine, tmp_path: Path) -> None:
    zalo = FarEnd()
    parts = messaging(engine, tmp_path, Rasa(lambda *_: [Reply(text=LONG, status="answered")]), zalo)
    assert parts.inbox.put(incoming("an", "1", "khai sinh ở đâu"))
    assert not parts.inbox.put(incoming("an", "1", "khai sinh ở đâu")), "delivered twice"
    await run_until(parts, lambda: settled(parts))
    assert " ".join(zalo.texts("an")) == LONG
    assert [len(text) <= 40 for text in zalo.texts("an")] == [True] * 2
    assert zalo.prepared == ["an"]
    said = [(entry.who, entry.text) for entry in parts.transcripts.recent("zalo:an")]
    assert said == [("citizen", "khai sinh ở đâu"), ("bot", LONG)]
    assert not parts.inbox.put(incoming("an", "1", "khai sinh ở đâu")), "delivered again after hours"
    (turn,) = rows(engine, "turn")
    assert (turn["channel"], turn["status"]) == ("zalo", "answered")


async def test_the_inbox_shows_nothing_of_what_waits_and_keeps_nothing_of_what_is_done(
    engine: sa.Engine, tmp_path: Path
) -> None:
    parts = messaging(engine, tmp_path, Rasa(), FarEnd())
    parts.inbox.put(incoming("an", "bí-mật-1", "số tôi là 0912345678"))
    assert not {"0912345678", "bí-mật-1"} & set(" ".join(map(str, rows(engine, "inbox")[0].values())).split())
    assert "0912345678" not in str(rows(engine, "inbox"))
    await run_until(parts, lambda: settled(parts))
    (row,) = rows(engine, "inbox")
    assert (row["payload"], row["claim"]) == (None, None)
    assert "0912345678" not in str(rows(engine, "transcript"))


@pytest.mark.parametrize("text", ["4 số cuối 1006", "H57.17.26-261112-0006 số cuối 1006"])
async def test_digits_that_prove_are_written_nowhere(text: str, engine: sa.Engine, tmp_path: Path) -> None:
    parts = messaging(engine, tmp_path, Rasa(), FarEnd())
    parts.inbox.put(incoming("an", "1", text))
    await run_until(parts, lambda: settled(parts))
    assert "1006" not in str([rows(engine, table) for table in ("transcript", "outbox", "turn", "inbox")])


async def test_one_conversation_is_answered_in_order_and_others_meanwhile(engine: sa.Engine, tmp_path: Path) -> None:
    rasa, zalo = Rasa(takes_s=0.02), FarEnd()
    parts = messaging(engine, tmp_path, rasa, zalo)
    for number in range(5):
        for sender in ("an", "binh", "chi"):
            parts.inbox.put(incoming(sender, f"{sender}{number}", f"câu {number}"))
    await run_until(parts, lambda: settled(parts))
    for sender in ("an", "binh", "chi"):
        assert zalo.texts(sender) == [f"đáp câu {number}" for number in range(5)]
    assert rasa.at_once > 1


async def test_two_workers_share_the_work(engine: sa.Engine, tmp_path: Path) -> None:
    rasa, zalo = Rasa(takes_s=0.01), FarEnd()
    one, two = (messaging(engine, tmp_path, rasa, zalo) for _ in range(2))
    for number in range(6):
        for sender in range(4):
            one.inbox.put(incoming(f"s{sender}", f"{sender}-{number}", f"câu {number}"))
    one.start()
    await run_until(two, lambda: settled(two))
    await one.close()
    for sender in range(4):
        assert zalo.texts(f"s{sender}") == [f"đáp câu {number}" for number in range(6)]
    assert len(rows(engine, "turn")) == 24


async def test_a_failing_turn_is_tried_again_and_given_up_with_one_apology(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    zalo = FarEnd()
    parts = messaging(engine, tmp_path, Rasa(), zalo)
    monkeypatch.setattr("connectors.path._FIRST_REST_S", 0)
    tried: list[str] = []

    async def broken(message) -> None:  # type: ignore[no-untyped-def]
        tried.append(message.text)
        raise ValueError(message.text)

    monkeypatch.setattr(parts.conversations, "answer", broken)
    parts.inbox.put(incoming("an", "1", "câu riêng tư"))
    parts.inbox.put(incoming("an", "2", "câu sau"))
    await run_until(parts, lambda: settled(parts))
    assert tried == ["câu riêng tư"] * inbox_module.MOST_ATTEMPTS + ["câu sau"] * inbox_module.MOST_ATTEMPTS
    assert ["sự cố" in " ".join(zalo.texts("an"))] == [True]
    assert sum("sự cố" in text for text in zalo.texts("an")) == 2
    assert parts.inbox.counts() == {"waiting": 0, "done": 0, "dead": 2}
    assert "riêng tư" not in caplog.text


async def test_a_message_under_another_key_is_given_up(engine: sa.Engine, tmp_path: Path) -> None:
    zalo = FarEnd()
    inbox_module.Inbox(engine, b"another key").put(incoming("an", "1"))
    parts = messaging(engine, tmp_path, Rasa(), zalo)
    await run_until(parts, lambda: settled(parts))
    assert [row["dead_reason"] for row in rows(engine, "inbox")] == ["sealed with another key"]
    assert len(zalo.taken) >= 1


async def test_waiting_for_the_answer_to_one_message(engine: sa.Engine, tmp_path: Path) -> None:
    parts = messaging(engine, tmp_path, Rasa(takes_s=0.05))
    asked = incoming("an", "1", "khai sinh", channel="web")
    assert [r.text for r in await parts.path.answered(asked, 1.0)] == [
        "Anh/chị gửi nhanh quá, tôi chưa kịp trả lời. Xin đợi một phút rồi nhắn tiếp ạ."
    ], "what was dropped is not answered with silence"
    parts.inbox.put(asked)
    assert await parts.path.answered(asked, 0.05) == [], "nobody works yet"
    parts.start()
    (reply,) = await parts.path.answered(asked, 10.0)
    assert reply.text == "đáp khai sinh"
    assert await parts.path.answered(asked, 1.0) == [reply], "asked again"
    await parts.close()
    assert rows(engine, "outbox") == [], "the transcript is how the web gets it"


async def test_news_for_the_web_reaches_the_transcript_once(engine: sa.Engine, tmp_path: Path) -> None:
    parts = messaging(engine, tmp_path, Rasa())
    with engine.begin() as connection:
        news = Reply(text="có tin", status="dossier_found")
        put = dict(channel="web", recipient="an", reply=news, now=dt.datetime(2026, 11, 24, 3), by_day=True)
        parts.outbox.put(connection, dedupe_key="watch:1:1", **put)  # type: ignore[arg-type]
    await run_until(parts, lambda: settled(parts))
    assert [entry.text for entry in parts.transcripts.after("web:an", 0)] == ["có tin"]


async def test_a_tapped_option_is_shown_by_its_label(engine: sa.Engine, tmp_path: Path) -> None:
    option = ReplyOption(label="Khai sinh", payload='/choose_option{"choice": "1.001193"}')
    rasa = Rasa(lambda *_: [Reply(text="Chọn giúp ạ", status="clarification", options=[option])])
    parts = messaging(engine, tmp_path, rasa, FarEnd())
    for number, text in enumerate(["khai", option.payload, "/khong/co/0912345678"]):
        parts.inbox.put(incoming("an", str(number), text))
    await run_until(parts, lambda: settled(parts))
    texts = [entry.text for entry in parts.transcripts.recent("zalo:an") if entry.who == "citizen"]
    assert texts[:2] == ["khai", "Khai sinh"]
    assert "0912345678" not in texts[2]


# -- stopped channels ---------------------------------------------------------------------------


async def test_a_stopped_channel_tells_so_once_an_hour_and_loses_nothing(engine: sa.Engine, tmp_path: Path) -> None:
    rasa, zalo, telegram = Rasa(), FarEnd(), FarEnd("telegram")
    parts = messaging(engine, tmp_path, rasa, zalo, telegram)
    parts.switch.stop("zalo", "sai phí", "lan", "Kênh tạm nghỉ.")
    for number in range(3):
        parts.inbox.put(incoming("an", str(number)))
        parts.inbox.put(incoming("an", str(number), channel="telegram"))
    await run_until(parts, lambda: settled(parts))
    assert zalo.texts("an") == ["Kênh tạm nghỉ."]
    assert len(telegram.taken) == 3
    said = [entry.text for entry in parts.transcripts.recent("zalo:an")]
    assert said == ["câu 0", "Kênh tạm nghỉ.", "câu 1", "câu 2"]
    assert {sender for sender, _ in rasa.heard} == {"telegram:an"}
    parts.switch.start("zalo")
    again = messaging(engine, tmp_path, rasa, zalo)
    again.inbox.put(incoming("an", "9"))
    await run_until(again, lambda: settled(again))
    assert zalo.texts("an")[-1] == "đáp câu 9"


async def test_the_notice_comes_again_after_an_hour(engine: sa.Engine, tmp_path: Path) -> None:
    zalo = FarEnd()
    parts = messaging(engine, tmp_path, Rasa(), zalo)
    parts.switch.stop("zalo", "bảo trì", "lan", "Nghỉ.")
    parts.inbox.put(incoming("an", "1"))
    await run_until(parts, lambda: settled(parts))
    with engine.begin() as connection:
        connection.execute(sa.text("update channel_stop set since = :t").bindparams(
            sa.bindparam("t", parts.switch.stops()["zalo"].since - dt.timedelta(hours=1), type_=sa.DateTime)
        ))  # fmt: skip
    again = messaging(engine, tmp_path, Rasa(), zalo)
    again.inbox.put(incoming("an", "2"))
    await run_until(again, lambda: settled(again))
    assert zalo.texts("an") == ["Nghỉ.", "Nghỉ."]


# -- a person -----------------------------------------------------------------------------------


def wants_person(_sender: str, text: str) -> list[Reply]:
    status = "handoff" if "cán bộ" in text else "answered"
    return [Reply(text=f"đáp {text}", status=status)]


async def test_the_bot_is_silent_while_a_person_has_the_conversation(engine: sa.Engine, tmp_path: Path) -> None:
    rasa, zalo = Rasa(wants_person), FarEnd()
    parts = messaging(engine, tmp_path, rasa, zalo, office_hours="")
    parts.inbox.put(incoming("an", "1", "cho gặp cán bộ"))
    parts.start()
    await until(lambda: settled(parts))
    (request,) = parts.handoffs.queue()
    assert (request.conversation, request.state, request.channel) == ("zalo:an", "waiting", "zalo")
    parts.inbox.put(incoming("an", "2", "trong lúc chờ"))
    await until(lambda: len(zalo.taken) == 2)
    assert parts.handoffs.claim("zalo:an", "lan")
    parts.inbox.put(incoming("an", "3", "chị ơi"))
    await until(lambda: settled(parts))
    assert len(zalo.taken) == 2
    assert parts.handoffs.reply_as_staff("zalo:an", "Tôi nghe đây ạ", "lan")
    assert not parts.handoffs.reply_as_staff("zalo:an", "Tôi nữa", "minh")
    await until(lambda: len(zalo.taken) == 3)
    said = [(entry.who, entry.text, entry.member) for entry in parts.transcripts.recent("zalo:an")]
    assert said[-2:] == [("citizen", "chị ơi", None), ("staff", "Tôi nghe đây ạ", "lan")]
    assert parts.handoffs.close("zalo:an", "lan")
    parts.inbox.put(incoming("an", "4", "cảm ơn"))
    await until(lambda: len(zalo.taken) == 4)
    await parts.close()
    assert ("zalo:an", "chị ơi") not in rasa.heard


async def test_outside_office_hours_a_telephone_number_is_kept_sealed(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rasa, zalo = Rasa(wants_person), FarEnd()
    parts = messaging(engine, tmp_path, rasa, zalo)
    monkeypatch.setattr("connectors.path.is_office_open", lambda *_: False)
    for number, text in enumerate(["gặp cán bộ", "0912 345 678, chị Hoa", "0987654321"]):
        parts.inbox.put(incoming("an", str(number), text))
    await run_until(parts, lambda: settled(parts))
    assert parts.handoffs.contact("zalo:an") == "0912 345 678, chị Hoa"
    everything = str([rows(engine, table) for table in ("handoff", "transcript", "outbox", "inbox", "turn")])
    assert "345 678" not in everything
    assert [text for _, text in rasa.heard] == ["gặp cán bộ"], "the number does not reach Rasa"
    assert "ghi lại" in " ".join(zalo.texts("an"))


# -- erasure ------------------------------------------------------------------------------------


async def test_a_conversation_is_erased_everywhere_and_the_log_tells_only_how_much(
    engine: sa.Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rasa = Rasa(lambda *_: [Reply(text="không rõ", status="no_such_procedure")])
    zalo = FarEnd()
    parts = messaging(engine, tmp_path, rasa, zalo)
    for sender in ("an-rieng", "binh"):
        parts.inbox.put(incoming(sender, f"{sender}1", "câu riêng"))
    await run_until(parts, lambda: settled(parts))
    zalo.error = SendError("away")
    parts.inbox.put(incoming("an-rieng", "2", "câu riêng nữa"))
    parts.handoffs.request("zalo:an-rieng", "zalo", "x")
    await parts.erase("zalo:an-rieng")
    left = str([rows(engine, table) for table in ("inbox", "transcript", "outbox", "handoff", "watch")])
    assert "an-rieng" not in left
    assert left.count("binh") >= 3
    questions = [row["question"] for row in rows(engine, "turn")]
    assert sorted(map(str, questions)) == ["None", "câu riêng"]
    assert rasa.forgotten == ["zalo:an-rieng"]
    assert not parts.inbox.put(incoming("an-rieng", "2", "câu riêng nữa")), "a late delivery stays a duplicate"
    assert "an-rieng" not in caplog.text
    assert "erased" in caplog.text


async def test_a_turn_that_runs_while_its_conversation_is_erased_writes_nothing(
    engine: sa.Engine, tmp_path: Path
) -> None:
    rasa, zalo = Rasa(takes_s=0.3), FarEnd()
    parts = messaging(engine, tmp_path, rasa, zalo)
    parts.inbox.put(incoming("an", "1"))
    parts.start()
    await until(lambda: bool(rasa.running))
    await parts.erase("zalo:an")
    await asyncio.sleep(0.1)
    await parts.close()
    assert rows(engine, "transcript") == rows(engine, "outbox") == []
    assert zalo.taken == []


# -- pieces -------------------------------------------------------------------------------------


def test_office_hours_that_cannot_be_read_stop_the_start(engine: sa.Engine, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="office hours"):
        messaging(engine, tmp_path, Rasa(), office_hours="sáng tới chiều")


async def test_what_runs_is_ended_before_the_process_ends(engine: sa.Engine, tmp_path: Path) -> None:
    rasa, zalo = Rasa(takes_s=0.3), FarEnd()
    parts: Messaging = messaging(engine, tmp_path, rasa, zalo)
    parts.inbox.put(incoming("an", "1"))
    parts.start()
    await until(lambda: bool(rasa.running))
    await parts.close()
    assert parts.inbox.counts()["done"] == 1


# -- what is said to opinions -------------------------------------------------------------------


async def test_what_is_said_to_an_opinion_is_kept_from_transcripts(engine: sa.Engine, tmp_path: Path) -> None:
    """Thanks tell the rating: only the channel that reads its answers from the transcript has them, for a day."""
    thanks = Reply(text="Tôi xin lỗi vì chưa làm anh/chị hài lòng", status="feedback_recorded")
    far = FarEnd()
    parts = messaging(engine, tmp_path, Rasa(lambda *_: [thanks]), far)
    parts.inbox.put(incoming("an", "1", "chào"))
    parts.inbox.put(incoming("an", "1", "chào", channel="web"))
    await run_until(parts, lambda: settled(parts))
    said = "".join(message.reply.text for message in far.taken)
    assert "xin lỗi" in said, "it was said"
    assert "xin lỗi" not in str([row for row in rows(engine, "transcript") if row["conversation"] == "zalo:an"])
    assert parts.transcripts.recent("web:an")[-1].reply == thanks
    assert [entry.text for entry in parts.transcripts.for_staff("web:an")] == ["chào", PRIVATE.text]
    now = vietnam_now()
    assert parts.transcripts.forget_private(now) == 0
    assert parts.transcripts.forget_private(now + dt.timedelta(hours=25)) == 1
    assert parts.transcripts.forget_private(now + dt.timedelta(hours=25)) == 0
    assert "xin lỗi" not in str(rows(engine, "transcript"))
