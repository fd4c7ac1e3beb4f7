"""The emulator refuses what Telegram refuses, so that tests against it mean something."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.emulators.telegram import TOKEN, Emulator, parse_html


@pytest.fixture
def http(api: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{api}/bot{TOKEN}") as http:
        yield http


def refused(http: httpx.Client, method: str, **given: Any) -> str:
    answer = http.post(f"/{method}", data=given).json()
    assert answer["ok"] is False
    return answer["description"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": "<b> </b>", "parse_mode": "HTML"}, "message text is empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "👶" * 2049}, "message is too long"),
        ({"text": "a < b", "parse_mode": "HTML"}, "Unsupported start tag"),
        ({"text": "<x>a</x>", "parse_mode": "HTML"}, 'Unsupported start tag "x" at byte offset 0'),
        ({"text": "<b>a", "parse_mode": "HTML"}, "Can't find end tag"),
        ({"text": "á</b>", "parse_mode": "HTML"}, "Unmatched end tag at byte offset 2"),
        ({"text": "a", "chat_id": "99"}, "chat not found"),
        ({"text": "a", "reply_parameters": '{"message_id": 9}'}, "message to be replied not found"),
        ({"text": "a", "reply_markup": "{"}, "can't parse reply_markup"),
        ({"text": "a", "reply_markup": json.dumps({"inline_keyboard": [[{"text": "a", "callback_data": "ă" * 33}]]})},
         "BUTTON_DATA_INVALID"),
        ({"text": "a", "reply_markup": json.dumps({"inline_keyboard": [[{"text": "", "callback_data": "a"}]]})}, "non-empty"),
    ],
)  # fmt: skip
def test_messages_that_are_refused(http: httpx.Client, emulator: Emulator, given: dict[str, str], reason: str) -> None:
    emulator._chat(42)
    assert reason in refused(http, "sendMessage", **({"chat_id": "42"} | given))
    assert emulator.sent == []


def test_texts_are_measured_after_their_markup_is_read(http: httpx.Client, emulator: Emulator) -> None:
    emulator._chat(42)
    text = "<b>" + "&lt;" * 4096 + "</b>"
    answer = http.post("/sendMessage", data={"chat_id": 42, "text": text, "parse_mode": "HTML"}).json()
    assert answer["result"]["text"] == "<" * 4096
    assert parse_html("👶<i>á</i>&#x27;&nbsp;") == ("👶á'&nbsp;", [{"type": "italic", "offset": 2, "length": 1}])


def test_presses_and_edits_that_are_refused(http: httpx.Client, emulator: Emulator) -> None:
    emulator.say(42, "a")
    assert "query is too old" in refused(http, "answerCallbackQuery", callback_query_id="7")
    assert "message to edit not found" in refused(http, "editMessageReplyMarkup", chat_id=42, message_id=9)
    assert "message is not modified" in refused(http, "editMessageReplyMarkup", chat_id=42, message_id=1)


def test_webhooks_and_fetching_exclude_each_other(http: httpx.Client) -> None:
    assert "HTTPS URL" in refused(http, "setWebhook", url="http://example.com")
    assert "unallowed characters" in refused(http, "setWebhook", url="https://example.com", secret_token="é")
    assert http.post("/setWebhook", data={"url": "https://example.com"}).json()["ok"]
    assert http.get("/getWebhookInfo").json()["result"]["url"] == "https://example.com"
    assert "deleteWebhook" in refused(http, "getUpdates")


def test_fetched_updates_stay_until_they_are_confirmed(http: httpx.Client, emulator: Emulator) -> None:
    first, second = emulator.say(42, "a")["update_id"], emulator.say(42, "b")["update_id"]

    def ids(**given: Any) -> list[int]:
        return [update["update_id"] for update in http.get("/getUpdates", params=given).json()["result"]]

    assert ids() == ids() == [first, second]
    assert ids(limit=1) == [first]
    assert ids(offset=second) == [second]
    assert ids(offset=second + 1) == []


def test_paces_and_tokens(http: httpx.Client, api: str, emulator: Emulator) -> None:
    emulator._chat(-100123)
    answers = [http.post("/sendMessage", data={"chat_id": -100123, "text": "a"}) for _ in range(21)]
    assert [answer.status_code for answer in answers].count(200) == 20
    assert answers[-1].json()["parameters"]["retry_after"] > 0
    assert httpx.get(f"{api}/bot7:{'x' * 30}/getMe").status_code == 401
    assert http.get("/noSuchMethod").status_code == 404


def test_people_can_be_played_by_hand(api: str, http: httpx.Client, emulator: Emulator) -> None:
    assert httpx.post(f"{api}/_emulator/say", json={"chat": 42, "text": "xin chào"}).json()["update_id"]
    markup = json.dumps({"inline_keyboard": [[{"text": "a", "callback_data": "=a"}]]})
    http.post("/sendMessage", data={"chat_id": 42, "text": "chọn", "reply_markup": markup})
    assert httpx.post(f"{api}/_emulator/press", json={"chat": 42, "message": 2, "button": 0}).status_code == 200
    assert httpx.get(f"{api}/_emulator/messages", params={"chat": 42}).json()[0]["text"] == "chọn"
    assert httpx.post(f"{api}/_emulator/press", json={"chat": 42, "message": 7, "button": 0}).status_code == 422
    assert [list(update)[1] for update in emulator.pending] == ["message", "callback_query"]
