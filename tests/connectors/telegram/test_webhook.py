"""Updates coming in: who may bring them, what is kept, what pressing a button does; and nothing that breaks it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from actions.replies import Reply, ReplyOption
from connectors.telegram.bot import webhook_secret
from knowledge.settings import Settings
from tests.connectors.telegram.desk import PATH, Desk, until
from tests.emulators.telegram import TOKEN, USERNAME, Emulator, Fault
from tests.serving import serving

LAN, NAM, GROUP = 42, 43, -100_1234567890
LONG = '/choose_option{"choice": "1.001193.000.00.00.H57"}' + " " * 40
REPLY = Reply(
    text="Anh/chị chọn giúp:",
    status="clarification",
    options=[ReplyOption(label="Lệ phí", payload="/ask_fee"), ReplyOption(label="Khai sinh", payload=LONG)],
)


# -- who may bring updates --------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["", "x", "é", " "])
async def test_without_the_secret_nothing_is_taken(desk: Desk, emulator: Emulator, secret: str) -> None:
    response = await desk.post(emulator.say(LAN, "xin chào"), secret)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "bad_secret")
    assert desk.heard() == []


async def test_without_a_bot_there_is_no_webhook(desk: Desk, emulator: Emulator) -> None:
    desk.app.state.channels = {}
    assert (await desk.post(emulator.say(LAN, "xin chào"))).status_code == 404


def test_all_processes_know_one_secret_and_another_token_has_another(settings: Settings) -> None:
    assert webhook_secret(settings) == webhook_secret(settings.model_copy())
    other = settings.model_validate(settings.model_dump() | {"telegram_token": "8:other"})
    assert webhook_secret(other) != webhook_secret(settings)
    assert len(webhook_secret(settings)) == 64


# -- messages ---------------------------------------------------------------------------------------


async def test_a_message_is_kept_and_the_path_is_woken(desk: Desk, emulator: Emulator) -> None:
    response = await desk.post(emulator.say(LAN, "làm khai sinh cần gì"))
    assert (response.status_code, response.json()) == (200, {"status": "taken"})
    (incoming,) = desk.heard()
    assert (incoming.conversation, incoming.text) == ("telegram:42", "làm khai sinh cần gì")
    assert desk.woken == 1


async def test_the_same_update_twice_is_one_message(desk: Desk, emulator: Emulator) -> None:
    update = emulator.say(LAN, "làm khai sinh cần gì")
    answers = await asyncio.gather(*(desk.post(update) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(desk.heard()) == 1
    await desk.post(update)
    assert desk.heard() == []


async def test_the_last_message_is_answered_again_when_it_is_edited(desk: Desk, emulator: Emulator) -> None:
    await desk.post(emulator.say(LAN, "khai sin"))
    await desk.post(emulator.edit(LAN, 1, "khai sinh"))
    assert desk.texts() == ["khai sin", "khai sinh"]


async def test_an_earlier_message_is_not_answered_again(desk: Desk, emulator: Emulator) -> None:
    await desk.post(emulator.say(LAN, "khai sin"))
    await desk.post(emulator.say(LAN, "còn lệ phí"))
    response = await desk.post(emulator.edit(LAN, 1, "khai sinh"))
    assert response.json() == {"status": "ignored"}
    assert desk.texts() == ["khai sin", "còn lệ phí"]


async def test_an_album_gets_one_notice_and_its_words_an_answer(desk: Desk, emulator: Emulator) -> None:
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]
    if time.localtime().tm_sec > 55:
        await asyncio.sleep(6)  # a notice a minute: stay within one
    for number in range(4):
        caption = {"caption": "đổi căn cước ở đâu"} if number == 0 else {}
        await desk.post(emulator.say(LAN, photo=photo, media_group_id="1", **caption))
    assert desk.texts() == ["đổi căn cước ở đâu"]
    assert await desk.send() == {"sent": 1}
    assert "không mở ảnh" in emulator.sent[0]["text"]
    assert emulator.calls["getFile"] == 0


async def test_people_in_a_group_have_talks_of_their_own(desk: Desk, emulator: Emulator) -> None:
    for user in (LAN, NAM):
        await desk.post(emulator.say(GROUP, f"@{USERNAME} khai sinh", user=user))
    assert [incoming.sender for incoming in desk.heard()] == [f"{GROUP}.42", f"{GROUP}.43"]


async def test_in_a_group_dossiers_are_for_a_private_talk(desk: Desk, emulator: Emulator) -> None:
    await desk.post(emulator.say(GROUP, f"@{USERNAME} hồ sơ H57.17.26-261110-0001", user=LAN))
    assert desk.heard() == []
    await desk.send()
    assert f"https://t.me/{USERNAME}?start=d" in emulator.sent[0]["text"]


async def test_a_group_message_waits_when_the_bot_does_not_know_its_name(desk: Desk, emulator: Emulator) -> None:
    emulator.break_it(Fault.AWAY, "getMe")
    update = emulator.say(GROUP, f"@{USERNAME} khai sinh", user=LAN)
    assert (await desk.post(update)).status_code == 503
    assert (await desk.post(update)).status_code == 200
    assert desk.texts() == ["khai sinh"]


async def test_who_blocks_the_bot_and_comes_back(desk: Desk, emulator: Emulator) -> None:
    await desk.post(emulator.say(LAN, "xin chào"))
    await desk.post(emulator.block(LAN))
    emulator.chats[LAN].blocked = False  # only what we noted keeps us from writing
    assert await desk.answer("42", REPLY) == {"failed": 1}
    await desk.post(emulator.say(LAN, "tôi quay lại"))
    assert await desk.answer("42", REPLY) == {"sent": 1}


# -- buttons ----------------------------------------------------------------------------------------


async def test_a_pressed_button_says_its_payload_and_is_shown(desk: Desk, emulator: Emulator) -> None:
    emulator._chat(LAN)
    await desk.answer("42", REPLY)
    message = emulator.sent[0]
    press = emulator.press(LAN, message["message_id"], 1)
    assert (await desk.post(press)).json() == {"status": "taken"}
    await desk.settled()
    assert desk.texts() == [LONG]
    assert emulator.toasts == {press["callback_query"]["id"]: None}
    (row,) = message["reply_markup"]["inline_keyboard"]
    assert [button["text"] for button in row] == ["✓ Khai sinh"]


async def test_pressed_twice_by_mistake_counts_once(desk: Desk, emulator: Emulator) -> None:
    emulator._chat(LAN)
    await desk.answer("42", REPLY)
    number = emulator.sent[0]["message_id"]
    presses = [emulator.press(LAN, number, 0), emulator.press(LAN, number, 1)]
    for press in presses:
        await desk.post(press)
    await desk.settled()
    await desk.post(shown := emulator.press(LAN, number, 0))  # the button that shows the choice
    await desk.settled()
    assert desk.texts() == ["/ask_fee"]
    said = [emulator.toasts[press["callback_query"]["id"]] for press in [*presses, shown]]
    assert said == [None, "Anh/chị đã chọn rồi ạ.", "Anh/chị đã chọn rồi ạ."]


async def test_an_old_button_says_so(desk: Desk, emulator: Emulator) -> None:
    emulator._chat(LAN)
    await desk.answer("42", REPLY)
    with desk.engine.begin() as connection:
        connection.execute(sa.text("delete from telegram_button"))
    press = emulator.press(LAN, emulator.sent[0]["message_id"], 1)
    nowhere = emulator.press_data(None, "=x", user=LAN)
    for update in (press, nowhere):
        assert (await desk.post(update)).json() == {"status": "ignored"}
    await desk.settled()
    assert desk.heard() == []
    assert all(text and text.startswith("Nút này đã cũ") for text in emulator.toasts.values())
    assert len(emulator.toasts) == 2


async def test_in_a_group_only_who_asked_can_press(desk: Desk, emulator: Emulator) -> None:
    emulator._chat(GROUP)
    await desk.answer(f"{GROUP}.{LAN}", REPLY)
    number = emulator.sent[0]["message_id"]
    await desk.post(other := emulator.press(GROUP, number, 0, user=NAM))
    await desk.post(emulator.press(GROUP, number, 0, user=LAN))
    await desk.settled()
    said = emulator.toasts[other["callback_query"]["id"]]
    assert said and said.startswith("Nút này dành cho người đã hỏi")
    assert [(incoming.sender, incoming.text) for incoming in desk.heard()] == [(f"{GROUP}.42", "/ask_fee")]


async def test_a_press_is_kept_though_telegram_takes_no_answer_to_it(desk: Desk, emulator: Emulator) -> None:
    emulator._chat(LAN)
    await desk.answer("42", REPLY)
    emulator.break_it(Fault.AWAY, times=2)
    assert (await desk.post(emulator.press(LAN, emulator.sent[0]["message_id"], 0))).status_code == 200
    await desk.settled()
    assert desk.texts() == ["/ask_fee"]


# -- what breaks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"\xff\xfe", 400), (b"[" * 100_000, 400), (b'{"a":' * 50_000, 400), (b"null", 422),
        (b"[]", 422), (b'{"update_id": true}', 422), (b'{"update_id": "1"}', 422), (b'{"update_id": -1}', 422),
        (b'{"update_id": ' + b"9" * 30 + b"}", 422), (b'{"update_id": ' + b"9" * 5_000 + b"}", 400),
        (b'{"update_id": 1}', 200), (b'{"update_id": 1, "brand_new_kind": {}}', 200),
        (b'{"update_id": 1, "message": 5}', 200), (b'{"update_id": 1, "message": {"text": "x"}}', 200),
        (b"x" * (1024 * 1024 + 1), 413),
    ],
)  # fmt: skip
async def test_bodies_that_are_no_updates(desk: Desk, body: bytes, status: int) -> None:
    response = await desk.post(body)
    assert response.status_code == status
    assert status == 200 or set(response.json()) == {"error"}
    assert desk.heard() == []


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.data())
@hypothesis_settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_mangled_update_never_breaks_anything(fuzzed: Desk, data: st.DataObject) -> None:
    update = _mangled(json.loads(data.draw(st.sampled_from(_SAMPLES))), data)
    body = json.dumps(update).encode()
    response = asyncio.run(fuzzed.post(body))
    assert response.status_code in (200, 422), response.text


@given(body=st.binary(max_size=200))
@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_never_break_anything(fuzzed: Desk, body: bytes) -> None:
    assert asyncio.run(fuzzed.post(body)).status_code in (200, 400, 422)


@pytest.fixture
def fuzzed(settings: Settings, engine: sa.Engine) -> Desk:
    desk = Desk(settings, engine)
    desk.channel._in_background = lambda work: work.close()  # type: ignore[method-assign,attr-defined]
    return desk


def _samples() -> list[str]:
    people = Emulator()
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]
    message = people.say(LAN, f"/tra_cuu@{USERNAME} x")
    people.messages[LAN, 1]["reply_markup"] = {"inline_keyboard": [[{"text": "a", "callback_data": "=b"}]]}
    updates = [
        message, people.say(LAN, "khai sinh"), people.say(LAN, photo=photo, caption="a"), people.edit(LAN, 2, "b"),
        people.press(LAN, 1), people.block(LAN), people.upgrade(-55, GROUP),
    ]  # fmt: skip
    return [json.dumps(update) for update in updates]


_SAMPLES = _samples()


def _mangled(update: Any, data: st.DataObject) -> Any:
    """Some values within an update in place of others, or gone."""
    for _ in range(data.draw(st.integers(1, 4))):
        holder, key = update, data.draw(st.sampled_from(sorted(update)))
        while isinstance(holder[key], dict | list) and holder[key] and data.draw(st.integers(0, 3)):
            holder = holder[key]
            key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        if isinstance(holder, dict) and key != "update_id" and data.draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = data.draw(_VALUES)
        if not update:
            break
    return update


async def test_when_the_database_is_away_telegram_is_to_come_again(desk: Desk, emulator: Emulator) -> None:
    update = emulator.say(LAN, "khai sinh")
    with desk.engine.begin() as connection:
        connection.execute(sa.text("alter table telegram_talk rename to away"))
    try:
        assert (await desk.post(update)).status_code == 503
    finally:
        with desk.engine.begin() as connection:
            connection.execute(sa.text("alter table away rename to telegram_talk"))
    assert (await desk.post(update)).status_code == 200
    assert desk.texts() == ["khai sinh"]


async def test_nothing_of_people_or_the_token_is_logged(
    desk: Desk, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await desk.post(emulator.say(LAN, "chuyện riêng của tôi"))
    await desk.post('{"update_id": 1, "message": {"text": "chuyện riêng của tôi"}}'.encode())
    await desk.post(emulator.press_data(None, "chuyen", user=LAN))
    await desk.settled()
    assert not [word for word in (TOKEN, "chuyện", "chuyen", desk.secret) if word in caplog.text]


# -- start-up, and the whole way round --------------------------------------------------------------


async def test_telegram_calls_us_and_again_when_it_was_not_taken(
    settings: Settings, sqlite: sa.Engine, emulator: Emulator
) -> None:
    desk = Desk(settings, sqlite)
    with serving(desk.app) as url:
        desk.channel._webhook_url = url + PATH
        desk.channel.start()
        await until(lambda: emulator.webhook.url)
        assert emulator.webhook.secret == desk.secret
        assert [command["command"] for command in emulator.commands] == ["start", "tra_cuu", "gop_y", "help"]
        desk.app.state.channels = {}  # this process is not ready yet
        emulator.say(LAN, "khai sinh")
        await until(lambda: emulator.webhook.last_error)
        desk.app.state.channels = {"telegram": desk.channel}
        await until(lambda: not emulator.pending)
    await desk.channel.close()
    assert desk.texts() == ["khai sinh"]


async def test_start_up_survives_telegram_being_away(
    settings: Settings, sqlite: sa.Engine, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.break_it(Fault.AWAY, "getMe")
    emulator.break_it(Fault.SERVER_ERROR, "setWebhook")
    public = settings.model_copy(update={"telegram_webhook_url": "https://motcua.example.vn" + PATH})
    desk = Desk(public, sqlite)
    started = time.monotonic()
    desk.channel.start()
    assert time.monotonic() - started < 0.5
    assert (await desk.post(emulator.say(LAN, "khai sinh"))).status_code == 200
    await until(lambda: emulator.webhook.url == "https://motcua.example.vn" + PATH)
    await desk.channel.close()
    assert "Telegram is away" in caplog.text and TOKEN not in caplog.text


async def test_nobody_at_telegrams_address(tmp_path, sqlite: sa.Engine) -> None:
    nobody = Settings(home=tmp_path, telegram_token=TOKEN, telegram_api_url="http://127.0.0.1:9", telegram_timeout_s=1)
    desk = Desk(nobody, sqlite)
    desk.channel.start()
    assert (await desk.post(Emulator().say(LAN, "khai sinh"))).status_code == 200
    assert await desk.answer("42", REPLY) == {"failed": 1}
    assert desk.outbox.counts()["waiting"] == 1
    await asyncio.wait_for(desk.channel.close(), 3)


@pytest.mark.parametrize("token", ["7:" + "x" * 30, "no token"])
async def test_a_wrong_token_is_said_once(
    tmp_path, api: str, sqlite: sa.Engine, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    desk = Desk(Settings(home=tmp_path, telegram_token=token, telegram_api_url=api), sqlite)
    desk.channel.start()
    await until(lambda: "does not know the token" in caplog.text)
    await desk.channel.close()
    assert token not in caplog.text


async def test_a_webhook_answers_fast(desk: Desk, emulator: Emulator) -> None:
    updates = [emulator.say(LAN, f"câu hỏi {n}") for n in range(30)]
    with serving(desk.app) as url:
        async with httpx.AsyncClient(headers={"X-Telegram-Bot-Api-Secret-Token": desk.secret}) as http:
            times = []
            for update in updates:
                started = time.perf_counter()
                assert (await http.post(url + PATH, json=update)).status_code == 200
                times.append(time.perf_counter() - started)
    assert sorted(times)[27] < 1.0
