"""Asking for a dossier's state, through the app and the real Rasa with its form."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from knowledge.settings import Settings

pytestmark = pytest.mark.rasa

SUPPLEMENT, LATE, RECEIVED = "H57.17.26-261112-0006", "H57.17.26-261117-0004", "H57.17.26-261119-0002"
Say = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def say(running_motcua: str) -> Iterator[Say]:
    """Sends messages of one conversation; gives the replies."""
    with httpx.Client(base_url=f"{running_motcua}/api/v1", timeout=30.0) as http:
        session = http.post("/web/sessions").json()["session"]
        yield lambda text: http.post("/web/messages", json={"session": session, "text": text}).json()["messages"]


def statuses(replies: list[dict[str, Any]]) -> list[str]:
    return [reply["status"] for reply in replies]


def test_code_digits_a_question_in_the_middle_and_back(say: Say) -> None:
    assert "mã hồ sơ" in say("hồ sơ của tôi tới đâu rồi")[-1]["text"]
    assert "4 số cuối" in say(SUPPLEMENT.lower().replace("-", " – "))[-1]["text"]
    answered, asked_again = say("con tôi mới sinh cần giấy tờ gì")
    assert (answered["status"], answered["procedure_code"]) == ("answered", "1.001193")
    assert "4 số cuối" in asked_again["text"]
    (wrong,) = say("9999")
    assert wrong["status"] == "dossier_not_found_or_mismatch"
    (found,) = say("4 số cuối là 1006")
    assert found["status"] == "dossier_found"
    assert "Yêu cầu bổ sung giấy tờ" in found["text"]
    assert "Nguồn: dữ liệu mẫu" in found["text"]
    assert say("lệ phí bao nhiêu")[-1]["procedure_code"] == found["procedure_code"]


def test_all_in_the_first_message_and_no_second_proof_in_the_same_talk(say: Say) -> None:
    (found,) = say(f"cho em hỏi hồ sơ {LATE} số cuối điện thoại 1004 tới đâu rồi ạ")
    assert "đã quá hẹn" in found["text"]
    assert "xin lỗi" in found["text"]
    assert statuses(say("kiểm tra tình trạng hồ sơ")) == ["dossier_found"]


def test_an_unknown_code_and_wrong_digits_read_the_same(say: Say) -> None:
    wrong = say(f"hồ sơ {RECEIVED} 4 số cuối 9998")[-1]["text"].replace(RECEIVED, "")
    unknown_code = "H57.17.26-261119-0999"
    assert say(f"hồ sơ {unknown_code} 4 số cuối 9998")[-1]["text"].replace(unknown_code, "") == wrong


def test_a_mistyped_code_is_offered_and_never_taken_silently(say: Say) -> None:
    (reply,) = say("H57.17.262611120006")
    assert reply["status"] == "clarification"
    assert [option["label"] for option in reply["options"]] == [SUPPLEMENT]
    assert "4 số cuối" in say(reply["options"][0]["payload"])[-1]["text"]


def test_the_form_is_left_and_helped_with(say: Say) -> None:
    say("tra cứu hồ sơ")
    assert "đang chờ mã hồ sơ" in say("ơ khoan để tìm đã nhé")[-1]["text"]
    assert "dừng việc tra hồ sơ" in say("thôi không tra nữa")[-1]["text"]
    assert statuses(say("con tôi mới sinh cần giấy tờ gì")) == ["answered"]


def test_guessing_is_stopped(say: Say) -> None:
    say("H57.17.26-261118-0005")
    seen = [say(str(digits))[-1] for digits in range(7000, 7007)]
    assert "đã thử nhiều lần" in seen[-1]["text"]
    assert "1005" not in "".join(reply["text"] for reply in seen)


def test_news_needs_consent_and_ends_on_a_word(say: Say) -> None:
    assert "tra hồ sơ trước" in say("báo tôi khi có thay đổi")[-1]["text"]
    say(f"{RECEIVED} số cuối 1002")
    (consent,) = say("báo tôi khi có thay đổi")
    assert [option["label"] for option in consent["options"]] == ["Đồng ý", "Không"]
    assert "nhắn anh/chị ở đây" in say(consent["options"][0]["payload"])[-1]["text"]
    assert "xoá đăng ký nhận tin" in say("thôi đừng báo nữa")[-1]["text"]


def test_digits_and_numbers_are_written_nowhere(say: Say, starter_settings: Settings) -> None:
    phone = f"09{uuid.uuid4().int % 10_000:04}1002"  # ends in the dossier's own digits
    say(RECEIVED)
    assert say(phone)[-1]["status"] == "dossier_found"
    texts = [path for path in starter_settings.home.rglob("*") if path.is_file() and "models" not in path.parts]
    assert any(path.name.startswith("rasa-tracker.db") for path in texts)
    assert [path.name for path in texts if phone.encode() in path.read_bytes()] == []
