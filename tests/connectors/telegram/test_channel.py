"""Replies on their way to Telegram: how they arrive, and what becomes of those that do not."""

from __future__ import annotations

import logging
import time

import pytest
import sqlalchemy as sa

from actions.replies import Reply, ReplyOption
from connectors.messages import Outgoing, SendError
from connectors.telegram.addresses import Address
from connectors.telegram.buttons import Buttons
from connectors.telegram.channel import connect
from connectors.telegram.talks import Talks
from knowledge.settings import Settings
from tests.connectors.telegram.desk import Desk
from tests.emulators.telegram import TOKEN, Emulator, Fault, utf16

LAN, GROUP = 42, -100_1234567890
REPLY = Reply(
    text="Đăng ký khai sinh (mã 1.001193)\nLệ phí: <miễn phí>",
    status="answered",
    options=[ReplyOption(label="Thời hạn", payload="/ask_time"), ReplyOption(label="Nơi nộp", payload="/ask_place")],
    card={"title": "Đăng ký khai sinh", "parts": []},
)


def outgoing(recipient: str = str(LAN), reply: Reply = REPLY) -> Outgoing:
    return Outgoing(1, "telegram", recipient, reply, "in:1:0", 1)


async def error_of(desk: Desk, message: Outgoing | None = None) -> SendError:
    with pytest.raises(SendError) as caught:
        await desk.channel.send(message or outgoing())
    return caught.value


@pytest.fixture(autouse=True)
def lan(emulator: Emulator) -> None:
    emulator._chat(LAN)


def test_without_a_token_there_is_no_channel(tmp_path, sqlite: sa.Engine) -> None:
    assert connect(Settings(home=tmp_path, telegram_token=None), sqlite) is None


async def test_a_reply_arrives_as_it_is_meant(desk: Desk, emulator: Emulator) -> None:
    assert await desk.answer(str(LAN), REPLY) == {"sent": 1}
    (message,) = emulator.sent
    assert message["text"] == REPLY.text
    assert [entity["type"] for entity in message["entities"]] == ["bold"]
    buttons = [row[0] for row in message["reply_markup"]["inline_keyboard"]]
    assert [button["text"] for button in buttons] == ["Thời hạn", "Nơi nộp"]
    assert "reply_to_message" not in message


async def test_a_long_reply_arrives_in_parts_in_order(desk: Desk, emulator: Emulator) -> None:
    text = "\n".join(f"{n}. Giấy tờ số {n} 👶 và bản sao có chứng thực." for n in range(150))
    await desk.answer(str(LAN), REPLY.model_copy(update={"text": text}))
    assert len(emulator.sent) == 2
    assert all(utf16(message["text"]) <= 4096 for message in emulator.sent)
    assert " ".join(message["text"] for message in emulator.sent).split() == text.split()
    assert [("reply_markup" in message) for message in emulator.sent] == [False, True]


async def test_one_chat_gets_a_message_a_second(desk: Desk, emulator: Emulator) -> None:
    started = time.monotonic()
    for _ in range(3):
        await desk.channel.send(outgoing())
    assert time.monotonic() - started > 1.8
    assert len(emulator.sent) == 3


