"""What updates mean: private talks, groups, what cannot be read, and what is nothing to us."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Update

from connectors.telegram.addresses import Address
from connectors.telegram.updates import Heard, Me, Membership, Moved, Press, Question, in_group, read
from tests.emulators.telegram import BOT_ID, USERNAME, Emulator

ME = Me(BOT_ID, USERNAME)
GROUP, LAN, NAM = -100_1234567890, 42, 43


@pytest.fixture
def people() -> Emulator:
    return Emulator()


def heard(update: dict[str, Any]) -> Heard | None:
    found = Update.de_json(update)
    return read(found, ME if in_group(found) else None)


def asked(update: dict[str, Any]) -> Question:
    question = heard(update)
    assert isinstance(question, Question)
    return question


def test_a_private_message_is_a_question(people: Emulator) -> None:
    question = asked(people.say(LAN, "làm khai sinh cần gì"))
    assert question == Question(Address(LAN), 1, "làm khai sinh cần gì")
    assert question.address.sender == "42"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/start", "xin chào"),
        ("/start p_1_001193", '/choose_option{"choice": "1.001193"}'),
        ("/start p_1_000105_000_00_00_h57", '/choose_option{"choice": "1.000105.000.00.00.H57"}'),
        ("/start d", "/dossier_status"),
        ("/start s_service", '/start_survey{"survey": "service"}'),
        ("/start ../../x", "xin chào"),
        ("/help", "hướng dẫn sử dụng"),
        ("/HELP", "hướng dẫn sử dụng"),
        (f"/help@{USERNAME}", "hướng dẫn sử dụng"),
        ("/tra_cuu", "/dossier_status"),
        ("/tra_cuu H57.17.26-261110-0001", "H57.17.26-261110-0001"),
        ("/gop_y", "/give_feedback"),
        ("/gop_y cán bộ nhiệt tình", "góp ý: cán bộ nhiệt tình"),
        ("/khong_co_lenh_nay", "/khong_co_lenh_nay"),
    ],
)
def test_commands_say_what_the_talk_understands(people: Emulator, text: str, said: str) -> None:
    assert asked(people.say(LAN, text)).text == said


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        ({"photo": [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]}, "photo", "giấy tờ tùy thân"),
        ({"document": {"file_id": "a", "file_unique_id": "b"}}, "document", "giấy tờ tùy thân"),
        ({"voice": {"file_id": "a", "file_unique_id": "b", "duration": 1}}, "voice", "tin thoại"),
        ({"location": {"longitude": 105.8, "latitude": 21.0}}, "location", "tên xã"),
        ({"contact": {"phone_number": "0300000000", "first_name": "x"}}, "contact", "không đọc và không lưu"),
        ({"dice": {"emoji": "🎲", "value": 3}}, "other", "chỉ đọc được chữ"),
    ],
)
def test_what_cannot_be_read_is_said(people: Emulator, content: dict[str, Any], kind: str, words: str) -> None:
    question = asked(people.say(LAN, **content))
    assert question.text == ""
    assert question.notice and question.notice.kind == kind
    assert words in question.notice.text


def test_a_sticker_is_answered_kindly(people: Emulator) -> None:
    sticker = {"file_id": "a", "file_unique_id": "b", "type": "regular", "width": 1, "height": 1}
    sticker |= {"is_animated": False, "is_video": False}
    question = asked(people.say(LAN, sticker=sticker))
    assert question.notice and question.notice.kind == "other"


def test_what_is_written_under_a_picture_is_read(people: Emulator) -> None:
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]
    question = asked(people.say(LAN, photo=photo, caption="mất căn cước thì làm sao"))
    assert question.text == "mất căn cước thì làm sao"
    assert question.notice


def test_an_edited_message_is_known_as_one(people: Emulator) -> None:
    people.say(LAN, "khai sin")
    assert asked(people.edit(LAN, 1, "khai sinh")).edited


# -- groups -----------------------------------------------------------------------------------------


def test_a_group_is_listened_to_only_when_it_means_the_bot(people: Emulator) -> None:
    assert heard(people.say(GROUP, "trưa nay ăn gì", user=LAN)) is None
    assert heard(people.say(GROUP, "/help", user=LAN)) is None
    assert heard(people.say(GROUP, "/help@bot_khac", user=LAN)) is None
    assert heard(people.say(GROUP, "hỏi @nguoi_khac xem", user=LAN)) is None


def test_a_mention_in_a_group_is_a_question_of_that_person(people: Emulator) -> None:
    first = asked(people.say(GROUP, f"@{USERNAME.upper()} làm khai sinh 👶 cần gì", user=LAN))
    second = asked(people.say(GROUP, f"đổi bằng lái ở đâu @{USERNAME}", user=NAM))
    assert first.text == "làm khai sinh 👶 cần gì"
    assert second.text == "đổi bằng lái ở đâu"
    assert [first.address.sender, second.address.sender] == [f"{GROUP}.42", f"{GROUP}.43"]


def test_a_reply_to_the_bot_in_a_group_is_a_question(people: Emulator) -> None:
    people.messages[GROUP, 900] = {
        "message_id": 900, "date": 1, "chat": people._chat(GROUP).to_json(), "text": "…",
        "from": {"id": BOT_ID, "is_bot": True, "first_name": "x", "username": USERNAME},
    }  # fmt: skip
    assert asked(people.say(GROUP, "còn lệ phí", user=LAN, reply_to=900)).text == "còn lệ phí"


@pytest.mark.parametrize("text", ["/tra_cuu@{me}", "@{me} hồ sơ H57.17.26-261110-0001 tới đâu", "/gop_y@{me} bực quá"])
def test_what_others_need_not_see_is_sent_to_a_private_talk(people: Emulator, text: str) -> None:
    question = asked(people.say(GROUP, text.format(me=USERNAME), user=LAN))
    assert question.text == ""
    assert question.notice and f"https://t.me/{USERNAME}?start=d" in question.notice.text


def test_bots_channels_and_service_messages_are_nothing_to_us(people: Emulator) -> None:
    update = people.say(LAN, "xin chào")
    update["message"]["from"]["is_bot"] = True
    assert heard(update) is None
    assert heard(people.say(GROUP, user=LAN, new_chat_title="Tổ 5")) is None
    assert heard(people.say(LAN)) is None
    post = people.say(GROUP, f"@{USERNAME} thông báo", kind="channel_post")
    post["channel_post"]["chat"]["type"] = "channel"
    assert heard(post) is None


def test_a_group_that_moves_and_a_person_who_blocks(people: Emulator) -> None:
    assert heard(people.upgrade(-55, GROUP)) == Moved(-55, GROUP)
    assert heard(people.block(LAN)) == Membership(LAN, reachable=False)
    assert heard(people.block(LAN, blocked=False)) == Membership(LAN, reachable=True)


# -- buttons ----------------------------------------------------------------------------------------


def test_a_press_tells_the_button(people: Emulator) -> None:
    message = {
        "message_id": 5, "date": 1, "chat": people._chat(LAN).to_json(), "text": "?",
        "reply_markup": {"inline_keyboard": [[{"text": "Lệ phí", "callback_data": "=/ask_fee"}]]},
    }  # fmt: skip
    assert heard(people.press_data(message, "=/ask_fee", user=LAN)) == Press(
        "1", Address(LAN), 5, "=/ask_fee", "Lệ phí"
    )


def test_a_press_on_a_message_too_old_to_be_told(people: Emulator) -> None:
    old = {"message_id": 5, "date": 0, "chat": people._chat(LAN).to_json()}
    assert heard(people.press_data(old, "=x", user=LAN)) == Press("1", Address(LAN), 5, "=x", "")
    assert heard(people.press_data(None, "=x", user=LAN)) == Press("2", None, 0, "=x", "")


@pytest.mark.parametrize("sender", ["", "x", "42 ", "42.", ".42", "42.43.44", "+42", "４２", "9" * 17])
def test_an_address_that_is_none(sender: str) -> None:
    with pytest.raises(ValueError):
        Address.of(sender)


@pytest.mark.parametrize("sender", ["42", "-100123.42"])
def test_an_address_is_read_as_it_is_written(sender: str) -> None:
    assert Address.of(sender).sender == sender
