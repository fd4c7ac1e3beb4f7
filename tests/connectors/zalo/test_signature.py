"""The webhook's signature: the published vector, both variants, and nothing else."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.zalo.signature import Signer, mac

APP_ID, SECRET, MOMENT = "1234567890123456789", "OA-SECRET-example-0001", "1764000000000"
BODY = (
    '{"app_id":"1234567890123456789","sender":{"id":"246845883529197922"},"user_id_by_app":"552177279717587730",'
    '"recipient":{"id":"388613280878808645"},"event_name":"user_send_text","message":{"text":"Thủ tục đăng ký khai sinh '
    'cần giấy tờ gì?","msg_id":"96d3cdf3af150460909"},"timestamp":"1764000000000"}'
).encode()
MAC = "492fbf7c0569110970c1aaa501b722e9a3399ed112b79c5b141114ff68c517c0"
SIGNER = Signer(APP_ID, SECRET)


def test_the_published_vector() -> None:
    assert len(BODY) == 313
    assert mac(APP_ID, BODY, MOMENT, SECRET) == MAC


@pytest.mark.parametrize("header", [f"mac={MAC}", MAC, MAC.upper(), f" mac={MAC} "])
def test_with_and_without_mac(header: str) -> None:
    assert SIGNER.variant(BODY, header, None, MOMENT) == "body"


def test_the_time_of_the_header_is_tried_first() -> None:
    assert SIGNER.variant(BODY, MAC, MOMENT, "1") == "header"
    assert SIGNER.variant(BODY, MAC, "1", MOMENT) == "body"
    assert SIGNER.variant(BODY, MAC, MOMENT, MOMENT) == "header"


def test_signed_with_the_accounts_id() -> None:
    signer = Signer("1", SECRET, oa_id=APP_ID)
    assert signer.variant(BODY, MAC, None, MOMENT) == "body+oa"
    assert Signer("1", SECRET).variant(BODY, MAC, None, MOMENT) is None


def test_the_same_json_written_otherwise_is_something_else() -> None:
    again = json.dumps(json.loads(BODY)).encode()
    assert SIGNER.variant(again, MAC, None, MOMENT) is None


@pytest.mark.parametrize("header", [None, "", "mac=", "mac=x" * 20, MAC[:-1], MAC + "0", "mac=mac=" + MAC, "é" * 64])
def test_what_is_no_digest(header: str | None) -> None:
    assert SIGNER.variant(BODY, header, MOMENT, MOMENT) is None


def test_the_end_of_the_body_cannot_be_passed_off_as_the_time() -> None:
    """The concatenation has no borders; only digits are a time."""
    signed = hashlib.sha256(APP_ID.encode() + BODY + b"5" + SECRET.encode()).hexdigest()
    assert SIGNER.variant(BODY[:-1], signed, "}5", None) is None


@given(st.binary(max_size=200), st.text(max_size=70), st.text(max_size=20), st.text(max_size=20))
def test_nothing_made_up_is_accepted_and_nothing_breaks(body: bytes, header: str, one: str, other: str) -> None:
    assert SIGNER.variant(body, header, one, other) is None


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(SIGNER)