async def test_a_group_gets_no_more_than_twenty_a_minute(
    desk: Desk, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.telegram.pace.LONGEST_WAIT_S", 0.2)
    monkeypatch.setattr("connectors.telegram.pace.AsyncLimiter", _Unhurried)
    emulator._chat(GROUP)
    for _ in range(10):
        await desk.channel.send(outgoing(f"{GROUP}.{LAN}"))
    error = await error_of(desk, outgoing(f"{GROUP}.{LAN}"))
    assert error.retry_after_s == 15
    assert len(emulator.sent) == 10


async def test_an_answer_in_a_group_replies_to_who_asked(desk: Desk, emulator: Emulator, sqlite: sa.Engine) -> None:
    question = emulator.say(GROUP, "@motcua_thu_bot lệ phí", user=LAN)["message"]
    Talks(sqlite).heard(Address(GROUP, LAN), question["message_id"])
    await desk.channel.send(outgoing(f"{GROUP}.{LAN}"))
    assert emulator.sent[0]["reply_to_message"]["message_id"] == question["message_id"]
    data = emulator.sent[0]["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    assert Buttons(sqlite).find(data, Address(GROUP, LAN))


async def test_an_answer_in_a_group_arrives_though_the_question_is_gone(
    desk: Desk, emulator: Emulator, sqlite: sa.Engine
) -> None:
    emulator._chat(GROUP)
    Talks(sqlite).heard(Address(GROUP, LAN), 77)
    await desk.channel.send(outgoing(f"{GROUP}.{LAN}"))
    assert "reply_to_message" not in emulator.sent[0]


# -- errors -----------------------------------------------------------------------------------------


async def test_who_blocks_the_bot_is_not_written_to_again(desk: Desk, emulator: Emulator) -> None:
    emulator.chats[LAN].blocked = True
    assert (await error_of(desk)).retry_after_s is None
    assert (await error_of(desk)).reason == "blocked or put out by the recipient"
    assert emulator.calls["sendMessage"] == 1


async def test_a_recipient_that_is_gone(desk: Desk, emulator: Emulator) -> None:
    error = await error_of(desk, outgoing("99"))
    assert (error.reason, error.retry_after_s) == ("the recipient is gone", None)
    await error_of(desk, outgoing("99"))
    assert emulator.calls["sendMessage"] == 1


async def test_too_fast_waits_as_long_as_telegram_says(desk: Desk, emulator: Emulator) -> None:
    emulator.break_it(Fault.TOO_FAST, "sendMessage", retry_after_s=17)
    assert (await error_of(desk)).retry_after_s == 17
    await desk.channel.send(outgoing())
    assert len(emulator.sent) == 1


async def test_markup_that_telegram_cannot_read_goes_out_as_plain_text_once(desk: Desk, emulator: Emulator) -> None:
    emulator.break_it(Fault.BAD_ENTITIES, "sendMessage", times=5)
    await desk.channel.send(outgoing())
    assert emulator.calls["sendMessage"] == 2
    assert (emulator.sent[0]["text"], emulator.sent[0]["entities"]) == (REPLY.text, [])


async def test_a_bad_request_is_no_network_error(desk: Desk, emulator: Emulator) -> None:
    emulator.break_it(Fault.BAD_REQUEST, "sendMessage")
    error = await error_of(desk)
    assert (error.reason, error.retry_after_s) == ("refused (400)", None)


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.NOT_JSON, Fault.AWAY, Fault.LOST])
async def test_when_telegram_is_away_it_is_tried_again(desk: Desk, emulator: Emulator, fault: Fault) -> None:
    emulator.break_it(fault, "sendMessage")
    assert (await error_of(desk)).retry_after_s == 0
    await desk.channel.send(outgoing())
    # What was taken before the answer was lost is there twice: Telegram cannot tell.
    assert len(emulator.sent) == (2 if fault is Fault.LOST else 1)


async def test_a_slow_telegram_is_not_waited_for(desk: Desk, emulator: Emulator) -> None:
    emulator.slow_s = 4
    emulator.break_it(Fault.SLOW, "sendMessage")
    started = time.monotonic()
    assert (await error_of(desk)).reason == "no answer in time"
    assert time.monotonic() - started < 3.5


async def test_a_group_that_has_moved_is_followed(desk: Desk, emulator: Emulator) -> None:
    emulator._chat(-55).moved_to = GROUP
    emulator._chat(GROUP)
    for _ in range(2):
        await desk.channel.send(outgoing(f"-55.{LAN}"))
    assert [message["chat"]["id"] for message in emulator.sent] == [GROUP, GROUP]
    assert emulator.calls["sendMessage"] == 3


async def test_a_wrong_token_waits_for_a_right_one(tmp_path, api: str, sqlite: sa.Engine) -> None:
    wrong = Settings(home=tmp_path, telegram_token="7:" + "x" * 30, telegram_api_url=api)
    desk = Desk(wrong, sqlite)
    error = await error_of(desk)
    await desk.channel.close()
    assert (error.reason, error.retry_after_s) == ("Telegram does not know the token", 0)


async def test_a_recipient_of_no_telegram(desk: Desk) -> None:
    assert (await error_of(desk, outgoing("khong phai"))).retry_after_s is None


async def test_nothing_of_people_or_the_token_is_in_logs_or_reasons(
    desk: Desk, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    reasons: list[str] = []
    for fault in Fault:
        if fault is not Fault.SLOW:
            emulator.break_it(fault, "sendMessage")
            try:
                await desk.channel.send(outgoing())
            except SendError as error:
                reasons.append(error.reason)
            emulator.heal()
            Talks(desk.engine).back(LAN)
    seen = caplog.text + " ".join(reasons)
    assert len(reasons) >= 6
    assert not [word for word in (TOKEN, "khai sinh", "miễn phí", "ask_time") if word in seen]


# -- the sign that an answer is coming --------------------------------------------------------------


async def test_typing_is_shown(desk: Desk, emulator: Emulator) -> None:
    emulator._chat(GROUP)
    await desk.channel.preparing(str(LAN))
    await desk.channel.preparing(f"{GROUP}.{LAN}")
    assert emulator.actions == [(LAN, "typing"), (GROUP, "typing")]


async def test_showing_that_never_raises(desk: Desk, emulator: Emulator) -> None:
    emulator.break_it(Fault.AWAY, "sendChatAction")
    for sender in (str(LAN), "99", "khong phai"):
        await desk.channel.preparing(sender)


class _Unhurried:
    """A limiter whose second does not pass by, and whose minute has a size only."""

    def __init__(self, most: float, period_s: float) -> None:
        self._left = most if period_s > 1 else float("inf")

    async def acquire(self) -> None:
        if self._left < 1:
            raise TimeoutError
        self._left -= 1
