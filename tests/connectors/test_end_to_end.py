"""Whole turns: the real app, the real Rasa, the real index, over HTTP."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.rasa

BIRTH, DEATH = "1.001193", "1.000656"


class Chat:
    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30.0)
        self._session = self._http.post("/api/v1/web/sessions").json()["session"]

    def say(self, text: str) -> dict:  # type: ignore[type-arg]
        response = self._http.post("/api/v1/web/messages", json={"session": self._session, "text": text})
        assert response.status_code == 200
        reply = response.json()["messages"][-1]
        assert "tra cứu nhanh" not in reply["text"], "answered without Rasa"
        return reply


@pytest.fixture
def chat(running_motcua: str) -> Chat:
    return Chat(running_motcua)


def test_the_main_job(chat: Chat) -> None:
    papers = chat.say("con tôi mới sinh cần giấy tờ gì")
    assert (papers["status"], papers["procedure_code"], papers["fields"]) == ("answered", BIRTH, ["documents"])
    assert papers["sources"][0]["decision"] == "163/QĐ-BTP"
    fee = chat.say("the le phi bao nhieu")
    assert (fee["procedure_code"], fee["fields"]) == (BIRTH, ["fee"])
    online = chat.say("nộp online được không")
    assert (online["procedure_code"], online["fields"]) == (BIRTH, ["method"])


def test_two_kinds_of_facts_in_one_message(chat: Chat) -> None:
    reply = chat.say("đăng ký khai tử cần giấy tờ gì và mất bao lâu")
    assert reply["procedure_code"] == DEATH
    assert set(reply["fields"]) == {"documents", "time"}


def test_correcting_going_back_and_starting_over(chat: Chat) -> None:
    assert chat.say("con tôi mới sinh cần giấy tờ gì")["procedure_code"] == BIRTH
    assert chat.say("à không, ý em là khai tử")["procedure_code"] == DEATH
    assert chat.say("quay lại cái trước")["procedure_code"] == BIRTH
    assert chat.say("bắt đầu lại")["status"] == "small_talk"
    assert chat.say("lệ phí bao nhiêu")["status"] == "clarification"


def test_switching_in_the_middle_and_tapping_a_button(chat: Chat) -> None:
    chat.say("con tôi mới sinh cần giấy tờ gì")
    reply = chat.say("thế còn xin giấy xác nhận độc thân thì sao")
    assert reply["procedure_code"] == "1.004873"
    assert chat.say("/ask_time")["fields"] == ["time"]
    assert chat.say('/choose_option{"choice": "1.000656"}')["procedure_code"] == DEATH


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("xin chào", "small_talk"),
        ("cảm ơn nhiều nhé", "small_talk"),
        ("cháy nhà rồi cứu với", "emergency"),
        ("cho tôi gặp cán bộ", "handoff"),
        ("hôm nay trời có mưa không", "out_of_scope"),
        ("hồ sơ của tôi tới đâu rồi", "clarification"),
    ],
)
def test_what_is_not_about_a_procedure_has_a_decent_answer(chat: Chat, text: str, status: str) -> None:
    assert chat.say(text)["status"] == status


def test_identity_numbers_are_refused_and_the_question_still_answered(running_motcua: str) -> None:
    http = httpx.Client(base_url=running_motcua, timeout=30.0)
    session = http.post("/api/v1/web/sessions").json()["session"]
    sent = {"session": session, "text": "số 079203001234, xin giấy độc thân cần giấy tờ gì"}
    first, second = http.post("/api/v1/web/messages", json=sent).json()["messages"]
    assert first["status"] == "refused_personal_data"
    assert second["procedure_code"] == "1.004873"


@pytest.mark.parametrize(
    "text",
    ["a" * 10_000, "khai sinh " * 900, "😀" * 50 + "x", "<b>x</b>", "\u202e\u0007x", "what papers do I need", "你好吗", "/", "/khong_co{", "/restart"],
)
def test_odd_messages_are_answered(chat: Chat, text: str) -> None:
    assert chat.say(text)["text"]


@pytest.mark.parametrize("text", ["cà vẹt xe bị mất", "ca vet xe bi mat", "bị mất ví, mất hết giấy tờ"])
def test_a_lost_paper_is_no_emergency(chat: Chat, text: str) -> None:
    assert chat.say(text)["status"] in {"answered", "clarification", "no_such_procedure"}
