"""Answers that wait for approval: held in the turn's transaction, sent once, changed or not; erased with the conversation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from actions.replies import Reply
from connectors.console.hotline.approvals import NOTICE, Approvals
from connectors.messages import Incoming
from connectors.messaging import Messaging
from connectors.staff.roles import Role
from tests.connectors.pathway import FarEnd, Rasa, messaging, rows, run_until
from tests.signed_in import signed_in_client

ANSWER = Reply(text="Giấy tờ cần chuẩn bị: tờ khai.", status="answered", procedure_code="1.001193")


@pytest.fixture
def zalo() -> FarEnd:
    return FarEnd()


@pytest.fixture
def parts(engine: sa.Engine, tmp_path: Path, zalo: FarEnd) -> Messaging:
    rasa = Rasa(lambda _sender, text: [ANSWER if "giấy" in text else Reply(text="Dạ.", status="small_talk")])
    made = messaging(engine, tmp_path, rasa, zalo)
    approvals = Approvals(engine, made.outbox, made.transcripts, made.channels)
    made.path.hold = approvals.hold
    made.erasers.append(approvals.erase)
    return made


@pytest.fixture
def approvals(parts: Messaging) -> Approvals:
    return parts.path.hold.__self__  # type: ignore[attr-defined, no-any-return]


async def ask(parts: Messaging, *texts: str, channel: str = "zalo") -> None:
    for number, text in enumerate(texts):
        parts.inbox.put(Incoming(channel, "an", f"{channel}{number}{text}", text))
    await run_until(parts, lambda: parts.inbox.counts()["waiting"] == 0 and parts.outbox.counts()["waiting"] == 0)


async def test_an_answer_waits_and_everything_else_does_not(
    parts: Messaging, approvals: Approvals, zalo: FarEnd
) -> None:
    await ask(parts, "cần giấy gì", "cảm ơn")
    said = " ".join(zalo.texts("an"))
    assert "xem lại câu trả lời" in said and "Dạ." in said
    assert "tờ khai" not in said
    ((id, channel, question, reply, _),) = approvals.waiting()
    assert (channel, question, reply) == ("zalo", "cần giấy gì", ANSWER)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda name: approvals.send(id, name), "abcd")).count(True) == 1
    assert [taken.reply.text for taken in parts.outbox.take(5)] == [ANSWER.text]
    last = parts.transcripts.recent("zalo:an")[-1]
    assert (last.who, last.reply) == ("bot", ANSWER)
    assert approvals.waiting() == []


async def test_a_changed_answer_is_what_the_member_says(parts: Messaging, approvals: Approvals) -> None:
    await ask(parts, "cần giấy gì", channel="web")
    assert parts.transcripts.recent("web:an")[-1].reply == NOTICE
    assert approvals.send(approvals.waiting()[0][0], "boss", "Mời anh/chị đến quầy.")
    last = parts.transcripts.recent("web:an")[-1]
    assert (last.who, last.member, last.text) == ("staff", "boss", "Mời anh/chị đến quầy.")
    assert parts.outbox.counts()["waiting"] == 0, "the page reads the transcript"


async def test_what_is_dropped_or_erased_is_gone(parts: Messaging, approvals: Approvals, engine: sa.Engine) -> None:
    await ask(parts, "cần giấy gì", "giấy nào nữa")
    first = approvals.waiting()[0][0]
    assert approvals.drop(first)
    assert not approvals.drop(first) and not approvals.send(first, "boss")
    await parts.erase("zalo:an")
    assert rows(engine, "hotline_held") == []


def test_over_http(hotline: FastAPI, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        hotline.state.approvals.hold(connection, "web:someone", "cần giấy gì", ANSWER)
    boss = signed_in_client(hotline, Role.SUPERVISOR)
    (one,) = boss.get("/api/v1/console/approvals").json()
    assert (one["question"], one["text"]) == ("cần giấy gì", ANSWER.text)
    assert "someone" not in str(one)
    assert boss.post(f"/api/v1/console/approvals/{one['id']}/send", json={}).status_code == 200
    assert boss.post(f"/api/v1/console/approvals/{one['id']}/send", json={}).status_code == 409
    assert hotline.state.transcripts.recent("web:someone")[-1].text == ANSWER.text
