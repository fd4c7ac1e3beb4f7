"""Webhook events: every kind of the documentation is read; of persons only what is needed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.zalo.events import (
    Followed,
    Ignored,
    InfoShared,
    MalformedEventError,
    Media,
    NoText,
    StaffWrote,
    Text,
    Withdrawn,
    anonymous,
    anonymous_parts,
    decode,
    read,
    timestamp,
)

USER, OA = "246845883529197922", "388613280878808645"


def sent(name: str, message: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {
        "app_id": "36", "sender": {"id": USER}, "user_id_by_app": "55", "recipient": {"id": OA}, "event_name": name,
        "message": message, "timestamp": "1764000000000", **more,
    }  # fmt: skip


def test_a_text() -> None:
    event = read(sent("user_send_text", {"text": "khai sinh", "msg_id": "96d", "quote_msg_id": "95a"}))
    assert event == Text(USER, "msg:96d", "khai sinh")
    assert "khai sinh" not in repr(event) and USER not in repr(event)


@pytest.mark.parametrize(
    ("kind", "media"),
    [
        ("image", Media.IMAGE), ("gif", Media.STICKER), ("sticker", Media.STICKER), ("location", Media.LOCATION),
        ("audio", Media.AUDIO), ("business_card", Media.BUSINESS_CARD), ("link", Media.OTHER), ("video", Media.OTHER),
        ("file", Media.OTHER),
    ],
)  # fmt: skip
def test_media(kind: str, media: Media) -> None:
    message = {"msg_id": "m1", "attachments": [{"type": kind, "payload": {"url": "https://x.example/secret"}}]}
    event = read(sent(f"user_send_{kind}", message))
    assert event == NoText(USER, "msg:m1", media)
    assert "secret" not in str(vars(event))


def test_a_business_card_that_comes_as_a_link() -> None:
    payload = {"description": '{"phone":"0301234567","qrCodeUrl":"https://x.example"}', "url": "https://x.example"}
    event = read(sent("user_send_link", {"msg_id": "m", "attachments": [{"type": "link", "payload": payload}]}))
    assert event == NoText(USER, "msg:m", Media.BUSINESS_CARD)


def test_a_visitor_without_identity() -> None:
    message = {"conversation_id": "fa8f3f87", "text": "chào", "msg_id": "m"}
    event = read(sent("anonymous_send_text", message, sender={"id": "1ffedc46"}))
    assert event == Text("anonymous.1ffedc46.fa8f3f87", "msg:m", "chào")
    assert anonymous_parts("anonymous.1ffedc46.fa8f3f87") == ("1ffedc46", "fa8f3f87")
    assert anonymous_parts(USER) is None
    assert anonymous("a", "b") == "anonymous.a.b"


def test_follow_and_first_chat() -> None:
    follow = {"oa_id": OA, "follower": {"id": USER}, "event_name": "follow", "source": "oa_profile", "timestamp": "1"}
    assert isinstance(read(follow), Followed)
    assert isinstance(
        read({"event_name": "user_click_chatnow", "oa_id": OA, "user_id": USER, "timestamp": "1"}), Followed
    )
    assert read(follow | {"event_name": "unfollow"}) == Ignored("unfollow")


@pytest.mark.parametrize(
    "info",
    [
        {"name": "Người Thử", "phone": "84301234567", "user_dob": "30/10/1999", "full_address": {"user_city": "Huế"}},
        {"name": "Người Thử", "phone": "84301234567", "address": "Số 1", "city": "Huế", "district": "x", "ward": "y"},
    ],
)
def test_what_people_tell_of_themselves_is_not_read(info: dict[str, Any]) -> None:
    event = read(sent("user_submit_info", None, info=info))
    assert isinstance(event, InfoShared)
    assert not {"Người Thử", "84301234567"} & set(map(str, vars(event).values()))


def test_an_officer_writes_and_our_own_echo() -> None:
    echo = sent("oa_send_text", {"text": "x", "msg_id": "m"}, sender={"id": OA}, recipient={"id": USER})
    assert read(echo) == Ignored("oa_send_text")
    assert read(echo | {"sender": {"id": OA, "admin_id": "7"}}) == StaffWrote(USER)
    to_visitor = echo | {
        "event_name": "oa_send_anonymous_text", "sender": {"id": OA, "admin_id": "7"}, "recipient": {"id": "1ff"},
        "message": {"conversation_id": "fa8", "msg_id": "m"},
    }  # fmt: skip
    assert read(to_visitor) == StaffWrote("anonymous.1ff.fa8")


def test_a_wish_to_be_forgotten() -> None:
    assert read({"event_name": "user_withdraw", "user_id": USER, "user_id_by_app": "5"}) == Withdrawn(USER)


@pytest.mark.parametrize(
    "name",
    ["user_received_message", "user_seen_message", "user_reacted_message", "add_user_to_tag", "user_call_oa",
     "create_group", "user_send_group_text", "widget_interaction_accepted", "something_of_next_year", "user_send_hologram"],
)  # fmt: skip
def test_other_kinds_are_ignored_by_name(name: str) -> None:
    assert read(sent(name, {"msg_id": "m", "msg_ids": ["m"]})) == Ignored(name)


def test_events_without_a_message_have_a_key_of_name_time_and_person() -> None:
    def key(name: str, moment: str, user: str) -> str:
        event = read({"event_name": name, "follower": {"id": user}, "timestamp": moment})
        assert isinstance(event, Followed)
        return event.key

    assert key("follow", "1", "a") == key("follow", "1", "a")
    assert len({key("follow", "1", "a"), key("follow", "2", "a"), key("follow", "1", "b")}) == 3


@pytest.mark.parametrize(
    "raw",
    [
        {}, {"event_name": 5}, {"event_name": "<script>"}, sent("user_send_text", None), sent("user_send_text", {"text": 5}),
        sent("user_send_text", {"text": "x"}, sender={"id": None}), sent("user_send_text", {"text": "x"}, sender=[]),
        sent("user_send_text", {"text": "x"}, sender={"id": "../../x"}), sent("anonymous_send_text", {"text": "x"}),
        {"event_name": "user_withdraw"}, {"event_name": "follow", "follower": "x"},
    ],
)  # fmt: skip
def test_malformed(raw: dict[str, Any]) -> None:
    with pytest.raises(MalformedEventError):
        read(raw)


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe\x00", b"[]", b'"x"', b"[" * 100_000, b'{"a":' * 50_000, b"1" * 10_000]
)
def test_what_is_no_object(body: bytes) -> None:
    with pytest.raises(MalformedEventError):
        decode(body)


def test_what_no_database_takes_is_taken_out_of_texts() -> None:
    event = read(decode(json.dumps(sent("user_send_text", {"text": "a\x00b\ud83dc", "msg_id": "m"})).encode()))
    assert isinstance(event, Text)
    assert event.text == "a b?c"


@pytest.mark.parametrize(
    ("value", "read_as"), [("1764", "1764"), (1764, "1764"), (True, None), ("-1", None), ([], None)]
)
def test_the_time(value: Any, read_as: str | None) -> None:
    assert timestamp({"timestamp": value}) == read_as


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["user_send_text", "user_send_link", "anonymous_send_text", "follow", "user_withdraw", "oa_send_text"]
)
shapes = st.fixed_dictionaries({"event_name": names}, optional={
    name: json_values | st.fixed_dictionaries({"id": json_values, "msg_id": json_values, "text": json_values})
    for name in ("sender", "recipient", "message", "follower", "user_id", "timestamp")
})  # fmt: skip


@given(shapes)
def test_any_shape_is_read_or_refused(raw: dict[str, Any]) -> None:
    try:
        event = read(raw)
    except MalformedEventError:
        return
    text = getattr(event, "text", "") + getattr(event, "key", "")
    text.encode()  # can be stored
