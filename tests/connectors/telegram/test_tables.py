"""What is behind long buttons, and what is known of chats; on SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from connectors.telegram.addresses import Address
from connectors.telegram.buttons import KEEP_DAYS, MAX_DATA_BYTES, Button, Buttons
from connectors.telegram.talks import Talks, Target

NOW = dt.datetime(2026, 8, 3, 9, 0)
LATER = NOW + dt.timedelta(days=KEEP_DAYS, minutes=1)
LAN, NAM, IN_GROUP = Address(42), Address(43), Address(-100123, 42)
LONG = "/choose_option" + '{"choice": "1.001193.000.00.00.H57"}' + " " * 40


@pytest.fixture
def buttons(engine: sa.Engine) -> Buttons:
    return Buttons(engine)


@pytest.fixture
def talks(engine: sa.Engine) -> Talks:
    return Talks(engine)


def test_short_payloads_travel_with_the_button_and_long_ones_wait(buttons: Buttons) -> None:
    payloads = ["/ask_fee", LONG, "ă" * 32, "x" * 63]
    made = buttons.data(LAN, payloads, NOW)
    assert all(1 <= len(datum.encode()) <= MAX_DATA_BYTES for datum in made)
    assert [datum[0] for datum in made] == ["=", "#", "#", "="]
    assert [buttons.find(datum, LAN, NOW) for datum in made] == [Button("42", payload) for payload in payloads]


def test_a_token_tells_whose_it_is(buttons: Buttons) -> None:
    (datum,) = buttons.data(LAN, [LONG], NOW)
    found = buttons.find(datum, NAM, NOW)
    assert found and found.sender == "42"


def test_in_groups_every_button_belongs_to_somebody(buttons: Buttons) -> None:
    (datum,) = buttons.data(IN_GROUP, ["/ask_fee"], NOW)
    assert datum.startswith("#")
    assert buttons.find(datum, IN_GROUP, NOW) == Button("-100123.42", "/ask_fee")
    assert buttons.find("=/ask_fee", IN_GROUP, NOW) is None


@pytest.mark.parametrize("data", ["", "#", "#" + "x" * 22, "?", "aff:1", "#\0", "#" + "é" * 22])
def test_data_that_was_never_ours(buttons: Buttons, data: str) -> None:
    assert buttons.find(data, LAN, NOW) is None


def test_an_old_token_is_forgotten(buttons: Buttons) -> None:
    old, new = buttons.data(LAN, [LONG], NOW) + buttons.data(LAN, [LONG], LATER)
    assert buttons.find(old, LAN, LATER) is None
    assert buttons.sweep(LATER) == 1
    assert buttons.find(new, LAN, LATER)


def test_tokens_are_erased_with_their_conversation(buttons: Buttons) -> None:
    mine, _ = buttons.data(LAN, [LONG], NOW) + buttons.data(NAM, [LONG], NOW)
    assert buttons.erase("42") == 1
    assert buttons.find(mine, LAN, NOW) is None


def test_the_last_message_stays_the_last_one_when_they_come_in_another_order(talks: Talks) -> None:
    for message in (7, 9, 8):
        talks.heard(LAN, message, NOW)
    assert talks.last_message(LAN) == 9
    assert talks.last_message(NAM) is None


def test_an_answer_in_a_group_points_to_the_persons_message(talks: Talks) -> None:
    talks.heard(IN_GROUP, 7, NOW)
    talks.heard(LAN, 5, NOW)
    assert talks.target(IN_GROUP) == Target(-100123, 7, reachable=True)
    assert talks.target(LAN) == Target(42, None, reachable=True)


def test_a_lost_chat_is_back_with_its_next_message(talks: Talks) -> None:
    talks.lost(42, NOW)
    talks.lost(42, NOW)
    assert not talks.target(LAN).reachable
    talks.heard(LAN, 1, NOW)
    assert talks.target(LAN).reachable
    talks.lost(42, NOW)
    talks.back(42)
    assert talks.target(LAN).reachable


def test_a_group_that_moved_is_written_to_where_it_is(talks: Talks) -> None:
    talks.heard(IN_GROUP, 7, NOW)
    talks.moved(-100123, -100999)
    assert talks.target(IN_GROUP) == Target(-100999, None, reachable=True)
    talks.lost(-100999, NOW)
    assert not talks.target(IN_GROUP).reachable


def test_house_is_kept(talks: Talks) -> None:
    talks.heard(LAN, 1, NOW)
    talks.heard(NAM, 1, LATER)
    talks.lost(44, NOW)
    talks.moved(-1, -2)
    assert talks.sweep(LATER) == 2
    assert (talks.last_message(LAN), talks.last_message(NAM)) == (None, 1)
    assert talks.target(Address(-1, 1)).chat_id == -2
    assert talks.erase("43") == 1
