"""Talks to a real Rasa server: a trained model, the REST channel, and a stand-in for the app's actions."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
import unicodedata
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.bot.conftest import Rasa

pytestmark = pytest.mark.rasa


@pytest.fixture
def sender() -> str:
    return f"test-{uuid.uuid4().hex}"


@pytest.mark.parametrize(
    ("text", "intent", "fields"),
    [
        ("con tôi mới sinh cần giấy tờ gì", "ask_documents", ["documents"]),
        ("the le phi bao nhieu", "ask_fee", ["fee"]),
        ("nộp online được không", "ask_online", ["method"]),
        ("bao lâu thì xong", "ask_time", ["time"]),
        ("nop o dau v ad", "ask_place", ["place"]),
        ("mẫu đơn tải ở đâu", "ask_form", ["form"]),
        ("điều kiện là gì", "ask_conditions", ["conditions"]),
        ("làm xong được cấp cái gì", "ask_result", ["result"]),
        ("căn cứ luật nào", "ask_legal", ["legal"]),
        ("vợ em mới sinh", "ask_overview", []),
        (unicodedata.normalize("NFD", "lệ phí đăng ký kết hôn bao nhiêu"), "ask_fee", ["fee"]),
        ("cái đầu tiên", "choose_option", []),
        ("à không, ý em là khai tử", "correct", []),
        ("quay lại cái trước", "go_back", []),
        ("xem tiếp", "more", []),
    ],
)
def test_questions_reach_the_search(rasa: Rasa, sender: str, text: str, intent: str, fields: list[str]) -> None:
    seen = rasa.seen(text, sender)
    assert seen["action"] == "action_answer"
    assert seen["intent"] == intent
    assert seen["entities"].get("field", []) == fields


def test_several_facts_in_one_message(rasa: Rasa, sender: str) -> None:
    assert rasa.seen("cần giấy tờ gì và lệ phí bao nhiêu", sender)["entities"]["field"] == ["documents", "fee"]


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("hồ sơ của tôi đến đâu rồi", "validate_dossier_form"),
        ("tôi muốn góp ý", "action_feedback"),
        ("tôi muốn phản ánh cán bộ hạch sách", "action_feedback"),
        ("cho tôi gặp cán bộ", "action_handoff"),
        ("bắt đầu lại từ đầu", "action_restart_talk"),
    ],
)
def test_services_have_their_actions(rasa: Rasa, sender: str, text: str, action: str) -> None:
    assert rasa.seen(text, sender)["action"] == action


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("xin chào", "small_talk"),
        ("cảm ơn bạn nhiều", "small_talk"),
        ("bạn làm được gì", "small_talk"),
        ("thời tiết hôm nay thế nào", "out_of_scope"),
        ("cháy nhà cứu với", "emergency"),
    ],
)
def test_fixed_responses_carry_their_status(rasa: Rasa, sender: str, text: str, status: str) -> None:
    said = rasa.say(text, sender)
    assert [set(message) - {"recipient_id"} for message in said] == [{"text"}, {"custom"}]
    assert said[1]["custom"] == {"status": status}


def test_buttons(rasa: Rasa, sender: str) -> None:
    seen = rasa.seen('/choose_option{"choice": "1.001193"}', sender)
    assert seen == {"action": "action_answer", "intent": "choose_option", "entities": {"choice": ["1.001193"]}}
    assert rasa.seen("/ask_fee", sender)["intent"] == "ask_fee"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "👍👍👍",
        "?!...",
        "<script>alert('x')</script><b>lệ phí</b>",
        "\x00\x01\x1b[31m\u200b\u202e",
        "What documents do I need to register a birth?",
        "我想办出生登记需要什么材料",
        "/",
        "/không phải nút",
        '/choose_option{"choice": ',
        '/ask_fee{"no_such_entity": 1}',
        "/restart",
        "{{7*7}} ${MOTCUA_ACTIONS_URL} %s",
        "x" * 10_000,
        "cần giấy tờ gì để đăng ký khai sinh cho con " * 230,
        "\n".join(["dòng"] * 1000),
    ],
)
def test_odd_messages_get_an_answer(rasa: Rasa, sender: str, text: str) -> None:
    rasa.say("đăng ký khai sinh cần giấy tờ gì", sender)
    start = time.perf_counter()
    said = rasa.say(text, sender)
    if text.startswith("/restart"):
        return  # Rasa's own command; the app does not let it through
    assert said and any("text" in message for message in said), "an empty list would be silence"
    assert time.perf_counter() - start < 2.0
    assert rasa.seen("lệ phí bao nhiêu", sender)["entities"]["field"] == ["fee"], "the talk goes on"


def test_what_people_write_is_not_logged(rasa: Rasa, sender: str) -> None:
    secret = "079123456789"
    for text in (f"căn cước của tôi là {secret}", f"/{secret} là số của tôi", f'/ask_fee{{"x": {secret}'):
        rasa.say(text, sender)
    assert secret not in rasa.log.read_text(encoding="utf-8", errors="replace")


def test_talks_are_kept_in_the_file(rasa: Rasa, sender: str) -> None:
    rasa.say("lệ phí bao nhiêu", sender)
    rasa.say("nộp ở đâu", sender)
    with sqlite3.connect(rasa.talks) as talks:
        (talk,) = talks.execute("SELECT talk FROM talks WHERE sender = ?", [sender]).fetchone()
    events = json.loads(talk)["events"]
    assert [e["text"] for e in events if e["event"] == "user"] == ["lệ phí bao nhiêu", "nộp ở đâu"]
    assert [e["value"] for e in events if e["event"] == "slot" and e["name"] == "fields"] == [["fee"], ["place"]]


async def test_many_people_at_once(rasa: Rasa) -> None:
    questions = ["lệ phí bao nhiêu", "nộp ở đâu", "mất mấy ngày", "cần giấy tờ gì"]
    fields = ["fee", "place", "time", "documents"]

    def talk(number: int) -> list[str]:
        sender = f"many-{uuid.uuid4().hex}"
        return [rasa.seen(questions[(number + i) % 4], sender)["entities"]["field"][0] for i in range(4)]

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(8) as pool:
        talks = await asyncio.gather(*(loop.run_in_executor(pool, talk, n) for n in range(16)))
    assert talks == [[fields[(n + i) % 4] for i in range(4)] for n in range(16)]


def test_nothing_failed_behind_the_answers(rasa: Rasa) -> None:
    log = rasa.log.read_text(encoding="utf-8", errors="replace")
    assert "ERROR" not in log and "Traceback" not in log, log[-3000:]
