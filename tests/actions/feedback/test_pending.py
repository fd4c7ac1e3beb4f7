"""What waits in a conversation: sealed, the same for all processes, gone after its time."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from actions.feedback.pending import Pending
from tests.actions.dossiers.conftest import KEY

NOW = dt.datetime(2026, 11, 20, 23, 30)
UNTIL = NOW + dt.timedelta(days=1)
STATE = {"survey": {"answers": {"overall": 0}}, "words": "lời riêng"}


def test_another_process_with_the_same_key_goes_on(engine: sa.Engine) -> None:
    Pending(engine, KEY).put("zalo:42", STATE, UNTIL)
    assert Pending(engine, KEY).get("zalo:42", NOW) == STATE
    assert Pending(engine, KEY).get("zalo:43", NOW) is None
    assert Pending(engine, b"another key of thirty-two bytes!").get("zalo:42", NOW) is None


def test_the_database_alone_tells_neither_who_nor_what(engine: sa.Engine) -> None:
    Pending(engine, KEY).put("zalo:2468", STATE, UNTIL)
    with engine.connect() as connection:
        everything = str(connection.execute(sa.text("select * from survey_talk")).all())
    assert not any(piece in everything for piece in ("2468", "overall", "lời riêng"))


def test_a_row_that_cannot_be_opened_is_as_if_there_were_none(engine: sa.Engine) -> None:
    waiting = Pending(engine, KEY)
    waiting.put("a", STATE, UNTIL)
    with engine.begin() as connection:
        connection.execute(sa.text("update survey_talk set state = 'damaged'"))
    assert waiting.get("a", NOW) is None


def test_it_ends_and_is_swept(engine: sa.Engine) -> None:
    waiting = Pending(engine, KEY)
    waiting.put("a", STATE, UNTIL)
    waiting.put("a", STATE | {"later": True}, UNTIL)
    waiting.put("b", STATE, NOW)
    assert waiting.get("a", NOW) == STATE | {"later": True}
    assert waiting.get("b", NOW) is None
    assert (waiting.sweep(NOW), waiting.sweep(UNTIL)) == (1, 1)


def test_once_a_day(engine: sa.Engine) -> None:
    waiting = Pending(engine, KEY)
    assert [waiting.first_today("a", "rating", NOW) for _ in range(3)] == [True, False, False]
    assert waiting.first_today("b", "rating", NOW)
    assert waiting.first_today("a", "rating", NOW + dt.timedelta(hours=1)), "it is the next day"


def test_erasure(engine: sa.Engine) -> None:
    waiting = Pending(engine, KEY)
    waiting.put("a", STATE, UNTIL)
    assert [waiting.drop("a"), waiting.drop("a")] == [True, False]
    assert waiting.get("a", NOW) is None
